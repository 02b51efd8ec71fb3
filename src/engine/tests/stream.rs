//! Samples at a rate: each at its moment, none twice, none left out.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::meeting::Meeting;
use crate::engine::Limits;
use crate::service::{Source, Stream};

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// `SEQ VALUE`, from one number to another, of the counter.
fn samples(from: u64, to: u64) -> Vec<String> {
    (from..=to).map(|seq| format!("{seq} {seq}")).collect()
}

#[test]
fn samples_come_at_their_moments_until_they_are_enough() {
    let mut meeting = Meeting::new(Stream::default());
    let (lines, web) = (meeting.line_client(), meeting.web_client(None));
    meeting.say(lines, "START 10 5\r");
    meeting.say(web, "START 2.5\n");
    assert_eq!((meeting.heard(lines), meeting.heard(web)), (samples(1, 1), samples(1, 1)));
    meeting.pass(millis(99));
    assert_eq!(meeting.heard(lines), [""; 0]);
    meeting.pass(millis(1));
    assert_eq!(meeting.heard(lines), samples(2, 2));
    meeting.pass(millis(899));
    assert_eq!((meeting.heard(lines), meeting.heard(web)), (samples(3, 5), samples(2, 3)));
    meeting.pass(Duration::from_secs(4));
    assert_eq!((meeting.heard(lines), meeting.heard(web)), (vec![], samples(4, 13)));
}

#[test]
fn a_second_start_takes_the_place_of_the_first_and_stop_ends_it() {
    let mut meeting = Meeting::new(Stream::default());
    let (lines, web) = (meeting.line_client(), meeting.web_client(None));
    meeting.say(web, "START 1000");
    meeting.pass(millis(5));
    assert_eq!(meeting.heard(web), samples(1, 6));
    meeting.say(web, "START 100 3");
    meeting.pass(millis(500));
    assert_eq!(meeting.heard(web), samples(1, 3), "it begins at 1, and is over");
    meeting.say(web, "START 100");
    meeting.say(web, " STOP\n");
    meeting.pass(millis(500));
    assert_eq!(meeting.heard(web), samples(1, 1));
    meeting.say(web, "START 1 0");
    meeting.pass(millis(500));
    assert_eq!(meeting.heard(web), [""; 0]);
    meeting.say(lines, "START 100");
    meeting.say(lines, "STOP");
    meeting.pass(millis(500));
    assert_eq!(meeting.heard(lines), samples(1, 1), "STOP ends the connection");
}

#[test]
fn what_is_no_command_is_refused_and_the_stream_goes_on() {
    let mut meeting = Meeting::new(Stream::default());
    let client = meeting.line_client();
    meeting.say(client, "START 1");
    meeting.heard(client);
    const USAGE: &str = "ERR START RATE [COUNT] or STOP is expected";
    const RATE: &str = "ERR RATE is a number from 0.001 to 1000000";
    const COUNT: &str = "ERR COUNT is a number";
    for (message, answer) in [
        ("", USAGE),
        ("start 1", USAGE),
        ("START", USAGE),
        ("START 1 2 3", USAGE),
        ("STOP now", USAGE),
        ("START 0", RATE),
        ("START x", RATE),
        ("START 1000001", RATE),
        ("START 1 x", COUNT),
        ("START 1 +1", COUNT),
        ("START 1 -1", COUNT),
        ("START 1 18446744073709551616", COUNT),
    ] {
        meeting.say(client, message);
        assert_eq!(meeting.heard(client), [answer], "{message}");
    }
    meeting.pass(Duration::from_secs(1));
    assert_eq!(meeting.heard(client), samples(2, 2));
}

