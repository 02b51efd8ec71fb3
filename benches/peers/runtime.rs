//! What drives a contender.

use std::error::Error;
use std::future::Future;
use std::io;
use std::str::FromStr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::runtime::Builder;

use crate::door::Door;
use crate::url::Scheme;

/// A loop to run under.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flavour {
    /// tokio's `current_thread`: everything on the thread that accepts.
    CurrentThread,
    /// tokio's `multi_thread`, with a worker for each CPU that the process may use.
    MultiThread,
    /// A loop of the contender's own around epoll(7).
    Epoll,
}

impl Flavour {
    /// As it is given on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Flavour::CurrentThread => "current_thread",
            Flavour::MultiThread => "multi_thread",
            Flavour::Epoll => "epoll",
        }
    }
}

impl FromStr for Flavour {
    type Err = String;

    fn from_str(text: &str) -> Result<Flavour, String> {
        [Flavour::CurrentThread, Flavour::MultiThread, Flavour::Epoll]
            .into_iter()
            .find(|flavour| flavour.name() == text)
            .ok_or_else(|| format!("expected current_thread, multi_thread or epoll, not {text}"))
    }
}

/// How a connection ended. Peers come and go as they like, so nobody looks at the error.
pub(crate) type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// A connected socket of either kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The two directions, as the sockets' own `split` gives them: without the lock that
    /// `tokio::io::split` needs for streams that it knows nothing about.
    fn halves(&mut self) -> (impl AsyncRead + Unpin + Send, impl AsyncWrite + Unpin + Send);
}

impl Stream for TcpStream {
    fn halves(&mut self) -> (impl AsyncRead + Unpin + Send, impl AsyncWrite + Unpin + Send) {
        self.split()
    }
}

impl Stream for UnixStream {
    fn halves(&mut self) -> (impl AsyncRead + Unpin + Send, impl AsyncWrite + Unpin + Send) {
        self.split()
    }
}

/// A server of one connection, whichever kind it is. (A closure cannot be generic.)
pub(crate) trait Serve: Copy + Send + 'static {
    fn serve(self, stream: impl Stream) -> impl Future<Output = Outcome> + Send;
}

/// Serves each connection in a task of its own, as users of tokio do.
pub(crate) fn serve_streams(door: Door, flavour: Flavour, server: impl Serve) -> io::Result<()> {
    block_on(flavour, async {
        match door.url.scheme() {
            Scheme::Unix => {
                let listener = UnixListener::from_std(door.socket.into())?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    tokio::spawn(server.serve(stream));
                }
            }
            Scheme::Tcp | Scheme::Ws | Scheme::Udp => {
                let listener = TcpListener::from_std(door.socket.into())?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    tokio::spawn(server.serve(stream));
                }
            }
        }
    })
}

/// Runs a future on a runtime such as `#[tokio::main]` makes.
pub(crate) fn block_on(
    flavour: Flavour,
    future: impl Future<Output = io::Result<()>>,
) -> io::Result<()> {
    let mut builder = match flavour {
        Flavour::MultiThread => Builder::new_multi_thread(),
        Flavour::CurrentThread | Flavour::Epoll => Builder::new_current_thread(),
    };
    builder.enable_all().build()?.block_on(future)
}
