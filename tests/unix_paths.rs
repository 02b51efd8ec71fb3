//! The paths of UNIX sockets: what is replaced, what is left alone, and what remains afterwards.

#[allow(unreachable_pub, reason = "a test program has nobody to export to")]
mod support;

#[allow(dead_code, reason = "each test file uses its own part")]
#[path = "support/bounded.rs"]
mod bounded;

use std::fs;
use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::{TempDir, tempdir};

use bounded::run;
use support::{PATIENCE, Server, exchange, line, readily, rest};

/// The schemes that make a path, and what stands behind it.
const SCHEMES: [(&str, &str); 4] =
    [("unix", ""), ("unixgram", ""), ("unixpacket", ""), ("ws+unix", ":/ws")];

fn directory() -> TempDir {
    tempdir().expect("a directory")
}

/// An echo binding at `path`; `rest` is what stands behind it.
fn echo(scheme: &str, path: &Path, rest: &str) -> String {
    format!("echo={scheme}://{}{rest}", path.display())
}

/// Sends `hi` in the manner of `scheme`, and gets it back.
fn talk(scheme: &str, path: &Path) {
    match scheme {
        "unix" => exchange(&mut patient(UnixStream::connect(path)), b"hi\n", b"hi\n"),
        "unixgram" => {
            let directory = directory();
            let client = UnixDatagram::bind(directory.path().join("client")).expect("binds");
            client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            client.send_to(b"hi", path).expect("sends");
            assert_eq!(receive(&client), b"hi");
        }
        "unixpacket" => {
            let mut client = packet_client(path);
            client.send(b"hi").expect("sends");
            let mut buffer = [0; 8];
            let count = client.read(&mut buffer).expect("receives");
            assert_eq!(&buffer[..count], b"hi");
        }
        _ => {
            let mut client = patient(UnixStream::connect(path));
            upgrade(&mut client);
            exchange(&mut client, b"\x81\x82\0\0\0\0hi", b"\x81\x02hi");
        }
    }
}

