//! One binding: `SERVICE=URL`, read and printed.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::str::FromStr;

use super::error::{BindingError, Problem};
use super::parameters::Parameters;
use super::percent;
use super::scheme::{Carrier, Scheme};
use super::service::{Kind, ServiceSpec};
use super::transport::Transport;
use super::url::{Place, Url};
use crate::address::{InetAddress, ListenAddress, UnixAddress, UnixName};
use crate::engine::SlowConsumers;
use crate::service::NotifyMode;

/// A service, the address it listens on and how messages travel there.
///
/// The three always fit each other, which is why only [`FromStr`] makes one. It prints in a
/// canonical form (defaults left out) that reads back as the same binding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Binding {
    service: ServiceSpec,
    slow: Option<SlowConsumers>,
    listen: ListenAddress,
    transport: Transport,
}

impl Binding {
    /// What is served.
    pub fn service(&self) -> &ServiceSpec {
        &self.service
    }

    /// What becomes of clients that do not read what is pushed to them, where the binding says it. Else
    /// they are closed; a stream pauses for them.
    pub fn slow_consumers(&self) -> Option<SlowConsumers> {
        self.slow
    }

    /// Where.
    pub fn listen(&self) -> &ListenAddress {
        &self.listen
    }

    /// How messages travel.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The canonical URL, with `local_port` in place of the configured port if there is one: the
    /// port that was found for `tcp://:0` is known only once the socket is bound.
    pub fn url(&self, local_port: Option<u16>) -> String {
        let (scheme, address) = self.scheme_and_address(local_port);
        let mut url = format!("{}://{address}", scheme.name());
        if let Transport::WebSocket { path, .. } = &self.transport {
            match scheme {
                // A colon in the path could make another `:/` behind the one that splits.
                Scheme::WebUnix => {
                    url.push(':');
                    url.push_str(&percent::encode(path.as_bytes(), b"/@!$&'()*+,;="));
                }
                _ => url.push_str(&percent::encode(path.as_bytes(), PATH_BYTES)),
            }
        }
        let mut separator = '?';
        for (name, value) in self.parameters() {
            url.push(separator);
            url.push_str(&format!("{name}={}", percent::encode(value.as_bytes(), b",")));
            separator = '&';
        }
        url
    }

    /// The scheme of its URL, whichever family of addresses it is for: what carries its messages.
    pub fn transport_name(&self) -> &'static str {
        match self.scheme_and_address(None).0 {
            Scheme::Tcp(_) => "tcp",
            Scheme::Udp(_) => "udp",
            scheme => scheme.name(),
        }
    }

    /// The path of a WebSocket as a client's request line holds it: encoded.
    pub fn request_path(&self) -> Option<String> {
        match &self.transport {
            Transport::WebSocket { path, .. } => Some(percent::encode(path.as_bytes(), PATH_BYTES)),
            Transport::Stream { .. }
            | Transport::Packet { .. }
            | Transport::Datagram { .. }
            | Transport::Http => None,
        }
    }

    /// The mode of a UNIX path, where the binding names one.
    pub(super) fn mode(&self) -> Option<u32> {
        match &self.listen {
            ListenAddress::Tcp(_) | ListenAddress::Udp(_) => None,
            ListenAddress::Unix(address)
            | ListenAddress::UnixDatagram(address)
            | ListenAddress::UnixPacket(address) => address.mode,
        }
    }

    /// Binds a service of the program's own to `url`, under a name for tables and logs.
    ///
    /// # Errors
    /// As for a binding on the command line.
    pub fn of_service(name: &str, url: &str) -> Result<Binding, BindingError> {
        let binding = Binding::of_kind(Kind::Other, url)
            .map_err(|problem| BindingError { binding: format!("{name}={url}"), problem })?;
        Ok(Binding { service: ServiceSpec::Other(name.to_owned()), ..binding })
    }

    /// [`FromStr`] without the text that the error is about.
    fn read(text: &str) -> Result<Binding, Problem> {
        let (service, url) = text.split_once('=').ok_or(Problem::NoService)?;
        // In a URL without a service the first `=` belongs to a parameter.
        if service.contains("://") {
            return Err(Problem::NoService);
        }
        Binding::of_kind(Kind::parse(service)?, url)
    }

    fn of_kind(kind: Kind, url: &str) -> Result<Binding, Problem> {
        let Url { scheme, place, web_path, mut parameters } = Url::parse(url)?;
        let carrier = scheme.carrier();

        kind.check_carrier(carrier, scheme.name())?;
        let known = known_parameters(kind, carrier, &place);
        parameters.check_known(&known, &describe(kind, scheme, &place))?;
        let service = ServiceSpec::parse(kind, &mut parameters)?;
        let slow = parse_slow(&service, &mut parameters)?;
        let transport = Transport::parse(carrier, web_path, &mut parameters)?;
        let listen = listen_address(scheme, place, &mut parameters)?;
        debug_assert!(parameters.is_empty(), "what is known is taken: {parameters:?}");
        Ok(Binding { service, slow, listen, transport })
    }

    /// The scheme that makes this kind of socket, and what stands behind its `://`.
    fn scheme_and_address(&self, local_port: Option<u16>) -> (Scheme, String) {
        let carrier = self.transport.carrier();
        let (is_web, is_http) = (carrier == Carrier::Web, carrier == Carrier::Http);
        match &self.listen {
            ListenAddress::Tcp(inet) if is_web => (Scheme::Web, authority(inet, local_port)),
            ListenAddress::Tcp(inet) if is_http => (Scheme::Http, authority(inet, local_port)),
            ListenAddress::Unix(unix) if is_http => (Scheme::HttpUnix, socket_name(&unix.name)),
            ListenAddress::Tcp(inet) => (Scheme::Tcp(inet.family), authority(inet, local_port)),
            ListenAddress::Udp(inet) => (Scheme::Udp(inet.family), authority(inet, local_port)),
            ListenAddress::Unix(unix) if is_web => (Scheme::WebUnix, socket_name(&unix.name)),
            ListenAddress::Unix(unix) => (Scheme::Unix, socket_name(&unix.name)),
            ListenAddress::UnixDatagram(unix) => (Scheme::UnixDatagram, socket_name(&unix.name)),
            ListenAddress::UnixPacket(unix) => (Scheme::UnixPacket, socket_name(&unix.name)),
        }
    }

    /// The parameters that differ from their defaults.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.service.parameters();
        pairs.extend(self.slow.map(|slow| match slow {
            SlowConsumers::Close => ("slow", "close".to_owned()),
            SlowConsumers::Drop => ("slow", "drop".to_owned()),
        }));
        pairs.extend(self.transport.parameters());
        pairs.extend(self.mode().map(|mode| ("mode", format!("{mode:04o}"))));
        pairs
    }
}

