//! Labs in words, for a terminal of 100 columns.
//!
//! A run may have a thousand turns that are all the same, or a turn a hundred reads. What repeats itself is
//! shown once, with how often it came.

use std::fmt::Write as _;

use super::lab::Lab;
use super::labs::LABS;
use super::run::{Moment, Run};
use crate::timeline::{Lane, Turn, What, text};

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
fn introduction(lab: &Lab, number: usize) -> String {
    let Lab { title, rule, mistake, wrong, right, scene, question, .. } = lab;
    let mut out = String::new();
    let _ = writeln!(out, "Lab {number}: {title}\n\n{}\n", wrapped(mistake));
    let _ = writeln!(out, "Wrong:\n\n{}\nRight:\n\n{}", indented(wrong), indented(right));
    let _ = writeln!(out, "{}\n", wrapped(&format!("The scene: {scene}")));
    let _ = writeln!(out, "{}\n", wrapped(&format!("Before you look: {question}")));
    let _ = writeln!(out, "{}\n", headline(&format!("{rule} is broken")));
    let _ = writeln!(
        out,
        "(* is what people do. The turns in which they come in are left out, and short idle ones.)"
    );
    out
}

/// A run, up to its verdict. So many moments at its beginning are `same` with the mistake and without.
pub fn run(run: &Run, same: usize) -> String {
    let mut out = String::new();
    let mut at = 0;
    while at < run.moments.len() {
        if at == same {
            let _ = writeln!(out, "{FORK}");
        }
        let moment = &run.moments[at];
        let behind = if at < same { &run.moments[at + 1..same] } else { &run.moments[at + 1..] };
        let mut again = 0;
        match moment {
            Moment::Outside(words) => {
                let _ = writeln!(out, "  * {words}");
            }
            Moment::Turn(turn) => {
                out.push_str(&turn_in_words(turn, &run.lanes));
                again = behind.iter().take_while(|next| next.is_same(moment)).count();
            }
        }
        if again > 0 {
            let turns = if again == 1 { "turn" } else { "turns" };
            let _ = writeln!(out, "  … and the same in {again} more {turns}");
        }
        at += 1 + again;
    }
    if at == same {
        let _ = writeln!(out, "{FORK}");
    }
    let verdict = if run.verdict.is_right { "RIGHT" } else { "WRONG" };
    let _ = writeln!(out, "\n{}", wrapped(&format!("{verdict}: {}", run.verdict.words)));
    out
}

/// Stands where the run with the mistake and the one without begin to differ.
const FORK: &str = "      ┄┄┄┄ up to here both loops do the same ┄┄┄┄";

/// All of a lab: the mistake, the run with it and the one without, and where to read on.
pub fn lab(lab: &Lab, number: usize, broken: &Run, kept: &Run) -> String {
    let (file, function) = lab.place;
    let same = broken.same_as(kept);
    format!(
        "{}\n{}\n{}\n\n{}\n\n{}\n\
         In the code:    R::{} in `{function}`, {file}\n\
         In the book:    {}\n\
         On the ladder:  {}\n",
        introduction(lab, number),
        self::run(broken, same),
        wrapped(&format!("Look at {}", lab.look)),
        headline("The rule is kept"),
        self::run(kept, same),
        lab.rule,
        lab.chapter,
        lab.rung,
    )
}

fn turn_in_words(turn: &Turn, lanes: &[Lane]) -> String {
    if turn.events.is_empty() {
        return text::turn(turn, lanes) + "  nothing happens\n";
    }
    let mut turn = turn.clone();
    for event in &mut turn.events {
        if let What::Read { bytes, .. } | What::Message(bytes) | What::Wrote { bytes, .. } =
            &mut event.what
        {
            bytes.bytes.truncate(SHOWN_BYTES);
        }
    }
    let all = text::turn(&turn, lanes);
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

/// So many bytes of something that was said are shown, so that a line fits.
pub(super) const SHOWN_BYTES: usize = 24;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_itself_three_times_is_shown_once() {
        assert_eq!(repetition(&["a", "a", "a", "b"]), (1, 3));
        assert_eq!(repetition(&["a", "b", "a", "b", "a", "b", "a"]), (2, 3));
        assert_eq!(repetition(&["a", "a", "b"]), (1, 1));
        assert_eq!(repetition(&["a", "b", "c", "b", "c", "b", "c"]), (1, 1), "not from the start");
        assert_eq!(repetition(&["a"]), (1, 1));
    }

    #[test]
    fn words_are_broken_into_lines_as_long_as_the_terminal_is_wide() {
        let words = ["word"; 60].join(" ");
        let lines: Vec<_> = wrapped(&words).lines().map(str::len).collect();
        assert_eq!(lines, [99, 99, 99]);
        assert_eq!(wrapped(&"x".repeat(150)), "x".repeat(150), "a word is not broken");
        assert_eq!(wrapped(" one\n two "), "one two");
        let fits = format!("{} {}", "x".repeat(49), "y".repeat(50));
        assert_eq!(wrapped(&fits), fits);
    }
}
