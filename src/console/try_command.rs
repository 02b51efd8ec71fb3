//! A command for each binding that talks to it, made of tools that people have: nc, socat,
//! websocat.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use readily::address::{Family, InetAddress, ListenAddress, UnixName};
use readily::config::{Binding, Transport};

use super::shell::quote;

/// A command to paste into a shell; `local_port` is the port that was found for port 0.
pub(crate) fn try_command(binding: &Binding, local_port: Option<u16>) -> String {
    if *binding.transport() == Transport::Http {
        return http(binding.listen(), local_port);
    }
    let web_path = binding.request_path();
    match (binding.listen(), web_path) {
        (ListenAddress::Tcp(inet), Some(path)) => web_over_tcp(inet, local_port, &path),
        (ListenAddress::Tcp(inet), None) => format!("nc {}", host_and_port(inet, local_port)),
        (ListenAddress::Udp(inet), _) => {
            // Nothing ends a conversation of datagrams, so nc is told to end it.
            format!("echo hi | nc -u -w1 {}", host_and_port(inet, local_port))
        }
        (ListenAddress::Unix(unix), Some(path)) => web_over_unix(&unix.name, &path),
        (ListenAddress::Unix(unix), None) => match &unix.name {
            UnixName::Path(path) => format!("nc -U {}", quote(&not_an_option(path))),
            UnixName::Abstract(name) => format!("socat - {}", socat("ABSTRACT-CONNECT", name, "")),
        },
        (ListenAddress::UnixDatagram(unix), _) => match &unix.name {
            // The answer needs somewhere to go: a name of the client's own. `$$` is the process
            // number of the shell.
            UnixName::Path(path) => format!(
                "socat - {}/tmp/readily-$$.sock",
                socat("UNIX-SENDTO", path.as_os_str().as_bytes(), ",bind=")
            ),
            UnixName::Abstract(name) => {
                format!("socat - {}readily-$$", socat("ABSTRACT-SENDTO", name, ",bind="))
            }
        },
        // 5 is SOCK_SEQPACKET (socket(2)).
        (ListenAddress::UnixPacket(unix), _) => match &unix.name {
            UnixName::Path(path) => {
                format!("socat - {}", socat("UNIX-CONNECT", path.as_os_str().as_bytes(), ",type=5"))
            }
            UnixName::Abstract(name) => {
                format!("socat - {}", socat("ABSTRACT-CONNECT", name, ",type=5"))
            }
        },
    }
}

/// Asks an HTTP listener for what it has.
fn http(listen: &ListenAddress, local_port: Option<u16>) -> String {
    match listen {
        ListenAddress::Tcp(inet) => {
            format!("curl {}", quote(format!("http://{}/", authority(inet, local_port)).as_bytes()))
        }
        ListenAddress::Unix(unix) => match &unix.name {
            UnixName::Path(path) => {
                format!("curl --unix-socket {} http://localhost/", quote(&not_an_option(path)))
            }
            UnixName::Abstract(name) => {
                format!("curl --abstract-unix-socket {} http://localhost/", quote(name))
            }
        },
        _ => unreachable!("HTTP is spoken over streams"),
    }
}

fn web_over_tcp(inet: &InetAddress, local_port: Option<u16>, path: &str) -> String {
    let authority = authority(inet, local_port);
    let command = format!("websocat {}", quote(format!("ws://{authority}{path}").as_bytes()));
    // The page that a browser is shown talks to this path.
    if path == "/ws" { format!("{command}  # or open http://{authority}/") } else { command }
}

/// Host and port, as a URL has them.
fn authority(inet: &InetAddress, local_port: Option<u16>) -> String {
    let host = reachable_host(inet);
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    format!("{host}:{}", local_port.unwrap_or(inet.port))
}

fn web_over_unix(name: &UnixName, path: &str) -> String {
    let (kind, name) = match name {
        UnixName::Path(path) => ("unix", path.as_os_str().as_bytes()),
        UnixName::Abstract(name) => ("abstract", name.as_slice()),
    };
    let uri = quote(format!("ws://localhost{path}").as_bytes());
    let socket = quote(&[b"ws-c:", kind.as_bytes(), b":", name].concat());
    format!("websocat --ws-c-uri={uri} - {socket}")
}

/// The arguments of nc.
fn host_and_port(inet: &InetAddress, local_port: Option<u16>) -> String {
    let host = reachable_host(inet);
    let port = local_port.unwrap_or(inet.port);
    // A literal has a family; a name is told which one to look for.
    let is_literal = host.contains(':') || host.parse::<std::net::Ipv4Addr>().is_ok();
    let family = match inet.family {
        Family::V4 if !is_literal => "-4 ",
        Family::V6 if !is_literal => "-6 ",
        Family::Any | Family::V4 | Family::V6 => "",
    };
    format!("{family}{} {port}", quote(host.as_bytes()))
}

