//! Topics of your own: a line or a message `TOPIC text` goes to everybody who wants that topic.
//!
//! ```text
//! cargo run --example notifier
//! nc 127.0.0.1 7002                         # in a second terminal: +news, +sport/*
//! websocat ws://127.0.0.1:7003/topics       # in a third: news It works
//! ```

use readily::pubsub::Topics;
use readily::server::Server;
use readily::service::{CloseReason, ConnId, Context, Message, Service};

/// Who wants what; all are told in the same way, so there is one dialect, number 0.
#[derive(Default)]
struct Notifier {
    topics: Topics,
}

impl Service for Notifier {
    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        let text = message.to_str().unwrap_or_default().trim_end();
        let done = if let Some(topic) = text.strip_prefix('+') {
            self.topics.subscribe(from, 0, topic).map(drop)
        } else if let Some(topic) = text.strip_prefix('-') {
            self.topics.unsubscribe(from, topic)
        } else {
            let topic = text.split(' ').next().unwrap_or_default();
            self.topics.publish(topic, b"").map(|mut published| {
                let receivers = published.receivers(0).iter().copied();
                cx.broadcast(receivers, Message::text(text));
            })
        };
        if let Err(refusal) = done {
            cx.send(from, Message::text(&format!("ERR {refusal}")));
        }
    }

    fn on_close(&mut self, _: &mut Context<'_>, peer: ConnId, _: CloseReason) {
        self.topics.leave(peer);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut server = Server::new();
    let notifier = server.add("notifier", Notifier::default());
    // Other addresses may be named: `cargo run --example notifier tcp://:0 ws://:0/topics`.
    let named: Vec<String> = std::env::args().skip(1).collect();
    let default = ["tcp://127.0.0.1:7002", "ws://127.0.0.1:7003/topics"].map(String::from);
    for url in if named.is_empty() { &default[..] } else { &named[..] } {
        server.listen(notifier, url)?;
    }
    let mut server = server.bind()?;
    for (binding, place) in server.bindings() {
        eprintln!("{}", binding.url(place.port()));
    }
    server.run()?;
    Ok(())
}
