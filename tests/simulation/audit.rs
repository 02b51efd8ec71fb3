//! The counters, held against the kernel, against who looks on, and against each other.

use readily::engine::{BindingId, Traffic};
use readily::kernel::sim::Passage;
use readily::reactor::Rules;
use readily::time::Time;

use crate::script::Service;
use crate::services::CLIENTS;
use crate::world::World;

impl<R: Rules> World<R> {
    /// Nothing was lost between the kernel, the counters and who looks on.
    pub(crate) fn audit(&self) {
        self.check_totals();
        self.check_pace();
        self.check_passage();
        self.check_messages();
    }

    fn check_totals(&self) {
        let (sim, stats) = (self.sim(), self.reactor.engine().stats());
        let (tally, witness) = (sim.tally(), self.reactor.engine().observer());
        let connections = self.reactor.engine().connections() as u64;
        assert_eq!(stats.opened, stats.closed + connections, "connections");
        assert!(connections == 0 || self.is_forced(), "{connections} are left");
        // Those that are made are counted when that begins.
        let (accepted, dialed) = (tally.watched - sim.passage(None).watched, self.dials());
        assert_eq!(stats.opened, accepted + dialed, "connections");
        assert_eq!(stats.messages, witness.messages.values().sum::<u64>(), "messages");
        assert_eq!(stats.bytes_received, tally.bytes_read, "bytes received");
        assert_eq!(stats.bytes_sent, tally.bytes_written, "bytes sent");
        assert_eq!(stats.accept_failures, tally.accept_failures, "failures to accept");
        assert_eq!(stats.refused_connections, tally.refused_connections, "too many");
        assert_eq!(stats.refused_per_ip, tally.refused_per_ip, "too many of one address");
        let refused = (stats.refused_no_descriptor, tally.refused_no_descriptor);
        assert_eq!(refused.0, refused.1, "refused for want of descriptors");
        assert_eq!(stats.accept_aborted, tally.accept_aborted, "gone before they were accepted");
        assert_eq!(stats.datagrams, tally.datagrams, "datagrams");
        assert_eq!(stats.datagrams, witness.datagrams, "datagrams");
        assert_eq!(stats.datagram_replies, tally.answers, "replies to datagrams");
        assert_eq!(stats.datagrams_not_sent, tally.answers_lost, "lost replies to datagrams");
        // Of some that broke nothing was left to be said.
        let (lost, broken) = (stats.lost, tally.broken);
        assert!(lost <= broken, "{lost} connections are lost, and {broken} broke");
    }

    /// Each turn is known whose end is, and was as long as the kernel was not asked to wait; behind one
    /// that could go on at once, that it was asked may count, too.
    fn check_pace(&self) {
        let turns = self.reactor.engine().pace().turns;
        assert_eq!(turns.count(), self.turns as u64 - 1, "turns");
        let awake = self.sim().tally().awake - (self.set_up - Time::ZERO);
        assert!(turns.total() >= awake, "{:?} of turns, and {awake:?} awake", turns.total());
        assert!(turns.total().as_nanos() <= u128::from(self.sim().time().as_nanos()));
    }

    /// What went through each binding is what the kernel has seen at its listeners. Of a web listener that
    /// is known of all its bindings together.
    fn check_passage(&self) {
        let mut web = Passage::default();
        let mut upgrades = 0;
        for (_, binding) in &self.ports.bindings {
            let (traffic, passage) = (self.traffic(*binding), self.bound_passage(*binding));
            upgrades += traffic.arrivals - passage.watched;
            web.bytes_read += traffic.bytes_received - passage.bytes_read;
            web.bytes_written += traffic.bytes_sent - passage.bytes_written;
        }
        let requests = self.reactor.engine().traffic(None);
        web.watched = requests.arrivals;
        web.bytes_read += requests.bytes_received;
        web.bytes_written += requests.bytes_sent;
        assert_eq!(web, self.sim().passage(Some(self.ports.web)), "the web listener");
        // Those that are made may become WebSockets, too, and come to no other binding by that.
        let made = self.reactor.engine().stats().upgraded - upgrades;
        assert!(made <= self.dials(), "upgrades");
        assert_eq!(
            (requests.messages_received, requests.messages_sent),
            (0, 0),
            "none are messages"
        );
        assert_eq!(passage_of(self.traffic(CLIENTS)), self.bound_passage(CLIENTS), "the proxy");
        let made = passage_of(self.traffic(self.ports.upstream));
        let dialed = Passage { watched: self.dials(), ..self.sim().passage(None) };
        assert_eq!(made, dialed, "dialed");
        let (tally, datagrams) = (self.sim().tally(), self.traffic(self.ports.datagrams));
        let expected = Traffic {
            messages_received: tally.datagrams,
            messages_sent: tally.answers,
            bytes_received: tally.datagram_bytes,
            bytes_sent: tally.answer_bytes,
            ..Traffic::default()
        };
        assert_eq!(datagrams, expected, "datagrams");
    }

    /// The messages of each service are those that who looks on has seen, and where each has one answer, or
    /// none, there are as many of these.
    fn check_messages(&self) {
        let seen = &self.reactor.engine().observer().messages;
        for &(service, binding) in &self.ports.bindings {
            let traffic = self.traffic(binding);
            assert!(traffic.connections == 0 || self.is_forced(), "{service:?}: all have gone");
            let (received, sent) = (traffic.messages_received, traffic.messages_sent);
            assert_eq!(received, seen.get(&binding).copied().unwrap_or(0), "{service:?}");
            match service {
                Service::Echo | Service::Count | Service::Time | Service::Random => {
                    assert_eq!(sent, received, "{service:?}: one answer to each");
                }
                Service::Discard => assert_eq!(sent, 0, "it says nothing"),
                _ => {}
            }
        }
    }

    /// How many connections the loop has begun to make, some of which could not be.
    fn dials(&self) -> u64 {
        let begun = self.traffic(self.ports.upstream).arrivals;
        assert!(begun >= self.sim().passage(None).watched, "{begun} are begun");
        begun
    }

    fn traffic(&self, binding: BindingId) -> Traffic {
        self.reactor.engine().traffic(Some(binding))
    }

    /// What has gone through the listeners that are of one binding.
    fn bound_passage(&self, binding: BindingId) -> Passage {
        let ports = self.ports.bound.iter().filter(|(_, other)| *other == binding);
        ports.map(|(port, _)| self.sim().passage(Some(*port))).fold(Passage::default(), plus)
    }
}

fn plus(one: Passage, other: Passage) -> Passage {
    Passage {
        watched: one.watched + other.watched,
        bytes_read: one.bytes_read + other.bytes_read,
        bytes_written: one.bytes_written + other.bytes_written,
    }
}

fn passage_of(traffic: Traffic) -> Passage {
    Passage {
        watched: traffic.arrivals,
        bytes_read: traffic.bytes_received,
        bytes_written: traffic.bytes_sent,
    }
}
