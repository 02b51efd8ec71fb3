//! Recordings that somebody has made up, or a disk has damaged: they are refused or diverge, and nothing
//! else comes of them.

use std::path::Path;
use std::time::{Duration, Instant};

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use super::{Head, Player, Summary, read};
use crate::kernel::Verdict;
use crate::kernel::tape::frame;
use crate::timeline::page::Page;
use crate::timeline::trace::Trace;
use crate::timeline::{Film, text};

/// A recording in `tests/recordings`.
fn kept(name: &str) -> (Head, Vec<u8>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(name);
    read(&path).expect("a recording")
}

const NAMES: [&str; 5] =
    ["crowded.rec", "datagrams.rec", "lines.rec", "rooms.rec", "websocket.rec"];

/// How a replay of `tape` ends; `None` where the server does not even start.
fn replay(head: &Head, tape: Vec<u8>) -> Option<Summary> {
    Player::new(head.clone(), tape, (), ()).ok().map(|mut player| player.run())
}

/// The same, and every turn is shown in every form.
fn replay_shown(head: &Head, tape: Vec<u8>) -> Option<Summary> {
    let mut film = Film::new(["a service"]);
    let mut player = Player::new(head.clone(), tape, film.eye(), film.eye()).ok()?;
    let mut trace = Trace::new(std::io::sink()).expect("it takes everything");
    let mut page = Page::new();
    while player.turn() {
        let turn = film.turn();
        trace.turn(&turn, film.lanes()).expect("it takes everything");
        page.turn(&turn);
        text::turn(&turn, film.lanes());
    }
    page.finish(film.lanes(), "", "");
    Some(player.summary())
}

/// The entries of each frame.
fn frames(tape: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut at = 0;
    while let Ok(entries) = frame::entries(tape, at) {
        at = entries.end;
        frames.push(tape[entries].to_vec());
    }
    assert_eq!(at, tape.len());
    frames
}

/// A tape of these entries, with checksums that are right.
fn tape(frames: &[Vec<u8>]) -> Vec<u8> {
    frames.iter().flat_map(|entries| [&frame::header(entries)[..], entries].concat()).collect()
}

#[test]
fn a_tape_that_is_cut_anywhere_is_the_same_as_far_as_it_goes() {
    for name in NAMES {
        let (head, whole) = kept(name);
        let all = replay(&head, whole.clone()).expect("it starts");
        assert_eq!(all.verdict, Some(Verdict::Same), "{name}");
        let mut turns = 0;
        for end in (0..whole.len()).step_by(7) {
            let Some(summary) = replay(&head, whole[..end].to_vec()) else { continue };
            assert_eq!(summary.verdict, Some(Verdict::BrokenOff), "{name}, {end} bytes");
            assert!((turns..=all.turns).contains(&summary.turns), "{name}, {end} bytes");
            turns = summary.turns;
        }
        assert!(turns > all.turns / 2, "{name}: only the last turns are missing");
    }
}

#[test]
fn a_tape_with_a_flipped_bit_is_damaged_there() {
    for name in NAMES {
        let (head, whole) = kept(name);
        for at in (0..whole.len()).step_by(11) {
            let mut tape = whole.clone();
            tape[at] ^= 1 << (at % 8);
            let Some(summary) = replay(&head, tape) else { continue };
            let Some(Verdict::Damaged { at: found }) = summary.verdict else {
                panic!("{name}: {:?} by byte {at}", summary.verdict)
            };
            assert!(found <= at, "{name}: byte {at} is damaged, and {found} is told");
        }
    }
}

/// Who makes up a recording makes the checksums right. Whatever the kernel is said to have answered, the
/// loop comes to an end, in a time and with memory that the file is in proportion to.
#[test]
fn a_tape_that_was_made_up_comes_to_an_end() {
    let start = Instant::now();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut verdicts = [0; 4];
    for round in 0..6_000 {
        let (head, whole) = kept(NAMES[round % NAMES.len()]);
        let mut frames = frames(&whole);
        for _ in 0..rng.random_range(1..4) {
            let chosen = rng.random_range(0..frames.len());
            let other = frames[rng.random_range(0..frames.len())].clone();
            let entries = &mut frames[chosen];
            let at = rng.random_range(0..=entries.len());
            match rng.random_range(0..6) {
                0 => drop(entries.drain(..at)),
                1 => entries.truncate(at),
                2 => entries.extend_from_slice(&other),
                3 => drop(entries.splice(at..at, [rng.random(); 9])),
                _ if at < entries.len() => entries[at] = rng.random(),
                _ => {}
            }
        }
        let replay = if round % 2 == 0 { replay } else { replay_shown };
        let verdict = replay(&head, tape(&frames)).and_then(|summary| summary.verdict);
        verdicts[match verdict {
            None => 0,
            Some(Verdict::Diverged(_)) => 1,
            Some(Verdict::Damaged { .. }) => 2,
            Some(_) => 3,
        }] += 1;
    }
    assert!(verdicts.iter().all(|count| *count > 50), "every kind of end: {verdicts:?}");
    assert!(start.elapsed() < Duration::from_secs(300), "it is a bounded amount of work");
}
