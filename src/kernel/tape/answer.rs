//! What the kernel has answered, as the tape holds it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use super::bytes::{Reader, put_bytes, put_number, put_signed};
use super::call::{halves, token_of};
use crate::address::{PeerAddr, UnixName};
use crate::kernel::{LocalAddr, Ready, StreamKind};

const OK: u8 = 0;
const RAW_ERROR: u8 = 1;
const ERROR_KIND: u8 = 2;

/// Appends that a call went well.
#[inline]
pub(crate) fn put_ok(out: &mut Vec<u8>) {
    out.push(OK);
}

/// Appends that a call did not go well, and why: by its number where the system gave one, or else by
/// its kind. A text of its own is not kept; nobody decides by it.
pub(crate) fn put_error(out: &mut Vec<u8>, error: &io::Error) {
    match error.raw_os_error() {
        Some(number) => {
            out.push(RAW_ERROR);
            put_signed(out, number.into());
        }
        None => {
            let position = KINDS.iter().position(|kind| *kind == error.kind());
            out.push(ERROR_KIND);
            put_number(out, position.unwrap_or(0) as u64);
        }
    }
}

/// Whether a call went well, and the error if not.
pub(crate) fn outcome(reader: &mut Reader<'_>) -> Option<io::Result<()>> {
    Some(match reader.byte()? {
        OK => Ok(()),
        RAW_ERROR => Err(io::Error::from_raw_os_error(reader.signed()?.try_into().ok()?)),
        ERROR_KIND => Err((*KINDS.get(reader.size()?)?).into()),
        _ => return None,
    })
}

/// The kinds of errors that have no number, by their number on the tape. Others are `Other`.
const KINDS: &[io::ErrorKind] = &[
    io::ErrorKind::Other,
    io::ErrorKind::WouldBlock,
    io::ErrorKind::Interrupted,
    io::ErrorKind::ConnectionRefused,
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::ConnectionAborted,
    io::ErrorKind::NotConnected,
    io::ErrorKind::BrokenPipe,
    io::ErrorKind::AddrInUse,
    io::ErrorKind::AddrNotAvailable,
    io::ErrorKind::NetworkUnreachable,
    io::ErrorKind::HostUnreachable,
    io::ErrorKind::NotFound,
    io::ErrorKind::PermissionDenied,
    io::ErrorKind::AlreadyExists,
    io::ErrorKind::InvalidInput,
    io::ErrorKind::InvalidData,
    io::ErrorKind::TimedOut,
    io::ErrorKind::WriteZero,
    io::ErrorKind::UnexpectedEof,
    io::ErrorKind::Unsupported,
    io::ErrorKind::OutOfMemory,
    io::ErrorKind::FileTooLarge,
];

/// Appends an event: its token in two halves, and four bits.
pub(crate) fn put_ready(out: &mut Vec<u8>, ready: &Ready) {
    let Ready { token, readable, writable, read_closed, urgent } = *ready;
    let (low, high) = halves(token);
    put_number(out, low);
    put_number(out, high);
    out.push(
        u8::from(readable)
            | u8::from(writable) << 1
            | u8::from(read_closed) << 2
            | u8::from(urgent) << 3,
    );
}

pub(crate) fn ready(reader: &mut Reader<'_>) -> Option<Ready> {
    let token = token_of(reader)?;
    let bits = reader.byte()?;
    (bits < 16).then_some(Ready {
        token,
        readable: bits & 1 != 0,
        writable: bits & 2 != 0,
        read_closed: bits & 4 != 0,
        urgent: bits & 8 != 0,
    })
}

/// Appends what a stream carries.
pub(crate) fn put_kind(out: &mut Vec<u8>, kind: StreamKind) {
    out.push(match kind {
        StreamKind::Tcp => 0,
        StreamKind::Unix => 1,
        StreamKind::Packet => 2,
    });
}

pub(crate) fn kind(reader: &mut Reader<'_>) -> Option<StreamKind> {
    Some(match reader.byte()? {
        0 => StreamKind::Tcp,
        1 => StreamKind::Unix,
        2 => StreamKind::Packet,
        _ => return None,
    })
}

const V4: u8 = 4;
const V6: u8 = 6;
const NONE: u8 = 0;
const PATH: u8 = 1;
const ABSTRACT: u8 = 2;

/// Appends who has come.
pub(crate) fn put_peer(out: &mut Vec<u8>, peer: &PeerAddr) {
    match peer {
        PeerAddr::Inet { remote, local } => {
            put_inet(out, remote);
            match local {
                None => out.push(NONE),
                Some(local) => put_ip(out, local),
            }
        }
        PeerAddr::Unix(None) => out.push(NONE),
        PeerAddr::Unix(Some(name)) => put_name(out, name),
    }
}

pub(crate) fn peer(reader: &mut Reader<'_>) -> Option<PeerAddr> {
    Some(match *reader.rest().first()? {
        NONE => {
            reader.byte()?;
            PeerAddr::Unix(None)
        }
        V4 | V6 => {
            let remote = inet(reader)?;
            let local = match *reader.rest().first()? {
                NONE => reader.byte().map(|_| None)?,
                _ => Some(ip(reader)?),
            };
            PeerAddr::Inet { remote, local }
        }
        _ => PeerAddr::Unix(Some(name(reader)?)),
    })
}

/// Appends where a socket listens.
pub(crate) fn put_local(out: &mut Vec<u8>, local: &LocalAddr) {
    match local {
        LocalAddr::Inet(address) => put_inet(out, address),
        LocalAddr::Unix(name) => put_name(out, name),
    }
}

