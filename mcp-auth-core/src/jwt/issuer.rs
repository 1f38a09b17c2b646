//! An issuer we trust, and what we ask of its tokens.

use std::borrow::Cow;
use std::time::Duration;

use super::Algorithm;
use super::tenant::Tenants;
use crate::credential::TokenSource;

/// One trusted issuer: its name, its audiences, its closed list of algorithms.
///
/// Defaults are strict: `exp` and an audience are required, the leeway is 30 seconds, a token lives 30 days at
/// most, and only asymmetric algorithms are used.
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
    pub(super) tenants: Option<Tenants>,
    pub(super) audiences: Vec<String>,
    pub(super) audience_slash: bool,
    pub(super) sole_audience: bool,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) leeway: Duration,
    pub(super) max_lifetime: Option<Duration>,
    pub(super) required: Vec<Cow<'static, str>>,
    pub(super) clients: Vec<String>,
    pub(crate) scope_claims: Vec<Cow<'static, str>>,
    pub(crate) token_sources: Vec<TokenSource>,
    pub(super) access_token_profile: bool,
    pub(super) any_key: bool,
    pub(super) certificate_bound: bool,
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
    /// HMAC beside public-key algorithms: the way to the oldest attack on tokens.
    #[error("issuer `{0}` mixes HMAC with public-key algorithms: configure two issuers, or drop one kind")]
    MixedAlgorithms(String),
    /// The leeway is above five minutes.
    #[error("issuer `{0}`: the leeway is at most 300 seconds")]
    Leeway(String),
    /// A template without exactly one `{tenantid}`, or without allowed tenants.
    #[error("issuer `{0}`: a template has `{{tenantid}}` once, and a list of allowed tenants")]
    Template(String),
}

const DAY: u64 = 24 * 3600;

