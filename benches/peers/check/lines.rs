//! What a contender for lines has to get right.

use std::thread;

use super::client::{Client, Reader};
use super::text::Text;
use super::{Outcome, Tally};
use crate::url::Url;

/// Exchanges lines in all ways.
pub(super) fn check(url: &Url, text: &mut Text, tally: &mut Tally) -> Outcome {
    one_at_a_time(url, text, tally).map_err(|error| format!("one at a time: {error}"))?;
    in_the_middle_of_a_line(url, tally)
        .map_err(|error| format!("in the middle of a line: {error}"))?;
    last_words(url, tally).map_err(|error| format!("last words: {error}"))?;
    all_at_once(url, text, tally)
}

/// A line is sent when the one before it has come back.
fn one_at_a_time(url: &Url, text: &mut Text, tally: &mut Tally) -> Outcome {
    let client = Client::connect(url)?;
    let mut messages = text.messages(300);
    messages.extend(text.every_length());
    for message in &messages {
        let line = format!("{message}\n");
        client.send(line.as_bytes())?;
        client.expect(line.as_bytes())?;
    }
    tally.add(messages.len(), messages.iter().map(|message| message.len() + 1).sum());
    client.end()?;
    client.expect_end()
}

/// The answer to a line does not wait for the rest of the next one.
fn in_the_middle_of_a_line(url: &Url, tally: &mut Tally) -> Outcome {
    let client = Client::connect(url)?;
    client.send(b"one\ntwo\nthr")?;
    client.expect(b"one\ntwo\n")?;
    client.send(b"ee\n")?;
    client.expect(b"three\n")?;
    tally.add(3, 14);
    client.end()?;
    client.expect_end()
}

/// A line with the end right behind it, which one read may hide from who does not look for it. Often,
/// because it takes some luck to have both arrive in time.
fn last_words(url: &Url, tally: &mut Tally) -> Outcome {
    for _ in 0..100 {
        let client = Client::connect(url)?;
        client.send(b"goodbye\n")?;
        client.end()?;
        client.expect(b"goodbye\n")?;
        client.expect_end()?;
        tally.add(1, 8);
    }
    Ok(())
}

/// Several clients send all they have without waiting, each cut in its own way, and then end their
/// side: everything comes back nevertheless.
fn all_at_once(url: &Url, text: &mut Text, tally: &mut Tally) -> Outcome {
    let many = text.messages(1000);
    let few = text.messages(60);
    let mut large = text.every_length();
    // The second is the longest line that readily takes.
    large.extend([300_000, 1024 * 1024, 7].map(|length| text.message(length)));
    // More than the sockets on the way hold, so that a contender meets a write that is cut short.
    let flood = [large.as_slice(); 4].concat();
    let plans = [
        ("whole", &many, usize::MAX, Reader::Eager),
        ("in pieces", &many, 3000, Reader::Eager),
        ("in crumbs", &few, 7, Reader::Eager),
        ("large", &large, 200_000, Reader::Eager),
        ("to a late reader", &flood, usize::MAX, Reader::Late),
    ];
    let mut jobs = Vec::new();
    for (name, messages, longest, reader) in plans {
        let bytes = (messages.join("\n") + "\n").into_bytes();
        let cuts = text.cuts(bytes.len(), longest.min(bytes.len()));
        tally.add(messages.len(), bytes.len());
        jobs.push((name, bytes, cuts, reader));
    }
    thread::scope(|scope| {
        let clients: Vec<_> = jobs
            .iter()
            .map(|(name, bytes, cuts, reader)| {
                let job = || {
                    let client = Client::connect(url)?;
                    client.exchange(bytes, cuts, *reader, bytes)?;
                    client.end()?;
                    client.expect_end()
                };
                (name, scope.spawn(job))
            })
            .collect();
        clients.into_iter().try_for_each(|(name, client)| {
            let outcome = client.join().unwrap_or_else(|_| Err("it has panicked".to_owned()));
            outcome.map_err(|error| format!("{name}: {error}"))
        })
    })
}