pub(crate) fn local(reader: &mut Reader<'_>) -> Option<LocalAddr> {
    Some(match *reader.rest().first()? {
        V4 | V6 => LocalAddr::Inet(inet(reader)?),
        _ => LocalAddr::Unix(name(reader)?),
    })
}

/// Appends an address and a port; of IPv6 also what else belongs to it.
pub(crate) fn put_inet(out: &mut Vec<u8>, address: &SocketAddr) {
    put_ip(out, &address.ip());
    put_number(out, address.port().into());
    if let SocketAddr::V6(v6) = address {
        put_number(out, v6.flowinfo().into());
        put_number(out, v6.scope_id().into());
    }
}

pub(crate) fn inet(reader: &mut Reader<'_>) -> Option<SocketAddr> {
    let ip = ip(reader)?;
    let port = reader.number()?.try_into().ok()?;
    Some(match ip {
        IpAddr::V4(ip) => SocketAddrV4::new(ip, port).into(),
        IpAddr::V6(ip) => SocketAddrV6::new(ip, port, reader.small()?, reader.small()?).into(),
    })
}

fn put_ip(out: &mut Vec<u8>, ip: &IpAddr) {
    match ip {
        IpAddr::V4(ip) => {
            out.push(V4);
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.push(V6);
            out.extend_from_slice(&ip.octets());
        }
    }
}

fn ip(reader: &mut Reader<'_>) -> Option<IpAddr> {
    Some(match reader.byte()? {
        V4 => Ipv4Addr::from(reader.array()?).into(),
        V6 => Ipv6Addr::from(reader.array::<16>()?).into(),
        _ => return None,
    })
}

fn put_name(out: &mut Vec<u8>, name: &UnixName) {
    match name {
        UnixName::Path(path) => {
            out.push(PATH);
            put_bytes(out, path.as_os_str().as_bytes());
        }
        UnixName::Abstract(name) => {
            out.push(ABSTRACT);
            put_bytes(out, name);
        }
    }
}

fn name(reader: &mut Reader<'_>) -> Option<UnixName> {
    Some(match reader.byte()? {
        PATH => {
            let bytes = reader.bytes()?.to_vec();
            UnixName::Path(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
        }
        ABSTRACT => UnixName::Abstract(reader.bytes()?.to_vec()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use nix::libc;

    use super::*;
    use crate::kernel::Token;

    /// Reads back what `put` writes, all of it, and nothing of a part of it.
    fn back<T: std::fmt::Debug>(
        put: impl FnOnce(&mut Vec<u8>),
        read: impl Fn(&mut Reader<'_>) -> Option<T>,
    ) -> T {
        let mut out = Vec::new();
        put(&mut out);
        for end in 0..out.len() {
            let part = read(&mut Reader::new(&out[..end], 0, 0..0));
            assert!(part.is_none(), "{part:?} of {end} bytes");
        }
        let mut reader = Reader::new(&out, 0, 0..0);
        let value = read(&mut reader).expect("it is there");
        assert!(reader.rest().is_empty());
        value
    }

    #[test]
    fn an_error_is_the_same_to_whoever_judges_it() {
        let raw = [libc::EAGAIN, libc::EMFILE, libc::ENFILE, libc::ECONNRESET, libc::EPROTO, 4095];
        let errors = raw.map(io::Error::from_raw_os_error).into_iter();
        for error in errors.chain(KINDS.iter().map(|kind| (*kind).into())) {
            let read = back(|out| put_error(out, &error), outcome);
            let read = read.expect_err("an error");
            assert_eq!(read.raw_os_error(), error.raw_os_error());
            assert_eq!(read.kind(), error.kind());
        }
        assert!(back(put_ok, outcome).is_ok());
        let unknown = io::Error::other("a text of its own");
        let read = back(|out| put_error(out, &unknown), outcome);
        assert_eq!(read.expect_err("an error").kind(), io::ErrorKind::Other);
    }

    #[test]
    fn every_address_is_read_as_it_was_written() {
        let v4: SocketAddr = "10.1.2.3:65535".parse().unwrap();
        let v6 = SocketAddr::from(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 7, u32::MAX));
        let names = [
            UnixName::Path("/tmp/a\u{fffd}".into()),
            UnixName::Path(PathBuf::new()),
            UnixName::Abstract(vec![0, 255]),
        ];
        let mut peers = vec![PeerAddr::Unix(None)];
        for remote in [v4, v6] {
            for local in [None, Some(v4.ip()), Some(v6.ip())] {
                peers.push(PeerAddr::Inet { remote, local });
            }
            let local = LocalAddr::Inet(remote);
            assert_eq!(back(|out| put_local(out, &local), super::local), local);
        }
        for name in names {
            let local = LocalAddr::Unix(name.clone());
            assert_eq!(back(|out| put_local(out, &local), super::local), local);
            peers.push(PeerAddr::Unix(Some(name)));
        }
        for one in peers {
            assert_eq!(back(|out| put_peer(out, &one), peer), one);
        }
    }

    #[test]
    fn every_event_is_read_as_it_was_written() {
        for bits in 0..16_u8 {
            let event = Ready {
                token: Token((usize::from(bits) << 32) + 200),
                readable: bits & 1 != 0,
                writable: bits & 2 != 0,
                read_closed: bits & 4 != 0,
                urgent: bits & 8 != 0,
            };
            assert_eq!(back(|out| put_ready(out, &event), ready), event);
        }
        for one in [StreamKind::Tcp, StreamKind::Unix, StreamKind::Packet] {
            assert_eq!(back(|out| put_kind(out, one), kind), one);
        }
    }
}
