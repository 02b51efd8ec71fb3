//! The file: made, opened, and what may be wrong with it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::head::{FORMAT, Head, MAGIC, MAX_HEAD_BYTES};
use crate::config::ByteSize;
use crate::kernel::Recorder;
use crate::server::StartError;

/// Makes a recording of a server that is to be started.
///
/// # Errors
/// As [`Recorder::create`].
pub fn create(path: &Path, limit: ByteSize, head: &Head) -> io::Result<Recorder> {
    Recorder::create(path, limit.bytes() as u64, head.to_string().as_bytes())
}

/// Reads a recording: what it began with, and its tape.
///
/// # Errors
/// If it cannot be read, or is not a recording that this version knows.
pub fn read(path: &Path) -> Result<(Head, Vec<u8>), Unreadable> {
    let most = (ByteSize::MAX.bytes() + 2 * MAX_HEAD_BYTES) as u64;
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Unreadable::Io)?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(Unreadable::Io)?;
    if bytes.len() as u64 > most {
        return Err(Unreadable::Foreign);
    }
    parse(bytes)
}

/// Takes the head off.
fn parse(mut bytes: Vec<u8>) -> Result<(Head, Vec<u8>), Unreadable> {
    let front = &bytes[..bytes.len().min(MAX_HEAD_BYTES)];
    let behind = front.strip_prefix(MAGIC.as_bytes()).ok_or_else(|| {
        // As far as it goes, it may be one.
        match MAGIC.as_bytes().starts_with(front) && !front.is_empty() {
            true => Unreadable::Truncated,
            false => Unreadable::Foreign,
        }
    })?;
    let end = behind.iter().position(|byte| *byte == b'\n').ok_or(Unreadable::Truncated)?;
    let number = str::from_utf8(&behind[..end]).ok().and_then(crate::decimal::parse);
    match number {
        Some(FORMAT) => {}
        Some(format) => return Err(Unreadable::OtherFormat(format)),
        None => return Err(Unreadable::Foreign),
    }
    let text = &behind[end + 1..];
    let length = memchr::memmem::find(text, b"\n\n").ok_or(Unreadable::Truncated)?;
    let lines = str::from_utf8(&text[..length]).map_err(|_| Unreadable::Foreign)?;
    let head = Head::parse(lines.split('\n')).map_err(Unreadable::Head)?;
    let start = MAGIC.len() + end + 1 + length + 2;
    bytes.drain(..start);
    Ok((head, bytes))
}

/// Why a recording cannot be replayed at all.
#[derive(Debug)]
pub enum Unreadable {
    /// The file cannot be read.
    Io(io::Error),
    /// It is something else.
    Foreign,
    /// It ends before its first frame.
    Truncated,
    /// It has the format of another version.
    OtherFormat(u32),
    /// What it began with makes no sense: this line.
    Head(String),
    /// The server does not start from it.
    Start(StartError),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::Io(error) => error.fmt(f),
            Unreadable::Foreign => f.write_str("not a recording of readily"),
            Unreadable::Truncated => f.write_str("it ends before anything is recorded"),
            Unreadable::OtherFormat(format) => write!(
                f,
                "a recording of format {format}, and this readily ({}) reads format {FORMAT}",
                env!("CARGO_PKG_VERSION")
            ),
            Unreadable::Head(line) => {
                write!(f, "its head makes no sense: {}", line.escape_debug())
            }
            Unreadable::Start(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Unreadable {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Bindings, Config};

    fn head() -> Head {
        let config = Config::new(Bindings::parse(["echo=tcp://127.0.0.1:0"]).unwrap());
        Head { version: "0.1.0".to_owned(), seed: 5, config }
    }

    fn why(bytes: &[u8]) -> String {
        parse(bytes.to_vec()).expect_err("no recording").to_string()
    }

    #[test]
    fn what_is_behind_the_empty_line_is_the_tape() {
        let mut bytes = head().to_string().into_bytes();
        for tape in [&b""[..], b"\n\nanything"] {
            bytes.truncate(head().to_string().len());
            bytes.extend_from_slice(tape);
            assert_eq!(parse(bytes.clone()).expect("a recording"), (head(), tape.to_vec()));
        }
    }

    #[test]
    fn a_head_that_is_cut_is_not_taken_for_something_else() {
        let bytes = head().to_string().into_bytes();
        for end in 1..bytes.len() {
            let cut = why(&bytes[..end]);
            // A number without its end may be the beginning of another one.
            assert_eq!(cut, "it ends before anything is recorded", "{end} bytes");
        }
    }

    #[test]
    fn foreign_and_newer_files_are_told_apart() {
        for foreign in [&b""[..], b"\x7fELF", b"readily rec", b"readily recording x\n"] {
            let expected = match foreign.starts_with(b"readily rec") && foreign.len() < 18 {
                true => "it ends before anything is recorded",
                false => "not a recording of readily",
            };
            assert_eq!(why(foreign), expected, "{}", foreign.escape_ascii());
        }
        for format in [FORMAT - 1, FORMAT + 1] {
            let other = why(format!("{MAGIC}{format}\nanything at all").as_bytes());
            let said = format!("a recording of format {format}, and this readily (");
            assert!(other.starts_with(&said), "{other}");
        }
        let odd = head().to_string().replace("seed 5", "seed \u{1b}[2J");
        assert_eq!(why(odd.as_bytes()), "its head makes no sense: seed \\u{1b}[2J");
    }
}
