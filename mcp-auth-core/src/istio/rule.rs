//! One rule of a `RequestAuthentication`: an issuer, where its tokens stand, and what becomes of them.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::header::HeaderName;

use super::config_error::{ConfigError, header_name, not_empty};
use super::location::Locations;
use super::{KeySet, KeySetError, audience};
use crate::crypto::CryptoProvider;
use crate::jwt::Issuer;

/// Longest `jwksUri`, in bytes.
const MAX_JWKS_URI_BYTES: usize = 2048;

/// Most entries of `spaceDelimitedClaims`.
const MAX_SPACE_DELIMITED_CLAIMS: usize = 64;

/// Claims that Istio always reads as lists of words.
const ALWAYS_SPACE_DELIMITED: [&str; 2] = ["permission", "scope"];

/// One of `jwtRules`. Methods are named after the fields of the manifest and refuse what Istio's admission
/// refuses.
///
/// ```
/// use mcp_auth_core::istio::JwtRule;
///
/// let rule = JwtRule::new("https://idp.example")
///     .jwks_uri("https://idp.example/jwks.json")?
///     .audience("api://payments")?
///     .from_header("x-service-jwt", "")?
///     .output_claim_to_header("x-user-email", "email")?;
/// assert_eq!(rule.issuer(), "https://idp.example");
///
/// let twice = rule.output_claim_to_header("X-User-Email", "sub").unwrap_err();
/// assert_eq!(twice.field(), "outputClaimToHeaders.header");
/// # Ok::<(), mcp_auth_core::istio::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct JwtRule {
    pub(super) issuer: Box<str>,
    /// Without scheme and trailing slash.
    pub(super) audiences: Vec<Box<str>>,
    jwks_uri: Option<Uri>,
    pub(super) keys: Option<Arc<KeySet>>,
    pub(super) locations: Locations,
    pub(super) forward: bool,
    pub(super) payload_header: Option<HeaderName>,
    pub(super) claim_headers: Vec<(HeaderName, Box<str>)>,
    timeout: Duration,
    pub(super) space_delimited: Arc<Vec<Box<str>>>,
    /// The issuer as principals know it.
    pub(super) trusted: Arc<Issuer>,
}

/// Where the keys of a rule come from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource<'a> {
    /// They stand in the rule (`jwks`).
    Inline,
    /// A key set behind a URL (`jwksUri`).
    Uri(&'a Uri),
    /// The `jwks_uri` of the issuer's OpenID Connect metadata, which is behind this URL.
    Discovery(String),
}

impl JwtRule {
    /// A rule for tokens whose `iss` is exactly `issuer`. An empty `issuer` is for tokens of every issuer and
    /// needs [`jwks_uri`](Self::jwks_uri).
    ///
    /// Tokens are looked for in `Authorization: Bearer` and in the query parameter `access_token`, unless a
    /// `from_…` says otherwise.
    pub fn new(issuer: impl Into<Box<str>>) -> Self {
        let issuer = issuer.into();
        Self {
            trusted: Arc::new(Issuer::new(&*issuer)),
            issuer,
            audiences: Vec::new(),
            jwks_uri: None,
            keys: None,
            locations: Locations::default(),
            forward: false,
            payload_header: None,
            claim_headers: Vec::new(),
            timeout: Duration::from_secs(5),
            space_delimited: Arc::new(ALWAYS_SPACE_DELIMITED.map(Box::from).to_vec()),
        }
    }

    /// Adds to `audiences`: a token needs one of them in `aud`. Without any, every audience is good.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when empty.
    pub fn audience(mut self, audience: &str) -> Result<Self, ConfigError> {
        not_empty("audiences", audience)?;
        self.audiences.push(audience::sanitize(audience).into());
        Ok(self)
    }

    /// `jwks`: the keys themselves.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when this is not a key set with at least one usable key, or the rule has a `jwksUri`.
    pub fn jwks(self, jwks: &str, provider: &dyn CryptoProvider) -> Result<Self, ConfigError> {
        let keys = KeySet::parse(jwks.as_bytes(), provider);
        self.keys(keys.map_err(|e: KeySetError| ConfigError::new("jwks", e.to_string()))?)
    }

    /// As [`jwks`](Self::jwks), for keys that were read before.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the rule has a `jwksUri`.
    pub fn keys(mut self, keys: impl Into<Arc<KeySet>>) -> Result<Self, ConfigError> {
        if self.jwks_uri.is_some() {
            return Err(ConfigError::new("jwks", "a rule has `jwks` or `jwksUri`, not both"));
        }
        self.keys = Some(keys.into());
        Ok(self)
    }

