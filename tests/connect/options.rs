//! What is typed wrongly is said in one line, with exit code 2, before anything is connected to.

use crate::bounded;
use crate::peer::Peer;
use crate::support::readily;

/// Runs to the end: exit code 2, nothing on stdout; returns stderr.
fn refusal(args: &[&str]) -> String {
    let (code, stdout, stderr) = bounded::run(&[&["connect"], args].concat());
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args:?}: {stderr}");
    stderr
}

#[test]
fn a_wrong_url_is_named_in_one_line() {
    for (url, problem) in [
        ("", "expected SCHEME://ADDRESS, such as `tcp://127.0.0.1:8001`"),
        ("localhost", "expected SCHEME://ADDRESS, such as `tcp://127.0.0.1:8001`"),
        ("localhost:80", "expected SCHEME://ADDRESS, such as `tcp://127.0.0.1:8001`"),
        ("tcp://localhost", "missing port (`:8001` behind the host)"),
        ("tcp://h:0", "port 0 is nobody's (1 to 65535)"),
        ("tcp://h:1?a=b", "a query has no meaning here (`?a=b`)"),
        ("wss://h:1/", "`wss` is not there yet; connect to a proxy that speaks TLS for you"),
        ("tls://h:1", "`tls` is not there yet; connect to a proxy that speaks TLS for you"),
        ("ip://h", "`ip` would be a raw socket, which no client here speaks"),
        ("ip4://h", "`ip4` would be a raw socket, which no client here speaks"),
        ("ip6://h", "`ip6` would be a raw socket, which no client here speaks"),
        ("unixgram://./s?x=y", "a query has no meaning here (`?x=y`)"),
    ] {
        let at = if url.is_empty() { String::new() } else { format!("{url}: ") };
        assert_eq!(refusal(&[url]), format!("error: {at}{problem}\n"));
    }
    // What is said goes on with advice, which has tests of its own next to the parser.
    for (url, problem) in [
        ("gopher://h:1/", "unknown scheme `gopher`"),
        ("tcp://h:70000", "bad port `70000`"),
        ("tcp://h:no-such-port", "unknown port name `no-such-port`"),
        ("tcp4://[::1]:1", "`::1` is not an IPv4 address"),
        ("udp6://127.0.0.1:1", "`127.0.0.1` is not an IPv6 address"),
        ("tcp://h:1/path", "a tcp URL has no path"),
        ("unix://", "missing socket name"),
        ("unix:///a%zz", "bad percent escape `%zz`"),
        ("tcp://\u{1b}[2J", ""),
    ] {
        let line = refusal(&[url]);
        let shown = url.replace('\u{1b}', "\\u{1b}");
        assert!(line.starts_with(&format!("error: {shown}: {problem}")), "{line:?}");
        assert_eq!(line.find(char::is_control), Some(line.len() - 1), "one line: {line:?}");
    }
}

#[test]
fn an_option_that_means_nothing_to_the_transport_is_refused() {
    let lines = ["tcp://127.0.0.1:1", "udp://127.0.0.1:1", "unix://./s", "unixpacket://./s"];
    let web: &[&[&str]] =
        &[&["--binary"], &["--header", "X: y"], &["--subprotocol", "a"], &["--origin", "null"]];
    for url in lines {
        let scheme = url.split(':').next().expect("a scheme");
        for option in web {
            let line = refusal(&[option, &[url][..]].concat());
            assert_eq!(line, format!("error: {} has no meaning for {scheme}\n", option[0]));
        }
    }
    for url in ["udp4://127.0.0.1:1", "unix://./s", "unixgram://./s", "unixpacket://./s"] {
        let scheme = url.split(':').next().expect("a scheme");
        let line = refusal(&["--reconnect", url]);
        assert_eq!(line, format!("error: --reconnect has no meaning for {scheme}\n"));
    }
    for url in ["udp://127.0.0.1:1", "unixgram://./s", "ws://127.0.0.1:1/", "ws+unix://./s:/"] {
        let scheme = url.split(':').next().expect("a scheme");
        let line = refusal(&["--on-eof", "half", url]);
        assert_eq!(line, format!("error: --on-eof half has no meaning for {scheme}\n"));
    }
}

#[test]
fn a_wrong_value_is_refused() {
    for (option, value, problem) in [
        ("--on-eof", "never", "[possible values: close, wait, half]"),
        ("--reply-timeout", "0", ""),
        ("--reply-timeout", "2", ""),
        ("--connect-timeout", "fast", ""),
        ("--pause", "5", ""),
        ("--input-timeout", "-1s", ""),
        ("--input-retries", "-1", ""),
        ("--input-retries", "many", ""),
        ("--ping-interval", "0", ""),
        ("--max-message", "0", ""),
        ("--max-message", "1TiB", ""),
        ("--header", "no colon", "write a field as NAME:VALUE"),
        ("--header", "Upgrade: h2c", "Upgrade belongs to the handshake"),
        ("--header", "sec-websocket-key: x", "sec-websocket-key belongs to the handshake"),
        ("--header", "X: a\r\nY: b", "a value has no control characters"),
        ("--subprotocol", "a b", "a name has letters"),
        ("--origin", "a\nb", "a value has no control characters"),
    ] {
        // Nobody is asked for at this address.
        let argument = format!("{option}={value}");
        let error = refusal(&[&argument, "ws://127.0.0.1:1/"]);
        assert!(error.starts_with("error: invalid value"), "{argument}: {error}");
        assert!(error.contains(option) && error.contains(problem), "{argument}: {error}");
    }
    assert!(refusal(&[]).contains("<URL>"));
    assert!(refusal(&["tcp://h:1", "tcp://h:2"]).contains("unexpected argument"));
}

#[test]
fn the_smallest_message_is_one_byte() {
    let peer = crate::web::listen();
    let mut program = crate::program::Program::connect(&["--max-message", "1", &peer.url]);
    let web = crate::web::Web::accept(&peer);
    program.type_in("\n");
    web.expect(crate::web::TEXT, "\n");
    web.send(crate::web::frame(crate::web::TEXT, b"x"));
    program.expect("x\n");
    program.end_input();
    web.expect_close(1000);
    program.succeeds();
}

#[test]
fn help_names_every_option_and_goes_to_stdout() {
    let (code, stdout, stderr) = bounded::run(&["connect", "--help"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    for option in [
        "--interactive",
        "--on-eof",
        "--reconnect",
        "--connect-timeout",
        "--reply-timeout",
        "--pause",
        "--input-timeout",
        "--input-retries",
        "--ping-interval",
        "--binary",
        "--header",
        "--subprotocol",
        "--origin",
        "--max-message",
    ] {
        assert!(stdout.contains(option), "{option}");
    }
    assert!(!stdout.contains("autobahn"));
}

#[test]
fn quiet_says_errors_and_nothing_else() {
    let peer = Peer::tcp();
    let url = peer.url.clone();
    drop(peer);
    let mut command = readily();
    command.args(["connect", "-q", &url]);
    crate::program::Program::spawn(command).ends(
        1,
        "",
        &format!("error: {url}: connection refused\n"),
    );
}
