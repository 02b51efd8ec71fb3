//! With a buffer for each direction, for users who have looked at their system calls.

use memchr::memchr;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, BufWriter};

use crate::runtime::{Outcome, Serve, Stream};

/// Collects the answers to what was read at once. They are flushed when no whole line is left, and
/// not only when nothing is left: a peer may wait for its answers in the middle of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BufWriterEcho;

impl Serve for BufWriterEcho {
    async fn serve(self, mut stream: impl Stream) -> Outcome {
        let (reader, writer) = stream.halves();
        let (mut reader, mut writer) = (BufReader::new(reader), BufWriter::new(writer));
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).await? > 0 {
            writer.write_all(&line).await?;
            line.clear();
            if memchr(b'\n', reader.buffer()).is_none() {
                writer.flush().await?;
            }
        }
        Ok(())
    }
}
