//! Every service on every transport, over real sockets.
//!
//! The same questions are asked everywhere, and the replies are compared to the byte: a newline
//! behind them on streams, nothing behind them in datagrams, packets and WebSocket messages.

#[allow(unreachable_pub, reason = "each test file is a crate of its own")]
mod support;

#[path = "support/client.rs"]
mod client;

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use tempfile::TempDir;
use tungstenite::Message;

use client::{Client, places};
use support::ipv6::has_ipv6;
use support::{PATIENCE, Server, readily, rest};

/// `service` at every kind of place, with `parameters` behind each URL.
fn serve_everywhere(service: &str, parameters: &str) -> (TempDir, Server) {
    serve_where(service, parameters, |_| true)
}

/// The same for the places that `wanted` says.
fn serve_where(service: &str, parameters: &str, wanted: fn(&str) -> bool) -> (TempDir, Server) {
    let dir = tempfile::tempdir().expect("a directory");
    let bindings: Vec<String> = places(dir.path())
        .into_iter()
        .filter(|place| wanted(place))
        .map(|place| format!("{service}={place}{parameters}"))
        .collect();
    let server = Server::start(&bindings.iter().map(String::as_str).collect::<Vec<_>>());
    (dir, server)
}

fn is_stream(url: &str) -> bool {
    url.starts_with("tcp") || url.starts_with("unix:")
}

fn is_datagram(url: &str) -> bool {
    url.starts_with("udp") || url.starts_with("unixgram")
}

fn is_web(url: &str) -> bool {
    url.starts_with("ws")
}

/// Asks a fresh client of each binding `question`; the reply must be `answer`.
fn everyone_answers(server: &Server, question: &[u8], answer: &[u8]) {
    for url in &server.urls {
        println!("{url}");
        let mut client = Client::connect(url);
        client.send(question);
        client.expect(answer);
    }
}

#[test]
fn the_table_of_places_has_every_transport() {
    let (_dir, server) = serve_everywhere("echo", "");
    let mut schemes: Vec<_> =
        server.urls.iter().map(|url| url.split("://").next().expect("a scheme")).collect();
    schemes.dedup();
    schemes.sort_unstable();
    schemes.dedup();
    let mut all = vec!["tcp", "tcp4", "udp", "udp4", "unix", "unixgram", "unixpacket", "ws"];
    all.push("ws+unix");
    if has_ipv6() {
        all.extend(["tcp6", "udp6"]);
    }
    all.sort_unstable();
    assert_eq!(schemes, all);
}

#[test]
fn echo_gives_every_message_back_everywhere() {
    let (_dir, server) = serve_everywhere("echo", "");
    let long = b"0123456789abcdef".repeat(3_000);
    for url in &server.urls {
        println!("{url}");
        let mut client = Client::connect(url);
        for message in [
            b"hello".as_slice(),
            b"",
            b" two words ",
            b"a b\r",
            "na\u{ef}ve \u{1f600}".as_bytes(),
            b"\0\x01\x7f",
            b"\xff\xfe\x80",
            b"stop",
            b"%s%n",
            &long,
        ] {
            client.send(message);
            client.expect(message);
        }
        if !is_stream(url) {
            for message in [b"two\nlines\n".as_slice(), b"\n", b"\r\n"] {
                client.send(message);
                client.expect(message);
            }
        }
    }
}

#[test]
fn echo_answers_one_message_at_a_time_with_many_under_way() {
    let (_dir, server) = serve_everywhere("echo", "");
    for url in &server.urls {
        println!("{url}");
        let mut client = Client::connect(url);
        let messages: Vec<String> = (0..8).map(|number| format!("message {number}")).collect();
        for message in &messages {
            client.send(message.as_bytes());
        }
        for message in &messages {
            client.expect(message.as_bytes());
        }
    }
}

#[test]
fn echo_keeps_text_text_and_binary_binary() {
    let (_dir, server) = serve_where("echo", "", is_web);
    for url in &server.urls {
        let mut client = Client::connect(url);
        for message in [
            Message::text("text"),
            Message::text(""),
            Message::text("na\u{ef}ve\n"),
            Message::binary(b"text".to_vec()),
            Message::binary(Vec::new()),
            Message::binary(vec![0xff; 70_000]),
            Message::text("x".repeat(70_000)),
        ] {
            client.web().send(message.clone()).expect("sends");
            assert_eq!(client.web().read().expect("a message"), message);
        }
    }
}

