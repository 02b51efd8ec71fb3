//! The fan-out load: one connection publishes, all the others receive, and each delivery is compared.
//!
//! The server has to hand on what one client sends to all the others in the same words, as a topic that a
//! binding is fixed to does; whether the sender gets it, too, is all the same.
//!
//! ```text
//!   joining      message 0, again and again, until everybody has received it: who is connected may
//!                be nobody that the server knows of
//!   warm-up,     messages 1, 2, 3 …: `depth` of them on their way, where one that has come to
//!   measurement  everybody is the occasion for the next; or at moments that nothing moves
//!   the end      what does not come any more is missing
//! ```

mod compare;
mod flight;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use self::flight::Flight;
use super::course::Course;
use super::crowd::Crowd;
use super::payload::Payload;
use super::recorder::Recorder;
use super::report::Errors;
use super::roster::Roster;
use super::run::{Load, Stage};
use super::schedule::Schedule;
use super::{GRACE, Options};
use crate::address::ConnectAddress;
use crate::config::TargetKind;
use crate::engine::{ConnId, Context};
use crate::protocol::{CloseReason, Message, MessageKind};
use crate::service::Service;
use crate::time::Time;

/// How often message 0 is published.
const JOIN_EVERY: Duration = Duration::from_millis(100);

/// Who has not received it by then never will.
const JOIN_WITHIN: Duration = Duration::from_secs(10);

/// The most messages that are published in a turn because they are due.
const DUE_PER_TURN: usize = 64;

/// The load.
#[derive(Debug)]
pub(super) struct Fanout {
    plan: Plan,
    crowd: Crowd,
    payload: Payload,
    schedule: Option<Schedule>,
    recorder: Recorder,
    /// The first connection that was there.
    publisher: Option<ConnId>,
    subscribers: Vec<Subscriber>,
    /// Subscribers that have received something, and from whom more is expected.
    joined: usize,
    roster: Roster,
    flight: Flight,
    /// Moments of messages that are due and cannot be published, because the server takes nothing.
    waiting: VecDeque<Time>,
    course: Course,
    next_join: Time,
    errors: Errors,
    failure: Option<String>,
}

#[derive(Debug)]
struct Plan {
    subscribers: usize,
    depth: usize,
    /// Messages come as bytes, in any pieces.
    is_bytes: bool,
    kind: MessageKind,
}

/// Who receives.
#[derive(Debug)]
struct Subscriber {
    id: ConnId,
    state: State,
    /// The message that is expected, of which so much has come.
    next: u64,
    offset: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Nothing has come yet.
    Silent,
    Joined,
    /// What comes means nothing any more.
    Lost,
}

impl Fanout {
    pub(super) fn new(options: &Options, address: ConnectAddress) -> Fanout {
        let kind = options.target.kind();
        let is_bytes = matches!(kind, TargetKind::Tcp | TargetKind::Unix);
        Fanout {
            plan: Plan {
                subscribers: options.connections,
                depth: options.depth,
                is_bytes,
                kind: options.message_kind(),
            },
            crowd: Crowd::new(options, address),
            payload: Payload::new(options.size, options.text, is_bytes),
            schedule: options.rate.map(Schedule::at_rate),
            recorder: Recorder::new(),
            publisher: None,
            subscribers: Vec::new(),
            joined: 0,
            roster: Roster::default(),
            flight: Flight::starting_at(1),
            waiting: VecDeque::new(),
            course: Course::new(options),
            next_join: Time::ZERO,
            errors: Errors::default(),
            failure: None,
        }
    }

    /// What was measured, of each delivery.
    pub(super) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    pub(super) fn errors(&self) -> Errors {
        self.errors
    }

    /// Whether messages are published, and somebody is there for them.
    fn is_publishing(&self) -> bool {
        self.course.is_sending() && self.joined > 0
    }

    /// Goes on to the next stage when it is time.
    fn advance(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        match self.course.stage {
            Stage::Few => {
                self.crowd.grow(cx, self.plan.subscribers + 1);
                if self.crowd.is_decided(self.plan.subscribers + 1) {
                    self.course.stage = Stage::Many;
                    self.course.until = now + JOIN_WITHIN;
                    self.join(cx);
                }
            }
            Stage::Many => self.join(cx),
            _ => match self.course.advance(now) {
                Some(Stage::Measuring) => self.recorder.start(now),
                Some(Stage::Finishing) => self.settle(now),
                Some(_) => self.finish(cx),
                None => {}
            },
        }
    }

    /// Publishes message 0 until everybody has received it, or time is up.
    fn join(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        let is_silent = |subscriber: &&mut Subscriber| subscriber.state == State::Silent;
        let silent = self.subscribers.iter_mut().filter(is_silent);
        if now >= self.course.until {
            for subscriber in silent {
                subscriber.state = State::Lost;
                self.errors.missing += 1;
            }
        } else if silent.count() > 0 {
            if now >= self.next_join {
                self.next_join = now + JOIN_EVERY;
                self.send(cx, 0);
            }
            return;
        }
        if self.joined == 0 {
            self.failure.get_or_insert_with(|| "nobody received what was published".to_owned());
            return self.finish(cx);
        }
        self.course.start(now);
        if let Some(schedule) = &mut self.schedule {
            schedule.start(now);
        }
        self.refill(cx);
    }

    /// At the end, nothing is waited for that is not on its way.
    fn settle(&mut self, now: Time) {
        if self.flight.len() == 0 {
            self.course.settle(now);
        }
    }

