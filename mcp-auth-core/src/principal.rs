//! Who calls: what a verified token says.

use crate::jwt::Claims;
use crate::time::UnixTime;

/// A verified caller.
///
/// Only [`Validator::verify`](crate::jwt::Validator::verify) makes one: holding a `Principal` is the evidence
/// that a signature, an issuer and an audience were checked.
#[derive(Clone, Debug)]
pub struct Principal {
    claims: Claims,
}

impl Principal {
    pub(crate) fn new(claims: Claims) -> Self {
        Self { claims }
    }

    /// A principal made of claims that nobody verified, for tests of what comes after validation.
    ///
    /// # Errors
    ///
    /// [`ValidationError`](crate::jwt::ValidationError) when `json` is not a claims set.
    pub fn danger_from_unverified_claims(json: &[u8]) -> Result<Self, crate::jwt::ValidationError> {
        Claims::parse(json).map(Self::new)
    }

    /// All claims.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The issuer (`iss`).
    pub fn issuer(&self) -> &str {
        self.claims.issuer().unwrap_or_default()
    }

    /// The subject (`sub`), where the token names one.
    pub fn subject(&self) -> Option<&str> {
        self.claims.subject()
    }

    /// The audiences (`aud`).
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        self.claims.audiences()
    }

    /// The granted scopes.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.claims.scopes()
    }

    /// The client that asked for the token: `client_id` (RFC 9068 §2.2), or else `azp`.
    pub fn client_id(&self) -> Option<&str> {
        let claim = |name| self.claims.get(name)?.as_str();
        claim("client_id").or_else(|| claim("azp"))
    }

    /// When the token ends.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.claims.expires_at()
    }
}
