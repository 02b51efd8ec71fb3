//! Opening the connections of a load, some at a time.

use std::sync::Arc;

use super::{BINDING, Options, source};
use crate::address::ConnectAddress;
use crate::codec::websocket::deflate::Policy;
use crate::config::TargetKind;
use crate::engine::{Context, Dial, Speaks};
use crate::protocol::OpeningRequest;

/// How many connections are made at a time: fewer than a listener has room for.
const AT_ONCE: usize = 256;

/// Makes connections.
#[derive(Debug)]
pub(super) struct Crowd {
    address: ConnectAddress,
    speaks: Speaks,
    begun: usize,
    open: usize,
    failed: usize,
}

impl Crowd {
    pub(super) fn new(options: &Options, address: ConnectAddress) -> Crowd {
        let speaks = match options.target.kind() {
            TargetKind::Tcp | TargetKind::Unix => Speaks::Bytes,
            TargetKind::Udp | TargetKind::UnixDatagram | TargetKind::UnixPacket => Speaks::Packets,
            TargetKind::WebSocket => Speaks::WebSocket(Arc::new(OpeningRequest {
                host: options.target.authority(),
                path: options.target.web_path().to_owned(),
                fields: Vec::new(),
                deflate: Policy::Off,
            })),
        };
        Crowd { address, speaks, begun: 0, open: 0, failed: 0 }
    }

    /// Begins more connections, until there are `wanted` or enough at a time.
    pub(super) fn grow(&mut self, cx: &mut Context<'_>, wanted: usize) {
        while self.begun < wanted && self.begun - self.open - self.failed < AT_ONCE {
            let (address, speaks) = (source(&self.address, self.begun), self.speaks.clone());
            cx.dial(Dial { binding: BINDING, address, speaks });
            self.begun += 1;
        }
    }

    /// A connection is there.
    pub(super) fn opened(&mut self) {
        self.open += 1;
    }

    /// A connection could not be made.
    pub(super) fn failed(&mut self) {
        self.failed += 1;
    }

    /// How many connections have been there.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// Whether it is known of so many connections whether they can be made.
    pub(super) fn is_decided(&self, wanted: usize) -> bool {
        self.open + self.failed >= wanted
    }
}
