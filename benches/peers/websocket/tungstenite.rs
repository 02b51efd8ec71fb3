//! With tokio-tungstenite.
//!
//! Its own example of an echo server forwards the one half of a split socket into the other. That
//! keeps a message back until the next one is read, and where that is a Close, the message is lost.
//! So the halves stay together here, which saves their lock, too; flushing only when no message is
//! left in the buffer is what `forward` does.

use futures_util::future::poll_immediate;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::accept_async_with_config;
use tungstenite::protocol::WebSocketConfig;

use crate::runtime::{Outcome, Serve, Stream};

/// Answers all messages that are there, and then flushes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tungstenite {
    config: WebSocketConfig,
}

impl Tungstenite {
    /// With a smaller buffer to read into than the 128 KiB that a connection has otherwise.
    pub(crate) fn with_read_buffer(bytes: usize) -> Tungstenite {
        Tungstenite { config: WebSocketConfig::default().read_buffer_size(bytes) }
    }
}

impl Serve for Tungstenite {
    async fn serve(self, stream: impl Stream) -> Outcome {
        let mut socket = accept_async_with_config(stream, Some(self.config)).await?;
        loop {
            let next = match poll_immediate(socket.next()).await {
                Some(next) => next,
                None => {
                    socket.flush().await?;
                    socket.next().await
                }
            };
            let Some(message) = next.transpose()? else { return Ok(()) };
            if message.is_text() || message.is_binary() {
                socket.feed(message).await?;
            }
        }
    }
}
