//! The order of an interactive client: prompt, one line, one reply, prompt.
//!
//! ```text
//!            prompt               a line is sent
//!   Ready ───────────► Prompted ────────────────► Awaiting ──┐
//!     ▲                    │ a message nobody has asked for  │ a reply, or time is up
//!     └────────────────────┴── Paused ◄──────────────────────┘
//!                              (--pause)
//! ```
//!
//! Whatever else arrives is printed at once, in a line of its own. A silent service does not hang
//! the client: the next prompt comes when the time for a reply is over.

use std::time::Duration;

use crate::time::Time;

/// Where the conversation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// The next thing is a prompt.
    Ready,
    /// The cursor stands behind a prompt.
    Prompted,
    /// A line was sent.
    Awaiting { until: Time, is_stop: bool },
    /// A reply has come, and the next prompt is not due.
    Paused { until: Time },
}

/// The state of one conversation.
#[derive(Debug)]
pub(super) struct Lockstep {
    state: State,
    reply_timeout: Duration,
    pause: Duration,
}

/// What has come of the time that has passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lapse {
    /// Nothing, or the next prompt is due.
    Unremarkable,
    /// `STOP` was not answered.
    StopUnanswered,
}

impl Lockstep {
    pub(super) fn new(reply_timeout: Duration, pause: Duration) -> Lockstep {
        Lockstep { state: State::Ready, reply_timeout, pause }
    }

    /// Whether the next line may be sent.
    pub(super) fn may_send(&self) -> bool {
        matches!(self.state, State::Ready | State::Prompted)
    }

    /// Whether a prompt is to be printed; it is, from now on.
    pub(super) fn take_prompt(&mut self) -> bool {
        let is_due = self.state == State::Ready;
        if is_due {
            self.state = State::Prompted;
        }
        is_due
    }

    /// Whether the cursor stands behind a prompt, which is to be left for a new line; it does not
    /// any more, from now on.
    pub(super) fn leave_prompt(&mut self) -> bool {
        let is_prompted = self.state == State::Prompted;
        if is_prompted {
            self.state = State::Ready;
        }
        is_prompted
    }

    /// A line was sent.
    pub(super) fn sent(&mut self, now: Time, is_stop: bool) {
        self.state = State::Awaiting { until: now + self.reply_timeout, is_stop };
    }

    /// Whether `STOP` was sent and its answer is waited for.
    pub(super) fn is_stopping(&self) -> bool {
        matches!(self.state, State::Awaiting { is_stop: true, .. })
    }

    /// A reply has come.
    pub(super) fn replied(&mut self, now: Time) {
        if let State::Awaiting { .. } = self.state {
            self.state = if self.pause.is_zero() {
                State::Ready
            } else {
                State::Paused { until: now + self.pause }
            };
        }
    }

    /// The connection is another one, of which nothing was asked.
    pub(super) fn restart(&mut self) {
        self.state = State::Ready;
    }

    /// When [`lapse`](Lockstep::lapse) is to be called.
    pub(super) fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Awaiting { until, .. } | State::Paused { until } => Some(until),
            State::Ready | State::Prompted => None,
        }
    }

    /// Time has passed.
    pub(super) fn lapse(&mut self, now: Time) -> Lapse {
        match self.state {
            State::Awaiting { until, is_stop: true } if until <= now => Lapse::StopUnanswered,
            State::Awaiting { until, .. } | State::Paused { until } if until <= now => {
                self.state = State::Ready;
                Lapse::Unremarkable
            }
            _ => Lapse::Unremarkable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    fn lockstep(pause: u64) -> Lockstep {
        Lockstep::new(Duration::from_secs(2), Duration::from_secs(pause))
    }

    #[test]
    fn one_line_one_reply() {
        let mut lockstep = lockstep(0);
        assert!(lockstep.take_prompt() && !lockstep.take_prompt());
        assert!(lockstep.may_send());
        lockstep.sent(at(0), false);
        assert!(!lockstep.may_send() && !lockstep.take_prompt() && !lockstep.leave_prompt());
        lockstep.replied(at(1));
        assert!(lockstep.may_send() && lockstep.take_prompt());
        lockstep.replied(at(1));
        assert!(lockstep.leave_prompt() && lockstep.take_prompt(), "it is printed again");
    }

    #[test]
    fn a_silent_service_gets_the_next_line_all_the_same() {
        let mut lockstep = lockstep(5);
        lockstep.take_prompt();
        lockstep.sent(at(0), false);
        assert_eq!(lockstep.deadline(), Some(at(2)));
        lockstep.lapse(at(1));
        assert!(!lockstep.may_send());
        lockstep.lapse(at(2));
        assert!(lockstep.take_prompt());
    }

    #[test]
    fn a_pause_comes_behind_a_reply() {
        let mut lockstep = lockstep(5);
        lockstep.take_prompt();
        lockstep.sent(at(0), false);
        lockstep.replied(at(1));
        assert!(!lockstep.may_send());
        assert_eq!(lockstep.deadline(), Some(at(6)));
        lockstep.lapse(at(6));
        assert!(lockstep.may_send());
    }

    #[test]
    fn a_stop_that_is_not_answered_is_told() {
        let mut lockstep = lockstep(0);
        lockstep.take_prompt();
        lockstep.sent(at(0), true);
        assert!(lockstep.is_stopping());
        assert_eq!(lockstep.lapse(at(1)), Lapse::Unremarkable);
        assert_eq!(lockstep.lapse(at(2)), Lapse::StopUnanswered);
    }
}
