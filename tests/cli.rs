//! The command line: what is printed where, and with which exit code the program ends.

#[allow(unreachable_pub, reason = "a test program has nobody to export to")]
mod support;

#[path = "support/bounded.rs"]
mod bounded;

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tempfile::tempdir;

use bounded::{run, wait};
use support::ipv6::has_ipv6;
use support::{PATIENCE, Server, exchange, readily, rest};

/// Runs to the end and asserts that there is exactly one line, on stderr.
fn refusal(args: &[&str], code: i32) -> String {
    let (got, stdout, stderr) = run(args);
    assert_eq!(got, Some(code), "{args:?}: {stderr}");
    assert_eq!(stdout, "", "{args:?}");
    let line = stderr.strip_suffix('\n').expect("a line");
    assert!(!line.contains(char::is_control), "{args:?}: {line:?}");
    line.to_owned()
}

/// One of each kind of mistake, and the words that have to be in what is said about it. Every
/// rule has a test of its own next to the parser; here it is about the program.
const WRONG: &[(&[&str], &str)] = &[
    (&["ecco=tcp://:1"], "unknown service `ecco`"),
    (&["tcp://:1"], "expected SERVICE=URL"),
    (&["echo"], "expected SERVICE=URL"),
    (&["echo=http://:1"], "`echo` answers messages, and `http` carries none"),
    (&["metrics=tcp://:1"], "`metrics` is asked over HTTP, not `tcp`"),
    (&["echo=wss://:1/ws"], "`wss` is not there yet"),
    (&["echo=tls://:1"], "`tls` is not there yet"),
    (&["echo=ip://:1"], "`ip` would be a raw socket"),
    (&["echo=ip4://:1"], "`ip4` would be a raw socket"),
    (&["echo=ip6://:1"], "`ip6` would be a raw socket"),
    (&["echo=tcp://localhost"], "missing port"),
    (&["echo=tcp://:70000"], "bad port `70000`"),
    (&["echo=tcp://:no-such-port"], "unknown port name `no-such-port`"),
    (&["echo=tcp4://[::1]:1"], "`::1` is not an IPv4 address"),
    (&["echo=udp6://127.0.0.1:1"], "`127.0.0.1` is not an IPv6 address"),
    (&["echo=tcp://:1?colour=red"], "unknown parameter `colour`"),
    (&["echo=tcp://:1?min=1"], "parameter `min` has no meaning for echo on tcp"),
    (&["random=tcp://:1?min=one"], "bad value `one` for `min`"),
    (&["random=tcp://:1?min=7&max=6"], "`min` is greater than `max` (7 > 6)"),
    (&["echo=tcp://:1?stop=server&stop=server"], "parameter `stop` is given twice"),
    (&["echo=tcp://:1/path"], "a tcp URL has no path"),
    (&["echo=ws://:1"], "missing path"),
    (&["echo=unix://"], "missing socket name"),
    (&["echo=unix:///a%zz"], "bad percent escape `%zz`"),
    (&["echo=tcp://:1", "time=tcp://:1"], "the address is taken by `echo=tcp://:1`"),
    (&["echo=tcp://:1", "time=tcp4://127.0.0.1:1"], "the address is taken by `echo=tcp://:1`"),
    (&["echo=ws://:1/a", "time=ws://:1/a"], "the path `/a` is taken by `echo=ws://:1/a`"),
    (&["echo=unix:///a", "time=unix:///a"], "the address is taken by `echo=unix:///a`"),
];

#[test]
fn a_wrong_binding_is_named_in_one_line_with_exit_code_2() {
    for (bindings, problem) in WRONG {
        // `--check` says the same.
        for options in [&["serve"][..], &["serve", "--check"], &["serve", "--transcript", "-q"]] {
            let line = refusal(&[options, bindings].concat(), 2);
            let named = bindings.last().expect("one at least");
            assert!(line.starts_with(&format!("error: {named}: {problem}")), "{line}");
        }
    }
}

