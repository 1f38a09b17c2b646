//! Who calls: what a verified token says.

use std::sync::Arc;

use crate::credential::AccessToken;
use crate::json::{Object, Value};
use crate::jwk::Key;
use crate::jwt::{Claims, Confirmation, Issuer};
use crate::policy::Known;
use crate::time::UnixTime;

/// A verified caller.
///
/// Only [`Validator`](crate::jwt::Validator) makes one: holding a `Principal` is the evidence that a signature,
/// or the issuer's own answer, and an audience were checked. The exception has a name: under the profile of
/// [`istio`](crate::istio) its rules decide what is checked.
#[derive(Debug)]
pub struct Principal {
    claims: Claims,
    issuer: Arc<Issuer>,
    issuer_index: usize,
    confirmation: Option<Confirmation>,
    token: Option<AccessToken>,
    key: Option<Arc<Key>>,
    known: Known,
}

/// What validation found out besides the claims.
pub(crate) struct Evidence {
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) issuer_index: usize,
    pub(crate) confirmation: Option<Confirmation>,
    pub(crate) token: AccessToken,
    /// The key of the signature; none for an introspected token.
    pub(crate) key: Option<Arc<Key>>,
}

impl Principal {
    pub(crate) fn new(claims: Claims, evidence: Evidence) -> Self {
        let Evidence { issuer, issuer_index, confirmation, token, key } = evidence;
        Self { claims, issuer, issuer_index, confirmation, token: Some(token), key, known: Known::default() }
    }

    /// A principal made of claims that nobody verified, for tests of what comes after validation.
    ///
    /// # Errors
    ///
    /// [`ValidationError`](crate::jwt::ValidationError) when `json` is not a claims set.
    pub fn danger_from_unverified_claims(json: &[u8]) -> Result<Self, crate::jwt::ValidationError> {
        let claims = Claims::parse(json)?;
        let issuer = Arc::new(Issuer::new(claims.issuer().unwrap_or_default()));
        let known = Known::default();
        Ok(Self { claims, issuer, issuer_index: 0, confirmation: None, token: None, key: None, known })
    }

    /// All claims.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The issuer (`iss`).
    pub fn issuer(&self) -> &str {
        self.claims.issuer().unwrap_or(self.issuer.name())
    }

    /// The configuration under which the token was accepted.
    pub fn trusted_issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The place of [`trusted_issuer`](Self::trusted_issuer) in its validator's list.
    pub fn issuer_index(&self) -> usize {
        self.issuer_index
    }

    /// The subject (`sub`), where the token names one.
    pub fn subject(&self) -> Option<&str> {
        self.claims.subject()
    }

    /// `<iss>/<sub>`, what Istio calls the request principal; `None` without a subject.
    pub fn name(&self) -> Option<String> {
        Some(format!("{}/{}", self.issuer(), self.subject()?))
    }

    /// The audiences (`aud`).
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        self.claims.audiences()
    }

    /// The granted scopes, from the issuer's scope claim.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.claims.scopes_in(&self.issuer.scope_claims)
    }

    /// The client that asked for the token: `client_id` (RFC 9068 §2.2), or else `azp`.
    pub fn client_id(&self) -> Option<&str> {
        self.claims.client_id()
    }

    /// Who acts for the subject, the present actor first, then those before it (`act`, RFC 8693 §4.1).
    pub fn actors(&self) -> impl Iterator<Item = Actor<'_>> {
        std::iter::successors(actor(self.claims.all()), |previous| actor(Some(previous.claims)))
    }

    /// What the token is bound to, where it is (`cnf`, RFC 7800).
    pub fn confirmation(&self) -> Option<Confirmation> {
        self.confirmation
    }

    /// The token as it came, for an exchange or for forwarding.
    pub fn token(&self) -> Option<&AccessToken> {
        self.token.as_ref()
    }

    /// When the token ends.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.claims.expires_at()
    }

    /// Bytes of memory held, configuration and keys that are shared with others excepted.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() - size_of::<Claims>()
            + self.claims.memory_bytes()
            + self.token.as_ref().map_or(0, |t| t.expose().len())
            + Known::MEMORY_BYTES
    }

    /// The policy sets that this principal has met.
    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    pub(crate) fn key(&self) -> Option<&Arc<Key>> {
        self.key.as_ref()
    }
}

/// One member of an actor chain.
#[derive(Clone, Copy, Debug)]
pub struct Actor<'a> {
    claims: Object<'a>,
}

impl<'a> Actor<'a> {
    /// All members of the actor's claim.
    pub fn claims(self) -> Object<'a> {
        self.claims
    }

    /// Who acts (`sub`).
    pub fn subject(self) -> Option<&'a str> {
        self.claims.get("sub")?.as_str()
    }

    /// Who says so (`iss`), where it is named.
    pub fn issuer(self) -> Option<&'a str> {
        self.claims.get("iss")?.as_str()
    }
}

fn actor(claims: Option<Object<'_>>) -> Option<Actor<'_>> {
    match claims?.get("act")? {
        Value::Object(claims) => Some(Actor { claims }),
        _ => None,
    }
}
