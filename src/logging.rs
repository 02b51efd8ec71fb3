//! The log on stderr.
//!
//! Whoever reads our stderr may stall: a terminal that was stopped, a supervisor that is busy, a
//! full disk. For a client that is his own affair. A server must not wait for him while others wait
//! for it, so its log goes through a [`Sink`] that never makes anybody wait. When there is no more
//! room the lines that follow are dropped, and when the reader has caught up one line says how many
//! there were:
//!
//! ```text
//!   info!, debug! … ─► env_logger ─► Log ─► Sink ─► stderr
//!                                     ▲
//!                       end of a turn ┘  writes what is left, says what was dropped
//! ```
//!
//! A logger is known to the whole process, and so has to be one that threads can share, although
//! there is one thread.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use env_logger::{Builder, Env, Target, WriteStyle};
use log::{LevelFilter, warn};
use readily::engine::{BindingId, ConnId, Observer, Sighting};

use crate::console::Look;
use crate::sink::Sink;

/// Logs to stderr, a line each: time in UTC, level, what happened. RUST_LOG, where it is set, says
/// what is logged; else `level` does.
pub(crate) fn start(level: LevelFilter) {
    builder(level, Target::Stderr, WriteStyle::Auto).init();
}

/// The same, for a loop that must not wait for whoever reads stderr.
pub(crate) fn start_beside_loop(level: LevelFilter) -> Log {
    let log = Log::new(Sink::new(&io::stderr()));
    let style = match Look::of_stderr() {
        Look::Coloured => WriteStyle::Always,
        Look::Plain => WriteStyle::Never,
    };
    builder(level, Target::Pipe(Box::new(log.clone())), style).init();
    log
}

fn builder(level: LevelFilter, target: Target, style: WriteStyle) -> Builder {
    let mut builder = Builder::new();
    builder.filter_level(level).write_style(style).target(target);
    if std::env::var_os("RUST_LOG").is_some() {
        builder.parse_env(Env::default());
    }
    builder.format(|out, record| {
        let style = out.default_level_style(record.level());
        let (time, level) = (out.timestamp_millis(), record.level());
        writeln!(out, "{time} {style}{level:<5}{style:#} {}", record.args())
    });
    builder
}

/// The way of a server's lines to stderr: those of the log and whatever else it says there.
///
/// As an observer it looks at nothing, and passes on at the end of a turn what is left.
#[derive(Clone, Debug)]
pub(crate) struct Log(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    lines: Mutex<Lines>,
    /// Whether there is something to do at the end of a turn. Beside the lock, because the loop asks
    /// each time.
    is_behind: AtomicBool,
}

#[derive(Debug)]
struct Lines {
    sink: Sink,
    /// How many of those that were dropped somebody was told of.
    reported: u64,
    /// The next line is the one that tells of a gap.
    is_telling: bool,
}

impl Log {
    pub(crate) fn new(sink: Sink) -> Log {
        let lines = Mutex::new(Lines { sink, reported: 0, is_telling: false });
        Log(Arc::new(Shared { lines, is_behind: AtomicBool::new(false) }))
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a text of whole lines, or drops it.
    pub(crate) fn append(&self, text: &[u8]) {
        let mut lines = self.lines();
        let has_gap = lines.sink.dropped() > lines.reported;
        let is_left = if has_gap && !lines.is_telling {
            // The first line that is kept again stands behind the one that tells of the gap, and that behind
            // everything that was kept before it.
            lines.sink.drop_one();
            true
        } else {
            lines.sink.append(|out| out.write_all(text));
            lines.sink.flush()
        };
        self.0.is_behind.store(is_left, Ordering::Relaxed);
    }

    /// Writes what goes without waiting, and tells of a gap behind it. Returns whether something is
    /// left.
    fn catch_up(&self) -> bool {
        let (is_left, dropped, reported) = {
            let mut lines = self.lines();
            (lines.sink.flush(), lines.sink.dropped(), lines.reported)
        };
        self.0.is_behind.store(is_left, Ordering::Relaxed);
        if is_left || dropped == reported {
            return is_left;
        }
        self.lines().is_telling = true;
        warn!("the log was not taken: {} lines dropped", dropped - reported);
        let mut lines = self.lines();
        lines.is_telling = false;
        if lines.sink.dropped() == dropped {
            lines.reported = dropped;
        }
        !lines.sink.is_empty()
    }

    /// Writes what was left, at the end of a turn. Returns whether something still is.
    pub(crate) fn pass_on(&self) -> bool {
        self.0.is_behind.load(Ordering::Relaxed) && self.catch_up()
    }

    /// Writes what is left, for at most a second: the server has stopped.
    pub(crate) fn finish(&self) {
        self.lines().sink.flush_for(Duration::from_secs(1));
        self.catch_up();
    }
}

/// For the logger, which writes a line at a time.
impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.append(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Observer for Log {
    fn see(&mut self, _: BindingId, _: Option<ConnId>, _: Sighting<'_>) {}

    fn end_turn(&mut self) -> bool {
        self.pass_on()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::fd::OwnedFd;

    use super::*;

    #[test]
    fn what_is_dropped_is_whole_lines_and_all_of_them_are_counted() {
        const LINES: usize = 30_000;
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let log = Log::new(Sink::new(&OwnedFd::from(writer)));
        let line = |number: usize| format!("{number:06} {}\n", "x".repeat(92));
        for number in 0..LINES {
            log.append(line(number).as_bytes());
        }
        // More is kept than a pipe takes, and less than all.
        let (dropped, reported) = {
            let lines = log.lines();
            (usize::try_from(lines.sink.dropped()).expect("few"), lines.reported)
        };
        let kept = LINES - dropped;
        assert!(kept > 10_000 && dropped > 15_000 && reported == 0, "{kept} kept");
        let mut all = Vec::new();
        while all.len() < 100 * kept {
            let mut piece = vec![0; 4096];
            let count = reader.read(&mut piece).expect("there is more");
            all.extend_from_slice(&piece[..count]);
            // Nobody logs to this one, so nothing comes of what there is to be said.
            log.catch_up();
            if all.len() == 4096 {
                // There is room in the pipe, but the gap goes on until the reader has caught up.
                log.append(b"too early\n");
            }
        }
        let expected: Vec<u8> = (0..kept).flat_map(|number| line(number).into_bytes()).collect();
        assert!(all == expected, "the first lines, each of them whole");
        assert_eq!(log.lines().reported, dropped as u64 + 1);
        log.append(b"and on it goes\n");
        let mut rest = [0; 15];
        reader.read_exact(&mut rest).expect("a line");
        assert_eq!(&rest, b"and on it goes\n");
    }

    #[test]
    fn a_full_disk_loses_what_is_said_meanwhile_and_nothing_is_waited_for() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
        let mut log = Log::new(Sink::new(&full));
        for _ in 0..3 {
            log.append(b"one\n");
        }
        assert_eq!(log.lines().sink.dropped(), 3);
        // What comes now stands behind the line that tells of the gap, or not at all.
        log.append(b"four\n");
        assert_eq!(log.lines().sink.dropped(), 4);
        assert!(log.lines().sink.is_empty());
        assert!(!log.end_turn(), "there is nothing to do before the next line");
    }
}
