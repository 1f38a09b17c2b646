//! One JSON Web Key, prepared for the algorithms its issuer may use.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::material::{Material, optional_str};
use crate::crypto::{CryptoProvider, KeyRefused, SignatureVerifier};
use crate::json::{Object, Value};
use crate::jwt::Algorithm;

/// A key that may check signatures, parsed once.
#[derive(Clone)]
pub struct Key {
    kid: Option<Box<str>>,
    /// Entra's member `issuer`: the only issuer, or template of issuers, that this key speaks for.
    issuer: Option<Box<str>>,
    verifiers: Vec<(Algorithm, Arc<dyn SignatureVerifier>)>,
    /// The numbers of the key, to tell a repeated key from two keys of one name.
    material: Zeroizing<Vec<u8>>,
}

/// The name and what it is good for; the numbers may be a secret.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("verifiers", &self.verifiers)
            .finish_non_exhaustive()
    }
}

/// What a set may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Contents {
    /// Public keys, from wherever.
    Public,
    /// Secrets that the operator configured as such.
    Secrets,
}

/// Why a key of a set is not used. The other keys of the set are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// Not a JSON object with the members of a key.
    #[error("not a well-formed JSON Web Key")]
    Malformed,
    /// `use` or `key_ops` says that the key does not check signatures (RFC 7517 §4.2, §4.3).
    #[error("key is not for checking signatures (`use` or `key_ops`)")]
    NotForSignatures,
    /// A key type or curve that is not supported.
    #[error("key type or curve is not supported")]
    Unsupported,
    /// The key's `alg` is not among the issuer's algorithms, or its type fits none of them.
    #[error("key fits none of the issuer's algorithms")]
    NoAlgorithm,
    /// A public key among configured secrets.
    #[error("not a symmetric key (`kty` is not `oct`): public keys and secrets do not share a set")]
    NotASecret,
    /// A symmetric key in a published set.
    #[error("symmetric key in a public key set")]
    Symmetric,
    /// A private key in a published set: whoever reads the set can sign.
    #[error("PRIVATE key material in a public key set: treat the key as compromised")]
    Private,
    /// Two different keys have the same `kid`; neither can be used.
    #[error("another key of the set has the same `kid`")]
    DuplicateKid,
    /// Refused by the cryptographic library or by our own limits.
    #[error("{0}")]
    Refused(#[from] KeyRefused),
}

impl Key {
    /// One public key by itself, such as a DPoP proof carries (RFC 9449 §4.2), for these algorithms.
    ///
    /// # Errors
    ///
    /// [`SkipReason`] as for a key of a set: private, symmetric, weak, malformed, or for something else.
    pub fn public(
        jwk: Object<'_>,
        provider: &dyn CryptoProvider,
        algorithms: &[Algorithm],
    ) -> Result<Self, SkipReason> {
        Self::prepare(jwk, provider, algorithms, Contents::Public)
    }

    pub(super) fn prepare(
        jwk: Object<'_>,
        provider: &dyn CryptoProvider,
        algorithms: &[Algorithm],
        contents: Contents,
    ) -> Result<Self, SkipReason> {
        let kid = optional_str(jwk, "kid")?.map(Box::from);
        if optional_str(jwk, "use")?.is_some_and(|u| u != "sig") {
            return Err(SkipReason::NotForSignatures);
        }
        match jwk.get("key_ops") {
            None => {}
            Some(Value::Array(ops)) if ops.iter().any(|op| op.as_str() == Some("verify")) => {}
            Some(Value::Array(_)) => return Err(SkipReason::NotForSignatures),
            Some(_) => return Err(SkipReason::Malformed),
        }
        let kty = optional_str(jwk, "kty")?.ok_or(SkipReason::Malformed)?;
        let material = match contents {
            Contents::Public => Material::public(kty, jwk)?,
            Contents::Secrets => Material::secret(kty, jwk)?,
        };
        let declared = match optional_str(jwk, "alg")? {
            None => None,
            Some(name) => Some(Algorithm::from_name(name).ok_or(SkipReason::NoAlgorithm)?),
        };
        let mut verifiers = Vec::new();
        let mut refused = None;
        for &algorithm in algorithms.iter().filter(|a| declared.is_none_or(|d| d == **a)) {
            match provider.verifier(algorithm, &material.as_key_material()) {
                Ok(verifier) => verifiers.push((algorithm, verifier)),
                Err(KeyRefused::Algorithm) => {}
                Err(e) => refused = Some(e),
            }
        }
        if verifiers.is_empty() {
            return Err(refused.map_or(SkipReason::NoAlgorithm, SkipReason::Refused));
        }
        let issuer = optional_str(jwk, "issuer")?.map(Box::from);
        Ok(Self { kid, issuer, verifiers, material: material.fingerprint() })
    }

    pub(super) fn nameless(
        algorithm: Algorithm,
        verifier: Arc<dyn SignatureVerifier>,
        material: &[u8],
    ) -> Self {
        let material = Zeroizing::new(material.to_vec());
        Self { kid: None, issuer: None, verifiers: vec![(algorithm, verifier)], material }
    }

    /// The key's name, RFC 7517 §4.5.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The issuer this key is limited to, where its set says so (Entra's member `issuer`).
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The algorithms this key is prepared for.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> + '_ {
        self.verifiers.iter().map(|(a, _)| *a)
    }

    /// The check for signatures under `algorithm`, when this key may be used with it.
    pub fn verifier(&self, algorithm: Algorithm) -> Option<&dyn SignatureVerifier> {
        self.verifiers.iter().find(|(a, _)| *a == algorithm).map(|(_, v)| &**v)
    }

    pub(super) fn is_same_key(&self, other: &Self) -> bool {
        self.material == other.material && self.issuer == other.issuer
    }

    /// The same key under the same name for the same algorithms: what was verified with one is verified with
    /// the other.
    pub(super) fn is_interchangeable(&self, other: &Self) -> bool {
        self.kid == other.kid && self.is_same_key(other) && self.algorithms().eq(other.algorithms())
    }

    /// Takes over what the same key, listed again under another `alg`, may do.
    pub(super) fn merge(&mut self, same: Self) {
        for (algorithm, verifier) in same.verifiers {
            if self.verifier(algorithm).is_none() {
                self.verifiers.push((algorithm, verifier));
            }
        }
    }
}
