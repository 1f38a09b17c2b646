//! One JSON Web Key, prepared for the algorithms its issuer may use.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::crypto::{CryptoProvider, Curve, KeyRefused, PublicKey, SignatureVerifier};
use crate::json::{Object, Value};
use crate::jwt::Algorithm;

/// A public key that may check signatures, parsed once.
#[derive(Clone, Debug)]
pub struct Key {
    kid: Option<Box<str>>,
    verifiers: Vec<(Algorithm, Arc<dyn SignatureVerifier>)>,
    /// The numbers of the key, to tell a repeated key from two keys of one name.
    material: Box<[u8]>,
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

/// Longest base64url member that is decoded: an 8,192-bit modulus with room to spare.
const MAX_MEMBER_CHARS: usize = 2048;

impl Key {
    pub(super) fn prepare(
        jwk: Object<'_>,
        provider: &dyn CryptoProvider,
        algorithms: &[Algorithm],
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
        if kty == "oct" {
            return Err(SkipReason::Symmetric);
        }
        if ["d", "p", "q", "dp", "dq", "qi", "oth"].iter().any(|name| jwk.get(name).is_some()) {
            return Err(SkipReason::Private);
        }
        let material = Material::read(kty, jwk)?;
        let declared = match optional_str(jwk, "alg")? {
            None => None,
            Some(name) => Some(Algorithm::from_name(name).ok_or(SkipReason::NoAlgorithm)?),
        };
        let mut verifiers = Vec::new();
        let mut refused = None;
        for &algorithm in algorithms.iter().filter(|a| declared.is_none_or(|d| d == **a)) {
            match provider.verifier(algorithm, &material.as_public_key()) {
                Ok(verifier) => verifiers.push((algorithm, verifier)),
                Err(KeyRefused::Algorithm) => {}
                Err(e) => refused = Some(e),
            }
        }
        if verifiers.is_empty() {
            return Err(refused.map_or(SkipReason::NoAlgorithm, SkipReason::Refused));
        }
        Ok(Self { kid, verifiers, material: material.fingerprint() })
    }

    /// The key's name, RFC 7517 §4.5.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
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
        self.material == other.material
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

/// A member that must be a string where it is present.
fn optional_str<'a>(jwk: Object<'a>, name: &str) -> Result<Option<&'a str>, SkipReason> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(s)) => Ok(Some(s)),
        Some(_) => Err(SkipReason::Malformed),
    }
}

fn bytes(jwk: Object<'_>, name: &str) -> Result<Vec<u8>, SkipReason> {
    let text = optional_str(jwk, name)?.ok_or(SkipReason::Malformed)?;
    if text.len() > MAX_MEMBER_CHARS {
        return Err(SkipReason::Malformed);
    }
    URL_SAFE_NO_PAD.decode(text).map_err(|_| SkipReason::Malformed)
}

enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Ec { curve: Curve, x: Vec<u8>, y: Vec<u8> },
    Ed25519 { x: Vec<u8> },
}

impl Material {
    fn read(kty: &str, jwk: Object<'_>) -> Result<Self, SkipReason> {
        match kty {
            "RSA" => {
                let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
                check_rsa(&n, &e)?;
                Ok(Self::Rsa { n, e })
            }
            "EC" => {
                let curve =
                    optional_str(jwk, "crv")?.and_then(Curve::from_name).ok_or(SkipReason::Unsupported)?;
                Ok(Self::Ec { curve, x: bytes(jwk, "x")?, y: bytes(jwk, "y")? })
            }
            "OKP" => match optional_str(jwk, "crv")? {
                Some("Ed25519") => Ok(Self::Ed25519 { x: bytes(jwk, "x")? }),
                _ => Err(SkipReason::Unsupported),
            },
            _ => Err(SkipReason::Unsupported),
        }
    }

    fn as_public_key(&self) -> PublicKey<'_> {
        match self {
            Self::Rsa { n, e } => PublicKey::Rsa { n, e },
            Self::Ec { curve, x, y } => PublicKey::Ec { curve: *curve, x, y },
            Self::Ed25519 { x } => PublicKey::Ed25519 { x },
        }
    }

    fn fingerprint(self) -> Box<[u8]> {
        match self {
            Self::Rsa { mut n, e } => {
                n.push(0);
                n.extend_from_slice(&e);
                n.into_boxed_slice()
            }
            Self::Ec { mut x, y, .. } => {
                x.extend_from_slice(&y);
                x.into_boxed_slice()
            }
            Self::Ed25519 { x } => x.into_boxed_slice(),
        }
    }
}

/// Our own limits, whatever the backend accepts: 2,048 to 8,192 bits, odd modulus, odd exponent of 3 or more.
fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), SkipReason> {
    let weak = SkipReason::Refused(KeyRefused::Weak);
    let strip =
        |b: &'_ [u8]| b.iter().position(|x| *x != 0).and_then(|i| b.get(i..)).unwrap_or_default().to_vec();
    let (n, e) = (strip(n), strip(e));
    let bits = n.first().map_or(0, |top| n.len() * 8 - top.leading_zeros() as usize);
    let odd = |b: &[u8]| b.last().is_some_and(|l| l & 1 == 1);
    if !(2048..=8192).contains(&bits) || !odd(&n) || !odd(&e) || e == [1] || e.len() > 8 {
        return Err(weak);
    }
    Ok(())
}
