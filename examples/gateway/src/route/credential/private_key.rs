//! Private keys in PEM files, to sign with.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::{rsa, signature as sig};
use mcp_auth_core::crypto::AwsLcSigner;
use mcp_auth_core::jwt::Algorithm;
use mcp_auth_discovery::Secret;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

/// A private key, and how it signs.
pub(in crate::route) struct PrivateKey {
    der: PrivateKeyDer<'static>,
    algorithm: Algorithm,
}

/// How a key signs when nothing is said.
const KINDS: [Algorithm; 5] =
    [Algorithm::ES256, Algorithm::ES384, Algorithm::ES512, Algorithm::EdDSA, Algorithm::RS256];

/// Reads PKCS #8, or what older tools write: PKCS #1 and SEC 1. Without an algorithm it is that of the key's type, for RSA
/// RS256.
pub(in crate::route) fn read(pem: &Secret, algorithm: Option<Algorithm>) -> Result<PrivateKey, String> {
    let der = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes())
        .map_err(|_| "no private key in PEM (PKCS #8, PKCS #1 or SEC 1, not encrypted)".to_owned())?;
    let der = pkcs8(der).ok_or_else(|| "the private key is damaged, or of an unknown kind".to_owned())?;
    let fits = |algorithm: Algorithm| signer(&der, algorithm).is_some();
    let own = KINDS.into_iter().find(|kind| fits(*kind));
    let own = own.ok_or_else(|| {
        "the private key is no RSA key of 2,048 bits or more, no EC key on P-256, P-384 or P-521 and no Ed25519 key"
            .to_owned()
    })?;
    match algorithm {
        None => Ok(PrivateKey { der, algorithm: own }),
        Some(algorithm) if fits(algorithm) => Ok(PrivateKey { der, algorithm }),
        Some(algorithm) => {
            let (asked, own) = (algorithm.name(), own.name());
            Err(format!("the private key cannot sign `{asked}`; its type signs `{own}`"))
        }
    }
}

impl PrivateKey {
    pub(in crate::route) fn signer(&self) -> Result<AwsLcSigner, String> {
        signer(&self.der, self.algorithm).ok_or_else(|| "the private key is damaged".to_owned())
    }

    /// The certificates of `pem`, of which the first has to be that of the key.
    pub(in crate::route) fn chain(&self, pem: &Secret) -> Result<Vec<CertificateDer<'static>>, String> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.expose().as_bytes()).collect();
        let chain = chain.map_err(|e| format!("no certificates in PEM: {e}"))?;
        if chain.is_empty() {
            return Err("no certificate in PEM (`-----BEGIN CERTIFICATE-----`)".to_owned());
        }
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        CertifiedKey::from_der(chain.clone(), self.der.clone_key(), &provider)
            .map_err(|e| format!("the first certificate is not that of the signing key: {e}"))?;
        Ok(chain)
    }
}

fn signer(der: &PrivateKeyDer<'_>, algorithm: Algorithm) -> Option<AwsLcSigner> {
    AwsLcSigner::from_pkcs8(algorithm, der.secret_der()).ok()
}

/// The same key in PKCS #8.
fn pkcs8(der: PrivateKeyDer<'static>) -> Option<PrivateKeyDer<'static>> {
    let converted = match &der {
        PrivateKeyDer::Pkcs1(key) => {
            let key = rsa::KeyPair::from_der(key.secret_pkcs1_der()).ok()?;
            AsDer::<Pkcs8V1Der<'_>>::as_der(&key).ok()?.as_ref().to_vec()
        }
        PrivateKeyDer::Sec1(key) => {
            let curves = [
                &sig::ECDSA_P256_SHA256_FIXED_SIGNING,
                &sig::ECDSA_P384_SHA384_FIXED_SIGNING,
                &sig::ECDSA_P521_SHA512_FIXED_SIGNING,
            ];
            let read = |curve| sig::EcdsaKeyPair::from_private_key_der(curve, key.secret_sec1_der()).ok();
            curves.into_iter().find_map(read)?.to_pkcs8v1().ok()?.as_ref().to_vec()
        }
        _ => return Some(der),
    };
    Some(PrivatePkcs8KeyDer::from(converted).into())
}

/// Without the key.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, [redacted])", self.algorithm.name())
    }
}
