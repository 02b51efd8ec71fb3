//! What is served: the left side of a binding and the parameters that are the service's own.
//!
//! To add a service, add it to [`Kind`] with its name and its parameters, and to [`ServiceSpec`]
//! with what they mean; the compiler names every other place.

use std::ops::RangeInclusive;

use super::error::Problem;
use super::parameters::Parameters;
use super::scheme::Carrier;
use crate::decimal;
use crate::pubsub;
use crate::service::notify::{MAX_HISTORY, is_reserved};
use crate::service::{Burst, NotifyMode, Number, Role, Source};

/// A service with its parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ServiceSpec {
    /// Answers with the message itself.
    Echo,
    /// Answers with the local time.
    Time,
    /// Answers with a number of clients.
    Count {
        /// Which number.
        number: Number,
    },
    /// Answers with a random integer.
    Random {
        /// The integers it draws from, unless a message asks for others.
        range: RandomRange,
        /// On WebSocket: the first message asks for many at once.
        burst: Option<Burst>,
    },
    /// Answers nothing.
    Discard,
    /// Rooms, one instance for all bindings.
    Chat,
    /// Topics, one instance for all bindings.
    Notify(NotifyMode),
    /// Samples at a rate.
    Stream {
        /// What they are.
        source: Source,
    },
    /// How the server is, once a second; one instance for all bindings.
    Stats,
    /// Shows the counters over HTTP.
    Metrics,
    /// A service of the program that embeds the server, under a name of its choice.
    Other(String),
}

impl ServiceSpec {
    /// The name in front of the `=`.
    pub fn name(&self) -> &str {
        match self {
            ServiceSpec::Echo => Kind::Echo.name(),
            ServiceSpec::Time => Kind::Time.name(),
            ServiceSpec::Count { .. } => Kind::Count.name(),
            ServiceSpec::Random { .. } => Kind::Random.name(),
            ServiceSpec::Discard => Kind::Discard.name(),
            ServiceSpec::Chat => Kind::Chat.name(),
            ServiceSpec::Notify(_) => Kind::Notify.name(),
            ServiceSpec::Stream { .. } => Kind::Stream.name(),
            ServiceSpec::Stats => Kind::Stats.name(),
            ServiceSpec::Metrics => Kind::Metrics.name(),
            ServiceSpec::Other(name) => name,
        }
    }

    /// Takes what belongs to the service of this kind.
    pub(super) fn parse(kind: Kind, parameters: &mut Parameters) -> Result<ServiceSpec, Problem> {
        Ok(match kind {
            Kind::Echo => ServiceSpec::Echo,
            Kind::Time => ServiceSpec::Time,
            Kind::Count => ServiceSpec::Count {
                number: parameters
                    .take_parsed("number", "`current` or `own`", |value| match value {
                        "current" => Some(Number::Current),
                        "own" => Some(Number::Own),
                        _ => None,
                    })?
                    .unwrap_or_default(),
            },
            Kind::Random => ServiceSpec::Random {
                range: RandomRange::parse(parameters)?,
                burst: parse_burst(parameters)?,
            },
            Kind::Discard => ServiceSpec::Discard,
            Kind::Chat => ServiceSpec::Chat,
            Kind::Notify => ServiceSpec::Notify(parse_notify(parameters)?),
            Kind::Stream => ServiceSpec::Stream {
                source: parameters
                    .take_parsed("source", "`counter`, `walk` or `clock`", |value| match value {
                        "counter" => Some(Source::Counter),
                        "walk" => Some(Source::Walk),
                        "clock" => Some(Source::Clock),
                        _ => None,
                    })?
                    .unwrap_or_default(),
            },
            Kind::Stats => ServiceSpec::Stats,
            Kind::Metrics => ServiceSpec::Metrics,
            Kind::Other => ServiceSpec::Other(kind.name().to_owned()),
        })
    }

