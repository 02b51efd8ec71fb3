//! The load generator: against readily's own server, where every reply is right, and against servers
//! that lie, each in its own way, where none of the lies may pass for throughput.

mod support;

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use self::support::ipv6::has_ipv6;
use self::support::{PATIENCE, Server, readily};

/// Runs the load to its end.
fn bench(args: &[&str]) -> Output {
    let mut command = readily();
    command.arg("bench").args(args);
    command.output().expect("runs")
}

/// Runs a short load, and returns the report and whether it was a success.
fn report(args: &[&str]) -> (Value, bool) {
    report_of(&[&DEFAULTS[..], args].concat(), 1)
}

/// The same, and for longer and longer until the report is `enough`: on a busy machine a short time
/// may pass before the first reply has come.
fn report_until(args: &[&str], enough: impl Fn(&Value, bool) -> bool) -> (Value, bool) {
    let args = [&DEFAULTS[..], args].concat();
    let deadline = Instant::now() + PATIENCE;
    let mut times = 1;
    loop {
        let (report, is_success) = report_of(&args, times);
        if enough(&report, is_success) || Instant::now() >= deadline {
            return (report, is_success);
        }
        times *= 2;
    }
}

/// What is not said otherwise.
const DEFAULTS: [&str; 4] = ["-d", "200ms", "--warmup", "50ms"];

/// Runs a load that lasts so many times what the arguments say; the last of a kind counts.
fn report_of(args: &[&str], times: u64) -> (Value, bool) {
    let last = |option| {
        let place = args.iter().rposition(|arg| *arg == option).expect("it has a default");
        args[place + 1]
    };
    let millis: u64 = last("-d").strip_suffix("ms").expect("ms").parse().expect("a number");
    let duration = format!("{}ms", millis * times);
    let mut all = vec!["--json", "-d", &duration, "--warmup", last("--warmup")];
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if ["-d", "--warmup"].contains(arg) {
            rest.next();
        } else {
            all.push(arg);
        }
    }
    let output = bench(&all);
    let text = String::from_utf8(output.stdout).expect("text");
    let errors = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text:?} {errors:?}"));
    (report, output.status.success())
}

/// A report of which nothing is to be complained about.
fn sound(args: &[&str]) -> Value {
    let has_replies = |report: &Value| {
        report["echo"]["messages"] != 0
            && report["pings"]["messages"] != 0
            && report["fanout"]["deliveries"] != 0
    };
    let (report, is_success) =
        report_until(args, |report, is_success| !is_success || has_replies(report));
    assert!(is_success, "{report:#}");
    for error in ["wrong", "missing", "unsent", "extra", "disconnected", "not_connected"] {
        assert_eq!(report["errors"][error], 0, "{report:#}");
    }
    let (measured, count) = match &report["fanout"] {
        Value::Null => (&report["echo"], "messages"),
        fanout => (fanout, "deliveries"),
    };
    let messages = measured[count].as_u64().expect("a number");
    assert!(messages > 0, "{report:#}");
    let latency = |name: &str| measured["latency"][name].as_f64().expect("a number");
    let names = ["min", "p50", "p75", "p90", "p99", "p99_9", "p99_99", "max"];
    assert!(names.windows(2).all(|pair| latency(pair[0]) <= latency(pair[1])), "{report:#}");
    let bars = measured["histogram"].as_array().expect("bars");
    let in_bars: u64 = bars.iter().map(|bar| bar[1].as_u64().expect("a number")).sum();
    assert_eq!(in_bars, messages, "each reply or delivery is in one bar");
    report
}

#[test]
fn every_transport_can_be_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let second = if has_ipv6() { "echo=tcp6://[::1]:0" } else { "echo=tcp4://127.0.0.1:0" };
    let server = Server::start(&[
        "echo=tcp://127.0.0.1:0",
        second,
        "echo=udp://127.0.0.1:0",
        &format!("echo=unix://{}", path("lines")),
        &format!("echo=unix://{}?framing=raw", path("raw")),
        &format!("echo=unixgram://{}", path("gram")),
        &format!("echo=unixpacket://{}", path("packet")),
        "echo=ws://127.0.0.1:0/ws",
        &format!("echo=ws+unix://{}:/ws", path("web")),
    ]);
    for url in &server.urls {
        let url = url.split('?').next().expect("a part");
        let report = sound(&["-c", "3", "--depth", "4", url]);
        assert_eq!(report["connections"], 3);
        assert_eq!(report["echo"]["depth"], 4);
        assert_eq!(report["echo"]["size"], 64);
    }
}