#[test]
fn services_of_text_answer_binary_messages_with_text() {
    for service in ["time", "count", "random"] {
        let (_dir, server) = serve_where(service, "", is_web);
        for url in &server.urls {
            let mut client = Client::connect(url);
            client.web().send(Message::binary(b"?".to_vec())).expect("sends");
            let reply = client.web().read().expect("a message");
            assert!(reply.is_text(), "{service} answers {reply:?}");
        }
    }
}

/// What a clock said, as seconds since 1970, if it is the notation of RFC 3339 to the byte.
fn read_rfc3339(text: &str, offset: &str) -> Option<i64> {
    let local = text.strip_suffix(offset)?;
    let shape: String =
        local.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    if shape != "0000-00-00T00:00:00" {
        return None;
    }
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

fn unix_seconds() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(now.as_secs()).expect("not the far future")
}

#[test]
fn time_tells_local_time_with_its_offset_everywhere() {
    // The signs of POSIX zones point west.
    for (zone, offset) in
        [("UTC", "Z"), ("XYZ-2", "+02:00"), ("NST+3:30", "-03:30"), ("NPT-5:45", "+05:45")]
    {
        let dir = tempfile::tempdir().expect("a directory");
        let places = places(dir.path());
        let mut command = readily();
        command.env("TZ", zone).arg("serve");
        command.args(places.iter().map(|place| format!("time={place}")));
        let server = Server::spawn(command, places.len());
        for url in &server.urls {
            println!("{zone} {url}");
            let mut client = Client::connect(url);
            for question in [b"what time is it".as_slice(), b"", b"\xff"] {
                let before = unix_seconds();
                let reply = String::from_utf8(client.ask(question)).expect("text");
                let after = unix_seconds();
                let text = if is_stream(url) {
                    reply.strip_suffix('\n').expect("a line")
                } else {
                    reply.as_str()
                };
                let told = read_rfc3339(text, offset);
                assert!(
                    told.is_some_and(|told| (before..=after).contains(&told)),
                    "{text:?} in {zone}, between {before} and {after}"
                );
            }
        }
    }
}

#[test]
fn random_stays_in_the_default_range_everywhere() {
    let (_dir, server) = serve_everywhere("random", "");
    for url in &server.urls {
        println!("{url}");
        let mut client = Client::connect(url);
        for question in [b"hello".as_slice(), b"", b"7", b"1 2 3", b" ", b"\xff"] {
            let reply = String::from_utf8(client.ask(question)).expect("text");
            let number = if is_stream(url) {
                reply.strip_suffix('\n').expect("a line")
            } else {
                reply.as_str()
            };
            let value: i64 = number.parse().unwrap_or_else(|_| panic!("{number:?}"));
            assert!((1..=1000).contains(&value), "{value}");
            assert_eq!(number, value.to_string(), "no sign, no zeros in front");
        }
    }
}

#[test]
fn random_takes_its_range_from_the_binding_everywhere() {
    for bound in ["5", "-7", "9223372036854775807", "-9223372036854775808"] {
        let (_dir, server) = serve_everywhere("random", &format!("?min={bound}&max={bound}"));
        everyone_answers(&server, b"?", bound.as_bytes());
    }
}

#[test]
fn random_reaches_both_ends_of_its_range() {
    let server = Server::start(&["random=tcp://127.0.0.1:0?min=-1&max=1"]);
    let mut client = Client::connect(&server.urls[0]);
    let mut seen = [0; 3];
    // The chance that one of three never shows in 300 is 3 in 10^53.
    for _ in 0..300 {
        match client.ask(b"").as_slice() {
            b"-1\n" => seen[0] += 1,
            b"0\n" => seen[1] += 1,
            b"1\n" => seen[2] += 1,
            other => panic!("{}", other.escape_ascii()),
        }
    }
    assert!(seen.iter().all(|&count| count > 0), "{seen:?}");
}

#[test]
fn random_serves_a_range_for_one_reply_and_outlives_a_wrong_one_everywhere() {
    const NO_INTEGERS: &str = "ERR MIN and MAX must be integers of 64 bits";
    const WRONG_ORDER: &str = "ERR MIN is greater than MAX";
    let (_dir, server) = serve_everywhere("random", "?min=3&max=3");
    for url in &server.urls {
        println!("{url}");
        let mut client = Client::connect(url);
        for (question, answer) in [
            ("42 42", "42"),
            ("", "3"),
            ("-42 -42", "-42"),
            ("\t 8   8 \r", "8"),
            ("9223372036854775807 9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808 -9223372036854775808", "-9223372036854775808"),
            ("2 1", WRONG_ORDER),
            ("1 x", NO_INTEGERS),
            ("x 1", NO_INTEGERS),
            ("1.5 2", NO_INTEGERS),
            ("1 9223372036854775808", NO_INTEGERS),
            ("-9223372036854775809 1", NO_INTEGERS),
            ("hello world", NO_INTEGERS),
            ("still here", NO_INTEGERS),
            ("1 2 3", "3"),
            ("42", "3"),
        ] {
            println!("  {question:?}");
            client.send(question.as_bytes());
            client.expect(answer.as_bytes());
        }
        let whole = format!("{} {}", i64::MIN, i64::MAX);
        let reply = String::from_utf8(client.ask(whole.as_bytes())).expect("text");
        assert!(reply.trim_end().parse::<i64>().is_ok(), "{reply:?}");
    }
}

