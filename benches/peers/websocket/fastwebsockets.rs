//! With fastwebsockets: its own example of an echo server.
//!
//! The handshake is our own. The one that comes with the crate is hyper's and leaves the socket in
//! a box behind hyper's buffer; here it is the bare one, which is as fast as the crate goes.

use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::unconstrained;

use crate::handshake::Handshake;
use crate::runtime::{Outcome, Serve, Stream};

/// A write for each frame: the crate has no way to collect them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FastWebSockets;

impl Serve for FastWebSockets {
    async fn serve(self, mut stream: impl Stream) -> Outcome {
        if !shake_hands(&mut stream).await? {
            return Ok(());
        }
        let socket = WebSocket::after_handshake(stream, Role::Server);
        // Without a budget, as in the example.
        unconstrained(echo(FragmentCollector::new(socket))).await
    }
}

async fn echo(mut socket: FragmentCollector<impl Stream>) -> Outcome {
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            _ => {}
        }
    }
}

/// Returns whether the peer is a WebSocket client.
async fn shake_hands(stream: &mut impl Stream) -> Result<bool, std::io::Error> {
    let mut handshake = Handshake::default();
    let mut input = [0; 1024];
    loop {
        let count = stream.read(&mut input).await?;
        if count == 0 {
            return Ok(false);
        }
        match handshake.receive(&input[..count]) {
            Ok(None) => {}
            Ok(Some(answer)) => {
                stream.write_all(&answer).await?;
                return Ok(true);
            }
            Err(_) => return Ok(false),
        }
    }
}
