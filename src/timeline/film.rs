//! Turns, made of what was seen.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::event::{Event, What};
use super::eye::{Eye, Note};
use super::served::Served;
use crate::engine::{ConnId, State};
use crate::kernel::{Interest, SocketKind, Token};
use crate::time::Time;

/// What a turn was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Turn {
    /// Which one, from 1 on.
    pub number: u64,
    /// For how long it was to wait at most; `None`: as long as it takes.
    pub timeout: Option<Duration>,
    /// When it began to wait, and the turn before it ended. Only a turn that may sleep reads the clock for that.
    pub slept: Option<Time>,
    /// When it was awake.
    pub time: Time,
    /// How long after the turn before that was.
    pub after: Duration,
    /// How often it has looked for events: once, or more often where it spins.
    pub polls: usize,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// A source of readiness, from its registration to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lane {
    /// The number that the kernel's side has for it, from 1 on; 0 is the loop.
    pub source: u32,
    /// What it is; `None`: the loop itself.
    pub kind: Option<SocketKind>,
    /// Where it listens, or whom it is connected to.
    pub name: String,
}

/// Makes turns of what its [eyes](Film::eye) have seen.
#[derive(Debug)]
pub struct Film {
    notes: Receiver<Note>,
    sender: Sender<Note>,
    /// The names of the services, by binding.
    services: Vec<String>,
    lanes: Vec<Lane>,
    /// The lane of each source that is registered.
    by_source: HashMap<u32, usize>,
    by_token: HashMap<Token, usize>,
    states: HashMap<usize, State>,
    /// What the next source is that is registered.
    next: Option<String>,
    turns: u64,
    time: Time,
    turn: Turn,
}

impl Film {
    /// A film of a loop whose services have these names, by binding.
    pub fn new<S: Into<String>>(services: impl IntoIterator<Item = S>) -> Film {
        let (sender, notes) = channel();
        let the_loop = Lane { source: 0, kind: None, name: "the loop".to_owned() };
        Film {
            notes,
            sender,
            services: services.into_iter().map(Into::into).collect(),
            lanes: vec![the_loop],
            by_source: HashMap::new(),
            by_token: HashMap::new(),
            states: HashMap::new(),
            next: None,
            turns: 0,
            time: Time::ZERO,
            turn: Turn::new(),
        }
    }

    /// An eye, for the [kernel](crate::kernel::Watched) and for the [engine](crate::engine::Engine::new).
    pub fn eye(&self) -> Eye {
        Eye(self.sender.clone())
    }

    /// Everybody who was there so far. The first is the loop.
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// What has happened since the last turn: to be called behind each turn of the loop. What was before the
    /// first is part of it.
    pub fn turn(&mut self) -> Turn {
        while let Ok(note) = self.notes.try_recv() {
            self.take(note);
        }
        self.say_why();
        self.turns += 1;
        let mut turn = std::mem::replace(&mut self.turn, Turn::new());
        turn.number = self.turns;
        turn
    }

    fn take(&mut self, note: Note) {
        match note {
            Note::Wait(timeout) => {
                self.turn.polls += 1;
                self.turn.timeout = timeout;
            }
            Note::Slept(time) => self.turn.slept = Some(time),
            Note::Woken(time) => {
                self.turn.after += time - self.time;
                self.turn.time = time;
                self.time = time;
            }
            Note::Next(name) => self.next = Some(name),
            Note::Registered(source, kind, token, interest) => {
                let name = self.next.take().unwrap_or_default();
                self.registered(Lane { source, kind: Some(kind), name }, token, interest);
            }
            Note::Ready(token, what) => {
                let lane = self.by_token.get(&token).copied().unwrap_or(0);
                self.add(lane, what);
            }
            Note::At(source, what) => {
                let lane = self.by_source.get(&source).copied().unwrap_or(0);
                let is_gone = matches!(what, What::Closed | What::Aborted);
                self.add(lane, what);
                if is_gone {
                    self.by_source.remove(&source);
                    self.states.remove(&lane);
                }
            }
            Note::Of(id, what) => self.add(self.lane_of(id), what),
            Note::State(id, state) => {
                let lane = self.lane_of(id);
                // It is told whenever it may have changed. What waits changes with each write.
                let before = self.states.insert(lane, state);
                let queued_bytes = state.queued_bytes;
                if before.map(|before| State { queued_bytes, ..before }) != Some(state) {
                    self.add(lane, What::State(state));
                }
            }
            Note::Called(binding, peer, call) => {
                let name =
                    binding.and_then(|binding| self.services.get(usize::from(binding.index())));
                let name = name.cloned().unwrap_or_else(|| "a service".to_owned());
                let lane = peer.map_or(0, |peer| self.lane_of(peer));
                self.add(lane, What::Called(name, call));
            }
        }
    }

    fn registered(&mut self, source: Lane, token: Token, interest: Interest) {
        let lane = self.lanes.len();
        self.by_source.insert(source.source, lane);
        self.lanes.push(source);
        self.by_token.insert(token, lane);
        self.add(lane, What::Watched { writable: interest == Interest::ReadableAndWritable });
    }

    fn lane_of(&self, id: ConnId) -> usize {
        self.by_token.get(&crate::reactor::token_of(id)).copied().unwrap_or(0)
    }

    fn add(&mut self, lane: usize, what: What) {
        self.turn.events.push(Event { lane, what });
    }

    /// Says of each connection that was served why it was left alone then.
    fn say_why(&mut self) {
        let mut stops = Vec::new();
        for (lane, events) in self.turn.by_lane() {
            if let Some(kind @ (SocketKind::Stream(_) | SocketKind::Datagram)) =
                self.lanes[lane].kind
            {
                let mut served = Served::default();
                events.into_iter().for_each(|event| served.note(&event.what, kind));
                let why = served.why(self.states.get(&lane));
                stops.extend(why.map(|why| Event { lane, what: What::Stopped(why) }));
            }
        }
        self.turn.events.extend(stops);
    }
}

impl Turn {
    fn new() -> Turn {
        Turn {
            number: 0,
            timeout: None,
            slept: None,
            time: Time::ZERO,
            after: Duration::ZERO,
            polls: 0,
            events: Vec::new(),
        }
    }

    /// What happened on each lane, the lanes in the order in which something happened first.
    pub fn by_lane(&self) -> Vec<(usize, Vec<&Event>)> {
        let mut lanes: Vec<(usize, Vec<&Event>)> = Vec::new();
        let mut places = HashMap::new();
        for event in &self.events {
            let place = *places.entry(event.lane).or_insert(lanes.len());
            if place == lanes.len() {
                lanes.push((event.lane, Vec::new()));
            }
            lanes[place].1.push(event);
        }
        lanes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_in_the_order_in_which_they_came_and_so_is_what_happened_on_each() {
        let event = |lane, what| Event { lane, what };
        let all = [
            event(7, What::Opened),
            event(2, What::Closed),
            event(7, What::Stop),
            event(0, What::End),
            event(2, What::Opened),
        ];
        let turn = Turn { events: all.to_vec(), ..Turn::new() };
        let [a, b, c, d, e] = &all;
        assert_eq!(turn.by_lane(), [(7, vec![a, c]), (2, vec![b, e]), (0, vec![d])]);
        assert_eq!(Turn::new().by_lane(), []);
    }
}
