//! A key set: every key on its own, so that a foreign key never takes the others with it.

use std::sync::Arc;

use super::key::Contents;
use super::{Key, SkipReason};
use crate::crypto::{CryptoProvider, KeyMaterial, KeyRefused};
use crate::json::{Document, JsonError, Limits, Value};
use crate::jwt::Algorithm;

/// Longest key set that is read, in bytes.
pub const MAX_KEY_SET_BYTES: usize = 512 * 1024;

/// Most keys of one set.
pub const MAX_KEYS: usize = 100;

/// The usable keys of a JSON Web Key Set (RFC 7517 §5), prepared for an issuer's algorithms.
///
/// ```
/// # #[cfg(feature = "aws-lc-rs")] {
/// use mcp_auth_core::crypto::{AwsLc, AwsLcSigner, Signer as _};
/// use mcp_auth_core::jwk::KeySet;
/// use mcp_auth_core::jwt::Algorithm;
///
/// let signer = AwsLcSigner::generate(Algorithm::ES256).unwrap();
/// let json = format!(r#"{{"keys":[{}, {{"kty":"AKP","kid":"post-quantum"}}]}}"#, signer.public_jwk("k1"));
/// let keys = KeySet::parse(json.as_bytes(), &AwsLc::new(), &[Algorithm::ES256]).unwrap();
/// assert_eq!(keys.len(), 1);
/// assert_eq!(keys.skipped().len(), 1, "a foreign key is reported, not fatal");
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<Arc<Key>>,
    skipped: Vec<SkippedKey>,
    /// The one key is a configured secret without a name.
    any_kid: bool,
}

/// A key that is not used, for the operator.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SkippedKey {
    /// Its place in the set, from 0.
    pub index: usize,
    /// Its name, where it has a readable one.
    pub kid: Option<Box<str>>,
    /// Why it is not used.
    pub reason: SkipReason,
}

/// Why a document is not a key set at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Not one bounded JSON document.
    #[error("key set: {0}")]
    Json(#[from] JsonError),
    /// No array `keys` at the top: an error page, or another document.
    #[error("not a key set: expected an object with an array `keys` (RFC 7517 §5)")]
    NotAKeySet,
    /// More than [`MAX_KEYS`] keys.
    #[error("key set has more than 100 keys")]
    TooManyKeys,
    /// A configured secret cannot be used.
    #[error("secret {index} (counted from 0): {reason}")]
    Secret {
        /// Its place in the set, from 0.
        index: usize,
        /// Why.
        reason: SkipReason,
    },
}

/// What a look-up found.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum KeyMatch<'k> {
    /// The one key that fits.
    Found(&'k Arc<Key>),
    /// No key of that name for that algorithm.
    Unknown,
    /// The token names no key and several would fit.
    Ambiguous,
}

impl KeySet {
    /// Reads a published key set and prepares its keys for `algorithms`.
    ///
    /// # Errors
    ///
    /// [`KeySetError`] when the document as a whole is not a bounded key set. A key that cannot be used is
    /// listed in [`skipped`](Self::skipped), and a symmetric key never can.
    pub fn parse(
        json: &[u8],
        provider: &dyn CryptoProvider,
        algorithms: &[Algorithm],
    ) -> Result<Self, KeySetError> {
        Self::read(json, provider, algorithms, Contents::Public)
    }

    /// Reads a set of shared secrets (`kty: oct`) that the operator configured for HMAC.
    ///
    /// # Errors
    ///
    /// [`KeySetError`] when the document is not a key set, and [`KeySetError::Secret`] when any key of it is not
    /// a usable secret: a mistake in one's own configuration is not passed over.
    pub fn parse_secrets(
        json: &[u8],
        provider: &dyn CryptoProvider,
        algorithms: &[Algorithm],
    ) -> Result<Self, KeySetError> {
        let set = Self::read(json, provider, algorithms, Contents::Secrets)?;
        match set.skipped.first() {
            None => Ok(set),
            Some(skipped) => Err(KeySetError::Secret { index: skipped.index, reason: skipped.reason }),
        }
    }

