//! The run again.

use super::file::Unreadable;
use super::head::Head;
use crate::engine::Observer;
use crate::kernel::{Onlooker, Replay, Verdict, Watched};
use crate::reactor::{Reactor, Stop};
use crate::server::{BoundServer, Server};
use crate::time::Time;

/// A server that runs on what was recorded of another one.
#[derive(Debug)]
pub struct Player<O: Observer = (), W: Onlooker = ()> {
    server: BoundServer<O, Watched<Replay, W>>,
    turns: u64,
    verdict: Option<Verdict>,
}

/// How far a replay has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// How many turns the loop has begun.
    pub turns: u64,
    /// When the last of them was, on the clock of the recording.
    pub time: Time,
    /// How it has ended; `None`: there is more.
    pub verdict: Option<Verdict>,
}

impl<O: Observer, W: Onlooker> Player<O, W> {
    /// Starts a server from the head of a recording on its tape. `observer` looks on from within the
    /// engine and `onlooker` at the kernel; `()` does not.
    ///
    /// # Errors
    /// If it does not start as it had; then there is no loop that could be replayed.
    pub fn new(
        head: Head,
        tape: Vec<u8>,
        observer: O,
        onlooker: W,
    ) -> Result<Player<O, W>, Unreadable> {
        let kernel = Watched::new(Replay::new(tape), onlooker);
        let server = Server::from_config(head.config).bind_on(kernel, head.seed, observer);
        Ok(Player { server: server.map_err(Unreadable::Start)?, turns: 0, verdict: None })
    }

    /// Takes a turn. Returns whether it was one: after the last there is a verdict.
    pub fn turn(&mut self) -> bool {
        if self.verdict.is_some() {
            return false;
        }
        let ended = self.server.reactor_mut().turn();
        let is_turn = ended.is_ok();
        let replay = self.replay_mut();
        let verdict = match ended {
            Ok(Some(Stop::Drained(signal))) => Some(replay.finish(signal, false)),
            Ok(Some(Stop::Forced(signal))) => Some(replay.finish(Some(signal), true)),
            // What has ended within a turn is told at its end.
            Ok(None) => replay.verdict().cloned(),
            Err(_) => Some(replay.fail()),
        };
        // A turn whose poll is another one has begun; one for which there is no poll has not.
        let has_begun = is_turn || matches!(verdict, Some(Verdict::Diverged(_)));
        self.turns += u64::from(has_begun);
        self.verdict = verdict;
        is_turn
    }

    /// Takes all turns.
    pub fn run(&mut self) -> Summary {
        while self.turn() {}
        self.summary()
    }

    /// How far it has come.
    pub fn summary(&self) -> Summary {
        let time = self.reactor().kernel().inner().clocks().time;
        Summary { turns: self.turns, time, verdict: self.verdict.clone() }
    }

    /// The loop of the server.
    pub fn reactor(&self) -> &Reactor<Watched<Replay, W>, O> {
        self.server.reactor()
    }

    fn replay_mut(&mut self) -> &mut Replay {
        self.server.reactor_mut().kernel_mut().inner_mut()
    }
}
