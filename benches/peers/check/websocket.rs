//! What a contender for WebSocket has to get right.
//!
//! The expected bytes are a frame for each message, with the shortest header that there is: all of
//! them send that, and it is what they are measured with.

use std::thread;

use readily::codec::http::{HeadKind, HeadScanner};
use readily::codec::websocket::handshake::{check_response, encode_request};
use readily::codec::websocket::{
    CloseCode, encode_binary, encode_close, encode_ping, encode_pong, encode_text,
};

use super::client::{Client, Reader};
use super::text::Text;
use super::{Outcome, Tally};
use crate::url::Url;

/// Frames to send, and the frames that must come back.
#[derive(Default)]
pub(super) struct Traffic {
    pub(super) messages: usize,
    pub(super) sent: Vec<u8>,
    pub(super) expected: Vec<u8>,
}

/// Exchanges messages in all ways.
pub(super) fn check(url: &Url, text: &mut Text, tally: &mut Tally) -> Outcome {
    one_at_a_time(url, text, tally).map_err(|error| format!("one at a time: {error}"))?;
    in_the_middle_of_a_frame(url, text, tally)
        .map_err(|error| format!("in the middle of a frame: {error}"))?;
    all_at_once(url, text, tally)
}

/// A message is sent when the one before it has come back; and a Ping, too.
fn one_at_a_time(url: &Url, text: &mut Text, tally: &mut Tally) -> Outcome {
    let client = upgrade(url, usize::MAX)?;
    let mut messages = text.messages(300);
    messages.extend(text.every_length());
    for message in &messages {
        let mut traffic = Traffic::default();
        traffic.text(message, text);
        exchange(&client, &traffic, tally)?;
    }
    let mut ping = Traffic::default();
    encode_ping(&mut ping.sent, b"alive?", Some(text.key()));
    encode_pong(&mut ping.expected, b"alive?", None);
    exchange(&client, &ping, tally)?;
    let mut close = Traffic::default();
    close.close(text);
    exchange(&client, &close, tally)?;
    client.expect_end()
}

/// Sends all of it and waits for all of it.
fn exchange(client: &Client, traffic: &Traffic, tally: &mut Tally) -> Outcome {
    tally.add(traffic.messages, traffic.sent.len());
    client.send(&traffic.sent)?;
    client.expect(&traffic.expected)
}

/// The answer to a message does not wait for the rest of the next one.
fn in_the_middle_of_a_frame(url: &Url, text: &mut Text, tally: &mut Tally) -> Outcome {
    let client = upgrade(url, usize::MAX)?;
    for cut in [1, 2, 5, 6, 7, 200] {
        let (mut first, mut second) = (Traffic::default(), Traffic::default());
        first.text("one", text);
        second.text(&text.message(300), text);
        tally.add(2, first.sent.len() + second.sent.len());
        let (start, rest) = second.sent.split_at(cut);
        client.send(&[&first.sent, start].concat())?;
        client.expect(&first.expected)?;
        client.send(rest)?;
        client.expect(&second.expected)?;
    }
    Ok(())
}

/// Several clients send all they have without waiting, each cut in its own way, and then close.
fn all_at_once(url: &Url, text: &mut Text, tally: &mut Tally) -> Outcome {
    let [mut many, mut few, mut large, mut flood] = [(); 4].map(|()| Traffic::default());
    for (traffic, count) in [(&mut many, 1000), (&mut few, 60)] {
        for (index, message) in text.messages(count).iter().enumerate() {
            if index % 3 == 0 {
                traffic.binary(&text.bytes(message.len()), text);
            } else {
                traffic.text(message, text);
            }
        }
    }
    // The flood is more than the sockets on the way hold, so that a contender meets a write that is
    // cut short. The second length is the longest message that readily takes.
    for (traffic, rounds) in [(&mut large, 1), (&mut flood, 3)] {
        for length in [300_000, 1024 * 1024, 7].repeat(rounds) {
            traffic.text(&text.message(length), text);
            traffic.binary(&text.bytes(length), text);
        }
    }
    for traffic in [&mut many, &mut few, &mut large, &mut flood] {
        traffic.close(text);
    }
    let plans = [
        ("whole", &many, usize::MAX, Reader::Eager),
        ("in pieces", &many, 3000, Reader::Eager),
        ("in crumbs", &few, 7, Reader::Eager),
        ("large", &large, 200_000, Reader::Eager),
        ("to a late reader", &flood, usize::MAX, Reader::Late),
    ];
    let mut jobs = Vec::new();
    for (name, traffic, longest, reader) in plans {
        let cuts = text.cuts(traffic.sent.len(), longest.min(traffic.sent.len()));
        tally.add(traffic.messages, traffic.sent.len());
        jobs.push((name, traffic, longest, cuts, reader));
    }
    thread::scope(|scope| {
        let clients: Vec<_> = jobs
            .iter()
            .map(|(name, traffic, longest, cuts, reader)| {
                let job = || {
                    let client = upgrade(url, *longest)?;
                    client.exchange(&traffic.sent, cuts, *reader, &traffic.expected)?;
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

/// Connects and shakes hands, with the request in pieces of this length.
pub(super) fn upgrade(url: &Url, piece: usize) -> Result<Client, String> {
    let client = Client::connect(url)?;
    let Url::Ws(address, path) = url else { return Err("no WebSocket".to_owned()) };
    let (mut request, key) = (Vec::new(), [7; 16]);
    encode_request(&mut request, &address.to_string(), path, &key, &[]);
    for piece in request.chunks(piece) {
        client.send(piece)?;
    }
    let mut scanner = HeadScanner::new(HeadKind::Response);
    let (mut head, mut buffer) = (Vec::new(), [0; 1024]);
    loop {
        match client.receive(&mut buffer)? {
            0 => return Err("no answer to the handshake".to_owned()),
            count => head.extend_from_slice(&buffer[..count]),
        }
        match scanner.scan(&head) {
            Ok(None) => {}
            Ok(Some(length)) if length == head.len() => break,
            _ => return Err(format!("bad handshake: {}", head.escape_ascii())),
        }
    }
    check_response(&head, &key, &[]).map_err(|error| error.to_string())?;
    Ok(client)
}

impl Traffic {
    pub(super) fn text(&mut self, message: &str, keys: &mut Text) {
        self.messages += 1;
        encode_text(&mut self.sent, message.as_bytes(), Some(keys.key()));
        encode_text(&mut self.expected, message.as_bytes(), None);
    }

    pub(super) fn binary(&mut self, message: &[u8], keys: &mut Text) {
        self.messages += 1;
        encode_binary(&mut self.sent, message, Some(keys.key()));
        encode_binary(&mut self.expected, message, None);
    }

    /// A Close is answered with the same code, behind everything else.
    pub(super) fn close(&mut self, keys: &mut Text) {
        encode_close(&mut self.sent, Some(CloseCode::Normal), "", Some(keys.key()));
        encode_close(&mut self.expected, Some(CloseCode::Normal), "", None);
    }
}
