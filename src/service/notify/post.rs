//! Publishing over HTTP.

use std::io::Write as _;

use super::{Notify, Wrong};
use crate::service::{Context, Message, Request, Response, Status};

/// What stands in front of the topic.
pub(super) const PATH: &str = "/notify/";

impl Notify {
    /// Publishes the body of a request, if the request says that it may.
    pub(super) fn post(
        &mut self,
        cx: &mut Context<'_>,
        request: &Request<'_>,
        response: &mut Response,
    ) {
        let authorization = request.field("authorization").unwrap_or_default();
        if !self.publish_token.as_ref().is_some_and(|token| token.is_named_by(authorization)) {
            response.status = Status::Forbidden;
            return;
        }
        let (status, body) = (&mut response.status, request.body());
        let text = Message::binary(body).to_line().ok_or(Wrong::NotText);
        match text.and_then(|text| self.publish(cx, request.below(), text)) {
            Ok(count) => {
                *status = Status::Ok;
                writeln!(response.body(), "{count}")
            }
            Err(wrong) => {
                *status = Status::BadRequest;
                writeln!(response.body(), "{wrong}")
            }
        }
        .expect("a Vec takes everything");
    }
}
