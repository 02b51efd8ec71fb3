//! UDP and UNIX datagram sockets: who asked, whom they asked, and what comes back.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use readily::address::{Family, ListenAddress, PeerAddr, UnixName};
use readily::kernel::{Kernel, Mio, MioDatagram};
use tempfile::tempdir;

use crate::ipv6::has_ipv6;
use crate::support::{
    Bench, LISTENER, abstract_name, datagram, inet, local, unix, visit_from_the_longest_path,
};

fn udp(bench: &mut Bench, family: Family, host: Option<&str>) -> (MioDatagram, SocketAddr) {
    let bound = Mio::listen(&ListenAddress::Udp(inet(family, host, 0))).unwrap();
    let address = local(&bound);
    let mut socket = datagram(bound);
    bench.watch_datagram(&mut socket);
    (socket, address)
}

fn client(host: &str) -> UdpSocket {
    let client = UdpSocket::bind((host, 0)).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    client
}

/// Asks `server` and says from where the answer came and how the server saw it.
fn ask(bench: &mut Bench, socket: &mut MioDatagram, host: &str, server: SocketAddr) -> Answer {
    let client = client(host);
    client.send_to(b"question", server).unwrap();
    let mut buffer = [0; 64];
    let (length, peer) = bench.receive(socket, &mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"question");
    bench.mio.send_to(socket, b"answer", &peer).unwrap();
    let (length, from) = client.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"answer");
    let PeerAddr::Inet { remote, local } = peer else { panic!("an internet address") };
    assert_eq!(remote, client.local_addr().unwrap());
    Answer { from, local }
}

struct Answer {
    from: SocketAddr,
    local: Option<IpAddr>,
}

#[test]
fn a_wildcard_socket_answers_from_the_address_that_was_asked() {
    let mut bench = Bench::new();
    for (family, addresses) in [
        (Family::Any, &["127.0.0.1", "127.0.0.2", "::1"][..]),
        (Family::V4, &["127.0.0.1", "127.0.0.2"]),
        (Family::V6, &["::1"]),
    ] {
        let (mut socket, bound) = udp(&mut bench, family, None);
        for address in addresses {
            let asked: IpAddr = address.parse().unwrap();
            if asked.is_ipv6() && !has_ipv6() {
                continue;
            }
            let host = if asked.is_ipv4() { "127.0.0.1" } else { "::1" };
            let server = SocketAddr::new(asked, bound.port());
            let answer = ask(&mut bench, &mut socket, host, server);
            assert_eq!(answer.from, server, "{family:?}");
            assert_eq!(answer.local, Some(asked), "{family:?}");
        }
    }
}

#[test]
fn a_broadcast_is_answered_from_an_address_of_the_machine() {
    let mut bench = Bench::new();
    for family in [Family::Any, Family::V4] {
        let (mut socket, bound) = udp(&mut bench, family, None);
        let client = client("127.0.0.1");
        client.set_broadcast(true).unwrap();
        client.send_to(b"?", ("127.255.255.255", bound.port())).unwrap();
        let mut buffer = [0; 8];
        let (_, peer) = bench.receive(&mut socket, &mut buffer).unwrap();
        bench.mio.send_to(&mut socket, b"!", &peer).unwrap();
        let (_, from) = client.recv_from(&mut buffer).unwrap();
        assert_eq!(from, SocketAddr::from(([127, 0, 0, 1], bound.port())), "{family:?}");
    }
}

#[test]
fn a_socket_on_one_address_has_no_choice() {
    let mut bench = Bench::new();
    for host in ["127.0.0.2", "::1"] {
        if host == "::1" && !has_ipv6() {
            continue;
        }
        let (mut socket, bound) = udp(&mut bench, Family::Any, Some(host));
        let client = if bound.is_ipv4() { "127.0.0.1" } else { "::1" };
        let answer = ask(&mut bench, &mut socket, client, bound);
        assert_eq!(answer.from, bound);
        assert_eq!(answer.local, None);
    }
}

