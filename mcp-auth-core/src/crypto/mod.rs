//! The border to the cryptographic library: prepared keys in, yes or no out.
//!
//! Keys are parsed once, when a key set is loaded; checking a signature touches no parser. A
//! [`CryptoProvider`] is a value that is passed in, never a process-wide setting, so that two backends can be
//! linked into one program.
//!
//! # Backends
//!
//! | | `AwsLc` | `RustCrypto` |
//! |---|---|---|
//! | feature | `aws-lc-rs`, on by default | `rust-crypto` |
//! | needs | a C compiler | nothing; builds for `wasm32-unknown-unknown` |
//! | HS256, HS384, HS512 | check | check |
//! | RS256, RS384, RS512, PS256, PS384, PS512 | check, sign | check |
//! | ES256, ES384, ES512 | check, sign | check |
//! | EdDSA, Ed25519 | check, sign | check |
//! | AES-256-GCM-SIV, HKDF-SHA256 | both | both |
//!
//! Features add a backend and change nothing else: with both on, each is used where its value is passed. The limits
//! on keys are ours and the same for both: RSA of 2,048 to 8,192 bits with an odd exponent from 3 to 33 bits
//! and no ROCA fingerprint, secrets at least as long as their digest, points on their curve, no Ed25519 point of small
//! order. Both pass the same vectors.

mod aead;
#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
#[cfg(feature = "rust-crypto")]
mod rust_crypto;

use std::fmt::Debug;
use std::sync::Arc;

use crate::jwt::Algorithm;

pub use aead::{AEAD_TAG_BYTES, AeadFailed, AeadKey};
#[cfg(feature = "aws-lc-rs")]
pub use aws_lc::{AwsLc, AwsLcSigner};
#[cfg(feature = "rust-crypto")]
pub use rust_crypto::RustCrypto;

/// Checks signatures of one key under one algorithm.
pub trait SignatureVerifier: Send + Sync + Debug {
    /// Whether `signature` is this key's signature of `message`.
    ///
    /// # Errors
    ///
    /// [`BadSignature`] when it is not, for whatever reason.
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature>;
}

/// Makes signatures with one private key under one algorithm. Randomness stays inside the library.
pub trait Signer: Send + Sync + Debug {
    /// The algorithm of the signatures.
    fn algorithm(&self) -> Algorithm;

    /// Signs `message`; the result is in JOSE form (RFC 7518 §3).
    ///
    /// # Errors
    ///
    /// [`SigningFailed`] when the library refuses, for example for want of randomness.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed>;

    /// The public key as a JSON Web Key (RFC 7517), with `kid`, `use` and `alg`.
    fn public_jwk(&self, kid: &str) -> String;
}

/// A cryptographic backend.
pub trait CryptoProvider: Send + Sync + Debug {
    /// Prepares a key for one algorithm.
    ///
    /// # Errors
    ///
    /// [`KeyRefused`] when the backend lacks the algorithm, or the key is malformed, weak or not on its curve.
    fn verifier(
        &self,
        algorithm: Algorithm,
        key: &KeyMaterial<'_>,
    ) -> Result<Arc<dyn SignatureVerifier>, KeyRefused>;

    /// The SHA-256 digest of `message`, for thumbprints (RFC 7638) and token hashes (RFC 9449 §4.2).
    fn sha256(&self, message: &[u8]) -> [u8; 32];

    /// HMAC with SHA-256 (RFC 2104) of `message` under `key`.
    fn hmac_sha256(&self, key: &[u8], message: &[u8]) -> [u8; 32];

    /// The first 32 bytes of HKDF with SHA-256 (RFC 5869). `secret` has to be hard to guess: this is no hash for
    /// passwords.
    ///
    /// # Errors
    ///
    /// [`KeyRefused::Algorithm`] when the backend does not have it.
    fn hkdf_sha256(&self, secret: &[u8], salt: &[u8], info: &[u8]) -> Result<[u8; 32], KeyRefused>;

    /// Prepares a key of AES-256-GCM-SIV (RFC 8452).
    ///
    /// # Errors
    ///
    /// [`KeyRefused::Algorithm`] when the backend does not have it.
    fn aes_256_gcm_siv(&self, key: &[u8; 32]) -> Result<Arc<dyn AeadKey>, KeyRefused>;
}

/// The numbers of a key, as RFC 7518 §6 writes them: big-endian, unpadded for RSA.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum KeyMaterial<'a> {
    /// RSA, RFC 7518 §6.3.
    Rsa {
        /// The modulus.
        n: &'a [u8],
        /// The public exponent.
        e: &'a [u8],
    },
    /// Elliptic curve, RFC 7518 §6.2.
    Ec {
        /// The curve.
        curve: Curve,
        /// The first coordinate, in the curve's full width.
        x: &'a [u8],
        /// The second coordinate, in the curve's full width.
        y: &'a [u8],
    },
    /// Ed25519, RFC 8037 §2.
    Ed25519 {
        /// The public key, 32 bytes.
        x: &'a [u8],
    },
    /// A shared secret for HMAC, RFC 7518 §6.4.
    Secret {
        /// The secret, at least as long as the digest (RFC 7518 §3.2).
        k: &'a [u8],
    },
}

/// The type only: one of them is a secret.
impl Debug for KeyMaterial<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Rsa { .. } => "Rsa",
            Self::Ec { .. } => "Ec",
            Self::Ed25519 { .. } => "Ed25519",
            Self::Secret { .. } => "Secret",
        })
    }
}

/// A curve of RFC 7518 §6.2.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
}

impl Curve {
    /// The curve of this JOSE name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "P-256" => Some(Self::P256),
            "P-384" => Some(Self::P384),
            "P-521" => Some(Self::P521),
            _ => None,
        }
    }

    /// Bytes of one coordinate.
    pub const fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// The signature does not verify. Says nothing more on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signature does not verify")]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to add")]
pub struct BadSignature;

/// The library refused to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signing failed")]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to add")]
pub struct SigningFailed;

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRefused {
    /// The key is of another type than the algorithm, or the backend does not have it.
    #[error("key type and algorithm do not go together")]
    Algorithm,
    /// The key's numbers are not a key of its type: not on the curve, even modulus, wrong length.
    #[error("key is malformed")]
    Malformed,
    /// An RSA modulus under 2,048 bits or over 8,192, or an exponent under 3, even, or over 33 bits.
    #[error("RSA key is too weak or too large")]
    Weak,
    /// An RSA modulus with the fingerprint of CVE-2017-15361 (ROCA): it can be factored.
    #[error("RSA key was made by a broken generator (ROCA, CVE-2017-15361) and can be factored")]
    Roca,
    /// An Ed25519 point of small order: signatures under it can be made without a private key.
    #[error("Ed25519 key is a point of small order: anybody can sign for it")]
    SmallOrder,
    /// A shared secret shorter than its algorithm's digest (RFC 7518 §3.2).
    #[error("secret is shorter than the digest of its algorithm (RFC 7518 §3.2)")]
    ShortSecret,
}
