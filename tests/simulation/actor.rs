//! A peer: says what is in its script, hears what comes, and holds the one against the other.

use std::fmt;

use rand::RngExt as _;
use rand::rngs::Xoshiro256PlusPlus;
use readily::codec::websocket as frames;
use readily::kernel::sim::{Received, Remote, Sim};
use readily::protocol::ahead::MAX_PONGS;
use serde_json::Value;

use crate::board::Board;
use crate::ear::{Ear, Heard};
use crate::script::{Ending, Expected, Kind, Script, Service, frame};
use crate::subscriber::Listener;

/// How it has ended for a peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// The server has ended its side.
    Ended,
    /// The connection broke.
    Broke,
    /// It went without waiting for anything.
    Left,
}

/// What a peer knows of the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Season {
    /// Faults happen, and peers are difficult.
    pub(crate) is_stormy: bool,
    /// The server has been told to end.
    pub(crate) is_ending: bool,
    /// How many peers have come so far.
    pub(crate) peers: usize,
}

/// One peer.
pub(crate) struct Actor {
    number: usize,
    pub(crate) script: Script,
    /// How much was expected at the start, and how many pongs.
    promised: (usize, usize),
    pub(crate) remote: Remote,
    ear: Ear,
    /// How much of the first piece is sent.
    sent: usize,
    /// The most it reads at a time while it is difficult; 0: it does not.
    appetite: usize,
    /// How likely it does something at a time.
    pace: f64,
    has_finished: bool,
    has_closed: bool,
    pub(crate) outcome: Option<Outcome>,
    last_number: u64,
    last_clock: String,
    last_sequence: Option<u64>,
    /// The last snapshot of how the server is, and how many there were.
    last_snapshot: (Value, u64),
    chat: Listener,
    /// Something was heard that may be heard of a server that cuts somebody off, or ends.
    was_closed: bool,
}