#[test]
fn values_walk_or_tell_the_time() {
    let mut meeting = Meeting::new(Stream::new(Source::Walk));
    let client = meeting.line_client();
    meeting.say(client, "START 1000 1000");
    meeting.pass(Duration::from_secs(2));
    let heard = meeting.heard(client);
    let values = heard.iter().zip(1..).map(|(sample, seq)| {
        let (number, value) = sample.split_once(' ').expect("two words");
        assert_eq!(number, seq.to_string());
        value.parse::<i64>().expect("an integer")
    });
    let values: Vec<i64> = values.collect();
    assert_eq!((values.len(), values[0]), (1_000, 0));
    let steps = values.windows(2).map(|two| two[1] - two[0]);
    let (up, down): (Vec<i64>, Vec<i64>) = steps.partition(|&step| step == 1);
    assert!(down.iter().all(|&step| step == -1), "by one, up or down");
    assert!(up.len() > 400 && down.len() > 400, "{} up, {} down", up.len(), down.len());

    let mut meeting = Meeting::new(Stream::new(Source::Clock));
    let client = meeting.line_client();
    meeting.say(client, "START 1 1");
    assert_eq!(meeting.heard(client), ["1 1795300572"]);
}

#[test]
fn a_high_rate_comes_in_batches_and_is_exact() {
    let mut meeting = Meeting::new(Stream::default());
    let client = meeting.line_client();
    meeting.say(client, "START 100000");
    let (mut all, mut wakes) = (meeting.heard(client), 0);
    let end = meeting.world.now.time + Duration::from_secs(1);
    while let Some(due) = meeting.world.engine.poll_timeout().filter(|&due| due <= end) {
        meeting.world.now.time = due.max(meeting.world.now.time);
        meeting.pass(Duration::ZERO);
        all.extend(meeting.heard(client));
        wakes += 1;
    }
    assert_eq!(all, samples(1, 100_001));
    assert!((999..=1_001).contains(&wakes), "{wakes} times a second");
}

#[test]
fn a_loop_that_comes_late_makes_up_for_it_and_a_turn_stays_bounded() {
    let mut meeting = Meeting::new(Stream::default());
    let clients: Vec<_> = (0..100).map(|_| meeting.line_client()).collect();
    for &client in &clients {
        meeting.say(client, "START 1000");
        meeting.heard(client);
    }
    meeting.world.now.time = meeting.world.now.time + Duration::from_secs(2);
    let mut counts = vec![1; clients.len()];
    for turn in 0.. {
        meeting.world.engine.handle_timeout(meeting.world.now);
        let heard: Vec<usize> = clients.iter().map(|&client| meeting.heard(client).len()).collect();
        assert!(heard.iter().sum::<usize>() <= 16_384 + 1_024, "turn {turn}");
        counts.iter_mut().zip(&heard).for_each(|(count, heard)| *count += heard);
        if heard.iter().all(|&heard| heard == 0) {
            break;
        }
        assert!(turn < 20);
    }
    assert!(counts.iter().all(|&count| count == 2_001), "{counts:?}");
}

#[test]
fn streams_that_want_more_than_a_turn_has_get_the_same() {
    let mut meeting = Meeting::new(Stream::default());
    let clients: Vec<_> = (0..6).map(|_| meeting.line_client()).collect();
    for &client in &clients {
        meeting.say(client, "START 1000000");
        meeting.heard(client);
    }
    let mut counts = vec![0; clients.len()];
    for _ in 0..50 {
        meeting.world.pass(millis(20));
        for (count, &client) in counts.iter_mut().zip(&clients) {
            *count += meeting.heard(client).len();
        }
    }
    let (least, most) = (counts.iter().min(), counts.iter().max());
    let (least, most) = (*least.expect("some"), *most.expect("some"));
    assert!(least > 10_000 && most - least <= 1_024, "{least} to {most}");
}

