//! Client assertions that we sign ourselves (RFC 7523 §2.2 and §3, OpenID Connect Core §9 `private_key_jwt`).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{Signer, SigningFailed};
use mcp_auth_core::jwk::Thumbprint;
use mcp_auth_discovery::Secret;
use serde_json::Map;

use crate::signed;

/// For whom a client assertion is.
///
/// RFC 7523 leaves it to the parties. Entra documents the token endpoint, Keycloak and most others take both, and
/// what the OAuth working group writes now (draft-ietf-oauth-rfc7523bis) allows the issuer only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AssertionAudience {
    /// The URL of the token endpoint that the request goes to.
    TokenEndpoint,
    /// The issuer identifier of the server, or whatever else it asks for.
    Fixed(String),
}

/// The key with which a client signs its assertions, with what goes into their header.
///
/// ```
/// use std::sync::Arc;
/// use mcp_auth_core::crypto::Signer;
/// use mcp_auth_core::jwk::Thumbprint;
/// use mcp_auth_exchange::client_auth::{AssertionAudience, AssertionKey};
///
/// // Entra wants PS256 and the certificate's thumbprint.
/// fn entra(key: Arc<dyn Signer>, certificate: Thumbprint) -> AssertionKey {
///     AssertionKey::new(key, AssertionAudience::TokenEndpoint).x5t_s256(certificate)
/// }
/// ```
#[derive(Clone)]
pub struct AssertionKey {
    signer: Arc<dyn Signer>,
    audience: AssertionAudience,
    kid: Option<String>,
    x5t_s256: Option<Thumbprint>,
    x5c: Vec<String>,
    lifetime: Duration,
}

impl AssertionKey {
    /// A key, and for whom its assertions are. They last 60 seconds.
    pub fn new(signer: Arc<dyn Signer>, audience: AssertionAudience) -> Self {
        Self {
            signer,
            audience,
            kid: None,
            x5t_s256: None,
            x5c: Vec::new(),
            lifetime: Duration::from_secs(60),
        }
    }

    /// Names the key (`kid`, RFC 7515 §4.1.4).
    #[must_use]
    pub fn kid(mut self, kid: impl Into<String>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// Names the certificate of the key by its thumbprint (`x5t#S256`, RFC 7515 §4.1.8).
    #[must_use]
    pub fn x5t_s256(mut self, certificate: Thumbprint) -> Self {
        self.x5t_s256 = Some(certificate);
        self
    }

    /// Adds the certificate chain, the key's own first, each as the base64 of its DER (`x5c`, RFC 7515 §4.1.6).
    #[must_use]
    pub fn x5c(mut self, chain: impl IntoIterator<Item = String>) -> Self {
        self.x5c = chain.into_iter().collect();
        self
    }

    /// Sets how long an assertion lasts: whole seconds, from 10 to 600; others become the nearest of them.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Duration::from_secs(lifetime.as_secs().clamp(10, 600));
        self
    }

    /// The algorithm of the signatures, as metadata calls it.
    pub fn algorithm(&self) -> &'static str {
        self.signer.algorithm().name()
    }

    /// Whether assertions name the key's certificate by its SHA-256 thumbprint.
    pub(crate) fn names_certificate(&self) -> bool {
        self.x5t_s256.is_some()
    }

    /// Makes an assertion for one request. `jti` is never used twice: 16 random bytes or more, as text.
    ///
    /// # Errors
    ///
    /// [`SigningFailed`].
    pub fn sign(
        &self,
        client_id: &str,
        token_endpoint: &str,
        jti: &str,
        now: UnixTime,
    ) -> Result<Secret, SigningFailed> {
        let mut header = signed::members([("typ", "JWT".into())]);
        let set = |header: &mut Map<_, _>, name: &str, value: serde_json::Value| {
            header.insert(name.to_owned(), value);
        };
        if let Some(kid) = &self.kid {
            set(&mut header, "kid", kid.as_str().into());
        }
        if let Some(thumbprint) = self.x5t_s256 {
            set(&mut header, "x5t#S256", thumbprint.to_base64url().into());
        }
        if !self.x5c.is_empty() {
            set(&mut header, "x5c", self.x5c.clone().into());
        }
        let audience = match &self.audience {
            AssertionAudience::TokenEndpoint => token_endpoint,
            AssertionAudience::Fixed(audience) => audience,
        };
        let claims = signed::members([
            ("iss", client_id.into()),
            ("sub", client_id.into()),
            ("aud", audience.into()),
            ("jti", jti.into()),
            ("iat", now.as_secs().into()),
            ("nbf", now.as_secs().into()),
            ("exp", now.plus(self.lifetime).as_secs().into()),
        ]);
        signed::compact(header, claims, &*self.signer).map(|text| Secret::new(text.as_str()))
    }
}

impl fmt::Debug for AssertionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssertionKey")
            .field("signer", &self.signer)
            .field("audience", &self.audience)
            .field("kid", &self.kid)
            .field("x5t#S256", &self.x5t_s256.map(Thumbprint::to_base64url))
            .finish_non_exhaustive()
    }
}
