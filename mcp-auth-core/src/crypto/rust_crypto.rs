//! Cryptography by the RustCrypto crates: no C compiler, no assembler, no source of randomness.
//!
//! It checks signatures and makes none: the `rsa` crate's private-key operations take a time that depends on the key
//! (RUSTSEC-2023-0071), and there is no randomness for a new key on wasm.

use std::sync::Arc;

use hkdf::Hkdf;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use rsa::pkcs8::AssociatedOid;
use rsa::signature::Verifier;
use rsa::{BigUint, RsaPublicKey, pkcs1v15, pss};
use sha2::digest::FixedOutputReset;
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::aead::{AeadKey, RustCryptoAead};
use super::{BadSignature, CryptoProvider, Curve, KeyMaterial, KeyRefused, SignatureVerifier};
use crate::jwt::Algorithm;

/// The backend of the RustCrypto crates: `rsa`, `p256`, `p384`, `p521`, `ed25519-dalek`, `hmac`, `sha2`, `hkdf`,
/// `aes-gcm-siv`.
///
/// It accepts and refuses what `AwsLc` does, and takes several times as long. The state of an HMAC secret
/// and of an AES key is not wiped when it is dropped.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct RustCrypto;

impl RustCrypto {
    /// The backend; it has no state.
    pub const fn new() -> Self {
        Self
    }
}

type Prepared = Result<Arc<dyn SignatureVerifier>, KeyRefused>;

impl CryptoProvider for RustCrypto {
    fn verifier(&self, algorithm: Algorithm, key: &KeyMaterial<'_>) -> Prepared {
        match *key {
            KeyMaterial::Rsa { n, e } => rsa_verifier(algorithm, n, e),
            KeyMaterial::Ec { curve, x, y } => ec_verifier(algorithm, curve, x, y),
            KeyMaterial::Ed25519 { x } => ed25519_verifier(algorithm, x),
            KeyMaterial::Secret { k } => match algorithm {
                Algorithm::HS256 => secret_verifier::<Hmac<Sha256>>(algorithm, k, 32),
                Algorithm::HS384 => secret_verifier::<Hmac<Sha384>>(algorithm, k, 48),
                Algorithm::HS512 => secret_verifier::<Hmac<Sha512>>(algorithm, k, 64),
                _ => Err(KeyRefused::Algorithm),
            },
        }
    }

    fn sha256(&self, message: &[u8]) -> [u8; 32] {
        Sha256::digest(message).into()
    }

    fn hmac_sha256(&self, key: &[u8], message: &[u8]) -> [u8; 32] {
        // RFC 2104 §2: a key is one block, filled up with zeros; a longer one is digested first.
        let mut block = Zeroizing::new([0; 64]);
        let digest = (key.len() > block.len()).then(|| Zeroizing::new(self.sha256(key)));
        let key = digest.as_ref().map_or(key, |digest| &digest[..]);
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        let mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
        mac.chain_update(message).finalize().into_bytes().into()
    }

    fn hkdf_sha256(&self, secret: &[u8], salt: &[u8], info: &[u8]) -> Result<[u8; 32], KeyRefused> {
        let mut out = [0; 32];
        let derived = Hkdf::<Sha256>::new(Some(salt), secret).expand(info, &mut out);
        derived.map(|()| out).map_err(|_| KeyRefused::Algorithm)
    }

    fn aes_256_gcm_siv(&self, key: &[u8; 32]) -> Result<Arc<dyn AeadKey>, KeyRefused> {
        Ok(Arc::new(RustCryptoAead::new(key)))
    }
}

