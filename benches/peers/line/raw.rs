//! Tuned by hand: what a user of tokio writes who has nothing but speed in mind.

use memchr::memchr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::runtime::{Outcome, Serve, Stream};

/// What a connection reads at most at once. A longer line makes its buffer grow.
const BUFFER_BYTES: usize = 64 * 1024;

/// One read, a search for each line in it, one write of all the answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw;

impl Serve for Raw {
    async fn serve(self, mut stream: impl Stream) -> Outcome {
        let mut input = vec![0; BUFFER_BYTES];
        let mut output = Vec::with_capacity(BUFFER_BYTES);
        // How much of `input` holds the start of a line. It has no `\n`, so it is searched once.
        let mut kept = 0;
        loop {
            if kept == input.len() {
                input.resize(2 * input.len(), 0);
            }
            let count = stream.read(&mut input[kept..]).await?;
            if count == 0 {
                return Ok(());
            }
            let filled = kept + count;
            let (mut line, mut searched) = (0, kept);
            while let Some(length) = memchr(b'\n', &input[searched..filled]) {
                searched += length + 1;
                output.extend_from_slice(&input[line..searched]);
                line = searched;
            }
            if !output.is_empty() {
                stream.write_all(&output).await?;
                output.clear();
                input.copy_within(line..filled, 0);
            }
            kept = filled - line;
        }
    }
}
