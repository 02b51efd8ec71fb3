//! UNIX streams, and the rules for the paths of all UNIX sockets.

use std::fs;
use std::io::{self, IoSlice, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use readily::address::{ListenAddress, PeerAddr, UnixName};
use readily::kernel::{BindError, Bound, Interest, Kernel, Mio, Occupant, Read, StreamKind};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tempfile::tempdir;

use crate::support::{Bench, STREAM, abstract_name, listener, unix, visit_from_the_longest_path};

fn listen(path: &Path) -> Result<Bound, BindError> {
    Mio::listen(&ListenAddress::Unix(unix(path)))
}

/// The three networks, all at `path`.
fn networks(path: &Path) -> [ListenAddress; 3] {
    [
        ListenAddress::Unix(unix(path)),
        ListenAddress::UnixDatagram(unix(path)),
        ListenAddress::UnixPacket(unix(path)),
    ]
}

#[test]
fn a_unix_stream_carries_bytes_to_the_end() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("socket");
    let mut bench = Bench::new();
    let mut listener = listener(listen(&path).unwrap());
    bench.watch_listener(&mut listener);
    let mut client = UnixStream::connect(&path).unwrap();
    let (mut stream, peer) = bench.accept(&mut listener);
    assert_eq!(peer, PeerAddr::Unix(None));
    assert_eq!(bench.mio.kind(&stream), StreamKind::Unix);
    bench.watch_stream(&mut stream, Interest::Readable);
    client.write_all(b"to server").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut buffer = [0; 64];
    assert_eq!(bench.read(&mut stream, &mut buffer), Read::Data(9));
    bench.wait(STREAM, |r| r.read_closed);
    assert_eq!(bench.read(&mut stream, &mut buffer), Read::End);
    assert_eq!(bench.mio.write(&mut stream, b"to client").unwrap(), 9);
    bench.mio.close(stream);
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"to client");
}

#[test]
fn a_peer_at_the_longest_path_is_a_peer_like_any_other() {
    let mut bench = Bench::new();
    let directory = tempdir().unwrap();
    let path = directory.path().join("socket");
    let mut listener = listener(listen(&path).unwrap());
    bench.watch_listener(&mut listener);
    let Some(peer) = visit_from_the_longest_path(directory.path(), &path, "stream") else { return };
    let (mut stream, name) = bench.accept(&mut listener);
    assert_eq!(name, PeerAddr::Unix(Some(UnixName::Path(peer))));
    bench.watch_stream(&mut stream, Interest::Readable);
    assert_eq!(bench.read(&mut stream, &mut [0; 8]), Read::Data(1));
}

