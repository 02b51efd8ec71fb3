//! The timeline of recordings: everything that happens is in it, once, and each of its forms is what others
//! can read.

#[path = "support/recordings.rs"]
mod recordings;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::pty::openpty;
use nix::sys::termios::tcgetattr;

use readily::engine::{BindingId, Endpoint, Engine, Limits, Stats, StopScope};
use readily::kernel::sim::{Sim, Weather};
use readily::kernel::tape::Call;
use readily::kernel::{StreamKind, Verdict, Watched};
use readily::reactor::Reactor;
use readily::recording::{self, Player};
use readily::service::Echo;
use readily::timeline::page::{MAX_BYTES, MAX_TURNS, Page};
use readily::timeline::trace::Trace;
use readily::timeline::{Event, Excerpt, Eye, Film, Lane, Turn, What, Why, text};
use serde_json::Value;

/// The timeline of a recording, and what its server has counted.
fn timeline(path: &Path) -> (Vec<Turn>, Vec<Lane>, Stats) {
    let (head, tape) = recording::read(path).expect("reads");
    let services = head.config.bindings.as_slice().iter().map(|one| one.service().name());
    let mut film = Film::new(services);
    let mut player = Player::new(head.clone(), tape, film.eye(), film.eye()).expect("starts");
    let mut turns = Vec::new();
    while player.turn() {
        turns.push(film.turn());
    }
    assert_eq!(player.summary().verdict, Some(Verdict::Same), "looking on changes nothing");
    (turns, film.lanes().to_vec(), *player.reactor().engine().stats())
}

/// How much of something there is in all turns.
fn sum(turns: &[Turn], of: impl Fn(&What) -> Option<usize>) -> u64 {
    turns.iter().flat_map(|turn| &turn.events).filter_map(|event| of(&event.what)).sum::<usize>()
        as u64
}

#[test]
fn a_timeline_has_everything_that_was_counted() {
    for path in recordings::kept() {
        let name = path.display().to_string();
        let (turns, lanes, stats) = timeline(&path);
        let read = sum(&turns, |what| match what {
            What::Read { bytes, .. } => Some(bytes.length),
            _ => None,
        });
        assert_eq!(read, stats.bytes_received, "{name}: bytes received");
        let wrote = sum(&turns, |what| match what {
            What::Wrote { bytes, .. } => Some(bytes.length),
            _ => None,
        });
        assert_eq!(wrote, stats.bytes_sent, "{name}: bytes sent");
        let count = |is: fn(&What) -> bool| sum(&turns, |what| is(what).then_some(1));
        assert_eq!(count(|what| matches!(what, What::Message(_))), stats.messages, "{name}");
        assert_eq!(count(|what| matches!(what, What::Closed)), stats.closed, "{name}: closed");
        let refused = stats.refused_connections + stats.refused_per_ip;
        assert_eq!(count(|what| matches!(what, What::Aborted)), refused, "{name}: refused");
        let accepted = count(|what| matches!(what, What::Accepted(_)));
        assert_eq!(accepted, stats.opened + refused, "{name}: accepted");
        assert_eq!(count(|what| matches!(what, What::Received(..))), stats.datagrams, "{name}");
        assert_eq!(count(|what| matches!(what, What::Sent(..))), stats.datagram_replies, "{name}");
        assert_eq!(count(|what| matches!(what, What::Signal("SIGTERM"))), 1, "{name}: the end");
        let late = stats.handshake_timeouts + stats.pong_timeouts + stats.close_timeouts;
        assert_eq!(count(|what| matches!(what, What::Missed(_))), late, "{name}: deadlines");
        // Each message is heard by a service, and each conversation has an end.
        let heard = count(|what| matches!(what, What::Called(_, "on_message")));
        assert_eq!(heard, stats.messages, "{name}: calls");
        assert!(turns.iter().zip(1..).all(|(turn, number)| turn.number == number));
        assert!(turns.is_sorted_by_key(|turn| turn.time), "{name}");
        assert!(lanes.len() > 3, "{name}: {lanes:?}");
    }
}

#[test]
fn every_kind_of_event_is_in_one_of_the_recordings() {
    let mut told = BTreeSet::new();
    for path in recordings::kept() {
        let (turns, ..) = timeline(&path);
        for event in turns.iter().flat_map(|turn| &turn.events) {
            told.insert(event.what.title());
            if let What::Called(_, "handle_timeout") = event.what {
                told.insert("timer");
            }
        }
    }
    let wanted = [
        "FIN", "accepts", "closed", "deadline", "ended", "message", "opened", "read", "ready",
        "received", "refuses", "sent", "service", "signal", "state", "stops", "timer", "wrote",
    ];
    let missing: Vec<_> = wanted.iter().filter(|title| !told.contains(*title)).collect();
    assert!(missing.is_empty(), "{missing:?} of {told:?}");
}

