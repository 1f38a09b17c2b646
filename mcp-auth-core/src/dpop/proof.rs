//! Checking one proof, RFC 9449 §4.3.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;

use super::error::{ProofConfigError, ProofError, ProofErrorKind as Kind};
use super::nonce::{NonceAge, Nonces};
use super::replay::OneTimeUse;
use super::target::TargetUri;
use crate::crypto::CryptoProvider;
use crate::json::Value;
use crate::jwk::{Key, SkipReason, Thumbprint};
use crate::jwt::{Algorithm, Claims, Jws, TokenLimits};
use crate::time::UnixTime;

/// The greatest length of a proof, in bytes: room for a key of 8,192 bits and a long URI.
pub const MAX_PROOF_BYTES: usize = 8 * 1024;

/// The greatest length of a proof's `jti`, in bytes.
pub const MAX_JTI_BYTES: usize = 256;

/// What is asked of proofs.
///
/// Defaults: ES256, ES384, EdDSA, Ed25519, PS256 and RS256; `iat` at most 60 seconds from now, in either direction; no nonce.
#[derive(Clone, Debug)]
pub struct ProofRules {
    algorithms: Vec<Algorithm>,
    window: Duration,
    nonces: Option<Nonces>,
}

/// The request that a proof came with.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "all that RFC 9449 §4.3 compares a proof with")]
pub struct ProofContext<'r> {
    /// The method.
    pub method: &'r str,
    /// The URI as the client knows it.
    pub target: &'r TargetUri,
    /// The access token.
    pub token: &'r str,
}

/// A proof that holds for one request and one token, if it is the first of its `jti`:
/// [`one_time_use`](Self::one_time_use) is what a [`ReplayStore`](super::ReplayStore) has to say yes to.
#[derive(Clone, Debug)]
pub struct Proof {
    key: Thumbprint,
    jti: Box<str>,
    usable_until: UnixTime,
    nonce: Option<NonceAge>,
}

/// The one header `DPoP` of a request.
///
/// # Errors
///
/// [`ProofError`] when there is none, or more than one (RFC 9449 §4.3, check 1).
pub fn proof_header(headers: &HeaderMap) -> Result<&str, ProofError> {
    let mut values = headers.get_all("dpop").iter();
    let value = values.next().ok_or(Kind::Missing)?;
    if values.next().is_some() {
        return Err(Kind::Several.into());
    }
    match value.to_str() {
        // Proxies join lines of one name.
        Ok(text) if text.contains(',') => Err(Kind::Several.into()),
        Ok(text) => Ok(text),
        Err(_) => Err(Kind::NotText.into()),
    }
}

impl Default for ProofRules {
    fn default() -> Self {
        use Algorithm::{ES256, ES384, Ed25519, EdDSA, PS256, RS256};
        Self {
            algorithms: vec![ES256, ES384, EdDSA, Ed25519, PS256, RS256],
            window: Duration::from_secs(60),
            nonces: None,
        }
    }
}

impl ProofRules {
    /// Replaces the algorithms.
    ///
    /// # Errors
    ///
    /// [`ProofConfigError`] when the list is empty or has a symmetric one.
    pub fn algorithms(mut self, algorithms: &[Algorithm]) -> Result<Self, ProofConfigError> {
        if algorithms.is_empty() {
            return Err(ProofConfigError::NoAlgorithm);
        }
        if let Some(symmetric) = algorithms.iter().find(|a| a.is_symmetric()) {
            return Err(ProofConfigError::Symmetric(*symmetric));
        }
        self.algorithms = algorithms.to_vec();
        Ok(self)
    }

    /// Sets how far `iat` may be from now, in either direction; whole seconds from 1 to 300.
    ///
    /// # Errors
    ///
    /// [`ProofConfigError::Window`] for any other.
    pub fn window(mut self, window: Duration) -> Result<Self, ProofConfigError> {
        if !(1..=300).contains(&window.as_secs()) {
            return Err(ProofConfigError::Window(window));
        }
        self.window = Duration::from_secs(window.as_secs());
        Ok(self)
    }

    /// Requires a nonce of these.
    #[must_use]
    pub fn nonces(mut self, nonces: Nonces) -> Self {
        self.nonces = Some(nonces);
        self
    }

    /// The accepted algorithms, for challenges and metadata.
    pub fn accepted_algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// The nonces, where they are required.
    pub fn required_nonces(&self) -> Option<&Nonces> {
        self.nonces.as_ref()
    }

