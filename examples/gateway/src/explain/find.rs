//! Which route is asked.

use std::fmt;

use http::Request;

use super::Options;
use super::call::Call;
use super::request;
use crate::config::{Bind, Config, Listener, Route};
use crate::proxy::BoxError;
use crate::route::{Front, Listeners, target};

/// A route and what it stands under.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'c> {
    pub(super) bind: &'c Bind,
    pub(super) listener: &'c Listener,
    pub(super) route: &'c Route,
    /// Whether the gateway sends the request here, as far as it is known which one it is.
    pub(super) takes_it: bool,
    /// Where it begins is shown with the file.
    file: &'c str,
}

/// The route that is named, or else the one to which the gateway sends such a request, or else the only one.
pub(super) fn place<'c>(
    config: &'c Config,
    options: &Options,
    call: Option<&Call>,
) -> Result<Place<'c>, BoxError> {
    let all = all(config);
    if let Some(name) = &options.route {
        let named: Vec<_> = all.iter().filter(|p| p.route.name.as_ref() == Some(name)).collect();
        return match named.as_slice() {
            [place] if options.path.is_none() && options.host.is_none() => Ok(**place),
            [place] => {
                let (request, host) = request::bare(place.bind, options, call)?;
                let taking = taken(config, place.bind, host.as_deref(), &request)?;
                let takes_it = taking.is_some_and(|taking| std::ptr::eq(taking.route, place.route));
                Ok(Place { takes_it, ..**place })
            }
            [] => Err(format!("no route has the name `{name}`; there are {}", List(&all)).into()),
            _ => Err(format!("several routes have the name `{name}`: {}", List(&all)).into()),
        };
    }
    if options.path.is_none() && options.host.is_none() {
        return match all.as_slice() {
            [place] => Ok(*place),
            _ => {
                let how = "say which with --route, or with --host and --path";
                Err(format!("there are several routes, {how}: {}", List(&all)).into())
            }
        };
    }
    let mut taking = Vec::new();
    for bind in &config.binds {
        let (request, host) = request::bare(bind, options, call)?;
        taking.extend(taken(config, bind, host.as_deref(), &request)?);
    }
    match taking.as_slice() {
        [place] => Ok(*place),
        [] => Err(format!("no route takes the request, the answer is 404; there are {}", List(&all)).into()),
        _ => {
            Err(format!("several binds take the request, name the route with --route: {}", List(&taking))
                .into())
        }
    }
}

/// The route of a bind that takes the request, as the gateway chooses it.
fn taken<'c, B>(
    config: &'c Config,
    bind: &'c Bind,
    host: Option<&str>,
    request: &Request<B>,
) -> Result<Option<Place<'c>>, BoxError> {
    let mut listeners = Listeners::default();
    for listener in &bind.listeners {
        let mut targets = Vec::new();
        for route in &listener.routes {
            let place = Place { bind, listener, route, takes_it: true, file: config.file.name() };
            targets.push(target(&config.file, route, place)?);
        }
        listeners.add(listener.hostname.as_ref().map(|name| name.value.as_str()), Front::default(), targets);
    }
    Ok(listeners.find(host, request).copied())
}

fn all(config: &Config) -> Vec<Place<'_>> {
    let file = config.file.name();
    let listeners = config.binds.iter().flat_map(|bind| bind.listeners.iter().map(move |l| (bind, l)));
    let routes = listeners.flat_map(|(bind, listener)| {
        listener.routes.iter().map(move |route| Place { bind, listener, route, takes_it: true, file })
    });
    routes.collect()
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.route.name.as_deref().unwrap_or("(unnamed)");
        write!(f, "route {name} ({}:{})", self.file, self.route.at)
    }
}

/// Routes in an error.
struct List<'p, 'c>(&'p [Place<'c>]);

impl fmt::Display for List<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in self.0 {
            let host = place.listener.hostname.as_ref().map_or("*", |name| name.value.as_str());
            write!(f, "\n  {place} at {}, host {host}", place.bind.address)?;
        }
        Ok(())
    }
}
