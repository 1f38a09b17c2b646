//! For whom, and who acts.

use std::sync::Arc;

use mcp_auth_core::jwt::Claims;
use mcp_auth_core::{Principal, UnixTime};
use mcp_auth_discovery::Secret;

use super::issued::{Readable, read_claims};
use crate::TokenTypeUri;
use crate::grant::Parameters;

/// For whom a token is exchanged: a validated caller, with the token that was validated. There is no way to make one
/// of a text, so that no token is exchanged that was not checked before.
///
/// ```compile_fail
/// let subject: mcp_auth_exchange::plan::Subject = "a.b.c".into();
/// ```
#[derive(Clone, Debug)]
pub struct Subject {
    principal: Arc<Principal>,
    parameters: Parameters,
}

impl Subject {
    /// The caller and his token; `None` where the principal has none, which only
    /// [`danger_from_unverified_claims`](Principal::danger_from_unverified_claims) makes.
    pub fn of(principal: Arc<Principal>) -> Option<Self> {
        principal.token()?;
        Some(Self { principal, parameters: Parameters::default() })
    }

    /// Adds parameters that are this request's own, such as a `login_hint` that stands in the caller's token. They go
    /// with the first step's request, behind those of the [`Step`](super::Step), and into the cache's key.
    #[must_use]
    pub fn with_parameters(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self
    }

    /// The caller.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    pub(crate) fn parameters(&self) -> &Parameters {
        &self.parameters
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
    claims: Option<Arc<Claims>>,
}

impl ActorToken {
    /// An actor's token. Where it is a JWT, its `exp` is read.
    pub fn new(token: Secret, token_type: TokenTypeUri) -> Self {
        let claims = match read_claims(token.expose()) {
            Readable::Claims(claims) => Some(Arc::new(claims)),
            Readable::Opaque | Readable::Broken => None,
        };
        let expires_at = claims.as_ref().and_then(|claims| claims.expires_at());
        Self { token, token_type, expires_at, claims }
    }

    /// Sets when it ends, for a token that is no JWT.
    #[must_use]
    pub fn until(mut self, expires_at: UnixTime) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// What it says, where it can be read.
    pub(super) fn claims(&self) -> Option<&Claims> {
        self.claims.as_deref()
    }

    /// When it ends, as far as is known.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }
}
