//! What a web listener offers: which path leads to which binding, and who may come.

use crate::access::{HostPolicy, OriginPolicy};

/// A path of a web listener and the binding behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// The path, decoded, with its leading `/`.
    pub path: String,
    /// The index of the binding.
    pub binding: u16,
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
    /// The binding that `path` (decoded) leads to.
    pub fn binding(&self, path: &str) -> Option<u16> {
        self.routes.iter().find(|route| route.path == path).map(|route| route.binding)
    }
}
