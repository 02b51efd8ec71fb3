//! TCP connections: options, addresses, edges, ends and urgent data.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use readily::address::{Family, ListenAddress, PeerAddr};
use readily::kernel::{
    AcceptError, Interest, Kernel, Mio, MioListener, MioStream, Read, Socket, StreamKind,
};
use socket2::SockRef;

use crate::ipv6::has_ipv6;
use crate::support::{Bench, LISTENER, STREAM, inet, listener, local, tcp};

/// A client and the server's side of its connection, watched as the reactor does.
fn pair(bench: &mut Bench) -> (TcpStream, MioStream, MioListener) {
    let bound = Mio::listen(&tcp("127.0.0.1")).unwrap();
    let client = TcpStream::connect(local(&bound)).unwrap();
    let mut listener = listener(bound);
    bench.watch_listener(&mut listener);
    let (mut stream, _) = bench.accept(&mut listener);
    bench.watch_stream(&mut stream, Interest::ReadableAndWritable);
    bench.wait(STREAM, |r| r.writable);
    bench.settle();
    (client, stream, listener)
}

#[test]
fn an_accepted_socket_has_nodelay_and_keepalive_and_does_not_block() {
    let mut bench = Bench::new();
    let (_client, stream, _listener) = pair(&mut bench);
    let MioStream::Tcp(stream) = &stream else { panic!("a TCP stream") };
    let options = SockRef::from(stream);
    assert!(options.tcp_nodelay().unwrap());
    assert!(options.keepalive().unwrap());
    assert!(options.nonblocking().unwrap());
}

#[test]
fn a_client_of_ipv4_at_a_dual_stack_socket_has_an_address_of_ipv4() {
    let mut bench = Bench::new();
    let bound = Mio::listen(&ListenAddress::Tcp(inet(Family::Any, None, 0))).unwrap();
    let port = local(&bound).port();
    let mut listener = listener(bound);
    bench.watch_listener(&mut listener);
    for host in ["127.0.0.1", "::1"] {
        if host == "::1" && !has_ipv6() {
            continue;
        }
        let client = TcpStream::connect((host, port)).unwrap();
        let (stream, peer) = bench.accept(&mut listener);
        let remote = client.local_addr().unwrap();
        assert_eq!(peer, PeerAddr::Inet { remote, local: None });
        assert_eq!(bench.mio.kind(&stream), StreamKind::Tcp);
    }
}

#[test]
fn accepting_from_nobody_would_block() {
    let mut listener = listener(Mio::listen(&tcp("127.0.0.1")).unwrap());
    let error = Mio::new().unwrap().accept(&mut listener).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn every_arrival_after_a_short_read_is_a_fresh_event() {
    let mut bench = Bench::new();
    let (mut client, mut stream, _listener) = pair(&mut bench);
    let mut buffer = [0; 64];
    for round in 0..100 {
        client.write_all(b"line\n").unwrap();
        let event = bench.wait(STREAM, |r| r.readable);
        assert!(!event.read_closed && !event.urgent, "round {round}: {event:?}");
        // One read, shorter than the buffer and not followed by another that would block.
        assert_eq!(bench.mio.read(&mut stream, &mut buffer).unwrap(), Read::Data(5));
    }
}

#[test]
fn what_is_ready_is_told_once() {
    let mut bench = Bench::new();
    let (mut client, mut stream, _listener) = pair(&mut bench);
    client.write_all(b"unread").unwrap();
    bench.wait(STREAM, |r| r.readable);
    assert_eq!(bench.poll_now(), [], "an edge, not a level");
    let interest = Interest::ReadableAndWritable;
    bench.mio.reregister(Socket::Stream(&mut stream), STREAM, interest).unwrap();
    assert!(bench.wait(STREAM, |r| r.readable).writable, "registering again tells again");
}

#[test]
fn the_end_is_told_by_the_event_and_by_the_read_behind_the_last_byte() {
    let mut bench = Bench::new();
    let (mut client, mut stream, _listener) = pair(&mut bench);
    client.write_all(b"last").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    bench.wait(STREAM, |r| r.read_closed && r.readable);
    let mut buffer = [0; 64];
    assert_eq!(bench.mio.read(&mut stream, &mut buffer).unwrap(), Read::Data(4));
    assert_eq!(bench.mio.read(&mut stream, &mut buffer).unwrap(), Read::End);
    // Half-closed: the other direction still works, until our side ends it.
    assert_eq!(bench.mio.write(&mut stream, b"bye").unwrap(), 3);
    bench.mio.shutdown_write(&mut stream).unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"bye");
    bench.mio.close(stream);
}

