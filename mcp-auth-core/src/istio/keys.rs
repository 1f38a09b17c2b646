//! A key set as Envoy reads and uses it.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::key_error::{KeyProblem, KeySetError, SkippedKey};
use super::token::Token;
use super::{Status, base64url};
use crate::crypto::{CryptoProvider, Curve, KeyMaterial, KeyRefused, SignatureVerifier};
use crate::json::{Document, Limits, Object, Value};
use crate::jwk::{MAX_KEY_SET_BYTES, MAX_KEYS, SkipReason, check_ed25519, check_rsa};
use crate::jwt::Algorithm;

/// The keys of one rule, as Envoy reads a JSON Web Key Set.
///
/// `use` and `key_ops` mean nothing, symmetric keys may stand in a set, a key without `kid` fits every token, and
/// several keys of one `kid` are all tried. A key that cannot be used is left out; a set without any usable key
/// is an error, as it is for Envoy, which refuses such a configuration.
///
/// ```
/// # #[cfg(feature = "aws-lc-rs")] {
/// use mcp_auth_core::crypto::{AwsLc, AwsLcSigner, Signer as _};
/// use mcp_auth_core::istio::KeySet;
/// use mcp_auth_core::jwt::Algorithm;
///
/// let signer = AwsLcSigner::generate(Algorithm::ES256).unwrap();
/// let json = format!(r#"{{"keys":[{}, {{"kty":"AKP"}}]}}"#, signer.public_jwk("k1"));
/// let keys = KeySet::parse(json.as_bytes(), &AwsLc::new()).unwrap();
/// assert_eq!(keys.len(), 1);
/// assert_eq!(keys.skipped()[0].reason.to_string(), "[kty] is not supported in [keys]");
/// # }
/// ```
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<Key>,
    skipped: Vec<SkippedKey>,
}

struct Key {
    /// Empty where the key has no name.
    kid: Box<str>,
    /// Empty where the key is for every algorithm of its type.
    alg: Box<str>,
    is_ed25519: bool,
    verifiers: Verifiers,
}

type Verifiers = Vec<(Algorithm, Arc<dyn SignatureVerifier>)>;

/// The name and what it is good for; the numbers may be a secret.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("verifiers", &self.verifiers)
            .finish_non_exhaustive()
    }
}

impl KeySet {
    /// Reads a key set.
    ///
    /// # Errors
    ///
    /// [`KeySetError`] when the document is not a bounded key set, or none of its keys can be used.
    pub fn parse(json: &[u8], provider: &dyn CryptoProvider) -> Result<Self, KeySetError> {
        let mut limits = Limits::default().max_bytes(MAX_KEY_SET_BYTES).max_nodes(16 * 1024);
        limits.max_depth = 100;
        let document = Document::parse(json, &limits)?;
        let members = document.as_object().ok_or(KeySetError::NotAnObject)?;
        let list = members.get("keys").ok_or(KeySetError::NoKeysMember)?;
        let list = list.as_array().ok_or(KeySetError::KeysNotAnArray)?;
        if list.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let (mut keys, mut skipped) = (Vec::with_capacity(list.len()), Vec::new());
        for (index, item) in list.iter().enumerate() {
            let key =
                item.as_object().ok_or(KeyProblem::NotAnObject).and_then(|jwk| Key::read(jwk, provider));
            match key {
                Ok(key) => keys.push(key),
                Err(reason) => skipped.push(SkippedKey { index, reason }),
            }
        }
        if keys.is_empty() { Err(KeySetError::NoValidKey(skipped)) } else { Ok(Self { keys, skipped }) }
    }

    /// Number of keys that are used; never 0.
    #[expect(clippy::len_without_is_empty, reason = "a set is never empty")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys that are not used, and why.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// Checks the signature with every key that fits, until one has made it.
    pub(super) fn verify(&self, token: &Token) -> Result<(), Status> {
        let mut fits = false;
        for key in &self.keys {
            if !token.kid.is_empty() && !key.kid.is_empty() && key.kid != token.kid {
                continue;
            }
            if !key.alg.is_empty() && *key.alg != *token.algorithm.name() {
                continue;
            }
            fits = true;
            // Envoy stops at an Ed25519 key that could never have made this signature, whatever keys follow.
            if key.is_ed25519 && token.signature.len() != 64 {
                return Err(Status::Ed25519SignatureLength);
            }
            if key.has_made(&token.signature, &token.signed, token.algorithm) {
                return Ok(());
            }
        }
        Err(if fits { Status::VerificationFails } else { Status::NoMatchingKey })
    }
}