#[test]
fn whoever_is_turned_away_for_want_of_a_descriptor_is_in_the_lane_of_the_listener() {
    let (mut reactor, mut film, port) = simulated(StreamKind::Tcp, Endpoint::Line);
    let sim = reactor.kernel_mut().inner_mut();
    sim.limit_descriptors(sim.open_descriptors());
    let visitor = sim.dial(port);
    let turns: Vec<Turn> = (0..20).map(|_| take_turn(&mut reactor, &mut film)).collect();
    assert!(reactor.kernel_mut().inner_mut().is_turned_away(visitor));
    let lanes = film.lanes();
    let refused: Vec<&Event> = turns
        .iter()
        .flat_map(|turn| &turn.events)
        .filter(|event| matches!(event.what, What::Refused(_)))
        .collect();
    let [refused] = refused[..] else { panic!("{refused:?}") };
    assert!(lanes[refused.lane].to_string().contains("listens at"), "{}", lanes[refused.lane]);
    assert_eq!(reactor.engine().stats().refused_no_descriptor, 1);
}

#[test]
fn a_connection_ends_where_it_was_dead_and_says_why() {
    let (turns, lanes, _) = timeline(&recordings::path("websocket"));
    let of =
        |lane: usize| turns.iter().flat_map(|turn| &turn.events).filter(move |e| e.lane == lane);
    let closed: Vec<usize> = (0..lanes.len())
        .filter(|lane| of(*lane).any(|event| matches!(event.what, What::Closed)))
        .collect();
    assert!(closed.len() >= 4, "{closed:?}");
    for lane in closed {
        let phases: Vec<&str> = of(lane)
            .filter_map(|event| match event.what {
                What::State(state) => Some(state.phase),
                _ => None,
            })
            .collect();
        assert_eq!((phases[0], phases[phases.len() - 1]), ("Open", "Dead"), "{phases:?}");
        assert!(matches!(of(lane).next_back().map(|event| &event.what), Some(What::Closed)));
    }
    let told =
        |wanted: &What| turns.iter().flat_map(|turn| &turn.events).any(|e| e.what == *wanted);
    assert!(told(&What::Stopped(Why::ShortRead)));
    assert!(told(&What::Called("random".to_owned(), "on_message")));
}

/// An echo over the simulated kernel, and its film.
fn simulated(
    kind: StreamKind,
    spoken: fn(BindingId) -> Endpoint,
) -> (Reactor<Watched<Sim, Eye>, Eye>, Film, readily::kernel::sim::Port) {
    let film = Film::new(["echo"]);
    let mut engine = Engine::new(Limits::default(), 1, film.eye());
    let echo = engine.add_service(Box::new(Echo));
    let echo = engine.add_binding(echo, StopScope::Connection);
    let endpoint = engine.add_endpoint(spoken(echo));
    let mut sim = Sim::new(1);
    let (listener, port) = sim.listen(kind);
    let mut reactor = Reactor::new(Watched::new(sim, film.eye()), engine, 10);
    reactor.add_listener(listener.into(), endpoint).expect("listens");
    (reactor, film, port)
}

/// Takes a turn, which comes within a millisecond.
fn take_turn(reactor: &mut Reactor<Watched<Sim, Eye>, Eye>, film: &mut Film) -> Turn {
    let sim = reactor.kernel_mut().inner_mut();
    sim.set_alarm(Some(sim.time() + Duration::from_millis(1)));
    reactor.turn().expect("a turn");
    film.turn()
}

#[test]
fn a_turn_in_words_says_who_was_ready_what_was_read_and_why_it_stopped() {
    let (mut reactor, mut film, port) = simulated(StreamKind::Tcp, Endpoint::Line);
    let client = reactor.kernel_mut().inner_mut().dial(port);
    reactor.kernel_mut().inner_mut().send(client, b"hello\nSTOP\n").expect("there is room");
    let mut turns = (0..100).map(|_| {
        let turn = take_turn(&mut reactor, &mut film);
        (turn.number, text::turn(&turn, film.lanes()))
    });
    let (number, words) = turns.find(|(_, words)| words.contains(" read ")).expect("it is read");
    let (head, rest) = words.split_once('\n').expect("lines");
    assert!(head.starts_with(&format!("turn {number} at ")), "{head}");
    let (name, rest) = rest.split_once('\n').expect("lines");
    assert!(name.starts_with("  #2 tcp "), "{name}");
    assert_eq!(
        rest,
        "    ready    to read, to write\n    \
             read     \"hello\\nSTOP\\n\" (11 bytes, and that was all)\n    \
             message  \"hello\"\n    \
             service  echo: on_message\n    \
             message  STOP\n    \
             state    lines: Flushing, 6 bytes wait\n    \
             ended    STOP\n    \
             service  echo: on_close\n    \
             wrote    \"hello\\n\" (all 6 bytes)\n    \
             state    lines: Lingering\n    \
             FIN      our side has ended\n    \
             stops    a short read: there is no more\n"
    );
}

