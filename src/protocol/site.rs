//! What a web listener offers: which path leads to which binding, and who may come.

use super::resource::Resource;
use crate::access::{HostPolicy, OriginPolicy};
use crate::codec::http::parse_request;
use crate::codec::websocket::deflate::Policy;
use crate::codec::websocket::handshake::Subprotocols;

/// A path of a web listener and the binding behind it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Route {
    /// The path, decoded, with its leading `/`.
    pub path: String,
    /// The index of the binding.
    pub binding: u16,
    /// The name of its service, for the page.
    pub service: String,
    /// The parameters of the binding that differ from their defaults, for the page.
    pub parameters: Vec<(&'static str, String)>,
    /// Whether clients that offer to compress may.
    pub deflate: Policy,
    /// What its clients may choose to speak.
    pub subprotocols: Subprotocols,
}

/// One web listener: the WebSocket paths and the resources on it, and the checks in front of them.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// The WebSocket paths.
    pub routes: Vec<Route>,
    /// The resources, with the index of the binding that each belongs to.
    pub resources: Vec<(Resource, u16)>,
    /// Which origins a browser may come from.
    pub origins: OriginPolicy,
    /// Which hosts may be asked for.
    pub hosts: HostPolicy,
    /// Whether it is for those who look after the server, and so goes on while that drains.
    pub outlasts: bool,
}

impl Site {
    /// The route of `path` (decoded).
    pub fn route(&self, path: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.path == path)
    }

    /// The resource of `path` (decoded), and its binding: of several the one that is named most
    /// exactly.
    pub fn resource(&self, path: &str) -> Option<(&Resource, u16)> {
        let matching = self
            .resources
            .iter()
            .filter_map(|(resource, binding)| Some((resource.matches(path)?, resource, *binding)));
        let (_, resource, binding) = matching.max_by_key(|(length, ..)| *length)?;
        Some((resource, binding))
    }

    /// The subprotocol that a client of `binding` speaks, whose handshake was this head. It follows
    /// from what both want, so nobody has to keep it.
    pub fn subprotocol<'a>(&self, binding: u16, head: &'a [u8]) -> Option<&'a str> {
        let route = self.routes.iter().find(|route| route.binding == binding)?;
        if route.subprotocols.is_empty() {
            return None;
        }
        route.subprotocols.choose(&parse_request(head).ok()?).ok().flatten()
    }
}
