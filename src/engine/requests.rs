//! HTTP requests for the resources of services.

use super::context::Context;
use super::observer::Observer;
use super::{BindingId, ConnId, Engine};
use crate::protocol::{Asked, Event, Protocol, Request, Resource, Response};

impl<O: Observer> Engine<O> {
    /// What the service behind a binding answers over HTTP, on a web listener where its WebSockets are
    /// at `path`.
    pub fn resources(&self, binding: BindingId, path: &str) -> Vec<(Resource, u16)> {
        let resources = self.services[self.core.service_of(binding)].resources(path);
        resources.into_iter().map(|resource| (resource, binding.0)).collect()
    }

    /// The subprotocols that the service behind a binding offers.
    pub fn subprotocols(&self, binding: BindingId) -> &[&str] {
        self.services[self.core.service_of(binding)].subprotocols()
    }

    /// Has a service answer a request; what comes of it for the connection. Out of line, since the table
    /// of the request's fields is large, and every WebSocket message is handled where this is called.
    #[inline(never)]
    pub(super) fn ask(
        &mut self,
        id: ConnId,
        binding: BindingId,
        asked: Asked<'_>,
    ) -> Option<Event<'static>> {
        self.show_call(Some(binding), Some(id), "on_request");
        let request = Request::new(&asked);
        let mut response = Response::new(&mut self.core.pool);
        self.core.stats.requests += 1;
        let service = &mut self.services[self.core.service_of(binding)];
        service.on_request(&mut Context::new(&mut self.core, None), &request, &mut response);
        self.tell_closed();
        let event = match self.core.wire(id) {
            Some((Protocol::Http(http), mut wire)) => Some(http.respond(&response, &mut wire)),
            _ => None,
        };
        response.recycle(&mut self.core.pool);
        asked.head.recycle(&mut self.core.pool);
        asked.body.recycle(&mut self.core.pool);
        event
    }
}