fn patient(stream: std::io::Result<UnixStream>) -> UnixStream {
    let stream = stream.expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

fn receive(client: &UnixDatagram) -> Vec<u8> {
    let mut buffer = [0; 64];
    let count = client.recv(&mut buffer).expect("receives");
    buffer[..count].to_vec()
}

fn packet_client(path: &Path) -> Socket {
    let client = Socket::new(Domain::UNIX, Type::SEQPACKET, None).expect("a socket");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    client.connect(&SockAddr::unix(path).expect("fits")).expect("connects");
    client
}

fn upgrade(client: &mut UnixStream) {
    client
        .write_all(
            b"GET /ws HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        )
        .expect("writes");
    assert_eq!(line(client), "HTTP/1.1 101 Switching Protocols\r\n");
    while line(client) != "\r\n" {}
}

/// Leaves a socket at `path` that nobody listens to: std unlinks nothing.
fn leave_stale(kind: Type, path: &Path) {
    let socket = Socket::new(Domain::UNIX, kind, None).expect("a socket");
    socket.bind(&SockAddr::unix(path).expect("fits")).expect("binds");
    if kind != Type::DGRAM {
        socket.listen(1).expect("listens");
    }
}

/// Starts a server that must fail, and returns its one line.
fn refused(binding: &str) -> String {
    let (code, stdout, stderr) = run(&["serve", binding]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{binding}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

/// The device and the number of what is at `path`.
fn identity(path: &Path) -> (u64, u64) {
    let found = fs::symlink_metadata(path).expect("it is there");
    (found.dev(), found.ino())
}

#[test]
fn every_kind_of_socket_serves_at_its_path_and_unlinks_it_at_the_end() {
    for (scheme, end) in SCHEMES {
        for signal in [Signal::SIGTERM, Signal::SIGINT] {
            let directory = directory();
            let path = directory.path().join("socket");
            let mut server = Server::start(&[&echo(scheme, &path, end)]);
            assert!(fs::symlink_metadata(&path).expect("there").file_type().is_socket());
            talk(scheme, &path);
            server.signal(signal);
            assert_eq!(server.wait().code(), Some(0), "{scheme}");
            assert!(fs::symlink_metadata(&path).is_err(), "{scheme} is left behind");
        }
    }
}

#[test]
fn a_stale_socket_is_replaced() {
    for (scheme, end) in SCHEMES {
        for kind in [Type::STREAM, Type::DGRAM, Type::SEQPACKET] {
            let directory = directory();
            let path = directory.path().join("socket");
            leave_stale(kind, &path);
            let mut server = Server::start(&[&echo(scheme, &path, end)]);
            talk(scheme, &path);
            assert_eq!(server.stop().code(), Some(0));
            assert!(!path.exists());
        }
    }
}

#[test]
fn the_socket_of_a_server_that_was_killed_is_replaced_by_the_next_one() {
    let directory = directory();
    let path = directory.path().join("socket");
    let binding = echo("unix", &path, "");
    // Dropping kills.
    drop(Server::start(&[&binding]));
    assert!(path.exists(), "a killed server cannot unlink");
    let mut next = Server::start(&[&binding]);
    talk("unix", &path);
    assert_eq!(next.stop().code(), Some(0));
}

#[test]
fn what_is_no_socket_is_refused_and_left_alone() {
    for (scheme, end) in SCHEMES {
        let directory = directory();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("file"), "precious").expect("writes");
        fs::create_dir(path("directory")).expect("makes");
        fs::write(path("directory/inside"), "").expect("writes");
        leave_stale(Type::STREAM, &path("stale"));
        symlink(path("stale"), path("link")).expect("links");
        symlink(path("nowhere"), path("dangling")).expect("links");
        let fifo = Command::new("mkfifo").arg(path("fifo")).status().expect("runs");
        assert!(fifo.success());
        for (name, what) in [
            ("file", "a file"),
            ("directory", "a directory"),
            ("link", "a symbolic link"),
            ("dangling", "a symbolic link"),
            ("fifo", "neither a socket nor a file"),
        ] {
            let path = path(name);
            let before = identity(&path);
            let binding = echo(scheme, &path, end);
            assert_eq!(
                refused(&binding),
                format!(
                    "error: {binding}: {} is {what} and is left alone: choose another path\n",
                    path.display()
                )
            );
            assert_eq!(identity(&path), before, "{name}");
        }
        assert_eq!(fs::read_to_string(path("file")).expect("there"), "precious");
        assert!(path("directory/inside").exists());
        assert_eq!(fs::read_link(path("link")).expect("a link"), path("stale"));
        assert!(path("stale").exists() && !path("nowhere").exists());
    }
}

#[test]
fn a_live_socket_of_any_kind_is_refused_and_answers_on() {
    for (live, live_end) in SCHEMES {
        let directory = directory();
        let path = directory.path().join("socket");
        let mut server = Server::start(&[&echo(live, &path, live_end)]);
        let before = identity(&path);
        for (scheme, end) in SCHEMES {
            let binding = echo(scheme, &path, end);
            assert_eq!(
                refused(&binding),
                format!("error: {binding}: {} is already in use\n", path.display())
            );
            assert_eq!(identity(&path), before);
            talk(live, &path);
        }
        assert_eq!(server.stop().code(), Some(0));
    }
}

#[test]
fn a_live_socket_whose_owner_accepts_nobody_is_refused() {
    let directory = directory();
    let path = directory.path().join("socket");
    let owner = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    owner.bind(&SockAddr::unix(&path).expect("fits")).expect("binds");
    owner.listen(0).expect("listens");
    // Its backlog is full from now on; to ask must not mean to wait.
    let _waiting = UnixStream::connect(&path).expect("connects");
    let binding = echo("unix", &path, "");
    assert!(refused(&binding).contains("is already in use"));
    assert!(path.exists());
}

#[test]
fn a_path_without_a_directory_is_refused() {
    let directory = directory();
    fs::write(directory.path().join("file"), "").expect("writes");
    for parent in ["missing", "file"] {
        let path = directory.path().join(parent).join("socket");
        let binding = echo("unix", &path, "");
        assert_eq!(
            refused(&binding),
            format!("error: {binding}: the directory of {} does not exist\n", path.display())
        );
    }
}

#[test]
fn a_directory_without_permission_is_refused() {
    /// By convention the user that owns nothing.
    const NOBODY: u32 = 65534;
    let directory = directory();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o555)).expect("ours");
    let path = directory.path().join("socket");
    let binding = echo("unix", &path, "");
    let mut command = readily();
    command.args(["serve", &binding]).stdout(Stdio::piped()).stderr(Stdio::piped());
    if is_root(directory.path()) {
        command.uid(NOBODY);
    }
    // The program may be where nobody but its owner can run it.
    let Ok(child) = command.spawn() else { return };
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!("error: {binding}: permission to make the socket {} is denied\n", path.display())
    );
}

