//! The echo load: each connection sends, and compares what comes back.
//!
//! Without a rate it is a closed loop: `depth` messages are on their way on each connection, and a
//! reply is the occasion for the next. With a rate it is an open loop: messages are due at moments
//! that nothing moves, in turn on each connection, and one that cannot be sent in time waits with
//! its moment.
//!
//! What a group of connections sends is a [`Flow`]. There is one, or a second one beside it: a few
//! short messages at fixed moments (pings), to see how long they take while the first is going on.

mod compare;
mod flow;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use self::flow::Flow;
use super::course::Course;
use super::crowd::Crowd;
use super::payload::Payload;
use super::recorder::Recorder;
use super::report::Errors;
use super::roster::Roster;
use super::run::{Load, Stage};
use super::schedule::Schedule;
use super::{GRACE, Options, is_datagrams};
use crate::address::ConnectAddress;
use crate::config::TargetKind;
use crate::engine::{ConnId, Context};
use crate::protocol::{CloseReason, Message, MessageKind};
use crate::service::Service;
use crate::time::Time;

/// The connections that pings go to and fro on, beside the load.
const PING_CONNECTIONS: usize = 16;

/// How long a ping is.
const PING_BYTES: usize = 64;

/// The most messages that are sent in a turn because they are due.
const DUE_PER_TURN: usize = 4096;

/// The load.
#[derive(Debug)]
pub(super) struct Echo {
    plan: Plan,
    flows: Vec<Flow>,
    crowd: Crowd,
    peers: Vec<Peer>,
    roster: Roster,
    course: Course,
    errors: Errors,
    /// What was sent but not answered.
    in_flight: usize,
    next_scan: Time,
    failure: Option<String>,
}

#[derive(Debug)]
struct Plan {
    connections: usize,
    framing: Framing,
    kind: MessageKind,
}

/// How a reply is told from the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Framing {
    /// By its length; it comes in any pieces.
    Bytes,
    /// Each is a message, in the order in which they were sent.
    Messages,
    /// Each is a message, and may be lost or late.
    Datagrams,
}

/// One connection.
#[derive(Debug)]
struct Peer {
    id: ConnId,
    flow: usize,
    /// If not, its bytes mean nothing any more.
    is_sound: bool,
    next: u64,
    /// What is on its way: the number, and the moment it was or should have been sent.
    in_flight: VecDeque<(u64, Time)>,
    /// How much of the reply that is expected has come (of [`Framing::Bytes`]).
    offset: usize,
    /// Moments of messages that are due and cannot be sent, because the server takes nothing.
    waiting: VecDeque<Time>,
}

impl Echo {
    pub(super) fn new(options: &Options, address: ConnectAddress) -> Echo {
        let kind = options.target.kind();
        let framing = match kind {
            TargetKind::Tcp | TargetKind::Unix => Framing::Bytes,
            _ if is_datagrams(kind) => Framing::Datagrams,
            _ => Framing::Messages,
        };
        let flow = |(first, connections), size, rate: Option<f64>| Flow {
            first,
            connections,
            payload: Payload::new(size, options.text, framing == Framing::Bytes),
            depth: options.depth,
            schedule: rate.map(Schedule::at_rate),
            recorder: Recorder::new(),
        };
        let mut flows = vec![flow((0, options.connections), options.size, options.rate)];
        if let Some(pings) = options.pings {
            let place = (options.connections, PING_CONNECTIONS);
            flows.push(flow(place, PING_BYTES, Some(pings)));
        }
        Echo {
            plan: Plan {
                connections: flows.iter().map(|flow| flow.connections).sum(),
                framing,
                kind: options.message_kind(),
            },
            flows,
            crowd: Crowd::new(options, address),
            peers: Vec::new(),
            roster: Roster::default(),
            course: Course::new(options),
            errors: Errors::default(),
            in_flight: 0,
            next_scan: Time::ZERO,
            failure: None,
        }
    }

    /// What was measured of the load itself.
    pub(super) fn recorder(&self) -> &Recorder {
        &self.flows[0].recorder
    }

    /// What was measured of the pings beside it.
    pub(super) fn pings(&self) -> Option<&Recorder> {
        self.flows.get(1).map(|flow| &flow.recorder)
    }

