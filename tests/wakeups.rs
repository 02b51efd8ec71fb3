//! Wake-ups that must not be lost: the loop turns over real sockets, and whatever a peer has sent
//! is answered although no further event comes.

use std::io::{IoSlice, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use readily::address::{ListenAddress, UnixAddress, UnixName};
use readily::engine::{Endpoint, Engine, Limits, StopScope};
use readily::kernel::{BoundSocket, Mio, MioListener};
use readily::reactor::Reactor;
use readily::service::Echo;

/// Echoes lines until the test ends.
fn serve(listener: MioListener) {
    let mut engine = Engine::new(Limits::default(), 1, ());
    let echo = engine.add_service(Box::new(Echo));
    let binding = engine.add_binding(echo, StopScope::Connection);
    let endpoint = engine.add_endpoint(Endpoint::Line(binding));
    let mut reactor = Reactor::new(Mio::new().expect("epoll"), engine, 10);
    reactor.add_listener(listener, endpoint).expect("registers");
    reactor.run().expect("runs");
}

#[test]
fn what_follows_passed_descriptors_is_read_without_another_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("echo.sock");
    let address = UnixAddress { name: UnixName::Path(path.clone()), mode: None };
    let bound = Mio::listen(&ListenAddress::Unix(address)).expect("binds");
    let BoundSocket::Listener(listener) = bound.socket else { panic!("a listener") };

    // A read ends behind the bytes that descriptors came with, though more has arrived.
    let mut peer = UnixStream::connect(&path).expect("connects");
    let passed = [peer.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&passed)];
    let first = [IoSlice::new(b"one\n")];
    sendmsg::<()>(peer.as_raw_fd(), &first, &rights, MsgFlags::empty(), None).expect("sends");
    peer.write_all(b"two\n").expect("sends");

    std::thread::spawn(move || serve(listener));
    peer.set_read_timeout(Some(Duration::from_secs(5))).expect("sets");
    let mut answers = [0; 8];
    peer.read_exact(&mut answers).expect("both are answered");
    assert_eq!(&answers, b"one\ntwo\n");
}