    /// The parameters that differ from their defaults, in the order they are printed.
    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        match self {
            ServiceSpec::Echo
            | ServiceSpec::Time
            | ServiceSpec::Discard
            | ServiceSpec::Chat
            | ServiceSpec::Stream { source: Source::Counter }
            | ServiceSpec::Notify(NotifyMode::Commands { history: 0 })
            | ServiceSpec::Stats
            | ServiceSpec::Metrics
            | ServiceSpec::Other(_) => {}
            ServiceSpec::Stream { source: Source::Walk } => {
                pairs.push(("source", "walk".to_owned()));
            }
            ServiceSpec::Stream { source: Source::Clock } => {
                pairs.push(("source", "clock".to_owned()));
            }
            ServiceSpec::Notify(NotifyMode::Commands { history }) => {
                pairs.push(("history", history.to_string()));
            }
            ServiceSpec::Notify(NotifyMode::Fixed { topic, role }) => {
                pairs.push(("topic", topic.clone()));
                match role {
                    Role::Both => {}
                    Role::Publish => pairs.push(("role", "publish".to_owned())),
                    Role::Subscribe => pairs.push(("role", "subscribe".to_owned())),
                }
            }
            ServiceSpec::Count { number: Number::Current } => {}
            ServiceSpec::Count { number: Number::Own } => pairs.push(("number", "own".to_owned())),
            ServiceSpec::Random { range, burst } => {
                if *range != RandomRange::default() {
                    pairs.push(("min", range.min.to_string()));
                    pairs.push(("max", range.max.to_string()));
                }
                if let Some(Burst { limit }) = burst {
                    pairs.push(("burst", "true".to_owned()));
                    if *limit != Burst::default().limit {
                        pairs.push(("limit", limit.to_string()));
                    }
                }
            }
        }
        pairs
    }
}

/// The integers from `min` to `max`, both included; never empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RandomRange {
    min: i64,
    max: i64,
}

impl RandomRange {
    /// `None` if `min` is greater than `max`.
    pub const fn new(min: i64, max: i64) -> Option<RandomRange> {
        if min > max { None } else { Some(RandomRange { min, max }) }
    }

    /// The least of them.
    pub const fn min(self) -> i64 {
        self.min
    }

    /// The greatest of them.
    pub const fn max(self) -> i64 {
        self.max
    }

    fn parse(parameters: &mut Parameters) -> Result<RandomRange, Problem> {
        const INTEGER: &str = "a signed 64-bit integer";
        let default = RandomRange::default();
        let min = parameters.take_parsed("min", INTEGER, |text| text.parse().ok())?;
        let max = parameters.take_parsed("max", INTEGER, |text| text.parse().ok())?;
        let (min, max) = (min.unwrap_or(default.min), max.unwrap_or(default.max));
        RandomRange::new(min, max).ok_or(Problem::EmptyRange { min, max })
    }
}

impl Default for RandomRange {
    /// 1 to 1000.
    fn default() -> RandomRange {
        RandomRange { min: 1, max: 1000 }
    }
}

impl From<RandomRange> for RangeInclusive<i64> {
    fn from(range: RandomRange) -> RangeInclusive<i64> {
        range.min..=range.max
    }
}

/// Takes what belongs to a burst.
fn parse_burst(parameters: &mut Parameters) -> Result<Option<Burst>, Problem> {
    let burst = parameters.take_parsed("burst", "`true` or `false`", |text| text.parse().ok())?;
    let limit = parameters.take_parsed("limit", "a number, 0 or more", decimal::parse)?;
    match (burst.unwrap_or(false), limit) {
        (true, limit) => Ok(Some(Burst { limit: limit.unwrap_or(Burst::default().limit) })),
        (false, None) => Ok(None),
        (false, Some(_)) => Err(Problem::MeaninglessWithout("limit", "burst=true")),
    }
}