impl Actor {
    pub(crate) fn new(
        number: usize,
        script: Script,
        remote: Remote,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Actor {
        let appetites = [0, 1, 100, 100_000, 100_000, 100_000];
        let paces = [0.05, 0.5, 1.0];
        Actor {
            number,
            ear: Ear::new(script.kind, script.greeting()),
            promised: (script.expected.len(), script.pongs.len()),
            script,
            remote,
            sent: 0,
            appetite: appetites[rng.random_range(0..appetites.len())],
            pace: paces[rng.random_range(0..paces.len())],
            has_finished: false,
            has_closed: false,
            outcome: None,
            last_number: 0,
            last_clock: String::new(),
            last_sequence: None,
            last_snapshot: (Value::Null, 0),
            chat: Listener::default(),
            was_closed: false,
        }
    }

    /// Does what it does at this time.
    pub(crate) fn act(
        &mut self,
        sim: &mut Sim,
        rng: &mut Xoshiro256PlusPlus,
        season: Season,
        board: &mut Board,
    ) {
        if self.outcome.is_some() || season.is_stormy && !rng.random_bool(self.pace) {
            return;
        }
        self.receive(sim, rng, season, board);
        if self.outcome.is_none() {
            self.send(sim, rng, season);
        }
        if self.outcome.is_none() {
            self.end(sim, rng, season, board);
        }
    }

    /// Whether nothing is left to be said or heard, and it is the server that is to end.
    pub(crate) fn is_at_rest(&self, board: &Board) -> bool {
        self.script.ending == Ending::Stays && self.is_answered(board)
    }

    /// Whether it may be cut off, whatever it was promised.
    pub(crate) fn is_excused(&self, sim: &Sim) -> bool {
        sim.is_destroyed(self.remote)
            || sim.is_turned_away(self.remote)
            || self.outcome == Some(Outcome::Left)
            || matches!(self.script.ending, Ending::FallsSilent | Ending::IsAborted)
            // The server behind the server may not be there.
            || self.script.kind == Kind::Proxied
    }

    /// Whether it has had everything it was to have.
    pub(crate) fn is_satisfied(&self, board: &Board) -> bool {
        // What was to be said behind the end need not be.
        let is_cut = matches!(self.script.ending, Ending::IsClosed | Ending::IsHalfClosed);
        let is_all_said = self.was_closed || is_cut || self.script.pieces.is_empty();
        let is_all_heard = self.is_all_heard(board) && !self.ear.is_in_the_middle();
        self.outcome == Some(Outcome::Ended) && is_all_said && is_all_heard
    }

    fn is_answered(&self, board: &Board) -> bool {
        self.script.pieces.is_empty() && self.is_all_heard(board)
    }

    fn is_all_heard(&self, board: &Board) -> bool {
        self.script.expected.is_empty() && self.script.pongs.is_empty() && self.is_up_to_date(board)
    }

    /// Whoever has ended need not hear what others say.
    fn is_up_to_date(&self, board: &Board) -> bool {
        self.has_finished
            || self.script.topics.is_up_to_date(board) && self.chat.is_up_to_date(board)
    }
}

/// Speaking.
impl Actor {
    fn send(&mut self, sim: &mut Sim, rng: &mut Xoshiro256PlusPlus, season: Season) {
        while let Some(piece) = self.script.pieces.front() {
            let rest = &piece[self.sent..];
            if self.script.kind == Kind::Packet {
                if !sim.has_room(self.remote, rest.len()) {
                    return;
                }
                if sim.send(self.remote, rest).is_none() {
                    return;
                }
                self.script.pieces.pop_front();
            } else {
                let whole = !season.is_stormy || rng.random_bool(0.7);
                let length = if whole { rest.len() } else { rng.random_range(1..=rest.len()) };
                if self.script.kind == Kind::Line && season.is_stormy && rng.random_bool(0.1) {
                    sim.mark_urgent(self.remote);
                }
                let Some(count) = sim.send(self.remote, &rest[..length]) else { return };
                self.sent += count;
                if count < rest.len() {
                    return;
                }
                self.sent = 0;
                self.script.pieces.pop_front();
            }
            if season.is_stormy && rng.random() {
                return;
            }
        }
    }

    fn end(&mut self, sim: &mut Sim, rng: &mut Xoshiro256PlusPlus, season: Season, board: &Board) {
        let is_all_said = self.script.pieces.is_empty();
        match self.script.ending {
            Ending::Resets if !season.is_stormy || rng.random_bool(0.05) => {
                sim.reset(self.remote);
                self.outcome = Some(Outcome::Left);
            }
            Ending::HangsUp if is_all_said => {
                sim.hang_up(self.remote);
                self.outcome = Some(Outcome::Left);
            }
            Ending::Ends if is_all_said => self.finish(sim),
            Ending::EndsLast if self.is_answered(board) => self.finish(sim),
            _ => {}
        }
    }

    fn finish(&mut self, sim: &mut Sim) {
        if !self.has_finished {
            self.has_finished = true;
            sim.finish(self.remote);
        }
    }

    /// Sends a frame that an event asks for. It stands behind what was begun.
    fn reply(&mut self, frame: Vec<u8>) {
        let is_cut = self.sent > 0;
        self.script.pieces.insert(usize::from(is_cut), frame);
    }
}

/// Hearing.
impl Actor {
    fn receive(
        &mut self,
        sim: &mut Sim,
        rng: &mut Xoshiro256PlusPlus,
        season: Season,
        board: &mut Board,
    ) {
        let most = if season.is_stormy { self.appetite } else { 100_000 };
        if most == 0 {
            return;
        }
        loop {
            match sim.receive(self.remote, most) {
                Received::Data(bytes) => {
                    self.ear.listen(&bytes);
                    for heard in std::mem::take(&mut self.ear.heard) {
                        if let Heard::Message(bytes) = heard {
                            self.hear_message(&bytes, season, sim, board);
                        } else {
                            self.hear(heard, rng, season);
                        }
                    }
                }
                Received::Nothing => return,
                Received::End => {
                    if self.script.ending != Ending::FallsSilent {
                        self.finish(sim);
                    }
                    self.outcome = Some(Outcome::Ended);
                    return;
                }
                Received::Reset => {
                    self.outcome = Some(Outcome::Broke);
                    return;
                }
            }
            if season.is_stormy {
                return;
            }
        }
    }

