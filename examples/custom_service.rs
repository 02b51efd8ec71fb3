//! A service of your own, on TCP and WebSocket at once: a room in which everybody hears everybody.
//!
//! ```text
//! cargo run --example custom_service
//! nc 127.0.0.1 7000                        # in a second terminal
//! websocat ws://127.0.0.1:7001/room        # in a third, or a browser's console
//! ```

use readily::server::Server;
use readily::service::{CloseReason, ConnId, Context, Message, Service};

/// Who is in the room.
#[derive(Default)]
struct Room {
    members: Vec<ConnId>,
}

impl Service for Room {
    fn on_open(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        cx.broadcast(self.members.iter().copied(), Message::text("* somebody came"));
        self.members.push(peer);
        cx.send(peer, Message::text(&format!("* welcome, there are {} here", self.members.len())));
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        // A line may be any bytes; what is said in the room is text.
        let Some(text) = message.to_str() else {
            cx.send(from, Message::text("* please speak UTF-8"));
            return;
        };
        let others = self.members.iter().copied().filter(|&member| member != from);
        cx.broadcast(others, Message::text(text.trim_end()));
    }

    fn on_close(&mut self, cx: &mut Context<'_>, peer: ConnId, _: CloseReason) {
        self.members.retain(|&member| member != peer);
        cx.broadcast(self.members.iter().copied(), Message::text("* somebody left"));
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut server = Server::new();
    let room = server.add("room", Room::default());
    // Other addresses may be named: `cargo run --example custom_service tcp://:0 ws://:0/room`.
    let named: Vec<String> = std::env::args().skip(1).collect();
    let default = ["tcp://127.0.0.1:7000", "ws://127.0.0.1:7001/room"].map(String::from);
    for url in if named.is_empty() { &default[..] } else { &named[..] } {
        server.listen(room, url)?;
    }
    let mut server = server.bind()?;
    for (binding, place) in server.bindings() {
        eprintln!("{}", binding.url(place.port()));
    }
    server.run()?;
    Ok(())
}
