//! What belongs to the process and not to a socket: clocks, signals, limits, waiting.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use readily::kernel::{Interest, Kernel, Mio, Signal, Socket, Token, raise_descriptor_limit};
use signal_hook::low_level::raise;

use crate::support::Bench;

#[test]
fn signals_arrive_as_readiness_and_are_told_one_by_one() {
    const SIGNALS: Token = Token(9);
    let mut bench = Bench::new();
    let mut signals = Mio::signals().unwrap();
    bench.mio.register(Socket::Signals(&mut signals), SIGNALS, Interest::Readable).unwrap();
    for expected in [Signal::Interrupt, Signal::Terminate, Signal::User1] {
        raise(i32::from(expected.number())).unwrap();
        bench.wait(SIGNALS, |r| r.readable);
        assert_eq!(bench.mio.next_signal(&mut signals), Some(expected));
        assert_eq!(bench.mio.next_signal(&mut signals), None);
    }
    raise(i32::from(Signal::User1.number())).unwrap();
    raise(i32::from(Signal::Interrupt.number())).unwrap();
    bench.wait(SIGNALS, |r| r.readable);
    let mut both = [bench.mio.next_signal(&mut signals), bench.mio.next_signal(&mut signals)];
    both.sort_by_key(|signal| signal.map(Signal::name));
    assert_eq!(both, [Some(Signal::Interrupt), Some(Signal::User1)]);
    assert_eq!(bench.mio.next_signal(&mut signals), None);
}

#[test]
fn a_poll_ends_at_its_timeout_with_nothing() {
    let mut mio = Mio::new().unwrap();
    let mut ready = Vec::new();
    let start = Instant::now();
    mio.poll(&mut ready, Some(Duration::from_millis(20))).unwrap();
    assert!(ready.is_empty());
    assert!(start.elapsed() >= Duration::from_millis(20));
}

#[test]
fn the_clocks_are_those_of_the_machine() {
    let mut mio = Mio::new().unwrap();
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let first = mio.now();
    let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let wall = u64::try_from(first.wall.unix_seconds).unwrap();
    assert!((before..=after).contains(&wall));
    assert!(first.wall.offset_seconds.abs() <= 26 * 3600);
    mio.poll(&mut Vec::new(), Some(Duration::from_millis(5))).unwrap();
    assert!(mio.now().time - first.time >= Duration::from_millis(5));
}

#[test]
fn the_descriptor_limit_is_raised_to_the_hard_one() {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let lower = soft.min(hard - 1);
    setrlimit(Resource::RLIMIT_NOFILE, lower, hard).unwrap();
    let limit = raise_descriptor_limit().unwrap();
    assert_eq!((limit.before, limit.soft, limit.hard), (lower, hard, hard));
    assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (hard, hard));
    assert_eq!(raise_descriptor_limit().unwrap().before, hard, "twice is no harm");
}
