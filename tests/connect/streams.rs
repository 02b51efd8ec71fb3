//! What standard streams can be: pipes, files, devices, sockets, or nothing.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use socket2::{Domain, Socket, Type};
use tempfile::tempfile;

use crate::peer::{Peer, answer, packet, reset};
use crate::program::{Program, shown};
use crate::support::{PATIENCE, Server, readily, rest};

/// More than one read takes.
fn lines() -> String {
    (0..120_000).map(|number| format!("line {number}\n")).collect()
}

#[test]
fn the_input_may_be_a_file() {
    let server = Server::start(&["echo=tcp://127.0.0.1:0", "echo=ws://127.0.0.1:0/ws"]);
    let lines = lines();
    for url in &server.urls {
        let mut file = tempfile().expect("a file");
        file.write_all(b"not this\n").expect("writes");
        file.write_all(lines.as_bytes()).expect("writes");
        // It is read from where it stands.
        file.seek(std::io::SeekFrom::Start(9)).expect("seeks");
        let mut command = readily();
        command.args(["connect", url]).stdin(file);
        let ended = Program::spawn(command).wait();
        assert!(ended.stdout == lines.as_bytes(), "{url}");
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{url}");
    }
}

#[test]
fn the_input_may_be_the_null_device() {
    let server = Server::start(&[
        "echo=tcp://127.0.0.1:0",
        "echo=udp://127.0.0.1:0",
        "echo=ws://127.0.0.1:0/ws",
    ]);
    for url in &server.urls {
        let mut command = readily();
        command.args(["connect", url]).stdin(Stdio::null());
        Program::spawn(command).succeeds();
    }
}

#[test]
fn the_input_may_be_a_socket_and_stays_one_that_blocks() {
    let peer = Peer::tcp();
    let (mut ours, theirs) = UnixStream::pair().expect("a pair");
    let kept = theirs.try_clone().expect("another descriptor");
    let mut command = readily();
    command.args(["connect", &peer.url]).stdin(OwnedFd::from(theirs));
    let program = Program::spawn(command);
    let mut server = peer.accept();
    for line in [&b"one\n"[..], b"two\n"] {
        ours.write_all(line).expect("it reads");
        assert_eq!(packet(&server), line);
    }
    let flags = nix::fcntl::fcntl(&kept, nix::fcntl::FcntlArg::F_GETFL).expect("flags");
    assert_eq!(flags & nix::fcntl::OFlag::O_NONBLOCK.bits(), 0, "others have this descriptor, too");
    drop((ours, kept));
    assert_eq!(rest(&mut server), b"");
    drop(server);
    program.succeeds();
}

#[test]
fn the_input_may_be_a_directory_which_cannot_be_read() {
    let peer = Peer::tcp();
    let mut command = readily();
    command.args(["connect", &peer.url]).stdin(File::open("/").expect("a directory"));
    let ended = Program::spawn(command).wait();
    assert_eq!(ended.stderr, "error: standard input: is a directory\n");
    assert_eq!(ended.code, Some(1));
}

#[test]
fn the_output_may_be_a_file() {
    let server = Server::start(&["echo=tcp://127.0.0.1:0", "echo=ws://127.0.0.1:0/ws"]);
    let lines = lines();
    for url in &server.urls {
        let (mut input, mut output) = (tempfile().expect("a file"), tempfile().expect("a file"));
        input.write_all(lines.as_bytes()).expect("writes");
        input.rewind().expect("seeks");
        let mut command = readily();
        command.args(["connect", url]).stdin(input).stderr(Stdio::piped());
        let mut child =
            command.stdout(output.try_clone().expect("a copy")).spawn().expect("spawns");
        assert_eq!(crate::bounded::wait(&mut child), Some(0), "{url}");
        let mut printed = String::new();
        output.rewind().expect("seeks");
        output.read_to_string(&mut printed).expect("text");
        assert!(printed == lines, "{url}");
    }
}

