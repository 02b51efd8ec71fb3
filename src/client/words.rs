//! What the interactive clients print: the words of the classic teaching programs.
//!
//! | client | prompt | reply | after STOP |
//! |---|---|---|---|
//! | tcp | `>> ` | `->: ` and a line | `TCP client exiting...` |
//! | udp | `>> ` | `Reply: ` and a datagram | `Exiting UDP client!`, at once |
//! | unix and its kin | `>> ` | `Read:` and what came | `Exiting UNIX domain socket client!` |
//! | ws | none | in the log on stderr | STOP is data |

use std::fmt::Display;

use jiff::Timestamp;
use jiff::tz::Offset;

use super::input::Unit;
use crate::config::TargetKind;
use crate::time::WallClock;

/// What is typed behind it is sent.
pub(super) const PROMPT: &[u8] = b">> ";

/// The words of one kind of client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Words {
    /// In front of each reply.
    pub(super) reply: &'static str,
    /// What `STOP` means; `None` where it is data.
    pub(super) stop: Option<StopWords>,
}

/// How a client ends that was told to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct StopWords {
    /// The last words.
    pub(super) farewell: &'static str,
    /// Whether an answer, or the server's end, is waited for.
    pub(super) waits: bool,
}

impl Words {
    pub(super) fn of(kind: TargetKind) -> Words {
        let (reply, farewell, waits) = match kind {
            TargetKind::Tcp => ("->: ", "TCP client exiting...\n", true),
            TargetKind::Udp => ("Reply: ", "Exiting UDP client!\n", false),
            TargetKind::Unix | TargetKind::UnixPacket => ("Read:", UNIX_FAREWELL, true),
            TargetKind::UnixDatagram => ("Read:", UNIX_FAREWELL, false),
            TargetKind::WebSocket => return Words { reply: "", stop: None },
        };
        Words { reply, stop: Some(StopWords { farewell, waits }) }
    }
}

const UNIX_FAREWELL: &str = "Exiting UNIX domain socket client!\n";

/// What is sent at a time.
pub(super) fn unit(kind: TargetKind, is_by_line: bool) -> Unit {
    match kind {
        TargetKind::Tcp | TargetKind::Unix if !is_by_line => Unit::Bytes,
        TargetKind::Tcp | TargetKind::Unix | TargetKind::WebSocket => Unit::Line,
        TargetKind::Udp | TargetKind::UnixDatagram | TargetKind::UnixPacket => Unit::LineWithoutEnd,
    }
}

/// A line of the log: `2026/11/22 00:36:12 text`, in local time, with one newline at its end.
pub(super) fn stamped(clock: WallClock, text: impl Display) -> String {
    let offset = Offset::from_seconds(clock.offset_seconds).unwrap_or(Offset::UTC);
    let instant = Timestamp::from_second(clock.unix_seconds).unwrap_or(Timestamp::MAX);
    let mut line = format!("{} {text}", offset.to_datetime(instant).strftime("%Y/%m/%d %H:%M:%S"));
    if !line.ends_with('\n') {
        line.push('\n');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_has_local_time_and_one_end() {
        let clock = WallClock { unix_seconds: 1_795_300_572, offset_seconds: 7200 };
        assert_eq!(stamped(clock, "x"), "2026/11/22 00:36:12 x\n");
        assert_eq!(stamped(clock, "x\n"), "2026/11/22 00:36:12 x\n");
    }
}
