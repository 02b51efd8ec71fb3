//! Looks on from within the engine, and counts.

use readily::engine::{BindingId, ConnId, Observer, Sighting};
use readily::service::CloseReason;

/// What was seen.
#[derive(Default, Debug)]
pub(crate) struct Witness {
    pub(crate) messages: u64,
    pub(crate) opened: u64,
    pub(crate) closed: u64,
    pub(crate) datagrams: u64,
    /// Connections that ended for a reason that is not their peer's wish, and that reason.
    pub(crate) cut_off: Vec<String>,
}

impl Observer for Witness {
    fn see(&mut self, binding: BindingId, _: Option<ConnId>, what: Sighting<'_>) {
        match what {
            Sighting::Opened { .. } => self.opened += 1,
            Sighting::Message(_) => self.messages += 1,
            Sighting::Stop => {}
            Sighting::Closed(reason) => {
                self.closed += 1;
                let is_cut_off =
                    matches!(reason, CloseReason::TimedOut(_) | CloseReason::SlowConsumer);
                if is_cut_off {
                    self.cut_off.push(format!("{binding:?}: {reason}"));
                }
            }
            Sighting::Datagram { .. } => self.datagrams += 1,
        }
    }
}