#[test]
fn the_output_may_be_a_socket() {
    let peer = Peer::tcp();
    let (mut ours, theirs) = UnixStream::pair().expect("a pair");
    ours.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut command = readily();
    command.args(["connect", &peer.url]).stdout(OwnedFd::from(theirs)).stderr(Stdio::piped());
    let mut child = command.spawn().expect("spawns");
    drop(command);
    let server = peer.accept();
    let text = vec![b'x'; 1 << 20];
    let feeder = crate::program::feed(server, text.clone());
    assert!(rest(&mut ours) == text);
    feeder.join().expect("feeds");
    assert_eq!(crate::bounded::wait(&mut child), Some(0));
}

#[test]
fn a_full_disk_is_an_error() {
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let server = Server::start(&["echo=tcp://127.0.0.1:0"]);
    let mut command = readily();
    command.args(["connect", &server.urls[0]]).stdin(Stdio::piped());
    command.stdout(full).stderr(Stdio::piped());
    let mut child = command.spawn().expect("spawns");
    child.stdin.take().expect("piped").write_all(b"a\n").expect("it reads");
    assert_eq!(crate::bounded::wait(&mut child), Some(1));
    let mut error = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut error).expect("text");
    assert_eq!(error, "error: standard output: no storage space\n");
}

#[test]
fn a_reader_that_has_enough_ends_the_client_quietly() {
    let peer = Peer::tcp();
    let (mut program, mut stdout) = Program::unread(&[&peer.url]);
    let server = peer.accept();
    program.type_in("more input is to come\n");
    answer(&server, b"enough\n");
    let mut line = [0; 7];
    stdout.read_exact(&mut line).expect("a line");
    assert_eq!(shown(&line), "enough\n");
    // Nothing is printed any more: it is noticed all the same.
    drop(stdout);
    program.succeeds();
}

#[test]
fn a_reader_that_has_enough_does_not_wait_for_a_server_that_is_stalled() {
    let peer = Peer::tcp();
    let (mut program, stdout) = Program::unread(&[&peer.url]);
    let server = peer.accept();
    let mut pipe = program.take_input();
    crate::volume::write_until_stalled(&mut pipe, &vec![b'x'; 50 << 20]);
    drop(stdout);
    program.succeeds();
    drop(server);
}

#[test]
fn a_reader_that_has_enough_ends_a_websocket_with_a_close() {
    let peer = crate::web::listen();
    let (program, stdout) = Program::unread(&[&peer.url]);
    let web = crate::web::Web::accept(&peer);
    drop(stdout);
    web.expect_close(1000);
    program.succeeds();
}

#[test]
fn a_reader_that_has_enough_does_not_keep_a_websocket_that_was_not_read_from() {
    let peer = crate::web::listen();
    let (program, stdout) = Program::unread(&[&peer.url]);
    let web = crate::web::Web::accept(&peer);
    let mut socket = web.socket.try_clone().expect("another descriptor");
    let messages = crate::web::frame(crate::web::TEXT, &[b'x'; 1000]).repeat(20_000);
    let mut rest = messages.as_slice();
    // More than the client keeps for a reader that takes nothing: it reads no more.
    rest = &rest[crate::volume::write_until_stalled(&mut socket, rest)..];
    let rest = rest.to_vec();
    let feeder = std::thread::spawn(move || socket.write_all(&rest).expect("it is read again"));
    drop(stdout);
    feeder.join().expect("feeds");
    web.expect_close(1000);
    program.succeeds();
}

#[test]
fn a_reader_that_has_enough_does_not_wait_for_a_websocket_that_speaks_for_ever() {
    let peer = crate::web::listen();
    let (program, stdout) = Program::unread(&[&peer.url]);
    let web = crate::web::Web::accept(&peer);
    // It never looks at what the client says.
    let feeder = std::thread::spawn(move || {
        let message = crate::web::frame(crate::web::TEXT, b"and another thing");
        while (&web.socket).write_all(&message).is_ok() {}
    });
    drop(stdout);
    program.succeeds();
    feeder.join().expect("feeds until it cannot");
}

#[test]
fn output_that_nobody_takes_yet_is_kept_when_the_server_has_gone() {
    let peer = Peer::tcp();
    let (program, mut stdout) = Program::unread(&[&peer.url]);
    let mut server = peer.accept();
    // More than a pipe takes, less than stops the client from reading.
    let text = vec![b'x'; 200_000];
    server.write_all(&text).expect("it reads");
    drop(server);
    let mut printed = Vec::new();
    stdout.read_to_end(&mut printed).expect("the end");
    assert!(printed == text, "{}", printed.len());
    program.ends(0, "", "the server has closed the connection\n");
}

