//! Pings: a server that is silent, and one that is gone without a word.

use crate::program::{Program, shown, unstamped};
use crate::web::{self, CLOSE, PING, PONG, Web, close_frame, frame};

#[test]
fn a_silent_server_is_pinged() {
    let peer = web::listen();
    let mut program = Program::connect(&["--ping-interval", "100ms", &peer.url]);
    let web = Web::accept(&peer);
    for _ in 0..3 {
        let payload = web.next();
        assert_eq!(payload.first, PING);
        web.send(frame(PONG, &payload.payload));
    }
    program.end_input();
    loop {
        let next = web.next();
        if next.first == PING {
            web.send(frame(PONG, &next.payload));
            continue;
        }
        assert_eq!((next.first, next.payload), (CLOSE, 1000_u16.to_be_bytes().to_vec()));
        break;
    }
    web.send(close_frame(1000));
    web.end();
    program.succeeds();
}

#[test]
fn a_server_that_does_not_answer_a_ping_is_given_up() {
    let peer = web::listen();
    let program = Program::connect(&["--ping-interval", "50ms", &peer.url]);
    let web = Web::accept(&peer);
    web.expect(PING, "");
    // Nothing more is sent, and nothing is answered.
    let mut rest = Vec::new();
    let _ = std::io::Read::read_to_end(&mut &web.socket, &mut rest);
    assert_eq!(shown(&rest), "");
    let ended = program.wait();
    assert_eq!(unstamped(&ended.stderr), format!("Error: {}: no answer to a ping\n", peer.url));
    assert_eq!(ended.code, Some(1));
}
