//! Several bindings that get along: the ones of a server, and the listeners they need.
//!
//! Every binding has a listener to itself, but those of WebSockets, which share one an address and
//! have a path each. Two bindings that want the same address are an error here, before anything is
//! opened: the system would say "address in use" of the second, and people would look for another
//! program that uses it.

use std::ffi::OsString;
use std::mem::discriminant;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Component, Path};

use super::binding::Binding;
use super::error::{BindingError, Problem};
use super::transport::Transport;
use crate::access::host;
use crate::address::{InetAddress, ListenAddress, UnixName};

/// Bindings of which no two are in each other's way.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Bindings {
    bindings: Vec<Binding>,
    listeners: Vec<ListenerPlan>,
}

/// A socket to open and whom it serves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListenerPlan {
    /// Where it listens.
    pub listen: ListenAddress,
    /// What is behind it.
    pub plan: Plan,
}

/// What is behind a listener; the numbers are indices into [`Bindings::as_slice`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Plan {
    /// HTTP, with the paths of WebSockets.
    Web(Vec<(String, usize)>),
    /// One binding and nothing else.
    One(usize),
}

impl Bindings {
    /// Reads bindings and [`add`](Bindings::add)s each to those before it.
    pub fn parse<I>(texts: I) -> Result<Bindings, BindingError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut bindings = Bindings::default();
        for text in texts {
            let text = text.as_ref();
            bindings
                .add(text.parse()?)
                .map_err(|problem| BindingError { binding: text.to_owned(), problem })?;
        }
        Ok(bindings)
    }

    /// Adds one more, unless an earlier one is in its way; returns its index.
    pub fn add(&mut self, binding: Binding) -> Result<usize, Problem> {
        let index = self.bindings.len();
        let in_the_way =
            self.listeners.iter().position(|listener| overlap(&listener.listen, binding.listen()));
        match in_the_way {
            None => self.listeners.push(ListenerPlan {
                listen: binding.listen().clone(),
                plan: match binding.transport() {
                    Transport::WebSocket { path, .. } => Plan::Web(vec![(path.clone(), index)]),
                    _ => Plan::One(index),
                },
            }),
            Some(shared) => self.share(shared, &binding, index)?,
        }
        self.bindings.push(binding);
        Ok(index)
    }

    /// The bindings in the order they were added.
    pub fn as_slice(&self) -> &[Binding] {
        &self.bindings
    }

    /// The sockets they need, in the order they were first asked for.
    pub fn listeners(&self) -> &[ListenerPlan] {
        &self.listeners
    }

    /// Makes `binding` a path of a listener that is there, which only WebSockets of exactly the
    /// same address can be.
    fn share(&mut self, listener: usize, binding: &Binding, index: usize) -> Result<(), Problem> {
        let ListenerPlan { listen, plan } = &mut self.listeners[listener];
        let (paths, path) = match (plan, binding.transport()) {
            (Plan::Web(paths), Transport::WebSocket { path, .. })
                if is_same_socket(listen, binding.listen()) =>
            {
                (paths, path)
            }
            (Plan::Web(paths), _) => {
                let by = self.bindings[paths[0].1].to_string();
                return Err(Problem::AddressTaken { by });
            }
            (Plan::One(owner), _) => {
                let by = self.bindings[*owner].to_string();
                return Err(Problem::AddressTaken { by });
            }
        };
        if let Some((path, owner)) = paths.iter().find(|(taken, _)| taken == path) {
            let by = self.bindings[*owner].to_string();
            return Err(Problem::PathTaken { path: path.clone(), by });
        }
        if let (Some(mode), ListenAddress::Unix(address)) = (binding.mode(), listen) {
            match address.mode {
                None => address.mode = Some(mode),
                Some(earlier) if earlier == mode => {}
                Some(earlier) => {
                    let mut sharing = paths.iter().map(|(_, owner)| &self.bindings[*owner]);
                    let by = sharing
                        .find(|owner| owner.mode().is_some())
                        .expect("the mode of a listener is that of one of its bindings");
                    return Err(Problem::ModeConflict { mode, earlier, by: by.to_string() });
                }
            }
        }
        paths.push((path.clone(), index));
        Ok(())
    }
}

/// Whether two sockets could not listen side by side.
fn overlap(one: &ListenAddress, two: &ListenAddress) -> bool {
    use ListenAddress::{Tcp, Udp};
    match (one, two) {
        (Tcp(one), Tcp(two)) | (Udp(one), Udp(two)) => inet_overlap(one, two),
        _ => match (unix_name(one), unix_name(two)) {
            // A path is one file, whatever kind of socket it is.
            (Some(UnixName::Path(one)), Some(UnixName::Path(two))) => is_same_path(one, two),
            // Abstract names are looked up among sockets of the same kind only.
            (Some(UnixName::Abstract(one_name)), Some(UnixName::Abstract(two_name))) => {
                one_name == two_name && discriminant(one) == discriminant(two)
            }
            _ => false,
        },
    }
}

/// Whether two addresses that overlap are one and the same; permissions aside.
fn is_same_socket(one: &ListenAddress, two: &ListenAddress) -> bool {
    one == two || (unix_name(one).is_some() && discriminant(one) == discriminant(two))
}

fn unix_name(address: &ListenAddress) -> Option<&UnixName> {
    match address {
        ListenAddress::Tcp(_) | ListenAddress::Udp(_) => None,
        ListenAddress::Unix(unix)
        | ListenAddress::UnixDatagram(unix)
        | ListenAddress::UnixPacket(unix) => Some(&unix.name),
    }
}

/// `./a` and `a//.` are `a`; links are not followed.
fn is_same_path(one: &Path, two: &Path) -> bool {
    let parts = |path: &Path| -> Vec<OsString> {
        let parts = path.components().filter(|part| *part != Component::CurDir);
        parts.map(|part| part.as_os_str().to_owned()).collect()
    };
    parts(one) == parts(two)
}

/// Whether two ports are the same and so is one of the addresses behind them. What a name stands
/// for is not known here, so a name is the same only as itself.
fn inet_overlap(one: &InetAddress, two: &InetAddress) -> bool {
    // Port 0 is another one each time.
    if one.port != two.port || one.port == 0 {
        return false;
    }
    let share_a_family = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
        .into_iter()
        .any(|sample| can_have(one, sample) && can_have(two, sample));
    share_a_family && (one.host == two.host || is_wildcard(one) || is_wildcard(two))
}

/// Whether addresses of the family of `sample` can be among those of `address`.
fn can_have(address: &InetAddress, sample: IpAddr) -> bool {
    let literal = address.host.as_deref().and_then(host::literal);
    // `[::]` takes IPv4 as well unless the scheme excludes it (ipv6(7), `IPV6_V6ONLY`).
    address.family.admits(sample)
        && literal.is_none_or(|literal| {
            literal.is_ipv4() == sample.is_ipv4() || literal == Ipv6Addr::UNSPECIFIED
        })
}

/// Whether every address of a family is meant.
fn is_wildcard(address: &InetAddress) -> bool {
    match &address.host {
        None => true,
        Some(host) => host::literal(host).is_some_and(|literal| literal.is_unspecified()),
    }
}
