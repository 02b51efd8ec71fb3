//! Requests that are odd, hostile or badly cut: what each is answered with, and whether the connection
//! goes on. Every case is sent in one piece, byte by byte, and cut in two at every place, and each way
//! has to come to the same answers.

mod framing;
mod targets;
mod trickle;
mod upgrades;

use super::world::{REQUEST, Socket, World};
use crate::service::Echo;

/// What becomes of the connection behind the answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    /// The next request is served.
    Kept,
    /// The last answer says so, our side ends, and nothing more is answered.
    Closed,
    /// It is a WebSocket, and so many bytes of frames have come from it.
    WebSocket(&'static [u8]),
}
use Then::{Closed, Kept, WebSocket};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// One answer, read back from the output.
#[derive(Debug)]
struct Answer {
    /// With [`HEAD`] added where the body is left out.
    status: u16,
    head: String,
}

/// Marks the status of an answer whose body is left out, as HEAD has it.
const HEAD: u16 = 1000;

/// Takes the answers off `output`; what is behind a 101 is left.
fn answers(mut output: &[u8]) -> (Vec<Answer>, &[u8]) {
    let mut answers = Vec::new();
    while !output.is_empty() {
        let end = output.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head: {}", output.escape_ascii())) + 4;
        let head = str::from_utf8(&output[..end]).expect("ASCII").to_owned();
        output = &output[end..];
        let digits = &head.strip_prefix("HTTP/1.1 ").expect("a status line")[..3];
        let mut answer = Answer { status: digits.parse().expect("a number"), head };
        if answer.status == 101 {
            answers.push(answer);
            break;
        }
        if output.is_empty() || output.starts_with(b"HTTP/1.1 ") {
            answer.status += HEAD;
        } else {
            let length = field(&answer, "Content-Length").expect("every answer has a length");
            output = &output[length.parse().expect("a number")..];
        }
        answers.push(answer);
    }
    (answers, output)
}

fn field<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(other, _)| *other == name).map(|(_, value)| value)
}

/// Sends `input` cut at these places and compares what comes of it.
#[track_caller]
fn check_cut(name: &str, input: &[u8], cuts: &[usize], statuses: &[u16], then: Then) {
    let mut world = World::new();
    let echo = world.web(Echo);
    let id = world.open(echo);
    let mut output = Vec::new();
    let mut start = 0;
    for end in cuts.iter().copied().chain([input.len()]) {
        output.extend(world.send(id, &input[start..end]));
        start = end;
    }
    let (got, frames) = answers(&output);
    let got_statuses: Vec<u16> = got.iter().map(|answer| answer.status).collect();
    assert_eq!(got_statuses, statuses, "{name}, cut at {cuts:?}");
    let last = got.last().expect("an answer");
    let says_close = field(last, "Connection") == Some("close");
    match then {
        Kept => {
            assert!(!says_close, "{name}, cut at {cuts:?}");
            assert_eq!(world.socket(id), Socket::Open, "{name}, cut at {cuts:?}");
            let next = world.send(id, GET.as_bytes());
            assert!(next.starts_with(b"HTTP/1.1 200 "), "{name}, cut at {cuts:?}: {next:?}");
        }
        Closed => {
            assert!(says_close, "{name}, cut at {cuts:?}: {}", last.head);
            assert_eq!(world.socket(id), Socket::WriteEnded, "{name}, cut at {cuts:?}");
            assert_eq!(world.send(id, GET.as_bytes()), b"", "{name}, cut at {cuts:?}");
        }
        WebSocket(expected) => {
            assert_eq!(frames, expected, "{name}, cut at {cuts:?}: {}", frames.escape_ascii());
        }
    }
}

#[track_caller]
fn check(name: &str, input: impl AsRef<[u8]>, statuses: &[u16], then: Then) {
    let input = input.as_ref();
    check_cut(name, input, &[], statuses, then);
    check_cut(name, input, &(1..input.len()).collect::<Vec<_>>(), statuses, then);
    // What is long is cut near its ends, where something is decided.
    let is_long = input.len() > 1024;
    let near_an_end = |place: &usize| !is_long || *place < 50 || place + 50 > input.len();
    for place in (1..input.len()).filter(near_an_end) {
        check_cut(name, input, &[place], statuses, then);
    }
}

/// A request for `/` with more fields.
fn get(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

/// A sound handshake with more fields.
fn handshake(fields: &str) -> String {
    let request = str::from_utf8(REQUEST).expect("ASCII");
    format!("{}{fields}\r\n", request.strip_suffix("\r\n").expect("an empty line"))
}
