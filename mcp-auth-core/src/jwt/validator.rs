//! Validation: which issuer, which key, is the signature good, are the claims good; in this order.

use std::sync::Arc;

use super::compact::TokenLimits;
use super::confirmation::{Confirmation, Possession};
use super::error::{ValidationError, ValidationErrorKind as Kind};
use super::header::check_access_token_type;
use super::issuer::{Issuer, IssuerConfigError, RequiredClaim};
use super::revocation::Revocations;
use super::{Claims, Jws, tenant};
use crate::credential::AccessToken;
use crate::jwk::KeySet;
use crate::principal::{Evidence, Principal};
use crate::time::UnixTime;

/// Validates tokens of the configured issuers.
///
/// Keys are not part of it: they have a life of their own ([`crate::jwk::KeyCache`]), so the caller asks
/// [`Unverified::issuer`] whose keys are needed and hands them to [`Validator::verify`].
///
/// ```
/// # #[cfg(feature = "aws-lc-rs")] {
/// use mcp_auth_core::UnixTime;
/// use mcp_auth_core::crypto::AwsLc;
/// use mcp_auth_core::jwk::KeySet;
/// use mcp_auth_core::jwt::{Checks, Issuer, Validator};
///
/// let validator = Validator::new([Issuer::new("https://idp.example").audience("https://mcp.example/mcp")])?;
/// let keys = KeySet::parse(br#"{"keys":[]}"#, &AwsLc::new(), validator.algorithms(0.into()))?;
///
/// let now = UnixTime::from_secs(1_700_000_000);
/// let refused = validator
///     .parse("not-a-token")
///     .and_then(|token| validator.verify(token, &keys, &Checks::at(now)))
///     .unwrap_err();
/// assert_eq!(refused.client_text().as_str(), "the access token is malformed");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Validator {
    issuers: Vec<Arc<Issuer>>,
    /// Places of the issuers with one name, in the order of their names.
    by_name: Vec<usize>,
    /// Places of the issuers with a name per tenant.
    templates: Vec<usize>,
    limits: TokenLimits,
}

/// What a token is checked against besides its issuer's configuration: the time, what the request proved, and
/// what was revoked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Checks<'c> {
    /// The present time.
    pub now: UnixTime,
    /// What the request proved to hold. Default: nothing.
    pub possession: Possession,
    /// What was revoked. Default: nothing.
    pub revocations: Option<&'c Revocations>,
}

impl<'c> Checks<'c> {
    /// A plain bearer token at `now`.
    pub const fn at(now: UnixTime) -> Self {
        Self { now, possession: Possession { dpop_key: None, certificate: None }, revocations: None }
    }

    /// Adds what the request proved to hold.
    #[must_use]
    pub const fn possession(mut self, possession: Possession) -> Self {
        self.possession = possession;
        self
    }

    /// Adds what was revoked.
    #[must_use]
    pub const fn revocations(mut self, revocations: &'c Revocations) -> Self {
        self.revocations = Some(revocations);
        self
    }
}

/// Which of a validator's issuers, counted from 0 in the order they were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IssuerId(usize);

impl IssuerId {
    /// The place of the issuer in the order it was given.
    pub const fn index(self) -> usize {
        self.0
    }
}

impl From<usize> for IssuerId {
    fn from(index: usize) -> Self {
        Self(index)
    }
}

/// A token that was parsed, and whose issuer is one of ours by its own word. Nothing in it is to be believed.
pub struct Unverified<'t> {
    token: &'t str,
    jws: Jws<'t>,
    claims: Claims,
    issuer: IssuerId,
}

/// No part of the token: it is a secret.
impl std::fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unverified").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Unverified<'_> {
    /// The issuer that the token names; its keys are needed to verify it.
    pub fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// The key the token names, untrusted.
    pub fn kid(&self) -> Option<&str> {
        self.jws.kid()
    }
}

