//! How a server is, at one moment and to be read only: what SIGUSR1 logs, and what services show.

use super::core::Core;
use super::memory::Memory;
use super::pace::Pace;
use super::stats::Stats;
use super::traffic::{Label, Traffic};
use crate::time::Now;

/// What a service may know of the server that it runs in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The counters.
    pub stats: Stats,
    /// How many connections there are.
    pub connections: usize,
    /// What has gone through bindings; those of one label together. The last is for web clients that are of
    /// none.
    pub traffic: Vec<(Label, Traffic)>,
    /// How long the loop takes.
    pub pace: Pace,
    /// What the buffers of all connections take.
    pub memory: Memory,
    /// When the server started.
    pub started: Now,
    /// When this was so.
    pub now: Now,
    /// Whether it is about to end.
    pub is_draining: bool,
}

impl Report {
    /// What has gone through each transport, in the order of `traffic`.
    pub fn by_transport(&self) -> Vec<(&str, Traffic)> {
        let mut sums: Vec<(&str, Traffic)> = Vec::new();
        for (Label { transport, .. }, traffic) in &self.traffic {
            match sums.iter_mut().find(|(other, _)| other == transport) {
                Some((_, sum)) => sum.add(traffic),
                None => sums.push((transport, *traffic)),
            }
        }
        sums
    }

    /// As logs have it: the counters, whether it drains, and the memory; the loop; and each label that there
    /// was something of.
    pub(super) fn lines(&self) -> Vec<String> {
        let Report { stats, connections, memory, .. } = self;
        let draining = if self.is_draining { " draining=1" } else { "" };
        let mut lines = vec![
            format!("open={connections} {stats}{draining} {memory}"),
            format!("loop: {}", self.pace.line(self.now.time)),
        ];
        for (Label { transport, service }, traffic) in &self.traffic {
            if *traffic != Traffic::default() {
                lines.push(format!("{transport} {service}: {traffic}"));
            }
        }
        lines
    }
}

impl Core {
    pub(super) fn report(&self) -> Report {
        Report {
            stats: self.stats,
            connections: self.connections.len(),
            traffic: self.books.by_label(),
            pace: self.pace,
            memory: self.memory(),
            started: self.started,
            now: self.now,
            is_draining: self.drain.is_some(),
        }
    }
}
