//! A second opinion on every frame: tungstenite's reader.
//!
//! Random scripts of frames, legal ones and ones with bytes changed, are given to our decoder and
//! to `tungstenite::WebSocket`. Both must deliver the same messages up to the end or the error,
//! and both must refuse or both must accept, but for what is listed at [`agree`].

use std::io::{self, Read, Write};

use proptest::collection::vec;
use proptest::prelude::*;
use tungstenite::protocol::{Role as TheirRole, WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

use readily::buffer::BufferPool;
use readily::codec::websocket::{
    CloseCode, Decoder, Event, Limits, Opcode, ProtocolError, Role, encode_frame,
};

const LIMITS: Limits = Limits { max_message: 300, max_fragments: u32::MAX };

#[derive(Clone, PartialEq, Eq, Debug)]
enum Heard {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

/// How the reading ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// All bytes were read, and more would be.
    Waiting,
    /// A Close frame came.
    Closed,
    /// With an error, which only we can name.
    Refused(Option<ProtocolError>),
}

fn ours(role: Role, script: &[u8]) -> (Vec<Heard>, End) {
    let (mut decoder, mut pool, mut heard) = (Decoder::new(role), BufferPool::new(), Vec::new());
    let mut bytes = script.to_vec();
    let mut input = &mut bytes[..];
    loop {
        heard.push(match decoder.next(&mut input, &LIMITS, &mut pool) {
            Ok(Some(Event::Text(text))) => Heard::Text(text.to_vec()),
            Ok(Some(Event::Binary(bytes))) => Heard::Binary(bytes.to_vec()),
            Ok(Some(Event::Ping(bytes))) => Heard::Ping(bytes.to_vec()),
            Ok(Some(Event::Pong(bytes))) => Heard::Pong(bytes.to_vec()),
            Ok(Some(Event::Close(frame))) => {
                heard.push(Heard::Close(frame.map(|frame| (frame.code.into(), frame.reason))));
                return (heard, End::Closed);
            }
            Ok(None) => return (heard, End::Waiting),
            Err(error) => return (heard, End::Refused(Some(error))),
        });
    }
}

/// The script to read from; what tungstenite answers is thrown away.
struct Peer<'s>(&'s [u8]);

impl Read for Peer<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { self.0.read(buffer) }
    }
}

impl Write for Peer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn theirs(role: Role, script: &[u8]) -> (Vec<Heard>, End) {
    let role = match role {
        Role::Server => TheirRole::Server,
        Role::Client => TheirRole::Client,
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(LIMITS.max_message))
        .max_frame_size(Some(LIMITS.max_message))
        .read_buffer_size(1024);
    let mut socket = WebSocket::from_raw_socket(Peer(script), role, Some(config));
    let mut heard = Vec::new();
    loop {
        heard.push(match socket.read() {
            Ok(Message::Text(text)) => Heard::Text(text.as_bytes().to_vec()),
            Ok(Message::Binary(bytes)) => Heard::Binary(bytes.to_vec()),
            Ok(Message::Ping(bytes)) => Heard::Ping(bytes.to_vec()),
            Ok(Message::Pong(bytes)) => Heard::Pong(bytes.to_vec()),
            Ok(Message::Close(frame)) => {
                let frame = frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                heard.push(Heard::Close(frame));
                return (heard, End::Closed);
            }
            Ok(Message::Frame(_)) => unreachable!("never read"),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                return (heard, End::Waiting);
            }
            Err(_) => return (heard, End::Refused(None)),
        });
    }
}

/// Compares the two opinions. The differences that are meant to be:
///
/// 1. We refuse as soon as we know, tungstenite at the end of the frame: a script that is cut off
///    after our refusal leaves it waiting.
/// 2. A close code that may not be sent is an error for us, a Close with 1002 for tungstenite.
/// 3. Code 1014 (registered with IANA after the RFC) is legal for us and not for tungstenite.
fn agree(
    script: &[u8],
    ours: &(Vec<Heard>, End),
    theirs: &(Vec<Heard>, End),
) -> Result<(), String> {
    let told_1002 = Heard::Close(Some((1002, "Protocol violation".into())));
    let (heard, mut expected) = (ours.0.clone(), theirs.0.clone());
    let ends_agree = match (ours.1, theirs.1) {
        (End::Refused(Some(ProtocolError::InvalidCloseCode)), End::Closed) => {
            expected.pop() == Some(told_1002)
        }
        (End::Closed, End::Closed) if heard.last().is_some_and(is_1014) => {
            let replaced = expected.pop() == Some(told_1002);
            expected.extend(heard.last().cloned());
            replaced
        }
        (End::Refused(_), End::Refused(_)) => true,
        (End::Refused(_), End::Waiting) => true,
        (ours, theirs) => ours == theirs,
    };
    if ends_agree && heard == expected {
        Ok(())
    } else {
        Err(format!("{script:02x?}\n  ours   {ours:?}\n  theirs {theirs:?}"))
    }
}

fn is_1014(heard: &Heard) -> bool {
    matches!(heard, Heard::Close(Some((1014, _))))
}

