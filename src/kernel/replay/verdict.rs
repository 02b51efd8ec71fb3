//! How a replay ends.

use std::fmt;

use super::super::tape::bytes::Reader;
use super::super::tape::{Call, answer};

/// What has put an end to a replay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The loop has stopped where it had stopped, and every call was the same.
    Same,
    /// The recording came to its limit; up to there every call was the same.
    Cut,
    /// The recording breaks off, because the process was killed or the disk was full; up to there
    /// every call was the same.
    BrokenOff,
    /// The loop has failed as it had: the kernel could not be asked what is ready.
    Failed,
    /// The tape makes no sense at this byte of it.
    Damaged {
        /// Where, from the start of the tape.
        at: usize,
    },
    /// The loop has done something else.
    Diverged(Box<Divergence>),
}

/// The first thing that the loop has done otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Divergence {
    /// Which call was recorded.
    pub recorded: Call,
    /// Which call was made.
    pub made: Call,
    /// Where the bytes of the call are others, if the call itself is the same.
    pub bytes: Option<Difference>,
}

/// The first byte at which two calls differ.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// How many bytes of the same call in front of it are the same.
    pub offset: usize,
    /// How many bytes have gone the same way before the call.
    pub before: u64,
    /// What was recorded from there on, or the beginning of it.
    pub recorded: Vec<u8>,
    /// What is there instead, or the beginning of it.
    pub made: Vec<u8>,
}

/// So much of two texts is shown from where they differ.
const SHOWN_BYTES: usize = 48;

impl Difference {
    /// Where `made` differs from what was `recorded`.
    pub(super) fn between(recorded: &[u8], made: &[u8]) -> Option<Difference> {
        if recorded == made {
            return None;
        }
        let is_same = |(one, two): &(&u8, &u8)| one == two;
        let offset = recorded.iter().zip(made).take_while(is_same).count();
        let shown = |bytes: &[u8]| bytes[offset..].iter().copied().take(SHOWN_BYTES).collect();
        Some(Difference { offset, before: 0, recorded: shown(recorded), made: shown(made) })
    }

    /// The same, of a call behind so many bytes.
    pub(super) fn behind(self, before: u64) -> Difference {
        Difference { before, ..self }
    }
}

/// Where bytes differ of two calls that are the same but for their length. `recorded` may have been
/// taken in part only, and then it is not known what the rest of it was.
pub(super) fn difference(
    recorded: Call,
    made: Call,
    mut entry: Reader<'_>,
    bytes: &[u8],
    before: u64,
) -> Option<Difference> {
    let taken = match (recorded, made) {
        (Call::Write { stream, .. }, Call::Write { stream: same, .. }) if stream == same => {
            answer::outcome(&mut entry)?.ok()?;
            entry.sent()?
        }
        (Call::SendTo { socket, .. }, Call::SendTo { socket: same, .. }) if socket == same => {
            answer::outcome(&mut entry)?.ok()?;
            answer::peer(&mut entry)?;
            entry.sent()?
        }
        _ => return None,
    };
    Difference::between(taken, bytes).map(|difference| difference.behind(before))
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Same => f.write_str("the same to the last byte"),
            Verdict::Cut => f.write_str("the same up to the limit of the recording"),
            Verdict::BrokenOff => f.write_str("the same up to where the recording breaks off"),
            Verdict::Failed => f.write_str("the same up to where the loop has failed"),
            Verdict::Damaged { at } => write!(f, "damaged at byte {at} of the tape"),
            Verdict::Diverged(divergence) => divergence.fmt(f),
        }
    }
}

/// Some lines: what was recorded, what was done, and the bytes if it is they that differ.
impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  recorded: {}\n  replayed: {}", self.recorded, self.made)?;
        if let Some(Difference { offset, before, recorded, made }) = &self.bytes {
            write!(f, "\n  from byte {offset} on")?;
            if *before > 0 {
                write!(f, ", behind {before} that were written before")?;
            }
            for (which, bytes) in [("recorded", recorded), ("replayed", made)] {
                let more = if bytes.len() == SHOWN_BYTES { "…" } else { "" };
                write!(f, "\n  {which}: \"{}\"{more}", bytes.escape_ascii())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_differs_is_named() {
        assert_eq!(Difference::between(b"same", b"same"), None);
        let found = |one: &[u8], two: &[u8]| {
            let difference = Difference::between(one, two).expect("they differ");
            let Difference { offset, recorded, made, .. } = difference;
            (offset, recorded, made)
        };
        assert_eq!(found(b"abc", b"abd"), (2, b"c".to_vec(), b"d".to_vec()));
        assert_eq!(found(b"abc", b"ab"), (2, b"c".to_vec(), Vec::new()));
        assert_eq!(found(&[0; 99], &[1; 99]), (0, vec![0; 48], vec![1; 48]));
    }

    #[test]
    fn a_divergence_says_what_was_expected_and_what_came() {
        let call = Call::Write { stream: 4, length: 3 };
        let bytes = Difference::between(b"ab\x00", b"abc");
        let divergence = Divergence { recorded: call, made: call, bytes };
        assert_eq!(
            divergence.to_string(),
            "  recorded: write 3 bytes to connection 4\n  \
             replayed: write 3 bytes to connection 4\n  \
             from byte 2 on\n  recorded: \"\\x00\"\n  replayed: \"c\""
        );
    }
}