    /// What went wrong on any connection.
    pub(super) fn errors(&self) -> Errors {
        self.errors
    }

    /// Goes on to the next stage when it is time.
    fn advance(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        if self.course.stage < Stage::Warmup {
            self.crowd.grow(cx, self.plan.connections);
            if self.crowd.is_decided(self.plan.connections) {
                self.begin(cx);
            }
            return;
        }
        match self.course.advance(now) {
            Some(Stage::Measuring) => {
                for flow in &mut self.flows {
                    flow.recorder.start(now);
                }
            }
            Some(Stage::Finishing) => self.settle(now),
            Some(_) => self.finish(cx),
            None => {}
        }
    }

    /// Everybody is there.
    fn begin(&mut self, cx: &mut Context<'_>) {
        if self.peers.is_empty() {
            self.course.stage = Stage::Done;
            return cx.stop(GRACE);
        }
        let now = cx.now();
        self.course.start(now);
        for schedule in self.flows.iter_mut().filter_map(|flow| flow.schedule.as_mut()) {
            schedule.start(now);
        }
        for peer in 0..self.peers.len() {
            self.refill(cx, peer);
        }
    }

    /// At the end, nothing is waited for that is not on its way.
    fn settle(&mut self, now: Time) {
        if self.in_flight == 0 {
            self.course.settle(now);
        }
    }

    /// Time is up: what has not come is missing.
    fn finish(&mut self, cx: &mut Context<'_>) {
        self.course.stage = Stage::Done;
        for peer in &self.peers {
            if peer.is_sound {
                let missing = peer.in_flight.len() as u64;
                self.errors.unsent += peer.waiting.len() as u64;
                match self.plan.framing {
                    Framing::Datagrams => self.errors.lost_datagrams += missing,
                    Framing::Bytes | Framing::Messages => self.errors.missing += missing,
                }
                cx.close(peer.id, 1000, "");
            }
        }
        cx.stop(GRACE);
    }

    /// Sends the next message of a peer, which was to be sent at `moment`.
    fn send(&mut self, cx: &mut Context<'_>, peer: usize, moment: Time) {
        let state = &mut self.peers[peer];
        let number = state.next;
        state.next += 1;
        state.in_flight.push_back((number, moment));
        self.in_flight += 1;
        let payload = self.flows[state.flow].payload.message(peer, number);
        cx.send(state.id, Message::decoded(self.plan.kind, payload));
    }

    /// Sends what is due.
    fn send_due(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        for flow in 0..self.flows.len() {
            for _ in 0..DUE_PER_TURN {
                let Some((peer, moment)) = self.take_due(flow, now) else { break };
                self.send_if_possible(cx, peer, moment);
            }
        }
    }

    /// The next message of a flow that is due by now: on which connection, and since when.
    fn take_due(&mut self, flow: usize, now: Time) -> Option<(usize, Time)> {
        let is_sending = self.course.is_sending();
        let Flow { first, connections, schedule, .. } = &mut self.flows[flow];
        let (number, moment) = schedule.as_mut().filter(|_| is_sending)?.take(now)?;
        let turn = usize::try_from(number % *connections as u64).expect("there are so many");
        Some((*first + turn, moment))
    }

    fn send_if_possible(&mut self, cx: &mut Context<'_>, peer: usize, moment: Time) {
        // Where fewer connections could be made than wanted, the last ones are not there.
        let Some(state) = self.peers.get_mut(peer).filter(|state| state.is_sound) else { return };
        if cx.room(state.id) > 0 && state.waiting.is_empty() {
            self.send(cx, peer, moment);
        } else {
            state.waiting.push_back(moment);
        }
    }

    /// The reply to the oldest message of a peer has come, and is right.
    fn replied(&mut self, peer: usize, now: Time) {
        let Some((_, sent)) = self.peers[peer].in_flight.pop_front() else { return };
        self.count(peer, sent, now);
    }

    fn count(&mut self, peer: usize, sent: Time, now: Time) {
        self.in_flight -= 1;
        // What comes later answers what was measured, but not within the time.
        if self.course.stage != Stage::Finishing {
            let Flow { recorder, payload, .. } = &mut self.flows[self.peers[peer].flow];
            recorder.reply(payload.len(), now - sent, now);
        }
    }