impl Key {
    fn read(jwk: Object<'_>, provider: &dyn CryptoProvider) -> Result<Self, KeyProblem> {
        let kty = text(jwk, "kty").ok_or(KeyProblem::NoType)?;
        // Of another type than a string they count as absent.
        let kid = text(jwk, "kid").unwrap_or_default();
        let alg = text(jwk, "alg").unwrap_or_default();
        let is_private = ["d", "p", "q", "dp", "dq", "qi", "oth"].iter().any(|name| jwk.get(name).is_some());
        if kty != "oct" && is_private {
            return Err(KeyProblem::Private);
        }
        let verifiers = match kty {
            "RSA" => {
                let (n, e) = (unpadded(number(jwk, "n")?), unpadded(number(jwk, "e")?));
                if !alg.is_empty() && !alg.starts_with("RS") && !alg.starts_with("PS") {
                    return Err(KeyProblem::WrongAlgorithm);
                }
                if e != [3] && e != [1, 0, 1] {
                    return Err(KeyProblem::Malformed);
                }
                check_rsa(&n, &e)?;
                prepare(provider, alg, &["RS", "PS"], &KeyMaterial::Rsa { n: &n, e: &e })?
            }
            "EC" => {
                let curve = curve(alg, text(jwk, "crv"), jwk.get("crv").is_some())?;
                let width = curve.coordinate_bytes();
                let (x, y) = (padded(number(jwk, "x")?, width)?, padded(number(jwk, "y")?, width)?);
                prepare(provider, alg, &["ES"], &KeyMaterial::Ec { curve, x: &x, y: &y })?
            }
            "oct" => {
                if !matches!(alg, "" | "HS256" | "HS384" | "HS512") {
                    return Err(KeyProblem::WrongAlgorithm);
                }
                let k = Zeroizing::new(number(jwk, "k")?);
                if k.is_empty() {
                    return Err(KeyProblem::Malformed);
                }
                prepare(provider, alg, &["HS"], &KeyMaterial::Secret { k: &k })?
            }
            "OKP" => {
                if !matches!(alg, "" | "EdDSA") {
                    return Err(KeyProblem::WrongAlgorithm);
                }
                if text(jwk, "crv") != Some("Ed25519") {
                    return Err(KeyProblem::Curve);
                }
                let x = number(jwk, "x")?;
                check_ed25519(&x).map_err(|reason| match reason {
                    SkipReason::Refused(refused) => KeyProblem::Refused(refused),
                    _ => KeyProblem::Malformed,
                })?;
                prepare(provider, alg, &["EdDSA"], &KeyMaterial::Ed25519 { x: &x })?
            }
            _ => return Err(KeyProblem::UnknownType),
        };
        Ok(Self { kid: kid.into(), alg: alg.into(), is_ed25519: kty == "OKP", verifiers })
    }

    fn has_made(&self, signature: &[u8], signed: &[u8], algorithm: Algorithm) -> bool {
        let verifier = self.verifiers.iter().find(|(a, _)| *a == algorithm);
        verifier.is_some_and(|(_, verifier)| verifier.verify(signed, signature).is_ok())
    }
}

/// The checks for every algorithm of these families that the key may be used with.
///
/// A key whose `alg` nobody knows (`RSA-OAEP`) stays, without any: it fits no token.
fn prepare(
    provider: &dyn CryptoProvider,
    alg: &str,
    families: &[&str],
    material: &KeyMaterial<'_>,
) -> Result<Verifiers, KeyProblem> {
    let of_family = |a: &&Algorithm| families.iter().any(|family| a.name().starts_with(family));
    let wanted = Algorithm::ALL.iter().filter(of_family).filter(|a| alg.is_empty() || a.name() == alg);
    let (mut verifiers, mut refused) = (Vec::new(), None);
    for &algorithm in wanted {
        match provider.verifier(algorithm, material) {
            Ok(verifier) => verifiers.push((algorithm, verifier)),
            // A curve has one algorithm, a family has several.
            Err(KeyRefused::Algorithm) => {}
            Err(e) => refused = Some(e),
        }
    }
    match refused {
        Some(e) if verifiers.is_empty() => Err(e.into()),
        _ => Ok(verifiers),
    }
}

/// The curve of `crv`, or else of `alg`, or else P-256; the two have to agree.
fn curve(alg: &str, crv: Option<&str>, has_crv: bool) -> Result<Curve, KeyProblem> {
    if has_crv && crv.is_none() {
        return Err(KeyProblem::Malformed);
    }
    if !alg.is_empty() && !alg.starts_with("ES") {
        return Err(KeyProblem::WrongAlgorithm);
    }
    let of_alg = match alg {
        "ES256" => Some(Curve::P256),
        "ES384" => Some(Curve::P384),
        "ES512" => Some(Curve::P521),
        _ => None,
    };
    match crv.filter(|crv| !crv.is_empty()) {
        None if alg.is_empty() => Ok(Curve::P256),
        None => of_alg.ok_or(KeyProblem::Curve),
        Some(crv) => {
            let curve = Curve::from_name(crv).ok_or(KeyProblem::Curve)?;
            if alg.is_empty() || of_alg == Some(curve) { Ok(curve) } else { Err(KeyProblem::Curve) }
        }
    }
}

fn text<'a>(jwk: Object<'a>, name: &str) -> Option<&'a str> {
    jwk.get(name).and_then(Value::as_str)
}

fn number(jwk: Object<'_>, name: &str) -> Result<Vec<u8>, KeyProblem> {
    text(jwk, name).and_then(|text| base64url::decode(text.as_bytes())).ok_or(KeyProblem::Malformed)
}

fn unpadded(mut number: Vec<u8>) -> Vec<u8> {
    let zeros = number.iter().take_while(|b| **b == 0).count();
    number.drain(..zeros);
    number
}

/// The number in exactly `width` bytes.
fn padded(number: Vec<u8>, width: usize) -> Result<Vec<u8>, KeyProblem> {
    let number = unpadded(number);
    let zeros = width.checked_sub(number.len()).ok_or(KeyProblem::Malformed)?;
    Ok([vec![0; zeros], number].concat())
}
