//! What the two sides agree on before there are messages (RFC 7692 sections 5 and 7.1).
//!
//! | parameter | in an offer | in a response |
//! |---|---|---|
//! | `server_no_context_takeover` | the server is not to | it will not (must be there if offered) |
//! | `client_no_context_takeover` | the client will not | the client must not |
//! | `server_max_window_bits=8..15` | no more than that | no more than that (must be there if offered) |
//! | `client_max_window_bits[=8..15]` | can be told; and no more than that | no more than that (only if offered, and with a value) |
//!
//! A server takes the first offer that is legal and that it can keep; if there is none, nothing is
//! compressed, and the handshake goes on as if nobody had spoken of it. A client that is answered
//! with anything that it did not offer, or that makes no sense, fails the handshake.

use super::extensions::{Extension, Parameter, parse};
use super::{Agreement, Context, Policy, WindowBits};
use crate::codec::websocket::handshake::HandshakeError;

/// The field in which all of it stands.
pub const FIELD: &str = "Sec-WebSocket-Extensions";

const NAME: &[u8] = b"permessage-deflate";

/// An offer that was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// What holds from now on, as the server sees it.
    pub agreement: Agreement,
    /// The value of [`FIELD`] in the response.
    pub response: String,
}

/// A server's answer to a client's `offers`, the values of all fields named [`FIELD`]: the first one
/// that is legal and that can be kept. Whatever is illegal is declined and not an error (section 5.1).
pub fn accept<'a>(policy: Policy, offers: impl IntoIterator<Item = &'a [u8]>) -> Option<Accepted> {
    if policy == Policy::Off || !cfg!(feature = "deflate") {
        return None;
    }
    let offers = parse(offers)?;
    let mut ours = offers.iter().filter(|offer| offer.name == NAME);
    ours.find_map(|offer| accept_one(policy, Parameters::of(offer)?))
}

fn accept_one(policy: Policy, offer: Parameters) -> Option<Accepted> {
    let takes_over = policy == Policy::Takeover;
    // Only a limit that the client has named is confirmed: any window will do.
    let client_bits = offer.client_max_window_bits.flatten();
    let agreement = Agreement {
        inbound_takeover: takes_over && !offer.client_no_context_takeover,
        outbound: Context {
            window: WindowBits::new(offer.server_max_window_bits.unwrap_or(15))?,
            takeover: takes_over && !offer.server_no_context_takeover,
        },
    };
    let mut response = "permessage-deflate".to_owned();
    if !agreement.outbound.takeover {
        response.push_str("; server_no_context_takeover");
    }
    if !agreement.inbound_takeover {
        response.push_str("; client_no_context_takeover");
    }
    if let Some(bits) = offer.server_max_window_bits {
        response.push_str(&format!("; server_max_window_bits={bits}"));
    }
    if let Some(bits) = client_bits {
        response.push_str(&format!("; client_max_window_bits={bits}"));
    }
    Some(Accepted { agreement, response })
}

/// What a client offers: the value of [`FIELD`] in its request.
pub fn offer(policy: Policy) -> Option<&'static str> {
    match policy {
        Policy::NoTakeover if cfg!(feature = "deflate") => Some(
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
             client_max_window_bits",
        ),
        Policy::Takeover if cfg!(feature = "deflate") => {
            Some("permessage-deflate; client_max_window_bits")
        }
        Policy::Off | Policy::NoTakeover | Policy::Takeover => None,
    }
}

/// What a client that has made the [`offer`] of `policy` takes from a server's `response`, the values
/// of all fields named [`FIELD`]. `None`: the server does not compress.
///
/// # Errors
/// [`HandshakeError::NotOffered`] for another extension, and [`HandshakeError::BadExtension`] for
/// parameters that are illegal, that leave out what was asked for, or that ask for a window of 2^8
/// bytes, with which we cannot compress (sections 7.1.2.2 and 7.1.3).
pub fn check<'a>(
    policy: Policy,
    response: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Option<Agreement>, HandshakeError> {
    let mut chosen = parse(response).ok_or(HandshakeError::BadExtension)?.into_iter();
    let Some(extension) = chosen.next() else { return Ok(None) };
    if offer(policy).is_none() || extension.name != NAME {
        return Err(HandshakeError::NotOffered);
    }
    let agreement = match chosen.next() {
        None => Parameters::of(&extension).and_then(|parameters| agree(policy, parameters)),
        // Once is enough, and others were not offered.
        Some(_) => None,
    };
    agreement.map(Some).ok_or(HandshakeError::BadExtension)
}

fn agree(policy: Policy, response: Parameters) -> Option<Agreement> {
    let takes_over = policy == Policy::Takeover;
    if !takes_over && !response.server_no_context_takeover {
        return None;
    }
    let client_bits = match response.client_max_window_bits {
        None => 15,
        // An answer has to say how many.
        Some(bits) => bits?,
    };
    Some(Agreement {
        inbound_takeover: !response.server_no_context_takeover,
        outbound: Context {
            window: WindowBits::new(client_bits)?,
            takeover: takes_over && !response.client_no_context_takeover,
        },
    })
}

/// The parameters of an offer or a response (section 7.1).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: Option<Option<u8>>,
}

impl Parameters {
    /// `None` where one is unknown, there twice, or has a value that it must not have.
    fn of(extension: &Extension<'_>) -> Option<Parameters> {
        let mut parameters = Parameters::default();
        for Parameter { name, value } in &extension.parameters {
            let is_new = match (*name, value) {
                (b"server_no_context_takeover", None) => {
                    !std::mem::replace(&mut parameters.server_no_context_takeover, true)
                }
                (b"client_no_context_takeover", None) => {
                    !std::mem::replace(&mut parameters.client_no_context_takeover, true)
                }
                (b"server_max_window_bits", Some(value)) => {
                    let bits = window_bits(value)?;
                    parameters.server_max_window_bits.replace(bits).is_none()
                }
                (b"client_max_window_bits", None) => {
                    parameters.client_max_window_bits.replace(None).is_none()
                }
                (b"client_max_window_bits", Some(value)) => {
                    let bits = window_bits(value)?;
                    parameters.client_max_window_bits.replace(Some(bits)).is_none()
                }
                _ => false,
            };
            if !is_new {
                return None;
            }
        }
        Some(parameters)
    }
}

/// A decimal number from 8 to 15 without leading zeros (section 7.1.2.1).
fn window_bits(value: &[u8]) -> Option<u8> {
    match value {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}
