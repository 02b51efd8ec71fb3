//! What is agreed on about compression, and compressed messages through the decoder.

#[cfg(feature = "deflate")]
mod agreeing;
#[cfg(feature = "deflate")]
mod keeping;
#[cfg(feature = "deflate")]
mod messages;

use super::Policy;
use super::negotiation::{accept, check, offer};
use crate::codec::websocket::handshake::HandshakeError;

/// A server's answer to one field of offers.
fn accepted(policy: Policy, offers: &str) -> Option<String> {
    accept(policy, [offers.as_bytes()]).map(|accepted| accepted.response)
}

/// What a client makes of one field.
fn checked(policy: Policy, response: &str) -> Result<Option<(bool, u8, bool)>, HandshakeError> {
    let agreement = check(policy, [response.as_bytes()])?;
    Ok(agreement.map(|agreement| {
        let outbound = agreement.outbound();
        (agreement.inbound_takeover(), outbound.window.get(), outbound.takeover)
    }))
}

#[cfg(not(feature = "deflate"))]
#[test]
fn without_the_feature_nothing_is_agreed_on() {
    assert_eq!(accepted(Policy::Takeover, "permessage-deflate"), None);
    assert_eq!(offer(Policy::Takeover), None);
    let refused = checked(Policy::Takeover, "permessage-deflate");
    assert_eq!(refused, Err(HandshakeError::NotOffered));
}
