//! Requests that are odd, hostile or badly cut: what each is answered with, and whether the connection
//! goes on. Every case is sent in one piece, byte by byte, and cut in two at every place, and each way
//! has to come to the same answers.

mod framing;
mod resources;
mod targets;
mod trickle;
mod upgrades;

use self::resources::Desk;
use super::world::{REQUEST, Socket, World};

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
#[derive(PartialEq, Eq, Debug)]
struct Answer {
    /// With [`HEAD`] added where the body is left out.
    status: u16,
    head: String,
    body: String,
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
        let mut answer =
            Answer { status: digits.parse().expect("a number"), head, body: String::new() };
        if answer.status < 200 {
            let is_last = answer.status == 101;
            answers.push(answer);
            if is_last {
                break;
            }
            continue;
        }
        let length = field(&answer, "Content-Length").expect("every answer has a length");
        let length: usize = length.parse().expect("a number");
        if length > 0 && (output.is_empty() || output.starts_with(b"HTTP/1.1 ")) {
            answer.status += HEAD;
        } else {
            let (body, rest) = output.split_at(length);
            answer.body = str::from_utf8(body).expect("text").to_owned();
            output = rest;
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
fn check_cut(
    name: &str,
    input: &[u8],
    cuts: &[usize],
    statuses: &[u16],
    then: Then,
) -> Vec<Answer> {
    let mut world = World::new();
    let desk = world.web(Desk);
    let id = world.open(desk);
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
    got
}

#[track_caller]
fn check(name: &str, input: impl AsRef<[u8]>, statuses: &[u16], then: Then) -> Vec<Answer> {
    let input = input.as_ref();
    let whole = check_cut(name, input, &[], statuses, then);
    let same = |cut: Vec<Answer>| assert_eq!(cut, whole, "{name}");
    same(check_cut(name, input, &(1..input.len()).collect::<Vec<_>>(), statuses, then));
    // What is long is cut near its ends, where something is decided.
    let is_long = input.len() > 1024;
    let near_an_end = |place: &usize| !is_long || *place < 50 || place + 50 > input.len();
    for place in (1..input.len()).filter(near_an_end) {
        same(check_cut(name, input, &[place], statuses, then));
    }
    whole
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
