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
struct Kept {
    name: String,
    head: Head,
    tape: Vec<u8>,
}

/// All of them, in the order of their names.
fn kept() -> Vec<Kept> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let files = std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file"));
    let mut paths: Vec<_> = files.map(|file| file.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "rec"));
    paths.sort();
    assert!(!paths.is_empty());
    let all = paths.into_iter().map(|path| {
        let (head, tape) = read(&path).expect("a recording");
        Kept { name: path.display().to_string(), head, tape }
    });
    all.collect()
}

/// The largest number, as a tape holds it.
const LARGEST: [u8; 10] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];

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
    for Kept { name, head, tape: whole } in kept() {
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
    for Kept { name, head, tape: whole } in kept() {
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
    let kept: Vec<_> = kept().into_iter().map(|one| (one.head, frames(&one.tape))).collect();
    for round in 0..6_000 {
        let (head, mut frames) = kept[round % kept.len()].clone();
        for _ in 0..rng.random_range(1..4) {
            let chosen = rng.random_range(0..frames.len());
            let other = frames[rng.random_range(0..frames.len())].clone();
            let entries = &mut frames[chosen];
            let at = rng.random_range(0..=entries.len());
            match rng.random_range(0..8) {
                0 => drop(entries.drain(..at)),
                1 => entries.truncate(at),
                2 => entries.extend_from_slice(&other),
                3 => drop(entries.splice(at..at, [rng.random(); 9])),
                // The largest number there is, before another one or in its place.
                4 => drop(entries.splice(at..at, LARGEST)),
                5 if at < entries.len() => drop(entries.splice(at..=at, LARGEST)),
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

/// The head may be made up, too: it is refused by a line, or a server starts from it.
#[test]
fn a_head_that_was_made_up_is_refused_or_replayed_to_an_end() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
    let (mut refused, mut replayed) = (0, 0);
    let kept = kept();
    for round in 0..6_000 {
        let Kept { head, tape, .. } = &kept[round % kept.len()];
        let text = head.to_string();
        let mut lines: Vec<String> = text.trim_end().lines().skip(1).map(str::to_owned).collect();
        for _ in 0..rng.random_range(1..4) {
            let chosen = rng.random_range(0..lines.len());
            let (name, value) = lines[chosen].split_once(' ').expect("a value");
            let mut bytes = value.as_bytes().to_vec();
            let at = rng.random_range(0..=bytes.len());
            match rng.random_range(0..6) {
                0 => bytes.truncate(at),
                1 => bytes = (1_u64 << rng.random_range(0..64)).to_string().into_bytes(),
                2 => bytes = b"0".to_vec(),
                _ if at < bytes.len() => bytes[at] = rng.random_range(0..0x80),
                _ => bytes.push(b'0'),
            }
            let line = format!("{name} {}", String::from_utf8(bytes).expect("ASCII"));
            match rng.random_range(0..6) {
                0 => lines.push(line),
                1 if lines.len() > 3 => drop(lines.remove(chosen)),
                _ => lines[chosen] = line,
            }
        }
        match Head::parse(lines.iter().map(String::as_str)) {
            Ok(head) => {
                replay(&head, tape.clone());
                replayed += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 500 && replayed > 500, "{refused} are refused, {replayed} replayed");
}