#[test]
fn a_full_disk_is_an_error_at_the_very_end_too() {
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let peer = Peer::tcp();
    let mut command = readily();
    command.args(["connect", &peer.url]).stdin(Stdio::null());
    command.stdout(full).stderr(Stdio::piped());
    let mut child = command.spawn().expect("spawns");
    drop(command);
    let mut server = peer.accept();
    assert_eq!(rest(&mut server), b"");
    // Both come in one turn, or nearly.
    answer(&server, b"an answer, and the end\n");
    drop(server);
    assert_eq!(crate::bounded::wait(&mut child), Some(1));
    let mut error = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut error).expect("text");
    assert_eq!(error, "error: standard output: no storage space\n");
}

#[test]
fn a_log_that_nobody_reads_any_more_does_not_stop_the_server() {
    let peer = crate::web::listen();
    let mut command = readily();
    command.args(["connect", "--interactive", &peer.url]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("spawns");
    drop(command);
    let web = crate::web::Web::accept(&peer);
    let stderr = child.stderr.take().expect("piped");
    // More than all sockets and pipes on the way may hold (tcp(7), `tcp_rmem`: 32 MiB on some systems).
    let messages = crate::web::frame(crate::web::TEXT, &[b'x'; 1000]).repeat(48_000);
    let mut socket = web.socket.try_clone().expect("another descriptor");
    // The client does not read all of it before its log has gone.
    let feeder = std::thread::spawn(move || socket.write_all(&messages).expect("it reads"));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!feeder.is_finished(), "nobody has read the log");
    drop(stderr);
    feeder.join().expect("feeds");
    drop(child.stdin.take());
    web.expect_close(1000);
    assert_eq!(crate::bounded::wait(&mut child), Some(0));
}

#[test]
fn a_log_that_is_read_late_comes_whole() {
    const COUNT: usize = 8000;
    let peer = crate::web::listen();
    let mut command = readily();
    command.args(["connect", "--interactive", "--input-timeout", "0", &peer.url]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("spawns");
    drop(command);
    let web = crate::web::Web::accept(&peer);
    let messages = crate::web::frame(crate::web::TEXT, &[b'x'; 1000]).repeat(COUNT);
    let mut socket = web.socket.try_clone().expect("another descriptor");
    let sent = crate::volume::write_until_stalled(&mut socket, &messages);
    let feeder = crate::program::feed(socket, messages[sent..].to_vec());
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    for _ in 0..COUNT {
        let line = lines.next().expect("a line").expect("text");
        assert!(line.ends_with("x") && line.len() > 1000, "{line}");
    }
    feeder.join().expect("feeds");
    drop(child.stdin.take());
    web.expect_close(1000);
    assert_eq!(crate::bounded::wait(&mut child), Some(0));
}

#[test]
fn output_that_is_lost_behind_the_end_of_the_server_is_an_error() {
    let reader = Peer::tcp();
    reader.socket.set_recv_buffer_size(4096).expect("a size");
    let writer = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    writer.set_send_buffer_size(4096).expect("a size");
    writer.connect(&reader.socket.local_addr().expect("bound")).expect("it listens");
    let peer = Peer::tcp();
    let mut command = readily();
    command.args(["connect", &peer.url]).stdin(Stdio::piped());
    command.stdout(OwnedFd::from(writer)).stderr(Stdio::piped());
    let mut child = command.spawn().expect("spawns");
    drop(command);
    let server = peer.accept();
    // More than the reader takes, less than stops the client from reading.
    answer(&server, &vec![b'x'; 200_000]);
    drop(server);
    let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    stderr.read_line(&mut line).expect("text");
    assert_eq!(line, "the server has closed the connection\n");
    reset(reader.accept());
    assert_eq!(crate::bounded::wait(&mut child), Some(1));
    let mut error = String::new();
    stderr.read_to_string(&mut error).expect("text");
    assert_eq!(error, "error: standard output: connection reset\n");
}