#[test]
fn empty_and_long_datagrams() {
    let mut bench = Bench::new();
    for (host, client_host) in [(None, "127.0.0.1"), (Some("127.0.0.1"), "127.0.0.1")] {
        let (mut socket, bound) = udp(&mut bench, Family::Any, host);
        let client = client(client_host);
        for payload in [&b""[..], &[1; 12], &[2; 8], b""] {
            client.send_to(payload, ("127.0.0.1", bound.port())).unwrap();
        }
        let mut buffer = [0; 9];
        let mut receive = || bench.receive(&mut socket, &mut buffer).map(|(length, _)| length);
        assert_eq!(receive().unwrap(), 0);
        assert_eq!(receive().unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(receive().unwrap(), 8);
        let (length, peer) = bench.receive(&mut socket, &mut buffer).unwrap();
        assert_eq!(length, 0);
        let nothing = bench.mio.receive_from(&mut socket, &mut buffer).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        bench.mio.send_to(&mut socket, b"", &peer).unwrap();
        assert_eq!(client.recv(&mut [0; 8]).unwrap(), 0, "an empty answer is an answer");
    }
}

#[test]
fn an_answer_to_nobody_harms_nobody() {
    let mut bench = Bench::new();
    let (mut socket, bound) = udp(&mut bench, Family::Any, None);
    let gone = client("127.0.0.1");
    gone.send_to(b"?", ("127.0.0.1", bound.port())).unwrap();
    let (_, peer) = bench.receive(&mut socket, &mut [0; 8]).unwrap();
    drop(gone);
    bench.mio.send_to(&mut socket, b"!", &peer).unwrap();
    let server = SocketAddr::from(([127, 0, 0, 1], bound.port()));
    ask(&mut bench, &mut socket, "127.0.0.1", server);
}

#[test]
fn an_address_of_another_kind_is_an_error() {
    let mut bench = Bench::new();
    let (mut v4, _) = udp(&mut bench, Family::V4, Some("127.0.0.1"));
    let v6 = PeerAddr::Inet { remote: "[::1]:9".parse().unwrap(), local: None };
    assert!(bench.mio.send_to(&mut v4, b"", &v6).is_err());
    assert!(bench.mio.send_to(&mut v4, b"", &PeerAddr::Unix(None)).is_err());
}

#[test]
fn a_unix_datagram_is_answered_at_the_name_of_its_sender() {
    let mut bench = Bench::new();
    let directory = tempdir().unwrap();
    let server = directory.path().join("server");
    let bound = Mio::listen(&ListenAddress::UnixDatagram(unix(&server))).unwrap();
    let mut socket = datagram(bound);
    bench.watch_datagram(&mut socket);
    let path = directory.path().join("client");
    let UnixName::Abstract(name) = abstract_name("sender").name else { panic!("abstract") };
    let by_path = UnixDatagram::bind(&path).unwrap();
    let by_name = {
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        UnixDatagram::bind_addr(&address).unwrap()
    };
    let mut buffer = [0; 8];
    for (client, expected) in
        [(&by_path, UnixName::Path(path.clone())), (&by_name, UnixName::Abstract(name.clone()))]
    {
        for payload in [&b"datagram"[..], b""] {
            client.send_to(payload, &server).unwrap();
            let (length, peer) = bench.receive(&mut socket, &mut buffer).unwrap();
            assert_eq!(&buffer[..length], payload);
            assert_eq!(peer, PeerAddr::Unix(Some(expected.clone())));
            bench.mio.send_to(&mut socket, payload, &peer).unwrap();
            assert_eq!(client.recv(&mut [0; 8]).unwrap(), payload.len());
        }
    }
    by_path.send_to(&[0; 9], &server).unwrap();
    let error = bench.receive(&mut socket, &mut buffer).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
}

#[test]
fn a_unix_sender_without_a_usable_name_cannot_be_answered() {
    let mut bench = Bench::new();
    let directory = tempdir().unwrap();
    let server = directory.path().join("server");
    let mut socket = datagram(Mio::listen(&ListenAddress::UnixDatagram(unix(&server))).unwrap());
    bench.watch_datagram(&mut socket);
    let nameless = UnixDatagram::unbound().unwrap();
    nameless.send_to(b"?", &server).unwrap();
    let (length, peer) = bench.receive(&mut socket, &mut [0; 8]).unwrap();
    assert_eq!((length, &peer), (1, &PeerAddr::Unix(None)));
    assert!(bench.mio.send_to(&mut socket, b"!", &peer).is_err());
    if visit_from_the_longest_path(directory.path(), &server, "datagram").is_some() {
        let (length, peer) = bench.receive(&mut socket, &mut [0; 8]).unwrap();
        assert_eq!((length, &peer), (1, &PeerAddr::Unix(None)));
    }
}

#[test]
fn a_unix_client_that_does_not_read_never_makes_us_wait() {
    let mut bench = Bench::new();
    let directory = tempdir().unwrap();
    let (server, path) = (directory.path().join("server"), directory.path().join("client"));
    let mut socket = datagram(Mio::listen(&ListenAddress::UnixDatagram(unix(&server))).unwrap());
    bench.watch_datagram(&mut socket);
    let _client = UnixDatagram::bind(&path).unwrap();
    let peer = PeerAddr::Unix(Some(UnixName::Path(path)));
    let error = loop {
        if let Err(error) = bench.mio.send_to(&mut socket, b"pushed", &peer) {
            break error;
        }
    };
    assert_ne!(error.kind(), io::ErrorKind::WouldBlock);
    assert!(bench.poll_now().iter().all(|r| r.token == LISTENER && !r.read_closed));
}
