//! A kernel that answers as another one did.
//!
//! [`Replay`] reads the [tape](super::tape) that a [`Recorder`](super::Recorder) has written. It
//! compares each call with the one that was recorded, which call it is, on what, and every byte, and
//! gives the answer that is behind it. No socket is opened, no clock is read: a run of an hour takes
//! as long as the loop has worked.
//!
//! The first thing that is not as it was ends the replay. What the loop asks in the rest of that turn
//! finds nobody at home (`WouldBlock`), and the next poll fails; then [`Replay::verdict`] says why.

mod calls;
mod startup;
mod verdict;

pub use self::verdict::{Difference, Divergence, Verdict};

use std::io;

use super::tape::bytes::Reader;
use super::tape::frame::{self, NoFrame};
use super::tape::{Call, Last, answer};
use super::{Signal, StreamKind};
use crate::time::Now;

/// A kernel that answers from a tape.
#[derive(Debug)]
pub struct Replay {
    tape: Tape,
    /// The call that is being made, as it would be on the tape.
    call: Vec<u8>,
    verdict: Option<Verdict>,
    registered: u32,
    last: Last,
}

/// The bytes of a tape, and how far they are read.
struct Tape {
    bytes: Vec<u8>,
    /// Where the next entry is, and where its frame ends.
    at: usize,
    end: usize,
}

impl std::fmt::Debug for Tape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "byte {} of {}", self.at, self.bytes.len())
    }
}

/// A socket of the tape.
#[derive(Debug, Default)]
pub struct Replayed {
    /// 0 until it is registered.
    number: u32,
}

/// A connection of the tape.
#[derive(Debug)]
pub struct ReplayedStream {
    /// 0 until it is registered.
    number: u32,
    kind: StreamKind,
    /// How much was written so far.
    written: u64,
}

impl Replay {
    /// A kernel that answers from `tape`.
    pub fn new(tape: Vec<u8>) -> Replay {
        Replay {
            tape: Tape { bytes: tape, at: 0, end: 0 },
            call: Vec::new(),
            verdict: None,
            registered: 0,
            last: Last::default(),
        }
    }

    /// What has put an end to the replay, if anything has.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// Both clocks, as they were read last.
    pub fn clocks(&self) -> Now {
        self.last.now
    }

    /// The loop has stopped, which is the last thing to be compared. Returns the verdict.
    pub fn finish(&mut self, by: Option<Signal>, at_once: bool) -> Verdict {
        let call = Call::Stop { by, at_once };
        if self.entry(call, None, |_| Some(Ok(()))).is_some() {
            self.verdict = Some(match self.tape.is_at_end() {
                true => Verdict::Same,
                false => Verdict::Damaged { at: self.tape.at },
            });
        }
        self.verdict.clone().expect("a call that is not the same ends the replay")
    }

    /// The loop has failed, because a poll has, as it was recorded. Returns the verdict.
    pub fn fail(&mut self) -> Verdict {
        let at = self.tape.at;
        let end = match self.tape.is_at_end() {
            true => Verdict::Failed,
            false => Verdict::Damaged { at },
        };
        self.verdict.get_or_insert(end).clone()
    }

    /// Compares `call` with the next entry, and has `decode` read what is behind it. `carried` are the
    /// bytes that the call takes along, and how many went the same way before. `None`: the replay is
    /// over.
    fn entry<T>(
        &mut self,
        call: Call,
        carried: Option<(&[u8], u64)>,
        decode: impl FnOnce(&mut Reader<'_>) -> Option<Result<T, Difference>>,
    ) -> Option<T> {
        if self.verdict.is_some() || !self.load() {
            return None;
        }
        self.call.clear();
        call.encode(&mut self.call);
        let Tape { bytes, at, end } = &self.tape;
        let mut reader = Reader::new(&bytes[..*end], *at, self.last.payload.clone());
        let verdict = if reader.rest().starts_with(&self.call) {
            reader.at += self.call.len();
            match decode(&mut reader) {
                Some(Ok(value)) => {
                    (self.tape.at, self.last.payload) = (reader.at, reader.last);
                    return Some(value);
                }
                Some(Err(bytes)) => self.diverged(call, call, Some(bytes)),
                None => self.senseless(),
            }
        } else {
            match Call::decode(&mut reader) {
                Some(Call::Cut) => Verdict::Cut,
                Some(recorded) => {
                    let bytes = carried.and_then(|(made, before)| {
                        verdict::difference(recorded, call, reader, made, before)
                    });
                    self.diverged(recorded, call, bytes)
                }
                None => self.senseless(),
            }
        };
        self.verdict = Some(verdict);
        None
    }

    /// The outcome of `call`, with what `decode` reads if it went well.
    fn outcome<T>(
        &mut self,
        call: Call,
        decode: impl FnOnce(&mut Reader<'_>) -> Option<T>,
    ) -> io::Result<T> {
        let outcome = self.entry(call, None, |reader| {
            Some(Ok(match answer::outcome(reader)? {
                Ok(()) => Ok(decode(reader)?),
                Err(error) => Err(error),
            }))
        });
        outcome.unwrap_or_else(nobody)
    }

    /// Goes to the next frame if the last one is at its end. Returns whether there is an entry.
    fn load(&mut self) -> bool {
        while self.tape.at == self.tape.end {
            match frame::entries(&self.tape.bytes, self.tape.end) {
                Ok(entries) => {
                    (self.tape.at, self.tape.end) = (entries.start, entries.end);
                    self.last.begin_frame();
                }
                Err(NoFrame::BrokenOff) => {
                    self.verdict = Some(Verdict::BrokenOff);
                    return false;
                }
                Err(NoFrame::Damaged) => {
                    self.verdict = Some(Verdict::Damaged { at: self.tape.end });
                    return false;
                }
            }
        }
        true
    }

    fn diverged(&self, recorded: Call, made: Call, bytes: Option<Difference>) -> Verdict {
        Verdict::Diverged(Box::new(Divergence { recorded, made, bytes }))
    }

    /// An entry cannot be read although its frame is whole.
    fn senseless(&self) -> Verdict {
        Verdict::Damaged { at: self.tape.at }
    }
}

impl Tape {
    fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }
}

/// What is answered when the replay is over.
fn nobody<T>() -> io::Result<T> {
    Err(io::ErrorKind::WouldBlock.into())
}

/// Whether what was recorded is what is `made`.
fn same(recorded: &[u8], made: &[u8]) -> Result<(), Difference> {
    Difference::between(recorded, made).map_or(Ok(()), Err)
}