    /// Compares with what was expected.
    fn hear(&mut self, heard: Heard, rng: &mut Xoshiro256PlusPlus, season: Season) {
        let is_silent = self.script.ending == Ending::FallsSilent && self.script.pieces.is_empty();
        match heard {
            Heard::Ping(payload) => {
                if !is_silent && !self.has_closed && !self.has_finished {
                    let pong = frame(rng, |out, mask| frames::encode_pong(out, &payload, mask));
                    self.reply(pong);
                }
            }
            Heard::Close(code) => {
                assert!(!self.was_closed, "{self}: a second Close frame");
                self.was_closed = true;
                if let Some(Expected::Close(expected)) = self.script.expected.front() {
                    if code == Some(*expected) {
                        self.script.expected.pop_front();
                    } else {
                        assert!(season.is_ending && code == Some(1001), "{self}: Close {code:?}");
                    }
                } else {
                    assert!(season.is_ending && code == Some(1001), "{self}: Close {code:?}");
                }
                if !is_silent && !matches!(self.script.ending, Ending::Leaves | Ending::Breaks) {
                    let code = code.map(Into::into);
                    let close = frame(rng, |out, mask| frames::encode_close(out, code, "", mask));
                    self.script.pieces.push_back(close);
                    self.has_closed = true;
                }
            }
            Heard::TimedOut => self.was_closed = true,
            Heard::Pong(payload) => self.hear_pong(&payload),
            Heard::Response => self.expect(&Expected::Response),
            Heard::Message(_) => unreachable!("messages go another way"),
        }
    }

    /// Pongs come in order, and no later than in order with everything else; those of pings that came
    /// while many others waited need not come.
    fn hear_pong(&mut self, payload: &[u8]) {
        assert!(!self.was_closed, "{self}: a pong behind a Close frame");
        let pongs = &mut self.script.pongs;
        let skipped = pongs.iter().position(|(pong, _)| pong == payload);
        let skipped = skipped.unwrap_or_else(|| panic!("a pong of {}", payload.escape_ascii()));
        let (_, place) = pongs.drain(..=skipped).next_back().expect("there is one");
        let asked = self.promised.1 - pongs.len();
        assert!(skipped == 0 || asked > MAX_PONGS, "{skipped} of {asked} pings are not answered");
        let heard = self.promised.0 - self.script.expected.len();
        assert!(heard <= place, "{self}: a pong behind {heard} answers, and not {place}");
    }

    fn hear_message(&mut self, bytes: &[u8], season: Season, sim: &Sim, board: &mut Board) {
        assert!(!self.was_closed, "{self}: a message behind a Close frame");
        if let Kind::Raw | Kind::Proxied = self.script.kind {
            return self.hear_byte(bytes[0]);
        }
        let is_greeting = matches!(self.script.expected.front(), Some(Expected::Exactly(_)));
        if !is_greeting {
            match self.script.service {
                Service::Relay => return self.hear_relayed(bytes),
                Service::Chat => return self.chat.hear(bytes, board),
                Service::Notify => return self.script.topics.hear(bytes, board),
                Service::Stats => return self.hear_snapshot(bytes, season),
                _ => {}
            }
        }
        let text = String::from_utf8_lossy(bytes);
        let expected = self.script.expected.front();
        let is_right = match expected {
            Some(Expected::Exactly(expected)) => bytes == expected,
            Some(Expected::Number) => {
                let number = text.strip_prefix("Client number: ").and_then(|n| n.parse().ok());
                let number = number.unwrap_or(0);
                let limit = season.peers as u64;
                let is_right = number >= self.last_number.max(1) && number <= limit;
                self.last_number = number;
                is_right
            }
            Some(Expected::Clock) => {
                let is_right = *text >= *self.last_clock && *text <= *clock(sim);
                self.last_clock = text.to_string();
                is_right && text.len() == "2026-11-22T00:00:00Z".len()
            }
            Some(Expected::Within(least, most)) => {
                text.parse().is_ok_and(|number: i64| (*least..=*most).contains(&number))
            }
            _ => false,
        };
        assert!(is_right, "{self}: heard {text:.100}, and not {expected:?}");
        self.script.expected.pop_front();
    }