/// The script, and enough zeroes behind it to end any frame that a reader may be waiting for.
fn padded(script: &[u8]) -> Vec<u8> {
    [script, &[0; 400]].concat()
}

fn check(role: Role, script: &[u8]) -> Result<(), String> {
    agree(script, &ours(role, script), &theirs(role, script))?;
    // Difference 1 ends where the bytes go on: then tungstenite has to refuse, too.
    let long = padded(script);
    let (ours, theirs) = (ours(role, &long), theirs(role, &long));
    match (ours.1, theirs.1) {
        (End::Refused(Some(error)), End::Waiting) => {
            Err(format!("{long:02x?}\n  ours   {error}\n  theirs still waiting"))
        }
        _ => agree(&long, &ours, &theirs),
    }
}

fn payload_of(opcode: Opcode) -> BoxedStrategy<Vec<u8>> {
    let text = "\\PC{0,20}".prop_map(String::into_bytes);
    match opcode {
        Opcode::Close => (
            prop_oneof![Just(1000u16), Just(1014), Just(4000), 990u16..1020, any::<u16>()],
            prop_oneof![3 => text, 1 => vec(any::<u8>(), 0..10)],
            prop_oneof![6 => Just(usize::MAX), 1 => 0usize..3],
        )
            .prop_map(|(code, reason, keep)| {
                let mut payload = [&code.to_be_bytes()[..], &reason].concat();
                payload.truncate(keep.min(125));
                payload
            })
            .boxed(),
        Opcode::Ping | Opcode::Pong => {
            prop_oneof![9 => vec(any::<u8>(), 0..126), 1 => vec(any::<u8>(), 126..130)].boxed()
        }
        _ => prop_oneof![
            6 => text,
            2 => vec(any::<u8>(), 0..40),
            1 => vec(Just(b'x'), 120..130),
            1 => vec(Just(b'x'), 295..305),
        ]
        .boxed(),
    }
}

/// A conversation: mostly in order, often fragmented (also inside characters), rarely wrong.
fn any_script(role: Role) -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop_oneof![
        4 => Just(Opcode::Text),
        2 => Just(Opcode::Binary),
        1 => Just(Opcode::Ping),
        1 => Just(Opcode::Pong),
        1 => Just(Opcode::Close),
        1 => Just(Opcode::Continuation),
    ];
    let message = opcode.prop_flat_map(move |opcode| {
        (Just(opcode), payload_of(opcode), vec(0usize..130, 0..3), any::<[u8; 4]>(), any::<bool>())
    });
    vec(message, 0..8).prop_map(move |messages| {
        let mut bytes = Vec::new();
        for (opcode, payload, cuts, key, ping_between) in messages {
            let mask = (role == Role::Server).then_some(key);
            let mut frame = |fin, opcode, payload: &[u8]| {
                encode_frame(&mut bytes, fin, opcode, payload, mask);
            };
            let (mut rest, mut opcode) = (&payload[..], opcode);
            if !opcode.is_control() {
                for cut in cuts {
                    let (fragment, after) = rest.split_at(cut.min(rest.len()));
                    frame(false, opcode, fragment);
                    if ping_between {
                        frame(true, Opcode::Ping, b"between");
                    }
                    (rest, opcode) = (after, Opcode::Continuation);
                }
            }
            frame(true, opcode, rest);
        }
        bytes
    })
}

fn role_and_script() -> impl Strategy<Value = (Role, Vec<u8>)> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
        .prop_flat_map(|role| (Just(role), any_script(role)))
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, cases: 2000, ..Default::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn conversations_are_heard_alike((role, script) in role_and_script()) {
        check(role, &script).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn changed_and_cut_conversations_are_heard_alike(
        (role, mut script) in role_and_script(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        end in any::<prop::sample::Index>(),
    ) {
        if !script.is_empty() {
            for (at, byte) in changes {
                let at = at.index(script.len());
                script[at] = byte;
            }
            let end = end.index(script.len() + 1);
            check(role, &script[..end]).map_err(TestCaseError::fail)?;
        }
        check(role, &script).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn garbage_is_heard_alike(
        role in prop_oneof![Just(Role::Server), Just(Role::Client)],
        script in vec(prop_oneof![any::<u8>(), 0x80u8..0x8f, 0u8..4], 0..200),
    ) {
        check(role, &script).map_err(TestCaseError::fail)?;
    }
}

/// Everything two bytes can begin, in front of a little payload.
#[test]
fn every_start_of_a_frame_is_judged_alike() {
    for role in [Role::Server, Role::Client] {
        for first in 0..=255 {
            for second in 0..=255 {
                let mut script = vec![first, second];
                script.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, b'a', b'b']);
                check(role, &script).unwrap();
            }
        }
    }
}

#[test]
fn every_close_code_is_judged_alike() {
    for code in 0..=u16::MAX {
        let mut script = Vec::new();
        encode_frame(&mut script, true, Opcode::Close, &code.to_be_bytes(), None);
        check(Role::Client, &script).unwrap();
        let refused = ours(Role::Client, &script).1 != End::Closed;
        let known_to_them = CloseCode::from(code).is_allowed();
        assert_eq!(refused, !known_to_them && code != 1014, "{code}");
    }
}
