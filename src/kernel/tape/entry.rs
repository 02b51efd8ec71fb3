//! A whole entry: call and answer, as the [table](super) says.

use super::answer;
use super::bytes::{put_bytes, put_number, put_signed};
use super::call::signal_number;
use super::last::Last;
use crate::kernel::{Answer, Carried, Step};

/// Appends a step. `last` is what came before, and is kept.
#[inline]
pub(crate) fn put(out: &mut Vec<u8>, step: &Step<'_>, last: &mut Last) {
    step.call.encode(out);
    match &step.answer {
        Answer::Failed(error) => answer::put_error(out, error),
        answer => {
            answer::put_ok(out);
            put_answer(out, step.carried, answer, last);
        }
    }
    // What the loop has named otherwise than by number, whatever the answer.
    match step.carried {
        Carried::Datagram(payload, to) => {
            answer::put_peer(out, to);
            last.put_sent(out, payload);
        }
        Carried::Target(address) => put_bytes(out, address.to_string().as_bytes()),
        Carried::Listen(address) => put_bytes(out, address.to_string().as_bytes()),
        Carried::Bytes(_) | Carried::Socket(_) | Carried::Nothing => {}
    }
}

#[inline]
fn put_answer(out: &mut Vec<u8>, carried: Carried<'_>, answer: &Answer<'_>, last: &mut Last) {
    match *answer {
        Answer::Done | Answer::Failed(_) => {}
        Answer::Ready(events) => {
            put_number(out, events.len() as u64);
            for event in events {
                answer::put_ready(out, event);
            }
        }
        Answer::Now(now) => {
            let (wall, before) = (now.wall, last.now.wall);
            put_number(out, now.time.as_nanos().wrapping_sub(last.now.time.as_nanos()));
            put_signed(out, wall.unix_seconds.wrapping_sub(before.unix_seconds));
            put_signed(out, wall.offset_seconds.wrapping_sub(before.offset_seconds).into());
            last.now = now;
        }
        Answer::Time(time) => {
            put_number(out, time.as_nanos().wrapping_sub(last.now.time.as_nanos()));
            last.now.time = time;
        }
        Answer::Accepted(kind, peer) => {
            answer::put_kind(out, kind);
            answer::put_peer(out, peer);
        }
        Answer::Refused(peer) => answer::put_peer(out, peer),
        Answer::Connecting(kind) => answer::put_kind(out, kind),
        Answer::Connected(is_connected) => put_number(out, is_connected.into()),
        Answer::Data(bytes) => {
            put_number(out, 0);
            last.put_received(out, bytes);
        }
        Answer::Part(bytes) => {
            put_number(out, 1);
            last.put_received(out, bytes);
        }
        Answer::Oversize => put_number(out, 2),
        Answer::End => put_number(out, 3),
        Answer::Taken(count) => {
            let Carried::Bytes(bytes) = carried else { unreachable!("a write carries bytes") };
            last.put_sent(out, &bytes[..count]);
        }
        Answer::Datagram(payload, from) => {
            last.put_received(out, payload);
            answer::put_peer(out, from);
        }
        Answer::Signal(signal) => put_number(out, signal_number(signal)),
        Answer::Limit(limit) => {
            for number in [limit.soft, limit.hard, limit.before] {
                put_number(out, number);
            }
        }
        Answer::Count(count) => put_number(out, count),
        Answer::Listening(local, replaced_stale) => {
            answer::put_local(out, local);
            put_number(out, replaced_stale.into());
        }
        Answer::Addresses(addresses) => {
            put_number(out, addresses.len() as u64);
            for address in addresses {
                answer::put_inet(out, address);
            }
        }
    }
}
