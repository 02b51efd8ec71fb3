//! What each rung says to clients who mean well.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::program::example;
use crate::support::{PATIENCE, exchange, expect, rest};
use crate::{LINES, MANY, Rung};

/// Nothing has come by now.
fn assert_silent(client: &mut TcpStream) {
    client.set_nonblocking(true).expect("a mode");
    match client.read(&mut [0; 64]) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        other => panic!("{other:?} instead of silence"),
    }
    client.set_nonblocking(false).expect("a mode");
}

#[test]
fn lines_in_one_segment_come_back_and_what_was_sent_before_the_end_too() {
    for rung in LINES {
        let mut rung = Rung::start(rung);
        for _ in 0..2 {
            let mut client = rung.served();
            exchange(&mut client, b"one\ntwo\r\n\nthree\n", b"one\ntwo\r\n\nthree\n");
            client.write_all(b"last\n").expect("writes");
            client.shutdown(Shutdown::Write).expect("a connection");
            assert_eq!(rest(&mut client), b"last\n");
        }
        rung.is_well();
    }
}

#[test]
fn a_line_in_many_segments_comes_back_whole() {
    for rung in LINES {
        let rung = Rung::start(rung);
        let mut client = rung.served();
        for byte in b"a line, byte by byte\n" {
            client.write_all(&[*byte]).expect("writes");
        }
        expect(&mut client, b"a line, byte by byte\n");
    }
}

#[test]
fn on_rung_1_the_second_client_waits_until_the_first_has_gone() {
    let rung = Rung::start("01_blocking_echo");
    let (mut first, mut second) = (rung.served(), rung.connect());
    second.write_all(b"me too\n").expect("the kernel takes it");
    for _ in 0..200 {
        exchange(&mut first, b"hi\n", b"hi\n");
        assert_silent(&mut second);
    }
    drop(first);
    expect(&mut second, b"me too\n");
}

#[test]
fn on_rung_2_the_second_client_is_told_that_the_place_is_taken() {
    let mut rung = Rung::start("02_one_poll");
    let mut first = rung.served();
    assert_eq!(rest(&mut rung.connect()), b"busy\n");
    exchange(&mut first, b"hi\n", b"hi\n");
    first.shutdown(Shutdown::Write).expect("a connection");
    assert!(rest(&mut first).is_empty());
    rung.is_well();
}

#[test]
fn from_rung_3_on_many_clients_are_served_at_once() {
    for rung in MANY {
        let rung = Rung::start(rung);
        let mut clients: Vec<TcpStream> = (0..50).map(|_| rung.served()).collect();
        for round in 0..3 {
            for (number, client) in clients.iter_mut().enumerate() {
                client.write_all(format!("{round} {number}\n").as_bytes()).expect("writes");
            }
            for (number, client) in clients.iter_mut().enumerate().rev() {
                expect(client, format!("{round} {number}\n").as_bytes());
            }
            // Others come into the places of these.
            for client in &mut clients[10 * round..][..20] {
                *client = rung.served();
            }
        }
    }
}

#[test]
fn rung_6_answers_whole_lines_only_and_none_that_is_too_long() {
    let mut rung = Rung::start("06_line_codec");
    let mut client = rung.served();
    client.write_all(b"one\nhalf").expect("writes");
    client.shutdown(Shutdown::Write).expect("a connection");
    assert_eq!(rest(&mut client), b"one\n");
    let mut client = rung.served();
    // It ends by RST when there is something left that nobody has read.
    let _ = client.write_all(&[b'x'; 100_000]);
    match client.read(&mut [0; 1]) {
        Ok(count) => assert_eq!(count, 0, "it is answered"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    rung.is_well();
}

#[test]
fn rung_7_hangs_up_on_who_is_idle_and_on_nobody_else() {
    let idle = Duration::from_secs(2);
    let name = "07_timers";
    let mut rung = Rung::start_by(Command::new(example(name)).args(["0", "2000"]), name);
    // Nobody else is there to wake the loop up.
    assert!(rest(&mut rung.served()).is_empty());
    // Where this machine stands still for so long, it is true that everybody was idle: once more.
    let is_told_apart = (0..10).any(|_| {
        let (began, mut asked) = (Instant::now(), Instant::now());
        let (mut busy, mut silent) = (rung.served(), rung.served());
        silent.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
        loop {
            let has_ended = match silent.read(&mut [0; 1]) {
                Ok(0) => true,
                // Where this machine is stopped and goes on, too (signal(7), of sockets with a time-out).
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
                {
                    false
                }
                other => panic!("{other:?} instead of silence or the end"),
            };
            let last = std::mem::replace(&mut asked, Instant::now());
            let answer = busy.write_all(b"hi\n").and_then(|()| busy.read_exact(&mut [0; 3]));
            if last.elapsed() >= idle {
                return false;
            }
            answer.expect("who talks is served");
            if has_ended {
                return true;
            }
            assert!(began.elapsed() < PATIENCE, "who is silent is kept");
        }
    });
    assert!(is_told_apart);
    rung.is_well();
}
