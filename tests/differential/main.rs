//! A second opinion on every frame: tungstenite's reader.
//!
//! Random scripts of frames, legal ones and ones with bytes changed, are given to our decoder and
//! to `tungstenite::WebSocket`. Both must deliver the same messages up to the end or the error,
//! and both must refuse or both must accept, but for what is listed at `opinions::agree`.

mod opinions;

use proptest::collection::vec;
use proptest::prelude::*;
use readily::codec::websocket::{CloseCode, Opcode, Role, encode_frame};

use self::opinions::check;
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
        let refused = opinions::is_refused(Role::Client, &script);
        let known_to_them = CloseCode::from(code).is_allowed();
        assert_eq!(refused, !known_to_them && code != 1014, "{code}");
    }
}
