//! Which offers are accepted, and which acceptances.

use super::super::WindowBits;
use super::*;

const ALONE: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

#[test]
fn offers_that_are_legal_are_answered_with_what_they_ask_for() {
    for (offers, without_takeover, takeover) in [
        ("permessage-deflate", "", ""),
        ("permessage-deflate; server_no_context_takeover", "", "; server_no_context_takeover"),
        ("permessage-deflate; client_no_context_takeover", "", "; client_no_context_takeover"),
        // Only what was given a value is answered with one.
        ("permessage-deflate; client_max_window_bits", "", ""),
        (
            "permessage-deflate; client_max_window_bits=8",
            "; client_max_window_bits=8",
            "; client_max_window_bits=8",
        ),
        (
            "permessage-deflate; client_max_window_bits=15; server_max_window_bits=15",
            "; server_max_window_bits=15; client_max_window_bits=15",
            "; server_max_window_bits=15; client_max_window_bits=15",
        ),
        (
            "permessage-deflate;server_max_window_bits=\"9\"",
            "; server_max_window_bits=9",
            "; server_max_window_bits=9",
        ),
        // The first one that can be kept.
        (
            "x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=8, \
             permessage-deflate; server_max_window_bits=10, permessage-deflate",
            "; server_max_window_bits=10",
            "; server_max_window_bits=10",
        ),
        ("permessage-deflate; mode=fast, permessage-deflate", "", ""),
        ("bbf-usp-protocol; a=\"b\", permessage-deflate", "", ""),
    ] {
        let expected = format!("{ALONE}{without_takeover}");
        assert_eq!(accepted(Policy::NoTakeover, offers), Some(expected), "{offers}");
        let expected = format!("permessage-deflate{takeover}");
        assert_eq!(accepted(Policy::Takeover, offers), Some(expected), "{offers}");
        assert_eq!(accepted(Policy::Off, offers), None, "{offers}");
    }
    let both = "permessage-deflate; client_no_context_takeover; server_no_context_takeover";
    assert_eq!(accepted(Policy::Takeover, both).as_deref(), Some(ALONE));
    let in_two_fields: [&[u8]; 2] = [b"foo", b"permessage-deflate"];
    assert!(accept(Policy::NoTakeover, in_two_fields).is_some());
}

#[test]
fn offers_that_are_not_are_declined() {
    for offers in [
        "",
        "deflate-frame",
        "Permessage-Deflate",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=09",
        "permessage-deflate; server_max_window_bits=+9",
        "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
        "permessage-deflate; server_max_window_bits=1000000000000000000000",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=0",
        "permessage-deflate; client_max_window_bits=-9",
        "permessage-deflate; client_max_window_bits=nine",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; unknown",
        "permessage-deflate; SERVER_NO_CONTEXT_TAKEOVER",
        // What is no list says nothing at all.
        "permessage-deflate, ;",
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate, \"",
    ] {
        assert_eq!(accepted(Policy::NoTakeover, offers), None, "{offers}");
        assert_eq!(accepted(Policy::Takeover, offers), None, "{offers}");
    }
}

#[test]
fn a_window_of_eight_bits_is_read_and_never_written() {
    for bits in 0..=u8::MAX {
        let window = WindowBits::new(bits).map(WindowBits::get);
        assert_eq!(window, (9..=15).contains(&bits).then_some(bits));
    }
    let told = accepted(Policy::Takeover, "permessage-deflate; client_max_window_bits=8");
    assert_eq!(told.as_deref(), Some("permessage-deflate; client_max_window_bits=8"));
    let asked = accepted(Policy::Takeover, "permessage-deflate; server_max_window_bits=8");
    assert_eq!(asked, None);
    let told = checked(Policy::Takeover, "permessage-deflate; server_max_window_bits=8");
    assert_eq!(told, Ok(Some((true, 15, true))));
    let asked = checked(Policy::Takeover, "permessage-deflate; client_max_window_bits=8");
    assert_eq!(asked, Err(HandshakeError::BadExtension));
}

#[test]
fn a_client_takes_what_it_has_offered() {
    let (alone, together) = (Policy::NoTakeover, Policy::Takeover);
    for (policy, response, expected) in [
        (alone, "", None),
        (together, " , ", None),
        (alone, ALONE, Some((false, 15, false))),
        (alone, "permessage-deflate; server_no_context_takeover", Some((false, 15, false))),
        (together, "permessage-deflate", Some((true, 15, true))),
        (together, ALONE, Some((false, 15, false))),
        (
            together,
            "permessage-deflate; client_no_context_takeover; client_max_window_bits=9",
            Some((true, 9, false)),
        ),
        (
            together,
            "permessage-deflate; server_max_window_bits=\"12\"; server_no_context_takeover",
            Some((false, 15, true)),
        ),
    ] {
        assert_eq!(checked(policy, response), Ok(expected), "{response}");
    }
}

#[test]
fn a_client_takes_nothing_else() {
    use HandshakeError::{BadExtension, NotOffered};
    for (response, error) in [
        ("permessage-deflate; client_max_window_bits", BadExtension),
        ("permessage-deflate; client_max_window_bits=8", BadExtension),
        ("permessage-deflate; client_max_window_bits=16", BadExtension),
        ("permessage-deflate; server_max_window_bits", BadExtension),
        ("permessage-deflate; server_max_window_bits=7", BadExtension),
        ("permessage-deflate; server_no_context_takeover=1", BadExtension),
        ("permessage-deflate; unknown", BadExtension),
        (
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            BadExtension,
        ),
        ("permessage-deflate, permessage-deflate", BadExtension),
        ("permessage-deflate, foo", BadExtension),
        ("permessage-deflate;", BadExtension),
        ("foo", NotOffered),
        ("x-webkit-deflate-frame", NotOffered),
    ] {
        assert_eq!(checked(Policy::Takeover, response), Err(error), "{response}");
    }
    // It was to be without takeover.
    assert_eq!(checked(Policy::NoTakeover, "permessage-deflate"), Err(BadExtension));
    assert_eq!(checked(Policy::Off, ALONE), Err(NotOffered));
    assert_eq!(checked(Policy::Off, ""), Ok(None));
}

#[test]
fn what_a_client_offers_a_server_accepts() {
    for (client, server, takeover) in [
        (Policy::NoTakeover, Policy::NoTakeover, false),
        (Policy::NoTakeover, Policy::Takeover, false),
        (Policy::Takeover, Policy::NoTakeover, false),
        (Policy::Takeover, Policy::Takeover, true),
    ] {
        let offers = offer(client).expect("it wants to compress");
        let accepted = accept(server, [offers.as_bytes()]).expect("it is legal");
        let agreement = check(client, [accepted.response.as_bytes()]).unwrap().unwrap();
        for side in [agreement, accepted.agreement] {
            let both = (side.inbound_takeover(), side.outbound().takeover);
            assert_eq!(both, (takeover, takeover), "{client:?} and {server:?}");
        }
    }
    assert_eq!(offer(Policy::Off), None);
}
