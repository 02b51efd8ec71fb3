//! With `BufReader` and `read_line`, as the examples of many books go.

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use crate::runtime::{Outcome, Serve, Stream};

/// Writes each line as soon as it has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BufReaderEcho;

impl Serve for BufReaderEcho {
    async fn serve(self, mut stream: impl Stream) -> Outcome {
        let (reader, mut writer) = stream.halves();
        let mut reader = BufReader::new(reader);
        let mut line = String::new();
        while reader.read_line(&mut line).await? > 0 {
            writer.write_all(line.as_bytes()).await?;
            line.clear();
        }
        Ok(())
    }
}