#[test]
fn a_peer_that_does_not_read_has_no_room_and_is_then_not_wanted() {
    let (mut reactor, mut film, port) = simulated(StreamKind::Tcp, Endpoint::Line);
    let client = reactor.kernel_mut().inner_mut().dial(port);
    let line = [vec![b'x'; 999], b"\n".to_vec()].concat().repeat(1_000);
    let mut seen = BTreeSet::new();
    let (mut sent, mut heard) = (0, 0);
    for _ in 0..3_000 {
        let sim = reactor.kernel_mut().inner_mut();
        sent += sim.send(client, &line[sent..]).unwrap_or(0);
        if let readily::kernel::sim::Received::Data(data) = sim.receive(client, 3_000) {
            heard += data.len();
        }
        if heard == line.len() {
            break;
        }
        let stops = take_turn(&mut reactor, &mut film).events.into_iter().filter_map(|event| {
            match event.what {
                What::Stopped(why) => Some(format!("{why:?}")),
                _ => None,
            }
        });
        seen.extend(stops);
    }
    assert_eq!(heard, line.len(), "{sent} bytes were sent");
    let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
    assert_eq!(seen, ["NoRoom", "NotWanted", "ShortRead"]);
}

#[test]
fn a_read_that_was_interrupted_is_not_the_end_of_what_there_is() {
    let (mut reactor, mut film, port) = simulated(StreamKind::Tcp, Endpoint::Line);
    let sim = reactor.kernel_mut().inner_mut();
    sim.set_weather(Weather { interrupt: 0.5, ..Weather::CALM });
    let client = sim.dial(port);
    let mut interrupted = 0;
    for _ in 0..200 {
        let sim = reactor.kernel_mut().inner_mut();
        sim.send(client, b"hello\n").expect("there is room");
        let events = take_turn(&mut reactor, &mut film).events;
        let is_interrupted = |event: &Event| {
            let What::Failed(call, error, _) = event.what else { return false };
            matches!(call, Call::Read { .. }) && error == io::ErrorKind::Interrupted
        };
        if events.iter().any(is_interrupted) {
            interrupted += 1;
            assert!(!events.iter().any(|event| event.what == What::Stopped(Why::WouldBlock)));
        }
    }
    assert!(interrupted > 10, "{interrupted} reads");
}

#[test]
fn a_peer_of_many_packets_has_its_share_and_goes_on_behind_the_others() {
    let (mut reactor, mut film, port) = simulated(StreamKind::Packet, Endpoint::Packet);
    let sim = reactor.kernel_mut().inner_mut();
    let client = sim.dial(port);
    for _ in 0..100 {
        sim.send(client, b"hi").expect("there is room");
    }
    let mut stops = Vec::new();
    let mut turns = Vec::new();
    for _ in 0..50 {
        let turn = take_turn(&mut reactor, &mut film);
        stops.extend(turn.events.iter().filter_map(|event| match event.what {
            What::Stopped(why) => Some((turn.number, why)),
            _ => None,
        }));
        turns.push(turn);
    }
    let (number, _) = *stops.iter().find(|(_, why)| *why == Why::Budget).expect("it is used up");
    let next = turns.iter().find(|turn| turn.number == number + 1).expect("one more");
    assert_eq!(next.timeout, Some(Duration::ZERO), "nobody waits while somebody is ready");
    assert_eq!(sum(&turns, |what| matches!(what, What::Message(_)).then_some(1)), 100);
    assert_eq!(stops.last().map(|(_, why)| *why), Some(Why::WouldBlock));
}