/// A host to connect to: a listener on every address is reached by loopback.
fn reachable_host(inet: &InetAddress) -> &str {
    match inet.host.as_deref() {
        None if inet.family == Family::V6 => "::1",
        Some("::") => "::1",
        None | Some("0.0.0.0") => "127.0.0.1",
        Some(host) => host,
    }
}

/// A path that nc does not take for an option.
fn not_an_option(path: &Path) -> Vec<u8> {
    let path = path.as_os_str().as_bytes();
    if path.starts_with(b"-") { [b"./", path].concat() } else { path.to_vec() }
}

/// An address of socat, quoted; `options` are appended as they are. In socat's own notation some
/// characters separate and others quote, so they are escaped with a backslash (socat(1),
/// "address specifications").
fn socat(address: &str, name: &[u8], options: &str) -> String {
    let mut word = format!("{address}:").into_bytes();
    for &byte in name {
        if b"\\,:!\"'([{".contains(&byte) {
            word.push(b'\\');
        }
        word.push(byte);
    }
    word.extend_from_slice(options.as_bytes());
    quote(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transport_has_a_command() {
        for (binding, command) in [
            ("echo=tcp://127.0.0.1:8001", "nc 127.0.0.1 8001"),
            ("metrics=http://:9100", "curl http://127.0.0.1:9100/"),
            ("metrics=http+unix://./m", "curl --unix-socket ./m http://localhost/"),
            ("metrics=http+unix://@m", "curl --abstract-unix-socket m http://localhost/"),
            ("echo=tcp://:8001", "nc 127.0.0.1 8001"),
            ("echo=tcp://0.0.0.0:8001", "nc 127.0.0.1 8001"),
            ("echo=tcp6://:8001", "nc ::1 8001"),
            ("echo=tcp://[::]:8001", "nc ::1 8001"),
            ("echo=tcp6://[fe80::1%25eth0]:8001", "nc fe80::1%eth0 8001"),
            ("echo=tcp://localhost:8001", "nc localhost 8001"),
            ("echo=tcp4://localhost:8001", "nc -4 localhost 8001"),
            ("echo=udp://:8002?stop=server", "echo hi | nc -u -w1 127.0.0.1 8002"),
            ("echo=udp6://localhost:8002", "echo hi | nc -u -w1 -6 localhost 8002"),
            ("echo=unix:///tmp/readily-echo.sock", "nc -U /tmp/readily-echo.sock"),
            ("echo=unix:///tmp/a%20b", "nc -U '/tmp/a b'"),
            ("echo=unix://-l", "nc -U ./-l"),
            ("echo=unix://@x", "socat - ABSTRACT-CONNECT:x"),
            ("echo=unixgram:///g", "socat - UNIX-SENDTO:/g,bind=/tmp/readily-$$.sock"),
            ("echo=unixgram:///g%20,", "socat - 'UNIX-SENDTO:/g \\,,bind='/tmp/readily-$$.sock"),
            ("echo=unixgram://@g", "socat - ABSTRACT-SENDTO:g,bind=readily-$$"),
            ("echo=unixpacket:///p", "socat - UNIX-CONNECT:/p,type=5"),
            ("echo=unixpacket://@p:q", "socat - 'ABSTRACT-CONNECT:p\\:q,type=5'"),
            (
                "echo=ws://:1234/ws",
                "websocat ws://127.0.0.1:1234/ws  # or open http://127.0.0.1:1234/",
            ),
            ("random=ws://[::1]:1234/r?burst=true", "websocat 'ws://[::1]:1234/r'"),
            ("random=ws://:1234/a%26%20b", "websocat 'ws://127.0.0.1:1234/a&%20b'"),
            (
                "echo=ws+unix:///tmp/w:/ws",
                "websocat --ws-c-uri=ws://localhost/ws - ws-c:unix:/tmp/w",
            ),
            ("echo=ws+unix://@w:/ws", "websocat --ws-c-uri=ws://localhost/ws - ws-c:abstract:w"),
        ] {
            assert_eq!(try_command(&binding.parse().expect(binding), None), command);
        }
    }

    #[test]
    fn the_port_is_the_one_that_was_found() {
        let tcp = "echo=tcp://:0".parse().expect("legal");
        assert_eq!(try_command(&tcp, Some(4567)), "nc 127.0.0.1 4567");
        let web = "time=ws://h:0/t".parse().expect("legal");
        assert_eq!(try_command(&web, Some(4567)), "websocat ws://h:4567/t");
    }
}
