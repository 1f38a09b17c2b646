//! The key, and the proofs it signs.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{CryptoProvider, Signer, SigningFailed};
use mcp_auth_core::dpop::TargetUri;
use mcp_auth_core::json::{Document, Limits, Value};
use mcp_auth_core::jwk::Thumbprint;
use serde_json::Map;
use sha2::{Digest as _, Sha256};

use super::DpopNonce;
use crate::signed;

/// A key pair to which tokens are bound (RFC 9449 §4).
///
/// ```
/// use std::sync::Arc;
/// use mcp_auth_core::UnixTime;
/// use mcp_auth_core::crypto::{AwsLc, AwsLcSigner};
/// use mcp_auth_core::dpop::{ProofContext, ProofRules, TargetUri};
/// use mcp_auth_core::jwt::Algorithm;
/// use mcp_auth_exchange::dpop::{DpopKey, ProofRequest};
///
/// let crypto = AwsLc::new();
/// let key = DpopKey::new(Arc::new(AwsLcSigner::generate(Algorithm::ES256)?), &crypto)?;
/// let target = TargetUri::parse("https://tool.example/mcp")?;
/// let now = UnixTime::from_secs(1_700_000_000);
///
/// // In a program `jti` comes from the operating system's randomness.
/// let request = ProofRequest::new("POST", &target, "4f1b8c7e").token("t0ken");
/// let proof = key.proof(&request, now)?;
///
/// // What the server does with it:
/// let context = ProofContext { method: "POST", target: &target, token: "t0ken" };
/// let checked = ProofRules::default().check(proof.to_str()?, &context, now, &crypto)?;
/// assert_eq!(checked.key(), key.thumbprint());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct DpopKey {
    signer: Arc<dyn Signer>,
    jwk: Map<String, serde_json::Value>,
    thumbprint: Thumbprint,
}

/// A key to which tokens cannot be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signer's public key is not one of RSA, EC or OKP")]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to add")]
pub struct DpopKeyError;

/// The request that a proof is for.
#[derive(Clone, Copy)]
#[must_use]
pub struct ProofRequest<'r> {
    method: &'r str,
    target: &'r TargetUri,
    jti: &'r str,
    token: Option<&'r str>,
    nonce: Option<&'r DpopNonce>,
}

impl<'r> ProofRequest<'r> {
    /// A proof for this method and URI. `jti` is never used twice: 12 random bytes or more, as text (RFC 9449 §4.2).
    pub fn new(method: &'r str, target: &'r TargetUri, jti: &'r str) -> Self {
        Self { method, target, jti, token: None, nonce: None }
    }

    /// Binds the proof to the access token that the request carries (`ath`): for requests to resources, not for
    /// those to token endpoints.
    pub fn token(mut self, token: &'r str) -> Self {
        self.token = Some(token);
        self
    }

    /// Adds the nonce that the server gave (RFC 9449 §8 and §9).
    pub fn nonce(mut self, nonce: Option<&'r DpopNonce>) -> Self {
        self.nonce = nonce;
        self
    }
}

impl DpopKey {
    /// Prepares a key.
    ///
    /// # Errors
    ///
    /// [`DpopKeyError`] when the signer shows no public key with a thumbprint (RFC 7638).
    pub fn new(signer: Arc<dyn Signer>, crypto: &dyn CryptoProvider) -> Result<Self, DpopKeyError> {
        let text = signer.public_jwk("");
        let document = Document::parse(text.as_bytes(), &Limits::default()).map_err(|_| DpopKeyError)?;
        let all = document.as_object().ok_or(DpopKeyError)?;
        let thumbprint = Thumbprint::of_jwk(all, crypto).map_err(|_| DpopKeyError)?;
        // The public members and nothing else (RFC 9449 §4.2).
        let public = ["kty", "crv", "x", "y", "n", "e"];
        let member = |name: &str| Some((name.to_owned(), all.get(name).and_then(Value::as_str)?.into()));
        let jwk = public.into_iter().filter_map(member).collect();
        Ok(Self { signer, jwk, thumbprint })
    }

    /// The thumbprint that tokens are bound to (`cnf.jkt`, RFC 9449 §6.1).
    pub fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// The algorithm of the proofs, as metadata calls it.
    pub fn algorithm(&self) -> &'static str {
        self.signer.algorithm().name()
    }

    /// The value of the header `DPoP`, marked sensitive.
    ///
    /// # Errors
    ///
    /// [`SigningFailed`].
    pub fn proof(&self, request: &ProofRequest<'_>, now: UnixTime) -> Result<HeaderValue, SigningFailed> {
        let header = signed::members([("typ", "dpop+jwt".into()), ("jwk", self.jwk.clone().into())]);
        let mut claims = signed::members([
            ("jti", request.jti.into()),
            ("htm", request.method.into()),
            ("htu", request.target.as_str().into()),
            ("iat", now.as_secs().into()),
        ]);
        if let Some(token) = request.token {
            let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()));
            claims.insert("ath".to_owned(), hash.into());
        }
        if let Some(nonce) = request.nonce {
            claims.insert("nonce".to_owned(), nonce.as_str().into());
        }
        let text = signed::compact(header, claims, &*self.signer)?;
        let mut value = HeaderValue::from_str(&text).map_err(|_| SigningFailed)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopKey")
            .field("algorithm", &self.algorithm())
            .field("thumbprint", &self.thumbprint.to_base64url())
            .finish_non_exhaustive()
    }
}

/// The token stays out.
impl fmt::Debug for ProofRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofRequest")
            .field("method", &self.method)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
