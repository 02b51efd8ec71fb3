//! Turns as one page that loads nothing: a lane for each source, a column for each turn.
//!
//! What is shown is data in the page, and the words are those of [`text`](super::text).

use std::fmt::Write as _;

use super::film::{Lane, Turn};
use super::text::{Said, Wait};
use crate::json::Quoted;

/// No page has more turns than this: a browser has to hold them.
pub const MAX_TURNS: usize = 20_000;

/// Nor do its turns take more bytes: a turn may have many thousand events.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Gathers turns for a page.
#[derive(Debug, Default)]
pub struct Page {
    turns: String,
    count: usize,
    left_out: usize,
}

impl Page {
    /// An empty page.
    pub fn new() -> Page {
        Page::default()
    }

    /// Appends a turn. From the first on that is above [`MAX_TURNS`] or [`MAX_BYTES`] only their number.
    pub fn turn(&mut self, turn: &Turn) {
        let before = self.turns.len();
        if self.count < MAX_TURNS && self.left_out == 0 {
            self.append(turn);
            if self.turns.len() <= MAX_BYTES {
                self.count += 1;
                return;
            }
            self.turns.truncate(before);
        }
        self.left_out += 1;
    }

    /// How many turns it does not have.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    fn append(&mut self, turn: &Turn) {
        let comma = if self.count == 0 { "" } else { ",\n" };
        let wait = Quoted(&Wait(turn).to_string()).to_string();
        let (number, nanos) = (turn.number, turn.time.as_nanos());
        let after = turn.after.as_nanos();
        let slept = turn.slept.map_or("null".to_owned(), |slept| slept.as_nanos().to_string());
        let out = &mut self.turns;
        let _ = write!(
            out,
            "{comma}{{\"n\":{number},\"at\":{nanos},\"after\":{after},\"slept\":{slept},\"polls\":{},\"wait\":{wait},\"e\":[",
            turn.polls
        );
        for (index, event) in turn.events.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let (title, said) = (event.what.title(), Said(&event.what).to_string());
            let (title, said) = (Quoted(title), Quoted(&said));
            let _ = write!(out, "{comma}[{},{title},{said}]", event.lane);
        }
        out.push_str("]}");
    }

    /// The page. `title` says what it is of, `outcome` how it has ended.
    pub fn finish(self, lanes: &[Lane], title: &str, outcome: &str) -> String {
        let mut data = String::from("{\"lanes\":[");
        for (index, lane) in lanes.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let name = lane.to_string();
            let _ = write!(data, "{comma}{}", Quoted(&name));
        }
        let left_out = self.left_out;
        let (quoted, outcome) = (Quoted(title), Quoted(outcome));
        let _ = write!(
            data,
            "],\"title\":{quoted},\"outcome\":{outcome},\"leftOut\":{left_out},\"turns\":[{}]}}",
            self.turns
        );
        let title = title.replace('&', "&amp;").replace('<', "&lt;");
        let parts = [
            ("TITLE", title.as_str()),
            ("/* STYLE */", include_str!("page/style.css")),
            ("\"DATA\"", data.as_str()),
            ("/* SCRIPT */", include_str!("page/script.js")),
        ];
        let (mut page, mut rest) = (String::new(), include_str!("page/page.html"));
        // What is put in may look like another of them.
        for (place, part) in parts {
            let (before, behind) = rest.split_once(place).expect("every place is there, in order");
            page.extend([before, part]);
            rest = behind;
        }
        page.push_str(rest);
        page
    }
}