    /// `jwksUri`: where the keys are; fetching them is the caller's.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when this is not an `http` or `https` URL of at most 2,048 bytes, or the rule has `jwks`.
    pub fn jwks_uri(mut self, uri: &str) -> Result<Self, ConfigError> {
        if self.keys.is_some() {
            return Err(ConfigError::new("jwksUri", "a rule has `jwks` or `jwksUri`, not both"));
        }
        if uri.len() > MAX_JWKS_URI_BYTES {
            let problem = format!("has {} bytes, the limit is {MAX_JWKS_URI_BYTES}", uri.len());
            return Err(ConfigError::new("jwksUri", problem));
        }
        let parsed = uri.parse().ok().filter(|uri: &Uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|h| !h.is_empty())
        });
        let parsed = parsed.ok_or_else(|| {
            ConfigError::new("jwksUri", format!("expected an `http` or `https` URL, got `{uri}`"))
        })?;
        self.jwks_uri = Some(parsed);
        Ok(self)
    }

    /// Adds to `fromHeaders`. `prefix` may stand anywhere in the header's value; the token begins behind it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when `name` is not a header name.
    pub fn from_header(mut self, name: &str, prefix: &str) -> Result<Self, ConfigError> {
        let name = header_name("fromHeaders.name", name)?;
        self.locations.add_header(name, prefix);
        Ok(self)
    }

    /// Adds to `fromParams`: a parameter of the query, case included.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when empty.
    pub fn from_param(mut self, name: &str) -> Result<Self, ConfigError> {
        not_empty("fromParams", name)?;
        self.locations.add_param(name);
        Ok(self)
    }

    /// Adds to `fromCookies`. A cookie is never taken out of the request.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when empty.
    pub fn from_cookie(mut self, name: &str) -> Result<Self, ConfigError> {
        not_empty("fromCookies", name)?;
        self.locations.add_cookie(name);
        Ok(self)
    }

    /// `forwardOriginalToken`: whether a verified token stays in the request. Default: it does not.
    pub fn forward_original_token(mut self, forward: bool) -> Self {
        self.forward = forward;
        self
    }

    /// `outputPayloadToHeader`: sets a header to the payload of a verified token, base64url as it was sent.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when `header` is not a header name, or is set already.
    pub fn output_payload_to_header(mut self, header: &str) -> Result<Self, ConfigError> {
        let field = "outputPayloadToHeader";
        let name = header_name(field, header)?;
        if self.payload_header.is_some() {
            return Err(ConfigError::new(field, "a rule has only one"));
        }
        self.check_unset(field, &name)?;
        self.payload_header = Some(name);
        Ok(self)
    }

    /// Adds to `outputClaimToHeaders`: sets a header to a claim of a verified token. Dots in `claim` lead into
    /// nested objects, so that a claim whose name has dots is out of reach, as it is in Istio.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when `header` is not of letters, digits, `-` and `_`, or is set already, or `claim` is
    /// empty.
    pub fn output_claim_to_header(mut self, header: &str, claim: &str) -> Result<Self, ConfigError> {
        let field = "outputClaimToHeaders.header";
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if header.is_empty() || !header.bytes().all(allowed) {
            let problem = format!("expected letters, digits, `-` and `_`, got `{header}`");
            return Err(ConfigError::new(field, problem));
        }
        not_empty("outputClaimToHeaders.claim", claim)?;
        let name = header_name(field, header)?;
        self.check_unset(field, &name)?;
        self.claim_headers.push((name, claim.into()));
        Ok(self)
    }

    /// `timeout`: how long a fetch of the keys may take. Default: 5 seconds.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when under one millisecond.
    pub fn timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        if timeout < Duration::from_millis(1) {
            return Err(ConfigError::new("timeout", "must be 1 millisecond or more"));
        }
        self.timeout = timeout;
        Ok(self)
    }

    /// Adds to `spaceDelimitedClaims`: a string in this claim is a list of words for policies. `scope` and
    /// `permission` always are.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when empty, or when there are 64 already.
    pub fn space_delimited_claim(mut self, claim: &str) -> Result<Self, ConfigError> {
        let field = "spaceDelimitedClaims";
        not_empty(field, claim)?;
        if self.space_delimited.len() >= MAX_SPACE_DELIMITED_CLAIMS + ALWAYS_SPACE_DELIMITED.len() {
            let problem = format!("has more than {MAX_SPACE_DELIMITED_CLAIMS} entries");
            return Err(ConfigError::new(field, problem));
        }
        Arc::make_mut(&mut self.space_delimited).push(claim.into());
        Ok(self)
    }

    /// `issuer`; empty for every issuer.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where the keys come from.
    pub fn key_source(&self) -> KeySource<'_> {
        match (&self.keys, &self.jwks_uri) {
            (Some(_), _) => KeySource::Inline,
            (None, Some(uri)) => KeySource::Uri(uri),
            // The slash goes, OpenID Connect Discovery 1.0 §4.1.
            (None, None) => {
                let base = self.issuer.strip_suffix('/').unwrap_or(&self.issuer);
                KeySource::Discovery(format!("{base}/.well-known/openid-configuration"))
            }
        }
    }

    pub(super) fn has_jwks_uri(&self) -> bool {
        self.jwks_uri.is_some()
    }

    /// How long a fetch of the keys may take.
    pub fn fetch_timeout(&self) -> Duration {
        self.timeout
    }

    /// The headers this rule sets, which nobody else may.
    pub(super) fn output_headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.payload_header.iter().chain(self.claim_headers.iter().map(|(name, _)| name))
    }

    fn check_unset(&self, field: &'static str, name: &HeaderName) -> Result<(), ConfigError> {
        if self.output_headers().any(|set| set == name) {
            return Err(ConfigError::new(field, format!("header `{name}` is set twice by one rule")));
        }
        Ok(())
    }
}