#[test]
fn messages_have_any_size_and_any_letters() {
    let server = Server::start(&["echo=tcp://127.0.0.1:0", "echo=ws://127.0.0.1:0/ws"]);
    for url in &server.urls {
        for size in ["1", "6", "15", "17", "300KiB"] {
            let load = ["-d", "100ms", "-c", "2", "--depth", "3", "--size", size, url];
            sound(&load);
            sound(&[&load[..], &["--text", "unicode"]].concat());
        }
    }
    sound(&["-c", "2", "--binary", &server.urls[1]]);
}

#[test]
fn the_server_is_looked_at() {
    let server = Server::start(&["echo=ws://127.0.0.1:0/ws"]);
    let pid = server.pid().to_string();
    let report = sound(&["-c", "8", "--depth", "8", "--server-pid", &pid, &server.urls[0]]);
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{report:#}"));
    assert!(number(&report["echo"]["server_cpu_per_message"]) > 0.0);
    assert!(number(&report["server_load"]) > 0.0 && number(&report["generator_load"]) > 0.0);
    let resident = &report["echo"]["server_resident"];
    assert!(number(&resident[0]) > 500_000.0 && number(&resident[1]) > 500_000.0);
    let verdicts = ["server", "generator", "both", "neither"];
    assert!(verdicts.contains(&report["saturated"].as_str().expect("a verdict")));
}

#[test]
fn idle_connections_are_held_and_let_go() {
    let mut server = Server::start(&["echo=ws://127.0.0.1:0/ws", "echo=tcp://127.0.0.1:0"]);
    for url in server.urls.clone() {
        let pid = server.pid().to_string();
        let (report, is_success) = report(&["--idle", "-c", "300", "--server-pid", &pid, &url]);
        assert!(is_success, "{report:#}");
        let idle = &report["idle"];
        assert!(idle["accepts_per_second"].as_f64().expect("a number") > 0.0);
        let memory = &idle["memory"];
        for moment in ["before", "with_some", "with_all", "after"] {
            assert!(memory[moment].as_u64().expect("a number") > 500_000, "{report:#}");
        }
        assert_eq!(report["echo"], Value::Null);
    }
    assert!(server.stop().success());
    let counters = server.rest_of_stderr();
    assert!(counters.contains("stopped"), "{counters}");
}

#[test]
fn pings_are_measured_beside_a_load() {
    let server = Server::start(&["echo=tcp://127.0.0.1:0", "echo=ws://127.0.0.1:0/ws"]);
    for url in &server.urls {
        let load = ["-c", "2", "--depth", "2", "--size", "32KiB", "--pings", "200", "-d", "500ms"];
        let report = sound(&[&load[..], &[url]].concat());
        let pings = &report["pings"];
        let count = pings["messages"].as_u64().expect("a number");
        assert!(count > 0, "{report:#}");
        assert!(pings["latency"]["p50"].as_f64() <= pings["latency"]["max"].as_f64());
        assert!(pings["latency"]["p50"].as_f64() > Some(0.0), "{report:#}");
    }
}

#[test]
fn a_wrong_ping_is_wrong_too() {
    // Of the load every reply is right; what is short is a ping.
    let url = echo_but(|_, mut line| {
        if line.len() < 100 {
            line[0] ^= 1;
        }
        line
    });
    let report = caught(&url, &["-c", "1", "--size", "200", "--pings", "100"]);
    assert!(report["errors"]["wrong"].as_u64() >= Some(1), "{report:#}");
    assert!(report["echo"]["messages"].as_u64() > Some(0) && report["pings"]["messages"] == 0);
}

#[test]
fn one_publishes_and_all_others_receive() {
    let server = Server::start(&[
        "notify=tcp://127.0.0.1:0?topic=t",
        "notify=ws://127.0.0.1:0/ws?topic=t",
        "notify=ws://127.0.0.1:0/deflate?topic=t&deflate=true",
    ]);
    let pid = server.pid().to_string();
    for url in &server.urls {
        let url = url.split('?').next().expect("a part");
        let load = ["--fanout", "-c", "20", "--server-pid", &pid, url];
        let report = sound(&[&load[..], &["--depth", "4"]].concat());
        let fanout = &report["fanout"];
        assert_eq!((&report["mode"], &report["connections"]), (&"fanout".into(), &20.into()));
        assert_eq!((&fanout["depth"], &fanout["size"]), (&4.into(), &64.into()));
        assert!(fanout["server_cpu_per_delivery"].as_f64() > Some(0.0), "{report:#}");
        assert_eq!(report["echo"], Value::Null);
        let report = sound(&[&load[..], &["--rate", "200", "--size", "5"]].concat());
        assert_eq!(report["fanout"]["rate"], 200.0);
    }
}

#[test]
fn who_spins_does_not_work() {
    let server = Server::start(&["echo=ws://127.0.0.1:0/ws"]);
    let report = sound(&["--spin", "-c", "1", "-d", "300ms", &server.urls[0]]);
    // It has been on a CPU all the time, and has waited for most of it.
    let load = report["generator_load"].as_f64().expect("a number");
    assert!(load < 0.9, "{report:#}");
    assert_eq!(report["saturated"], "not_generator");
}

#[test]
fn a_rate_is_asked_for() {
    let server = Server::start(&["echo=tcp://127.0.0.1:0"]);
    let report = sound(&["-c", "10", "--rate", "2000", "-d", "500ms", &server.urls[0]]);
    assert_eq!(report["echo"]["depth"], Value::Null);
    assert_eq!(report["echo"]["rate"], 2000.0);
}

/// A server of one's own: each connection is served by `serve` in a thread.
fn server_that(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let url = format!("tcp://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
    url
}

/// Echoes lines; `answer` says what the Nth is answered with.
fn echo_but(answer: impl Fn(usize, Vec<u8>) -> Vec<u8> + Clone + Send + 'static) -> String {
    server_that(move |stream| {
        let mut writer = stream.try_clone().expect("a descriptor");
        for (number, line) in BufReader::new(stream).split(b'\n').map_while(Result::ok).enumerate()
        {
            let answer = answer(number, [line, b"\n".to_vec()].concat());
            if writer.write_all(&answer).is_err() {
                break;
            }
        }
    })
}

/// The report of a load against a server that lies.
fn caught(url: &str, args: &[&str]) -> Value {
    let args = [args, &[url]].concat();
    let (report, is_success) = report_until(&args, |_, is_success| !is_success);
    assert!(!is_success, "a lie passes: {report:#}");
    report
}

#[test]
fn a_wrong_byte_is_found_wherever_it_is() {
    for place in [0, 15, 16, 40, 63, 64] {
        let url = echo_but(move |number, mut line| {
            if number == 20 {
                line[place] ^= 1;
            }
            line
        });
        let report = caught(&url, &["-c", "1", "--depth", "2"]);
        assert_eq!(report["errors"]["wrong"], 1, "byte {place}: {report:#}");
        assert!(report["echo"]["messages"].as_u64() <= Some(20), "nothing counts from there on");
    }
}

#[test]
fn a_reply_of_another_message_is_wrong() {
    let url = echo_but(|number, line| if number == 5 { line.to_ascii_uppercase() } else { line });
    assert_eq!(caught(&url, &["-c", "1"])["errors"]["wrong"], 1);
    // Two replies in the wrong order.
    let url = server_that(|stream| {
        let mut writer = stream.try_clone().expect("a descriptor");
        let lines: Vec<_> =
            BufReader::new(stream).split(b'\n').take(2).map_while(Result::ok).collect();
        for line in lines.iter().rev() {
            let _ = writer.write_all(&[line, &b"\n"[..]].concat());
        }
        std::thread::sleep(PATIENCE);
    });
    assert_eq!(caught(&url, &["-c", "1", "--depth", "2"])["errors"]["wrong"], 1);
}

#[test]
fn a_reply_of_another_kind_is_wrong() {
    let url = server_that(|stream| {
        let mut web = tungstenite::accept(stream).expect("a handshake");
        while let Ok(message) = web.read() {
            let _ = web.send(tungstenite::Message::binary(message.into_data()));
        }
    });
    let url = format!("{}/", url.replace("tcp://", "ws://"));
    assert_eq!(caught(&url, &["-c", "1"])["errors"]["wrong"], 1);
    sound(&["-c", "1", "--binary", &url]);
}

#[test]
fn a_reply_too_many_is_no_reply() {
    let url = echo_but(|number, line| if number == 9 { line.repeat(2) } else { line });
    let errors = caught(&url, &["-c", "1"])["errors"].clone();
    let count = |name: &str| errors[name].as_u64().expect("a number");
    assert_eq!(count("wrong") + count("extra"), 1, "{errors}");
}

#[test]
fn a_reply_that_never_comes_is_missing() {
    let url = echo_but(|number, line| if number == 9 { Vec::new() } else { line });
    let report = caught(&url, &["-c", "1"]);
    assert_eq!(report["errors"]["missing"], 1, "{report:#}");
    assert!(report["echo"]["messages"].as_u64() <= Some(9));
}

#[test]
fn a_connection_that_ends_is_told() {
    let url = server_that(|stream| {
        let mut writer = stream.try_clone().expect("a descriptor");
        for line in BufReader::new(&stream).split(b'\n').take(10).map_while(Result::ok) {
            let _ = writer.write_all(&[line, b"\n".to_vec()].concat());
        }
        let _ = stream.shutdown(std::net::Shutdown::Both);
    });
    let report = caught(&url, &["-c", "2", "--depth", "1"]);
    assert_eq!(report["errors"]["disconnected"], 2, "{report:#}");
    assert_eq!(report["errors"]["missing"], 2, "what was on its way: {report:#}");
}

#[test]
fn a_server_that_stalls_is_not_asked_less() {
    // Coordinated omission: 30 of 100 messages are due while the server sleeps. Their latency
    // counts from when they were due.
    let url = echo_but(|number, line| {
        if number == 20 {
            std::thread::sleep(Duration::from_millis(300));
        }
        line
    });
    let report =
        sound(&["-c", "1", "--rate", "100", "-d", "1000ms", "--warmup", "1ms", url.as_str()]);
    let p90 = report["echo"]["latency"]["p90"].as_f64().expect("a number");
    assert!(p90 > 50_000.0, "a tenth waited for 200 ms and more: {p90} µs");
}

#[test]
fn a_lost_datagram_is_told_and_is_no_error() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("binds");
    let url = format!("udp://{}", socket.local_addr().expect("bound"));
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        for number in 0.. {
            let Ok((length, from)) = socket.recv_from(&mut buffer) else { break };
            if number % 10 != 9 {
                let _ = socket.send_to(&buffer[..length], from);
            }
        }
    });
    let report = sound(&["-c", "2", "-d", "1500ms", &url]);
    assert!(report["errors"]["lost_datagrams"].as_u64() > Some(0), "{report:#}");
}