#[test]
fn streams_of_about_the_same_moment_share_a_turn() {
    let mut meeting = Meeting::new(Stream::default());
    let mut clients = Vec::new();
    for micros in [300, 200, 350] {
        meeting.pass(Duration::from_micros(micros));
        clients.push(meeting.line_client());
        meeting.say(clients[clients.len() - 1], "START 300");
    }
    let mut wakes = 0;
    let end = meeting.world.now.time + Duration::from_secs(1);
    while let Some(due) = meeting.world.engine.poll_timeout().filter(|&due| due <= end) {
        meeting.world.now.time = due.max(meeting.world.now.time);
        meeting.pass(Duration::ZERO);
        clients.iter().for_each(|&client| drop(meeting.heard(client)));
        wakes += 1;
    }
    // Each has its own moments, which are up to a millisecond apart.
    assert!((290..=610).contains(&wakes), "{wakes} times for three streams of 300");
}

#[test]
fn a_slow_reader_has_its_stream_paused_and_gets_every_sample() {
    let limits = Limits { high_water_bytes: 1_000, low_water_bytes: 200, ..Limits::default() };
    let mut meeting = Meeting::with(limits, Stream::default());
    let (slow, fast) = (meeting.line_client(), meeting.web_client(None));
    meeting.say(slow, "START 1000");
    meeting.say(fast, "START 1000");
    let mut heard = Vec::new();
    for _ in 0..10 {
        meeting.pass(millis(100));
        heard.extend(meeting.heard(fast));
    }
    assert_eq!(heard, samples(1, 1_001), "nobody else notices");
    let queued = meeting.world.engine.output(slow).expect("some").len();
    assert!((1_001..1_020).contains(&queued), "{queued} bytes are queued");
    let mut heard = meeting.heard(slow);
    let paused_at = heard.len() as u64;
    assert_eq!(heard, samples(1, paused_at));
    meeting.pass(millis(50));
    heard = meeting.heard(slow);
    assert_eq!(heard, samples(paused_at + 1, paused_at + 51), "it goes on from there, at its rate");
    meeting.say(slow, "STOP");
    assert_eq!(meeting.world.engine.stats().slow_consumers, 0);
}

#[test]
fn a_client_that_goes_takes_its_stream_with_it() {
    let mut meeting = Meeting::new(Stream::default());
    let clients = [(); 3].map(|()| meeting.line_client());
    for client in clients {
        meeting.say(client, "START 0.001");
        meeting.say(client, "START 0.002");
    }
    assert!(meeting.world.engine.poll_timeout().is_some());
    for client in clients {
        meeting.lose(client);
    }
    meeting.pass(Duration::ZERO);
    let mut dirty = Vec::new();
    meeting.world.engine.take_dirty(&mut dirty);
    assert_eq!(meeting.world.engine.poll_timeout(), None);
    let stream = format!("{:?}", meeting.service::<Stream>());
    assert!(stream.contains("running: {}") && stream.contains("due: {}"), "{stream}");
}

#[test]
fn any_number_of_streams_start_stop_and_stall_and_none_loses_a_sample() {
    for seed in 0..4 {
        let mut rng = StdRng::seed_from_u64(seed);
        let limits = Limits { high_water_bytes: 400, low_water_bytes: 100, ..Limits::default() };
        let mut meeting = Meeting::with(limits, Stream::default());
        // The number that each has to see next, and whether it reads.
        let mut clients: Vec<_> = (0..20).map(|_| (meeting.web_client(None), 1, true)).collect();
        for _ in 0..2_000 {
            let (id, next, reads) = &mut clients[rng.random_range(0..20)];
            match rng.random_range(0..10) {
                0 => {
                    meeting.heard(*id);
                    meeting.say(*id, &format!("START {}", rng.random_range(1..2_000)));
                    *next = 1;
                }
                1 => {
                    meeting.heard(*id);
                    meeting.say(*id, "STOP");
                    *next = 1;
                }
                2 => *reads = !*reads,
                _ => meeting.pass(Duration::from_micros(rng.random_range(0..3_000))),
            }
            for (id, next, _) in clients.iter_mut().filter(|(_, _, reads)| *reads) {
                let heard = meeting.heard(*id);
                let last = *next + heard.len() as u64 - 1;
                assert_eq!(heard, samples(*next, last));
                *next = last + 1;
            }
            meeting.world.engine.check_invariants();
        }
    }
}
