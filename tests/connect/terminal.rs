//! A real terminal: what a person sees who types lines and presses Ctrl-C and Ctrl-D.

use std::fs::File;
use std::io::ErrorKind;
use std::process::{Child, Command};

use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use tempfile::tempdir;

use crate::bounded;
use crate::peer::{Peer, answer, packet};
use crate::program::{Screen, unstamped};
use crate::support::{readily, rest};
use crate::web::{self, CLOSE, TEXT, Web, close_frame, frame};

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";

/// A client whose standard streams are a terminal, which is also the one that its signals come from.
/// That takes a session of its own, which setsid(1) makes; `None` where there is no such program.
fn at_terminal(args: &[&str]) -> Option<(Child, Screen)> {
    let size = Winsize { ws_row: 24, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(&size, None).expect("a terminal");
    // Or what the client prints because of Ctrl-C may be thrown away with what was on its way.
    let mut modes = tcgetattr(&pty.slave).expect("a terminal");
    modes.local_flags.insert(LocalFlags::NOFLSH);
    tcsetattr(&pty.slave, SetArg::TCSANOW, &modes).expect("a terminal");
    let mut command = Command::new("setsid");
    command.arg("--ctty").arg(readily().get_program()).arg("connect").args(args);
    command.env_remove("RUST_LOG").env("TZ", "UTC");
    let slave = || pty.slave.try_clone().expect("another descriptor");
    command.stdin(slave()).stdout(slave()).stderr(slave());
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("there is no setsid");
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    drop((command, pty.slave));
    Some((child, Screen::of(File::from(pty.master))))
}

/// What is shown besides the key itself: the terminal echoes it when the signal is sent already, and
/// whoever gets that may have printed, or have gone, by then.
fn without_key(shown: &str) -> String {
    shown.replacen("^C", "", 1)
}

#[test]
fn a_session_over_tcp() {
    let peer = Peer::tcp();
    let Some((mut child, mut screen)) = at_terminal(&[&peer.url]) else { return };
    let server = peer.accept();
    screen.expect(">> ");
    // The line can be corrected until it is sent: the terminal does that.
    screen.type_in("helpo\x7f\x7flo\n");
    assert_eq!(packet(&server), b"hello\n");
    screen.expect("helpo\x08 \x08\x08 \x08lo\r\n");
    answer(&server, b"Hello!\n");
    screen.expect("->: Hello!\r\n>> ");
    answer(&server, b"news\n");
    screen.expect("\r\n->: news\r\n>> ");
    screen.type_in("STOP\n");
    assert_eq!(packet(&server), b"STOP\n");
    drop(server);
    assert_eq!(screen.rest(), "STOP\r\n->: TCP client exiting...\r\n");
    assert_eq!(bounded::wait(&mut child), Some(0));
}

#[test]
fn a_session_over_udp() {
    let peer = Peer::udp();
    let Some((mut child, mut screen)) = at_terminal(&[&peer.url]) else { return };
    let at = peer.url.strip_prefix("udp://").expect("udp");
    screen.expect(&format!("The UDP server is {at}\r\n>> "));
    screen.type_in("hi\n");
    let (datagram, from) = peer.receive();
    assert_eq!(datagram, b"hi");
    screen.expect("hi\r\n");
    peer.socket.send_to(b"814", &from).expect("sends");
    screen.expect("Reply: 814\r\n>> ");
    screen.type_in("STOP\n");
    assert_eq!(screen.rest(), "STOP\r\nExiting UDP client!\r\n");
    assert_eq!(bounded::wait(&mut child), Some(0));
}

#[test]
fn a_session_over_unix() {
    let directory = tempdir().expect("a directory");
    let peer = Peer::unix(directory.path());
    let Some((mut child, mut screen)) = at_terminal(&[&peer.url]) else { return };
    let server = peer.accept();
    screen.expect(">> ");
    screen.type_in("hi\n");
    assert_eq!(packet(&server), b"hi\n");
    screen.expect("hi\r\n");
    answer(&server, b"hi\n");
    screen.expect("Read:hi\r\n>> ");
    screen.type_in("STOP\n");
    assert_eq!(packet(&server), b"STOP\n");
    answer(&server, b"STOP\n");
    drop(server);
    assert_eq!(screen.rest(), "STOP\r\nRead:STOP\r\nExiting UNIX domain socket client!\r\n");
    assert_eq!(bounded::wait(&mut child), Some(0));
}

#[test]
fn a_session_over_websocket_that_ctrl_c_ends() {
    let peer = web::listen();
    let Some((mut child, mut screen)) = at_terminal(&[&peer.url]) else { return };
    let web = Web::accept(&peer);
    let at = peer.url.strip_prefix("ws://").expect("ws").strip_suffix("/ws").expect("a path");
    screen.expect(&format!("Connecting to: {at} at /ws\r\n"));
    screen.type_in("hi\n");
    web.expect(TEXT, "hi\n");
    screen.expect("hi\r\n");
    web.send(frame(TEXT, b"hi\n"));
    assert_eq!(unstamped(&screen.line()), "Received: hi");
    screen.type_in(CTRL_C);
    web.expect_close(1000);
    let shown = without_key(&screen.rest());
    let lines: Vec<&str> = shown.lines().map(unstamped).collect();
    assert_eq!(
        lines,
        [
            "Caught interrupt signal - quitting!",
            "ReadMessage() error: websocket: close 1000 (normal)"
        ]
    );
    assert_eq!(bounded::wait(&mut child), Some(0));
}

#[test]
fn ctrl_d_is_the_end_of_the_input() {
    let peer = Peer::tcp();
    let Some((mut child, mut screen)) = at_terminal(&[&peer.url]) else { return };
    let mut server = peer.accept();
    screen.expect(">> ");
    screen.type_in("hi\n");
    assert_eq!(packet(&server), b"hi\n");
    answer(&server, b"hi\n");
    screen.expect("hi\r\n->: hi\r\n>> ");
    screen.type_in(CTRL_D);
    assert_eq!(rest(&mut server), b"");
    answer(&server, b"bye\n");
    drop(server);
    assert_eq!(screen.rest(), "\r\n->: bye\r\n");
    assert_eq!(bounded::wait(&mut child), Some(0));

    let peer = web::listen();
    let Some((mut child, mut screen)) = at_terminal(&[&peer.url]) else { return };
    let web = Web::accept(&peer);
    screen.type_in(CTRL_D);
    web.expect_close(1000);
    let shown = screen.rest();
    let last = shown.lines().last().map(unstamped);
    assert_eq!(last, Some("ReadMessage() error: websocket: close 1000 (normal)"), "{shown:?}");
    assert_eq!(bounded::wait(&mut child), Some(0));
}

#[test]
fn ctrl_c_ends_the_others_at_once() {
    let directory = tempdir().expect("a directory");
    for peer in [Peer::tcp(), Peer::unix(directory.path())] {
        let Some((mut child, mut screen)) = at_terminal(&[&peer.url]) else { return };
        let mut server = peer.accept();
        screen.expect(">> ");
        screen.type_in(CTRL_C);
        assert_eq!(rest(&mut server), b"");
        assert_eq!(without_key(&screen.rest()), "\r\n");
        assert_eq!(bounded::wait(&mut child), Some(130));
    }
    let peer = Peer::udp();
    let Some((mut child, mut screen)) = at_terminal(&[&peer.url]) else { return };
    let at = peer.url.strip_prefix("udp://").expect("udp");
    screen.expect(&format!("The UDP server is {at}\r\n>> "));
    screen.type_in(CTRL_C);
    assert_eq!(without_key(&screen.rest()), "\r\n");
    assert_eq!(bounded::wait(&mut child), Some(130));
}

#[test]
fn a_server_that_closes_is_told_at_the_prompt() {
    let peer = web::listen();
    let Some((mut child, mut screen)) = at_terminal(&[&peer.url]) else { return };
    let web = Web::accept(&peer);
    web.send(close_frame(1001));
    web.expect(CLOSE, 1001_u16.to_be_bytes());
    web.end();
    let shown = screen.rest();
    let last = shown.lines().last().map(unstamped);
    assert_eq!(last, Some("ReadMessage() error: websocket: close 1001 (going away)"), "{shown:?}");
    assert_eq!(bounded::wait(&mut child), Some(0));

    let peer = Peer::tcp();
    let Some((mut child, mut screen)) = at_terminal(&[&peer.url]) else { return };
    let server = peer.accept();
    screen.expect(">> ");
    drop(server);
    assert_eq!(screen.rest(), "\r\nthe server has closed the connection\r\n");
    assert_eq!(bounded::wait(&mut child), Some(0));
}
