//! The token that is used now, and how the next one is got.

use std::time::Duration;

use mcp_auth_core::UnixTime;
use mcp_auth_discovery::{Scopes, Secret};
use mcp_auth_exchange::{ClientCredential, TokenResponse, TokenType};

use super::discovery::Discovered;

/// A token that ends within this time, or within the last half of its life, is refreshed before it is used.
const AHEAD: Duration = Duration::from_secs(30);

/// A token with what it was got for.
#[derive(Debug)]
pub(super) struct HeldToken {
    access_token: Secret,
    refresh_token: Option<Secret>,
    bound: bool,
    scopes: Scopes,
    refresh_at: Option<UnixTime>,
    pub(super) client: ClientCredential,
    pub(super) discovered: Discovered,
}

impl HeldToken {
    /// `asked` are the scopes of the request; the answer says when they became others (RFC 6749 §5.1).
    pub(super) fn new(
        response: &TokenResponse,
        discovered: &Discovered,
        client: ClientCredential,
        asked: Scopes,
        now: UnixTime,
    ) -> Self {
        let lifetime = response.expires_in_seconds().map(Duration::from_secs);
        let granted = response.scope().and_then(|scope| Scopes::parse(scope).ok());
        Self {
            access_token: response.access_token().clone(),
            refresh_token: response.refresh_token().cloned(),
            bound: *response.token_type() == TokenType::DPoP,
            scopes: granted.unwrap_or(asked),
            refresh_at: lifetime.map(|lifetime| now.plus(lifetime.saturating_sub(AHEAD.min(lifetime / 2)))),
            client,
            discovered: discovered.clone(),
        }
    }

    pub(super) fn access_token(&self) -> &Secret {
        &self.access_token
    }

    pub(super) fn refresh_token(&self) -> Option<&Secret> {
        self.refresh_token.as_ref()
    }

    /// Takes over the old refresh token when the answer brought no new one (RFC 6749 §6).
    pub(super) fn or_refresh_token(mut self, old: Option<Secret>) -> Self {
        self.refresh_token = self.refresh_token.or(old);
        self
    }

    pub(super) fn is_bound(&self) -> bool {
        self.bound
    }

    pub(super) fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    pub(super) fn is_from(&self, issuer: &str) -> bool {
        self.discovered.metadata.issuer == issuer
    }

    /// Whether the token is about to end and another can be had without the user.
    pub(super) fn ends_soon(&self, now: UnixTime) -> bool {
        self.refresh_token.is_some() && self.refresh_at.is_some_and(|at| now >= at)
    }
}
