//! Making connections, for clients, and taking in those that are there already.

use std::io;

use log::debug;

use super::readiness::Readiness;
use super::source::{Source, StreamSource};
use super::{Reactor, Rules, stream_mut, token};
use crate::engine::{BindingId, ConnId, Observer};
use crate::kernel::{Interest, Kernel, Socket, StreamKind};

/// The most connections that are begun in one turn.
const DIALS_PER_TURN: usize = 64;

impl<K: Kernel, O: Observer, R: Rules> Reactor<K, O, R> {
    /// Takes in a stream that exists already, such as a standard stream of the process, as one of
    /// the peers of `binding`.
    pub fn adopt(&mut self, stream: K::Stream, binding: BindingId) -> io::Result<ConnId> {
        let id = self.next_id();
        self.watch(id, stream, Readiness::WRITABLE)?;
        self.engine.adopt(id, binding, self.now);
        Ok(id)
    }

    /// Begins the connections that services have asked for.
    pub(super) fn dial(&mut self) {
        for _ in 0..DIALS_PER_TURN {
            let Some(dial) = self.engine.next_dial() else { break };
            let id = self.next_id();
            debug!("{id}: connecting to {}", dial.address);
            self.engine.dialing(id, dial.binding, dial.speaks, self.now);
            let begun = self.kernel.connect(&dial.address);
            if let Err(error) =
                begun.and_then(|stream| self.watch(id, stream, Readiness::CONNECTING))
            {
                debug!("{id}: {error}");
                self.engine.lost(id, error.kind(), self.now);
                self.engine.remove(id);
            }
        }
    }

    /// Something has become of a connection that was being made.
    pub(super) fn finish_dial(&mut self, id: ConnId) {
        let Some(source) = stream_mut::<K, R>(&mut self.sources, id) else { return };
        match self.kernel.is_connected(&mut source.stream) {
            // The event was about something else. There is another when it is decided.
            Ok(false) => source.readiness.clear(Readiness::WRITABLE),
            Ok(true) => {
                source.readiness.clear(Readiness::CONNECTING);
                source.readiness.set(Readiness::WRITABLE);
                self.engine.connected(id, self.now);
            }
            Err(error) => {
                debug!("{id}: {error}");
                self.engine.lost(id, error.kind(), self.now);
            }
        }
        self.flush(id);
        self.enqueue_if_readable(id);
    }

    /// Watches a stream and gives it its place in the slab; closes it where it cannot be watched.
    pub(super) fn watch(
        &mut self,
        id: ConnId,
        stream: K::Stream,
        readiness: Readiness,
    ) -> io::Result<()> {
        let kind = self.kernel.kind(&stream);
        let is_connecting = readiness.has(Readiness::CONNECTING);
        let mut source = StreamSource { stream, generation: id.generation, readiness };
        // Room to write is what a connection that is being made waits for; for the rest see
        // `watch_write`.
        let interest = if kind == StreamKind::Tcp || is_connecting {
            if kind != StreamKind::Tcp {
                source.readiness.set(Readiness::WATCHES_WRITE);
            }
            Interest::ReadableAndWritable
        } else {
            Interest::Readable
        };
        let socket = Socket::Stream(&mut source.stream);
        if let Err(error) = self.kernel.register(socket, token::pack(id), interest) {
            self.kernel.close(source.stream);
            return Err(error);
        }
        self.sources.insert(Source::Stream(source));
        Ok(())
    }
}