    /// In a closed loop, one more message takes the place of each that is not on its way any more.
    fn refill(&mut self, cx: &mut Context<'_>, peer: usize) {
        let Flow { schedule, depth, .. } = self.flows[self.peers[peer].flow];
        if schedule.is_some() || !self.course.is_sending() {
            return;
        }
        while self.peers[peer].in_flight.len() < depth {
            self.send(cx, peer, cx.now());
        }
    }
}

impl Load for Echo {
    fn stage(&self) -> Stage {
        self.course.stage
    }

    fn counts(&self) -> (usize, u64) {
        (self.crowd.open(), self.flows.iter().map(|flow| flow.recorder.messages).sum())
    }

    fn failure(&self) -> Option<&str> {
        self.failure.as_deref().filter(|_| self.peers.is_empty())
    }
}

impl Service for Echo {
    fn on_open(&mut self, cx: &mut Context<'_>, id: ConnId) {
        self.crowd.opened();
        let number = self.roster.add(id);
        self.peers.push(Peer {
            id,
            flow: self.flows.iter().rposition(|flow| flow.first <= number).unwrap_or(0),
            is_sound: true,
            next: 0,
            in_flight: VecDeque::new(),
            offset: 0,
            waiting: VecDeque::new(),
        });
        self.advance(cx);
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        let Some(peer) = self.roster.find(from).filter(|peer| self.peers[*peer].is_sound) else {
            return;
        };
        let now = cx.now();
        let is_right = match self.plan.framing {
            Framing::Bytes => self.compare_bytes(peer, message.as_bytes(), now),
            Framing::Messages => self.compare_message(peer, message, now),
            Framing::Datagrams => {
                self.compare_datagram(peer, message.as_bytes(), now);
                true
            }
        };
        if is_right {
            self.refill(cx, peer);
        } else {
            // Nothing that follows can be trusted.
            self.peers[peer].is_sound = false;
            self.in_flight -= self.peers[peer].in_flight.len();
            cx.abort(from);
        }
        self.settle(now);
    }

    fn on_drained(&mut self, cx: &mut Context<'_>, id: ConnId) {
        let Some(peer) = self.roster.find(id) else { return };
        while self.course.is_sending()
            && cx.room(id) > 0
            && let Some(moment) = self.peers[peer].waiting.pop_front()
        {
            self.send(cx, peer, moment);
        }
    }

    fn on_close(&mut self, cx: &mut Context<'_>, id: ConnId, reason: CloseReason) {
        match self.roster.find(id) {
            Some(peer) if self.course.stage < Stage::Closing && self.peers[peer].is_sound => {
                self.peers[peer].is_sound = false;
                self.in_flight -= self.peers[peer].in_flight.len();
                self.errors.missing += self.peers[peer].in_flight.len() as u64;
                self.errors.disconnected += 1;
                self.settle(cx.now());
            }
            Some(_) => {}
            None if self.course.stage < Stage::Warmup => {
                self.crowd.failed();
                self.errors.not_connected += 1;
                self.failure.get_or_insert_with(|| reason.to_string());
                self.advance(cx);
            }
            None => {}
        }
    }

    fn on_drain(&mut self, cx: &mut Context<'_>) {
        for peer in &self.peers {
            if self.course.stage == Stage::Done {
                continue;
            }
            cx.abort(peer.id);
        }
    }

    fn poll_timeout(&self) -> Option<Time> {
        match self.course.stage {
            Stage::Few | Stage::Many => (self.crowd.open() == 0).then_some(Time::ZERO),
            Stage::Done | Stage::Closing => None,
            Stage::Warmup | Stage::Measuring | Stage::Finishing => {
                let schedules = self.flows.iter().filter_map(|flow| flow.schedule);
                let due = schedules.filter(|_| self.course.is_sending()).map(|plan| plan.due());
                let is_datagrams = self.plan.framing == Framing::Datagrams;
                let scan = is_datagrams.then_some(self.next_scan);
                due.chain(scan).chain([self.course.until]).min()
            }
        }
    }

    fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        self.advance(cx);
        self.send_due(cx);
        self.scan_datagrams(cx);
    }
}
