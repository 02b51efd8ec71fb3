//! What is printed: on stderr for people, errors and the lines at the start, and on stdout what was asked for.
//!
//! Logs have their own way to stderr. The functions that build text are pure. Those that print it ignore whether that worked:
//! a server goes on when the terminal it was started from is gone.

mod shell;
mod try_command;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use readily::address::Escaped;
use readily::config::{Binding, MemorySize, Timeout};
use readily::engine::Limits;
use readily::server::Descriptors;

pub(crate) use self::try_command::try_command;

/// Prints `error: LINE`; control characters are escaped, so it stays one line.
pub(crate) fn error(line: &str) {
    print(&error_line(line));
}

/// Prints text on stderr as it is.
pub(crate) fn print(text: &str) {
    // There is nobody left to tell if this fails.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Prints on stdout what was asked for. A reader that has seen enough is no error.
pub(crate) fn payload(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

fn error_line(line: &str) -> String {
    format!("error: {}\n", Escaped(line.as_bytes()))
}

/// One line of the start-up table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Row {
    /// Where, with the real port.
    pub(crate) url: String,
    /// What.
    pub(crate) service: String,
    /// A command that talks to it.
    pub(crate) try_with: String,
}

impl Row {
    /// The row of a binding whose socket got `local_port`, if it has ports at all.
    pub(crate) fn new(binding: &Binding, local_port: Option<u16>) -> Row {
        Row {
            url: binding.url(local_port),
            service: binding.service().name().to_owned(),
            try_with: try_command(binding, local_port),
        }
    }
}

/// The start-up table: what is served where, and how to try it.
pub(crate) fn table(rows: &[Row], look: Look) -> String {
    let escape = |text: &str| Escaped(text.as_bytes()).to_string();
    let rows: Vec<[String; 3]> = rows
        .iter()
        .map(|row| [escape(&row.url), escape(&row.service), escape(&row.try_with)])
        .collect();
    let header = ["URL", "SERVICE", "TRY IT WITH"].map(str::to_owned);
    let width = |column: usize| {
        let cells = rows.iter().chain([&header]).map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let (url_width, service_width) = (width(0), width(1));

    let line = |[url, service, try_with]: &[String; 3]| {
        format!("{url:url_width$}  {service:service_width$}  {try_with}")
    };
    let mut text = match look {
        Look::Plain => format!("{}\n", line(&header)),
        Look::Coloured => format!("\x1b[1m{}\x1b[0m\n", line(&header)),
    };
    for row in &rows {
        let _ = writeln!(text, "{}", line(row));
    }
    text
}

/// The limits in effect, in the notation of the command line.
pub(crate) fn limits_line(limits: &Limits) -> String {
    let size =
        |bytes| MemorySize::new(bytes).map_or_else(|| bytes.to_string(), |size| size.to_string());
    let time =
        |span| Timeout::new(span).map_or_else(|| format!("{span:?}"), |time| time.to_string());
    format!(
        "limits: message {}, line {}, queue {}, memory {}, fragments {}, read {}, high water {}, \
         low water {}; handshake {}, keep-alive {}, ping {} + {}, close {}, linger {}, drain {}\n",
        size(limits.protocol.frames.max_message),
        size(limits.protocol.max_line),
        size(limits.max_queued_bytes),
        size(limits.max_memory_bytes),
        limits.protocol.frames.max_fragments,
        size(limits.read_budget_bytes),
        size(limits.high_water_bytes),
        size(limits.low_water_bytes),
        time(limits.handshake_timeout),
        time(limits.keepalive_timeout),
        time(limits.ping_interval),
        time(limits.pong_timeout),
        time(limits.close_timeout),
        time(limits.linger_timeout),
        time(limits.drain_timeout),
    )
}

/// How many descriptors the process may have, and how many connections that makes.
pub(crate) fn descriptors_line(descriptors: Descriptors) -> String {
    let Descriptors { limit, possible, max_connections, max_per_ip } = descriptors;
    let enough = possible.min(max_connections);
    let asked = if max_connections > possible {
        format!(", not for the {max_connections} that were asked for")
    } else {
        String::new()
    };
    let each = max_per_ip.map_or_else(String::new, |most| format!(", {most} of one IP address"));
    format!("descriptors: {limit}, enough for {enough} connections at a time{asked}{each}\n")
}

/// Whether text for people has colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Look {
    /// No escape sequences.
    Plain,
    /// Escape sequences for a terminal.
    Coloured,
}

impl Look {
    /// The look of stderr.
    pub(crate) fn of_stderr() -> Look {
        Look::choose(
            io::stderr().is_terminal(),
            std::env::var_os("NO_COLOR").as_deref(),
            std::env::var_os("TERM").as_deref(),
        )
    }

    /// Colour is for terminals that can show it, and not for those who ask not to have it
    /// (`NO_COLOR` set to anything but nothing, <https://no-color.org>).
    fn choose(is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> Look {
        let is_unwanted = no_color.is_some_and(|value| !value.is_empty());
        let is_dumb = term.is_none_or(|name| name == "dumb");
        if is_terminal && !is_unwanted && !is_dumb { Look::Coloured } else { Look::Plain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str, local_port: Option<u16>) -> Row {
        Row::new(&text.parse().expect(text), local_port)
    }

    #[test]
    fn an_error_is_one_line_whatever_it_says() {
        assert_eq!(error_line("a\nb\x1b[2J"), "error: a\\nb\\u{1b}[2J\n");
    }

    #[test]
    fn the_table_is_aligned_and_shows_real_ports() {
        let rows = [
            row("echo=tcp://127.0.0.1:0", Some(40001)),
            row("random=ws://:1234/r?burst=true", Some(1234)),
            row("time=unix://./t", None),
        ];
        assert_eq!(
            table(&rows, Look::Plain),
            "\
URL                      SERVICE  TRY IT WITH
tcp://127.0.0.1:40001    echo     nc 127.0.0.1 40001
ws://:1234/r?burst=true  random   websocat ws://127.0.0.1:1234/r
unix://./t               time     nc -U ./t
"
        );
    }

    #[test]
    fn only_the_header_has_colour() {
        let rows = [row("echo=tcp://:1", None)];
        let coloured = table(&rows, Look::Coloured);
        assert!(coloured.starts_with("\x1b[1mURL "), "{coloured:?}");
        assert_eq!(
            coloured.replace("\x1b[1m", "").replace("\x1b[0m", ""),
            table(&rows, Look::Plain)
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let rows = [Row { url: "a\x1b[2J".into(), service: "b\n".into(), try_with: "\r".into() }];
        let text = table(&rows, Look::Plain);
        assert_eq!(text.lines().nth(1), Some("a\\u{1b}[2J  b\\n      \\r"));
        assert!(!text.trim_end_matches('\n').replace('\n', "").contains(char::is_control));
    }

    #[test]
    fn colour_is_for_terminals_whose_owner_wants_it() {
        let (no, empty, xterm) = (OsStr::new("1"), OsStr::new(""), OsStr::new("xterm"));
        assert_eq!(Look::choose(true, None, Some(xterm)), Look::Coloured);
        assert_eq!(Look::choose(true, Some(empty), Some(xterm)), Look::Coloured);
        assert_eq!(Look::choose(true, Some(no), Some(xterm)), Look::Plain);
        assert_eq!(Look::choose(false, None, Some(xterm)), Look::Plain);
        assert_eq!(Look::choose(true, None, Some(OsStr::new("dumb"))), Look::Plain);
        assert_eq!(Look::choose(true, None, None), Look::Plain);
    }

    #[test]
    fn limits_print_as_they_are_typed() {
        assert_eq!(
            limits_line(&Limits::default()),
            "limits: message 1MiB, line 1MiB, queue 1MiB, memory 1GiB, fragments 66560, read 512KiB, \
             high water 256KiB, low water 64KiB; handshake 10s, keep-alive 10s, ping 25s + 8s, \
             close 5s, linger 1s, drain 30s\n"
        );
        let line = |max_connections| {
            let (limit, possible, max_per_ip) = (1024, 1000, None);
            descriptors_line(Descriptors { limit, possible, max_connections, max_per_ip })
        };
        assert_eq!(line(1000), "descriptors: 1024, enough for 1000 connections at a time\n");
        assert_eq!(line(10), "descriptors: 1024, enough for 10 connections at a time\n");
        assert_eq!(
            line(5000),
            "descriptors: 1024, enough for 1000 connections at a time, \
             not for the 5000 that were asked for\n"
        );
    }
}
