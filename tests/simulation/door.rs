//! What happens at the door, one thing at a time and in calm weather: an accept that fails, and
//! no descriptor for who comes.

use std::time::Duration;

use nix::libc;
use readily::engine::Limits;
use readily::kernel::sim::{Received, Remote, Weather};

use crate::house::House;

fn house() -> House {
    House::of_lines(Limits::default(), Weather::CALM)
}

/// Somebody comes, and says something at once.
fn come(house: &mut House) -> Remote {
    let remote = house.come(0);
    house.say(remote, b"hello\n");
    remote
}

fn hello() -> Received {
    Received::Data(b"hello\n".to_vec())
}

/// The errors of accept(2) that say that the connection is gone, and those that say that there is
/// something else.
const GONE: [i32; 10] = [
    libc::ECONNABORTED,
    libc::EPROTO,
    libc::ENETDOWN,
    libc::ENETUNREACH,
    libc::EHOSTDOWN,
    libc::EHOSTUNREACH,
    libc::ENONET,
    libc::ENOPROTOOPT,
    libc::EOPNOTSUPP,
    libc::ETIMEDOUT,
];
const FAILED: [i32; 3] = [libc::ENOBUFS, libc::ENOMEM, libc::EPERM];

#[test]
fn simulation_of_no_error_of_accept_stops_a_listener() {
    for number in [&GONE[..], &FAILED, &[libc::EINTR]].concat() {
        for times in [1, 3] {
            let mut house = house();
            for _ in 0..times {
                house.sim().fail_accept(number);
            }
            let (first, second) = (come(&mut house), come(&mut house));
            assert_eq!(house.hear(first), hello(), "{number}, {times} times");
            assert_eq!(house.hear(second), hello(), "{number}, {times} times");
            let stats = house.stats();
            let count = |errors: &[i32]| if errors.contains(&number) { times } else { 0 };
            assert_eq!(stats.accept_aborted, count(&GONE), "{number}");
            assert_eq!(stats.accept_failures, count(&FAILED), "{number}");
        }
    }
}

#[test]
fn simulation_of_an_error_of_accept_that_stays_lets_the_loop_rest() {
    for number in FAILED {
        let mut house = house();
        for _ in 0..1_000 {
            house.sim().fail_accept(number);
        }
        let first = come(&mut house);
        let waits = house.sim().tally().waits;
        assert_eq!(house.hear(first), Received::Nothing, "{number}");
        // It is tried again ten times a second.
        let waits = house.sim().tally().waits - waits;
        assert!(waits <= 15, "{number}: {waits} turns in a second");
        assert!(house.stats().accept_failures >= 8, "{number}");
    }
}

#[test]
fn simulation_of_who_finds_no_descriptor_is_turned_away_at_once() {
    let mut house = house();
    let resident = come(&mut house);
    assert_eq!(house.hear(resident), hello());
    let open = house.sim().open_descriptors();
    house.sim().limit_descriptors(open);
    // 64 hear of it at once, and as many in each tenth of a second from then on.
    let crowd: Vec<Remote> = (0..200).map(|_| come(&mut house)).collect();
    let start = house.sim().time();
    for remote in crowd {
        assert_eq!(house.hear(remote), Received::Reset);
    }
    let took = house.sim().time() - start;
    assert!(took >= Duration::from_millis(299) && took < Duration::from_millis(310), "{took:?}");
    let stats = house.stats();
    assert_eq!((stats.refused_no_descriptor, stats.accept_failures, stats.opened), (200, 0, 1));
    // Who is connected does not notice, and where nobody comes nothing happens.
    house.say(resident, b"hello\n");
    assert_eq!(house.hear(resident), hello());
    let waits = house.sim().tally().waits;
    assert_eq!(house.hear(resident), Received::Nothing);
    let waits = house.sim().tally().waits - waits;
    assert!(waits <= 5, "{waits} turns in a second");
    // Whoever comes when somebody has left is served.
    house.sim().finish(resident);
    assert_eq!(house.hear(resident), Received::End);
    let newcomer = come(&mut house);
    assert_eq!(house.hear(newcomer), hello());
}

#[test]
fn simulation_of_who_finds_no_reserve_waits_until_somebody_leaves() {
    let mut house = house();
    house.sim().set_weather(Weather { reserve_loss: 1.0, ..Weather::CALM });
    let resident = come(&mut house);
    assert_eq!(house.hear(resident), hello());
    let open = house.sim().open_descriptors();
    house.sim().limit_descriptors(open);
    let waiting = come(&mut house);
    let waits = house.sim().tally().waits;
    assert_eq!(house.hear(waiting), Received::Nothing);
    let waits = house.sim().tally().waits - waits;
    assert!(waits <= 15, "{waits} turns in a second");
    assert!(house.stats().accept_failures >= 8);
    house.sim().finish(resident);
    assert_eq!(house.hear(waiting), hello());
    assert_eq!(house.stats().refused_no_descriptor, 0);
}
