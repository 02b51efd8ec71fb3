//! All buffers together hold as much as they may: who is read from, and when, one thing at a time and in
//! calm weather.

use std::time::Duration;

use readily::engine::Limits;
use readily::kernel::sim::{Received, Remote, Weather};

use crate::house::House;

const LONGEST: usize = 20_000;

const LIMIT: usize = 100_000;

/// So much of a line that does not end.
const HALF: usize = 15_000;

fn house() -> House {
    let mut limits = Limits { max_memory_bytes: LIMIT, ..Limits::default() };
    limits = limits.with_max_message(LONGEST);
    limits.protocol.max_line = LONGEST;
    // What is said is there at once.
    House::of_lines(limits, Weather { latency: Duration::ZERO, ..Weather::CALM })
}

/// One turn. Returns how much was read in it.
fn turn(house: &mut House) -> u64 {
    let before = house.stats().bytes_received;
    house.turn();
    house.stats().bytes_received - before
}

#[test]
fn simulation_of_a_turn_reads_no_more_than_there_is_room_for() {
    let mut house = house();
    let crowd: Vec<Remote> = (0..40).map(|_| house.come(0)).collect();
    while house.reactor.engine().connections() < crowd.len() {
        house.turn();
    }
    for &remote in &crowd {
        house.say(remote, &[b'x'; HALF]);
    }
    let bystander = house.come(0);
    // Everybody is ready at once, and has much more to say than there is room for.
    let mut read = 0;
    for _ in 0..40 {
        let opened = house.stats().opened;
        let now = turn(&mut house);
        // Whoever comes has to wait as well.
        let has_come = house.stats().opened > opened;
        assert!(!has_come || now < LIMIT as u64 / 2, "{now} bytes were read");
        assert!(now <= (LIMIT + HALF) as u64, "{now} bytes were read in a turn");
        let memory = house.reactor.engine().memory();
        assert!(memory.total_bytes() <= LIMIT, "{memory:?}");
        read += now;
    }
    // Nobody was forgotten: each was read from, before some were closed for it.
    assert_eq!(read, (crowd.len() * HALF) as u64);
    let stats = house.stats();
    assert_eq!(stats.shed + house.reactor.engine().connections() as u64, 41, "{stats}");
    // The loop sleeps where nothing is left to do, and is woken by who came last.
    house.say(bystander, b"hello\n");
    house.turn();
    house.turn();
    assert_eq!(house.sim().receive(bystander, 100), Received::Data(b"hello\n".to_vec()));
}