#[test]
fn an_accepted_unix_socket_does_not_block() {
    let mut bench = Bench::new();
    let directory = tempdir().unwrap();
    let path = directory.path().join("socket");
    let mut listener = listener(listen(&path).unwrap());
    bench.watch_listener(&mut listener);
    let _client = UnixStream::connect(&path).unwrap();
    let (mut stream, _) = bench.accept(&mut listener);
    let error = bench.mio.read(&mut stream, &mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    let error = bench.mio.accept(&mut listener).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn a_write_to_a_peer_that_is_gone_is_an_error() {
    let mut bench = Bench::new();
    let directory = tempdir().unwrap();
    let path = directory.path().join("socket");
    let mut listener = listener(listen(&path).unwrap());
    bench.watch_listener(&mut listener);
    drop(UnixStream::connect(&path).unwrap());
    let (mut stream, _) = bench.accept(&mut listener);
    let error = bench.mio.write(&mut stream, b"x").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn urgent_data_on_a_unix_stream_is_told() {
    let mut bench = Bench::new();
    let directory = tempdir().unwrap();
    let path = directory.path().join("socket");
    let mut listener = listener(listen(&path).unwrap());
    bench.watch_listener(&mut listener);
    let client = UnixStream::connect(&path).unwrap();
    let (mut stream, _) = bench.accept(&mut listener);
    bench.watch_stream(&mut stream, Interest::Readable);
    let client = SockRef::from(&client);
    client.send(b"before").unwrap();
    match client.send_out_of_band(b"!") {
        Ok(_) => {}
        // Built without AF_UNIX_OOB: nothing to be told.
        Err(_) => return,
    }
    client.send(b"behind").unwrap();
    bench.wait(STREAM, |r| r.urgent && r.readable);
    assert_eq!(bench.read_until_empty(&mut stream), b"beforebehind");
}

#[test]
fn abstract_names_need_no_file() {
    let address = abstract_name("stream");
    let UnixName::Abstract(name) = &address.name else { panic!("an abstract name") };
    let bound = Mio::listen(&ListenAddress::Unix(address.clone())).unwrap();
    assert!(!bound.replaced_stale);
    let peer = SocketAddr::from_abstract_name(name).unwrap();
    UnixStream::connect_addr(&peer).unwrap();
    let error = Mio::listen(&ListenAddress::Unix(address.clone())).unwrap_err();
    assert_eq!(error.to_string(), format!("{} is already in use", address.name));
    drop(bound);
    assert!(Mio::listen(&ListenAddress::Unix(address)).is_ok(), "gone with its socket");
}

#[test]
fn the_path_is_unlinked_with_its_socket() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("socket");
    for address in networks(&path) {
        let bound = Mio::listen(&address).unwrap();
        assert!(path.exists());
        assert!(!bound.replaced_stale);
        drop(bound);
        assert!(!path.exists(), "{address:?}");
    }
}

#[test]
fn the_path_of_somebody_else_is_not_unlinked() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("socket");
    for address in networks(&path) {
        let bound = Mio::listen(&address).unwrap();
        fs::remove_file(&path).unwrap();
        let theirs = UnixListener::bind(&path).unwrap();
        let inode = fs::metadata(&path).unwrap().ino();
        drop(bound);
        assert_eq!(fs::metadata(&path).unwrap().ino(), inode, "{address:?}");
        drop(theirs);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_stale_socket_of_any_type_is_replaced() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("socket");
    for stale in [Type::STREAM, Type::DGRAM, Type::SEQPACKET] {
        for address in networks(&path) {
            let socket = Socket::new(Domain::UNIX, stale, None).unwrap();
            socket.bind(&SockAddr::unix(&path).unwrap()).unwrap();
            drop(socket);
            let bound = Mio::listen(&address).unwrap();
            assert!(bound.replaced_stale, "{address:?} over {stale:?}");
        }
    }
}

#[test]
fn of_servers_that_start_at_the_same_moment_one_gets_a_stale_path() {
    const SERVERS: usize = 4;
    let directory = tempdir().unwrap();
    let path = directory.path().join("socket");
    for round in 0..100 {
        let stale = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        stale.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        drop(stale);
        let start = Barrier::new(SERVERS);
        let results: Vec<_> = thread::scope(|scope| {
            let servers: Vec<_> = (0..SERVERS)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        listen(&path)
                    })
                })
                .collect();
            servers.into_iter().map(|server| server.join().unwrap()).collect()
        });
        let errors: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
        assert_eq!(errors.len(), SERVERS - 1, "round {round}: {errors:?}");
        for error in errors {
            assert_eq!(error.to_string(), format!("{} is already in use", path.display()));
        }
        UnixStream::connect(&path).expect("the one that has it is there");
    }
}

#[test]
fn a_live_socket_of_any_type_is_refused_and_goes_on() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("socket");
    for live in networks(&path) {
        let first = Mio::listen(&live).unwrap();
        let inode = fs::metadata(&path).unwrap().ino();
        for address in networks(&path) {
            let error = Mio::listen(&address).unwrap_err();
            assert_eq!(error.to_string(), format!("{} is already in use", path.display()));
        }
        assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
        drop(first);
        assert!(!path.exists());
    }
}

#[test]
fn a_listener_whose_backlog_is_full_is_live() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("socket");
    let busy = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    busy.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    busy.listen(0).unwrap();
    let _waiting = UnixStream::connect(&path).unwrap();
    assert!(matches!(listen(&path), Err(BindError::NameInUse { .. })));
}