    /// One shared secret for HMAC, without a name: it checks tokens with any `kid` or none.
    ///
    /// # Errors
    ///
    /// [`KeyRefused`] when `secret` is shorter than the digest of `algorithm`, or `algorithm` is not HMAC.
    pub fn secret(
        secret: &[u8],
        provider: &dyn CryptoProvider,
        algorithm: Algorithm,
    ) -> Result<Self, KeyRefused> {
        let verifier = provider.verifier(algorithm, &KeyMaterial::Secret { k: secret })?;
        Ok(Self {
            keys: vec![Arc::new(Key::nameless(algorithm, verifier, secret))],
            skipped: Vec::new(),
            any_kid: true,
        })
    }

    fn read(
        json: &[u8],
        provider: &dyn CryptoProvider,
        algorithms: &[Algorithm],
        contents: Contents,
    ) -> Result<Self, KeySetError> {
        let limits = Limits::default().max_bytes(MAX_KEY_SET_BYTES).max_nodes(16 * 1024);
        let document = Document::parse(json, &limits)?;
        let keys = document.as_object().and_then(|o| o.get("keys")).and_then(Value::as_array);
        let keys = keys.ok_or(KeySetError::NotAKeySet)?;
        if keys.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let mut set = Self::default();
        let mut prepared = Vec::with_capacity(keys.len());
        for (index, jwk) in keys.iter().enumerate() {
            let key = match jwk {
                Value::Object(jwk) => Key::prepare(jwk, provider, algorithms, contents),
                _ => Err(SkipReason::Malformed),
            };
            match key {
                Ok(key) => prepared.push((index, key)),
                Err(reason) => {
                    let kid =
                        jwk.as_object().and_then(|o| o.get("kid")).and_then(Value::as_str).map(Box::from);
                    set.skipped.push(SkippedKey { index, kid, reason });
                }
            }
        }
        set.keep_unambiguous(prepared);
        Ok(set)
    }

    /// The same key twice counts once; two keys of one name are both unusable: which one a verifier takes is
    /// the sort of question that two verifiers answer differently.
    fn keep_unambiguous(&mut self, keys: Vec<(usize, Key)>) {
        let mut kept: Vec<Key> = Vec::with_capacity(keys.len());
        let clashes = |key: &Key| {
            let same_name = |other: &&(usize, Key)| key.kid().is_some() && other.1.kid() == key.kid();
            keys.iter().filter(same_name).any(|(_, other)| !other.is_same_key(key))
        };
        let unusable: Vec<bool> = keys.iter().map(|(_, key)| clashes(key)).collect();
        for ((index, key), unusable) in keys.into_iter().zip(unusable) {
            if unusable {
                let kid = key.kid().map(Box::from);
                self.skipped.push(SkippedKey { index, kid, reason: SkipReason::DuplicateKid });
            } else if let Some(twin) = kept.iter_mut().find(|k| k.kid() == key.kid() && k.is_same_key(&key)) {
                twin.merge(key);
            } else {
                kept.push(key);
            }
        }
        self.keys = kept.into_iter().map(Arc::new).collect();
    }

    /// Takes over from `previous` the keys that both have, so that tokens verified with them stay verified:
    /// [`holds`](Self::holds) goes by identity.
    #[must_use]
    pub fn keeping_identity_of(mut self, previous: &Self) -> Self {
        for key in &mut self.keys {
            if let Some(same) = previous.keys.iter().find(|old| old.is_interchangeable(key)) {
                *key = same.clone();
            }
        }
        self
    }

    /// Whether this very key is one of the set.
    pub fn holds(&self, key: &Arc<Key>) -> bool {
        self.keys.iter().any(|k| Arc::ptr_eq(k, key))
    }

    /// Number of usable keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key of the set can be used.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The usable keys.
    pub fn keys(&self) -> &[Arc<Key>] {
        &self.keys
    }

    /// The keys that are not used, and why.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// The key for a token whose header says `kid` and `algorithm`.
    ///
    /// A token without `kid` is checked only where exactly one key fits its algorithm.
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> KeyMatch<'_> {
        let mut fitting = self
            .keys
            .iter()
            .filter(|key| self.any_kid || kid.is_none() || key.kid() == kid)
            .filter(|key| key.verifier(algorithm).is_some());
        match (fitting.next(), fitting.next()) {
            (None, _) => KeyMatch::Unknown,
            (Some(key), None) => KeyMatch::Found(key),
            (Some(_), Some(_)) => KeyMatch::Ambiguous,
        }
    }
}