impl FromStr for Binding {
    type Err = BindingError;

    fn from_str(text: &str) -> Result<Binding, BindingError> {
        Binding::read(text).map_err(|problem| BindingError { binding: text.to_owned(), problem })
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.service.name(), self.url(None))
    }
}

/// What may stand in a path as it is (RFC 3986 §3.3, "pchar").
const PATH_BYTES: &[u8] = b"/:@!$&'()*+,;=";

/// The parameters that a binding can have.
fn known_parameters(kind: Kind, carrier: Carrier, place: &Place) -> Vec<&'static str> {
    let mut known = kind.known_parameters(carrier).to_vec();
    known.extend(Transport::known_parameters(carrier, kind));
    // Only a path has permissions.
    if matches!(place, Place::Unix(UnixName::Path(_))) {
        known.push("mode");
    }
    known
}

/// What a parameter may turn out to have no meaning for.
fn describe(kind: Kind, scheme: Scheme, place: &Place) -> String {
    match place {
        Place::Unix(UnixName::Abstract(_)) => {
            format!("{} on an abstract {} socket", kind.name(), scheme.name())
        }
        Place::Unix(UnixName::Path(_)) | Place::Inet(_) => {
            format!("{} on {}", kind.name(), scheme.name())
        }
    }
}

/// Takes what is said of slow consumers. With a history nobody is closed for being slow.
fn parse_slow(
    service: &ServiceSpec,
    parameters: &mut Parameters,
) -> Result<Option<SlowConsumers>, Problem> {
    let slow = parameters.take_parsed("slow", "`close` or `drop`", |value| match value {
        "close" => Some(SlowConsumers::Close),
        "drop" => Some(SlowConsumers::Drop),
        _ => None,
    })?;
    match service {
        ServiceSpec::Notify(NotifyMode::Commands { history: 1.. })
            if slow == Some(SlowConsumers::Close) =>
        {
            Err(Problem::MeaninglessWith("slow=close", "history"))
        }
        // What would be done anyway is not printed.
        ServiceSpec::Stream { .. } => Ok(slow),
        _ => Ok(slow.filter(|slow| *slow != SlowConsumers::default())),
    }
}

/// Takes what belongs to the socket.
fn listen_address(
    scheme: Scheme,
    place: Place,
    parameters: &mut Parameters,
) -> Result<ListenAddress, Problem> {
    let mode = parameters.take_parsed("mode", "octal permissions such as 0660", |text| {
        let is_octal = text.len() <= 4 && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        u32::from_str_radix(text, 8).ok().filter(|mode| is_octal && *mode <= 0o777)
    })?;
    Ok(match place {
        Place::Inet(inet) => match scheme.carrier() {
            Carrier::Datagram => ListenAddress::Udp(inet),
            Carrier::Stream | Carrier::Packet | Carrier::Web | Carrier::Http => {
                ListenAddress::Tcp(inet)
            }
        },
        Place::Unix(name) => {
            let address = UnixAddress { name, mode };
            match scheme.carrier() {
                Carrier::Datagram => ListenAddress::UnixDatagram(address),
                Carrier::Packet => ListenAddress::UnixPacket(address),
                Carrier::Stream | Carrier::Web | Carrier::Http => ListenAddress::Unix(address),
            }
        }
    })
}

/// `host:port` as a URL holds it.
fn authority(inet: &InetAddress, local_port: Option<u16>) -> String {
    let port = local_port.unwrap_or(inet.port);
    match &inet.host {
        Some(host) if host.contains(':') => {
            format!("[{}]:{port}", percent::encode(host.as_bytes(), b":"))
        }
        Some(host) => format!("{}:{port}", percent::encode(host.as_bytes(), b"")),
        None => format!(":{port}"),
    }
}

/// The name of a UNIX socket as a URL holds it.
fn socket_name(name: &UnixName) -> String {
    match name {
        UnixName::Abstract(name) => format!("@{}", percent::encode(name, PATH_BYTES)),
        UnixName::Path(path) => {
            let encoded = percent::encode(path.as_os_str().as_bytes(), PATH_BYTES);
            // A plain `@` in front would make it an abstract name.
            match encoded.strip_prefix('@') {
                Some(rest) => format!("%40{rest}"),
                None => encoded,
            }
        }
    }
}