#[test]
fn count_tells_how_many_clients_came_so_far() {
    let (_dir, server) = serve_where("count", "", |place| !is_datagram(place));
    for url in &server.urls {
        println!("{url}");
        let mut first = Client::connect(url);
        for _ in 0..2 {
            first.send(b"?");
            first.expect(b"Client number: 1");
        }
        let mut second = Client::connect(url);
        second.send(b"");
        second.expect(b"Client number: 2");
        first.send(b"?");
        first.expect(b"Client number: 2");
        drop(second);
        let mut third = Client::connect(url);
        third.send(b"?");
        third.expect(b"Client number: 3");
        first.send(b"?");
        first.expect(b"Client number: 3");
    }
}

#[test]
fn count_keeps_a_clients_own_number_where_that_is_asked_for() {
    let (_dir, server) = serve_where("count", "?number=own", |place| !is_datagram(place));
    for url in &server.urls {
        println!("{url}");
        let mut clients: Vec<Client> = Vec::new();
        for number in 1..=3 {
            clients.push(Client::connect(url));
            for (client, own) in clients.iter_mut().zip(1..=number) {
                client.send(b"?");
                client.expect(format!("Client number: {own}").as_bytes());
            }
        }
        drop(clients.remove(0));
        let mut fourth = Client::connect(url);
        fourth.send(b"?");
        fourth.expect(b"Client number: 4");
        clients[0].send(b"?");
        clients[0].expect(b"Client number: 2");
    }
}

#[test]
fn count_counts_messages_where_nobody_connects() {
    let (_dir, server) = serve_where("count", "", is_datagram);
    for url in &server.urls {
        println!("{url}");
        let (mut first, mut second) = (Client::connect(url), Client::connect(url));
        let mut number = 0;
        for _ in 0..3 {
            for client in [&mut first, &mut second] {
                number += 1;
                client.send(b"");
                client.expect(format!("Client number: {number}").as_bytes());
            }
        }
    }
}

#[test]
fn count_knows_a_web_client_from_the_upgrade_on() {
    let server = Server::start(&["count=ws://127.0.0.1:0/ws", "count=ws://127.0.0.1:0/other"]);
    // Two that never ask for an upgrade, and one that is at another path.
    let _silent = server.connect(0);
    let mut page = server.connect(0);
    page.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("writes");
    support::expect(&mut page, b"HTTP/1.1 200 OK\r\n");
    let mut other = Client::connect(&server.urls[1]);
    let mut client = Client::connect(&server.urls[0]);
    for client in [&mut other, &mut client] {
        client.send(b"?");
        client.expect(b"Client number: 1");
    }
}