#[test]
fn a_wrong_datagram_is_neither_lost_nor_late() {
    for place in [0, 16, 63] {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("binds");
        let url = format!("udp://{}", socket.local_addr().expect("bound"));
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                // The number of a message stands at its start, behind that of its connection.
                buffer[place] ^= u8::from(buffer[6..16] == *b"0000000005");
                let _ = socket.send_to(&buffer[..length], from);
            }
        });
        let report = caught(&url, &["-c", "1"]);
        assert_eq!(report["errors"]["wrong"], 1, "byte {place}: {report:#}");
    }
}

#[test]
fn a_page_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.html");
    let server = Server::start(&["echo=tcp://127.0.0.1:0"]);
    sound(&["-c", "2", "--html", &path.display().to_string(), &server.urls[0]]);
    let page = std::fs::read_to_string(&path).expect("written");
    assert!(page.contains("<svg") && page.ends_with("</html>\n"));
    let server_of_topics = Server::start(&["notify=tcp://127.0.0.1:0?topic=t"]);
    let url = server_of_topics.urls[0].split('?').next().expect("a part");
    sound(&["--fanout", "-c", "2", "--html", &path.display().to_string(), url]);
    let page = std::fs::read_to_string(&path).expect("written");
    assert!(page.contains("fan-out at tcp://") && page.contains("<svg"));
    let nowhere = folder.path().join("no/such/folder").display().to_string();
    let output = bench(&["-d", "50ms", "--warmup", "1ms", "--html", &nowhere, &server.urls[0]]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stdout.is_empty(), "the report is printed all the same");
}

