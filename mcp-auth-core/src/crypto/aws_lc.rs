//! Cryptography by `aws-lc-rs`.

use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::hkdf;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self as sig, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RsaKeyPair,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::aead::{AeadKey, AwsLcAead};
use super::{
    BadSignature, CryptoProvider, Curve, KeyMaterial, KeyRefused, SignatureVerifier, Signer, SigningFailed,
};
use crate::jwt::Algorithm;

/// The `aws-lc-rs` backend.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct AwsLc;

impl AwsLc {
    /// The backend; it has no state.
    pub const fn new() -> Self {
        Self
    }
}

impl CryptoProvider for AwsLc {
    fn verifier(
        &self,
        algorithm: Algorithm,
        key: &KeyMaterial<'_>,
    ) -> Result<Arc<dyn SignatureVerifier>, KeyRefused> {
        let parsed = match *key {
            KeyMaterial::Rsa { n, e } => rsa(algorithm, n, e)?,
            KeyMaterial::Ec { curve, x, y } => ec(algorithm, curve, x, y)?,
            KeyMaterial::Ed25519 { x } => {
                if !matches!(algorithm, Algorithm::EdDSA | Algorithm::Ed25519) {
                    return Err(KeyRefused::Algorithm);
                }
                if x.len() != 32 {
                    return Err(KeyRefused::Malformed);
                }
                ParsedPublicKey::new(&sig::ED25519, x).map_err(|_| KeyRefused::Malformed)?
            }
            KeyMaterial::Secret { k } => return secret(algorithm, k),
        };
        Ok(Arc::new(Verifier { key: parsed, algorithm }))
    }

    fn sha256(&self, message: &[u8]) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(digest::digest(&digest::SHA256, message).as_ref());
        out
    }

    fn hmac_sha256(&self, key: &[u8], message: &[u8]) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref());
        out
    }

    fn hkdf_sha256(&self, secret: &[u8], salt: &[u8], info: &[u8]) -> Result<[u8; 32], KeyRefused> {
        let mut out = [0; 32];
        let key = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
        // The length of the digest: 32.
        let filled = key.expand(&[info], hkdf::HKDF_SHA256).and_then(|derived| derived.fill(&mut out));
        filled.map(|()| out).map_err(|_| KeyRefused::Algorithm)
    }

    fn aes_256_gcm_siv(&self, key: &[u8; 32]) -> Result<Arc<dyn AeadKey>, KeyRefused> {
        Ok(Arc::new(AwsLcAead::new(key)?))
    }
}

fn secret(algorithm: Algorithm, k: &[u8]) -> Result<Arc<dyn SignatureVerifier>, KeyRefused> {
    let (digest, bytes) = match algorithm {
        Algorithm::HS256 => (hmac::HMAC_SHA256, 32),
        Algorithm::HS384 => (hmac::HMAC_SHA384, 48),
        Algorithm::HS512 => (hmac::HMAC_SHA512, 64),
        _ => return Err(KeyRefused::Algorithm),
    };
    if k.len() < bytes {
        return Err(KeyRefused::ShortSecret);
    }
    Ok(Arc::new(SecretVerifier { key: hmac::Key::new(digest, k), algorithm }))
}

fn rsa(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Result<ParsedPublicKey, KeyRefused> {
    let parameters = match algorithm {
        Algorithm::RS256 => &sig::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &sig::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &sig::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &sig::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &sig::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &sig::RSA_PSS_2048_8192_SHA512,
        _ => return Err(KeyRefused::Algorithm),
    };
    RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters).map_err(|_| KeyRefused::Malformed)
}

fn ec(algorithm: Algorithm, curve: Curve, x: &[u8], y: &[u8]) -> Result<ParsedPublicKey, KeyRefused> {
    let parameters = match (algorithm, curve) {
        (Algorithm::ES256, Curve::P256) => &sig::ECDSA_P256_SHA256_FIXED,
        (Algorithm::ES384, Curve::P384) => &sig::ECDSA_P384_SHA384_FIXED,
        (Algorithm::ES512, Curve::P521) => &sig::ECDSA_P521_SHA512_FIXED,
        _ => return Err(KeyRefused::Algorithm),
    };
    if x.len() != curve.coordinate_bytes() || y.len() != curve.coordinate_bytes() {
        return Err(KeyRefused::Malformed);
    }
    // SEC 1 §2.3.3, uncompressed point.
    let mut point = Vec::with_capacity(1 + x.len() + y.len());
    point.push(4);
    point.extend_from_slice(x);
    point.extend_from_slice(y);
    ParsedPublicKey::new(parameters, point).map_err(|_| KeyRefused::Malformed)
}

struct Verifier {
    key: ParsedPublicKey,
    algorithm: Algorithm,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verifier({})", self.algorithm)
    }
}

impl SignatureVerifier for Verifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.key.verify_sig(message, signature).map_err(|_| BadSignature)
    }
}

struct SecretVerifier {
    key: hmac::Key,
    algorithm: Algorithm,
}

impl std::fmt::Debug for SecretVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretVerifier({}, [redacted])", self.algorithm)
    }
}

impl SignatureVerifier for SecretVerifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        // Compares in constant time, and whole tags only: JOSE knows no truncated ones.
        hmac::verify(&self.key, message, signature).map_err(|_| BadSignature)
    }
}