    fn hear_byte(&mut self, byte: u8) {
        let Some(Expected::Exactly(expected)) = self.script.expected.front_mut() else {
            panic!("{self}: heard something more");
        };
        let first = expected.remove(0);
        let is_over = expected.is_empty();
        assert_eq!(byte, first, "{self}: heard another byte");
        if is_over {
            self.script.expected.pop_front();
        }
    }

    /// Everybody hears everything in one order, without a gap.
    fn hear_relayed(&mut self, bytes: &[u8]) {
        let space = bytes.iter().position(|byte| *byte == b' ').expect("a number in front");
        let number = std::str::from_utf8(&bytes[..space]).expect("digits");
        let number: u64 = number.parse().expect("a number");
        let next = self.last_sequence.map_or(number, |last| last + 1);
        assert_eq!(number, next, "{self}: a gap");
        self.last_sequence = Some(number);
        let payload = &bytes[space + 1..];
        if payload.starts_with(format!("{}.", self.number).as_bytes()) {
            self.expect(&Expected::Relayed(payload.to_vec()));
        }
    }

    /// How the server is, told each second: but for the first, which comes at once, no two are of one second.
    fn hear_snapshot(&mut self, bytes: &[u8], season: Season) {
        let snapshot: Value = serde_json::from_slice(bytes).expect("JSON");
        let number = |value: &Value| value.as_u64().expect("a number");
        let sum = |snapshot: &Value, name| -> u64 {
            let transports = snapshot["transports"].as_object().expect("an object");
            transports.values().map(|totals| number(&totals[name])).sum()
        };
        // Each has come by itself, or was made for one that has.
        let connections = sum(&snapshot, "connections");
        assert!(
            (1..=2 * season.peers as u64).contains(&connections),
            "{self}: {connections} are there"
        );
        let (last, count) = &self.last_snapshot;
        if *count > 0 {
            let passed = number(&snapshot["uptime_ms"]).checked_sub(number(&last["uptime_ms"]));
            let least = if *count == 1 { 0 } else { 1_000 };
            assert!(
                passed >= Some(least),
                "{self}: {passed:?} ms are between {last} and {snapshot}"
            );
            for name in ["messages_received", "messages_sent", "bytes_received", "bytes_sent"] {
                assert!(sum(&snapshot, name) >= sum(last, name), "{self}: {name} go down");
            }
        }
        self.last_snapshot = (snapshot, count + 1);
    }

    fn expect(&mut self, heard: &Expected) {
        let expected = self.script.expected.pop_front();
        assert_eq!(expected.as_ref(), Some(heard), "{self}: heard something else");
    }
}

/// What the clock on the wall shows.
fn clock(sim: &Sim) -> String {
    let seconds = sim.time().as_nanos() / 1_000_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("2026-11-22T{hours:02}:{minutes:02}:{:02}Z", seconds % 60)
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Script { kind, service, ending, pieces, expected, pongs, deflates: _, topics } =
            &self.script;
        write!(
            f,
            "peer {} ({kind:?} to {service:?}, {ending:?}), {} pieces to say, {} to hear, {topics:?}, {:?}",
            self.number,
            pieces.len(),
            expected.len() + pongs.len(),
            self.outcome
        )
    }
}
