//! `serve --record` and `replay`: real runs of the program, and the same again.

#[allow(unreachable_pub, reason = "each test file is a crate of its own")]
#[path = "../support/mod.rs"]
mod support;

#[path = "../support/client.rs"]
mod client;
#[path = "../support/recordings.rs"]
mod recordings;
mod scenes;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use readily::kernel::{Kernel, Mio, Recorder, Recording, Replay};
use readily::recording::Player;
use readily::server::BoundServer;
use readily::service::{ConnId, Context, Message, Service};
use readily::timeline::{Film, What};
use tempfile::tempdir;

use scenes::{SCENES, Scene};
use support::{Server, exchange, readily, rest};

/// Records a scene.
fn record(scene: &Scene, path: &Path) {
    let dir = tempdir().expect("a directory");
    let dir_name = dir.path().to_str().expect("text");
    let bindings: Vec<String> =
        scene.bindings.iter().map(|binding| binding.replace("DIR", dir_name)).collect();
    let bindings: Vec<&str> = bindings.iter().map(String::as_str).collect();
    let options = [&["--record", path.to_str().expect("text")], scene.options].concat();
    let mut server = Server::with_options(&options, &bindings);
    (scene.play)(&server, dir.path());
    assert!(server.stop().success(), "{}", scene.name);
}

/// Replays a recording.
fn replay(path: &Path) -> Output {
    readily().arg("replay").arg(path).output().expect("runs")
}

/// What a replay says that does not go well.
fn refusal(path: &Path) -> String {
    let Output { status, stderr, stdout } = replay(path);
    let text = String::from_utf8(stderr).expect("text");
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(stdout.is_empty(), "it goes to stderr");
    text
}

/// What a replay says that goes well.
fn outcome(path: &Path) -> String {
    let Output { status, stderr, .. } = replay(path);
    let text = String::from_utf8(stderr).expect("text");
    assert!(status.success(), "{}: {text}", path.display());
    text
}

#[test]
fn every_scene_is_replayed_to_the_last_byte() {
    let dir = tempdir().expect("a directory");
    for scene in SCENES {
        let path = dir.path().join(scene.name);
        record(scene, &path);
        let text = outcome(&path);
        assert!(text.ends_with("the same to the last byte\n"), "{}: {text}", scene.name);
    }
}

#[test]
fn recordings_that_were_kept_are_still_the_same() {
    for Scene { name, .. } in SCENES.iter().filter(|scene| scene.is_kept) {
        assert!(recordings::path(name).exists(), "{name} is kept");
    }
    for path in recordings::kept() {
        let text = outcome(&path);
        let told = "see tests/recordings/README.md if that is meant";
        let name = path.display();
        assert!(text.contains("the same to the last byte"), "{name}: {text}; {told}");
    }
}

/// Makes the recordings in `tests/recordings` that are of a scene again; see the README there.
#[test]
#[ignore = "writes into the source tree"]
fn make_the_recordings_again() {
    let dir = tempdir().expect("a directory");
    for scene in SCENES.iter().filter(|scene| scene.is_kept) {
        let path = dir.path().join(scene.name);
        record(scene, &path);
        fs::copy(&path, recordings::path(scene.name)).expect("copies");
    }
}

#[test]
fn a_server_of_another_seed_diverges_and_turn_source_and_offset_are_named() {
    let dir = tempdir().expect("a directory");
    let path = dir.path().join("recording");
    let scene = SCENES.iter().find(|scene| scene.name == "websocket").expect("there is one");
    record(scene, &path);
    let bytes = fs::read(&path).expect("a recording");
    let text = bytes.escape_ascii().to_string();
    let (_, rest) = text.split_once("seed ").expect("a seed");
    let (seed, _) = rest.split_once("\\n").expect("a line");
    let (old, new) = (format!("seed {seed}\n"), format!("seed {}\n", 1));
    let at = bytes.windows(old.len()).position(|part| part == old.as_bytes()).expect("there");
    fs::write(&path, [&bytes[..at], new.as_bytes(), &bytes[at + old.len()..]].concat())
        .expect("writes");
    // One of the numbers that were drawn is another one.
    let text = refusal(&path);
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let [first, recorded, replayed, place, was, is] = lines[..] else { panic!("{text}") };
    let is_there = |(turn, connection): (u64, u32)| {
        let call = format!(" bytes to connection {connection}");
        first.contains(&format!("something else is done in turn {turn}, "))
            && recorded.starts_with("recorded: write ")
            && recorded.ends_with(&call)
            && replayed.starts_with("replayed: write ")
            && replayed.ends_with(&call)
    };
    assert!(answers_of("random", &path).into_iter().any(is_there), "{text}");
    // Two bytes are the header of the frame, and what is shown begins with what differs.
    let (offset, _) =
        place.strip_prefix("from byte ").and_then(|rest| rest.split_once(' ')).expect("one");
    assert!((1..6).contains(&offset.parse::<usize>().expect("a number")), "{text}");
    let byte = |line: &str| {
        let (_, shown) = line.split_once(": \"").expect("bytes");
        shown.chars().take(if shown.starts_with('\\') { 4 } else { 1 }).collect::<String>()
    };
    assert_ne!(byte(was), byte(is), "{text}");
}