/// A private key held by `aws-lc-rs`.
pub struct AwsLcSigner {
    key: PrivateKey,
    algorithm: Algorithm,
}

enum PrivateKey {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl AwsLcSigner {
    /// Makes a new key for `algorithm`; RSA keys have 2,048 bits.
    ///
    /// # Errors
    ///
    /// [`SigningFailed`] when the library has no randomness, or for an HMAC algorithm, which has no public key.
    pub fn generate(algorithm: Algorithm) -> Result<Self, SigningFailed> {
        let key = match algorithm {
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512 => RsaKeyPair::generate(KeySize::Rsa2048).map(PrivateKey::Rsa),
            Algorithm::ES256 => {
                EcdsaKeyPair::generate(&sig::ECDSA_P256_SHA256_FIXED_SIGNING).map(PrivateKey::Ec)
            }
            Algorithm::ES384 => {
                EcdsaKeyPair::generate(&sig::ECDSA_P384_SHA384_FIXED_SIGNING).map(PrivateKey::Ec)
            }
            Algorithm::ES512 => {
                EcdsaKeyPair::generate(&sig::ECDSA_P521_SHA512_FIXED_SIGNING).map(PrivateKey::Ec)
            }
            Algorithm::EdDSA | Algorithm::Ed25519 => Ed25519KeyPair::generate().map(PrivateKey::Ed25519),
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => return Err(SigningFailed),
        }
        .map_err(|_| SigningFailed)?;
        Ok(Self { key, algorithm })
    }

    /// Takes a private key in PKCS #8 DER (RFC 5958), as it stands in a PEM file under `PRIVATE KEY`.
    ///
    /// # Errors
    ///
    /// [`KeyRefused::Algorithm`] for an HMAC algorithm, [`KeyRefused::Malformed`] for what is no key for `algorithm`;
    /// RSA keys have at least 2,048 bits.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyRefused> {
        let ec = |kind| EcdsaKeyPair::from_pkcs8(kind, der).map(PrivateKey::Ec);
        let key = match algorithm {
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512 => RsaKeyPair::from_pkcs8(der).map(PrivateKey::Rsa),
            Algorithm::ES256 => ec(&sig::ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => ec(&sig::ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::ES512 => ec(&sig::ECDSA_P521_SHA512_FIXED_SIGNING),
            Algorithm::EdDSA | Algorithm::Ed25519 => {
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(PrivateKey::Ed25519)
            }
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => return Err(KeyRefused::Algorithm),
        };
        Ok(Self { key: key.map_err(|_| KeyRefused::Malformed)?, algorithm })
    }
}

impl Signer for AwsLcSigner {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        let rng = SystemRandom::new();
        match &self.key {
            PrivateKey::Rsa(key) => {
                let padding: &dyn sig::RsaEncoding = match self.algorithm {
                    Algorithm::RS256 => &sig::RSA_PKCS1_SHA256,
                    Algorithm::RS384 => &sig::RSA_PKCS1_SHA384,
                    Algorithm::RS512 => &sig::RSA_PKCS1_SHA512,
                    Algorithm::PS256 => &sig::RSA_PSS_SHA256,
                    Algorithm::PS384 => &sig::RSA_PSS_SHA384,
                    Algorithm::PS512 => &sig::RSA_PSS_SHA512,
                    _ => return Err(SigningFailed),
                };
                let mut out = vec![0; key.public_modulus_len()];
                key.sign(padding, &rng, message, &mut out).map_err(|_| SigningFailed)?;
                Ok(out)
            }
            PrivateKey::Ec(key) => {
                key.sign(&rng, message).map(|s| s.as_ref().to_vec()).map_err(|_| SigningFailed)
            }
            PrivateKey::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
        }
    }

    fn public_jwk(&self, kid: &str) -> String {
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = serde_json::json!({ "kid": kid, "use": "sig", "alg": self.algorithm.name() });
        let mut set = |name: &str, value: String| {
            if let Some(members) = jwk.as_object_mut() {
                members.insert(name.to_owned(), value.into());
            }
        };
        match &self.key {
            PrivateKey::Rsa(key) => {
                let public = key.public_key();
                set("kty", "RSA".into());
                set("n", b64(public.modulus().big_endian_without_leading_zero()));
                set("e", b64(public.exponent().big_endian_without_leading_zero()));
            }
            PrivateKey::Ec(key) => {
                // INVARIANT: SEC 1 uncompressed point, one tag byte and two coordinates of one length.
                let point = key.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at(point.len() / 2);
                let crv = match self.algorithm {
                    Algorithm::ES384 => "P-384",
                    Algorithm::ES512 => "P-521",
                    _ => "P-256",
                };
                set("kty", "EC".into());
                set("crv", crv.into());
                set("x", b64(x));
                set("y", b64(y));
            }
            PrivateKey::Ed25519(key) => {
                set("kty", "OKP".into());
                set("crv", "Ed25519".into());
                set("x", b64(key.public_key().as_ref()));
            }
        }
        jwk.to_string()
    }
}

impl std::fmt::Debug for AwsLcSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AwsLcSigner({}, [redacted])", self.algorithm)
    }
}
