//! Line echo, as users of tokio write it: from what the documentation shows to what is tuned by
//! hand.
//!
//! Those that read into a `String` take UTF-8 only, and [`LinesCodec`](tokio_util::codec::LinesCodec)
//! takes a `\r` in front of the `\n` for a part of the end: it does not come back.

mod bufreader;
mod bufwriter;
mod linescodec;
mod raw;

pub(crate) use self::bufreader::BufReaderEcho;
pub(crate) use self::bufwriter::BufWriterEcho;
pub(crate) use self::linescodec::{LinesCodecForward, LinesCodecSend};
pub(crate) use self::raw::Raw;