/// Whether the tests run as root, who owns what they make.
fn is_root(made: &Path) -> bool {
    fs::metadata(made).expect("it is there").uid() == 0
}

#[test]
fn a_path_that_was_replaced_meanwhile_is_not_unlinked() {
    for (scheme, end) in SCHEMES {
        let directory = directory();
        let path = directory.path().join("socket");

        let mut server = Server::start(&[&echo(scheme, &path, end)]);
        fs::remove_file(&path).expect("unlinks");
        let _other = UnixListener::bind(&path).expect("binds");
        let before = identity(&path);
        assert_eq!(server.stop().code(), Some(0));
        assert_eq!(identity(&path), before, "{scheme}: another socket");
        fs::remove_file(&path).expect("unlinks");

        let mut server = Server::start(&[&echo(scheme, &path, end)]);
        fs::remove_file(&path).expect("unlinks");
        fs::write(&path, "precious").expect("writes");
        assert_eq!(server.stop().code(), Some(0));
        assert_eq!(fs::read_to_string(&path).expect("there"), "precious", "{scheme}: a file");
        fs::remove_file(&path).expect("unlinks");

        // Moved away, it is no longer at the path, and nothing is.
        let mut server = Server::start(&[&echo(scheme, &path, end)]);
        fs::rename(&path, directory.path().join("moved")).expect("moves");
        assert_eq!(server.stop().code(), Some(0));
        assert!(directory.path().join("moved").exists(), "{scheme}: moved");
    }
}