#[test]
fn a_wrong_binding_stops_the_start_before_anything_is_opened() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let good = format!("echo=unix://{}", path.display());
    refusal(&["serve", &good, "echo=tcp://"], 2);
    assert!(!path.exists());
    // A stale socket would have been replaced.
    drop(UnixListener::bind(&path).expect("binds"));
    let before = fs::metadata(&path).expect("there").ino();
    refusal(&["serve", &good, "echo=tcp://"], 2);
    assert_eq!(fs::metadata(&path).expect("there").ino(), before);
}

#[test]
fn a_wrong_option_is_named_in_one_line_with_exit_code_2() {
    for (args, line) in [
        (&["serve", "--nonsense"][..], "unexpected argument '--nonsense' found"),
        (&["serve", "--max-line", "1MB"], "invalid value '1MB' for '--max-line <SIZE>'"),
        (&["serve", "--drain-timeout", "5"], "invalid value '5' for '--drain-timeout <DURATION>'"),
        (
            &["serve", "--max-connections", "0"],
            "invalid value '0' for '--max-connections <NUMBER>': it has to be more than zero",
        ),
        (&["serve", "--allow-origin", "a"], "invalid value 'a' for '--allow-origin <ORIGIN>'"),
        (&["serve", "-q", "-v"], "the argument '--quiet' cannot be used with '--verbose...'"),
        (&["nonsense"], "unrecognized subcommand 'nonsense'"),
        (&["completions", "cmd.exe"], "invalid value 'cmd.exe' for '<SHELL>'"),
    ] {
        let got = refusal(args, 2);
        assert!(got.starts_with(&format!("error: {line}")), "{got}");
    }
}

#[test]
fn control_characters_in_arguments_do_not_reach_the_terminal() {
    for args in [
        &["serve", "echo=tcp://a\x1b[2J\x07\n:1"][..],
        &["serve", "\x1b]0;title\x07=tcp://:1"],
        &["serve", "echo=tcp://:1?\x1b=1"],
        &["serve", "echo=tcp://:1", "time=tcp4://:1?stop=\u{9b}"],
    ] {
        // `refusal` asserts that there are none.
        let line = refusal(args, 2);
        assert!(line.contains("\\u{"), "{line}");
    }
    // The parser of options leaves them out of what it says.
    for args in [
        &["serve", "--max-line", "\x1b[2J"][..],
        &["serve", "--\x1b[2J\x07"],
        &["\x1b[2J\r\n"],
        &["completions", "\x1b[2J"],
    ] {
        refusal(args, 2);
    }
    // In the table, too: a path may hold anything.
    let (code, _, stderr) = run(&["serve", "--check", "echo=unix:///a%1b%5b2J%0ab"]);
    assert_eq!(code, Some(0));
    assert!(!stderr.replace('\n', "").contains(char::is_control), "{stderr:?}");
    assert_eq!(stderr.lines().count(), 3, "{stderr:?}");
}

#[test]
fn an_argument_that_is_no_text_is_refused_in_one_line() {
    use std::os::unix::ffi::OsStrExt as _;
    let bytes = std::ffi::OsStr::from_bytes(b"echo=unix:///\xff");
    let Output { status, stdout, stderr } =
        readily().arg("serve").arg(bytes).output().expect("runs");
    assert_eq!((status.code(), stdout.len()), (Some(2), 0));
    let stderr = String::from_utf8(stderr).expect("text all the same");
    assert!(stderr.starts_with("error: ") && stderr.lines().count() == 1, "{stderr:?}");
}

#[test]
fn a_port_in_use_says_so_with_exit_code_1() {
    let tcp = TcpListener::bind("127.0.0.1:0").expect("binds");
    let tcp_port = tcp.local_addr().expect("bound").port();
    let udp = UdpSocket::bind("127.0.0.1:0").expect("binds");
    let udp_port = udp.local_addr().expect("bound").port();
    for (binding, port) in [
        (format!("echo=tcp://127.0.0.1:{tcp_port}"), tcp_port),
        (format!("echo=tcp4://127.0.0.1:{tcp_port}"), tcp_port),
        (format!("echo=ws://127.0.0.1:{tcp_port}/ws"), tcp_port),
        (format!("echo=udp4://127.0.0.1:{udp_port}"), udp_port),
    ] {
        assert_eq!(
            refusal(&["serve", &binding], 1),
            format!("error: {binding}: port {port} is already in use (127.0.0.1:{port})")
        );
    }
    let every = format!("echo=tcp4://:{tcp_port}");
    assert_eq!(
        refusal(&["serve", &every], 1),
        format!("error: {every}: port {tcp_port} is already in use (0.0.0.0:{tcp_port})")
    );
}

