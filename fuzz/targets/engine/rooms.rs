//! An engine with every service behind every protocol, and where its doors lead.

use std::time::Duration;

use readily::codec::websocket::deflate::Policy;
use readily::codec::websocket::handshake::Subprotocols;
use readily::engine::{BindingId, Endpoint, EndpointId, Engine, Limits, ServiceId, StopScope};
use readily::protocol::{Route, Site};
use readily::service::{
    Burst, Chat, Count, Discard, Echo, Notify, NotifyMode, Number, Random, ServerStats, Service,
    Source, Stream, TimeService,
};

use super::mischief::Mischief;
use super::script::{Door, Path};

/// Where peers and datagrams come to.
pub(crate) struct Rooms {
    doors: [EndpointId; Door::ALL.len()],
    pub(crate) datagrams: [EndpointId; 4],
    pub(crate) mischief: ServiceId,
    /// Whose peers the connections are that are made or adopted.
    pub(crate) own: BindingId,
}

impl Rooms {
    pub(crate) fn door(&self, door: Door) -> EndpointId {
        self.doors[door as usize]
    }
}

/// Small, so that a short script comes to them; and never the same.
pub(crate) fn limits(choice: u8) -> Limits {
    let longest = [1_000, 100][usize::from(choice & 1)];
    let mut limits = Limits {
        max_queued_bytes: [4_000, 1, 20_000, 2_000][usize::from(choice >> 1 & 3)],
        high_water_bytes: [2_000, 200, 8_000, 4_000][usize::from(choice >> 3 & 3)],
        low_water_bytes: [500, 0][usize::from(choice >> 5 & 1)],
        linger_bytes: 1_000,
        drain_timeout: DRAIN_TIMEOUT,
        ..Limits::default()
    }
    .with_max_message(longest);
    limits.protocol.max_line = longest;
    limits.protocol.deflate_from = [10, 200][usize::from(choice >> 6 & 1)];
    limits
}

/// Longer than any connection may take to come to its end.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(60);

/// What may be spoken besides what a service speaks by itself.
fn offered(path: Path) -> Subprotocols {
    let names = if path == Path::Chat { Chat::SUBPROTOCOL } else { "" };
    Subprotocols::parse(names).unwrap_or_default()
}

fn add(engine: &mut Engine, service: Box<dyn Service>, stop: StopScope) -> (ServiceId, BindingId) {
    let service = engine.add_service(service);
    (service, engine.add_binding(service, stop))
}

pub(crate) fn furnish(limits: Limits) -> (Engine, Rooms) {
    let mut engine = Engine::new(limits, 7, ());
    let cap = engine.limits().max_queued_bytes;
    let here = StopScope::Connection;
    let (_, echo) = add(&mut engine, Box::new(Echo), here);
    let (_, stop) = add(&mut engine, Box::new(Echo), StopScope::Server);
    let (_, count) = add(&mut engine, Box::new(Count::new(Number::Own)), here);
    let (_, time) = add(&mut engine, Box::<TimeService>::default(), here);
    let (_, random) = add(&mut engine, Box::new(Random::new(1..=6, None)), here);
    let (_, discard) = add(&mut engine, Box::new(Discard), here);
    let burst = Random::new(i64::MIN..=i64::MAX, Some(Burst { limit: 2_000 }));
    let (_, burst) = add(&mut engine, Box::new(burst), here);
    let (_, chat) = add(&mut engine, Box::<Chat>::default(), here);
    let notify = BindingId::nth(chat.index() + 1);
    let history = BindingId::nth(chat.index() + 2);
    let modes = [(notify, 0), (history, 3)]
        .map(|(binding, history)| (binding, NotifyMode::Commands { history }));
    let (topics, first) = add(&mut engine, Box::new(Notify::new(modes)), here);
    let second = engine.add_binding(topics, here);
    assert_eq!([first, second], [notify, history]);
    let (_, stream) = add(&mut engine, Box::new(Stream::new(Source::Walk)), here);
    let (_, pushed) = add(&mut engine, Box::new(Stream::new(Source::Clock).pushing(true)), here);
    let (_, stats) = add(&mut engine, Box::<ServerStats>::default(), here);
    let own = BindingId::nth(stats.index() + 2);
    let (mischief, guests) = add(&mut engine, Box::new(Mischief::new(own, cap)), here);
    assert_eq!(engine.add_binding(mischief, here), own);

    let routes = [
        (Path::Echo, echo, Policy::Off),
        (Path::EchoAlone, echo, Policy::NoTakeover),
        (Path::EchoTakeover, echo, Policy::Takeover),
        (Path::Random, random, Policy::NoTakeover),
        (Path::Burst, burst, Policy::Off),
        (Path::Count, count, Policy::Off),
        (Path::Mischief, guests, Policy::Takeover),
        (Path::Chat, chat, Policy::NoTakeover),
        (Path::Notify, notify, Policy::NoTakeover),
        (Path::History, history, Policy::Off),
        (Path::Stream, pushed, Policy::Off),
        (Path::Stats, stats, Policy::NoTakeover),
    ];
    let route = |(path, binding, deflate): (Path, BindingId, Policy)| Route {
        path: path.text().to_owned(),
        binding: binding.index(),
        deflate,
        subprotocols: offered(path),
        ..Route::default()
    };
    let site = Site { routes: routes.map(route).into(), ..Site::default() };
    let doors = Door::ALL.map(|door| {
        engine.add_endpoint(match door {
            Door::EchoLines => Endpoint::Line(echo),
            Door::EchoBytes => Endpoint::Raw(echo),
            Door::EchoPackets => Endpoint::Packet(echo),
            Door::CountLines => Endpoint::Line(count),
            Door::TimeLines => Endpoint::Line(time),
            Door::RandomPackets => Endpoint::Packet(random),
            Door::DiscardBytes => Endpoint::Raw(discard),
            Door::StopLines => Endpoint::Line(stop),
            Door::MischiefLines => Endpoint::Line(guests),
            Door::MischiefBytes => Endpoint::Raw(guests),
            Door::MischiefPackets => Endpoint::Packet(guests),
            Door::Web => Endpoint::Web(site.clone()),
            Door::ChatLines => Endpoint::Line(chat),
            Door::NotifyLines => Endpoint::Line(notify),
            Door::HistoryLines => Endpoint::Line(history),
            Door::StreamLines => Endpoint::Line(stream),
            Door::StatsLines => Endpoint::Line(stats),
        })
    });
    let datagrams =
        [echo, random, count, stop].map(|binding| engine.add_endpoint(Endpoint::Datagram(binding)));
    (engine, Rooms { doors, datagrams, mischief, own })
}
