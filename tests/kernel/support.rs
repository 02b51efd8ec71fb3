//! A kernel that is waited on with a deadline, and shorthands for addresses.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use readily::address::{Family, InetAddress, ListenAddress, PeerAddr, UnixAddress, UnixName};
use readily::kernel::{
    Bound, BoundSocket, Interest, Kernel, LocalAddr, Mio, MioDatagram, MioListener, MioStream,
    Read, Ready, Socket, Token,
};

/// Longer than any event takes, even on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// The token of the listener or datagram socket of a test.
pub(crate) const LISTENER: Token = Token(1);
/// The token of its connection.
pub(crate) const STREAM: Token = Token(2);

/// A kernel, and the events that were seen and not asked for yet.
pub(crate) struct Bench {
    pub(crate) mio: Mio,
    seen: Vec<Ready>,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        Bench { mio: Mio::new().unwrap(), seen: Vec::new() }
    }

    /// Waits for an event of `token` that satisfies `wanted`; earlier events of that token are
    /// passed over.
    pub(crate) fn wait(&mut self, token: Token, wanted: impl Fn(&Ready) -> bool) -> Ready {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.seen.iter().position(|r| r.token == token && wanted(r)) {
                let found = self.seen[at];
                self.seen.drain(..=at);
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no such event of {token:?}; seen: {:?}", self.seen);
            self.mio.poll(&mut self.seen, Some(left)).unwrap();
        }
    }

    /// Forgets what was seen, and what is ready at this moment.
    pub(crate) fn settle(&mut self) {
        self.poll_now();
    }

    /// Everything that is ready at this moment.
    pub(crate) fn poll_now(&mut self) -> Vec<Ready> {
        self.mio.poll(&mut self.seen, Some(Duration::ZERO)).unwrap();
        std::mem::take(&mut self.seen)
    }

    pub(crate) fn watch_listener(&mut self, listener: &mut MioListener) {
        self.mio.register(Socket::Listener(listener), LISTENER, Interest::Readable).unwrap();
    }

    pub(crate) fn watch_datagram(&mut self, socket: &mut MioDatagram) {
        self.mio.register(Socket::Datagram(socket), LISTENER, Interest::Readable).unwrap();
    }

    pub(crate) fn watch_stream(&mut self, stream: &mut MioStream, interest: Interest) {
        self.mio.register(Socket::Stream(stream), STREAM, interest).unwrap();
    }

    /// Waits for a connection and takes it.
    pub(crate) fn accept(&mut self, listener: &mut MioListener) -> (MioStream, PeerAddr) {
        loop {
            match self.mio.accept(listener) {
                Ok(accepted) => return accepted,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(LISTENER, |r| r.readable);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Reads once, waiting for something to read.
    pub(crate) fn read(&mut self, stream: &mut MioStream, buffer: &mut [u8]) -> Read {
        loop {
            match self.mio.read(stream, buffer) {
                Ok(read) => return read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(STREAM, |r| r.readable);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Reads and drops everything until the socket says that it is empty.
    pub(crate) fn read_until_empty(&mut self, stream: &mut MioStream) -> Vec<u8> {
        let mut all = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match self.mio.read(stream, &mut buffer) {
                Ok(Read::Data(length)) => all.extend(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return all,
                other => panic!("{other:?}"),
            }
        }
    }

    /// Receives one datagram, waiting for it.
    pub(crate) fn receive(
        &mut self,
        socket: &mut MioDatagram,
        buffer: &mut [u8],
    ) -> io::Result<(usize, PeerAddr)> {
        loop {
            match self.mio.receive_from(socket, buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(LISTENER, |r| r.readable);
                }
                other => return other,
            }
        }
    }
}

pub(crate) fn inet(family: Family, host: Option<&str>, port: u16) -> InetAddress {
    InetAddress { family, host: host.map(str::to_owned), port }
}

pub(crate) fn tcp(host: &str) -> ListenAddress {
    ListenAddress::Tcp(inet(Family::Any, Some(host), 0))
}

pub(crate) fn unix(path: &Path) -> UnixAddress {
    UnixAddress { name: UnixName::Path(path.to_owned()), mode: None }
}

pub(crate) fn abstract_name(suffix: &str) -> UnixAddress {
    let name = format!("readily-test-{}-{suffix}", std::process::id());
    UnixAddress { name: UnixName::Abstract(name.into_bytes()), mode: None }
}

pub(crate) fn listener(bound: Bound) -> MioListener {
    match bound.socket {
        BoundSocket::Listener(listener) => listener,
        BoundSocket::Datagram(_) => panic!("a listener"),
    }
}

pub(crate) fn datagram(bound: Bound) -> MioDatagram {
    match bound.socket {
        BoundSocket::Datagram(socket) => socket,
        BoundSocket::Listener(_) => panic!("a datagram socket"),
    }
}

pub(crate) fn local(bound: &Bound) -> SocketAddr {
    match &bound.local {
        LocalAddr::Inet(address) => *address,
        LocalAddr::Unix(_) => panic!("an internet address"),
    }
}

/// Makes a socket in another process, binds it to a path of 108 bytes in `directory`, and lets it
/// connect to `server` or send it a datagram. Such a path fills `sun_path` without a NUL; no safe
/// Rust makes one, so Perl does. `None` where there is no Perl.
pub(crate) fn visit_from_the_longest_path(
    directory: &Path,
    server: &Path,
    kind: &str,
) -> Option<PathBuf> {
    const VISIT: &str = r#"
        use Socket;
        my ($path, $server, $kind) = @ARGV;
        socket(my $socket, AF_UNIX, $kind eq "stream" ? SOCK_STREAM : SOCK_DGRAM, 0) or die $!;
        bind($socket, pack("S a*", AF_UNIX, $path)) or die $!;
        connect($socket, pack_sockaddr_un($server)) or die $!;
        send($socket, "?", 0) or die $!;
    "#;
    let length = 108 - directory.as_os_str().len() - 1;
    let path = directory.join("x".repeat(length));
    let visit = Command::new("perl").args(["-e", VISIT]).args([&path, server]).arg(kind).status();
    match visit {
        Ok(status) => assert!(status.success()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => panic!("{error}"),
    }
    Some(path)
}
