//! Subprotocols: what the messages of a WebSocket are written in (RFC 6455 §1.9).
//!
//! A client lists the names of those it would like to speak, the dearest first; a server that knows
//! one of them says which. Where neither knows what the other wants they go on without.
//!
//! ```text
//!   client                                              server, ?subprotocol=json,chat.v1
//!   Sec-WebSocket-Protocol: chat.v2, chat.v1, json ───► choose
//!   check_response ◄─────────── Sec-WebSocket-Protocol: chat.v1
//! ```
//!
//! Called with each request for a path, by the HTTP protocol.

use std::fmt;

use super::Refusal;
use crate::codec::http::{Request, is_token};

/// The field that both sides use.
pub const SUBPROTOCOL: &str = "Sec-WebSocket-Protocol";

/// The subprotocols that a server speaks at a path. In which order does not matter: the client's
/// order does.
///
/// Invariant: names are tokens, and no two are the same.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Subprotocols {
    names: Vec<String>,
}

/// Why a list is none of [`Subprotocols`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SubprotocolError {
    /// A member that is no token (RFC 9110 §5.6.2); perhaps it is empty.
    NotAToken(String),
    /// A member that was there before.
    Twice(String),
}

impl Subprotocols {
    /// Reads `chat.v1,json`.
    ///
    /// # Errors
    /// If a name is no token, or is there twice. Names have case.
    pub fn parse(list: &str) -> Result<Subprotocols, SubprotocolError> {
        let mut names: Vec<String> = Vec::new();
        for name in list.split(',') {
            if !is_token(name.as_bytes()) {
                return Err(SubprotocolError::NotAToken(name.to_owned()));
            }
            if names.iter().any(|earlier| earlier == name) {
                return Err(SubprotocolError::Twice(name.to_owned()));
            }
            names.push(name.to_owned());
        }
        Ok(Subprotocols { names })
    }

    /// Each of them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The first that the client wants of those that are here; `None` where there is none (RFC 6455
    /// §4.2.2 item 4).
    ///
    /// # Errors
    /// [`Refusal::BadSubprotocols`] if what the client sent is not a list of different tokens, also
    /// where nothing is to be chosen: a server does not go on with a handshake that breaks the
    /// grammar (§4.2.1). Several lines are one list (§11.3.4); an empty member of it means nothing
    /// (RFC 9110 §5.6.1), but one there must be.
    pub fn choose<'a>(&self, request: &Request<'a>) -> Result<Option<&'a str>, Refusal> {
        let mut wanted: Vec<&[u8]> = request
            .fields(SUBPROTOCOL)
            .flat_map(|line| line.split(|&byte| byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|member| !member.is_empty())
            .collect();
        let is_sent = request.field(SUBPROTOCOL).is_some();
        if (is_sent && wanted.is_empty()) || !wanted.iter().all(|name| is_token(name)) {
            return Err(Refusal::BadSubprotocols);
        }
        let is_known = |name: &&&[u8]| self.names.iter().any(|known| known.as_bytes() == **name);
        let chosen = wanted.iter().find(is_known).copied();
        // Sorted, because a head can hold thousands of names.
        wanted.sort_unstable();
        if wanted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Refusal::BadSubprotocols);
        }
        Ok(chosen.map(|name| str::from_utf8(name).expect("a token is ASCII")))
    }
}

impl fmt::Display for Subprotocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::http::parse_request;
    use proptest::prelude::*;

    /// What a server that speaks `known` chooses for a client that sends these lines.
    fn choose(known: &str, lines: &[&str]) -> Result<Option<String>, Refusal> {
        let known = Subprotocols::parse(known).unwrap_or_default();
        let lines: String = lines.iter().map(|line| format!("{SUBPROTOCOL}: {line}\r\n")).collect();
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
        let request = parse_request(head.as_bytes()).expect("sound");
        known.choose(&request).map(|chosen| chosen.map(str::to_owned))
    }

    #[test]
    fn the_first_that_the_client_wants_is_chosen() {
        for (lines, expected) in [
            (&["chat.v1"][..], Some("chat.v1")),
            (&["json"], Some("json")),
            (&["json, chat.v1"], Some("json")),
            (&["chat.v1,json"], Some("chat.v1")),
            (&["chat.v2 ,\tjson"], Some("json")),
            (&["xml", "json", "chat.v1"], Some("json")),
            (&["xml, chat.v1", "json"], Some("chat.v1")),
            (&[",, json,"], Some("json")),
            (&["", "json"], Some("json")),
            (&[], None),
            (&["xml"], None),
            // Names have case.
            (&["JSON, Chat.v1"], None),
            (&["chat"], None),
        ] {
            assert_eq!(choose("chat.v1,json", lines), Ok(expected.map(str::to_owned)), "{lines:?}");
            assert_eq!(choose("", lines), Ok(None), "{lines:?}");
        }
    }

    #[test]
    fn what_is_no_list_of_different_tokens_is_refused() {
        for lines in [
            &[""][..],
            &[","],
            &["", " , "],
            &["chat.v1, chat.v1"],
            &["chat.v1", "json", "chat.v1"],
            &["xml, json, xml"],
            &["chat v1"],
            &["\"json\""],
            &["json;q=1"],
            &["json, a/b"],
            &["json, (x)"],
            &["json, \u{e9}"],
        ] {
            for known in ["chat.v1,json", ""] {
                assert_eq!(choose(known, lines), Err(Refusal::BadSubprotocols), "{lines:?}");
            }
        }
    }

    #[test]
    fn a_server_lists_different_tokens() {
        use SubprotocolError::{NotAToken, Twice};
        let printed = |list: &str| Subprotocols::parse(list).map(|names| names.to_string());
        for list in ["json", "chat.v1,json", "json,JSON", "a+b,!"] {
            assert_eq!(printed(list), Ok(list.to_owned()));
        }
        for (list, bad) in
            [("", ""), (",a", ""), ("a,", ""), ("a,,b", ""), ("a, b", " b"), ("a,b/c", "b/c")]
        {
            assert_eq!(printed(list), Err(NotAToken(bad.to_owned())), "{list}");
        }
        assert_eq!(printed("a,b,a"), Err(Twice("a".to_owned())));
    }

    proptest! {
        #[test]
        fn what_is_chosen_is_wanted_and_known(line in "[a-c,]{0,6}|[ -~]{0,8}", known in "[a-c](,[a-c])?") {
            if let Ok(Some(chosen)) = choose(&known, &[&line]) {
                prop_assert!(line.split(',').any(|member| member.trim() == chosen));
                prop_assert!(known.split(',').any(|name| name == chosen));
            }
        }
    }
}
