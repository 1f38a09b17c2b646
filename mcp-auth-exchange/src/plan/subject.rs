//! For whom, and who acts.

use std::sync::Arc;

use mcp_auth_core::{Principal, UnixTime};
use mcp_auth_discovery::Secret;

use super::issued::read_claims;
use crate::TokenTypeUri;

/// For whom a token is exchanged: a validated caller, with the token that was validated. There is no way to make one
/// of a text, so that no token is exchanged that was not checked before.
///
/// ```compile_fail
/// let subject: mcp_auth_exchange::plan::Subject = "a.b.c".into();
/// ```
#[derive(Clone, Debug)]
pub struct Subject {
    principal: Arc<Principal>,
}

impl Subject {
    /// The caller and his token; `None` where the principal has none, which only
    /// [`danger_from_unverified_claims`](Principal::danger_from_unverified_claims) makes.
    pub fn of(principal: Arc<Principal>) -> Option<Self> {
        principal.token()?;
        Some(Self { principal })
    }

    /// The caller.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// INVARIANT: not empty; `of` looked.
    pub(crate) fn token(&self) -> &str {
        self.principal.token().map_or("", |token| token.expose())
    }
}

/// Who acts for the subject: a token of the gateway or of an agent, which whoever puts it here has got or verified
/// itself (RFC 8693 §2.1 `actor_token`).
#[derive(Clone, Debug)]
pub struct ActorToken {
    pub(crate) token: Secret,
    pub(crate) token_type: TokenTypeUri,
    expires_at: Option<UnixTime>,
}

impl ActorToken {
    /// An actor's token. Where it is a JWT, its `exp` is read.
    pub fn new(token: Secret, token_type: TokenTypeUri) -> Self {
        let expires_at = read_claims(token.expose()).claims().and_then(|claims| claims.expires_at());
        Self { token, token_type, expires_at }
    }

    /// Sets when it ends, for a token that is no JWT.
    #[must_use]
    pub fn until(mut self, expires_at: UnixTime) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// When it ends, as far as is known.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }
}