#[test]
fn a_trace_is_what_perfetto_reads() {
    for path in recordings::kept() {
        let name = path.display().to_string();
        let (turns, lanes, _) = timeline(&path);
        let mut out = Vec::new();
        let mut trace = Trace::new(&mut out).expect("a Vec takes everything");
        for turn in &turns {
            trace.turn(turn, &lanes).expect("a Vec takes everything");
        }
        trace.finish().expect("a Vec takes everything");
        let trace: Value = serde_json::from_slice(&out).expect("JSON");
        let events = trace["traceEvents"].as_array().expect("a list");
        let slices: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X").collect();
        let nanos = |value: &Value| {
            let micros = value.as_f64().expect("a number");
            // They are far below 2^53.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            let nanos = (micros * 1000.0).round() as u64;
            nanos
        };
        let starts: BTreeSet<u64> = slices.iter().map(|slice| nanos(&slice["ts"])).collect();
        assert_eq!(starts.len(), slices.len(), "{name}: no two begin together");
        assert!(slices.iter().all(|slice| nanos(&slice["dur"]) >= 1), "{name}");
        let happened: usize = turns.iter().map(|turn| turn.events.len()).sum();
        assert_eq!(slices.len(), happened + 2 * turns.len(), "{name}: polls, turns and events");
        let named: BTreeSet<u64> = events
            .iter()
            .filter(|event| event["name"] == "thread_name")
            .map(|event| event["tid"].as_u64().expect("a number"))
            .collect();
        assert!(slices.iter().all(|slice| named.contains(&slice["tid"].as_u64().expect("one"))));
        let first = events.iter().find(|event| event["name"] == "thread_name").expect("one");
        assert_eq!((&first["args"]["name"], &first["tid"]), (&"the loop".into(), &first["pid"]));
        assert!(!named.contains(&0), "{name}: 0 is nobody's thread");
        // What happens in a turn is within its slice, which is written when its end is known.
        let turn = slices.iter().position(|slice| slice["cat"] == "turn").expect("one");
        let (begin, length) = (nanos(&slices[turn]["ts"]), nanos(&slices[turn]["dur"]));
        let inside = &slices[turn - turns[0].events.len()..turn];
        let mut inside = inside.iter().map(|slice| nanos(&slice["ts"]));
        assert!(inside.all(|at| at > begin && at < begin + length));
        // And that is as long as it took, where that was measured.
        if let Some(end) = turns[1].slept {
            assert_eq!(begin + length, end.as_nanos(), "{name}");
        }
    }
}

/// The data in a page.
fn data(page: &str) -> Value {
    let (_, rest) =
        page.split_once("<script type=\"application/json\" id=\"data\">").expect("data");
    let (data, _) = rest.split_once("</script>").expect("an end");
    serde_json::from_str(data).expect("JSON")
}

#[test]
fn a_page_has_every_turn_and_loads_nothing() {
    for path in recordings::kept() {
        let name = path.display().to_string();
        let (turns, lanes, _) = timeline(&path);
        let mut page = Page::new();
        for turn in &turns {
            page.turn(turn);
        }
        let page = page.finish(&lanes, "a run", "the same");
        let data = data(&page);
        let shown = data["turns"].as_array().expect("a list");
        assert_eq!(shown.len(), turns.len());
        assert_eq!(data["lanes"].as_array().expect("a list").len(), lanes.len());
        for (shown, turn) in shown.iter().zip(&turns) {
            assert_eq!(shown["n"], turn.number);
            assert_eq!(shown["e"].as_array().expect("a list").len(), turn.events.len());
        }
        let markup = page.replace(&data.to_string(), "");
        for reference in ["src=", "@import", "url(", "fetch(", "import("] {
            assert!(!markup.contains(reference), "{name}: {reference}");
        }
    }
}

#[test]
fn what_is_said_cannot_become_markup_or_take_another_place_in_the_page() {
    let (mut reactor, mut film, port) = simulated(StreamKind::Tcp, Endpoint::Line);
    let client = reactor.kernel_mut().inner_mut().dial(port);
    let evil = b"</script><script>alert(1)</script> \"DATA\" TITLE /* SCRIPT */\n";
    reactor.kernel_mut().inner_mut().send(client, evil).expect("there is room");
    let mut page = Page::new();
    for _ in 0..50 {
        page.turn(&take_turn(&mut reactor, &mut film));
    }
    let page = page.finish(film.lanes(), "<b>\"DATA\" /* STYLE */", "</script>");
    assert_eq!(page.matches("</script>").count(), 2, "those of the page");
    assert!(!page.contains("<b>") && !page.contains("alert(1)</script>"));
    let data = data(&page);
    assert_eq!(data["title"], "<b>\"DATA\" /* STYLE */");
    assert!(data["turns"].to_string().contains("alert(1)"), "it is shown, as text");
}

