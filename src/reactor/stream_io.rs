//! Moving bytes between a stream and the engine.

use std::io;

use super::readiness::Readiness;
use super::{Reactor, Rules, stream_mut, token};
use crate::engine::{CloseStep, ConnId, Observer};
use crate::kernel::{Interest, Kernel, Read, Socket, StreamKind};

/// How many packets of one connection are read, and how many are written, in a turn. A stream
/// moves many messages in one operation; packets come and go one by one.
const PACKETS_PER_TURN: usize = 64;

impl<K: Kernel, O: Observer, R: Rules> Reactor<K, O, R> {
    /// Serves one ready stream: one read (of packets: some), and at once one write of what came of
    /// it, while it is hot.
    pub(super) fn serve_stream(&mut self, id: ConnId) {
        let most = if R::READ_ONCE_A_TURN { PACKETS_PER_TURN } else { usize::MAX };
        for _ in 0..most {
            if !self.read_once(id) {
                break;
            }
        }
        self.flush(id);
        if R::GO_ON_AFTER_BUDGET {
            self.enqueue_if_readable(id);
        }
    }

    /// Puts a stream back on the ready queue if there is more to read and the engine wants it.
    pub(super) fn enqueue_if_readable(&mut self, id: ConnId) {
        if let Some(source) = stream_mut::<K, R>(&mut self.sources, id)
            && source.readiness.has(Readiness::READABLE)
            && !source.readiness.has(Readiness::CLOSING)
            && self.engine.wants_read(id)
        {
            self.enqueue(id);
        }
    }

    /// Reads once and hands over what came. Returns whether to read again within this turn.
    fn read_once(&mut self, id: ConnId) -> bool {
        let Some(source) = stream_mut::<K, R>(&mut self.sources, id) else { return false };
        if !source.readiness.has(Readiness::READABLE)
            || source.readiness.has(Readiness::CLOSING)
            || !self.engine.wants_read(id)
        {
            return false;
        }
        if self.engine.is_full() {
            self.engine.read_waits(id, self.now);
            return false;
        }
        let is_packets = self.kernel.kind(&source.stream) == StreamKind::Packet;
        match self.kernel.read(&mut source.stream, &mut self.read_buffer) {
            Ok(read @ (Read::Data(count) | Read::Part(count))) => {
                let is_short = read == Read::Data(count) && count < self.read_buffer.len();
                let is_dry_by_length = !is_packets || !R::READ_ALL_PACKETS;
                if is_short && is_dry_by_length && source.readiness.short_read_is_dry() {
                    source.readiness.read_dry();
                }
                self.engine.receive(id, &mut self.read_buffer[..count], self.now);
                is_packets || !R::READ_ONCE_A_TURN
            }
            Ok(Read::Oversize) => {
                self.engine.stats_mut().oversize += 1;
                is_packets
            }
            Ok(Read::End) => {
                source.readiness.read_dry();
                if R::HEED_END {
                    self.engine.receive_eof(id, self.now);
                }
                false
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => {
                    if R::HEED_WOULD_BLOCK {
                        source.readiness.read_dry();
                    }
                    false
                }
                // Stays readable, and so on the ready queue.
                io::ErrorKind::Interrupted if R::RETRY_INTERRUPTED => false,
                io::ErrorKind::Interrupted => {
                    source.readiness.read_dry();
                    false
                }
                kind => {
                    source.readiness.read_dry();
                    self.engine.lost(id, kind, self.now);
                    false
                }
            },
        }
    }

    /// Writes what is queued for a stream, as far as it goes, and takes the steps to its end.
    pub(super) fn flush(&mut self, id: ConnId) {
        self.engine.clear_dirty(id);
        let Some(source) = stream_mut::<K, R>(&mut self.sources, id) else { return };
        if source.readiness.has(Readiness::CLOSING) {
            return;
        }
        let kind = self.kernel.kind(&source.stream);
        let mut failure = None;
        // A stream's output is one piece and written at once; what remains waits for room.
        for _ in 0..PACKETS_PER_TURN {
            if !source.readiness.has(Readiness::WRITABLE) {
                break;
            }
            let Some(output) = self.engine.output(id) else { break };
            let length = output.len();
            match self.kernel.write(&mut source.stream, output) {
                Ok(count) => {
                    if count < length {
                        source.readiness.clear(Readiness::WRITABLE);
                    }
                    let count = if R::KEEP_TAIL_OF_WRITE { count } else { length };
                    self.engine.wrote(id, count, self.now);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => {
                        source.readiness.clear(Readiness::WRITABLE);
                        self.engine.blocked(id);
                    }
                    io::ErrorKind::Interrupted => break,
                    kind => {
                        failure = Some(kind);
                        break;
                    }
                },
            }
        }
        let has_room = source.readiness.has(Readiness::WRITABLE);
        if let Some(kind) = failure {
            self.write_failed(id, kind);
        }
        let has_output = self.engine.output(id).is_some();
        if has_output && has_room {
            // Interrupted, or too many packets for one turn.
            self.engine.mark_dirty(id);
        }
        if R::WATCH_FOR_ROOM {
            self.watch_write(id, kind, has_output && !has_room);
        }
        self.close_step(id);
    }

    /// The peer takes nothing any more. If the engine wants to know why, the next read tells.
    fn write_failed(&mut self, id: ConnId, error: io::ErrorKind) {
        if self.engine.write_failed(id, error, self.now)
            && let Some(source) = stream_mut::<K, R>(&mut self.sources, id)
        {
            source.readiness.set(Readiness::READABLE);
            self.enqueue_if_readable(id);
        }
    }

    /// Watches a UNIX socket for room to write only while output waits for it: there every read of
    /// the peer raises a writable event of its own, which would double the wake-ups. TCP raises it
    /// only for who has met the end of the room, and is registered once for both.
    fn watch_write(&mut self, id: ConnId, kind: StreamKind, is_blocked: bool) {
        let Some(source) = stream_mut::<K, R>(&mut self.sources, id) else { return };
        let is_watched = source.readiness.has(Readiness::WATCHES_WRITE);
        if kind == StreamKind::Tcp || is_watched == is_blocked {
            return;
        }
        let interest = if is_blocked {
            source.readiness.set(Readiness::WATCHES_WRITE);
            Interest::ReadableAndWritable
        } else {
            source.readiness.clear(Readiness::WATCHES_WRITE);
            Interest::Readable
        };
        let socket = Socket::Stream(&mut source.stream);
        if let Err(error) = self.kernel.reregister(socket, token::pack(id), interest) {
            self.engine.lost(id, error.kind(), self.now);
        }
    }

    /// Ends our side, or has the socket closed at the end of the turn, when it is time.
    fn close_step(&mut self, id: ConnId) {
        let Some(source) = stream_mut::<K, R>(&mut self.sources, id) else { return };
        match self.engine.poll_close(id) {
            None => {}
            Some(CloseStep::ShutdownWrite) => {
                if let Err(error) = self.kernel.shutdown_write(&mut source.stream) {
                    self.write_failed(id, error.kind());
                    self.close_step(id);
                }
            }
            Some(CloseStep::Close) => {
                source.readiness.set(Readiness::CLOSING);
                if R::FREE_AT_END_OF_TURN {
                    self.closing.push(id.index as usize);
                } else {
                    self.free(id.index as usize);
                }
            }
        }
    }
}