fn rsa_verifier(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Prepared {
    const MAX_BITS: usize = 8192;
    let key = || {
        let n = BigUint::from_bytes_be(n);
        if !(2048..=MAX_BITS).contains(&n.bits()) {
            return Err(KeyRefused::Weak);
        }
        RsaPublicKey::new_with_max_size(n, BigUint::from_bytes_be(e), MAX_BITS)
            .map_err(|_| KeyRefused::Malformed)
    };
    match algorithm {
        Algorithm::RS256 => Ok(pkcs1::<Sha256>(algorithm, key()?)),
        Algorithm::RS384 => Ok(pkcs1::<Sha384>(algorithm, key()?)),
        Algorithm::RS512 => Ok(pkcs1::<Sha512>(algorithm, key()?)),
        Algorithm::PS256 => Ok(pss::<Sha256>(algorithm, key()?)),
        Algorithm::PS384 => Ok(pss::<Sha384>(algorithm, key()?)),
        Algorithm::PS512 => Ok(pss::<Sha512>(algorithm, key()?)),
        _ => Err(KeyRefused::Algorithm),
    }
}

/// RSASSA-PKCS1-v1_5: the padded digest is compared as a whole, there is no parser to be lenient.
fn pkcs1<D>(algorithm: Algorithm, key: RsaPublicKey) -> Arc<dyn SignatureVerifier>
where
    D: Digest + AssociatedOid + Send + Sync + 'static,
{
    Public::<_, pkcs1v15::Signature>::arc(algorithm, pkcs1v15::VerifyingKey::<D>::new(key))
}

/// RSASSA-PSS with a salt as long as the digest, RFC 7518 §3.5.
fn pss<D>(algorithm: Algorithm, key: RsaPublicKey) -> Arc<dyn SignatureVerifier>
where
    D: Digest + FixedOutputReset + Send + Sync + 'static,
{
    Public::<_, pss::Signature>::arc(algorithm, pss::VerifyingKey::<D>::new(key))
}

fn ec_verifier(algorithm: Algorithm, curve: Curve, x: &[u8], y: &[u8]) -> Prepared {
    if !matches!(
        (algorithm, curve),
        (Algorithm::ES256, Curve::P256) | (Algorithm::ES384, Curve::P384) | (Algorithm::ES512, Curve::P521)
    ) {
        return Err(KeyRefused::Algorithm);
    }
    if x.len() != curve.coordinate_bytes() || y.len() != curve.coordinate_bytes() {
        return Err(KeyRefused::Malformed);
    }
    // SEC 1 §2.3.3, uncompressed point; reading it checks that it is on the curve.
    let point = [&[4], x, y].concat();
    match curve {
        Curve::P256 => {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point);
            key.map(|key| Public::<_, p256::ecdsa::Signature>::arc(algorithm, key))
        }
        Curve::P384 => {
            let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(&point);
            key.map(|key| Public::<_, p384::ecdsa::Signature>::arc(algorithm, key))
        }
        Curve::P521 => {
            let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(&point);
            key.map(|key| Public::<_, p521::ecdsa::Signature>::arc(algorithm, key))
        }
    }
    .map_err(|_| KeyRefused::Malformed)
}

fn ed25519_verifier(algorithm: Algorithm, x: &[u8]) -> Prepared {
    if !matches!(algorithm, Algorithm::EdDSA | Algorithm::Ed25519) {
        return Err(KeyRefused::Algorithm);
    }
    let key = ed25519_dalek::VerifyingKey::try_from(x).map_err(|_| KeyRefused::Malformed)?;
    Ok(Public::<_, ed25519_dalek::Signature>::arc(algorithm, key))
}

fn secret_verifier<M>(algorithm: Algorithm, k: &[u8], digest_bytes: usize) -> Prepared
where
    M: Mac + KeyInit + Clone + Send + Sync + 'static,
{
    if k.len() < digest_bytes {
        return Err(KeyRefused::ShortSecret);
    }
    let mac = <M as Mac>::new_from_slice(k).map_err(|_| KeyRefused::Malformed)?;
    Ok(Arc::new(Secret { mac, algorithm }))
}

/// A public key whose signatures are read into `S` first.
struct Public<K, S> {
    key: K,
    algorithm: Algorithm,
    signature: std::marker::PhantomData<fn() -> S>,
}

impl<K, S> Public<K, S>
where
    K: Verifier<S> + Send + Sync + 'static,
    S: for<'s> TryFrom<&'s [u8]> + 'static,
{
    fn arc(algorithm: Algorithm, key: K) -> Arc<dyn SignatureVerifier> {
        Arc::new(Self { key, algorithm, signature: std::marker::PhantomData })
    }
}

impl<K, S> SignatureVerifier for Public<K, S>
where
    K: Verifier<S> + Send + Sync,
    S: for<'s> TryFrom<&'s [u8]>,
{
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let signature = S::try_from(signature).map_err(|_| BadSignature)?;
        self.key.verify(message, &signature).map_err(|_| BadSignature)
    }
}

impl<K, S> std::fmt::Debug for Public<K, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verifier({})", self.algorithm)
    }
}

struct Secret<M> {
    mac: M,
    algorithm: Algorithm,
}

impl<M: Mac + Clone + Send + Sync> SignatureVerifier for Secret<M> {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        // Compares in constant time, and whole tags only: JOSE knows no truncated ones.
        self.mac.clone().chain_update(message).verify_slice(signature).map_err(|_| BadSignature)
    }
}

impl<M> std::fmt::Debug for Secret<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretVerifier({}, [redacted])", self.algorithm)
    }
}