#[test]
fn a_path_that_is_gone_already_is_no_error() {
    let directory = directory();
    let path = directory.path().join("socket");
    let mut server = Server::start(&[&echo("unix", &path, "")]);
    fs::remove_file(&path).expect("unlinks");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn abstract_names_need_no_path() {
    let name = |kind: &str| format!("readily-test-{}-{kind}", std::process::id());
    let address = |kind: &str| SocketAddr::from_abstract_name(name(kind)).expect("fits");
    let bindings = [
        format!("echo=unix://@{}", name("stream")),
        format!("echo=unixgram://@{}", name("datagram")),
        format!("echo=ws+unix://@{}:/ws", name("web")),
        format!("echo=unixpacket://@{}", name("packet")),
        // The same name is another one for another kind of socket.
        format!("time=unixgram://@{}", name("stream")),
    ];
    let bindings: Vec<&str> = bindings.iter().map(String::as_str).collect();
    let mut server = Server::start(&bindings);

    let mut stream = patient(UnixStream::connect_addr(&address("stream")));
    exchange(&mut stream, b"hi\n", b"hi\n");

    let client = UnixDatagram::bind_addr(&address("client")).expect("binds");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    client.send_to_addr(b"hi", &address("datagram")).expect("sends");
    assert_eq!(receive(&client), b"hi");
    client.send_to_addr(b"hi", &address("stream")).expect("sends");
    assert_eq!(receive(&client).len(), "2026-11-22T00:36:12Z".len());

    let mut web = patient(UnixStream::connect_addr(&address("web")));
    upgrade(&mut web);
    exchange(&mut web, b"\x81\x82\0\0\0\0hi", b"\x81\x02hi");

    let mut packets = Socket::new(Domain::UNIX, Type::SEQPACKET, None).expect("a socket");
    packets.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let packet_name = format!("\0{}", name("packet"));
    packets.connect(&SockAddr::unix(packet_name).expect("fits")).expect("connects");
    packets.send(b"hi").expect("sends");
    let mut buffer = [0; 8];
    assert_eq!(packets.read(&mut buffer).expect("receives"), 2);

    // A second server cannot have a name that is taken.
    let taken = format!("time=unix://@{}", name("stream"));
    assert_eq!(refused(&taken), format!("error: {taken}: @{} is already in use\n", name("stream")));
    exchange(&mut stream, b"still\n", b"still\n");
    drop((stream, web, packets));
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_mode_is_applied_whatever_the_umask() {
    for (scheme, end) in SCHEMES {
        for (mode, umask) in [
            (Some(0o660), "0022"),
            (Some(0o600), "0000"),
            (Some(0o666), "0077"),
            (None, "0022"),
            (None, "0077"),
        ] {
            let directory = directory();
            let path = directory.path().join("socket");
            let parameter = mode.map(|mode| format!("?mode={mode:04o}")).unwrap_or_default();
            let binding = echo(scheme, &path, &format!("{end}{parameter}"));
            // The umask is set by a shell: that of this process belongs to all its threads.
            let mut command = Command::new("sh");
            command.args(["-c", "umask \"$1\" && shift && exec \"$@\"", "sh", umask]);
            command.arg(env!("CARGO_BIN_EXE_readily")).args(["serve", &binding]);
            command.stdin(Stdio::null()).env_remove("RUST_LOG");
            let mut server = Server::spawn(command, 1);
            let found = fs::symlink_metadata(&path).expect("there").permissions().mode() & 0o7777;
            let umask = u32::from_str_radix(umask, 8).expect("octal");
            let expected = mode.unwrap_or(0o777 & !umask);
            assert_eq!(found, expected, "{binding} with umask {umask:04o}: {found:04o}");
            talk(scheme, &path);
            assert_eq!(server.stop().code(), Some(0));
        }
    }
}

#[test]
fn a_relative_path_and_an_escaped_one_are_made_where_they_say() {
    let directory = directory();
    for (url, name) in [
        ("unix://./relative", "relative"),
        ("unix://plain", "plain"),
        ("unix://./a%20b%3F", "a b?"),
        ("unix://%40at", "@at"),
    ] {
        let mut command = readily();
        command.args(["serve", &format!("echo={url}")]).current_dir(directory.path());
        let mut server = Server::spawn(command, 1);
        assert_eq!(server.urls, [url]);
        talk("unix", &directory.path().join(name));
        assert_eq!(server.stop().code(), Some(0));
        assert!(!directory.path().join(name).exists());
    }
}

#[test]
fn packets_keep_their_boundaries_and_an_empty_one_is_one() {
    let directory = directory();
    let path = directory.path().join("socket");
    let server = Server::start(&[&echo("unixpacket", &path, "")]);
    let mut client = packet_client(&path);
    for packet in [b"one".as_slice(), b"", b"two\n", b"\n"] {
        client.send(packet).expect("sends");
    }
    let mut buffer = [0; 64];
    for packet in [b"one".as_slice(), b"", b"two\n", b"\n"] {
        let count = client.read(&mut buffer).expect("receives");
        assert_eq!(&buffer[..count], packet);
    }
    client.shutdown(std::net::Shutdown::Write).expect("open");
    assert_eq!(rest(&mut client), b"");
    drop(server);
}

#[test]
fn a_datagram_without_a_sender_is_counted_and_harms_nobody() {
    let directory = directory();
    let path = directory.path().join("socket");
    let mut server = Server::start(&[&echo("unixgram", &path, "")]);
    let nameless = UnixDatagram::unbound().expect("a socket");
    nameless.send_to(b"hi", &path).expect("sends");
    // One whose path is gone when the answer comes.
    let gone = UnixDatagram::bind(directory.path().join("gone")).expect("binds");
    fs::remove_file(directory.path().join("gone")).expect("unlinks");
    gone.send_to(b"hi", &path).expect("sends");
    talk("unixgram", &path);
    server.signal(Signal::SIGUSR1);
    let counters = server.wait_for_line("opened=");
    assert!(
        counters.contains(
            " datagrams=3 datagram_replies=1 datagrams_unanswerable=1 datagrams_not_sent=1 memory="
        ),
        "{counters}"
    );
    assert_eq!(server.stop().code(), Some(0));
}

/// A client at a path that fills `sun_path` to its last byte: no safe Rust binds to one, so Perl
/// does. It sends a line and prints what comes back.
const VISIT: &str = r#"
    use Socket;
    my ($path, $server, $kind) = @ARGV;
    my %kinds = (unix => SOCK_STREAM, unixgram => SOCK_DGRAM, unixpacket => 5);
    socket(my $socket, AF_UNIX, $kinds{$kind}, 0) or die $!;
    bind($socket, pack("S a*", AF_UNIX, $path)) or die $!;
    connect($socket, pack_sockaddr_un($server)) or die $!;
    send($socket, "hi\n", 0) or die $!;
    exit if $kind eq "unixgram";
    alarm 10;
    recv($socket, my $answer, 64, 0);
    print $answer;
"#;

#[test]
fn a_client_at_the_longest_path_is_served_like_any_other() {
    let directory = directory();
    for scheme in ["unix", "unixpacket", "unixgram"] {
        let path = directory.path().join("socket");
        let mut server = Server::start(&[&echo(scheme, &path, "")]);
        let length = 108 - directory.path().as_os_str().len() - 1;
        let longest: PathBuf = directory.path().join(&scheme.repeat(30)[..length]);
        assert_eq!(longest.as_os_str().len(), 108);
        let visit =
            Command::new("perl").args(["-e", VISIT]).args([&longest, &path]).arg(scheme).output();
        let visit = match visit {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            visit => visit.expect("runs"),
        };
        assert!(visit.status.success(), "{}", String::from_utf8_lossy(&visit.stderr));
        // A datagram cannot be sent to such a path, so there is no answer.
        let answer: &[u8] = if scheme == "unixgram" { b"" } else { b"hi\n" };
        assert_eq!(visit.stdout, answer, "{scheme}");
        talk(scheme, &path);
        assert_eq!(server.stop().code(), Some(0), "{scheme}");
    }
}

#[test]
fn a_server_side_path_of_107_bytes_serves_and_one_of_108_is_a_usage_error() {
    let directory = directory();
    let length = 107 - directory.path().as_os_str().len() - 1;
    let path = directory.path().join("x".repeat(length));
    let mut server = Server::start(&[&echo("unix", &path, "")]);
    talk("unix", &path);
    assert_eq!(server.stop().code(), Some(0));
    assert!(!path.exists());
    let binding = echo("unix", &directory.path().join("x".repeat(length + 1)), "");
    let (code, _, stderr) = run(&["serve", &binding]);
    assert_eq!(code, Some(2));
    assert_eq!(
        stderr,
        format!("error: {binding}: the socket name has 108 bytes, at most 107 fit\n")
    );
}
