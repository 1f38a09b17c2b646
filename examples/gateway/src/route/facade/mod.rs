//! From `provider` and `authorizationServer` to servers, and what comes before any route.

mod build;
mod front;
mod keys_path;

use std::collections::BTreeSet;
use std::sync::Arc;

use mcp_auth_core::jwt::Issuer;
use mcp_auth_core::policy::Level;
use mcp_auth_discovery::ResourceIdentifier;
use mcp_auth_tower::client::Fetch;
use mcp_auth_tower::facade::FacadeServer;

pub(crate) use self::front::Front;
use self::keys_path::KeysPath;
use super::build::BuildError;
use super::rules::Levels;
use crate::config::{self, Config, McpAuthentication};
use crate::state::Shared;

/// The authorization servers of a whole file, one for each issuer, and what asks their providers.
#[derive(Clone, Debug)]
pub(crate) struct Facades {
    servers: Vec<FacadeServer>,
    fetch: Arc<dyn Fetch>,
}

impl Facades {
    /// Builds them; nothing is asked of any provider.
    pub(crate) fn build(config: &Config, shared: &Shared) -> Result<Self, BuildError> {
        let file = &config.file;
        let outer = Levels::default().with(Level::Gateway, file, &config.rules)?;
        let mut routes = Vec::new();
        for listener in config.binds.iter().flat_map(|bind| &bind.listeners) {
            let outer = outer.with(Level::Listener, file, &listener.rules)?;
            for route in &listener.routes {
                let Some((from, facade)) = of(route) else { continue };
                let rules = outer.with(Level::Route, file, &route.policies.rules)?;
                routes.push(Served { from, facade, demanded: rules.scopes() });
            }
        }
        let mut servers: Vec<FacadeServer> = Vec::new();
        for Served { facade, .. } in &routes {
            if servers.iter().all(|known| known.issuer() != facade.issuer()) {
                let same: Vec<_> =
                    routes.iter().filter(|other| other.facade.issuer() == facade.issuer()).collect();
                servers.push(build::server(file, &same, shared)?);
            }
        }
        Ok(Self { servers, fetch: shared.fetch() })
    }

    /// The one of a route.
    pub(super) fn of(&self, from: &McpAuthentication) -> Option<&FacadeServer> {
        let facade = from.facade.as_ref()?;
        self.servers.iter().find(|server| server.issuer() == facade.issuer())
    }

    /// What asks others.
    pub(super) fn fetch(&self) -> Arc<dyn Fetch> {
        self.fetch.clone()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &FacadeServer> {
        self.servers.iter()
    }

    /// Those of a listener's routes.
    pub(crate) fn front(&self, listener: &config::Listener) -> Front {
        let issuers: Vec<&str> =
            listener.routes.iter().filter_map(of).map(|(_, facade)| facade.issuer()).collect();
        let here = self.servers.iter().filter(|server| issuers.contains(&server.issuer()));
        Front::new(here.cloned(), KeysPath::of_listener(listener, &self.fetch))
    }
}

/// A route whose clients get their tokens from a server of ours.
#[derive(Debug)]
struct Served<'c> {
    from: &'c McpAuthentication,
    facade: &'c config::Facade,
    /// The scopes that its rules ask for: what a client is sent back to get, it has to be given.
    demanded: BTreeSet<String>,
}

fn of(route: &config::Route) -> Option<(&McpAuthentication, &config::Facade)> {
    let from = route.policies.mcp_authentication.as_ref()?;
    Some((from, from.facade.as_deref()?))
}

/// The issuer of the tokens of ours, for a route that takes them and no others.
pub(super) fn own_issuer(server: &FacadeServer, resource: &ResourceIdentifier) -> Option<(Issuer, String)> {
    let keys = server.facade().key_set()?;
    let issuer = Issuer::new(server.issuer()).audience(resource.as_str());
    Some((issuer.access_token_profile(), keys))
}
