//! `Ok(0)` taken for "no data".

use crate::engine::Endpoint;
use crate::learn::broken::MissesTheEnd;
use crate::learn::lab::Lab;
use crate::learn::run::{Run, Verdict};
use crate::learn::stage::{PATIENCE, Stage};
use crate::reactor::{Rules, Sound};
use crate::service::Echo;

pub(super) const LAB: Lab = lab! {
    breaks MissesTheEnd;
    title: "Ok(0) taken for \"no data\"",
    mistake: "\
\"No data\" is the error WouldBlock. A read that succeeds with 0 bytes is the end: the peer has closed
its side, and nothing will ever follow. Who takes it for the former keeps the connection for ever.",
    wrong: "\
match stream.read(&mut buffer) {
    Ok(0) => break,                                   // nothing there for now
    Ok(count) => receive(&buffer[..count]),
    Err(error) if error.kind() == WouldBlock => break,
    Err(error) => return Err(error),
}",
    right: "\
    Ok(0) => return Ok(Over),                         // the end: answer what is left, then close",
    scene: "\
A server has room for 3 connections. ann, bob and cid come one after the other, say something, hear it
and leave. A minute later dana comes.",
    question: "Is there room for dana?",
    look: "\
the end: it is read three times, and each time nothing follows, no \"ended\" and no \"closed\". Real
servers run out of descriptors like this, after a day or a month.",
    place: ("src/reactor/stream_io.rs", "read_once"),
    chapter: "docs/book/edges.md",
    rung: "examples/03_slab.rs",
};

fn play<R: Rules>() -> Run {
    let mut stage = Stage::<R>::with(1, 3, vec![("echo", Box::new(Echo), Endpoint::Line)]);
    for name in ["ann", "bob", "cid"] {
        let peer = stage.enters(name, 0);
        stage.rehearses(|stage| {
            stage.says(peer, b"hi\n");
            stage.settle();
            stage.hears(peer);
        });
        stage.leaves(peer);
        stage.settle();
    }
    stage.passes(PATIENCE);
    let connections = stage.connections();
    let dana = stage.dials("dana", 0);
    stage.says(dana, b"hello\n");
    stage.settle();
    stage.hears(dana);
    let is_right = stage.heard(dana) == stage.said(dana);
    let remote = stage.remote(dana);
    let outcome = match (is_right, stage.sim().is_turned_away(remote)) {
        (true, _) => "dana was answered",
        (false, true) => "dana was turned away",
        (false, false) => "dana waits",
    };
    let words = format!(
        "A minute after ann, bob and cid had left, the server counted {connections} connections of 3, and {outcome}."
    );
    stage.end(Verdict { is_right, words })
}