/// The turns in which a service has answered in a recording, and the numbers of the connections.
fn answers_of(service: &str, path: &Path) -> Vec<(u64, u32)> {
    let (head, tape) = readily::recording::read(path).expect("a recording");
    let services = head.config.bindings.as_slice().iter().map(|one| one.service().name());
    let (mut film, mut answers) = (Film::new(services), Vec::new());
    let mut player = Player::new(head.clone(), tape, film.eye(), film.eye()).expect("starts");
    let answer = What::Called(service.to_owned(), "on_message");
    while player.turn() {
        let turn = film.turn();
        let events = turn.events.iter().filter(|event| event.what == answer);
        answers.extend(events.map(|event| (turn.number, film.lanes()[event.lane].source)));
    }
    answers
}

#[test]
fn a_recording_that_was_killed_is_replayed_up_to_where_it_breaks_off() {
    let dir = tempdir().expect("a directory");
    let path = dir.path().join("recording");
    let option = path.to_str().expect("text");
    let mut server = Server::with_options(&["--record", option], &["echo=tcp://127.0.0.1:0"]);
    let mut client = server.connect(0);
    for _ in 0..3 {
        exchange(&mut client, b"hello\n", b"hello\n");
    }
    server.signal(Signal::SIGKILL);
    server.wait();
    let text = refusal(&path);
    assert!(text.starts_with("error: ") && text.lines().count() == 1, "{text}");
    assert!(text.ends_with("the same up to where the recording breaks off\n"), "{text}");
}

