//! The ladder in `examples/`: every rung is the program that its header says it is.
//!
//! Each test runs some of them, with real clients. What a rung *cannot* do is tested, too, because the
//! next one is there for it.

#[path = "../support/example.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;

mod lines;
mod load;
mod sources;
mod websocket;

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{ChildStderr, Command, Stdio};

use program::{Running, example};
use socket2::{Domain, Socket, Type};
use support::{PATIENCE, SWITCHING, UPGRADE, exchange, patient_tcp};

const RUNGS: &[&str] = &[
    "01_blocking_echo",
    "02_one_poll",
    "03_slab",
    "04_write_buffer",
    "05_drain_rule",
    "06_line_codec",
    "07_timers",
    "08_backpressure",
    "09_websocket",
];

/// Those that echo lines, those of them with many clients, and those that can wait for a reader.
const LINES: &[&str] = RUNGS.split_at(8).0;
const MANY: &[&str] = LINES.split_at(2).1;
const PATIENT: &[&str] = LINES.split_at(3).1;

/// A rung that runs.
struct Rung {
    process: Running,
    address: SocketAddr,
    is_websocket: bool,
    /// Held, so that what it says has somewhere to go.
    _stderr: BufReader<ChildStderr>,
}

impl Rung {
    fn start(name: &str) -> Rung {
        Rung::start_by(Command::new(example(name)).arg("0"), name)
    }

    fn start_by(command: &mut Command, name: &str) -> Rung {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let process = Running(child);
        let mut line = String::new();
        stderr.read_line(&mut line).expect("text");
        let address = line.trim_end().strip_prefix("listening on ").expect("says where");
        let address = address.parse().expect("an address");
        Rung { process, address, is_websocket: name == "09_websocket", _stderr: stderr }
    }

    /// A client who has sent nothing yet.
    fn connect(&self) -> TcpStream {
        patient_tcp(self.address)
    }

    /// A client who takes little at a time: with a small receive buffer.
    fn connect_narrow(&self) -> TcpStream {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(16 * 1024).expect("a buffer");
        socket.connect(&self.address.into()).expect("connects");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket.into()
    }

    /// What a client says first, and what he hears.
    fn greeting(&self) -> (Vec<u8>, Vec<u8>) {
        let (said, heard) = self.message(b"hello\n");
        match self.is_websocket {
            false => (said, heard),
            true => ([UPGRADE.as_bytes(), &said].concat(), [SWITCHING, &heard].concat()),
        }
    }

    /// A line, bare or in a frame, and its echo.
    fn message(&self, line: &[u8]) -> (Vec<u8>, Vec<u8>) {
        match self.is_websocket {
            false => (line.to_vec(), line.to_vec()),
            true => (masked(0x81, line), frame(0x81, line)),
        }
    }

    /// A client who has been served, and so was accepted.
    fn served(&self) -> TcpStream {
        let mut client = self.connect();
        let (said, heard) = self.greeting();
        exchange(&mut client, &said, &heard);
        client
    }

    /// Whatever has been done to it, the rung still serves, in the same process.
    fn is_well(&mut self) {
        drop(self.served());
        assert!(self.process.0.try_wait().expect("our child").is_none(), "it has ended");
    }
}

/// An unmasked frame with a short payload.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, u8::try_from(payload.len()).expect("short")], payload].concat()
}

/// A masked one, as clients send them (RFC 6455 section 5.3).
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let (key, mut bytes) = ([7, 1, 255, 32], frame(first, payload));
    bytes[1] |= 0x80;
    for (index, byte) in bytes[2..].iter_mut().enumerate() {
        *byte ^= key[index % 4];
    }
    bytes.splice(2..2, key);
    bytes
}