#[test]
fn a_datagram_socket_that_listens_to_another_is_live() {
    let directory = tempdir().unwrap();
    let (path, other) = (directory.path().join("socket"), directory.path().join("other"));
    let live = UnixDatagram::bind(&path).unwrap();
    let _other = UnixDatagram::bind(&other).unwrap();
    live.connect(&other).unwrap();
    for address in networks(&path) {
        assert!(matches!(Mio::listen(&address), Err(BindError::NameInUse { .. })));
    }
}

#[test]
fn what_is_no_socket_is_refused_and_left_alone() {
    let directory = tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("file"), "precious").unwrap();
    fs::create_dir(at("directory")).unwrap();
    symlink(at("file"), at("link")).unwrap();
    symlink(at("directory"), at("link to directory")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    drop(UnixListener::bind(at("stale")).unwrap());
    symlink(at("stale"), at("link to stale")).unwrap();
    let cases = [
        ("file", Occupant::File, "a file"),
        ("directory", Occupant::Directory, "a directory"),
        ("link", Occupant::Symlink, "a symbolic link"),
        ("link to directory", Occupant::Symlink, "a symbolic link"),
        ("dangling", Occupant::Symlink, "a symbolic link"),
        ("link to stale", Occupant::Symlink, "a symbolic link"),
    ];
    for (name, expected, words) in cases {
        for address in networks(&at(name)) {
            let error = Mio::listen(&address).unwrap_err();
            let BindError::PathOccupied { occupant, .. } = &error else { panic!("{error}") };
            assert_eq!(*occupant, expected);
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.to_string().contains('\n'));
        }
    }
    assert_eq!(fs::read(at("file")).unwrap(), b"precious");
    assert!(at("directory").is_dir());
    assert!(at("link").is_symlink() && at("dangling").is_symlink() && !at("nowhere").exists());
    assert!(at("stale").exists());
}

#[test]
fn a_mode_is_exact_and_otherwise_left_to_the_umask() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("socket");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let _plain = UnixListener::bind(directory.path().join("plain")).unwrap();
    let default = mode(&directory.path().join("plain"));
    for network in [ListenAddress::Unix, ListenAddress::UnixDatagram, ListenAddress::UnixPacket] {
        for wanted in [0o600, 0o660, 0o666, 0o777] {
            let mut address = unix(&path);
            address.mode = Some(wanted);
            let _bound = Mio::listen(&network(address)).unwrap();
            assert_eq!(mode(&path), wanted);
        }
        let _bound = Mio::listen(&network(unix(&path))).unwrap();
        assert_eq!(mode(&path), default);
    }
}

#[test]
fn paths_that_cannot_be_are_explained() {
    let directory = tempdir().unwrap();
    let missing = directory.path().join("missing/socket");
    let error = listen(&missing).unwrap_err().to_string();
    assert_eq!(error, format!("the directory of {} does not exist", missing.display()));
    fs::write(directory.path().join("file"), "").unwrap();
    let error = listen(&directory.path().join("file/socket")).unwrap_err();
    assert!(matches!(error, BindError::NoDirectory { .. }), "{error}");
    let long = directory.path().join("x".repeat(120));
    let error = listen(&long).unwrap_err().to_string();
    assert!(error.ends_with("is longer than 107 bytes"), "{error}");
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing was left behind");
}

#[test]
fn a_read_that_ends_behind_passed_descriptors_says_so() {
    let mut bench = Bench::new();
    let directory = tempdir().unwrap();
    let path = directory.path().join("socket");
    let mut listener = listener(listen(&path).unwrap());
    bench.watch_listener(&mut listener);
    let mut client = UnixStream::connect(&path).unwrap();
    let (mut stream, _) = bench.accept(&mut listener);
    bench.watch_stream(&mut stream, Interest::Readable);
    let passed = [client.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&passed)];
    sendmsg::<()>(client.as_raw_fd(), &[IoSlice::new(b"one")], &rights, MsgFlags::empty(), None)
        .unwrap();
    client.write_all(b"two").unwrap();
    let mut buffer = [0; 64];
    assert_eq!(bench.read(&mut stream, &mut buffer), Read::Part(3));
    assert_eq!(bench.read(&mut stream, &mut buffer), Read::Data(3));
    drop(client);
    assert_eq!(bench.read(&mut stream, &mut buffer), Read::End, "nothing was opened here");
}
