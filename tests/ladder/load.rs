//! Clients who do not read, never stop, reset, or are too many.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

use socket2::Socket;

use crate::program::example;
use crate::support::{PATIENCE, SWITCHING, UPGRADE, exchange, expect, memory, rest};
use crate::{PATIENT, RUNGS, Rung, frame, masked};

/// A socket that is closed with this says RST.
fn reset(client: TcpStream) {
    Socket::from(client).set_linger(Some(Duration::ZERO)).expect("an option");
}

/// Sends all of `said`, with nobody reading until the server takes no more for a moment, or has taken
/// everything; then what comes back must be `heard`.
fn read_late(client: TcpStream, said: Vec<u8>, heard: &[u8]) {
    let mut reader = client.try_clone().expect("a second handle");
    let (tell, is_stuck) = channel();
    let sender = std::thread::spawn(move || {
        let mut client = client;
        client.set_write_timeout(Some(Duration::from_millis(100))).expect("a timeout");
        let mut unsent = &said[..];
        while !unsent.is_empty() {
            match client.write(unsent) {
                Ok(count) => unsent = &unsent[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => _ = tell.send(()),
                Err(error) => panic!("{error}, with {} bytes unsent", unsent.len()),
            }
        }
        client.shutdown(Shutdown::Write).expect("a connection");
    });
    // An error is the end of the sender.
    let _ = is_stuck.recv();
    let mut got = vec![0; heard.len()];
    reader.read_exact(&mut got).expect("everything comes");
    assert!(got == heard, "it is not what was sent");
    assert!(rest(&mut reader).is_empty());
    sender.join().expect("has sent everything");
}

/// So many lines of 64 bytes, no two alike.
fn lines(count: usize) -> Vec<u8> {
    (0..count).flat_map(|number| format!("{number:063}\n").into_bytes()).collect()
}

#[test]
fn rungs_2_and_3_hang_up_on_who_does_not_read() {
    for rung in ["02_one_poll", "03_slab"] {
        let mut rung = Rung::start(rung);
        let (mut client, text) = (rung.connect_narrow(), lines(16 * 1024));
        client.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        let error =
            (0..100).find_map(|_| client.write_all(&text).err()).expect("we are hung up on");
        assert!(
            matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
            "{error}"
        );
        rung.is_well();
    }
}

#[test]
fn from_rung_3_on_a_peer_that_resets_harms_nobody() {
    for rung in &RUNGS[2..] {
        let mut rung = Rung::start(rung);
        let mut other = rung.served();
        for _ in 0..10 {
            reset(rung.connect());
            reset(rung.served());
            let mut client = rung.served();
            client.write_all(b"unanswered").expect("writes");
            reset(client);
        }
        let mut client = rung.connect_narrow();
        client.set_write_timeout(Some(Duration::from_millis(100))).expect("a timeout");
        let (said, heard) = rung.greeting();
        client.write_all(&said).expect("writes");
        // More than there is room for, so that output waits.
        let _ = client.write_all(&rung.message(b"some\n").0.repeat(1024 * 1024));
        expect(&mut client, &heard[..1]);
        reset(client);
        let (said, heard) = rung.message(b"still here\n");
        exchange(&mut other, &said, &heard);
        rung.is_well();
    }
}

#[test]
fn from_rung_3_on_who_finds_no_descriptor_left_waits_for_one() {
    for rung in &RUNGS[2..] {
        let limited = ["-c", "ulimit -n 16 && exec \"$0\" 0"];
        let mut command = Command::new("sh");
        let mut rung = Rung::start_by(command.args(limited).arg(example(rung)), rung);
        let (said, heard) = rung.greeting();
        let mut clients: Vec<TcpStream> = (0..20).map(|_| rung.connect()).collect();
        for client in &mut clients {
            client.write_all(&said).expect("the kernel takes it");
        }
        // Each who leaves makes room for one more.
        for mut client in clients {
            expect(&mut client, &heard);
        }
        rung.is_well();
    }
}

#[test]
fn from_rung_4_on_a_slow_reader_gets_everything() {
    for rung in PATIENT {
        let mut rung = Rung::start(rung);
        let text = lines(256 * 1024);
        read_late(rung.connect_narrow(), text.clone(), &text);
        rung.is_well();
    }
}

#[test]
fn rungs_8_and_9_keep_little_for_who_does_not_read() {
    for rung in &RUNGS[7..] {
        let mut rung = Rung::start(rung);
        rung.is_well();
        let before = memory(rung.process.0.id(), "VmHWM");
        let (count, line) = (256 * 1024, lines(2).split_off(64));
        let (said, heard) = match rung.is_websocket {
            false => (lines(count), lines(count)),
            true => {
                let (said, heard) = (masked(0x81, &line), frame(0x81, &line));
                let said = [UPGRADE.as_bytes(), &said.repeat(count)].concat();
                (said, [SWITCHING, &heard.repeat(count)].concat())
            }
        };
        read_late(rung.connect_narrow(), said, &heard);
        let more = memory(rung.process.0.id(), "VmHWM") - before;
        assert!(more < 4 * 1024 * 1024, "{more} bytes more for one client");
        rung.is_well();
    }
}
