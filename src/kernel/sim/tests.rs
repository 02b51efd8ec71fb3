//! The simulated kernel by itself: that it does what sockets do.

use std::io::ErrorKind;
use std::time::Duration;

use super::{Handle, Port, Received, Remote, Sim, Weather};
use crate::kernel::{Interest, Kernel as _, Read, Ready, Socket, StreamKind, Token};

/// A kernel with a listener that is watched.
fn listening(kind: StreamKind) -> (Sim, Handle, Port) {
    let mut sim = Sim::new(1);
    let (mut listener, port) = sim.listen(kind);
    sim.register(Socket::Listener(&mut listener), Token(0), Interest::Readable).unwrap();
    (sim, listener, port)
}

/// The events of one wait of up to a second.
fn events(sim: &mut Sim) -> Vec<Ready> {
    let mut ready = Vec::new();
    sim.set_alarm(None);
    sim.poll(&mut ready, Some(Duration::from_secs(1))).unwrap();
    ready
}

/// A connection that was accepted and is watched as token 1.
fn connected(kind: StreamKind) -> (Sim, Handle, Remote) {
    let (mut sim, mut listener, port) = listening(kind);
    let remote = sim.dial(port);
    assert_eq!(events(&mut sim)[0].token, Token(0));
    let (mut stream, _) = sim.accept(&mut listener).unwrap();
    let socket = Socket::Stream(&mut stream);
    sim.register(socket, Token(1), Interest::ReadableAndWritable).unwrap();
    let event = events(&mut sim)[0];
    assert!(event.writable && !event.readable, "there is room, and nothing to read");
    // What is dropped is closed, and the listener is not needed any more.
    drop(listener);
    (sim, stream, remote)
}

#[test]
fn an_event_comes_once_and_describes_what_there_is() {
    let (mut sim, mut stream, remote) = connected(StreamKind::Unix);
    sim.send(remote, b"hello").unwrap();
    sim.finish(remote);
    let ready = events(&mut sim);
    assert_eq!(ready.len(), 1, "what has happened together is one event");
    assert!(ready[0].readable && ready[0].read_closed);
    let mut buffer = [0; 3];
    assert_eq!(sim.read(&mut stream, &mut buffer).unwrap(), Read::Data(3));
    assert!(events(&mut sim).is_empty(), "it was said already");
    assert_eq!(sim.read(&mut stream, &mut buffer).unwrap(), Read::Data(2));
    assert!(events(&mut sim).is_empty());
    assert_eq!(sim.read(&mut stream, &mut buffer).unwrap(), Read::End);
}

#[test]
fn a_wait_takes_no_time_but_virtual_time() {
    let (mut sim, _listener, _) = listening(StreamKind::Tcp);
    let before = sim.time();
    assert!(events(&mut sim).is_empty());
    let waited = sim.time() - before;
    assert!(waited >= Duration::from_secs(1) && waited < Duration::from_millis(1_001));
    sim.poll(&mut Vec::new(), None).unwrap();
    assert!(sim.is_asleep(), "nothing will ever happen");
}

#[test]
fn room_is_announced_to_who_has_met_its_end() {
    let (mut sim, mut stream, remote) = connected(StreamKind::Tcp);
    let all = vec![7; 100_000];
    let taken = sim.write(&mut stream, &all).unwrap();
    assert_eq!(taken, Weather::CALM.capacity);
    assert_eq!(sim.write(&mut stream, b"more").unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(events(&mut sim).is_empty(), "news for the remote peer is no event");
    assert_eq!(sim.receive(remote, 10), Received::Data(vec![7; 10]));
    assert!(events(&mut sim)[0].writable);
    assert_eq!(sim.write(&mut stream, b"more").unwrap(), 4);
}

#[test]
fn closing_with_unread_input_destroys_what_is_on_its_way() {
    let (mut sim, mut stream, remote) = connected(StreamKind::Tcp);
    sim.write(&mut stream, b"last words").unwrap();
    sim.send(remote, b"unread").unwrap();
    while events(&mut sim).is_empty() {}
    sim.close(stream);
    events(&mut sim);
    assert_eq!(sim.receive(remote, 100), Received::Reset);
}

#[test]
fn packets_keep_their_boundaries() {
    let (mut sim, mut stream, remote) = connected(StreamKind::Packet);
    for packet in [&b"one"[..], b"", b"three"] {
        sim.send(remote, packet).unwrap();
    }
    events(&mut sim);
    let mut buffer = [0; 4];
    assert_eq!(sim.read(&mut stream, &mut buffer).unwrap(), Read::Data(3));
    assert_eq!(sim.read(&mut stream, &mut buffer).unwrap(), Read::Data(0));
    assert_eq!(sim.read(&mut stream, &mut buffer).unwrap(), Read::Oversize);
    assert_eq!(sim.read(&mut stream, &mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
#[should_panic(expected = "no event has said that there is something")]
fn reading_without_an_event_is_misconduct() {
    let (mut sim, mut stream, _) = connected(StreamKind::Tcp);
    let _ = sim.read(&mut stream, &mut [0; 10]);
}

#[test]
#[should_panic(expected = "the loop spins")]
fn never_sleeping_is_misconduct() {
    let (mut sim, _listener, _) = listening(StreamKind::Tcp);
    loop {
        sim.poll(&mut Vec::new(), Some(Duration::ZERO)).unwrap();
    }
}

#[test]
fn misconduct_that_is_overlooked_has_its_consequences_and_no_other() {
    let (mut sim, mut stream, _) = connected(StreamKind::Tcp);
    sim.overlook_misconduct();
    let read = sim.read(&mut stream, &mut [0; 10]);
    assert_eq!(read.unwrap_err().kind(), ErrorKind::WouldBlock);
    for _ in 0..10_000 {
        sim.poll(&mut Vec::new(), Some(Duration::ZERO)).unwrap();
    }
}

#[test]
fn a_connection_that_was_closed_may_have_one_more_event_in_front_of_others() {
    let (mut sim, stream, gone) = connected(StreamKind::Tcp);
    sim.repeat_event(gone);
    assert!(events(&mut sim).is_empty(), "it is open still");
    sim.close(stream);
    assert!(events(&mut sim).is_empty());
    let (mut listener, port) = sim.listen(StreamKind::Tcp);
    sim.register(Socket::Listener(&mut listener), Token(2), Interest::Readable).unwrap();
    sim.set_weather(Weather { latency: Duration::ZERO, ..Weather::CALM });
    sim.dial(port);
    sim.repeat_event(gone);
    let tokens: Vec<_> = events(&mut sim).iter().map(|event| event.token).collect();
    assert_eq!(tokens, [Token(1), Token(2)]);
    assert!(events(&mut sim).is_empty(), "one");
}

#[test]
fn no_more_is_on_its_way_to_a_peer_than_its_window() {
    let (mut sim, mut stream, remote) = connected(StreamKind::Tcp);
    sim.set_window(remote, 5);
    assert_eq!(sim.write(&mut stream, b"hello world").unwrap(), 5);
    events(&mut sim);
    assert_eq!(sim.receive(remote, 100), Received::Data(b"hello".to_vec()));
    assert!(events(&mut sim)[0].writable, "there is room again");
    assert_eq!(sim.write(&mut stream, b" world").unwrap(), 5);
}
