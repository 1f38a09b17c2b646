//! An issuer we trust, and what we ask of its tokens.

use std::time::Duration;

use super::Algorithm;

/// One trusted issuer: its name, its audiences, its closed list of algorithms.
///
/// Defaults are strict: `exp` and an audience are required, the leeway is 30 seconds, and only asymmetric
/// algorithms exist.
///
/// ```
/// use mcp_auth_core::jwt::{Algorithm, Issuer};
///
/// let issuer = Issuer::new("https://idp.example")
///     .audience("https://mcp.example/mcp")
///     .algorithms(&[Algorithm::ES256]);
/// assert_eq!(issuer.name(), "https://idp.example");
/// ```
#[derive(Clone, Debug)]
pub struct Issuer {
    pub(super) name: String,
    pub(super) audiences: Vec<String>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) leeway: Duration,
    pub(super) required: Vec<RequiredClaim>,
    pub(super) rfc9068: bool,
}

/// A claim whose presence may be required (RFC 7519 §4.1). Absence is refused; what is present is always
/// checked, required or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are the standard's")]
pub enum RequiredClaim {
    Exp,
    Nbf,
    Aud,
    Iss,
    Sub,
}

impl RequiredClaim {
    /// The claim of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "exp" => Some(Self::Exp),
            "nbf" => Some(Self::Nbf),
            "aud" => Some(Self::Aud),
            "iss" => Some(Self::Iss),
            "sub" => Some(Self::Sub),
            _ => None,
        }
    }

    /// The claim's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exp => "exp",
            Self::Nbf => "nbf",
            Self::Aud => "aud",
            Self::Iss => "iss",
            Self::Sub => "sub",
        }
    }
}

/// Why a set of issuers cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerConfigError {
    /// No issuer at all: nothing could ever be accepted.
    #[error("no issuer is configured: no token could be accepted")]
    NoIssuer,
    /// Two issuers of one name; which one's keys and audiences would count?
    #[error("issuer `{0}` is configured twice; merge the two")]
    Duplicate(String),
    /// The name is empty.
    #[error("an issuer's name is empty")]
    EmptyName,
    /// No audience: tokens for any other server would be accepted here.
    #[error("issuer `{0}` has no audience: tokens that it made for other servers would be accepted")]
    NoAudience(String),
    /// No algorithm.
    #[error("issuer `{0}` has no algorithm")]
    NoAlgorithm(String),
    /// The leeway is above five minutes.
    #[error("issuer `{0}`: the leeway is at most 300 seconds")]
    Leeway(String),
}

impl Issuer {
    /// An issuer whose tokens carry exactly `name` in `iss`: case, port and trailing slash count.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            audiences: Vec::new(),
            algorithms: Algorithm::DEFAULT.to_vec(),
            leeway: Duration::from_secs(30),
            required: vec![RequiredClaim::Exp],
            rfc9068: false,
        }
    }

    /// The value of `iss`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The algorithms its keys are prepared for.
    pub fn allowed_algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// Adds an audience; a token must name at least one of them, exactly.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Replaces the algorithms. Default: [`Algorithm::DEFAULT`].
    #[must_use]
    pub fn algorithms(mut self, algorithms: &[Algorithm]) -> Self {
        self.algorithms = algorithms.to_vec();
        self
    }

    /// Sets how far clocks may differ; whole seconds, at most 300, default 30.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Requires these claims besides `iss`, `aud` and `exp`, which always are.
    #[must_use]
    pub fn required_claims(mut self, claims: &[RequiredClaim]) -> Self {
        let expiry = self.required.contains(&RequiredClaim::Exp);
        self.required = claims.to_vec();
        if expiry && !self.required.contains(&RequiredClaim::Exp) {
            self.required.push(RequiredClaim::Exp);
        }
        self
    }

    /// Accepts tokens without `exp`. Dangerous: such a token is good until its key is rotated. An `exp` that is
    /// there is checked all the same.
    #[must_use]
    pub fn danger_accept_without_expiry(mut self) -> Self {
        self.required.retain(|claim| *claim != RequiredClaim::Exp);
        self
    }

    /// Accepts only tokens with `typ: at+jwt` (RFC 9068 §4).
    #[must_use]
    pub fn require_access_token_type(mut self) -> Self {
        self.rfc9068 = true;
        self
    }

    pub(super) fn check(&self) -> Result<(), IssuerConfigError> {
        let name = || self.name.clone();
        if self.name.is_empty() {
            return Err(IssuerConfigError::EmptyName);
        }
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return Err(IssuerConfigError::NoAudience(name()));
        }
        if self.algorithms.is_empty() {
            return Err(IssuerConfigError::NoAlgorithm(name()));
        }
        if self.leeway > Duration::from_secs(300) {
            return Err(IssuerConfigError::Leeway(name()));
        }
        Ok(())
    }
}
