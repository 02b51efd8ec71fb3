//! What a contender that hands messages to everybody has to get right: all of them, in one order, to
//! each client, whoever sent them.

use std::thread;

use super::client::Client;
use super::text::Text;
use super::websocket::{Traffic, upgrade};
use super::{Outcome, Tally};
use crate::url::Url;

/// How many clients there are.
const CLIENTS: usize = 5;

/// Each in turn sends a while, in odd pieces, and all receive all of it.
pub(super) fn check(url: &Url, text: &mut Text, tally: &mut Tally) -> Outcome {
    // Who has the answer to his handshake is one of them.
    let clients = (0..CLIENTS).map(|_| upgrade(url, usize::MAX));
    let clients = clients.collect::<Result<Vec<_>, _>>()?;
    for (position, client) in clients.iter().enumerate() {
        let mut traffic = Traffic::default();
        for message in text.messages(100) {
            if position % 2 == 0 {
                traffic.text(&message, text);
            } else {
                traffic.binary(message.as_bytes(), text);
            }
        }
        let cuts = text.cuts(traffic.sent.len(), 3000);
        all_receive(&clients, client, &traffic, &cuts, tally)
            .map_err(|error| format!("from client {position}: {error}"))?;
    }
    // Nobody minds when some go.
    let (gone, left) = clients.split_at(2);
    for client in gone {
        let mut close = Traffic::default();
        close.close(text);
        client.send(&close.sent)?;
        client.expect(&close.expected)?;
        client.expect_end()?;
    }
    let mut last = Traffic::default();
    last.text("who is left?", text);
    all_receive(left, &left[1], &last, &[last.sent.len()], tally)
}

/// One sends, and all receive.
fn all_receive(
    clients: &[Client],
    sender: &Client,
    traffic: &Traffic,
    cuts: &[usize],
    tally: &mut Tally,
) -> Outcome {
    tally.add(traffic.messages, traffic.sent.len());
    thread::scope(|scope| {
        let receivers: Vec<_> =
            clients.iter().map(|client| scope.spawn(|| client.expect(&traffic.expected))).collect();
        let sent = sender.send_pieces(&traffic.sent, cuts);
        let received = receivers.into_iter().enumerate().try_for_each(|(position, receiver)| {
            let outcome = receiver.join().unwrap_or_else(|_| Err("it has panicked".to_owned()));
            outcome.map_err(|error| format!("to receiver {position}: {error}"))
        });
        received.and(sent)
    })
}