/// As one that was not copied to its end.
#[test]
fn a_recording_that_is_cut_is_an_error_wherever_it_is_cut() {
    let dir = tempdir().expect("a directory");
    let path = dir.path().join("recording");
    let whole = fs::read(recordings::path("lines")).expect("a recording");
    let head = whole.windows(2).position(|bytes| bytes == b"\n\n").expect("its end") + 2;
    let error = format!("error: {}: ", path.display());
    for (length, told) in [
        (head / 2, "it ends before anything is recorded"),
        (head, "cannot start: the recording ends before the first turn"),
        (head + 5, "cannot start: the recording ends before the first turn"),
        (whole.len() - 20, "the same up to where the recording breaks off"),
        (whole.len() - 1, "the same up to where the recording breaks off"),
    ] {
        fs::write(&path, &whole[..length]).expect("writes");
        let text = refusal(&path);
        assert!(text.starts_with(&error) && text.ends_with(&format!("{told}\n")), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

/// Cannot bear one word.
struct Touchy;

impl Service for Touchy {
    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        assert_ne!(message.as_bytes(), b"boo", "it is said");
        cx.send(from, message);
    }
}

/// A server of it.
fn touchy() -> readily::server::Server {
    let mut server = readily::server::Server::new();
    let touchy = server.add("touchy", Touchy);
    server.listen(touchy, "tcp://127.0.0.1:0").expect("legal");
    server
}

/// The word that somebody panics with within some turns.
fn panics<K: Kernel>(server: &mut BoundServer<(), K>) -> String {
    let turns = AssertUnwindSafe(|| while server.reactor_mut().turn().is_ok() {});
    let panic = catch_unwind(turns).expect_err("somebody panics");
    panic.downcast_ref::<String>().cloned().expect("a text")
}

#[test]
fn a_panic_is_recorded_to_its_last_message_and_replayed_as_the_same_panic() {
    let dir = tempdir().expect("a directory");
    let path = dir.path().join("recording");
    let recorder = Recorder::create(&path, u64::MAX, &[]).expect("a file");
    let kernel = Recording::new(Mio::new().expect("a kernel"), recorder.clone());
    let mut server = touchy().bind_on(kernel, 1, ()).expect("binds");
    let port = server.bindings().next().and_then(|(_, place)| place.port()).expect("a port");
    let mut client = TcpStream::connect(("127.0.0.1", port)).expect("connects");
    client.write_all(b"hello\nboo\n").expect("writes");
    let panic = panics(&mut server);
    // What the panic hook of the program does, whose release does not unwind.
    recorder.rescue();
    let replay = Replay::new(fs::read(&path).expect("a recording"));
    let mut again = touchy().bind_on(replay, 1, ()).expect("starts");
    assert_eq!(panics(&mut again), panic);
    assert_eq!(again.reactor().kernel().verdict(), None, "up to there it is the same");
}

#[test]
fn a_recording_at_its_limit_ends_and_the_server_goes_on() {
    let dir = tempdir().expect("a directory");
    let path = dir.path().join("recording");
    let options = ["--record", path.to_str().expect("text"), "--record-limit", "4KiB"];
    let mut server = Server::with_options(&options, &["echo=tcp://127.0.0.1:0"]);
    let mut client = server.connect(0);
    for _ in 0..100 {
        exchange(&mut client, &[b"x".repeat(99), b"\n".to_vec()].concat(), &[b'x'; 99]);
        support::expect(&mut client, b"\n");
    }
    client.shutdown(std::net::Shutdown::Write).expect("connected");
    rest(&mut client);
    assert!(server.stop().success());
    let stderr = server.rest_of_stderr();
    let warnings = stderr.lines().filter(|line| line.contains("has come to its limit"));
    assert_eq!(warnings.count(), 1, "{stderr}");
    assert!(path.metadata().expect("a file").len() <= 4 * 1024);
    let text = outcome(&path);
    assert!(text.contains("the same up to the limit of the recording"), "{text}");
}

#[test]
fn a_limit_below_what_a_start_takes_leaves_nothing_to_replay() {
    let dir = tempdir().expect("a directory");
    let path = dir.path().join("recording");
    let options = ["--record", path.to_str().expect("text"), "--record-limit", "512"];
    let mut server = Server::with_options(&options, &["echo=tcp://127.0.0.1:0"]);
    exchange(&mut server.connect(0), b"hello\n", b"hello\n");
    assert!(server.stop().success());
    let text = refusal(&path);
    assert!(text.ends_with("cannot start: the recording ends before the first turn\n"), "{text}");
}

/// The loop wakes every 20 ms for a reader of the log who is slow. That is not the kernel's doing, and not
/// to be seen in a recording.
#[test]
fn a_reader_of_the_log_who_stalls_is_no_part_of_a_run() {
    let dir = tempdir().expect("a directory");
    let (path, socket) = (dir.path().join("recording"), dir.path().join("echo"));
    let mut command = readily();
    command.args(["-vv", "serve", "--record"]).arg(&path);
    command.arg(format!("echo=unix://{}", socket.display())).stderr(Stdio::piped());
    let mut server = command.spawn().expect("spawns");
    let mut stderr = server.stderr.take().expect("piped");
    let mut client = loop {
        match UnixStream::connect(&socket) {
            Ok(client) => break client,
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    client.set_read_timeout(Some(support::PATIENCE)).expect("a timeout");
    // A pipe takes 64 KiB, and a message is worth a line.
    for _ in 0..2_000 {
        exchange(&mut client, b"hello\n", b"hello\n");
    }
    std::thread::sleep(Duration::from_millis(100));
    exchange(&mut client, b"hello\n", b"hello\n");
    support::signal(&server, Signal::SIGTERM);
    let mut logged = Vec::new();
    stderr.read_to_end(&mut logged).expect("it ends");
    assert!(server.wait().expect("it ends").success());
    assert!(logged.len() > 100_000, "{} bytes were logged", logged.len());
    assert!(outcome(&path).contains("the same to the last byte"));
}

#[test]
fn nothing_is_overwritten_and_a_server_that_does_not_start_leaves_nothing() {
    let dir = tempdir().expect("a directory");
    let path = dir.path().join("recording");
    let option = path.to_str().expect("text");
    let server = Server::start(&["echo=tcp://127.0.0.1:0"]);
    let serve = |binding: &str| {
        let mut command = readily();
        let output = command.args(["serve", "--record", option, binding]).output().expect("runs");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).expect("text")
    };
    let taken = serve(&server.urls[0].replace("tcp", "echo=tcp"));
    assert!(taken.contains("in use"), "{taken}");
    assert!(!path.exists());
    fs::write(&path, "mine").expect("writes");
    let text = serve("echo=tcp://127.0.0.1:0");
    assert!(text.starts_with(&format!("error: --record {option}: ")), "{text}");
    assert_eq!(text.lines().count(), 1);
    assert_eq!(fs::read(&path).expect("a file"), b"mine");
}

#[test]
fn foreign_newer_and_missing_files_are_a_line_each() {
    let dir = tempdir().expect("a directory");
    let path = dir.path().join("file");
    let say = |content: &str| {
        fs::write(&path, content).expect("writes");
        refusal(&path)
    };
    let error = format!("error: {}: ", path.display());
    assert_eq!(say("#!/bin/sh\n"), format!("{error}not a recording of readily\n"));
    assert!(say("readily recording 99\n").starts_with(&format!("{error}a recording of format 99")));
    assert_eq!(say("readily reco"), format!("{error}it ends before anything is recorded\n"));
    fs::remove_file(&path).expect("it is there");
    assert!(refusal(&path).contains("No such file"));
    assert!(refusal(dir.path()).contains("directory"));
}
