//! What can be wrong with a key, and with a key set.

use crate::crypto::KeyRefused;
use crate::json::JsonError;

/// A key that is not used, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedKey {
    /// Its place in the set, from 0.
    pub index: usize,
    /// Why it is not used.
    pub reason: KeyProblem,
}

/// Why a key is not used: in Envoy's words where Envoy leaves it out too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyProblem {
    /// Not a JSON object.
    #[error("an item of [keys] is not an object")]
    NotAnObject,
    /// No `kty`, or one that is not a string.
    #[error("[kty] is missing in [keys]")]
    NoType,
    /// A `kty` other than `RSA`, `EC`, `oct` and `OKP`.
    #[error("[kty] is not supported in [keys]")]
    UnknownType,
    /// An `alg` that does not go with `kty`.
    #[error("[alg] does not go with [kty]")]
    WrongAlgorithm,
    /// A curve that is not supported, or that does not go with `alg`.
    #[error("[crv] or [alg] field is not supported for an EC or OKP key")]
    Curve,
    /// A member of the key's type is missing or cannot be read.
    #[error("a member of the key is missing or has a parse error")]
    Malformed,
    /// The private half stands in the set: whoever reads the set can sign. Envoy uses such a key.
    #[error("PRIVATE key material in a key set: treat the key as compromised")]
    Private,
    /// Refused by the cryptographic library or by our own limits. Envoy uses RSA keys under 2,048 bits and
    /// secrets shorter than their digest.
    #[error("{0}")]
    Refused(#[from] KeyRefused),
}

/// Why a document is not a key set for Envoy, in Envoy's words where it has any.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Not one bounded JSON object.
    #[error("Jwks is an invalid JSON: {0}")]
    Json(#[from] JsonError),
    /// The document is not an object.
    #[error("Jwks is an invalid JSON: not an object")]
    NotAnObject,
    /// No member `keys`.
    #[error("Jwks does not have [keys] field")]
    NoKeysMember,
    /// `keys` is not an array.
    #[error("[keys] in Jwks is not an array")]
    KeysNotAnArray,
    /// More than [`MAX_KEYS`](crate::jwk::MAX_KEYS) keys.
    #[error("Jwks has more than 100 keys")]
    TooManyKeys,
    /// No key that can be used.
    #[error("Jwks doesn't have any valid public key{}", first(.0))]
    NoValidKey(Vec<SkippedKey>),
}

fn first(skipped: &[SkippedKey]) -> String {
    skipped.first().map(|key| format!(": key {}: {}", key.index, key.reason)).unwrap_or_default()
}