#[test]
fn a_page_of_a_long_run_says_what_it_leaves_out() {
    let (turns, lanes, _) = timeline(&recordings::path("lines"));
    let mut page = Page::new();
    for turn in turns.iter().cycle().take(MAX_TURNS + 7) {
        page.turn(turn);
    }
    assert_eq!(page.left_out(), 7);
    let data = data(&page.finish(&lanes, "long", ""));
    assert_eq!(data["turns"].as_array().expect("a list").len(), MAX_TURNS);
    assert_eq!(data["leftOut"], 7);
}

#[test]
fn a_page_of_long_turns_has_as_many_as_a_browser_can_hold() {
    let (mut turns, lanes, _) = timeline(&recordings::path("lines"));
    let short = turns.remove(0);
    let said = What::Message(Excerpt::from(&[0xff; 160][..]));
    let events = vec![Event { lane: 1, what: said }; 20_000];
    let long = Turn { events, ..short.clone() };
    let size = |turns: &[&Turn]| {
        let mut page = Page::new();
        turns.iter().for_each(|turn| page.turn(turn));
        page.finish(&lanes, "long", "").len()
    };
    let each = size(&[&long]) - size(&[]);
    let fit = MAX_BYTES / (each + 2);
    assert!((2..20).contains(&fit), "{fit} of {each} bytes");
    let mut page = Page::new();
    (0..fit + 3).for_each(|_| page.turn(&long));
    // No turn is missing between two that are there.
    page.turn(&short);
    let page = page.finish(&lanes, "long", "");
    assert!(page.contains("\"leftOut\":4,"));
    assert!(page.len() < MAX_BYTES + size(&[]), "{} bytes", page.len());
    assert!(page.len() > fit * each, "{} bytes", page.len());
}

/// Where the program is.
fn readily() -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_readily"));
    command.arg("replay").stdin(std::process::Stdio::null());
    command
}

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(name)
}

#[test]
fn the_program_writes_all_three_forms_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let (html, trace) = (dir.path().join("out.html"), dir.path().join("out.json"));
    let mut command = readily();
    command.arg("--step").arg("--html").arg(&html).arg("--trace").arg(&trace);
    let output = command.arg(kept("lines.rec")).output().expect("runs");
    assert!(output.status.success());
    let shown = String::from_utf8(output.stdout).expect("text");
    let turns = shown.lines().filter(|line| line.starts_with("turn ")).count();
    let page = data(&std::fs::read_to_string(html).expect("a page"));
    assert_eq!(page["turns"].as_array().expect("a list").len(), turns);
    assert!(page["outcome"].as_str().expect("text").ends_with("the same to the last byte"));
    let trace: Value =
        serde_json::from_slice(&std::fs::read(trace).expect("a trace")).expect("JSON");
    let slices = trace["traceEvents"].as_array().expect("a list");
    assert_eq!(slices.iter().filter(|slice| slice["cat"] == "turn").count(), turns);
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    for option in ["--html", "--trace"] {
        let mut command = readily();
        let output = command.args([option, "/nonexistent/out"]).arg(kept("lines.rec")).output();
        let output = output.expect("runs");
        assert_eq!(output.status.code(), Some(1), "{option}");
        let told = String::from_utf8(output.stderr).expect("text");
        assert_eq!(told, "error: /nonexistent/out: No such file or directory (os error 2)\n");
    }
}

#[test]
fn keys_go_forward_and_back_and_leave_the_terminal_as_it_was() {
    let pty = openpty(None, None).expect("a terminal");
    let before = tcgetattr(&pty.slave).expect("a terminal");
    let mut command = readily();
    command.arg("--step").arg(kept("lines.rec")).stdin(pty.slave.try_clone().expect("clones"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("spawns");
    let mut out = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut master = File::from(pty.master);
    let mut shown = || {
        let mut lines = out.by_ref().map(|line| line.expect("text"));
        lines.find(|line| line.starts_with("turn ")).map(|line| line[..7].trim_end().to_owned())
    };
    assert_eq!(shown().as_deref(), Some("turn 1"));
    for (key, expected) in
        [(" ", "turn 2"), ("\n", "turn 3"), ("b", "turn 2"), ("\x1b[D", "turn 1"), ("n", "turn 2")]
    {
        master.write_all(key.as_bytes()).expect("writes");
        assert_eq!(shown().as_deref(), Some(expected), "after {key:?}");
    }
    master.write_all(b"q").expect("writes");
    assert_eq!(shown(), None);
    assert!(child.wait().expect("it ends").success());
    let after = tcgetattr(&pty.slave).expect("a terminal");
    assert_eq!(after.local_flags, before.local_flags);
}
