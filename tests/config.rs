//! Bindings as they are typed: what each good one means, and what is said about each bad one.

use std::path::Path;

use proptest::prelude::*;
use readily::address::{Family, InetAddress, ListenAddress, UnixAddress, UnixName};
use readily::codec::websocket::deflate::Policy;
use readily::codec::websocket::handshake::Subprotocols;
use readily::config::{
    Binding, Bindings, Config, Framing, ListenerPlan, Plan, RandomRange, ServiceSpec, Transport,
};
use readily::engine::StopScope;
use readily::service::{Burst, Number};

fn binding(text: &str) -> Binding {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn error(text: &str) -> String {
    match text.parse::<Binding>() {
        Ok(binding) => panic!("{text} is read as {binding}"),
        Err(error) => error.to_string(),
    }
}

/// Each with its canonical form, `=` where that is what was typed.
const GOOD: &[(&str, &str)] = &[
    // Internet addresses.
    ("echo=tcp://127.0.0.1:8001", "="),
    ("echo=tcp://:8001", "="),
    ("echo=tcp4://:0", "="),
    ("echo=tcp6://[::1]:65535", "="),
    ("echo=tcp://[::1]:8001", "="),
    ("echo=tcp://[0:0:0::0001]:08001", "echo=tcp://[::1]:8001"),
    ("echo=tcp://[::]:1", "="),
    ("echo=tcp6://[fe80::1%25eth0]:1", "="),
    ("echo=TCP://LocalHost:1", "echo=tcp://localhost:1"),
    ("echo=tcp://local%68ost:%31", "echo=tcp://localhost:1"),
    ("echo=tcp://my_host.example.:1", "="),
    ("echo=tcp4://localhost:1", "="),
    ("time=udp://:1", "="),
    ("time=udp4://127.0.0.1:1", "="),
    ("time=udp6://[::1]:1", "="),
    // UNIX sockets.
    ("echo=unix:///tmp/echo.sock", "="),
    ("echo=unix://./rel", "="),
    ("echo=unix://rel", "="),
    ("echo=unix://../up:1", "="),
    ("echo=unix://@abstract", "="),
    ("echo=unix://@%2Fa/b", "echo=unix://@/a/b"),
    ("echo=unix://%40at", "="),
    ("echo=unix:///a%20b%3F%23%25%FF\u{e9}", "echo=unix:///a%20b%3F%23%25%FF%C3%A9"),
    ("echo=unix:///a%7eb%0a", "echo=unix:///a~b%0A"),
    ("echo=unixgram:///tmp/g", "="),
    ("echo=unixpacket:///tmp/p", "="),
    ("echo=unixpacket://@p", "="),
    // WebSocket.
    ("echo=ws://:1234/ws", "="),
    ("echo=ws://[::1]:1234/a/b", "="),
    ("echo=ws://h:1/a:/b", "="),
    ("echo=ws://h:1//", "="),
    ("echo=ws://h:1/%77s%20%3f", "echo=ws://h:1/ws%20%3F"),
    ("echo=ws+unix:///tmp/w:/ws", "="),
    ("echo=ws+unix://./w:/ws", "="),
    ("echo=ws+unix://@w:/ws", "="),
    ("echo=ws+unix:///a:/b:/ws", "="),
    ("echo=ws+unix:///a:/b%3A/c", "="),
    ("echo=ws+unix:///a:b:/ws?mode=0600", "="),
    ("metrics=http://127.0.0.1:9100", "="),
    ("metrics=http://[::1]:9100/", "metrics=http://[::1]:9100"),
    ("metrics=http+unix://./m?mode=0600", "="),
    ("metrics=http+unix://@m", "="),
    // Parameters.
    ("echo=tcp://:1?framing=lines&stop=connection", "echo=tcp://:1"),
    ("echo=tcp://:1?framing=raw", "="),
    ("discard=unix:///d?framing=raw", "="),
    ("echo=tcp://:1?stop=server", "="),
    ("echo=udp://:1?stop=server", "="),
    ("echo=unixpacket:///p?stop=server", "="),
    ("echo=unixgram://@g?stop=server", "="),
    ("echo=unix:///e?mode=660", "echo=unix:///e?mode=0660"),
    ("echo=unix:///e?mode=0&framing=raw", "echo=unix:///e?framing=raw&mode=0000"),
    ("count=tcp://:1?number=own", "="),
    ("count=ws://:1/c?number=current", "count=ws://:1/c"),
    ("random=tcp://:1?min=1&max=1000", "random=tcp://:1"),
    ("random=tcp://:1?max=6", "random=tcp://:1?min=1&max=6"),
    ("random=tcp://:1?max=-1&m%69n=-%31", "random=tcp://:1?min=-1&max=-1"),
    (
        "random=udp://:1?stop=server&max=9223372036854775807&min=-9223372036854775808",
        "random=udp://:1?min=-9223372036854775808&max=9223372036854775807&stop=server",
    ),
    ("random=ws://:1/r?burst=true", "="),
    ("echo=ws://:1/ws?deflate=true", "="),
    ("echo=ws://:1/ws?deflate=takeover", "="),
    ("echo=ws://:1/ws?deflate=false", "echo=ws://:1/ws"),
    (
        "random=ws+unix:///r:/r?mode=0600&deflate=true&burst=true",
        "random=ws+unix:///r:/r?burst=true&deflate=true&mode=0600",
    ),
    ("random=ws://:1/r?burst=false", "random=ws://:1/r"),
    ("chat=tcp://:1?stop=server", "="),
    ("chat=ws://:1/chat?subprotocol=chat.v1", "="),
    ("chat=unixpacket:///p", "="),
    ("notify=tcp://:1", "="),
    ("notify=tcp://:1?history=0", "notify=tcp://:1"),
    ("notify=ws://:1/n?deflate=true&history=65536", "notify=ws://:1/n?history=65536&deflate=true"),
    ("notify=ws://:1/n?role=both&topic=news/tech", "notify=ws://:1/n?topic=news%2Ftech"),
    ("notify=unix:///n?role=publish&topic=a", "notify=unix:///n?topic=a&role=publish"),
    ("notify=tcp://:1?topic=a&role=subscribe", "="),
    ("stream=tcp://:1?source=counter", "stream=tcp://:1"),
    ("stream=ws+unix:///s:/s?source=walk", "="),
    ("stream=tcp://:1?slow=close", "="),
    ("stream=ws://:1/s?slow=drop&source=walk", "stream=ws://:1/s?source=walk&slow=drop"),
    ("chat=tcp://:1?slow=close", "chat=tcp://:1"),
    (
        "chat=unix:///c?mode=0600&slow=drop&stop=server",
        "chat=unix:///c?slow=drop&stop=server&mode=0600",
    ),
    ("notify=tcp://:1?slow=drop&history=9", "notify=tcp://:1?history=9&slow=drop"),
    ("notify=ws://:1/n?topic=t&slow=drop", "="),
    ("stream=unixpacket://@s?source=clock", "="),
    ("random=ws://:1/r?limit=1000000&burst=true", "random=ws://:1/r?burst=true"),
    ("random=ws+unix:///r:/r?limit=0&burst=true", "random=ws+unix:///r:/r?burst=true&limit=0"),
    ("echo=ws://:1/ws?subprotocol=chat.v1,json", "="),
    ("echo=ws://:1/ws?subprotocol=json&deflate=true", "="),
    (
        "echo=ws+unix:///w:/ws?mode=0600&deflate=takeover&subprotocol=a,b",
        "echo=ws+unix:///w:/ws?subprotocol=a,b&deflate=takeover&mode=0600",
    ),
    (
        "echo=ws://:1/ws?subprotocol=json%2CJSON,a%2Bb",
        "echo=ws://:1/ws?subprotocol=json,JSON,a%2Bb",
    ),
    (
        "count=ws+unix:///c:/c?mode=600&subprotocol=%25%26%23&number=own",
        "count=ws+unix:///c:/c?number=own&subprotocol=%25%26%23&mode=0600",
    ),
];

#[test]
fn good_bindings_have_a_canonical_form_that_reads_back() {
    for (typed, canonical) in GOOD {
        let canonical = if *canonical == "=" { typed } else { canonical };
        let read = binding(typed);
        assert_eq!(read.to_string(), *canonical, "{typed}");
        assert_eq!(binding(canonical), read, "{typed}");
    }
}

/// Each with what is said about it, behind the binding and a colon.
const BAD: &[(&str, &str)] = &[
    // Service and scheme.
    ("tcp://:1", "expected SERVICE=URL, such as `echo=tcp://127.0.0.1:8001`"),
    ("tcp://:1?stop=server", "expected SERVICE=URL, such as `echo=tcp://127.0.0.1:8001`"),
    ("echo", "expected SERVICE=URL, such as `echo=tcp://127.0.0.1:8001`"),
    (
        "chats=tcp://:1",
        "unknown service `chats` (known: echo, time, count, random, chat, notify, stream, stats, discard, \
         metrics)",
    ),
    (
        "Echo=tcp://:1",
        "unknown service `Echo` (known: echo, time, count, random, chat, notify, stream, stats, discard, \
         metrics)",
    ),
    (
        "=tcp://:1",
        "unknown service `` (known: echo, time, count, random, chat, notify, stream, stats, discard, \
         metrics)",
    ),
    ("chat=udp://:1", "`chat` needs connections, and udp has none (tcp, unix, unixpacket, ws)"),
    (
        "notify=udp6://:1?history=1",
        "`notify` needs connections, and udp6 has none (tcp, unix, unixpacket, ws)",
    ),
    (
        "stream=unixgram://@g",
        "`stream` needs connections, and unixgram has none (tcp, unix, unixpacket, ws)",
    ),
    ("chat=udp4://:1", "`chat` needs connections, and udp4 has none (tcp, unix, unixpacket, ws)"),
    (
        "chat=unixgram://@g",
        "`chat` needs connections, and unixgram has none (tcp, unix, unixpacket, ws)",
    ),
    ("notify=udp://:1", "`notify` needs connections, and udp has none (tcp, unix, unixpacket, ws)"),
    (
        "notify=unixgram://@g",
        "`notify` needs connections, and unixgram has none (tcp, unix, unixpacket, ws)",
    ),
    ("stream=udp://:1", "`stream` needs connections, and udp has none (tcp, unix, unixpacket, ws)"),
    ("echo=", "expected SCHEME://ADDRESS after `=`, such as `tcp://127.0.0.1:8001`"),
    ("echo=tcp:1", "expected SCHEME://ADDRESS after `=`, such as `tcp://127.0.0.1:8001`"),
    (
        "echo=gopher://:1",
        "unknown scheme `gopher` (known: tcp, tcp4, tcp6, udp, udp4, udp6, unix, unixgram, \
         unixpacket, ws, ws+unix, http, http+unix)",
    ),
    ("echo=http://:1", "`echo` answers messages, and `http` carries none (`ws` does, over HTTP)"),
    (
        "echo=http+unix://./s",
        "`echo` answers messages, and `http+unix` carries none (`ws` does, over HTTP)",
    ),
    (
        "metrics=tcp://:1",
        "`metrics` is asked over HTTP, not `tcp` (`http://HOST:PORT` or `http+unix://PATH`)",
    ),
    (
        "metrics=ws://:1/metrics",
        "`metrics` is asked over HTTP, not `ws` (`http://HOST:PORT` or `http+unix://PATH`)",
    ),
    ("metrics=http://:1/metrics", "a http URL has no path (`/metrics`)"),
    ("metrics=http://:1//", "a http URL has no path (`/`)"),
    (
        "metrics=https://:1",
        "`https` is not there yet; serve without TLS behind a proxy that ends it",
    ),
    (
        "metrics=http://:1?stop=server",
        "parameter `stop` has no meaning for metrics on http (there are none here)",
    ),
    ("echo=wss://:1/ws", "`wss` is not there yet; serve without TLS behind a proxy that ends it"),
    ("echo=tls://:1", "`tls` is not there yet; serve without TLS behind a proxy that ends it"),
    ("echo=ip://:1", "`ip` would be a raw socket, which is not served"),
    ("echo=ip4://:1", "`ip4` would be a raw socket, which is not served"),
    ("echo=ip6://:1", "`ip6` would be a raw socket, which is not served"),
    // Host and port.
    ("echo=tcp://", "missing port (`:8001` behind the host; 0 takes any that is free)"),
    ("echo=tcp://localhost", "missing port (`:8001` behind the host; 0 takes any that is free)"),
    ("echo=tcp://localhost:", "missing port (`:8001` behind the host; 0 takes any that is free)"),
    ("echo=tcp://[::1]", "missing port (`:8001` behind the host; 0 takes any that is free)"),
    (
        "echo=tcp://8001",
        "bad host `8001` (a name, an address, or nothing for every address of this machine)",
    ),
    ("echo=tcp://:99999", "bad port `99999` (0 to 65535)"),
    ("echo=tcp://:65536", "bad port `65536` (0 to 65535)"),
    ("echo=tcp://:-1", "bad port `-1` (0 to 65535)"),
    ("echo=tcp://:no-such-port", "unknown port name `no-such-port`"),
    ("echo=tcp://:80x", "unknown port name `80x`"),
    (
        "echo=tcp://*:1",
        "bad host `*` (a name, an address, or nothing for every address of this machine)",
    ),
    (
        "echo=tcp://256.0.0.1:1",
        "bad host `256.0.0.1` (a name, an address, or nothing for every address of this machine)",
    ),
    (
        "echo=tcp://[localhost]:1",
        "bad host `localhost` (a name, an address, or nothing for every address of this machine)",
    ),
    (
        "echo=tcp://[::1:1",
        "bad host `[::1:1` (a name, an address, or nothing for every address of this machine)",
    ),
    (
        "echo=tcp://a%20b:1",
        "bad host `a b` (a name, an address, or nothing for every address of this machine)",
    ),
    ("echo=tcp://::1:1", "an IPv6 address is written in brackets, such as `[::1]:8001`"),
    ("echo=tcp4://[::1]:1", "`::1` is not an IPv4 address"),
    ("echo=udp6://127.0.0.1:1", "`127.0.0.1` is not an IPv6 address"),
    ("echo=tcp://me@host:1", "a user name has no meaning in front of the address (no `@` there)"),
    (
        "echo=ws://me:pw@host:1/ws",
        "a user name has no meaning in front of the address (no `@` there)",
    ),
    // Paths.
    ("echo=tcp://:1/", "a tcp URL has no path (`/`)"),
    ("echo=udp4://:1/x", "a udp4 URL has no path (`/x`)"),
    ("echo=ws://:1", "missing path (such as `/ws`; `/` by itself is the welcome page)"),
    ("echo=ws://:1/", "missing path (such as `/ws`; `/` by itself is the welcome page)"),
    ("echo=ws+unix:///tmp/x", "missing path (such as `:/ws`; `/` by itself is the welcome page)"),
    ("echo=ws+unix:///tmp/x:/", "missing path (such as `:/ws`; `/` by itself is the welcome page)"),
    ("echo=unix://", "missing socket name (`unix:///PATH`, `unix://./PATH` or `unix://@NAME`)"),
    ("echo=unix://@", "missing socket name (`unix:///PATH`, `unix://./PATH` or `unix://@NAME`)"),
    (
        "echo=ws+unix://:/ws",
        "missing socket name (`unix:///PATH`, `unix://./PATH` or `unix://@NAME`)",
    ),
    ("echo=tcp://:1#x", "a fragment has no meaning here (a `#` in a name is written `%23`)"),
    ("echo=unix:///tmp/#1", "a fragment has no meaning here (a `#` in a name is written `%23`)"),
    // Escapes.
    (
        "echo=unix:///a%2",
        "bad percent escape `%2` (two hexadecimal digits follow `%`; `%` itself is `%25`)",
    ),
    (
        "echo=tcp://%zz:1",
        "bad percent escape `%zz` (two hexadecimal digits follow `%`; `%` itself is `%25`)",
    ),
    (
        "random=tcp://:1?min=%",
        "bad percent escape `%` (two hexadecimal digits follow `%`; `%` itself is `%25`)",
    ),
    ("echo=unix:///a%00b", "a NUL byte cannot be part of it"),
    ("echo=ws://:1/%00", "a NUL byte cannot be part of it"),
    ("echo=unix://@a%00", "a NUL byte cannot be part of it"),
    ("echo=tcp://%ff:1", "`%ff` does not decode to UTF-8"),
    ("echo=ws://:1/%ff", "`/%ff` does not decode to UTF-8"),
    // Parameters.
    ("echo=tcp://:1?", "empty parameter `` (expected NAME=VALUE)"),
    ("echo=tcp://:1?stop", "empty parameter `stop` (expected NAME=VALUE)"),
    ("echo=tcp://:1?stop=", "empty parameter `stop=` (expected NAME=VALUE)"),
    ("echo=tcp://:1?stop=server&", "empty parameter `` (expected NAME=VALUE)"),
    ("echo=tcp://:1?stop=server&stop=server", "parameter `stop` is given twice"),
    ("echo=tcp://:1?colour=red", "unknown parameter `colour` (known here: framing, stop)"),
    ("time=ws://:1/t?x=y", "unknown parameter `x` (known here: subprotocol, deflate)"),
    (
        "random=ws://:1/r?x=y",
        "unknown parameter `x` (known here: min, max, burst, limit, subprotocol, deflate)",
    ),
    ("random=unix:///r?x=y", "unknown parameter `x` (known here: min, max, stop, mode)"),
    ("count=udp://:1?Number=own", "unknown parameter `Number` (known here: number, stop)"),
    (
        "echo=tcp://:1?min=1",
        "parameter `min` has no meaning for echo on tcp (known here: framing, stop)",
    ),
    (
        "time=tcp://:1?framing=raw",
        "parameter `framing` has no meaning for time on tcp (known here: stop)",
    ),
    (
        "echo=udp://:1?framing=raw",
        "parameter `framing` has no meaning for echo on udp (known here: stop)",
    ),
    (
        "echo=unixpacket://@p?framing=raw",
        "parameter `framing` has no meaning for echo on an abstract unixpacket socket (known here: stop)",
    ),
    (
        "echo=ws://:1/ws?stop=server",
        "parameter `stop` has no meaning for echo on ws (known here: subprotocol, deflate)",
    ),
    (
        "echo=ws+unix:///w:/ws?stop=server",
        "parameter `stop` has no meaning for echo on ws+unix (known here: subprotocol, deflate, mode)",
    ),
    (
        "echo=tcp://:1?framing=raw&stop=server",
        "parameter `stop` has no meaning for framing=raw (known here: framing)",
    ),
    (
        "random=tcp://:1?burst=true",
        "parameter `burst` has no meaning for random on tcp (known here: min, max, stop)",
    ),
    (
        "random=udp://:1?limit=5",
        "parameter `limit` has no meaning for random on udp (known here: min, max, stop)",
    ),
    (
        "echo=tcp://:1?mode=0660",
        "parameter `mode` has no meaning for echo on tcp (known here: framing, stop)",
    ),
    (
        "echo=unix://@a?mode=0660",
        "parameter `mode` has no meaning for echo on an abstract unix socket (known here: framing, stop)",
    ),
    ("echo=tcp://:1?framing=lined", "bad value `lined` for `framing` (expected `lines` or `raw`)"),
    (
        "echo=tcp://:1?stop=Server",
        "bad value `Server` for `stop` (expected `connection` or `server`)",
    ),
    ("count=tcp://:1?number=1", "bad value `1` for `number` (expected `current` or `own`)"),
    (
        "echo=unix:///e?mode=0888",
        "bad value `0888` for `mode` (expected octal permissions such as 0660)",
    ),
    (
        "echo=unix:///e?mode=4755",
        "bad value `4755` for `mode` (expected octal permissions such as 0660)",
    ),
    (
        "echo=unix:///e?mode=00660",
        "bad value `00660` for `mode` (expected octal permissions such as 0660)",
    ),
    (
        "echo=unix:///e?mode=+660",
        "bad value `+660` for `mode` (expected octal permissions such as 0660)",
    ),
    ("random=tcp://:1?min=x", "bad value `x` for `min` (expected a signed 64-bit integer)"),
    (
        "random=tcp://:1?max=9223372036854775808",
        "bad value `9223372036854775808` for `max` (expected a signed 64-bit integer)",
    ),
    (
        "echo=tcp://:1?deflate=true",
        "parameter `deflate` has no meaning for echo on tcp (known here: framing, stop)",
    ),
    (
        "echo=ws://:1/ws?deflate=yes",
        "bad value `yes` for `deflate` (expected `false`, `true` or `takeover`)",
    ),
    ("random=ws://:1/r?burst=yes", "bad value `yes` for `burst` (expected `true` or `false`)"),
    (
        "random=ws://:1/r?burst=true&limit=-1",
        "bad value `-1` for `limit` (expected a number, 0 or more)",
    ),
    (
        "random=ws://:1/r?burst=true&limit=+1",
        "bad value `+1` for `limit` (expected a number, 0 or more)",
    ),
    ("notify=tcp://:1?role=both", "`role` has no meaning without `topic`"),
    ("notify=tcp://:1?topic=a&history=1", "`history` has no meaning beside `topic`"),
    (
        "notify=tcp://:1?history=65537",
        "bad value `65537` for `history` (expected a number from 0 to 65536)",
    ),
    (
        "notify=tcp://:1?history=+1",
        "bad value `+1` for `history` (expected a number from 0 to 65536)",
    ),
    (
        "notify=tcp://:1?topic=a*",
        "bad value `a*` for `topic` (expected words with slashes between them, other than `ERR` and `GAP`)",
    ),
    (
        "notify=tcp://:1?topic=GAP",
        "bad value `GAP` for `topic` (expected words with slashes between them, other than `ERR` and `GAP`)",
    ),
    (
        "notify=tcp://:1?topic=a&role=all",
        "bad value `all` for `role` (expected `publish`, `subscribe` or `both`)",
    ),
    (
        "stream=tcp://:1?source=noise",
        "bad value `noise` for `source` (expected `counter`, `walk` or `clock`)",
    ),
    (
        "chat=tcp://:1?history=1",
        "parameter `history` has no meaning for chat on tcp (known here: slow, stop)",
    ),
    ("chat=tcp://:1?slow=wait", "bad value `wait` for `slow` (expected `close` or `drop`)"),
    ("notify=tcp://:1?history=9&slow=close", "`slow=close` has no meaning beside `history`"),
    (
        "count=tcp://:1?slow=drop",
        "parameter `slow` has no meaning for count on tcp (known here: number, stop)",
    ),
    ("random=ws://:1/r?limit=5", "`limit` has no meaning without `burst=true`"),
    ("random=ws://:1/r?burst=false&limit=5", "`limit` has no meaning without `burst=true`"),
    ("random=tcp://:1?min=7&max=6", "`min` is greater than `max` (7 > 6)"),
    ("random=tcp://:1?min=1001", "`min` is greater than `max` (1001 > 1000)"),
    ("random=tcp://:1?max=0", "`min` is greater than `max` (1 > 0)"),
    ("echo=ws://:1/ws?subprotocol=a,b,a", "subprotocol `a` is listed twice"),
    ("echo=ws://:1/ws?subprotocol=a&subprotocol=b", "parameter `subprotocol` is given twice"),
    ("echo=ws://:1/ws?subprotocol=", "empty parameter `subprotocol=` (expected NAME=VALUE)"),
    (
        "echo=ws://:1/ws?subprotocol=chat/v1",
        "bad value `chat/v1` for `subprotocol` (expected names such as `chat.v1,json`)",
    ),
    (
        "echo=ws+unix://@w:/ws?subprotocol=a,,b",
        "bad value `a,,b` for `subprotocol` (expected names such as `chat.v1,json`)",
    ),
    (
        "echo=ws://:1/ws?subprotocol=a,%20b",
        "bad value `a, b` for `subprotocol` (expected names such as `chat.v1,json`)",
    ),
    (
        "echo=ws://:1/ws?subprotocol=a%0D%0AX:b",
        "bad value `a\\r\\nX:b` for `subprotocol` (expected names such as `chat.v1,json`)",
    ),
    (
        "echo=tcp://:1?subprotocol=json",
        "parameter `subprotocol` has no meaning for echo on tcp (known here: framing, stop)",
    ),
    (
        "time=unix:///t?subprotocol=json",
        "parameter `subprotocol` has no meaning for time on unix (known here: stop, mode)",
    ),
];

#[test]
fn bad_bindings_are_named_with_what_is_wrong_in_one_line() {
    for (typed, problem) in BAD {
        assert_eq!(error(typed), format!("{typed}: {problem}"));
    }
    assert_eq!(
        error(""),
        "empty binding: expected SERVICE=URL, such as `echo=tcp://127.0.0.1:8001`"
    );
}

#[test]
fn control_characters_in_a_binding_do_not_reach_the_terminal() {
    assert_eq!(
        error("echo=tcp://\x1b[2J\n:1"),
        "echo=tcp://\\u{1b}[2J\\n:1: bad host `\\u{1b}[2J\\n` \
         (a name, an address, or nothing for every address of this machine)"
    );
    assert_eq!(
        error("echo=tcp://:1?%1b=1"),
        "echo=tcp://:1?%1b=1: unknown parameter `\\u{1b}` (known here: framing, stop)"
    );
    assert_eq!(error("echo=tcp://:1\0"), "echo=tcp://:1\\u{0}: a NUL byte cannot be part of it");
}

#[test]
fn the_name_of_a_unix_socket_has_to_fit() {
    let fits = format!("echo=unix:///{}", "x".repeat(106));
    assert_eq!(binding(&fits).to_string(), fits);
    assert!(error(&format!("{fits}x")).ends_with("the socket name has 108 bytes, at most 107 fit"));
    // Its length is that of the decoded name.
    let escaped = format!("echo=unix://@{}", "%20".repeat(107));
    assert_eq!(binding(&escaped).to_string(), escaped);
    assert!(error(&format!("{escaped}%20")).ends_with("has 108 bytes, at most 107 fit"));
}

#[test]
fn a_port_can_be_named() {
    // Not every machine has a services file; where there is none, the name is unknown.
    match "echo=tcp://:http".parse::<Binding>() {
        Ok(binding) => assert_eq!(binding.to_string(), "echo=tcp://:80"),
        Err(error) => {
            assert_eq!(error.to_string(), "echo=tcp://:http: unknown port name `http`");
        }
    }
}

#[test]
fn a_binding_says_what_is_served_where_and_how() {
    let echo = binding("echo=unix:///run/e?framing=raw&mode=0660");
    assert_eq!(echo.service(), &ServiceSpec::Echo);
    let name = UnixName::Path("/run/e".into());
    let listen = ListenAddress::Unix(UnixAddress { name, mode: Some(0o660) });
    assert_eq!(echo.listen(), &listen);
    assert_eq!(echo.transport(), &Transport::Stream { framing: Framing::Raw });

    let random = binding("random=ws://[::1]:1/r?min=-5&max=5&burst=true");
    let range = RandomRange::new(-5, 5).expect("not empty");
    let burst = Some(Burst { limit: 1_000_000 });
    assert_eq!(random.service(), &ServiceSpec::Random { range, burst });
    let inet = InetAddress { family: Family::Any, host: Some("::1".into()), port: 1 };
    assert_eq!(random.listen(), &ListenAddress::Tcp(inet));
    let plain = |path: &str, subprotocols: &str| Transport::WebSocket {
        path: path.to_owned(),
        subprotocols: match subprotocols {
            "" => Subprotocols::default(),
            some => Subprotocols::parse(some).expect("legal"),
        },
        deflate: Policy::Off,
    };
    assert_eq!(random.transport(), &plain("/r", ""));

    let echo = binding("echo=ws://:1/ws?deflate=takeover");
    let Transport::WebSocket { deflate, .. } = echo.transport() else { panic!("a web binding") };
    assert_eq!(*deflate, Policy::Takeover);

    let count = binding("count=udp6://:1?number=own&stop=server");
    assert_eq!(count.service(), &ServiceSpec::Count { number: Number::Own });
    let inet = InetAddress { family: Family::V6, host: None, port: 1 };
    assert_eq!(count.listen(), &ListenAddress::Udp(inet));
    assert_eq!(count.transport(), &Transport::Datagram { stop: StopScope::Server });

    let packet = binding("discard=unixpacket://@p");
    assert_eq!(packet.service().name(), "discard");
    let name = UnixName::Abstract(b"p".to_vec());
    assert_eq!(packet.listen(), &ListenAddress::UnixPacket(UnixAddress { name, mode: None }));
    assert_eq!(packet.transport(), &Transport::Packet { stop: StopScope::Connection });

    let ws_unix = binding("time=ws+unix:///a:/b:/t%20?subprotocol=b,a");
    let name = UnixName::Path("/a:/b".into());
    assert_eq!(ws_unix.listen(), &ListenAddress::Unix(UnixAddress { name, mode: None }));
    assert_eq!(ws_unix.transport(), &plain("/t ", "b,a"));
}

#[test]
fn the_url_shows_the_port_that_was_found() {
    assert_eq!(binding("echo=tcp://:0?stop=server").url(Some(4567)), "tcp://:4567?stop=server");
    assert_eq!(binding("echo=ws://[::1]:0/ws").url(Some(4567)), "ws://[::1]:4567/ws");
    assert_eq!(binding("echo=udp4://:0").url(None), "udp4://:0");
    assert_eq!(binding("echo=unix:///e").url(Some(4567)), "unix:///e");
}

#[test]
fn websockets_of_one_address_share_a_listener() {
    let bindings = Bindings::parse([
        "echo=ws://127.0.0.1:1/ws",
        "echo=tcp://127.0.0.1:2",
        "time=ws://127.0.0.1:1/time",
        "time=ws+unix:///w:/time",
        "echo=ws+unix:///./w:/ws?mode=0600",
        "count=ws+unix:///w:/count?mode=0600",
        "echo=udp://127.0.0.1:1",
    ])
    .expect("legal");
    let config = Config::new(bindings);
    let plans: Vec<_> = config.listeners().iter().map(|listener| listener.plan.clone()).collect();
    assert_eq!(
        plans,
        [
            Plan::Web(vec![("/ws".into(), 0), ("/time".into(), 2)]),
            Plan::One(1),
            Plan::Web(vec![("/time".into(), 3), ("/ws".into(), 4), ("/count".into(), 5)]),
            Plan::One(6),
        ]
    );
    let ListenerPlan { listen: ListenAddress::Unix(shared), .. } = &config.listeners()[2] else {
        panic!("a UNIX listener");
    };
    assert_eq!(shared.mode, Some(0o600), "the mode of the one that names it");
}

#[test]
fn bindings_in_each_others_way_are_named() {
    let taken = |by: &str| format!("the address is taken by `{by}`");
    for (first, second, problem) in [
        ("echo=tcp://:1", "time=tcp://:1", taken("echo=tcp://:1")),
        ("echo=tcp://h:1?stop=server", "time=tcp://H:1", taken("echo=tcp://h:1?stop=server")),
        ("echo=tcp://:1", "echo=tcp4://:1", taken("echo=tcp://:1")),
        ("echo=tcp://:1", "echo=tcp://127.0.0.1:1", taken("echo=tcp://:1")),
        ("echo=tcp6://[::1]:1", "echo=tcp6://:1", taken("echo=tcp6://[::1]:1")),
        ("echo=tcp://0.0.0.0:1", "echo=tcp4://h:1", taken("echo=tcp://0.0.0.0:1")),
        ("echo=tcp://[::]:1", "echo=tcp4://127.0.0.1:1", taken("echo=tcp://[::]:1")),
        ("echo=udp4://:1", "echo=udp://[::]:1", taken("echo=udp4://:1")),
        ("echo=tcp://h:1", "echo=tcp4://h:1", taken("echo=tcp://h:1")),
        ("echo=udp://:1", "echo=udp6://:1", taken("echo=udp://:1")),
        ("echo=tcp://:1", "echo=ws://:1/ws", taken("echo=tcp://:1")),
        ("echo=ws://:1/ws", "echo=tcp://:1", taken("echo=ws://:1/ws")),
        ("echo=ws://:1/ws", "time=ws://127.0.0.1:1/time", taken("echo=ws://:1/ws")),
        ("echo=unix:///a", "time=unix:///a", taken("echo=unix:///a")),
        ("echo=unix://./a", "time=unixgram://a", taken("echo=unix://./a")),
        ("echo=unix:///a", "time=ws+unix:///a:/t", taken("echo=unix:///a")),
        ("echo=unix://@a", "time=unix://@a", taken("echo=unix://@a")),
        ("echo=unix://@a", "time=ws+unix://@a:/t", taken("echo=unix://@a")),
        (
            "echo=ws://:1/ws",
            "time=ws://:1/w%73",
            "the path `/ws` is taken by `echo=ws://:1/ws`".into(),
        ),
        (
            "echo=ws+unix:///a:/ws?mode=0600",
            "time=ws+unix:///a:/t?mode=0660",
            "mode=0660, but `echo=ws+unix:///a:/ws?mode=0600` gives the same socket mode=0600"
                .into(),
        ),
    ] {
        let error = Bindings::parse([first, second]).expect_err(second).to_string();
        assert_eq!(error, format!("{second}: {problem}"), "after {first}");
    }
}

#[test]
fn bindings_that_only_look_alike_are_let_through() {
    for (first, second) in [
        ("echo=tcp://127.0.0.1:0", "echo=tcp://127.0.0.1:0"),
        ("echo=ws://127.0.0.1:0/ws", "echo=ws://127.0.0.1:0/ws"),
        ("echo=tcp://:1", "echo=udp://:1"),
        ("echo=tcp4://:1", "echo=tcp6://:1"),
        ("echo=tcp4://:1", "echo=tcp://[::1]:1"),
        ("echo=tcp4://:1", "echo=tcp6://[::]:1"),
        ("echo=tcp://127.0.0.1:1", "echo=tcp://127.0.0.2:1"),
        ("echo=tcp://:1", "echo=tcp://:2"),
        ("echo=ws://:1/ws", "echo=ws://:1/ws/"),
        ("echo=unix:///a", "echo=unix:///b"),
        ("echo=unix://@a", "echo=unix://a"),
        ("echo=unix://@a", "echo=unixgram://@a"),
    ] {
        let bindings = Bindings::parse([first, second]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(bindings.as_slice().len(), 2);
    }
}

#[test]
fn the_builtin_bindings_are_legal() {
    let bindings = Bindings::builtin(Path::new("/tmp")).expect("legal");
    let last = bindings.as_slice().last().expect("a set of them");
    assert_eq!(last.to_string(), "echo=unix:///tmp/readily-echo.sock");
}

/// Text that comes near to being a binding, and is one now and then.
fn almost_a_binding() -> impl Strategy<Value = String> {
    const SCHEME: &str =
        "tcp[46]?|udp[46]?|unix|unixgram|unixpacket|(ws|http)(\\+unix)?|wss|.{0,3}";
    const ADDRESS: &str = "(\\[::1\\]|127\\.0\\.0\\.1|h|@|[./@%:\\[\\]a-f0-9]{0,8})\
                           (:[0-9]{1,5}|:/w|/.{0,4}|.{0,2}){0,2}";
    const PARAMETER: &str = "(min|max|burst|limit|number|history|topic|role|source|framing|stop|subprotocol|deflate|mode|[%a-f0-9]{0,4})\
                             =(-?[0-9]{1,4}|true|own|raw|server|[a-c](,[a-c]){0,2}|.{0,4})";
    let service =
        prop_oneof!["echo|time|count|random|chat|notify|stream|stats|discard|metrics", ".{0,4}"];
    let parameters = proptest::collection::vec(PARAMETER, 0..3);
    (service, SCHEME, ADDRESS, parameters).prop_map(|(service, scheme, address, parameters)| {
        let question_mark = if parameters.is_empty() { "" } else { "?" };
        format!("{service}={scheme}://{address}{question_mark}{}", parameters.join("&"))
    })
}

fn check(text: &str) -> Result<(), TestCaseError> {
    match text.parse::<Binding>() {
        Ok(read) => {
            let canonical = read.to_string();
            prop_assert!(canonical.bytes().all(|byte| byte.is_ascii_graphic()), "{}", canonical);
            prop_assert_eq!(canonical.parse(), Ok(read), "{}", canonical);
        }
        Err(error) => {
            let line = error.to_string();
            prop_assert!(!line.chars().any(char::is_control), "{:?}", line);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn what_looks_like_a_binding_is_read_or_refused(text in almost_a_binding()) {
        check(&text)?;
    }

    #[test]
    fn any_unix_path_survives_its_url(name in proptest::collection::vec(1..=u8::MAX, 1..107)) {
        let escaped: String = name.iter().map(|byte| format!("%{byte:02x}")).collect();
        for scheme in ["unix://", "unixgram://@"] {
            let text = format!("echo={scheme}{escaped}");
            prop_assert!(text.parse::<Binding>().is_ok(), "{}", text);
            check(&text)?;
        }
        check(&format!("echo=ws+unix://{escaped}:/%2F%3a/{}", "%3A/"))?;
    }
}
