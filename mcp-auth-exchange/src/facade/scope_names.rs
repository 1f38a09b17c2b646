//! Scopes by two names: that of clients, and that of the provider.
//!
//! Clients, the consent page and sessions have the names that clients ask for; requests to the provider have its own.

use std::collections::{BTreeMap, BTreeSet};

use mcp_auth_discovery::Scopes;

use super::state::UpstreamTokens;
use super::{Facade, ProtectedResource, Refusal};

impl Facade {
    /// A client's scopes as the provider has them.
    pub(super) fn scopes_at_provider(
        &self,
        scopes: &Scopes,
        resource: &ProtectedResource,
    ) -> Result<Scopes, Refusal> {
        let quirks = self.upstream.provider.quirks();
        let audience = resource.provider_audience();
        let named = scopes.iter().map(|scope| quirks.scope_at_provider(scope, audience));
        Scopes::new(named).map_err(|_| Refusal::Scope)
    }

    /// The provider's tokens with the scopes that were granted as the client named them in `asked`; others by their
    /// name at the resource.
    pub(super) fn with_names_of_client(
        &self,
        mut tokens: UpstreamTokens,
        resource: &str,
        asked: &str,
    ) -> Result<UpstreamTokens, Refusal> {
        let quirks = self.upstream.provider.quirks();
        let Some(granted) = tokens.scope.as_deref().filter(|_| !quirks.scope_prefixes.is_empty()) else {
            return Ok(tokens);
        };
        let resource = self.resources.exactly(resource).ok_or(Refusal::Target)?;
        let short = |scope| quirks.scope_at_resource(scope, resource.provider_audience());
        let asked: BTreeMap<&str, &str> = words(asked).map(|scope| (short(scope), scope)).collect();
        let mut seen = BTreeSet::new();
        let named: Vec<&str> = words(granted)
            .map(|scope| asked.get(short(scope)).copied().unwrap_or(short(scope)))
            .filter(|name| seen.insert(*name))
            .collect();
        tokens.scope = Some(named.join(" "));
        Ok(tokens)
    }

    /// What the user was asked about: `asked`, where a default scope that stands for all that the resource has, such as
    /// Entra's `{audience}/.default`, gives way to what was granted for it and is offered here.
    pub(super) fn agreed(
        &self,
        asked: &str,
        tokens: &UpstreamTokens,
        resource: &ProtectedResource,
    ) -> String {
        let quirks = self.upstream.provider.quirks();
        let audience = resource.provider_audience();
        let granted = tokens.scope.as_deref().unwrap_or_default();
        let defaults = quirks.default_scopes_for(audience);
        let stands_for_all = |name: &&str| {
            let default = defaults.iter().any(|default| default == name);
            default && quirks.scope_at_resource(name, audience) == ALL
        };
        if granted.is_empty() || !words(asked).any(|name| stands_for_all(&name)) {
            return asked.to_owned();
        }
        let offered = |name: &&str| match self.scopes.is_empty() {
            true => !name.contains('/'),
            false => self.scopes.contains(name),
        };
        let named = words(asked).filter(|name| !stands_for_all(name));
        let mut seen = BTreeSet::new();
        let agreed = named.chain(words(granted).filter(offered)).filter(|name| seen.insert(*name));
        agreed.collect::<Vec<_>>().join(" ")
    }
}

/// Behind the resource: all that was consented to ("Scopes and permissions in the Microsoft identity platform").
const ALL: &str = ".default";

fn words(scope: &str) -> impl Iterator<Item = &str> {
    scope.split(' ').filter(|name| !name.is_empty())
}
