//! Labs in words, for a terminal of 100 columns.
//!
//! A run may have a thousand turns that are all the same, or a turn a hundred reads. What repeats itself is
//! shown once, with how often it came.

use std::fmt::Write as _;

use super::lab::Lab;
use super::labs::LABS;
use super::run::{Moment, Run};
use crate::timeline::text::Head;
use crate::timeline::{Lane, Turn, text};

/// The table of all labs.
pub fn table() -> String {
    let mut out = String::from("Mistakes in a readiness loop, and the rules that they break:\n\n");
    for (lab, number) in LABS.iter().zip(1..) {
        let _ = writeln!(out, "  {number:>2}  {:<52} {}", lab.title, lab.rule);
    }
    out.push_str(
        "\n`readily learn 1` shows the first: the code, the loop with the mistake, and without.\n",
    );
    out
}

/// All of a lab but its runs.
pub fn introduction(lab: &Lab, number: usize) -> String {
    let Lab { title, rule, mistake, wrong, right, scene, question, .. } = lab;
    let mut out = String::new();
    let _ = writeln!(out, "Lab {number}: {title}\n\n{}\n", wrapped(mistake));
    let _ = writeln!(out, "Wrong:\n\n{}\nRight:\n\n{}", indented(wrong), indented(right));
    let _ = writeln!(out, "{}\n", wrapped(&format!("The scene: {scene}")));
    let _ = writeln!(out, "{}\n", wrapped(&format!("Before you look: {question}")));
    let _ = writeln!(out, "{}\n", headline(&format!("{rule} is broken")));
    let _ = writeln!(
        out,
        "(* is what people do. A turn in which nothing happens is shown only if it is long.)"
    );
    out
}

/// A run, up to its verdict.
pub fn run(run: &Run) -> String {
    let mut out = String::new();
    let mut moments = run.moments.iter().peekable();
    while let Some(moment) = moments.next() {
        match moment {
            Moment::Outside(words) => {
                let _ = writeln!(out, "  * {words}");
            }
            Moment::Turn(turn) => {
                out.push_str(&turn_in_words(turn, &run.lanes));
                // Those behind it that are the same again.
                let mut last = None;
                let mut count = 0;
                while let Some(Moment::Turn(next)) = moments
                    .next_if(|next| matches!(next, Moment::Turn(next) if is_again(turn, next)))
                {
                    (last, count) = (Some(next), count + 1);
                }
                if let Some(last) = last {
                    let number = last.number;
                    let _ = writeln!(
                        out,
                        "  … and the same in {count} more turns, up to turn {number}"
                    );
                }
            }
        }
    }
    let verdict = if run.verdict.is_right { "RIGHT" } else { "WRONG" };
    let _ = writeln!(out, "\n{}", wrapped(&format!("{verdict}: {}", run.verdict.words)));
    out
}

/// All of a lab: the mistake, the run with it and the one without, and where to read on.
pub fn lab(lab: &Lab, number: usize, broken: &Run, kept: &Run) -> String {
    let (file, function) = lab.place;
    format!(
        "{}\n{}\n{}\n\n{}\n\n{}\n\
         The rule in the code:     R::{} in `{function}`, {file}\n\
         In the book:              {}\n\
         A small server that does: {}\n",
        introduction(lab, number),
        self::run(broken),
        wrapped(&format!("Look at {}", lab.look)),
        headline("The rule is kept"),
        self::run(kept),
        lab.rule,
        lab.chapter,
        lab.rung,
    )
}

/// Whether a turn is as the one before it.
fn is_again(turn: &Turn, next: &Turn) -> bool {
    turn.events == next.events && turn.timeout == next.timeout
}

fn turn_in_words(turn: &Turn, lanes: &[Lane]) -> String {
    if turn.events.is_empty() {
        return format!("{}\n  nothing happens\n", Head(turn));
    }
    let all = text::turn(turn, lanes);
    let lines: Vec<&str> = all.lines().collect();
    let mut out = String::new();
    let mut at = 0;
    while at < lines.len() {
        let (length, times) = repetition(&lines[at..]);
        for line in &lines[at..at + length] {
            let _ = writeln!(out, "{line}");
        }
        if times > 1 {
            let _ = writeln!(out, "    … and the same {} times more", times - 1);
        }
        at += length * times;
    }
    out
}

/// How many lines at the beginning repeat themselves, and how often: 1 and 1 if they do not.
fn repetition(lines: &[&str]) -> (usize, usize) {
    for length in 1..=4.min(lines.len() / 3) {
        let times = lines.chunks(length).take_while(|chunk| *chunk == &lines[..length]).count();
        if times > 2 {
            return (length, times);
        }
    }
    (1, 1)
}

/// The width of a terminal, in columns.
const WIDTH: usize = 100;

/// Words, broken into lines that fit.
fn wrapped(words: &str) -> String {
    let mut out = String::new();
    let mut width = 0;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            out.push('\n');
            width = 0;
        } else if width > 0 {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += length;
    }
    out
}

fn indented(code: &str) -> String {
    code.lines().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "{}", format!("    {line}").trim_end());
        out
    })
}

/// A line across the terminal.
fn headline(words: &str) -> String {
    format!("── {words} {}", "─".repeat(WIDTH.saturating_sub(words.chars().count() + 4)))
}