#[test]
fn discard_answers_nothing_and_lives_everywhere() {
    let (_dir, mut server) = serve_everywhere("discard", "");
    let mut messages = 0;
    for url in server.urls.clone() {
        println!("{url}");
        let mut client = Client::connect(&url);
        for message in [b"hello".as_slice(), b"", b"\xff", &[b'x'; 40_000]] {
            client.send(message);
            messages += 1;
        }
        match &mut client {
            Client::Web(web) => {
                web.send(Message::Ping("in order".into())).expect("sends");
                assert_eq!(web.read().expect("a pong"), Message::Pong("in order".into()));
            }
            // The end comes behind whatever is answered before it.
            _ if !is_datagram(&url) => {
                client.socket().shutdown(Shutdown::Write).expect("half-closes");
                client.expect_end();
            }
            _ => {}
        }
    }
    // What was sent to datagram sockets before has been answered, if it ever is, once these
    // counters show that it was received.
    let datagrams = server.urls.iter().filter(|url| is_datagram(url)).count() * 4;
    let line = loop {
        server.signal(Signal::SIGUSR1);
        let line = server.wait_for_line("opened=");
        if line.contains(&format!(" datagrams={datagrams}")) {
            break line;
        }
    };
    assert!(line.contains(&format!(" messages={}", messages - datagrams)), "{line}");
    assert!(!line.contains("datagram_replies"), "{line}");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn chat_brings_clients_of_every_transport_together() {
    let (_dir, server) = serve_where("chat", "", |place| !is_datagram(place));
    let mut members: Vec<(Client, String)> = Vec::new();
    for (url, number) in server.urls.iter().zip(1..) {
        println!("{url}");
        let mut client = Client::connect(url);
        client.send(format!("/name {number}.{}", &url[..2]).as_bytes());
        let name = format!("{number}.{}", &url[..2]);
        client.expect(format!("* guest-{number} is now {name}").as_bytes());
        for (earlier, _) in &mut members {
            earlier.expect(format!("* guest-{number} joined").as_bytes());
            earlier.expect(format!("* guest-{number} is now {name}").as_bytes());
        }
        members.push((client, name));
    }
    for speaker in 0..members.len() {
        let name = members[speaker].1.clone();
        members[speaker].0.send("hello, na\u{ef}ve".as_bytes());
        for (listener, (client, _)) in members.iter_mut().enumerate() {
            if listener != speaker {
                client.expect(format!("{name}: hello, na\u{ef}ve").as_bytes());
            }
        }
    }
    while let Some((mut client, name)) = members.pop() {
        client.send(b"/quit");
        client.expect_end();
        for (other, _) in &mut members {
            other.expect(format!("* {name} left").as_bytes());
        }
    }
}

#[test]
fn notify_delivers_to_clients_of_every_transport() {
    for (parameters, number) in [("", ""), ("?history=5", "1 ")] {
        let (_dir, server) = serve_where("notify", parameters, |place| !is_datagram(place));
        let mut clients: Vec<Client> = Vec::new();
        for url in &server.urls {
            println!("{url}{parameters}");
            let mut client = Client::connect(url);
            for subscription in ["SUB news/*", "SUB *", "SUB bad topic"] {
                client.send(subscription.as_bytes());
            }
            client.expect(b"ERR SUB TOPIC SINCE SEQ is expected, with a number for SEQ");
            clients.push(client);
        }
        for publisher in 0..clients.len() {
            let text = format!("news/{publisher} {number}na\u{ef}ve  text");
            let command = format!("PUB news/{publisher} na\u{ef}ve  text");
            clients[publisher].send(command.as_bytes());
            clients.iter_mut().for_each(|client| client.expect(text.as_bytes()));
        }
    }
}

#[test]
fn stream_sends_samples_on_every_transport() {
    for (parameters, values) in [("", ["1", "2", "3"]), ("?source=walk", ["0", "", ""])] {
        let (_dir, server) = serve_where("stream", parameters, |place| !is_datagram(place));
        for url in &server.urls {
            println!("{url}{parameters}");
            let mut client = Client::connect(url);
            client.send(b"START 500 3");
            for (seq, value) in (1..).zip(values) {
                let sample = String::from_utf8(client.receive()).expect("text");
                let told = sample.trim_end().strip_prefix(&format!("{seq} ")).expect("a number");
                assert!(
                    told == value || (value.is_empty() && told.parse::<i64>().is_ok()),
                    "{told}"
                );
            }
            client.send(b"START");
            client.expect(b"ERR START RATE [COUNT] or STOP is expected");
            client.send(b"STOP");
            if !is_web(url) {
                client.expect_end();
            }
        }
    }
}

#[test]
fn stats_tells_clients_of_every_transport_the_same() {
    let (_dir, server) = serve_where("stats", "", |place| !is_datagram(place));
    let (mut clients, mut schemes): (Vec<Client>, Vec<&str>) = Default::default();
    for url in &server.urls {
        println!("{url}");
        let mut client = Client::connect(url);
        let told: serde_json::Value = serde_json::from_slice(&client.receive()).expect("JSON");
        clients.push(client);
        schemes.push(url.split_once(':').expect("a scheme").0.trim_end_matches(['4', '6']));
        for (transport, totals) in told["transports"].as_object().expect("an object") {
            let those = schemes.iter().filter(|scheme| *scheme == transport).count();
            assert_eq!(totals["connections"], those, "{transport}");
        }
    }
    // Those who came first may have been told before the last was there.
    let mut last = clients.pop().expect("somebody");
    let wanted = last.receive();
    for mut client in clients {
        let is_told = (0..10).any(|_| client.receive().trim_ascii() == wanted.trim_ascii());
        assert!(is_told, "one snapshot is for all");
    }
}

#[test]
fn raw_echo_gives_bytes_back_as_they_come() {
    let (_dir, server) = serve_where("echo", "?framing=raw", is_stream);
    for url in &server.urls {
        println!("{url}");
        let client = Client::connect(url);
        let mut socket = client.socket();
        for bytes in [b"no newline".as_slice(), b"\n", b"STOP\n", b"a\r\nb", b"\0\xff", b"STOP"] {
            support::exchange(&mut socket, bytes, bytes);
        }
        // More than a line may have, in any pieces.
        let long = vec![b'x'; 3 << 20];
        let writer = socket.try_clone().expect("clones");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                (&writer).write_all(&long).expect("writes");
                writer.shutdown(Shutdown::Write).expect("half-closes");
            });
            assert!(rest(&mut socket) == long, "what was sent comes back");
        });
    }
}

