//! Where a contender listens. Names are not resolved: a benchmark names the address it means.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// A place to listen on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Url {
    Tcp(SocketAddr),
    Unix(PathBuf),
    Udp(SocketAddr),
    /// With the path, which begins with `/`.
    Ws(SocketAddr, String),
}

/// What is spoken there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scheme {
    Tcp,
    Unix,
    Udp,
    Ws,
}

impl Url {
    pub(crate) fn scheme(&self) -> Scheme {
        match self {
            Url::Tcp(_) => Scheme::Tcp,
            Url::Unix(_) => Scheme::Unix,
            Url::Udp(_) => Scheme::Udp,
            Url::Ws(..) => Scheme::Ws,
        }
    }
}

impl FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Url, String> {
        let wrong = || {
            format!(
                "expected tcp://IP:PORT, unix://PATH, udp://IP:PORT or ws://IP:PORT/PATH, not {text}"
            )
        };
        let (scheme, place) = text.split_once("://").ok_or_else(wrong)?;
        let address = |text: &str| text.parse::<SocketAddr>().map_err(|_| wrong());
        match scheme {
            "tcp" => Ok(Url::Tcp(address(place)?)),
            "udp" => Ok(Url::Udp(address(place)?)),
            "unix" if !place.is_empty() => Ok(Url::Unix(place.into())),
            "ws" => {
                let (authority, path) = place.split_once('/').unwrap_or((place, ""));
                Ok(Url::Ws(address(authority)?, format!("/{path}")))
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Url::Tcp(address) => write!(f, "tcp://{address}"),
            Url::Udp(address) => write!(f, "udp://{address}"),
            Url::Unix(path) => write!(f, "unix://{}", path.display()),
            Url::Ws(address, path) => write!(f, "ws://{address}{path}"),
        }
    }
}

impl Scheme {
    /// As it stands in a URL.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Scheme::Tcp => "tcp",
            Scheme::Unix => "unix",
            Scheme::Udp => "udp",
            Scheme::Ws => "ws",
        }
    }
}