#[test]
fn other_addresses_that_cannot_be_bound_say_so_with_exit_code_1() {
    // 192.0.2.0/24 is for documentation and nobody's (RFC 5737). The ports are for everybody.
    for (binding, problem) in [
        ("echo=tcp://192.0.2.1:8001", "192.0.2.1 is not an address of this machine"),
        ("echo=udp://192.0.2.1:8001", "192.0.2.1 is not an address of this machine"),
        ("echo=ws://192.0.2.1:8001/ws", "192.0.2.1 is not an address of this machine"),
        ("time=tcp6://[2001:db8::1]:8001", "2001:db8::1 "),
    ] {
        let line = refusal(&["serve", binding], 1);
        assert!(line.starts_with(&format!("error: {binding}: {problem}")), "{line}");
    }
    // RFC 6761 section 6.4: never a name.
    let line = refusal(&["serve", "echo=tcp://no-such-host.invalid:1"], 1);
    assert!(
        line.starts_with(
            "error: echo=tcp://no-such-host.invalid:1: the host no-such-host.invalid is unknown: "
        ),
        "{line}"
    );
}

#[test]
fn a_file_at_a_unix_path_is_refused_with_exit_code_1_and_left_alone() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("precious");
    fs::write(&path, "content").expect("writes");
    let binding = format!("echo=unix://{}", path.display());
    assert_eq!(
        refusal(&["serve", &binding], 1),
        format!(
            "error: {binding}: {} is a file and is left alone: choose another path",
            path.display()
        )
    );
    assert_eq!(fs::read_to_string(&path).expect("there"), "content");
}

#[test]
fn a_privileged_port_says_so_and_nobody_is_told_to_be_root() {
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    let first: u16 = first.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1024);
    let Some(port) = first.checked_sub(1).filter(|port| *port > 0) else { return };
    let binding = format!("echo=tcp://127.0.0.1:{port}");
    let mut command = readily();
    command.args(["serve", &binding]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let directory = tempdir().expect("a directory");
    if fs::metadata(directory.path()).expect("ours").uid() == 0 {
        // By convention the user that owns nothing.
        command.uid(65534);
    }
    // The program may be where nobody but its owner can run it.
    let Ok(child) = command.spawn() else { return };
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!("error: {binding}: port {port} is privileged: choose a port from 1024 up\n")
    );
}

#[test]
fn after_a_failed_start_nothing_listens_and_nothing_is_left_on_disk() {
    let directory = tempdir().expect("a directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("binds");
    let bad = format!("echo=tcp://{}", taken.local_addr().expect("bound"));
    let path = |name: &str| directory.path().join(name).display().to_string();
    drop(UnixListener::bind(path("stale")).expect("binds"));
    for options in [&["serve"][..], &["serve", "--transcript"]] {
        let bindings = [
            format!("echo=unix://{}", path("stream")),
            format!("echo=unixgram://{}", path("datagram")),
            format!("echo=unixpacket://{}", path("packet")),
            format!("echo=ws+unix://{}:/ws", path("web")),
            format!("echo=unix://{}?mode=0600", path("stale")),
            bad.clone(),
            format!("echo=unix://{}", path("later")),
        ];
        let bindings = bindings.iter().map(String::as_str);
        let line = refusal(&[options, &bindings.collect::<Vec<_>>()].concat(), 1);
        assert!(line.starts_with(&format!("error: {bad}: port ")), "{line}");
        let left: Vec<_> = fs::read_dir(directory.path()).expect("there").collect();
        assert!(left.is_empty(), "{left:?}");
    }
    // The one who has the port still has it.
    TcpStream::connect(taken.local_addr().expect("bound")).expect("connects");
}

#[test]
fn check_says_what_would_be_served_and_opens_nothing() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let taken = TcpListener::bind("127.0.0.1:0").expect("binds");
    let port = taken.local_addr().expect("bound").port();
    let (code, stdout, stderr) = run(&[
        "serve",
        "--check",
        "--max-line=2KiB",
        &format!("echo=tcp://127.0.0.1:{port}"),
        &format!("random=unix://{}?max=6&min=1&framing=lines", path.display())
            .replace("&framing=lines", ""),
        "time=udp://:0",
    ]);
    assert_eq!((code, stdout.as_str()), (Some(0), ""));
    let rows: Vec<Vec<&str>> = stderr
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    assert_eq!(rows[0], ["URL", "SERVICE", "TRY IT WITH"]);
    let tcp_url = format!("tcp://127.0.0.1:{port}");
    assert_eq!(rows[1], [tcp_url.as_str(), "echo", &format!("nc 127.0.0.1 {port}")]);
    let unix_url = format!("unix://{}?min=1&max=6", path.display());
    assert_eq!(rows[2], [unix_url.as_str(), "random", &format!("nc -U {}", path.display())]);
    assert_eq!(rows[3], ["udp://:0", "time", "echo hi | nc -u -w1 127.0.0.1 0"]);
    assert!(stderr.lines().nth(4).expect("limits").starts_with("limits: message 1MiB, line 2KiB,"));
    assert_eq!(rows.len(), 5, "{stderr}");
    assert!(!path.exists());
    assert_eq!(run(&["-q", "serve", "--check", "echo=tcp://:1"]), (Some(0), "".into(), "".into()));
}