impl Validator {
    /// A validator for these issuers.
    ///
    /// # Errors
    ///
    /// [`IssuerConfigError`] when there is none, two have one name, or one cannot be used as it is.
    pub fn new(issuers: impl IntoIterator<Item = Issuer>) -> Result<Self, IssuerConfigError> {
        let issuers: Vec<Arc<Issuer>> = issuers.into_iter().map(Arc::new).collect();
        if issuers.is_empty() {
            return Err(IssuerConfigError::NoIssuer);
        }
        for issuer in &issuers {
            issuer.check()?;
        }
        let name_of = |i: &usize| issuers.get(*i).map(|issuer| issuer.name.as_str());
        let (templates, mut by_name): (Vec<usize>, Vec<usize>) =
            (0..issuers.len()).partition(|i| issuers.get(*i).is_some_and(|issuer| issuer.tenants.is_some()));
        by_name.sort_by(|a, b| name_of(a).cmp(&name_of(b)));
        let twice = |list: &[usize]| {
            list.windows(2)
                .find(|w| matches!(w, [a, b] if name_of(a) == name_of(b)))
                .and_then(<[usize]>::first)
                .copied()
        };
        let mut sorted_templates = templates.clone();
        sorted_templates.sort_by(|a, b| name_of(a).cmp(&name_of(b)));
        if let Some(name) = twice(&by_name).or_else(|| twice(&sorted_templates)).and_then(|i| name_of(&i)) {
            return Err(IssuerConfigError::Duplicate(name.to_owned()));
        }
        Ok(Self { issuers, by_name, templates, limits: TokenLimits::default() })
    }

