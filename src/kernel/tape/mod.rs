//! The tape: everything the kernel has answered, in order, as a [`Recorder`](super::Recorder) writes it
//! and a [`Replay`](super::Replay) reads it.
//!
//! The loop is a pure function of these answers, so they are all there is to a run. Of what the loop
//! *asks*, the tape holds as much as it takes to see that it asks the same again.
//!
//! ```text
//!   tape    frame…
//!   frame   length u32 · guard u8 · checksum u32 · entry…          little-endian
//!   entry   call u8 · numbers · outcome                           numbers are LEB128
//!   outcome 0 · answer, or 1 · errno (signed), or 2 · kind of error; and then the tail
//! ```
//!
//! A frame begins with each poll, and in the middle of a turn where one would be longer than 1 MiB.
//! "Bytes" is their number and the bytes themselves. "Sent" is twice the number of bytes and the bytes
//! themselves, or twice the number and 1: the first ones of what 15, 16, 19 or 20 had received or sent
//! last in this frame. A token is its lower and its upper half, and
//! sockets are named by the number they got when they were registered, from 1 on; 0 is one that is not.
//!
//! | call | | numbers | answer | tail |
//! |---|---|---|---|---|
//! | 1 | raise the descriptor limit | | soft, hard, before | |
//! | 2 | count open descriptors | limit | how many | |
//! | 3 | listen | | address, 1 if a stale socket was replaced | bytes: the address asked for |
//! | 4 | the machine's own addresses | | number of them, addresses | |
//! | 5 | catch signals | | | |
//! | 6 | poll | ns and 1, or 0 for ever | number of events, at most 2048; each: token, bits: readable, writable, read closed, urgent | |
//! | 7 | read both clocks | | ns since the last time, s (signed) since the last time, offset (signed) likewise | |
//! | 8 | register | source, token, 1 if writable, too | | |
//! | 9 | register anew | source, token, 1 if writable, too | | |
//! | 10 | accept | listener | kind of stream, peer | |
//! | 11 | refuse | listener | peer | |
//! | 12 | abort | stream | | |
//! | 13 | connect | | kind of stream | bytes: the address asked for |
//! | 14 | is it connected | stream | 0 or 1 | |
//! | 15 | read | stream, length | 0 data, 1 part: bytes; 2 oversize; 3 end | |
//! | 16 | write | stream, length | sent: what was taken | |
//! | 17 | shut down for writing | stream | | |
//! | 18 | close | stream | | |
//! | 19 | receive a datagram | socket, length | bytes, peer | |
//! | 20 | send a datagram | socket, length | | peer, sent |
//! | 21 | next signal | source | its number or 0 | |
//! | 22 | stop | signal or 0, 1 if at once | no outcome | |
//! | 23 | cut: the limit was reached | | no outcome | |
//! | 24 | read the monotonic clock | | ns since the last time | |
//!
//! What comes before the frames is not the tape's, but its reader's.

pub(super) mod answer;
pub(super) mod bytes;
mod call;
pub(super) mod entry;
pub(crate) mod frame;
mod last;
mod words;

pub use self::call::Call;
pub(super) use self::call::signal_of;
pub(crate) use self::last::Last;

/// No poll has more events: those that are taken from the system at once, and the few streams that are
/// always ready. An event is 3 bytes of a tape and many more of what is made of it.
pub(super) const MOST_EVENTS: usize = 2048;
