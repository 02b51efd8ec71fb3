//! Listening on internet addresses: families, names, ports, and refusals.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};

use readily::address::{Family, InetAddress, ListenAddress};
use readily::kernel::{BindError, Bound, BoundSocket, Mio};

use crate::ipv6::has_ipv6;
use crate::support::{inet, local};

type Network = fn(InetAddress) -> ListenAddress;

const NETWORKS: [(&str, Network); 2] = [("tcp", ListenAddress::Tcp), ("udp", ListenAddress::Udp)];

fn refusal(address: &ListenAddress) -> String {
    let text = Mio::listen(address).unwrap_err().to_string();
    assert!(!text.contains('\n') && !text.contains("root"), "{text}");
    text
}

/// A free port. Another process may take it; these tests then fail to bind, loudly.
fn free_port(host: &str) -> u16 {
    TcpListener::bind((host, 0)).unwrap().local_addr().unwrap().port()
}

#[test]
fn the_port_that_the_system_chose_is_told() {
    for (_, network) in NETWORKS {
        let bound = Mio::listen(&network(inet(Family::Any, Some("127.0.0.1"), 0))).unwrap();
        assert_eq!(local(&bound).ip(), Ipv4Addr::LOCALHOST);
        assert_ne!(local(&bound).port(), 0);
        assert!(!bound.replaced_stale);
        assert_eq!(bound.local.to_string(), local(&bound).to_string());
    }
}

#[test]
fn without_a_host_the_family_decides() {
    let reaches = |bound: &Bound, host: &str| {
        TcpStream::connect((host.parse::<IpAddr>().unwrap(), local(bound).port())).is_ok()
    };
    for (family, ip, v4, v6) in [
        (Family::Any, IpAddr::V6(Ipv6Addr::UNSPECIFIED), true, true),
        (Family::V4, IpAddr::V4(Ipv4Addr::UNSPECIFIED), true, false),
        (Family::V6, IpAddr::V6(Ipv6Addr::UNSPECIFIED), false, true),
    ] {
        let bound = Mio::listen(&ListenAddress::Tcp(inet(family, None, 0))).unwrap();
        assert_eq!(local(&bound).ip(), ip);
        assert_eq!(reaches(&bound, "127.0.0.1"), v4, "{family:?}");
        assert_eq!(reaches(&bound, "::1"), v6 && has_ipv6(), "{family:?}");
    }
}

#[test]
fn both_families_can_share_a_port_when_each_keeps_to_its_own() {
    for (_, network) in NETWORKS {
        let v4 = Mio::listen(&network(inet(Family::V4, None, 0))).unwrap();
        let port = local(&v4).port();
        let v6 = Mio::listen(&network(inet(Family::V6, None, port))).unwrap();
        assert_eq!(local(&v6).port(), port);
    }
}

#[test]
fn a_port_in_use_says_so() {
    for (_, network) in NETWORKS {
        for host in [None, Some("127.0.0.1")] {
            let first = Mio::listen(&network(inet(Family::Any, host, 0))).unwrap();
            let port = local(&first).port();
            let text = refusal(&network(inet(Family::Any, host, port)));
            assert!(text.starts_with(&format!("port {port} is already in use")), "{text}");
        }
    }
    let theirs = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = theirs.local_addr().unwrap().port();
    refusal(&ListenAddress::Udp(inet(Family::Any, None, port)));
}

#[test]
fn a_port_whose_connections_linger_can_be_taken_again() {
    let first = Mio::listen(&ListenAddress::Tcp(inet(Family::Any, None, 0))).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], local(&first).port()));
    let client = TcpStream::connect(address).unwrap();
    let BoundSocket::Listener(mut listener) = first.socket else { panic!("a listener") };
    let mut mio = Mio::new().unwrap();
    // Loopback: the connection is in the backlog when connect returns.
    let (stream, _) = readily::kernel::Kernel::accept(&mut mio, &mut listener).unwrap();
    // The server closes first and so keeps the port in TIME-WAIT or FIN-WAIT.
    drop(stream);
    drop(client);
    drop(listener);
    Mio::listen(&ListenAddress::Tcp(inet(Family::Any, None, address.port()))).unwrap();
}

#[test]
fn the_other_family_is_refused_by_name() {
    for (name, network) in NETWORKS {
        let text = refusal(&network(inet(Family::V4, Some("::1"), 0)));
        assert_eq!(text, format!("{name}4 cannot use ::1"));
        let text = refusal(&network(inet(Family::V6, Some("127.0.0.1"), 0)));
        assert_eq!(text, format!("{name}6 cannot use 127.0.0.1"));
    }
}

#[test]
fn names_are_resolved() {
    let bound = Mio::listen(&ListenAddress::Tcp(inet(Family::Any, Some("localhost"), 0))).unwrap();
    assert!(local(&bound).ip().is_loopback());
    let bound = Mio::listen(&ListenAddress::Udp(inet(Family::V4, Some("localhost"), 0))).unwrap();
    assert_eq!(local(&bound).ip(), Ipv4Addr::LOCALHOST);
    let text = refusal(&ListenAddress::Tcp(inet(Family::Any, Some("nosuch.invalid"), 0)));
    assert!(text.starts_with("the host nosuch.invalid is unknown: "), "{text}");
}

#[test]
fn an_address_of_another_machine_says_so() {
    // RFC 5737: 192.0.2.0/24 is for documentation and belongs to nobody.
    for (_, network) in NETWORKS {
        let text = refusal(&network(inet(Family::Any, Some("192.0.2.1"), 0)));
        assert_eq!(text, "192.0.2.1 is not an address of this machine");
    }
}

#[test]
fn a_refused_address_leaves_nothing_behind() {
    let port = free_port("127.0.0.1");
    let first = Mio::listen(&ListenAddress::Tcp(inet(Family::V4, Some("127.0.0.1"), port)));
    let first = first.unwrap();
    for _ in 0..3 {
        let again = Mio::listen(&ListenAddress::Tcp(inet(Family::Any, None, port)));
        assert!(matches!(again, Err(BindError::PortInUse { .. })));
    }
    drop(first);
    drop(Mio::listen(&ListenAddress::Tcp(inet(Family::Any, None, port))).unwrap());
}