#[test]
fn a_reset_is_ready_for_everything_and_read_as_an_error() {
    let mut bench = Bench::new();
    let (client, mut stream, _listener) = pair(&mut bench);
    SockRef::from(&client).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(client);
    let event = bench.wait(STREAM, |r| r.read_closed);
    assert!(event.readable && event.writable, "{event:?}");
    let error = bench.mio.read(&mut stream, &mut [0; 64]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    // And a write is an error as well, not a signal.
    let error = bench.mio.write(&mut stream, b"x").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn room_to_write_is_told_once_a_full_socket_has_drained() {
    let mut bench = Bench::new();
    let (mut client, mut stream, _listener) = pair(&mut bench);
    let chunk = [7; 64 * 1024];
    let mut sent = 0;
    let full = loop {
        match bench.mio.write(&mut stream, &chunk) {
            Ok(length) => sent += length,
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
    bench.settle();
    let mut received = vec![0; sent];
    client.read_exact(&mut received).unwrap();
    bench.wait(STREAM, |r| r.writable);
    assert!(bench.mio.write(&mut stream, &chunk).is_ok());
}

#[test]
fn urgent_data_is_told_and_what_is_behind_it_is_not_lost() {
    let mut bench = Bench::new();
    let (client, mut stream, _listener) = pair(&mut bench);
    let client = SockRef::from(&client);
    client.send(b"before").unwrap();
    client.send_out_of_band(b"!").unwrap();
    client.send(b"behind").unwrap();
    bench.wait(STREAM, |r| r.urgent && r.readable);
    let mut buffer = [0; 64];
    let mut all: Vec<u8> = Vec::new();
    let mut reads = 0;
    while all.len() < b"beforebehind".len() {
        match bench.read(&mut stream, &mut buffer) {
            Read::Data(length) => all.extend(&buffer[..length]),
            other => panic!("{other:?}"),
        }
        reads += 1;
    }
    assert_eq!(all, b"beforebehind");
    assert_eq!(reads, 2, "a read stops in front of urgent data, however much is behind it");
}

#[test]
fn closing_ends_the_watching() {
    let mut bench = Bench::new();
    let (client, stream, mut listener) = pair(&mut bench);
    let address = client.peer_addr().unwrap();
    bench.mio.close(stream);
    let _second = TcpStream::connect(address).unwrap();
    bench.wait(LISTENER, |r| r.readable);
    assert!(bench.poll_now().iter().all(|r| r.token != STREAM));
    bench.accept(&mut listener);
}

#[test]
fn who_is_turned_away_finds_a_broken_connection_and_not_an_end() {
    let mut bench = Bench::new();
    let bound = Mio::listen(&tcp("127.0.0.1")).unwrap();
    let address = local(&bound);
    let mut listener = listener(bound);
    bench.watch_listener(&mut listener);
    // With the descriptor that is held in reserve, which is there again each time.
    for _ in 0..3 {
        let mut client = TcpStream::connect(address).unwrap();
        bench.wait(LISTENER, |r| r.readable);
        let peer = bench.mio.refuse(&mut listener).unwrap();
        let remote = client.local_addr().unwrap();
        assert_eq!(peer, PeerAddr::Inet { remote, local: None });
        assert_eq!(client.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
    assert_eq!(bench.mio.refuse(&mut listener).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    // And when it was accepted first.
    let mut client = TcpStream::connect(address).unwrap();
    let (stream, _) = bench.accept(&mut listener);
    bench.mio.abort(stream);
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn without_a_reserve_nobody_is_turned_away() {
    let mut mio = Mio::new().unwrap();
    let bound = Mio::listen(&tcp("127.0.0.1")).unwrap();
    let _client = TcpStream::connect(local(&bound)).unwrap();
    // It is held from when a listener is watched.
    let error = mio.refuse(&mut listener(bound)).unwrap_err();
    assert_eq!(AcceptError::of(&error), AcceptError::NoDescriptor);
}