#[test]
fn people_read_a_page() {
    let server = Server::start(&["echo=tcp://127.0.0.1:0"]);
    let output = bench(&["-d", "100ms", "--warmup", "1ms", "-c", "2", &server.urls[0]]);
    let text = String::from_utf8(output.stdout).expect("text");
    for words in
        ["echo at tcp://", "messages ", "latency ", "p99.99", "saturated ", "errors      none"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(output.stderr.is_empty(), "no progress where nobody looks");
}

#[test]
fn what_cannot_be_measured_says_so_in_one_line() {
    for (args, code, line) in [
        (&["udp://127.0.0.1:1", "--idle"][..], 2, "error: --idle has no meaning for udp\n"),
        (&["udp://127.0.0.1:1", "--fanout"], 2, "error: --fanout has no meaning for udp\n"),
        (&["tcp://127.0.0.1:1", "--binary"], 2, "error: --binary has no meaning for tcp\n"),
        (
            &["udp://127.0.0.1:1", "--size", "64KiB"],
            2,
            "error: a message on udp has at most 65507 bytes here\n",
        ),
        (
            &["tcp://127.0.0.1"],
            2,
            "error: tcp://127.0.0.1: missing port (`:8001` behind the host)\n",
        ),
        (&["tcp://127.0.0.1:1"], 1, "error: tcp://127.0.0.1:1: connection refused\n"),
        (&["unix:///no/such/socket"], 1, "error: unix:///no/such/socket: entity not found\n"),
    ] {
        let output = bench(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), line, "{args:?}");
        assert!(output.stdout.is_empty());
    }
    let server = Server::start(&["echo=tcp://127.0.0.1:0"]);
    let output = bench(&["--server-pid", "4294967295", &server.urls[0]]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).starts_with("error: process 4294967295 cannot")
    );
    assert_eq!(bench(&["--rate", "0", &server.urls[0]]).status.code(), Some(2));
    assert_eq!(bench(&["--rate", "9", "--depth", "2", &server.urls[0]]).status.code(), Some(2));
    assert_eq!(bench(&["--fanout", "--idle", &server.urls[0]]).status.code(), Some(2));
}

#[test]
fn it_can_be_interrupted() {
    let server = Server::start(&["echo=tcp://127.0.0.1:0", "echo=ws://127.0.0.1:0/ws"]);
    for url in &server.urls {
        for mode in [&["-c", "4"][..], &["-c", "4", "--idle"], &["-c", "4", "--rate", "1000"]] {
            let mut command = readily();
            command.arg("bench").args(["-vv", "-d", "1h"]).args(mode).arg(url);
            let mut child =
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("spawns");
            let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
            let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
            let mut line = String::new();
            while !line.contains("connected to") {
                line.clear();
                assert!(stderr.read_line(&mut line).expect("text") > 0, "it ends");
            }
            std::thread::spawn(move || stderr.read_to_end(&mut Vec::new()));
            kill(pid, Signal::SIGINT).expect("it runs");
            let deadline = Instant::now() + PATIENCE;
            let status = loop {
                if let Some(status) = child.try_wait().expect("our child") {
                    break status;
                }
                assert!(Instant::now() < deadline, "{url} {mode:?} does not end");
                std::thread::sleep(Duration::from_millis(5));
            };
            assert_eq!(status.code(), Some(130), "{url} {mode:?}");
        }
    }
}
