//! `--transcript`: every exchange, as the classic programs print theirs.
//!
//! The small servers that teach sockets print what they receive, each in its own way; with a
//! transcript readily prints the same for the binding that does the same, so that both can be
//! followed side by side. It is an [`Observer`]: without it, the path of a message formats nothing.

mod style;

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use jiff::Zoned;
use log::warn;
use readily::address::Escaped;
use readily::engine::{BindingId, ConnId, Observer, Sighting};
use readily::protocol::CloseReason;
use readily::server::{BoundServer, Place};

use self::style::Style;
use crate::logging::Log;
use crate::sink::Sink;

/// That lines are dropped is said once in this time.
const WARN_EVERY: Duration = Duration::from_secs(5);

/// Prints what it sees.
#[derive(Debug)]
pub(crate) struct Transcript {
    styles: Vec<Style>,
    stdout: Sink,
    log: Log,
    /// The Host header of each WebSocket client whose style shows it.
    hosts: HashMap<ConnId, String>,
    /// How many lines were already reported as dropped.
    reported: u64,
    /// When the last report was made.
    last_report: Option<Instant>,
}

impl Transcript {
    /// What is not for stdout goes the way of the log.
    pub(crate) fn new(log: Log) -> Transcript {
        Transcript {
            styles: Vec::new(),
            stdout: Sink::new(&io::stdout()),
            log,
            hosts: HashMap::new(),
            reported: 0,
            last_report: None,
        }
    }

    /// Says what the classic programs say when they start, and learns how each binding is shown.
    pub(crate) fn start(server: &mut BoundServer<Transcript>) {
        let bindings: Vec<_> =
            server.bindings().map(|(binding, place)| (Style::of(binding), place.clone())).collect();
        let transcript = server.observer_mut();
        for (style, place) in bindings {
            transcript.announce(style, &place);
            transcript.styles.push(style);
        }
        transcript.end_turn();
    }

    /// Passes on what is left, for at most a second: the server has stopped.
    pub(crate) fn finish(&mut self) {
        self.stdout.flush_for(Duration::from_secs(1));
        self.last_report = None;
        self.report_dropped();
    }

    fn announce(&mut self, style: Style, place: &Place) {
        match style {
            Style::UnixEcho if place.replaced_stale => {
                self.print(format_args!("Deleting existing {}\n", place.local));
            }
            Style::WebSocketEcho => {
                if let Some(port) = place.port() {
                    self.log(format_args!("Listening to TCP Port :{port}"));
                }
            }
            _ => {}
        }
    }

    /// Appends to the transcript on stdout.
    fn print(&mut self, text: std::fmt::Arguments<'_>) {
        self.stdout.append(|out| out.write_fmt(text));
    }

    /// Appends `head`, bytes as they came, and `tail`.
    fn print_bytes(&mut self, head: &str, bytes: &[u8], tail: &str) {
        self.stdout.append(|out| {
            out.write_all(head.as_bytes())?;
            out.write_all(bytes)?;
            out.write_all(tail.as_bytes())
        });
    }

    /// Appends a line with date and time on stderr.
    fn log(&mut self, text: std::fmt::Arguments<'_>) {
        let mut line = format!("{} {text}", Zoned::now().strftime("%Y/%m/%d %H:%M:%S"));
        if !line.ends_with('\n') {
            line.push('\n');
        }
        self.log.append(line.as_bytes());
    }

    fn see_connection(&mut self, style: Style, peer: ConnId, what: Sighting<'_>) {
        match (style, what) {
            (Style::Time, Sighting::Message(line)) => self.print_bytes("-> ", line, "\n"),
            (Style::TcpEcho, Sighting::Message(line)) => self.print_bytes("> ", line, "\n"),
            (Style::Count, Sighting::Message(line)) => {
                self.print_bytes("", line.trim_ascii(), "\n");
            }
            (Style::UnixEcho, Sighting::Message(data)) => {
                self.print_bytes("Server got: ", data, "");
            }
            (Style::WebSocketEcho, Sighting::Message(text)) => {
                let text = String::from_utf8_lossy(text).into_owned();
                self.log(format_args!("Received: {text}"));
            }
            (Style::Udp | Style::Other, Sighting::Message(message)) => {
                self.print_bytes("-> ", message, "\n");
            }
            (Style::Time | Style::TcpEcho, Sighting::Stop) => {
                self.print(format_args!("Exiting TCP server!\n"));
            }
            (Style::Count, Sighting::Opened { .. }) => self.print(format_args!(".")),
            (Style::WebSocketEcho, Sighting::Opened { head }) => {
                let host = host_of(head);
                self.log(format_args!("Connection from: {host}"));
                self.hosts.insert(peer, host);
            }
            (Style::Time | Style::TcpEcho | Style::Count, Sighting::Closed(reason)) => match reason
            {
                CloseReason::Ended => self.print(format_args!("EOF\n")),
                CloseReason::Lost(error) => self.print(format_args!("{error}\n")),
                _ => {}
            },
            (Style::UnixEcho, Sighting::Closed(reason)) => match reason {
                CloseReason::Ended => self.print(format_args!("Read: EOF\n")),
                CloseReason::Lost(error) => self.print(format_args!("Read: {error}\n")),
                _ => {}
            },
            (Style::WebSocketEcho, Sighting::Closed(reason)) => {
                let host = self.hosts.remove(&peer).unwrap_or_default();
                self.log(format_args!("From {host} read {reason}"));
            }
            _ => {}
        }
    }

    fn see_datagram(&mut self, style: Style, payload: &[u8], reply: Option<&[u8]>) {
        if style != Style::Udp {
            self.print_bytes("-> ", payload, "\n");
            return;
        }
        let end =
            payload.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |last| last + 1);
        self.print_bytes("-> ", &payload[..end], "\n");
        match reply {
            Some(reply) => self.print_bytes("data: ", reply, "\n"),
            None => self.print(format_args!("Exiting UDP server!\n")),
        }
    }

    /// Says once in a while how much was dropped because nobody reads it.
    fn report_dropped(&mut self) {
        let dropped = self.stdout.dropped();
        let is_due = self.last_report.is_none_or(|last| last.elapsed() >= WARN_EVERY);
        if dropped > self.reported && is_due {
            warn!("the transcript is not read: {} entries dropped", dropped - self.reported);
            self.reported = dropped;
            self.last_report = Some(Instant::now());
        }
    }
}

impl Observer for Transcript {
    fn see(&mut self, binding: BindingId, peer: Option<ConnId>, what: Sighting<'_>) {
        let style = self.styles[usize::from(binding.index())];
        match (peer, what) {
            (_, Sighting::Datagram { payload, reply }) => self.see_datagram(style, payload, reply),
            (Some(peer), what) => self.see_connection(style, peer, what),
            (None, _) => {}
        }
    }

    fn end_turn(&mut self) -> bool {
        let is_behind = self.stdout.flush();
        self.report_dropped();
        is_behind | self.log.end_turn()
    }
}

/// The Host header of a request head, fit to be shown.
fn host_of(head: &[u8]) -> String {
    match readily::codec::http::parse_request(head) {
        Ok(request) => Escaped(request.host.as_bytes()).to_string(),
        Err(_) => String::new(),
    }
}
