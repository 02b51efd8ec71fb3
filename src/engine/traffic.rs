//! What goes through each binding, in plain integers.
//!
//! Every binding has a line in the books, and there is one more for whoever is of none: a web client that
//! has asked for a page or for how the server is, or has yet to upgrade. A connection knows its binding, so
//! the line is found by an index and counting is an addition. People think of transports and services
//! instead, so bindings are [labelled](Label), and where the books are read, lines of one label are added up.
//!
//! **Messages and bytes stand in the [counters](Stats), too**, and neither follows from the other: those are of
//! connections alone and have datagrams for themselves, while a line has whatever came to its binding, by
//! connections, as datagrams, or both. To have both is one more addition for each read, write and batch of
//! messages, and tests compare them.

use std::fmt;

use super::connection::Connection;
use super::connections::Connections;
use super::endpoint::BindingId;
use super::stats::Stats;

/// What has gone through a binding since the start.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Traffic {
    /// Connections there are.
    pub connections: u64,
    /// Connections that came, or were made: as they were opened, or as web clients upgraded.
    pub arrivals: u64,
    /// Messages that were received, or datagrams.
    pub messages_received: u64,
    /// Messages that were queued to be sent, or datagrams that were.
    pub messages_sent: u64,
    /// Bytes that were received.
    pub bytes_received: u64,
    /// Bytes that were written.
    pub bytes_sent: u64,
}

impl Traffic {
    pub(super) fn add(&mut self, other: &Traffic) {
        self.connections += other.connections;
        self.arrivals += other.arrivals;
        self.messages_received += other.messages_received;
        self.messages_sent += other.messages_sent;
        self.bytes_received += other.bytes_received;
        self.bytes_sent += other.bytes_sent;
    }
}

/// As logs have it.
impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Traffic { connections, arrivals, .. } = self;
        write!(f, "connections={connections} arrivals={arrivals} ")?;
        write!(f, "messages_received={} ", self.messages_received)?;
        write!(f, "messages_sent={} ", self.messages_sent)?;
        write!(f, "bytes_received={} bytes_sent={}", self.bytes_received, self.bytes_sent)
    }
}

/// What people call a binding.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Label {
    /// What carries its messages: `tcp`, `udp`, `ws` and so on.
    pub transport: String,
    /// The name of its service.
    pub service: String,
}

impl Label {
    /// That of who is of no binding: there are requests over HTTP, which are no messages.
    pub fn of_requests() -> Label {
        Label { transport: "http".to_owned(), service: "none".to_owned() }
    }
}

/// The books.
#[derive(Debug)]
pub(super) struct Books {
    /// The first line is for who is of no binding; each other one is for the binding before its number.
    lines: Vec<Traffic>,
    labels: Vec<Label>,
}

impl Books {
    pub(super) fn new() -> Books {
        Books { lines: vec![Traffic::default()], labels: vec![Label::of_requests()] }
    }

    /// Begins a line, for the binding that was added last.
    pub(super) fn add_binding(&mut self) {
        self.lines.push(Traffic::default());
        self.labels.push(Label::default());
    }

    pub(super) fn label(&mut self, binding: BindingId, label: Label) {
        self.labels[usize::from(binding.0) + 1] = label;
    }

    /// The line of a binding.
    #[inline]
    pub(super) fn of(&mut self, binding: BindingId) -> &mut Traffic {
        &mut self.lines[usize::from(binding.0) + 1]
    }

    /// The line where a connection is counted at this moment.
    #[inline]
    pub(super) fn of_connection(&mut self, connection: &Connection) -> &mut Traffic {
        &mut self.lines[connection.line()]
    }

    /// The line of a binding, or of who is of none.
    pub(super) fn read(&self, binding: Option<BindingId>) -> Traffic {
        self.lines[binding.map_or(0, |binding| usize::from(binding.0) + 1)]
    }

    /// A line for each label, in the order of the bindings; who is of none comes last.
    pub(super) fn by_label(&self) -> Vec<(Label, Traffic)> {
        let mut sums: Vec<(Label, Traffic)> = Vec::new();
        let lines = self.labels.iter().zip(&self.lines);
        for (label, line) in lines.clone().skip(1).chain(lines.take(1)) {
            match sums.iter_mut().find(|(other, _)| other == label) {
                Some((_, sum)) => sum.add(line),
                None => sums.push((label.clone(), *line)),
            }
        }
        sums
    }

    /// All lines together are what the counters say, and each has the connections that it ought to.
    pub(super) fn check_invariants(&self, stats: &Stats, connections: &Connections) {
        let mut expected = vec![0; self.lines.len()];
        for id in connections.ids() {
            expected[connections.get(id).expect("it is there").line()] += 1;
        }
        let found: Vec<u64> = self.lines.iter().map(|line| line.connections).collect();
        assert_eq!(found, expected, "connections are counted where they are");
        let mut all = Traffic::default();
        self.lines.iter().for_each(|line| all.add(line));
        assert!((stats.opened..=stats.opened + stats.upgraded).contains(&all.arrivals));
        assert_eq!(all.messages_received, stats.messages + stats.datagrams);
        assert!(all.bytes_received >= stats.bytes_received && all.bytes_sent >= stats.bytes_sent);
        if stats.datagrams == 0 {
            assert_eq!(
                (all.bytes_received, all.bytes_sent),
                (stats.bytes_received, stats.bytes_sent)
            );
        }
    }
}
