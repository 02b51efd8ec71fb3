//! Packet connections: the empty packet and the end are not the same.

use std::fs;
use std::io::{self, IoSlice};
use std::os::fd::AsRawFd as _;

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use readily::address::ListenAddress;
use readily::kernel::{Interest, Kernel, Mio, MioListener, MioStream, Read, StreamKind};
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::{TempDir, tempdir};

use crate::support::{Bench, STREAM, listener, unix};

struct Listening {
    listener: MioListener,
    directory: TempDir,
}

fn listen(bench: &mut Bench) -> Listening {
    let directory = tempdir().unwrap();
    let address = ListenAddress::UnixPacket(unix(&directory.path().join("socket")));
    let mut listener = listener(Mio::listen(&address).unwrap());
    bench.watch_listener(&mut listener);
    Listening { listener, directory }
}

fn connect(listening: &Listening) -> Socket {
    let client = Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
    let path = listening.directory.path().join("socket");
    client.connect(&SockAddr::unix(path).unwrap()).unwrap();
    client
}

fn pair(bench: &mut Bench) -> (Socket, MioStream, Listening) {
    let mut listening = listen(bench);
    let client = connect(&listening);
    let (mut stream, _) = bench.accept(&mut listening.listener);
    assert_eq!(bench.mio.kind(&stream), StreamKind::Packet);
    bench.watch_stream(&mut stream, Interest::Readable);
    (client, stream, listening)
}

/// Everything that is read until the end, with nothing left out and nothing added.
fn read_to_end(bench: &mut Bench, stream: &mut MioStream) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    let mut buffer = [0; 64];
    loop {
        match bench.read(stream, &mut buffer) {
            Read::Data(length) => packets.push(buffer[..length].to_vec()),
            Read::End => return packets,
            Read::Oversize => panic!("too long"),
            Read::Part(_) => panic!("a packet is whole"),
        }
    }
}

#[test]
fn empty_packets_are_packets_and_the_end_is_the_end() {
    let mut bench = Bench::new();
    let (client, mut stream, _listening) = pair(&mut bench);
    for packet in [&b"one"[..], b"", b"two", b""] {
        client.send(packet).unwrap();
    }
    drop(client);
    assert_eq!(read_to_end(&mut bench, &mut stream), [&b"one"[..], b"", b"two", b""]);
    assert_eq!(bench.mio.read(&mut stream, &mut [0; 8]).unwrap(), Read::End, "and stays so");
}

#[test]
fn packets_from_before_the_accept_are_told_from_the_end_as_well() {
    let mut bench = Bench::new();
    let mut listening = listen(&mut bench);
    let client = connect(&listening);
    client.send(b"").unwrap();
    client.send(b"early").unwrap();
    client.send(b"").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let (mut stream, _) = bench.accept(&mut listening.listener);
    bench.watch_stream(&mut stream, Interest::Readable);
    assert_eq!(read_to_end(&mut bench, &mut stream), [&b""[..], b"early", b""]);
}

#[test]
fn a_packet_longer_than_the_buffer_is_dropped_whole() {
    let mut bench = Bench::new();
    let (client, mut stream, _listening) = pair(&mut bench);
    client.send(&[1; 9]).unwrap();
    client.send(&[2; 8]).unwrap();
    let mut buffer = [0; 8];
    assert_eq!(bench.read(&mut stream, &mut buffer), Read::Oversize);
    assert_eq!(bench.read(&mut stream, &mut buffer), Read::Data(8));
    assert_eq!(buffer, [2; 8]);
}

#[test]
fn packets_leave_whole_the_empty_one_too() {
    let mut bench = Bench::new();
    let (client, mut stream, _listening) = pair(&mut bench);
    let mut sent = 0;
    let full = loop {
        match bench.mio.write(&mut stream, &[3; 10_000]) {
            Ok(length) => {
                assert_eq!(length, 10_000);
                sent += 1;
            }
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
    let interest = Interest::ReadableAndWritable;
    let socket = readily::kernel::Socket::Stream(&mut stream);
    bench.mio.reregister(socket, STREAM, interest).unwrap();
    bench.settle();
    let mut buffer = [0; 20_000];
    for _ in 0..sent {
        assert_eq!(io::Read::read(&mut &client, &mut buffer).unwrap(), 10_000);
    }
    bench.wait(STREAM, |r| r.writable);
    assert_eq!(bench.mio.write(&mut stream, b"").unwrap(), 0);
    assert_eq!(bench.mio.write(&mut stream, b"x").unwrap(), 1);
    assert_eq!(io::Read::read(&mut &client, &mut buffer).unwrap(), 0);
    assert_eq!(io::Read::read(&mut &client, &mut buffer).unwrap(), 1);
    bench.mio.shutdown_write(&mut stream).unwrap();
    assert_eq!(io::Read::read(&mut &client, &mut buffer).unwrap(), 0);
    drop(client);
    let error = bench.mio.write(&mut stream, b"x").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn descriptors_that_a_peer_passes_are_not_opened_here() {
    let mut bench = Bench::new();
    let (client, mut stream, _listening) = pair(&mut bench);
    // A pipe of our own is what is passed; whoever opened it again shows up as one more
    // descriptor that leads to it.
    let (reader, writer) = io::pipe().unwrap();
    let passed = [writer.as_raw_fd(); 4];
    let rights = [ControlMessage::ScmRights(&passed)];
    let data = [IoSlice::new(b"data")];
    sendmsg::<()>(client.as_raw_fd(), &data, &rights, MsgFlags::empty(), None).unwrap();
    sendmsg::<()>(client.as_raw_fd(), &[], &rights, MsgFlags::empty(), None).unwrap();
    let mut buffer = [0; 64];
    assert_eq!(bench.read(&mut stream, &mut buffer), Read::Data(4));
    assert_eq!(bench.read(&mut stream, &mut buffer), Read::Data(0));
    let target = fs::read_link(format!("/proc/self/fd/{}", reader.as_raw_fd())).unwrap();
    let open = fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter(|entry| {
            fs::read_link(entry.as_ref().unwrap().path()).is_ok_and(|link| link == target)
        })
        .count();
    assert_eq!(open, 2, "the two ends of the pipe");
}