/// What is served without a binding, as rows of URL and service.
const DEFAULTS: &[(&str, &str)] = &[
    ("ws://127.0.0.1:1234/ws", "echo"),
    ("ws://127.0.0.1:1234/random?burst=true", "random"),
    ("ws://127.0.0.1:1234/time", "time"),
    ("ws://127.0.0.1:1234/count", "count"),
    ("ws://127.0.0.1:1234/chat", "chat"),
    ("ws://127.0.0.1:1234/notify?history=100", "notify"),
    ("ws://127.0.0.1:1234/stream?source=walk", "stream"),
    ("ws://127.0.0.1:1234/stats", "stats"),
    ("tcp://127.0.0.1:8001", "echo"),
    ("tcp://127.0.0.1:8002", "time"),
    ("tcp://127.0.0.1:8003", "count"),
    ("tcp://127.0.0.1:8004", "random"),
    ("tcp://127.0.0.1:8005", "chat"),
    ("tcp://127.0.0.1:8006?history=100", "notify"),
    ("tcp://127.0.0.1:8007", "stream"),
    ("udp://127.0.0.1:8001", "echo"),
    ("udp://127.0.0.1:8002", "time"),
    ("udp://127.0.0.1:8004", "random"),
    ("unix://TMPDIR/readily-echo.sock", "echo"),
];

/// Asserts that the table in `lines`, its header included, shows the default set.
fn assert_defaults(lines: &[&str], directory: &str) {
    assert!(lines[0].starts_with("URL "), "{lines:#?}");
    for ((url, service), line) in DEFAULTS.iter().zip(&lines[1..]) {
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some(url.replace("TMPDIR", directory).as_str()));
        assert_eq!(words.next(), Some(*service));
    }
    assert!(lines[DEFAULTS.len() + 1].starts_with("limits: "), "{lines:#?}");
}

