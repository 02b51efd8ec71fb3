//! A web client before it is a WebSocket client: requests and responses (RFC 9112).
//!
//! ```text
//!    ┌───────┐ whole head   ┌─────────┐ first byte  ┌───────┐
//!    │ First │ ───────────► │ Between │ ──────────► │ Later │
//!    └───────┘  answered    └─────────┘ ◄────────── └───────┘
//!        │                       │       answered       │
//!        └───────────────────────┴──────────┬───────────┘
//!                                           ▼
//!                101: the connection is a WebSocket     error, HTTP/1.0, Connection: close:
//!                                                       answered, then closed
//! ```
//!
//! The stages differ in their deadlines: the first request has to be complete a while after
//! accept, a later one a while after its first byte, and between requests a client may idle for a
//! while. A client that trickles bytes moves none of them. (From `First`, too, a request leads to
//! `Later` where it is answered before its body has come; the end of the body leads to `Between`.)
//!
//! A request for a [`Resource`](super::Resource) is complete with its body, which is a part of it for
//! the deadline, too. Whoever asks whether to send the body is told to (100), and what is longer than a
//! message may be is refused (413) by its head. The service behind the resource is called in between:
//!
//! ```text
//!   head ──► body, if there is one ──► Event::Asked ──► the service ──► respond() ──► answered
//! ```

use super::answer::{Manner, Outcome, Refusal, answer, refuse, respond};
use super::head::HeadBuffer;
use super::resource;
use super::upload::Upload;
use super::{Asked, CloseReason, Event, Wire};
use crate::buffer::BufferPool;
use crate::codec::Payload;
use crate::codec::http::{Body, HeadKind, Persistence, Request, Response, Status, parse_request};

/// A body of this length is skipped where nobody takes it. A longer one is not worth its transport: the
/// connection is closed behind the response.
const MAX_SKIPPED_BYTES: u32 = 64 * 1024;

/// A server's side of one HTTP connection.
#[derive(Debug)]
pub struct Http {
    head: HeadBuffer,
    stage: Stage,
    /// How much of a body is still to be skipped.
    body_left: u32,
    /// A request whose body is on its way.
    upload: Option<Upload>,
    /// How the request that a service has is to be answered.
    asked: Option<Manner>,
    /// The deadline of the stage counts from the moment of the last bytes.
    is_restarted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Nothing was answered yet.
    First,
    /// Everything that was asked is answered.
    Between,
    /// A request has begun behind another, or the body of one that is answered has not ended.
    Later,
}

impl Default for Http {
    fn default() -> Self {
        Http {
            head: HeadBuffer::new(HeadKind::Request),
            stage: Stage::First,
            body_left: 0,
            upload: None,
            asked: None,
            is_restarted: false,
        }
    }
}

impl Http {
    /// Whether everything that was asked is answered, and something was.
    pub fn is_between_requests(&self) -> bool {
        self.stage == Stage::Between
    }

    /// Whether the deadline has to be counted anew; says so once.
    pub fn take_deadline_restart(&mut self) -> bool {
        std::mem::take(&mut self.is_restarted)
    }

    /// Time is up: says so (408) if a request has begun and is not answered. One whose body is nobody's was
    /// answered as soon as its head was there, and a request has one answer. (This is a missed deadline and
    /// counted as such, not a refused request as well.)
    pub fn time_out(&self, wire: &mut Wire<'_>) {
        let head = match &self.upload {
            Some(upload) => upload.head.as_slice(),
            None if self.head.has_begun() => self.head.beginning(&[]),
            None => return,
        };
        let response = Response::plain(Status::RequestTimeout, &[]);
        respond(&response, Manner::of_head(head), wire);
    }

