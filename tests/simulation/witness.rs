//! Looks on from within the engine, and counts.

use std::collections::BTreeMap;

use readily::engine::{BindingId, ConnId, Observer, Sighting};

/// What was seen.
#[derive(Default, Debug)]
pub(crate) struct Witness {
    /// Of each binding.
    pub(crate) messages: BTreeMap<BindingId, u64>,
    pub(crate) opened: u64,
    pub(crate) closed: u64,
    pub(crate) datagrams: u64,
}

impl Observer for Witness {
    fn see(&mut self, binding: BindingId, _: Option<ConnId>, what: Sighting<'_>) {
        match what {
            Sighting::Opened { .. } => self.opened += 1,
            Sighting::Message(_) => *self.messages.entry(binding).or_default() += 1,
            Sighting::Stop => {}
            Sighting::Closed(_) => self.closed += 1,
            Sighting::Datagram { .. } => self.datagrams += 1,
        }
    }
}
