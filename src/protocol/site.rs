//! What a web listener offers: which path leads to which binding, and who may come.

use crate::access::{HostPolicy, OriginPolicy};
use crate::codec::websocket::deflate::Policy;

/// A path of a web listener and the binding behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// The path, decoded, with its leading `/`.
    pub path: String,
    /// The index of the binding.
    pub binding: u16,
    /// Whether clients that offer to compress may.
    pub deflate: Policy,
}

/// One web listener: the WebSocket paths on it, and the checks in front of them.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// The WebSocket paths.
    pub routes: Vec<Route>,
    /// Which origins a browser may come from.
    pub origins: OriginPolicy,
    /// Which hosts may be asked for.
    pub hosts: HostPolicy,
}

impl Site {
    /// The route of `path` (decoded).
    pub fn route(&self, path: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.path == path)
    }
}