    /// Answers the request that was [asked](Event::Asked).
    pub fn respond(
        &mut self,
        response: &resource::Response,
        wire: &mut Wire<'_>,
    ) -> Event<'static> {
        let manner = self.asked.take().expect("each request is answered once");
        response.with(|response| respond(response, manner, wire));
        let status = response.status;
        let refusal = status.is_error().then_some(Refusal { status, not_allowed: None });
        self.answered(manner, refusal)
    }

    /// Takes the next request, if it is complete, and answers it.
    ///
    /// Out of line: the table of its fields takes two KiB of stack, which would be a part of the
    /// frame in which every WebSocket message is decoded.
    #[inline(never)]
    pub(super) fn next<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        wire: &mut Wire<'_>,
    ) -> Option<Event<'a>> {
        if let Some(upload) = self.upload.take() {
            return self.collect(upload, input, wire.pool);
        }
        self.skip_body(input);
        self.note_beginning(input);
        let head = match self.head.take(input, wire.pool) {
            Ok(Some(head)) => head,
            Ok(None) => return None,
            Err(status) => {
                let manner = Manner::of_head(self.head.beginning(input));
                *input = &mut [];
                self.release(wire.pool);
                return Some(self.answered(manner, Some(refuse(status, &[], manner, wire))));
            }
        };
        let (manner, outcome, skipped) = match parse_request(head.as_slice()) {
            Ok(request) => {
                let (manner, skipped) = skip_or_close(&request);
                let outcome = answer(&request, manner, wire);
                if let Ok(Outcome::Asked { .. }) = outcome {
                    self.asked = Some(Manner::of(&request));
                }
                (manner, outcome, skipped)
            }
            Err(status) => {
                let manner = Manner::of_head(head.as_slice());
                (manner, Err(refuse(status, &[], manner, wire)), 0)
            }
        };
        let refusal = match outcome {
            Ok(Outcome::Upgraded(binding, deflate)) => {
                return Some(Event::Upgraded { binding, head, deflate });
            }
            Ok(Outcome::Asked { binding, below, length }) => {
                if length > input.len() {
                    let upload = Upload::new(binding, below, head, length, wire.pool);
                    return self.collect(upload, input, wire.pool);
                }
                let (body, rest) = std::mem::take(input).split_at_mut(length);
                *input = rest;
                let body = Payload::Borrowed(body);
                return Some(Event::Asked(binding, Box::new(Asked { below, head, body })));
            }
            Ok(Outcome::Answered) => None,
            Err(refusal) => Some(refusal),
        };
        head.recycle(wire.pool);
        self.body_left = skipped;
        if manner.persistence == Persistence::Close {
            *input = &mut [];
        }
        Some(self.answered(manner, refusal))
    }

    /// The memory held for an incomplete request, in bytes.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.head.buffered_bytes() + self.upload.as_ref().map_or(0, Upload::buffered_bytes)
    }

    /// Gives the buffers of an incomplete request back.
    pub(super) fn release(&mut self, pool: &mut BufferPool) {
        self.head.release(pool);
        if let Some(upload) = self.upload.take() {
            upload.release(pool);
        }
    }

    /// Takes what has come of a body.
    fn collect<'a>(
        &mut self,
        mut upload: Upload,
        input: &mut &'a mut [u8],
        pool: &mut BufferPool,
    ) -> Option<Event<'a>> {
        if !upload.take(input, pool) {
            self.upload = Some(upload);
            return None;
        }
        let Upload { binding, below, head, body, .. } = upload;
        let (head, body) = (Payload::Owned(head), Payload::Owned(body));
        Some(Event::Asked(binding, Box::new(Asked { below, head, body })))
    }

    /// A response is in the output, which was an error or not.
    fn answered(&mut self, manner: Manner, refusal: Option<Refusal>) -> Event<'static> {
        match (manner.persistence, refusal) {
            (Persistence::Close, None) => Event::Finished(CloseReason::Answered),
            (Persistence::Close, Some(refusal)) => Event::Finished(CloseReason::Denied(refusal)),
            (Persistence::KeepAlive, refusal) => {
                self.move_to(if self.body_left > 0 { Stage::Later } else { Stage::Between });
                self.is_restarted = true;
                Event::Answered(refusal)
            }
        }
    }

    /// Skips what is left of the body of the last request.
    fn skip_body(&mut self, input: &mut &mut [u8]) {
        if self.body_left == 0 {
            return;
        }
        let count = input.len().min(self.body_left as usize);
        *input = &mut std::mem::take(input)[count..];
        self.body_left -= u32::try_from(count).expect("it is no more than what was left");
        if self.body_left == 0 {
            self.move_to(Stage::Between);
        }
    }

    /// A request begins with its first byte, and empty lines in front of it are none of it: some
    /// clients send one behind a body.
    fn note_beginning(&mut self, bytes: &[u8]) {
        if self.stage == Stage::Between && bytes.iter().any(|byte| !b"\r\n".contains(byte)) {
            self.move_to(Stage::Later);
        }
    }

    fn move_to(&mut self, stage: Stage) {
        self.is_restarted |= self.stage != stage;
        self.stage = stage;
    }
}

/// How to answer a request whose body is nobody's, and how much of it is to be skipped: all, if that is
/// certain to work, and else nothing, because the connection ends.
fn skip_or_close(request: &Request<'_>) -> (Manner, u32) {
    let mut manner = Manner::of(request);
    let Body::Length(length) = request.body else { return (manner, 0) };
    // Who asks before it sends a body, and is answered, may send it all the same or send the
    // next request in its place (RFC 9110 section 10.1.1); and who wants a WebSocket may send
    // frames. Nobody can tell which, so nothing more is read.
    let is_certain =
        !request.has_token("Expect", "100-continue") && !request.has_token("Upgrade", "websocket");
    let short = u32::try_from(length).ok().filter(|length| *length <= MAX_SKIPPED_BYTES);
    if let Some(length) = short.filter(|_| is_certain) {
        return (manner, length);
    }
    manner.persistence = Persistence::Close;
    (manner, 0)
}
