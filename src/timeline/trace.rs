//! Turns as Chrome trace events, for Perfetto (<https://ui.perfetto.dev>) or `chrome://tracing`.
//!
//! The loop is a thread of the trace, and so is each source. A turn is a slice of the loop's, and so is the
//! time for which it has waited; what happens in it is a slice of a nanosecond on the lane that it happens to.
//!
//! The clock is read when the loop wakes and, where it may sleep, before it does, so a turn has a length, and
//! nothing is known of what happens in it but the order. That is what the nanoseconds are: each slice begins
//! one behind the last. Where a turn comes sooner than the one before it has slices, it is put behind them.

use std::fmt::Display;
use std::io::{self, Write};

use super::film::{Lane, Turn};
use super::text::{Head, Said, Wait};
use crate::json::Quoted;
use crate::time::Time;

/// Writes turns as they come.
#[derive(Debug)]
pub struct Trace<W> {
    out: W,
    /// How many lanes are named.
    named: usize,
    /// The first nanosecond that is free.
    free: u64,
    /// The last turn, whose end the next one knows: its name, what is said of it, and when it began.
    open: Option<(String, String, u64)>,
}

impl<W: Write> Trace<W> {
    /// Begins a trace.
    ///
    /// # Errors
    /// Those of `out`, here and below.
    pub fn new(mut out: W) -> io::Result<Trace<W>> {
        write!(out, r#"{{"displayTimeUnit":"ns","traceEvents":["#)?;
        write!(out, r#"{{"name":"process_name","ph":"M","pid":1,"args":{{"name":"readily"}}}}"#)?;
        Ok(Trace { out, named: 0, free: 0, open: None })
    }

    /// Appends a turn. `lanes` are those of its film, by now.
    pub fn turn(&mut self, turn: &Turn, lanes: &[Lane]) -> io::Result<()> {
        for (index, lane) in lanes.iter().enumerate().skip(self.named) {
            let (name, thread) = (Quoted(&lane.to_string()).to_string(), thread(index));
            write!(
                self.out,
                ",\n{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":{thread},\"args\":{{\"name\":{name}}}}}"
            )?;
            write!(
                self.out,
                ",\n{{\"name\":\"thread_sort_index\",\"ph\":\"M\",\"pid\":1,\"tid\":{thread},\"args\":{{\"sort_index\":{index}}}}}"
            )?;
        }
        self.named = lanes.len();
        self.end_turn(turn.slept.map(Time::as_nanos))?;
        let woken = turn.time.as_nanos().max(self.free + 1);
        self.slice("poll", "poll", 0, self.free, woken - self.free, &Wait(turn))?;
        self.open = Some((format!("turn {}", turn.number), Head(turn).to_string(), woken));
        for (event, at) in turn.events.iter().zip(woken + 1..) {
            let title = event.what.title();
            self.slice(title, title, event.lane, at, 1, &Said(&event.what))?;
        }
        self.free = woken + turn.events.len() as u64 + 1;
        Ok(())
    }

    /// Appends the last turn, which has ended at `end` or when all of its events have.
    fn end_turn(&mut self, end: Option<u64>) -> io::Result<()> {
        if let Some((name, said, woken)) = self.open.take() {
            self.free = self.free.max(end.unwrap_or(0));
            self.slice(&name, "turn", 0, woken, self.free - woken, &said)?;
        }
        Ok(())
    }

    /// Ends the trace.
    pub fn finish(mut self) -> io::Result<()> {
        self.end_turn(None)?;
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()
    }

    /// Appends a slice that begins at `at` and takes `length` nanoseconds. The format counts microseconds.
    fn slice(
        &mut self,
        name: &str,
        category: &str,
        lane: usize,
        at: u64,
        length: u64,
        said: &dyn Display,
    ) -> io::Result<()> {
        let (name, category) = (Quoted(name).to_string(), Quoted(category).to_string());
        let (said, thread) = (Quoted(&said.to_string()).to_string(), thread(lane));
        let micros = |nanos: u64| format!("{}.{:03}", nanos / 1000, nanos % 1000);
        write!(
            self.out,
            ",\n{{\"name\":{name},\"cat\":{category},\"ph\":\"X\",\"pid\":1,\"tid\":{thread},\"ts\":{},\"dur\":{},\"args\":{{\"what\":{said}}}}}",
            micros(at),
            micros(length)
        )
    }
}

/// The thread that a lane is. The loop has the number of its process and is its main thread; a thread 0
/// would be taken for that by Perfetto, and drawn into thread 1.
fn thread(lane: usize) -> usize {
    lane + 1
}
