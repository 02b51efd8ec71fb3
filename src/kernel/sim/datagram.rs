//! Datagram sockets: what comes is a list of messages, and what is answered is another.

use std::collections::VecDeque;
use std::io;

use nix::libc;

use super::descriptors::{Handle, What};
use super::{Happening, Sim, error};
use crate::address::PeerAddr;

/// A datagram socket, as those know it who send to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Mailbox(usize);

/// What a datagram socket has.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) descriptor: Option<usize>,
    pub(super) inbox: VecDeque<(Vec<u8>, PeerAddr)>,
    outbox: VecDeque<(Vec<u8>, PeerAddr)>,
}

impl Sim {
    /// A datagram socket, and how to get to it.
    pub fn datagram(&mut self) -> (Handle, Mailbox) {
        let mailbox = self.post.len();
        let handle = self.descriptors.open(What::Datagram(mailbox));
        let descriptor = Some(handle.number);
        self.post.push(Post { descriptor, inbox: VecDeque::new(), outbox: VecDeque::new() });
        (handle, Mailbox(mailbox))
    }

    /// Sends a datagram, which may be lost, and may be overtaken by a later one.
    pub fn post(&mut self, to: Mailbox, payload: &[u8], from: PeerAddr) {
        if !self.strikes(self.weather.datagram_loss) {
            let arrival = self.now + self.up_to(self.weather.latency);
            self.enter(arrival, Happening::Mail(to.0, payload.to_vec(), from));
        }
    }

    /// The next datagram that the loop has sent from this socket, and to whom.
    pub fn next_answer(&mut self, from: Mailbox) -> Option<(Vec<u8>, PeerAddr)> {
        self.post[from.0].outbox.pop_front()
    }

    pub(super) fn receive_mail(
        &mut self,
        number: usize,
        buffer: &mut [u8],
    ) -> io::Result<(usize, PeerAddr)> {
        let mailbox = self.mailbox_of(number);
        if self.call() {
            return Err(error(libc::EINTR));
        }
        let is_announced = self.descriptors.get_mut(number).may_read;
        self.conduct.demand(is_announced, "receives, and no event has said so");
        let has_some = !self.post[mailbox].inbox.is_empty();
        if has_some && self.strikes(self.weather.not_yet) {
            let later = self.later();
            self.enter(later, Happening::WakeMailbox(mailbox));
        } else if let Some((payload, from)) = self.post[mailbox].inbox.pop_front() {
            self.conduct.progress();
            if payload.len() > buffer.len() {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            buffer[..payload.len()].copy_from_slice(&payload);
            self.tally.datagrams += 1;
            self.tally.datagram_bytes += payload.len() as u64;
            self.note(payload.len() as u64);
            return Ok((payload.len(), from));
        }
        self.descriptors.get_mut(number).may_read = false;
        Err(io::ErrorKind::WouldBlock.into())
    }

    pub(super) fn send_mail(
        &mut self,
        number: usize,
        payload: &[u8],
        to: &PeerAddr,
    ) -> io::Result<()> {
        let mailbox = self.mailbox_of(number);
        self.call();
        if self.strikes(self.weather.datagram_loss) {
            self.tally.answers_lost += 1;
            return Err(error(libc::ENOBUFS));
        }
        self.tally.answers += 1;
        self.tally.answer_bytes += payload.len() as u64;
        self.has_news = true;
        self.post[mailbox].outbox.push_back((payload.to_vec(), to.clone()));
        Ok(())
    }

    fn mailbox_of(&mut self, number: usize) -> usize {
        match self.descriptors.get_mut(number).what {
            What::Datagram(mailbox) => mailbox,
            other => panic!("{other:?} is no datagram socket"),
        }
    }
}