    /// Time is up: what has not come is missing.
    fn finish(&mut self, cx: &mut Context<'_>) {
        self.course.stage = Stage::Done;
        self.errors.unsent += self.waiting.len() as u64;
        for subscriber in &self.subscribers {
            if subscriber.state == State::Joined {
                self.errors.missing += self.flight.give_up(subscriber.next.max(1));
            }
            cx.close(subscriber.id, 1000, "");
        }
        if let Some(publisher) = self.publisher {
            cx.close(publisher, 1000, "");
        }
        cx.stop(GRACE);
    }

    fn send(&mut self, cx: &mut Context<'_>, number: u64) {
        if let Some(publisher) = self.publisher {
            let payload = self.payload.message(0, number);
            cx.send(publisher, Message::decoded(self.plan.kind, payload));
        }
    }

    /// Publishes the next message, which was to be published at `moment`.
    fn publish(&mut self, cx: &mut Context<'_>, moment: Time) {
        self.send(cx, self.flight.next());
        self.flight.publish(moment, self.joined);
    }

    /// Without a rate, one more message takes the place of each that has come to everybody.
    fn refill(&mut self, cx: &mut Context<'_>) {
        if self.schedule.is_some() {
            return;
        }
        while self.is_publishing() && self.flight.len() < self.plan.depth {
            self.publish(cx, cx.now());
        }
    }

    /// Publishes what is due.
    fn publish_due(&mut self, cx: &mut Context<'_>) {
        for _ in 0..DUE_PER_TURN {
            let is_publishing = self.is_publishing();
            let schedule = self.schedule.as_mut().filter(|_| is_publishing);
            let Some((_, moment)) = schedule.and_then(|schedule| schedule.take(cx.now())) else {
                return;
            };
            self.waiting.push_back(moment);
            self.publish_waiting(cx);
        }
    }

    /// Publishes what has waited, as far as the server takes it.
    fn publish_waiting(&mut self, cx: &mut Context<'_>) {
        while self.is_publishing()
            && self.publisher.is_some_and(|publisher| cx.room(publisher) > 0)
            && let Some(moment) = self.waiting.pop_front()
        {
            self.publish(cx, moment);
        }
    }

    /// Nothing more is expected of a subscriber.
    fn lose(&mut self, place: usize) -> u64 {
        let subscriber = &mut self.subscribers[place];
        let state = std::mem::replace(&mut subscriber.state, State::Lost);
        if state != State::Joined {
            return 0;
        }
        self.joined -= 1;
        self.flight.give_up(subscriber.next.max(1))
    }
}

impl Load for Fanout {
    fn stage(&self) -> Stage {
        self.course.stage
    }

    fn counts(&self) -> (usize, u64) {
        (self.crowd.open(), self.recorder.messages)
    }

    fn failure(&self) -> Option<&str> {
        self.failure.as_deref().filter(|_| self.recorder.messages == 0)
    }
}

impl Service for Fanout {
    fn on_open(&mut self, cx: &mut Context<'_>, id: ConnId) {
        self.crowd.opened();
        if self.publisher.is_none() {
            self.publisher = Some(id);
        } else {
            self.roster.add(id);
            self.subscribers.push(Subscriber { id, state: State::Silent, next: 0, offset: 0 });
        }
        self.advance(cx);
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        // What comes to the publisher is its own.
        let Some(place) = self.roster.find(from) else { return };
        if self.subscribers[place].state == State::Lost {
            return;
        }
        let is_of_kind = self.plan.is_bytes || message.kind() == self.plan.kind;
        let is_empty = message.as_bytes().is_empty();
        if is_empty || !is_of_kind || !self.compare(place, message.as_bytes(), cx.now()) {
            // Nothing that follows can be trusted.
            self.errors.wrong += 1;
            self.lose(place);
            cx.abort(from);
        }
        self.refill(cx);
        self.settle(cx.now());
    }

    fn on_drained(&mut self, cx: &mut Context<'_>, id: ConnId) {
        if self.publisher == Some(id) {
            self.publish_waiting(cx);
        }
    }

    fn on_close(&mut self, cx: &mut Context<'_>, id: ConnId, reason: CloseReason) {
        if self.course.stage >= Stage::Closing {
            return;
        }
        if self.publisher == Some(id) {
            self.errors.disconnected += 1;
            self.failure.get_or_insert_with(|| reason.to_string());
            return self.finish(cx);
        }
        match self.roster.find(id) {
            Some(place) if self.subscribers[place].state == State::Lost => {}
            Some(place) => {
                self.errors.missing += self.lose(place);
                self.errors.disconnected += 1;
            }
            None => {
                self.crowd.failed();
                self.errors.not_connected += 1;
                self.failure.get_or_insert_with(|| reason.to_string());
            }
        }
        self.advance(cx);
        self.refill(cx);
        self.settle(cx.now());
    }

    fn on_drain(&mut self, cx: &mut Context<'_>) {
        if self.course.stage != Stage::Done {
            let subscribers = self.subscribers.iter().map(|subscriber| subscriber.id);
            for id in subscribers.chain(self.publisher) {
                cx.abort(id);
            }
        }
    }

    fn poll_timeout(&self) -> Option<Time> {
        match self.course.stage {
            Stage::Few => (self.crowd.open() == 0).then_some(Time::ZERO),
            Stage::Many => Some(self.next_join.min(self.course.until)),
            Stage::Done | Stage::Closing => None,
            Stage::Warmup | Stage::Measuring | Stage::Finishing => {
                let is_publishing = self.is_publishing();
                let due = self.schedule.filter(|_| is_publishing).map(|plan| plan.due());
                due.into_iter().chain([self.course.until]).min()
            }
        }
    }

    fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        self.advance(cx);
        self.publish_due(cx);
    }
}
