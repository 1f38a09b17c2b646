//! Forgeries that need a look into the padding, the scalar or the point. Every backend refuses all of them.

mod ecdsa;
mod ed25519;
mod hmac;
mod rsa;

use mcp_auth_core::jwt::Algorithm;
use serde_json::Value;

use crate::support::{b64, compact, providers, verify};

/// Whether the backends take what `sign` makes for the key's signature; they have to agree.
fn accepted(jwk: &Value, algorithm: Algorithm, sign: impl Fn(&[u8]) -> Vec<u8>) -> bool {
    let header = serde_json::json!({"alg": algorithm.name(), "kid": "k1"});
    let token = compact(&header, b"payload", sign);
    let verdicts = providers().map(|(_, provider)| verify(provider, jwk, &token).is_ok());
    assert!(verdicts.iter().all(|verdict| *verdict == verdicts[0]), "{verdicts:?}: {jwk} {token}");
    verdicts[0]
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2).unwrap(), 16).unwrap())
        .collect()
}

/// `a - b`, big-endian and in the width of `a`.
fn subtract(a: &[u8], b: &[u8]) -> Vec<u8> {
    use ::rsa::BigUint;
    let difference = (BigUint::from_bytes_be(a) - BigUint::from_bytes_be(b)).to_bytes_be();
    [vec![0; a.len() - difference.len()], difference].concat()
}

#[test]
fn attack_005_a_key_is_good_for_its_own_algorithm_only() {
    use crate::support::TestKey;
    let rsa = TestKey::new(Algorithm::RS256);
    let ps = TestKey::new(Algorithm::PS384);
    for (key, algorithm) in [
        (&rsa, Algorithm::RS384),
        (&rsa, Algorithm::RS512),
        (&rsa, Algorithm::PS256),
        (&ps, Algorithm::PS256),
        (&ps, Algorithm::PS512),
        (&ps, Algorithm::RS384),
    ] {
        let mut open = key.jwk();
        open.as_object_mut().unwrap().remove("alg");
        assert!(!accepted(&key.jwk(), algorithm, |message| key.sign(message)), "{algorithm}");
        assert!(
            !accepted(&open, algorithm, |message| key.sign(message)),
            "{algorithm}: another padding or digest"
        );
        assert!(accepted(&open, key.algorithm(), |message| key.sign(message)));
    }
}

fn number(jwk: &Value, name: &str) -> ::rsa::BigUint {
    ::rsa::BigUint::from_bytes_be(&crate::support::unb64(jwk[name].as_str().unwrap()))
}

/// A public key of an elliptic curve.
fn ec_jwk(crv: &str, x: &[u8], y: &[u8]) -> Value {
    serde_json::json!({"kty": "EC", "kid": "k1", "crv": crv, "x": b64(x), "y": b64(y)})
}
