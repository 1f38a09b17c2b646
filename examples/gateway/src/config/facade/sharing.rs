//! The facades of a whole file: one issuer is one server, at a host where clients reach it.

use super::super::bind::{Bind, Listener};
use super::super::error::{ConfigErrorKind, Fault};
use super::super::path_match::PathMatch;
use super::super::state::{State, Store};
use super::super::warning::{Lints, WarningKind};
use super::{Facade, FacadeEndpoint};

/// The facade of each route that has one, by listener.
fn of_listener(listener: &Listener) -> impl Iterator<Item = &Facade> {
    listener.routes.iter().filter_map(|route| route.policies.mcp_authentication.as_ref()?.facade.as_deref())
}

pub(in super::super) fn check(binds: &[Bind], state: &State, lints: &mut Lints) -> Result<(), Fault> {
    let mut known: Vec<&Facade> = Vec::new();
    for bind in binds {
        for listener in &bind.listeners {
            for facade in of_listener(listener) {
                reachable(bind, listener, facade)?;
                match known.iter().find(|other| other.issuer() == facade.issuer()) {
                    Some(first) => same(first, facade)?,
                    None => known.push(facade),
                }
            }
            lint_paths(listener, lints);
        }
    }
    if let Some(first) = known.first() {
        lint_state(first, state, lints);
    }
    Ok(())
}

/// What clients keep is good for as long as the key is known, and used up only where the store says so.
fn lint_state(first: &Facade, state: &State, lints: &mut Lints) {
    match (state.key_files.first(), &state.store) {
        (None, _) => {
            let message =
                "without `state.keyFile` registrations, logins and refresh tokens end with this process";
            lints.add(WarningKind::NoKeyFile, first.at, message);
        }
        (Some(key), Store::Memory) => {
            let message = "after a restart it is not known any more what ended before: refresh tokens that were \
                           revoked or used, and registrations that were deleted, may work again; \
                           `state.store.redis` keeps it";
            lints.add(WarningKind::MemoryStore, key.at, message);
        }
        (Some(_), Store::Redis(_)) => {}
    }
}

fn same(first: &Facade, facade: &Facade) -> Result<(), Fault> {
    let Some(field) = first.difference(facade) else { return Ok(()) };
    let message = format!(
        "the authorization server `{}` has another `{field}` at {}: routes with one issuer share one server; give one \
         of them another `authorizationServer.issuer`, at another host",
        facade.issuer(),
        first.at
    );
    Err(Fault::new(ConfigErrorKind::Conflict, facade.at, message))
}

/// The host of the issuer has to lead to this listener.
fn reachable(bind: &Bind, listener: &Listener, facade: &Facade) -> Result<(), Fault> {
    let url = facade.metadata.url(FacadeEndpoint::Token);
    let host = url.host_str().unwrap_or_default();
    let rank = |listener: &Listener| match &listener.hostname {
        None => Some(0),
        Some(name) => match name.value.strip_prefix('*') {
            Some(suffix) => (host.len() > suffix.len() && host.ends_with(suffix)).then_some(suffix.len()),
            None => (name.value == host).then_some(usize::MAX),
        },
    };
    let own = rank(listener);
    let best = bind.listeners.iter().filter_map(rank).max();
    if own.is_some() && own == best {
        return Ok(());
    }
    let message = format!(
        "clients would not reach the authorization server `{}`: its host leads to another listener; \
         `authorizationServer.issuer` says where it is",
        facade.issuer()
    );
    Err(Fault::new(ConfigErrorKind::Conflict, facade.at, message))
}

fn lint_paths(listener: &Listener, lints: &mut Lints) {
    for route in &listener.routes {
        for one in &route.matches {
            let (PathMatch::Exact(path) | PathMatch::Prefix(path)) = &one.path else { continue };
            let taken = |facade: &&Facade| facade.metadata.endpoint_at(path).is_some();
            if let Some(facade) = of_listener(listener).find(taken) {
                let message = format!(
                    "`{path}` of this route is an endpoint of `{}`, which comes first; `authorizationServer.paths` moves it",
                    facade.issuer()
                );
                lints.add(WarningKind::FacadePath, route.at, message);
            }
        }
    }
}
