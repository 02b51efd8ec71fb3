//! The services of the command line.

use crate::config::{Binding, Config, ServiceSpec};
use crate::engine::BindingId;
use crate::service::{
    Chat, Count, Discard, Echo, Metrics, Notify, Random, ServerStats, Service, Stream, TimeService,
};

/// A service with its name, for tables and logs.
type Named = (String, Box<dyn Service>);

/// What the bindings of `config` serve, and the index of the service of each: one instance for each
/// binding, but of `chat`, `notify` and `stats`, in which the clients of all their bindings meet.
pub(super) fn services(config: &Config) -> (Vec<Named>, Vec<usize>) {
    let mut services: Vec<Named> = Vec::new();
    let mut service_of = Vec::new();
    for binding in config.bindings.as_slice() {
        let spec = binding.service();
        let is_shared =
            matches!(spec, ServiceSpec::Chat | ServiceSpec::Notify(_) | ServiceSpec::Stats);
        let shared = services.iter().position(|(name, _)| is_shared && name == spec.name());
        service_of.push(shared.unwrap_or(services.len()));
        if shared.is_none() {
            services.push((spec.name().to_owned(), service(binding, config)));
        }
    }
    (services, service_of)
}

/// The service that a binding of `config` names.
fn service(binding: &Binding, config: &Config) -> Box<dyn Service> {
    match binding.service() {
        ServiceSpec::Echo => Box::new(Echo),
        ServiceSpec::Time => Box::<TimeService>::default(),
        ServiceSpec::Count { number } => Box::new(Count::new(*number)),
        ServiceSpec::Random { range, burst } => Box::new(Random::new((*range).into(), *burst)),
        ServiceSpec::Discard => Box::new(Discard),
        ServiceSpec::Stats => Box::<ServerStats>::default(),
        ServiceSpec::Metrics => Box::new(Metrics),
        ServiceSpec::Chat => Box::<Chat>::default(),
        ServiceSpec::Notify(_) => {
            let modes =
                config.bindings.as_slice().iter().zip(0..).filter_map(|(binding, index)| {
                    match binding.service() {
                        ServiceSpec::Notify(mode) => Some((BindingId::nth(index), mode.clone())),
                        _ => None,
                    }
                });
            Box::new(Notify::new(modes).with_publish_token(config.publish_token.clone()))
        }
        ServiceSpec::Stream { source } => {
            Box::new(Stream::new(*source).pushing(binding.slow_consumers().is_some()))
        }
        ServiceSpec::Other(name) => unreachable!("{name} is not built in"),
    }
}