/// Takes what belongs to topics.
fn parse_notify(parameters: &mut Parameters) -> Result<NotifyMode, Problem> {
    const EXPECTED: &str = "words with slashes between them, other than `ERR` and `GAP`";
    let topic = parameters.take_parsed("topic", EXPECTED, |text| {
        (pubsub::check_topic(text).is_ok() && !is_reserved(text)).then(|| text.to_owned())
    })?;
    let role =
        parameters.take_parsed(
            "role",
            "`publish`, `subscribe` or `both`",
            |value| match value {
                "publish" => Some(Role::Publish),
                "subscribe" => Some(Role::Subscribe),
                "both" => Some(Role::Both),
                _ => None,
            },
        )?;
    let history = parameters.take_parsed("history", "a number from 0 to 65536", |text| {
        decimal::parse(text).filter(|count| *count <= MAX_HISTORY)
    })?;
    match (topic, role, history) {
        (None, None, history) => Ok(NotifyMode::Commands { history: history.unwrap_or(0) }),
        (None, Some(_), _) => Err(Problem::MeaninglessWithout("role", "topic")),
        (Some(_), _, Some(_)) => Err(Problem::MeaninglessWith("history", "topic")),
        (Some(topic), role, None) => {
            Ok(NotifyMode::Fixed { topic, role: role.unwrap_or_default() })
        }
    }
}

/// The services there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Echo,
    Time,
    Count,
    Random,
    Discard,
    Chat,
    Notify,
    Stream,
    Stats,
    Metrics,
    /// A service of the program that embeds the server; not for the command line.
    Other,
}

impl Kind {
    /// Those of the command line, in the order in which they are listed.
    pub(super) const ALL: [Kind; 10] = [
        Kind::Echo,
        Kind::Time,
        Kind::Count,
        Kind::Random,
        Kind::Chat,
        Kind::Notify,
        Kind::Stream,
        Kind::Stats,
        Kind::Discard,
        Kind::Metrics,
    ];

    pub(super) fn parse(name: &str) -> Result<Kind, Problem> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            Problem::UnknownService {
                name: name.to_owned(),
                known: Kind::ALL.into_iter().map(Kind::name).collect(),
            }
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Echo => "echo",
            Kind::Time => "time",
            Kind::Count => "count",
            Kind::Random => "random",
            Kind::Discard => "discard",
            Kind::Chat => "chat",
            Kind::Notify => "notify",
            Kind::Stream => "stream",
            Kind::Stats => "stats",
            Kind::Metrics => "metrics",
            Kind::Other => "service",
        }
    }

    /// Refuses to bind a service to a socket that carries nothing it could answer.
    pub(super) fn check_carrier(
        self,
        carrier: Carrier,
        scheme: &'static str,
    ) -> Result<(), Problem> {
        match (self, carrier) {
            (Kind::Metrics, Carrier::Http) | (Kind::Other, _) => Ok(()),
            (Kind::Metrics, _) => Err(Problem::RequestsOnly { service: self.name(), scheme }),
            (Kind::Chat | Kind::Notify | Kind::Stream | Kind::Stats, Carrier::Datagram) => {
                Err(Problem::NeedsConnections { service: self.name(), scheme })
            }
            (_, Carrier::Http) => Err(Problem::NoRequests { service: self.name(), scheme }),
            _ => Ok(()),
        }
    }

    /// The parameters that the service takes, on a socket that carries `carrier`.
    pub(super) fn known_parameters(self, carrier: Carrier) -> &'static [&'static str] {
        match (self, carrier) {
            (Kind::Echo | Kind::Time | Kind::Discard | Kind::Stats | Kind::Metrics, _)
            | (Kind::Other, Carrier::Datagram | Carrier::Http) => &[],
            (Kind::Chat | Kind::Other, _) => &["slow"],
            (Kind::Notify, _) => &["history", "topic", "role", "slow"],
            (Kind::Stream, _) => &["source", "slow"],
            (Kind::Count, _) => &["number"],
            (Kind::Random, Carrier::Web) => &["min", "max", "burst", "limit"],
            (Kind::Random, _) => &["min", "max"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_knows_which_services_a_command_line_can_name() {
        let source = include_str!("../../web/panel.js");
        let list = source.split_once("const SERVICES = [").expect("the list").1;
        let list = list.split_once(']').expect("its end").0;
        let mut listed: Vec<_> = list.split(", ").map(|name| name.trim_matches('"')).collect();
        // Whoever is asked and has no messages is not for a page to talk to.
        let spoken = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Metrics);
        let mut names: Vec<_> = spoken.map(Kind::name).collect();
        listed.sort_unstable();
        names.sort_unstable();
        assert_eq!(listed, names);
    }
}