#[test]
fn without_a_binding_a_set_of_examples_is_served() {
    let directory = tempdir().expect("a directory");
    let temporary = directory.path().display().to_string();
    let check = readily().args(["serve", "--check"]).env("TMPDIR", &temporary).output();
    let check = check.expect("runs");
    let stderr = String::from_utf8(check.stderr).expect("text");
    assert_defaults(&stderr.lines().collect::<Vec<_>>(), &temporary);

    // Its ports are fixed, so another test or another program may have one of them.
    let mut command = readily();
    command.arg("serve").env("TMPDIR", &temporary).stderr(Stdio::piped());
    let mut child = command.spawn().expect("spawns");
    let socket = directory.path().join("readily-echo.sock");
    let deadline = Instant::now() + PATIENCE;
    let client = loop {
        // It is the last of the set to be opened.
        if let Ok(client) = std::os::unix::net::UnixStream::connect(&socket) {
            break Some(client);
        }
        if child.try_wait().expect("our child").is_some() {
            break None;
        }
        assert!(Instant::now() < deadline, "it neither serves nor fails");
        std::thread::sleep(Duration::from_millis(2));
    };
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    if let Some(mut client) = client {
        client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        exchange(&mut client, b"hi\n", b"hi\n");
        let mut count = support::patient_tcp(([127, 0, 0, 1], 8003).into());
        exchange(&mut count, b"\n", b"Client number: 1\n");
        drop((client, count));
        nix::sys::signal::kill(pid, Signal::SIGTERM).expect("it runs");
        assert_eq!(wait(&mut child), Some(0));
    } else {
        assert_eq!(wait(&mut child), Some(1));
        let mut stderr = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
        assert!(stderr.contains(" is already in use (127.0.0.1:"), "{stderr}");
        return;
    }
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
    assert_defaults(&stderr.lines().collect::<Vec<_>>(), &temporary);
    assert!(!socket.exists());
}

#[test]
fn the_table_has_a_row_for_each_binding_with_its_real_port() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("socket").display().to_string();
    let (family, host, nc) =
        if has_ipv6() { ("tcp6", "[::1]", "::1") } else { ("tcp4", "127.0.0.1", "127.0.0.1") };
    let mut server = Server::start(&[
        "echo=tcp://127.0.0.1:0",
        "echo=ws://127.0.0.1:0/ws",
        "random=udp://127.0.0.1:0?min=5&max=5",
        &format!("time=unix://{path}"),
        &format!("count={family}://{host}:0"),
    ]);
    let ports: Vec<u16> = [0, 1, 2, 4].map(|binding| server.address(binding).port()).to_vec();
    assert!(!ports.contains(&0));
    exchange(&mut server.connect(0), b"hi\n", b"hi\n");
    let udp = server.udp(2);
    udp.send(b"").expect("sends");
    assert_eq!(udp.recv(&mut [0; 8]).expect("answered"), 1);
    exchange(&mut server.connect(4), b"\n", b"Client number: 1\n");
    let mut stdout = server.stdout();
    assert_eq!(server.stop().code(), Some(0));
    let log = server.rest_of_stderr();
    let lines: Vec<_> = log.lines().collect();
    let [tcp, web, udp, last] = ports[..] else { panic!("four ports") };
    let expected = [
        ["URL".into(), "SERVICE".into(), "TRY IT WITH".into()],
        [format!("tcp://127.0.0.1:{tcp}"), "echo".into(), format!("nc 127.0.0.1 {tcp}")],
        [
            format!("ws://127.0.0.1:{web}/ws"),
            "echo".into(),
            format!("websocat ws://127.0.0.1:{web}/ws  # or open http://127.0.0.1:{web}/"),
        ],
        [
            format!("udp://127.0.0.1:{udp}?min=5&max=5"),
            "random".into(),
            format!("echo hi | nc -u -w1 127.0.0.1 {udp}"),
        ],
        [format!("unix://{path}"), "time".into(), format!("nc -U {path}")],
        [format!("{family}://{host}:{last}"), "count".into(), format!("nc {nc} {last}")],
    ];
    let width = expected.iter().map(|row| row[0].len()).max().expect("rows");
    for (row, line) in expected.iter().zip(&lines) {
        assert_eq!(*line, format!("{:width$}  {:7}  {}", row[0], row[1], row[2]));
    }
    assert!(
        lines[6].starts_with("limits: message 1MiB, line 1MiB, queue 1MiB, memory 1GiB, "),
        "{log}"
    );
    let words: Vec<_> = lines[7].split(' ').collect();
    let [label, descriptors, "enough", "for", connections, "connections", "at", "a", "time"] =
        words[..]
    else {
        panic!("{}", lines[7]);
    };
    assert_eq!(label, "descriptors:");
    let descriptors: u64 = descriptors.trim_end_matches(',').parse().expect("a number");
    let connections: u64 = connections.parse().expect("a number");
    // Five listeners, and what a process needs for itself.
    assert!(connections < descriptors && connections + 100 > descriptors, "{}", lines[7]);
    // The log follows, and stdout is for payload only.
    assert!(lines[8].ends_with(" INFO  ready: 5 bindings"), "{}", lines[8]);
    assert_eq!(rest(&mut stdout), b"");
}

