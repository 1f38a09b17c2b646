//! Validation: which issuer, which key, is the signature good, are the claims good; in this order.

use super::Claims;
use super::compact::{Compact, decode};
use super::error::{ValidationError, ValidationErrorKind as Kind};
use super::header::Header;
use super::issuer::{Issuer, IssuerConfigError, RequiredClaim};
use crate::jwk::{KeyMatch, KeySet};
use crate::principal::Principal;
use crate::time::UnixTime;

/// Longest signature part: RSA with 8,192 bits.
const MAX_SIGNATURE_CHARS: usize = 1400;

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
/// use mcp_auth_core::jwt::{Issuer, Validator};
///
/// let validator = Validator::new([Issuer::new("https://idp.example").audience("https://mcp.example/mcp")])?;
/// let keys = KeySet::parse(br#"{"keys":[]}"#, &AwsLc::new(), validator.algorithms(0.into()))?;
///
/// let refused = validator
///     .parse("not-a-token")
///     .and_then(|token| validator.verify(token, &keys, UnixTime::from_secs(1_700_000_000)))
///     .unwrap_err();
/// assert_eq!(refused.client_text().as_str(), "the access token is malformed");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Validator {
    issuers: Vec<Issuer>,
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
    compact: Compact<'t>,
    header: Header,
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
        self.header.kid()
    }
}

impl Validator {
    /// A validator for these issuers.
    ///
    /// # Errors
    ///
    /// [`IssuerConfigError`] when there is none, two have one name, or one has no audience or no algorithm.
    pub fn new(issuers: impl IntoIterator<Item = Issuer>) -> Result<Self, IssuerConfigError> {
        let issuers: Vec<Issuer> = issuers.into_iter().collect();
        if issuers.is_empty() {
            return Err(IssuerConfigError::NoIssuer);
        }
        for (i, issuer) in issuers.iter().enumerate() {
            issuer.check()?;
            if issuers.iter().take(i).any(|earlier| earlier.name == issuer.name) {
                return Err(IssuerConfigError::Duplicate(issuer.name.clone()));
            }
        }
        Ok(Self { issuers })
    }

    /// The issuers in the order they were given.
    pub fn issuers(&self) -> &[Issuer] {
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
        let compact = Compact::split(token)?;
        let header = Header::parse(compact.header)?;
        let claims = Claims::parse(&decode(compact.payload, "payload")?)?;
        let name = claims.issuer().ok_or(Kind::ClaimMissing { claim: "iss" })?;
        let index = self.issuers.iter().position(|i| i.name == name).ok_or_else(|| Kind::UnknownIssuer {
            got: name.to_owned(),
            expected: self.issuers.iter().map(|i| i.name.clone()).collect(),
        })?;
        let issuer = self.issuers.get(index).ok_or(Kind::ClaimMissing { claim: "iss" })?;
        if !issuer.algorithms.contains(&header.algorithm) {
            return Err(
                Kind::AlgorithmNotAllowed { got: header.algorithm, issuer: issuer.name.clone() }.into()
            );
        }
        if issuer.rfc9068 && !header.typ().is_some_and(|t| t.eq_ignore_ascii_case("at+jwt")) {
            return Err(
                Kind::HeaderMember { member: "typ", reason: "must be `at+jwt` for this issuer" }.into()
            );
        }
        Ok(Unverified { compact, header, claims, issuer: IssuerId(index) })
    }

    /// Verifies the signature with its issuer's `keys`, then the claims at `now`.
    ///
    /// # Errors
    ///
    /// [`ValidationError`]; [`ValidationErrorKind::UnknownKey`](super::ValidationErrorKind::UnknownKey) means
    /// that newer keys may help.
    pub fn verify(
        &self,
        token: Unverified<'_>,
        keys: &KeySet,
        now: UnixTime,
    ) -> Result<Principal, ValidationError> {
        let issuer = self.issuers.get(token.issuer.0).ok_or(Kind::ClaimMissing { claim: "iss" })?;
        let kid = token.header.kid();
        let verifier = match keys.find(kid, token.header.algorithm) {
            KeyMatch::Found(verifier) => verifier,
            KeyMatch::Unknown => return Err(Kind::UnknownKey { kid: kid.is_some() }.into()),
            KeyMatch::Ambiguous => return Err(Kind::AmbiguousKey.into()),
        };
        if token.compact.signature.len() > MAX_SIGNATURE_CHARS {
            return Err(
                Kind::TooLong { bytes: token.compact.signature.len(), limit: MAX_SIGNATURE_CHARS }.into()
            );
        }
        let signature = decode(token.compact.signature, "signature")?;
        verifier.verify(token.compact.signed.as_bytes(), &signature).map_err(|_| Kind::Signature)?;
        check_claims(issuer, &token.claims, now)?;
        Ok(Principal::new(token.claims))
    }
}

fn check_claims(issuer: &Issuer, claims: &Claims, now: UnixTime) -> Result<(), ValidationError> {
    for required in &issuer.required {
        if claims.get(required.name()).is_none() {
            return Err(Kind::ClaimMissing { claim: required.name() }.into());
        }
    }
    // RFC 7519 §4.1.4: "on or after which the JWT MUST NOT be accepted".
    if let Some(exp) = claims.expires_at().filter(|exp| now >= exp.plus(issuer.leeway)) {
        return Err(Kind::Expired { exp, now }.into());
    }
    for (claim, at) in [("nbf", claims.not_before()), ("iat", claims.issued_at())] {
        if let Some(at) = at.filter(|at| now.plus(issuer.leeway) < *at) {
            return Err(Kind::NotYetValid { claim, at, now }.into());
        }
    }
    if claims.get("aud").is_none() {
        return Err(Kind::ClaimMissing { claim: RequiredClaim::Aud.name() }.into());
    }
    if !claims.audiences().any(|aud| issuer.audiences.iter().any(|ours| ours == aud)) {
        let got = claims.audiences().map(str::to_owned).collect();
        return Err(Kind::Audience { got, expected: issuer.audiences.clone() }.into());
    }
    // RFC 7800: whoever holds a bound token must prove more than holding it.
    if claims.get("cnf").is_some() {
        return Err(Kind::Bound.into());
    }
    Ok(())
}