impl Issuer {
    /// An issuer whose tokens carry exactly `name` in `iss`: case, port and trailing slash count.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            tenants: None,
            audiences: Vec::new(),
            audience_slash: false,
            sole_audience: false,
            algorithms: Algorithm::DEFAULT.to_vec(),
            leeway: Duration::from_secs(30),
            max_lifetime: Some(Duration::from_secs(30 * DAY)),
            required: vec![Cow::Borrowed("exp")],
            clients: Vec::new(),
            scope_claims: vec![Cow::Borrowed("scope"), Cow::Borrowed("scp")],
            token_sources: Vec::new(),
            access_token_profile: false,
            any_key: false,
            certificate_bound: false,
        }
    }

    /// An issuer with one name per tenant, such as Entra's
    /// `https://login.microsoftonline.com/{tenantid}/v2.0`: the part of `iss` at `{tenantid}` must equal the
    /// claim `tid` and be one of `tenants`.
    ///
    /// ```
    /// use mcp_auth_core::jwt::Issuer;
    ///
    /// let issuer = Issuer::multi_tenant(
    ///     "https://login.microsoftonline.com/{tenantid}/v2.0",
    ///     ["72f988bf-86f1-41af-91ab-2d7cd011db47"],
    /// );
    /// # assert_eq!(issuer.name(), "https://login.microsoftonline.com/{tenantid}/v2.0");
    /// ```
    pub fn multi_tenant(
        template: impl Into<String>,
        tenants: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let allowed = tenants.into_iter().map(Into::into).collect();
        Self { tenants: Some(Tenants::Listed(allowed)), ..Self::new(template) }
    }

    /// As [`multi_tenant`](Self::multi_tenant) for every tenant there is. Dangerous: anybody can open a tenant,
    /// so a policy has to judge `tid`.
    pub fn danger_any_tenant(template: impl Into<String>) -> Self {
        Self { tenants: Some(Tenants::Any), ..Self::new(template) }
    }

    /// The value of `iss`, or its template.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The algorithms its keys are prepared for.
    pub fn allowed_algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// The audiences, one of which a token must name.
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// Adds an audience; a token must name at least one of them, exactly.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Lets an audience of the token differ from ours by one trailing slash.
    #[must_use]
    pub fn ignore_trailing_slash_of_audience(mut self) -> Self {
        self.audience_slash = true;
        self
    }

    /// Refuses tokens that name other audiences besides ours.
    #[must_use]
    pub fn sole_audience(mut self) -> Self {
        self.sole_audience = true;
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

    /// The clock difference that is allowed for, in whole seconds.
    pub const fn allowed_leeway(&self) -> Duration {
        self.leeway
    }

    /// Sets the longest life of a token: from `iat`, or from now where it has none, to `exp`. Default 30 days.
    #[must_use]
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.max_lifetime = Some(lifetime);
        self
    }

    /// Accepts tokens however far away their `exp` is.
    #[must_use]
    pub fn danger_unlimited_lifetime(mut self) -> Self {
        self.max_lifetime = None;
        self
    }

    /// Requires these claims besides `iss`, `aud` and `exp`, which always are.
    #[must_use]
    pub fn required_claims(mut self, claims: &[RequiredClaim]) -> Self {
        self.required.retain(|name| name == "exp");
        claims.iter().fold(self, |issuer, claim| issuer.require_claim(claim.name()))
    }

    /// Requires one more claim, of any name.
    #[must_use]
    pub fn require_claim(mut self, claim: impl Into<Cow<'static, str>>) -> Self {
        let claim = claim.into();
        if !self.required.contains(&claim) {
            self.required.push(claim);
        }
        self
    }

    /// Accepts tokens without `exp`. Dangerous: such a token is good until its key is rotated. An `exp` that is
    /// there is checked all the same.
    #[must_use]
    pub fn danger_accept_without_expiry(mut self) -> Self {
        self.required.retain(|claim| claim != "exp");
        self
    }

    /// Accepts tokens of these clients only, by `client_id` (RFC 9068 §2.2) or else `azp`; others get 403.
    #[must_use]
    pub fn clients(mut self, clients: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.clients = clients.into_iter().map(Into::into).collect();
        self
    }

    /// Reads scopes from the first of these claims that a token has; each a space-separated string or an array
    /// of strings. Default: `scope` (RFC 8693 §4.2), then `scp` (Entra, Okta).
    #[must_use]
    pub fn scope_claims(mut self, claims: impl IntoIterator<Item = impl Into<Cow<'static, str>>>) -> Self {
        self.scope_claims = claims.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a place where this issuer's tokens stand. Default: what the layer says, `Authorization: Bearer`.
    #[must_use]
    pub fn token_source(mut self, source: TokenSource) -> Self {
        self.token_sources.push(source);
        self
    }

    /// Tries every key that fits the algorithm, at most 4, for a token that names none. Without this such a token is
    /// refused where several keys fit, as during a rotation.
    #[must_use]
    pub fn try_keys_without_kid(mut self) -> Self {
        self.any_key = true;
        self
    }

    /// Accepts only tokens that are bound to a client certificate (`cnf.x5t#S256`, RFC 8705 §3). A bound token is
    /// never accepted without its certificate, whatever is set here.
    #[must_use]
    pub fn require_certificate_binding(mut self) -> Self {
        self.certificate_bound = true;
        self
    }

    /// Asks for the profile of RFC 9068: `typ: at+jwt` and the claims of its §2.2.
    #[must_use]
    pub fn access_token_profile(mut self) -> Self {
        self.access_token_profile = true;
        ["exp", "sub", "client_id", "iat", "jti"].into_iter().fold(self, Self::require_claim)
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
        let symmetric = self.algorithms.iter().filter(|a| a.is_symmetric()).count();
        if symmetric != 0 && symmetric != self.algorithms.len() {
            return Err(IssuerConfigError::MixedAlgorithms(name()));
        }
        if self.leeway > Duration::from_secs(300) {
            return Err(IssuerConfigError::Leeway(name()));
        }
        if self.tenants.as_ref().is_some_and(|tenants| !tenants.fits(&self.name)) {
            return Err(IssuerConfigError::Template(name()));
        }
        Ok(())
    }
}
