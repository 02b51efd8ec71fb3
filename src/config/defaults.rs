//! What is served when nobody says what to serve: a bit of everything, for this machine only.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::bindings::Bindings;
use super::error::BindingError;
use super::percent;

impl Bindings {
    /// The built-in set. All of it is on the loopback interface (a server that nobody configured
    /// has no business on a network), but for one UNIX socket, which is in `temp_dir`.
    ///
    /// Fails only if the path of that socket is too long.
    pub fn builtin(temp_dir: &Path) -> Result<Bindings, BindingError> {
        let socket = temp_dir.join("readily-echo.sock");
        let socket = percent::encode(socket.as_os_str().as_bytes(), b"/");
        Bindings::parse([
            "echo=ws://127.0.0.1:1234/ws",
            "random=ws://127.0.0.1:1234/random?burst=true",
            "time=ws://127.0.0.1:1234/time",
            "count=ws://127.0.0.1:1234/count",
            "chat=ws://127.0.0.1:1234/chat",
            "notify=ws://127.0.0.1:1234/notify?history=100",
            "stream=ws://127.0.0.1:1234/stream?source=walk",
            "stats=ws://127.0.0.1:1234/stats",
            "echo=tcp://127.0.0.1:8001",
            "time=tcp://127.0.0.1:8002",
            "count=tcp://127.0.0.1:8003",
            "random=tcp://127.0.0.1:8004",
            "chat=tcp://127.0.0.1:8005",
            "notify=tcp://127.0.0.1:8006?history=100",
            "stream=tcp://127.0.0.1:8007",
            "echo=udp://127.0.0.1:8001",
            "time=udp://127.0.0.1:8002",
            "random=udp://127.0.0.1:8004",
            &format!("echo=unix://{socket}"),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::host;
    use crate::address::ListenAddress;

    #[test]
    fn the_builtin_bindings_are_on_loopback_only() {
        let bindings = Bindings::builtin(Path::new("/tmp/a b")).expect("legal");
        assert_eq!(bindings.as_slice().len(), 19);
        assert_eq!(bindings.listeners().len(), 12);
        for binding in bindings.as_slice() {
            match binding.listen() {
                ListenAddress::Tcp(inet) | ListenAddress::Udp(inet) => {
                    let host = inet.host.as_deref().expect("a host");
                    assert!(host::literal(host).expect("a literal").is_loopback(), "{binding}");
                }
                _ => assert_eq!(binding.url(None), "unix:///tmp/a%20b/readily-echo.sock"),
            }
        }
    }

    #[test]
    fn a_long_temporary_directory_is_an_error() {
        let error = Bindings::builtin(Path::new(&format!("/{}", "t".repeat(100)))).unwrap_err();
        assert!(error.to_string().ends_with("has 119 bytes, at most 107 fit"), "{error}");
    }
}
