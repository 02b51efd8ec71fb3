//! With the codec of tokio-util.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio_util::codec::{Framed, LinesCodec};

use crate::runtime::{Outcome, Serve, Stream};

/// A `send` for each line, which is how the documentation shows a sink, and which flushes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinesCodecSend;

impl Serve for LinesCodecSend {
    async fn serve(self, stream: impl Stream) -> Outcome {
        let mut lines = Framed::new(stream, LinesCodec::new());
        while let Some(line) = lines.next().await {
            lines.send(line?).await?;
        }
        Ok(())
    }
}

/// The stream forwarded into the sink, which flushes when no line is left in the buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinesCodecForward;

impl Serve for LinesCodecForward {
    async fn serve(self, stream: impl Stream) -> Outcome {
        let (sink, lines) = Framed::new(stream, LinesCodec::new()).split();
        lines.forward(sink).await?;
        Ok(())
    }
}
