//! How long to wait before the next attempt to connect.
//!
//! Each wait is drawn from between nothing and a ceiling that doubles with every failure, so that
//! the clients of a server that was restarted do not all come back at the same moment ("full
//! jitter"). A server may say more with its Close code (the IANA registry of RFC 6455 section 11.7):
//!
//! | code | meaning | wait |
//! |---|---|---|
//! | 1012 | service restart: come back in 5 to 30 s, at a random moment | 5 to 30 s |
//! | 1013 | try again later: it is overloaded | the longest ceiling, half of it at least |

use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;

/// The ceiling of the first wait.
const FIRST: Duration = Duration::from_millis(500);

/// The highest ceiling.
const LONGEST: Duration = Duration::from_secs(30);

/// A connection that lasted so long was a success, and the ceiling is low again after it.
const SUCCESS: Duration = Duration::from_secs(10);

const SERVICE_RESTART: u16 = 1012;
const TRY_AGAIN_LATER: u16 = 1013;

/// The waits of one client.
#[derive(Debug)]
pub(super) struct Backoff {
    ceiling: Duration,
}

impl Backoff {
    pub(super) fn new() -> Backoff {
        Backoff { ceiling: FIRST }
    }

    /// A connection has ended that was there for `lasted`.
    pub(super) fn note_connection(&mut self, lasted: Duration) {
        if lasted >= SUCCESS {
            self.ceiling = FIRST;
        }
    }

    /// How long to wait, given the code that the server closed with.
    pub(super) fn next(&mut self, code: Option<u16>, rng: &mut StdRng) -> Duration {
        match code {
            Some(SERVICE_RESTART) => between(Duration::from_secs(5), LONGEST, rng),
            Some(TRY_AGAIN_LATER) => between(LONGEST / 2, LONGEST, rng),
            _ => {
                let wait = between(Duration::ZERO, self.ceiling, rng);
                self.ceiling = (self.ceiling * 2).min(LONGEST);
                wait
            }
        }
    }
}

fn between(low: Duration, high: Duration, rng: &mut StdRng) -> Duration {
    low + (high - low).mul_f64(rng.random())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn waits_grow_to_a_ceiling_and_differ() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut ceiling = FIRST;
        let mut backoff = Backoff::new();
        let waits: Vec<Duration> = (0..20)
            .map(|_| {
                let wait = backoff.next(None, &mut rng);
                assert!(wait <= ceiling, "{wait:?} of {ceiling:?}");
                ceiling = (ceiling * 2).min(LONGEST);
                wait
            })
            .collect();
        assert!(waits.iter().skip(6).any(|wait| *wait > Duration::from_secs(8)), "{waits:?}");
        assert!(waits.windows(2).all(|pair| pair[0] != pair[1]), "{waits:?}");
    }

    #[test]
    fn a_connection_that_lasted_lowers_the_ceiling() {
        let mut rng = StdRng::seed_from_u64(2);
        let mut backoff = Backoff::new();
        for _ in 0..10 {
            backoff.next(None, &mut rng);
        }
        backoff.note_connection(SUCCESS / 2);
        assert_eq!(backoff.ceiling, LONGEST);
        backoff.note_connection(SUCCESS);
        assert!(backoff.next(None, &mut rng) <= FIRST);
    }

    #[test]
    fn a_server_has_its_way() {
        let mut rng = StdRng::seed_from_u64(3);
        let mut backoff = Backoff::new();
        for _ in 0..100 {
            let restart = backoff.next(Some(1012), &mut rng);
            assert!(restart >= Duration::from_secs(5) && restart <= Duration::from_secs(30));
            let later = backoff.next(Some(1013), &mut rng);
            assert!(later >= Duration::from_secs(15) && later <= Duration::from_secs(30));
        }
    }
}
