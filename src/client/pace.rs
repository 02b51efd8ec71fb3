//! How fast datagrams are sent.
//!
//! Nothing slows a sender of datagrams down: what finds no room in the receiver's queue is lost
//! without a word. A client in a pipe would lose most of a long input in this way. So it sends no
//! more than a window of datagrams ahead of the replies. A service that does not answer at all
//! costs it one short wait, and then it sends as fast as it can, like other tools.

use std::time::Duration;

use crate::time::Time;

/// How many datagrams may be on their way.
const WINDOW: u32 = 64;

/// How long a full window waits for a reply.
const PATIENCE: Duration = Duration::from_millis(100);

/// The window of one client.
#[derive(Debug)]
pub(super) struct Pace {
    is_paced: bool,
    outstanding: u32,
    /// Until when a full window waits.
    full_until: Option<Time>,
    /// Replies do not come.
    is_unanswered: bool,
}

impl Pace {
    pub(super) fn new(is_paced: bool) -> Pace {
        Pace { is_paced, outstanding: 0, full_until: None, is_unanswered: false }
    }

    pub(super) fn may_send(&self) -> bool {
        self.full_until.is_none()
    }

    /// A datagram was sent.
    pub(super) fn sent(&mut self, now: Time) {
        if self.is_paced && !self.is_unanswered {
            self.outstanding += 1;
            if self.outstanding >= WINDOW {
                self.full_until = Some(now + PATIENCE);
            }
        }
    }

    /// A reply has come.
    pub(super) fn received(&mut self) {
        self.is_unanswered = false;
        self.outstanding = self.outstanding.saturating_sub(1);
        self.full_until = None;
    }

    /// When [`lapse`](Pace::lapse) is to be called.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.full_until
    }

    /// Time has passed: what is outstanding is lost, or was not to be answered.
    pub(super) fn lapse(&mut self, now: Time) {
        if self.full_until.is_some_and(|until| until <= now) {
            *self = Pace { is_unanswered: true, ..Pace::new(self.is_paced) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_ahead_of_the_replies() {
        let mut pace = Pace::new(true);
        let mut sent = 0;
        while pace.may_send() {
            pace.sent(Time::ZERO);
            sent += 1;
        }
        assert_eq!(sent, WINDOW);
        pace.received();
        assert!(pace.may_send());
        pace.sent(Time::ZERO);
        assert!(!pace.may_send());
    }

    #[test]
    fn who_never_answers_is_waited_for_once() {
        let mut pace = Pace::new(true);
        for _ in 0..WINDOW {
            pace.sent(Time::ZERO);
        }
        pace.lapse(Time::ZERO);
        assert!(!pace.may_send());
        pace.lapse(Time::ZERO + PATIENCE);
        for _ in 0..10 * WINDOW {
            assert!(pace.may_send());
            pace.sent(Time::ZERO);
        }
        pace.received();
        for _ in 0..WINDOW {
            assert!(pace.may_send());
            pace.sent(Time::ZERO);
        }
        assert!(!pace.may_send(), "it does answer");
    }

    #[test]
    fn others_have_no_window() {
        let mut pace = Pace::new(false);
        for _ in 0..10 * WINDOW {
            pace.sent(Time::ZERO);
        }
        assert!(pace.may_send());
    }
}
