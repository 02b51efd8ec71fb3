//! Calling services, and showing what happens to whoever looks closely.

use super::context::Context;
use super::core::{CloseStage, Closed, Core};
use super::endpoint::Binding;
use super::observer::{Detail, Observer, Sighting};
use super::state::State;
use super::{BindingId, ConnId, Engine};
use crate::protocol::Deadline;
use crate::service::Service;

/// Who is called about what.
impl<O: Observer> Engine<O> {
    /// A peer has come to the service behind a binding: on a web listener by the request `head`.
    pub(super) fn opened(&mut self, binding: BindingId, id: ConnId, head: &[u8]) {
        self.show_state(id);
        self.observer.see(binding, Some(id), Sighting::Opened { head });
        self.show_call(Some(binding), Some(id), "on_open");
        let service = &mut self.services[self.core.service_of(binding)];
        service.on_open(&mut Context::opened(&mut self.core, id, head), id);
        self.tell_closed();
    }

    /// Calls the service behind a binding about a peer; `name` is what for.
    pub(super) fn call(
        &mut self,
        binding: BindingId,
        id: ConnId,
        name: &'static str,
        call: impl FnOnce(&mut dyn Service, &mut Context<'_>),
    ) {
        self.show_call(Some(binding), Some(id), name);
        let service = &mut self.services[self.core.service_of(binding)];
        call(service.as_mut(), &mut Context::new(&mut self.core, Some(id)));
        // Hardly any call closes anybody, and this is the way of every message.
        if !self.core.closed.is_empty() {
            self.tell_closed();
        }
    }

    /// Tells services of the connections that were closed by the last call. Bounded: a service may
    /// close others when it is told, but each connection is closed once.
    pub(super) fn tell_closed(&mut self) {
        while let Some(Closed { id, binding, reason, stage }) = self.core.closed.pop_front() {
            self.show_state(id);
            if stage == CloseStage::Begun {
                self.observer.see(binding, Some(id), Sighting::Closed(&reason));
            }
            self.show_call(
                Some(binding),
                Some(id),
                match stage {
                    CloseStage::Begun => "on_close",
                    CloseStage::Over => "on_close_over",
                },
            );
            let service = &mut self.services[self.core.service_of(binding)];
            let mut context = Context::new(&mut self.core, None);
            match stage {
                CloseStage::Begun => service.on_close(&mut context, id, reason),
                CloseStage::Over => service.on_close_over(&mut context, id, reason),
            }
        }
    }
}

impl Core {
    /// Which of the services is behind a binding.
    #[inline]
    pub(super) fn service_of(&self, binding: BindingId) -> usize {
        usize::from(self.bindings[usize::from(binding.0)].service.0)
    }
}

/// Showing what happens inside, to who looks closely. Nothing of this is left where nobody does.
impl<O: Observer> Engine<O> {
    #[inline]
    pub(super) fn show_call(
        &mut self,
        binding: Option<BindingId>,
        peer: Option<ConnId>,
        call: &'static str,
    ) {
        if O::LOOKS_CLOSELY {
            self.observer.look(Detail::Called { binding, peer, call });
        }
    }

    /// A deadline of a connection has come.
    #[inline]
    pub(super) fn show_deadline(&mut self, id: ConnId, deadline: Deadline) {
        if O::LOOKS_CLOSELY {
            self.observer.look(Detail::Missed(id, deadline));
        }
    }

    /// The first binding of a service, for who looks closely.
    #[inline]
    pub(super) fn binding_of(&self, service: usize) -> Option<BindingId> {
        if !O::LOOKS_CLOSELY {
            return None;
        }
        let is_its = |binding: &Binding| usize::from(binding.service.0) == service;
        let index = self.core.bindings.iter().position(is_its)?;
        index.try_into().ok().map(BindingId)
    }

    #[inline]
    pub(super) fn show_state(&mut self, id: ConnId) {
        if O::LOOKS_CLOSELY
            && let Some(connection) = self.core.connections.get(id)
        {
            self.observer.look(Detail::State(id, State::of(connection)));
        }
    }
}