#[test]
fn a_number_of_connections_that_was_asked_for_is_the_one_that_is_shown() {
    let mut server = Server::with_options(&["--max-connections", "7"], &["echo=tcp://127.0.0.1:0"]);
    let line = server.wait_for_line("descriptors: ");
    assert!(line.ends_with(", enough for 7 connections at a time"), "{line}");
}

/// Serves on a UNIX path, has one conversation and a line that is refused, stops, and returns all
/// that was printed: stdout, stderr.
fn printed(options: &[&str], rust_log: Option<&str>) -> (String, String) {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let mut command = readily();
    command.arg("serve").args(options).arg(format!("echo=unix://{}", path.display()));
    command.arg("--max-line=16").envs(rust_log.map(|log| ("RUST_LOG", log)));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("spawns");
    let deadline = Instant::now() + PATIENCE;
    let mut client = loop {
        match std::os::unix::net::UnixStream::connect(&path) {
            Ok(client) => break client,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    exchange(&mut client, b"hi\n", b"hi\n");
    client.write_all(&[b'x'; 17]).expect("writes");
    assert_eq!(rest(&mut client), b"ERR line too long\n");
    drop(client);
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    nix::sys::signal::kill(pid, Signal::SIGTERM).expect("it runs");
    assert_eq!(wait(&mut child), Some(0));
    let output = child.wait_with_output().expect("it has ended");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (text(output.stdout), text(output.stderr))
}

#[test]
fn how_much_is_logged_is_a_choice() {
    for (options, rust_log, has_table, shown, hidden) in [
        (&[][..], None, true, &["INFO"][..], &["DEBUG", "TRACE"][..]),
        (&["-v"], None, true, &["INFO", "DEBUG"], &["TRACE"]),
        (&["-vv"], None, true, &["INFO", "DEBUG", "TRACE"], &[]),
        (&["-q"], None, false, &[], &["INFO", "DEBUG", "TRACE"]),
        // RUST_LOG wins, in either direction; the table is not a log.
        (&["-vv"], Some("error"), true, &[], &["INFO", "DEBUG", "TRACE"]),
        (&[], Some("debug"), true, &["INFO", "DEBUG"], &["TRACE"]),
        (&["-v"], Some("trace"), true, &["INFO", "DEBUG", "TRACE"], &[]),
        (&["-q"], Some("info"), false, &["INFO"], &["DEBUG", "TRACE"]),
        (&["-v"], Some("off"), true, &[], &["INFO", "DEBUG", "TRACE"]),
    ] {
        let (stdout, stderr) = printed(options, rust_log);
        let about = format!("{options:?} {rust_log:?}: {stderr}");
        assert_eq!(stdout, "", "{about}");
        let has_header = stderr.lines().any(|line| line.starts_with("URL "));
        assert_eq!(has_header, has_table, "{about}");
        for level in shown {
            assert!(
                stderr.contains(&format!(" {level} ")) || stderr.contains(&format!(" {level}]")),
                "{level}: {about}"
            );
        }
        for level in hidden {
            assert!(!stderr.contains(level), "{level}: {about}");
        }
        if !has_table && shown.is_empty() {
            assert_eq!(stderr, "", "{about}");
        }
    }
}

#[test]
fn payloads_are_in_no_log_but_the_most_detailed() {
    for options in [&[][..], &["-v"]] {
        let (_, stderr) = printed(options, None);
        assert!(!stderr.contains("hi\n") && !stderr.contains("xxxx"), "{stderr}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    for flag in ["--version", "-V"] {
        let expected = format!("readily {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(run(&[flag]), (Some(0), expected, "".into()));
    }
}

#[test]
fn help_has_every_flag_and_examples() {
    let (code, help, stderr) = run(&["--help"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    for word in
        ["serve", "learn", "completions", "--verbose", "--quiet", "--version", "\nExamples:\n"]
    {
        assert!(help.contains(word), "{word}: {help}");
    }
    let (code, help, stderr) = run(&["serve", "--help"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    for word in [
        "BINDING",
        "--transcript",
        "--check",
        "--max-message <SIZE>",
        "--max-line <SIZE>",
        "--max-queued <SIZE>",
        "--max-memory <SIZE>",
        "--max-fragments <NUMBER>",
        "--read-budget <SIZE>",
        "--high-water <SIZE>",
        "--low-water <SIZE>",
        "--close-timeout <DURATION>",
        "--linger <DURATION>",
        "--deflate-from <SIZE>",
        "--max-connections <NUMBER>",
        "--handshake-timeout <DURATION>",
        "--keepalive-timeout <DURATION>",
        "--ping-interval <DURATION>",
        "--pong-timeout <DURATION>",
        "--drain-timeout <DURATION>",
        "--allow-origin <ORIGIN>",
        "--allow-host <NAME>",
        "--publish-token-file <FILE>",
        "--record <FILE>",
        "--record-limit <SIZE>",
        "--verbose",
        "--quiet",
        "--help",
        "\nExamples (quote URLs",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert!(!help.contains('\x1b'), "no colour in a pipe");
    // Every example is one that is accepted when it is typed.
    let examples: Vec<_> =
        help.lines().filter_map(|line| line.strip_prefix("  readily serve")).collect();
    assert_eq!(examples.len(), 9);
    for example in examples {
        let script = format!("\"$0\" serve --check {example}");
        let output =
            Command::new("bash").args(["-c", &script]).arg(env!("CARGO_BIN_EXE_readily")).output();
        let Ok(output) = output else { return };
        assert_eq!(output.status.code(), Some(0), "{example}: {output:?}");
    }
}

#[test]
fn a_file_without_a_token_is_a_usage_error_that_does_not_show_what_is_in_it() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("token").display().to_string();
    for (text, told) in [
        (None, "No such file or directory"),
        (Some(""), "it has to hold one visible word"),
        (Some("two words"), "it has to hold one visible word"),
    ] {
        if let Some(text) = text {
            std::fs::write(&path, text).expect("writes");
        }
        let args = ["serve", "--publish-token-file", &path, "notify=ws://:1/n"];
        let (code, stdout, stderr) = run(&args);
        assert_eq!((code, stdout.as_str()), (Some(2), ""));
        assert!(stderr.contains("--publish-token-file") && stderr.contains(told), "{stderr}");
        assert!(!stderr.contains("two words"), "{stderr}");
    }
}

#[test]
fn without_a_subcommand_the_help_is_a_usage_error() {
    let (code, stdout, stderr) = run(&[]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("Usage: readily"), "{stderr}");
}

#[test]
fn each_shell_has_a_completion_script_that_it_can_read() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, stderr) = run(&["completions", shell]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{shell}");
        for word in ["readily", "serve", "transcript", "drain-timeout"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
        // `-n` reads without executing, in all of them.
        let reader =
            Command::new(shell).arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut reader = match reader {
            // It is not there, nor in a folder of the PATH that we may not look into.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) =>
            {
                continue;
            }
            reader => reader.expect("runs"),
        };
        reader.stdin.take().expect("piped").write_all(script.as_bytes()).expect("it reads");
        let output = reader.wait_with_output().expect("ends");
        assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn bash_completes_the_options_of_serve() {
    let (_, script, _) = run(&["completions", "bash"]);
    let probe = "COMP_WORDS=(readily serve --dr); COMP_CWORD=2; _readily readily --dr serve; \
                 printf '%s\\n' \"${COMPREPLY[@]}\"";
    let output =
        Command::new("bash").args(["--norc", "-c", &format!("{script}\n{probe}")]).output();
    let Ok(output) = output else { return };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "--drain-timeout\n", "{output:?}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for args in [
        &["--help"][..],
        &["serve", "--help"],
        &["completions", "bash"],
        &["learn"],
        &["learn", "1"],
        &["--version"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = readily();
        let output = command.args(args).stdout(writer).stderr(Stdio::piped()).output();
        let output = output.expect("runs");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}

#[test]
fn a_server_outlives_its_terminal() {
    for redirection in [">&- 2>&-", "<&- >&- 2>&-", ">/dev/full 2>/dev/full"] {
        serve_redirected(redirection, None);
    }
    // Both are pipes that nobody reads any more.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    serve_redirected("", Some(writer));
}

/// Has a conversation with a server whose output goes nowhere, and stops it.
fn serve_redirected(redirection: &str, writer: Option<std::io::PipeWriter>) {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let script = format!("exec \"$0\" serve -vv \"$1\" {redirection}");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_readily")]);
    command.arg(format!("echo=unix://{}", path.display())).env_remove("RUST_LOG");
    if let Some(writer) = writer {
        command.stdout(writer.try_clone().expect("a descriptor")).stderr(writer);
    }
    let mut child = command.spawn().expect("spawns");
    let deadline = Instant::now() + PATIENCE;
    let mut client = loop {
        match std::os::unix::net::UnixStream::connect(&path) {
            Ok(client) => break client,
            Err(error) => assert!(Instant::now() < deadline, "{redirection}: {error}"),
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    for _ in 0..10 {
        exchange(&mut client, b"hi\n", b"hi\n");
    }
    drop(client);
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    nix::sys::signal::kill(pid, Signal::SIGUSR1).expect("it runs");
    let mut client = std::os::unix::net::UnixStream::connect(&path).expect("it still listens");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    exchange(&mut client, b"hi\n", b"hi\n");
    drop(client);
    nix::sys::signal::kill(pid, Signal::SIGTERM).expect("it runs");
    assert_eq!(wait(&mut child), Some(0), "{redirection}");
    assert!(!path.exists());
}

/// Whether a tool is installed.
fn has(tool: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output();
    found.is_ok_and(|output| output.status.success())
}

#[test]
fn the_command_in_the_table_works_when_it_is_typed() {
    let directory = tempdir().expect("a directory");
    let path = |name: &str| format!("{}/{name}", directory.path().display());
    let mut bindings = vec![
        "echo=tcp://127.0.0.1:0".to_owned(),
        "echo=tcp://:0".to_owned(),
        "echo=tcp4://localhost:0".to_owned(),
        "echo=udp://127.0.0.1:0".to_owned(),
        "echo=udp4://:0".to_owned(),
        format!("echo=unix://{}", path("plain")),
        format!("echo=unix://{}", path("a%20b%27c%24%28x%29%0a")),
        format!("echo=unix://{}?framing=raw", path("raw")),
        format!("echo=unix://@readily-cli-{}", std::process::id()),
        format!("echo=unixgram://{}", path("datagram")),
        format!("echo=unixpacket://{}", path("packet%2c%3a%21")),
    ];
    if has_ipv6() {
        bindings.extend(["echo=tcp6://[::1]:0", "echo=udp6://:0"].map(str::to_owned));
    }
    let bindings: Vec<&str> = bindings.iter().map(String::as_str).collect();
    let mut command = readily();
    command.arg("serve").args(&bindings);
    let mut server = Server::spawn(command, 0);
    for _ in bindings {
        let row = server.next_line().expect("a row for each binding");
        let (_, command) = row.split_once(' ').expect("the URL is first");
        let command = command.trim_start();
        let command = command.strip_prefix("echo").expect("the service is next").trim_start();
        let tool = if command.contains("socat") { "socat" } else { "nc" };
        if !has(tool) {
            continue;
        }
        let mut shell = Command::new("bash")
            .args(["-c", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bash runs");
        let mut stdin = shell.stdin.take().expect("piped");
        let mut stdout = shell.stdout.take().expect("piped");
        let is_typed = !command.contains("echo hi");
        if is_typed {
            stdin.write_all(b"hi\n").expect("it reads");
        }
        let (sender, answer) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 64];
            let count = stdout.read(&mut buffer).unwrap_or(0);
            let _ = sender.send(buffer[..count].to_vec());
        });
        let answer = answer.recv_timeout(PATIENCE);
        drop(stdin);
        if tool == "nc" {
            // As Ctrl-C would: some variants of nc wait on after the end of their input. socat
            // ends by itself, and unlinks the path that it made.
            let _ = shell.kill();
        }
        shell.wait().expect("it ends");
        assert_eq!(answer.as_deref(), Ok(&b"hi\n"[..]), "{command}");
        reader.join().expect("it has read");
    }
    assert_eq!(server.stop().code(), Some(0));
}
