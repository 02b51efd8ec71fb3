//! With tokio-tungstenite and tokio's broadcast channel: what one client sends goes to all of them, as
//! in the chat examples of both, with the tuning that a server under load would have.
//!
//! A task for each client waits for either side. What is in the channel is fed to the socket as long as
//! there is more of it, and flushed once. The text of a message is counted, not copied.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::select;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::broadcast::{Receiver, Sender, channel};
use tokio_tungstenite::accept_async_with_config;
use tungstenite::Message;
use tungstenite::protocol::WebSocketConfig;

use crate::runtime::{Outcome, Serve, Stream};

/// How many messages a client may be behind before it is given up.
const CAPACITY: usize = 1024;

/// Hands every message to everybody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Broadcast {
    room: &'static Sender<Message>,
}

impl Broadcast {
    /// A room for all clients of the process.
    pub(crate) fn new() -> Broadcast {
        Broadcast { room: Box::leak(Box::new(channel(CAPACITY).0)) }
    }
}

/// What a client waits for.
enum Event {
    FromPeer(Option<Result<Message, tungstenite::Error>>),
    FromRoom(Result<Message, RecvError>),
}

impl Serve for Broadcast {
    async fn serve(self, stream: impl Stream) -> Outcome {
        let config = WebSocketConfig::default().read_buffer_size(4096);
        let mut room: Receiver<Message> = self.room.subscribe();
        let mut socket = accept_async_with_config(stream, Some(config)).await?;
        loop {
            let event = select! {
                message = socket.next() => Event::FromPeer(message),
                message = room.recv() => Event::FromRoom(message),
            };
            match event {
                Event::FromPeer(None) => return Ok(()),
                Event::FromPeer(Some(message)) => {
                    let message = message?;
                    if message.is_text() || message.is_binary() {
                        // There is a receiver: ourselves.
                        let _ = self.room.send(message);
                    }
                }
                Event::FromRoom(message) => {
                    socket.feed(message?).await?;
                    loop {
                        match room.try_recv() {
                            Ok(message) => socket.feed(message).await?,
                            Err(TryRecvError::Empty) => break,
                            Err(error) => return Err(error.into()),
                        }
                    }
                    socket.flush().await?;
                }
            }
        }
    }
}
