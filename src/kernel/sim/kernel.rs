//! What the loop asks of the kernel, each to the file that has the answer.

use std::io;
use std::time::Duration;

use super::Sim;
use super::descriptors::Handle;
use crate::address::{ConnectAddress, PeerAddr};
use crate::kernel::{Interest, Kernel, Read, Ready, Signal, Socket, StreamKind, Token};
use crate::time::{Now, Time};

impl Kernel for Sim {
    type Listener = Handle;
    type Stream = Handle;
    type Datagram = Handle;
    type Signals = Handle;

    fn now(&mut self) -> Now {
        self.clocks()
    }

    fn time(&mut self) -> Time {
        self.now
    }

    fn poll(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        self.tally.awake += self.now - self.woken;
        self.wait(ready, timeout);
        self.woken = self.now;
        self.note(ready.len() as u64);
        Ok(())
    }

    fn register(
        &mut self,
        socket: Socket<'_, Sim>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.watch(&socket, token, interest)
    }

    fn reregister(
        &mut self,
        socket: Socket<'_, Sim>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.watch(&socket, token, interest)
    }

    fn accept(&mut self, listener: &mut Handle) -> io::Result<(Handle, PeerAddr)> {
        let accepted = self.accept_stream(listener.number);
        self.note(accepted.is_ok().into());
        accepted
    }

    fn refuse(&mut self, listener: &mut Handle) -> io::Result<PeerAddr> {
        let refused = self.refuse_stream(listener.number);
        self.note(refused.is_ok().into());
        refused
    }

    fn abort(&mut self, stream: Handle) {
        self.abort_stream(stream.number);
    }

    fn connect(&mut self, address: &ConnectAddress) -> io::Result<Handle> {
        self.connect_stream(address)
    }

    fn is_connected(&mut self, stream: &mut Handle) -> io::Result<bool> {
        self.is_stream_connected(stream.number)
    }

    fn kind(&self, stream: &Handle) -> StreamKind {
        self.kind_of(stream.number)
    }

    fn read(&mut self, stream: &mut Handle, buffer: &mut [u8]) -> io::Result<Read> {
        let read = self.read_stream(stream.number, buffer);
        self.note(match &read {
            Ok(Read::Data(count) | Read::Part(count)) => *count as u64,
            _ => u64::MAX,
        });
        read
    }

    fn write(&mut self, stream: &mut Handle, bytes: &[u8]) -> io::Result<usize> {
        let written = self.write_stream(stream.number, bytes);
        self.note(written.as_ref().map_or(u64::MAX, |count| *count as u64));
        written
    }

    fn shutdown_write(&mut self, stream: &mut Handle) -> io::Result<()> {
        self.shut_stream(stream.number)
    }

    fn close(&mut self, stream: Handle) {
        self.close_descriptor(stream.number);
    }

    fn receive_from(
        &mut self,
        socket: &mut Handle,
        buffer: &mut [u8],
    ) -> io::Result<(usize, PeerAddr)> {
        self.receive_mail(socket.number, buffer)
    }

    fn send_to(&mut self, socket: &mut Handle, payload: &[u8], to: &PeerAddr) -> io::Result<()> {
        self.send_mail(socket.number, payload, to)
    }

    fn next_signal(&mut self, _: &mut Handle) -> Option<Signal> {
        self.conduct.call();
        self.signals.pop_front()
    }
}
