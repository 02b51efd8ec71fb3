//! `time`: local time.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::Offset;

use super::{ConnId, Context, Message, PeerAddr, Service};
use crate::time::WallClock;

/// Answers each message with local time as RFC 3339 writes it, in whole seconds and with its
/// offset: `2026-11-22T00:36:12+02:00`, or `…Z` where the offset is zero.
///
/// The clock is read once a turn, and the text is made once a second however many ask.
#[derive(Debug, Default)]
pub struct Time {
    shown: Option<WallClock>,
    text: String,
}

impl Time {
    fn text(&mut self, clock: WallClock) -> &str {
        if self.shown != Some(clock) {
            self.shown = Some(clock);
            self.text.clear();
            write_rfc3339(&mut self.text, clock);
        }
        &self.text
    }
}

impl Service for Time {
    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, _: Message<'_>) {
        let clock = cx.wall_clock();
        cx.send(from, Message::text(self.text(clock)));
    }

    fn on_datagram(
        &mut self,
        cx: &mut Context<'_>,
        _: &PeerAddr,
        _: &[u8],
        reply: &mut Vec<u8>,
    ) -> bool {
        reply.extend_from_slice(self.text(cx.wall_clock()).as_bytes());
        true
    }
}

/// Appends `clock` in the format of RFC 3339 section 5.6. A clock beyond the year 9999 or an offset
/// of a day and more show as the nearest that can be written.
fn write_rfc3339(out: &mut String, clock: WallClock) {
    let offset = Offset::from_seconds(clock.offset_seconds).unwrap_or(Offset::UTC);
    let instant = Timestamp::from_second(clock.unix_seconds).unwrap_or(Timestamp::MAX);
    let local = offset.to_datetime(instant);
    write!(out, "{}", local.strftime("%Y-%m-%dT%H:%M:%S")).expect("a String takes everything");
    // The format has minutes only; zones with seconds in their offset ended in 1972.
    let minutes = offset.seconds() / 60;
    if minutes == 0 {
        out.push('Z');
    } else {
        let sign = if minutes < 0 { '-' } else { '+' };
        let minutes = minutes.abs();
        write!(out, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            .expect("a String takes everything");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(unix_seconds: i64, offset_seconds: i32) -> String {
        let mut out = String::new();
        write_rfc3339(&mut out, WallClock { unix_seconds, offset_seconds });
        out
    }

    #[test]
    fn local_time_with_its_offset() {
        assert_eq!(shown(1_795_300_572, 7_200), "2026-11-22T00:36:12+02:00");
        assert_eq!(shown(1_795_300_572, 0), "2026-11-21T22:36:12Z");
        assert_eq!(shown(1_795_300_572, -12_600), "2026-11-21T19:06:12-03:30");
        assert_eq!(shown(0, 20_700), "1970-01-01T05:45:00+05:45");
        assert_eq!(shown(0, -59), "1969-12-31T23:59:01Z");
    }
}
