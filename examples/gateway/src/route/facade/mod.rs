//! From `provider` and `authorizationServer` to servers, and what comes before any route.

mod build;
mod front;
mod keys_path;

use mcp_auth_core::jwt::Issuer;
use mcp_auth_discovery::ResourceIdentifier;
use mcp_auth_tower::facade::FacadeServer;

pub(crate) use self::front::Front;
use self::keys_path::KeysPath;
use super::build::BuildError;
use crate::config::{self, Config, McpAuthentication};
use crate::proxy::Connections;
use crate::state::Shared;

/// The authorization servers of a whole file, one for each issuer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facades(Vec<FacadeServer>);

impl Facades {
    /// Builds them; nothing is asked of any provider.
    pub(crate) fn build(config: &Config, shared: &Shared) -> Result<Self, BuildError> {
        let all = config.binds.iter().flat_map(|bind| &bind.listeners);
        let routes: Vec<_> = all.flat_map(|listener| &listener.routes).filter_map(of).collect();
        let mut servers: Vec<FacadeServer> = Vec::new();
        for (_, facade) in &routes {
            if servers.iter().all(|known| known.issuer() != facade.issuer()) {
                let same = routes.iter().filter(|(_, other)| other.issuer() == facade.issuer());
                servers.push(build::server(&config.file, &same.copied().collect::<Vec<_>>(), shared)?);
            }
        }
        Ok(Self(servers))
    }

    /// The one of a route.
    pub(super) fn of(&self, from: &McpAuthentication) -> Option<&FacadeServer> {
        let facade = from.facade.as_ref()?;
        self.0.iter().find(|server| server.issuer() == facade.issuer())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &FacadeServer> {
        self.0.iter()
    }

    /// Those of a listener's routes.
    pub(crate) fn front(&self, listener: &config::Listener, connections: &Connections) -> Front {
        let issuers: Vec<&str> =
            listener.routes.iter().filter_map(of).map(|(_, facade)| facade.issuer()).collect();
        let here = self.0.iter().filter(|server| issuers.contains(&server.issuer()));
        Front::new(here.cloned(), KeysPath::of_listener(listener, connections))
    }
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