    /// Replaces the limits on a token's size.
    #[must_use]
    pub fn limits(mut self, limits: TokenLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The issuers in the order they were given.
    pub fn issuers(&self) -> &[Arc<Issuer>] {
        &self.issuers
    }

    /// The algorithms that an issuer's keys are to be prepared for; empty for an issuer that is not ours.
    pub fn algorithms(&self, issuer: IssuerId) -> &[super::Algorithm] {
        self.issuers.get(issuer.0).map_or(&[], |i| &i.algorithms)
    }

    /// Parses a token and finds its issuer.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] for anything but a bounded, well-formed JWS of a configured issuer under one of that
    /// issuer's algorithms.
    pub fn parse<'t>(&self, token: &'t str) -> Result<Unverified<'t>, ValidationError> {
        let jws = Jws::parse(token, self.limits)?;
        check_access_token_type(jws.typ())?;
        let payload = jws.unverified_payload()?;
        if payload.is_empty() {
            return Err(Kind::EmptyPart.into());
        }
        let claims = Claims::of_payload(payload)?;
        let (id, issuer) = self.find(claims.issuer().ok_or_else(|| missing(RequiredClaim::Iss))?)?;
        let algorithm = jws.algorithm();
        if !issuer.algorithms.contains(&algorithm) {
            return Err(Kind::AlgorithmNotAllowed { got: algorithm, issuer: issuer.name.clone() }.into());
        }
        if issuer.access_token_profile && !jws.typ().is_some_and(|t| t.eq_ignore_ascii_case("at+jwt")) {
            return Err(
                Kind::HeaderMember { member: "typ", reason: "must be `at+jwt` for this issuer" }.into()
            );
        }
        Ok(Unverified { token, jws, claims, issuer: id })
    }

    /// The issuer of this `iss`.
    fn find(&self, name: &str) -> Result<(IssuerId, &Arc<Issuer>), ValidationError> {
        let name_at = |i: &usize| self.issuers.get(*i).map_or("", |issuer| issuer.name.as_str());
        let exact = self.by_name.binary_search_by(|i| name_at(i).cmp(name)).ok();
        let index = exact
            .and_then(|at| self.by_name.get(at))
            .or_else(|| self.templates.iter().find(|i| tenant::tenant_of(name_at(i), name).is_some()));
        index.and_then(|i| Some((IssuerId(*i), self.issuers.get(*i)?))).ok_or_else(|| {
            let expected = self.issuers.iter().map(|i| i.name.clone()).collect();
            Kind::UnknownIssuer { got: name.to_owned(), expected }.into()
        })
    }

    /// Verifies the signature with its issuer's `keys`, then the claims.
    ///
    /// # Errors
    ///
    /// [`ValidationError`]; [`ValidationErrorKind::UnknownKey`](super::ValidationErrorKind::UnknownKey) means
    /// that newer keys may help.
    pub fn verify(
        &self,
        token: Unverified<'_>,
        keys: &KeySet,
        checks: &Checks<'_>,
    ) -> Result<Principal, ValidationError> {
        let issuer = self.issuers.get(token.issuer.0).ok_or_else(|| missing(RequiredClaim::Iss))?;
        let key = if issuer.any_key { token.jws.verify_trying(keys)? } else { token.jws.verify(keys)? };
        if !tenant::key_speaks_for(key, token.claims.issuer().unwrap_or_default()) {
            return Err(Kind::KeyIssuer.into());
        }
        check_claims(issuer, &token.claims)?;
        check_time(issuer, &token.claims, checks.now)?;
        let confirmation = Confirmation::read(&token.claims)?;
        let evidence = Evidence {
            issuer: issuer.clone(),
            issuer_index: token.issuer.0,
            confirmation,
            token: AccessToken::new(token.token),
            key: Some(key.clone()),
        };
        let principal = Principal::new(token.claims, evidence);
        check_use(&principal, checks)?;
        Ok(principal)
    }

    /// Accepts what an issuer's introspection endpoint said of an opaque `token` (RFC 7662 §2.2): `json` is an
    /// answer with `active: true`. Its `iss` may be absent, since the issuer itself answered; otherwise it has
    /// to be the issuer's. All other claims are checked as those of a JWT.
    ///
    /// # Errors
    ///
    /// [`ValidationError`].
    pub fn accept_introspected(
        &self,
        issuer: IssuerId,
        token: &str,
        json: &[u8],
        checks: &Checks<'_>,
    ) -> Result<Principal, ValidationError> {
        let principal = self.read_introspected(issuer, token, json, checks.now)?;
        check_use(&principal, checks)?;
        Ok(principal)
    }

    /// As [`accept_introspected`](Self::accept_introspected), for a principal that is remembered: what depends on
    /// the request and on the day is not asked yet. Every use needs a [`recheck`](Self::recheck).
    ///
    /// # Errors
    ///
    /// [`ValidationError`].
    pub fn read_introspected(
        &self,
        issuer: IssuerId,
        token: &str,
        json: &[u8],
        now: UnixTime,
    ) -> Result<Principal, ValidationError> {
        let trusted = self.issuers.get(issuer.0).ok_or_else(|| missing(RequiredClaim::Iss))?;
        let claims = Claims::parse(json)?;
        match claims.issuer() {
            Some(name) if self.find(name)?.0 != issuer => {
                let expected = vec![trusted.name.clone()];
                return Err(Kind::UnknownIssuer { got: name.to_owned(), expected }.into());
            }
            _ => {}
        }
        check_claims(trusted, &claims)?;
        check_time(trusted, &claims, now)?;
        let evidence = Evidence {
            issuer: trusted.clone(),
            issuer_index: issuer.0,
            confirmation: Confirmation::read(&claims)?,
            token: AccessToken::new(token),
            key: None,
        };
        Ok(Principal::new(claims, evidence))
    }

    /// Checks a remembered principal of this validator again: its dates, that its key is still one of `keys`,
    /// what was revoked, and what this request proved.
    ///
    /// # Errors
    ///
    /// [`ValidationError`]; [`ValidationErrorKind::UnknownKey`](super::ValidationErrorKind::UnknownKey) means
    /// that its key is gone and the token has to be verified anew.
    pub fn recheck(
        &self,
        principal: &Principal,
        keys: &KeySet,
        checks: &Checks<'_>,
    ) -> Result<(), ValidationError> {
        if principal.key().is_some_and(|key| !keys.holds(key)) {
            return Err(Kind::UnknownKey { kid: true }.into());
        }
        check_time(principal.trusted_issuer(), principal.claims(), checks.now)?;
        check_use(principal, checks)
    }
}

