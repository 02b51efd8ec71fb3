//! A pong goes ahead of what a write had no room for, also where the write before it took everything.

use readily::codec::websocket as frames;
use readily::engine::{Endpoint, Limits};
use readily::kernel::sim::{Received, Remote, Weather};
use readily::protocol::{Route, Site};
use readily::service::Echo;

use crate::house::{House, bind};
use crate::script::upgrade;
use crate::support::SWITCHING;

#[test]
fn a_pong_goes_ahead_of_what_there_was_no_room_for_at_all() {
    let mut house = House::new(Limits::default(), Weather::CALM, |engine| {
        let binding = bind(engine, Echo).index();
        let route = Route { path: "/ws".to_owned(), binding, ..Route::default() };
        vec![Endpoint::Web(Site { routes: vec![route], ..Site::default() })]
    });
    let remote = house.come(0);
    house.say(remote, &upgrade("/ws", ""));
    assert_eq!(hear(&mut house, remote), SWITCHING);

    // Its echo is just what the kernel takes.
    let filling = vec![b'f'; Weather::CALM.capacity - 4];
    for frame in [
        frame(|out, mask| frames::encode_binary(out, &filling, mask)),
        frame(|out, mask| frames::encode_text(out, b"waits", mask)),
        frame(|out, mask| frames::encode_ping(out, b"alive?", mask)),
    ] {
        house.say(remote, &frame);
        house.settle();
    }
    let mut heard = hear(&mut house, remote);
    heard.extend(hear(&mut house, remote));
    assert_eq!(heard.split_off(Weather::CALM.capacity), b"\x8a\x06alive?\x81\x05waits");
}

fn frame(encode: impl FnOnce(&mut Vec<u8>, Option<[u8; 4]>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out, Some([1, 2, 3, 4]));
    out
}

/// What has come, once the server has done all it can.
fn hear(house: &mut House, remote: Remote) -> Vec<u8> {
    house.settle();
    match house.hear(remote) {
        Received::Data(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}