#[test]
fn raw_discard_takes_bytes_as_they_come() {
    let (_dir, server) = serve_where("discard", "?framing=raw", is_stream);
    for url in &server.urls {
        println!("{url}");
        let client = Client::connect(url);
        let mut socket = client.socket();
        socket.write_all(b"STOP\n").expect("writes");
        socket.write_all(&vec![b'x'; 3 << 20]).expect("writes");
        socket.shutdown(Shutdown::Write).expect("half-closes");
        assert_eq!(rest(&mut socket), b"");
    }
}

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

fn is_refused(address: SocketAddr) -> bool {
    match TcpStream::connect(address) {
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        Ok(_) => false,
    }
}

#[test]
fn a_stream_without_a_host_listens_on_all_addresses_of_its_families() {
    if !has_ipv6() {
        return;
    }
    for (scheme, v4, v6) in
        [("tcp", true, true), ("tcp4", true, false), ("tcp6", false, true), ("ws", true, true)]
    {
        let path = if scheme == "ws" { "/ws" } else { "" };
        let binding = format!("echo={scheme}://:0{path}");
        // The same port of the other family may belong to somebody else: a few servers have to be
        // tried before it is this one that is reached.
        let is_right = (0..5).any(|_| {
            let server = Server::start(&[&binding]);
            let port = server.address(0).port();
            [(V4, v4), (V6, v6)].into_iter().all(|(ip, is_served)| {
                let address = SocketAddr::new(ip, port);
                if is_served {
                    let mut client = Client::connect(&format!("{scheme}://{address}{path}"));
                    client.send(b"reached");
                    client.expect(b"reached");
                }
                is_served || is_refused(address)
            })
        });
        assert!(is_right, "{scheme}");
    }
}

#[test]
fn a_datagram_socket_without_a_host_answers_from_the_address_that_was_asked() {
    let v4 = ["127.0.0.1", "127.0.0.2", "127.8.9.10"];
    for (scheme, hosts) in
        [("udp4", &v4[..]), ("udp", &["127.0.0.1", "127.0.0.2", "::1"]), ("udp6", &["::1"])]
    {
        let server = Server::start(&[&format!("echo={scheme}://:0")]);
        let port = server.address(0).port();
        for host in hosts {
            let asked = SocketAddr::new(host.parse().expect("an address"), port);
            if asked.is_ipv6() && !has_ipv6() {
                continue;
            }
            // Bound to no address, so that the system could choose any for the way back.
            let local = if asked.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(local).expect("binds");
            socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            socket.send_to(b"who", asked).expect("sends");
            let mut reply = [0; 16];
            let (length, from) = socket.recv_from(&mut reply).expect("a reply");
            assert_eq!((&reply[..length], from), (&b"who"[..], asked), "{scheme}");
        }
    }
}

#[test]
fn several_bindings_share_a_web_address_and_keep_their_services() {
    let dir = tempfile::tempdir().expect("a directory");
    let web = |path: &str| format!("ws+unix://{}/web:/{path}", dir.path().display());
    let bindings = [
        format!("echo={}", web("ws")),
        format!("random={}?min=6&max=6", web("six")),
        format!("discard={}", web("deep/er")),
    ];
    let server = Server::start(&bindings.each_ref().map(String::as_str));
    let mut clients: Vec<Client> = server.urls.iter().map(|url| Client::connect(url)).collect();
    for client in &mut clients {
        client.send(b"hello");
    }
    clients[0].expect(b"hello");
    clients[1].expect(b"6");
    clients[2].web().close(None).expect("sends a Close frame");
    assert_eq!(clients[2].expect_end(), None, "an empty Close frame for an empty one");
    // The plain page of the same address.
    let mut page = server.unix(0);
    page.write_all(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n").expect("writes");
    let text = String::from_utf8(rest(&mut page)).expect("text");
    assert!(text.ends_with("\r\n\r\nWelcome!\nPlease use /ws for WebSocket!"), "{text}");
}