fn missing(claim: RequiredClaim) -> ValidationError {
    Kind::ClaimMissing { claim: claim.name().into() }.into()
}

/// What does not change while a token lives.
fn check_claims(issuer: &Issuer, claims: &Claims) -> Result<(), ValidationError> {
    // Below, and with what was expected.
    for required in issuer.required.iter().filter(|claim| *claim != RequiredClaim::Aud.name()) {
        if claims.get(required).is_none() {
            return Err(Kind::ClaimMissing { claim: required.clone() }.into());
        }
    }
    // Keycloak signs ID, refresh and logout tokens with the same keys and tells them apart by a claim.
    if let Some(typ) = claims.get("typ").and_then(crate::json::Value::as_str) {
        let others = ["ID", "Refresh", "Offline", "Logout"];
        if let Some(got) = others.into_iter().find(|other| typ.eq_ignore_ascii_case(other)) {
            return Err(Kind::TokenUse { got }.into());
        }
    }
    if let Some(tenants) = &issuer.tenants {
        tenants.check(&issuer.name, claims)?;
    }
    check_audience(issuer, claims)?;
    if !issuer.clients.is_empty() {
        let client = claims.client_id();
        if !client.is_some_and(|client| issuer.clients.iter().any(|c| c == client)) {
            return Err(Kind::Client { got: client.map(str::to_owned) }.into());
        }
    }
    Ok(())
}

fn check_audience(issuer: &Issuer, claims: &Claims) -> Result<(), ValidationError> {
    if claims.get("aud").is_none() {
        return Err(Kind::AudienceMissing { expected: issuer.audiences.clone() }.into());
    }
    let trim = |aud: &'_ str| {
        if issuer.audience_slash { aud.strip_suffix('/').unwrap_or(aud).len() } else { aud.len() }
    };
    let same = |a: &str, b: &str| a.get(..trim(a)) == b.get(..trim(b));
    let ours = |aud: &str| issuer.audiences.iter().any(|ours| same(ours, aud));
    let good = claims.audiences().any(ours) && (!issuer.sole_audience || claims.audiences().all(ours));
    if good {
        return Ok(());
    }
    let got = claims.audiences().map(str::to_owned).collect();
    Err(Kind::Audience { got, expected: issuer.audiences.clone() }.into())
}

fn check_time(issuer: &Issuer, claims: &Claims, now: UnixTime) -> Result<(), ValidationError> {
    // RFC 7519 §4.1.4: "on or after which the JWT MUST NOT be accepted".
    if let Some(exp) = claims.expires_at().filter(|exp| now >= exp.plus(issuer.leeway)) {
        return Err(Kind::Expired { exp, now }.into());
    }
    for (claim, at) in [("nbf", claims.not_before()), ("iat", claims.issued_at())] {
        if let Some(at) = at.filter(|at| now.plus(issuer.leeway) < *at) {
            return Err(Kind::NotYetValid { claim, at, now }.into());
        }
    }
    if let (Some(exp), Some(limit)) = (claims.expires_at(), issuer.max_lifetime)
        && exp.since(claims.issued_at().unwrap_or(now)) > limit
    {
        return Err(Kind::Lifetime { limit }.into());
    }
    Ok(())
}

/// What depends on the request and on the day: possession and revocation.
fn check_use(principal: &Principal, checks: &Checks<'_>) -> Result<(), ValidationError> {
    if checks.revocations.is_some_and(|list| list.covers(principal)) {
        return Err(Kind::Revoked.into());
    }
    let certificate = || principal.confirmation().and_then(|c| c.certificate);
    if principal.trusted_issuer().certificate_bound && certificate().is_none() {
        return Err(Kind::CertificateBindingMissing.into());
    }
    Confirmation::check(principal.confirmation(), checks.possession)
}
