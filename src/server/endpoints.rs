//! What is spoken at the listeners of a configuration.

use crate::codec::websocket::handshake::Subprotocols;
use crate::config::{Binding, Config, Framing, Plan, ServiceSpec, Transport};
use crate::engine::{BindingId, Endpoint, Engine, Label, Observer, StopScope};
use crate::protocol::{Route, Site};

/// What is spoken at a listener.
pub(super) fn endpoint<O: Observer>(
    config: &Config,
    plan: &Plan,
    ids: &[BindingId],
    engine: &Engine<O>,
) -> Endpoint {
    let (origins, hosts) = (config.origins.clone(), config.hosts.clone());
    let site = Site { origins, hosts, ..Site::default() };
    match plan {
        Plan::Web(paths) => Endpoint::Web(Site {
            routes: paths
                .iter()
                .map(|(_, binding)| {
                    let id = ids[*binding];
                    route(&config.bindings.as_slice()[*binding], id, engine.subprotocols(id))
                })
                .collect(),
            resources: paths
                .iter()
                .flat_map(|(path, binding)| engine.resources(ids[*binding], path))
                .collect(),
            ..site
        }),
        Plan::One(binding) => {
            let (id, served) = (ids[*binding], &config.bindings.as_slice()[*binding]);
            match served.transport() {
                Transport::Stream { framing: Framing::Lines { .. } } => Endpoint::Line(id),
                Transport::Stream { framing: Framing::Raw } => Endpoint::Raw(id),
                Transport::Packet { .. } => Endpoint::Packet(id),
                Transport::Datagram { .. } => Endpoint::Datagram(id),
                Transport::WebSocket { .. } => unreachable!("WebSocket has a plan of its own"),
                Transport::Http => Endpoint::Web(Site {
                    resources: engine.resources(id, "/"),
                    outlasts: *served.service() == ServiceSpec::Metrics,
                    ..site
                }),
            }
        }
    }
}

/// The way from a web listener to a binding, whose service offers these subprotocols.
fn route(binding: &Binding, id: BindingId, offered: &[&str]) -> Route {
    let Transport::WebSocket { path, subprotocols, deflate } = binding.transport() else {
        unreachable!("only WebSockets have a path")
    };
    let mut subprotocols = subprotocols.clone();
    if subprotocols.is_empty() && !offered.is_empty() {
        subprotocols = Subprotocols::parse(&offered.join(",")).expect("a service offers tokens");
    }
    Route {
        path: path.clone(),
        binding: id.index(),
        service: binding.service().name().to_owned(),
        parameters: binding.parameters(),
        subprotocols,
        deflate: *deflate,
    }
}

/// What people call a binding.
pub(super) fn label(binding: &Binding) -> Label {
    if *binding.transport() == Transport::Http {
        // Whoever comes there asks, and is never a peer of the binding.
        return Label::of_requests();
    }
    let (transport, service) = (binding.transport_name(), binding.service().name());
    Label { transport: transport.to_owned(), service: service.to_owned() }
}

/// What `STOP` stops at a binding.
pub(super) fn stop_scope(binding: &Binding) -> StopScope {
    match *binding.transport() {
        Transport::Stream { framing: Framing::Lines { stop } }
        | Transport::Packet { stop }
        | Transport::Datagram { stop } => stop,
        Transport::Stream { framing: Framing::Raw }
        | Transport::WebSocket { .. }
        | Transport::Http => StopScope::Connection,
    }
}