    /// Checks a proof against the request it came with. What is left to do for the caller: the token has to be bound
    /// to [`Proof::key`], and [`Proof::one_time_use`] has to be recorded.
    ///
    /// # Errors
    ///
    /// [`ProofError`], the first fault in the order: form, `typ`, `alg`, `jwk`, `jti`, `htm`, `htu`, `iat`, `ath`,
    /// nonce, signature.
    pub fn check(
        &self,
        proof: &str,
        request: &ProofContext<'_>,
        now: UnixTime,
        provider: &dyn CryptoProvider,
    ) -> Result<Proof, ProofError> {
        let limits = TokenLimits::default().token_bytes(MAX_PROOF_BYTES);
        let jws = Jws::parse(proof, limits).map_err(Kind::Malformed)?;
        if !jws.typ().is_some_and(|typ| typ.eq_ignore_ascii_case("dpop+jwt")) {
            return Err(Kind::Type.into());
        }
        let algorithm = jws.algorithm();
        if !self.algorithms.contains(&algorithm) {
            return Err(Kind::Algorithm { got: algorithm }.into());
        }
        let jwk = jws.header().and_then(|h| h.get("jwk")).and_then(Value::as_object).ok_or(Kind::NoKey)?;
        // `k` is the secret of a symmetric key; no public key has it.
        if jwk.get("k").is_some() {
            return Err(Kind::Key(SkipReason::Private).into());
        }
        let thumbprint = Thumbprint::of_jwk(jwk, provider).map_err(Kind::Key)?;
        let key = Key::public(jwk, provider, &[algorithm]).map_err(Kind::Key)?;

        let payload = jws.unverified_payload().map_err(Kind::Malformed)?;
        let claims = Claims::parse(&payload).map_err(Kind::Malformed)?;
        let jti = text(&claims, "jti")?;
        if !(1..=MAX_JTI_BYTES).contains(&jti.len()) {
            return Err(Kind::JtiLength { bytes: jti.len() }.into());
        }
        let method = text(&claims, "htm")?;
        if method != request.method {
            return Err(Kind::Method { got: method.to_owned(), expected: request.method.to_owned() }.into());
        }
        let target = TargetUri::parse(text(&claims, "htu")?).map_err(Kind::NotATarget)?;
        if target != *request.target {
            return Err(Kind::Target { got: target, expected: request.target.clone() }.into());
        }
        let usable_until = self.check_time(&claims, now)?;
        if text(&claims, "ath")? != URL_SAFE_NO_PAD.encode(provider.sha256(request.token.as_bytes())) {
            return Err(Kind::TokenHash.into());
        }
        let nonce = self.check_nonce(&claims, now, provider)?;
        jws.verify_with(&key).map_err(|_| Kind::Signature)?;
        Ok(Proof { key: thumbprint, jti: jti.into(), usable_until, nonce })
    }

    /// Gives the first second in which the proof is too old.
    fn check_time(&self, claims: &Claims, now: UnixTime) -> Result<UnixTime, ProofError> {
        let window = self.window;
        let iat = claims.issued_at().ok_or(Kind::ClaimMissing { claim: "iat" })?;
        if now > iat.plus(window) {
            return Err(Kind::TooOld { iat, now, window }.into());
        }
        if iat > now.plus(window) {
            return Err(Kind::TooNew { iat, now, window }.into());
        }
        if claims.expires_at().is_some_and(|exp| now >= exp.plus(window)) {
            return Err(Kind::NotNow { claim: "exp" }.into());
        }
        if claims.not_before().is_some_and(|nbf| nbf > now.plus(window)) {
            return Err(Kind::NotNow { claim: "nbf" }.into());
        }
        Ok(iat.plus(window).plus(Duration::from_secs(1)))
    }

    fn check_nonce(
        &self,
        claims: &Claims,
        now: UnixTime,
        provider: &dyn CryptoProvider,
    ) -> Result<Option<NonceAge>, ProofError> {
        let Some(nonces) = &self.nonces else { return Ok(None) };
        let nonce = match claims.get("nonce") {
            None => return Err(Kind::NonceMissing.into()),
            Some(Value::String(nonce)) => nonce,
            Some(_) => return Err(Kind::NonceUnknown.into()),
        };
        nonces.check(nonce, now, provider).map(Some).ok_or_else(|| Kind::NonceUnknown.into())
    }
}

impl Proof {
    /// The thumbprint (RFC 7638) of the key that signed, to be compared with the token's `cnf.jkt`:
    /// [`Possession::dpop_key`](crate::jwt::Possession::dpop_key).
    pub fn key(&self) -> Thumbprint {
        self.key
    }

    /// The identifier (`jti`).
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// The first second in which [`ProofRules::check`] refuses it as too old.
    pub fn usable_until(&self) -> UnixTime {
        self.usable_until
    }

    /// Whether its nonce is about to end: the response should bring a new one (RFC 9449 §8.2).
    pub fn wants_new_nonce(&self) -> bool {
        self.nonce == Some(NonceAge::Previous)
    }

    /// What may happen once. `target` is that of the [`ProofContext`].
    pub fn one_time_use<'p>(&'p self, target: &'p TargetUri) -> OneTimeUse<'p> {
        OneTimeUse::Proof { key: self.key, jti: &self.jti, target: target.as_str() }
    }
}

/// The token stays out.
impl std::fmt::Debug for ProofContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProofContext")
            .field("method", &self.method)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

fn text<'c>(claims: &'c Claims, claim: &'static str) -> Result<&'c str, ProofError> {
    claims.get(claim).and_then(Value::as_str).ok_or_else(|| Kind::ClaimMissing { claim }.into())
}
