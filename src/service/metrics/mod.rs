//! `metrics`: how the server is, for those who look after it.
//!
//! ```text
//!   GET /metrics   the counters, as Prometheus reads them
//!   GET /healthz   200 "ok": the loop turns
//!   GET /readyz    200 "ready", or 503 while the server drains
//!   GET /          these three
//! ```
//!
//! Who asks has HTTP and nothing else, so the service has no messages. Its listener is closed last in a
//! drain.

mod exposition;
mod families;

use std::io::Write as _;

use self::exposition::Exposition;
use super::{ConnId, Context, Message, Request, Resource, Response, Service, Status};

/// Answers what orchestrators and Prometheus ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metrics;

const INDEX: &str = "/metrics\n/healthz\n/readyz\n";

impl Service for Metrics {
    fn on_message(&mut self, _: &mut Context<'_>, _: ConnId, _: Message<'_>) {}

    fn resources(&self, _: &str) -> Vec<Resource> {
        ["/", "/metrics", "/healthz", "/readyz"].map(|path| Resource::at(path, &["GET"])).into()
    }

    fn on_request(&mut self, cx: &mut Context<'_>, request: &Request<'_>, response: &mut Response) {
        response.status = Status::Ok;
        response.field("Cache-Control", "no-store");
        let body = match request.path() {
            "/metrics" => {
                response.content_type = exposition::CONTENT_TYPE;
                families::write(&cx.report(), &mut Exposition::new(response.body()));
                return;
            }
            "/healthz" => "ok\n",
            "/readyz" if cx.is_draining() => {
                response.status = Status::ServiceUnavailable;
                "draining\n"
            }
            "/readyz" => "ready\n",
            _ => INDEX,
        };
        response.body().write_all(body.as_bytes()).expect("a Vec takes everything");
    }
}
