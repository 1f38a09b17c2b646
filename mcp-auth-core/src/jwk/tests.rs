#![cfg(feature = "aws-lc-rs")]

use super::*;
use crate::crypto::{AwsLc, AwsLcSigner, Signer as _};
use crate::jwt::Algorithm;

fn jwk(alg: Algorithm, kid: &str) -> serde_json::Value {
    serde_json::from_str(&AwsLcSigner::generate(alg).unwrap().public_jwk(kid)).unwrap()
}

fn parse(keys: &[serde_json::Value]) -> KeySet {
    let json = serde_json::json!({ "keys": keys }).to_string();
    KeySet::parse(json.as_bytes(), &AwsLc::new(), Algorithm::ASYMMETRIC).unwrap()
}

fn with(mut key: serde_json::Value, name: &str, value: serde_json::Value) -> serde_json::Value {
    key[name] = value;
    key
}

fn skip(key: serde_json::Value) -> SkipReason {
    let set = parse(&[key, jwk(Algorithm::ES256, "good")]);
    assert_eq!(set.len(), 1, "the other key of the set stays usable");
    set.skipped()[0].reason
}

#[test]
fn attack_043_044_046_each_bad_key_is_skipped_alone() {
    let ec = || jwk(Algorithm::ES256, "k");
    assert_eq!(skip(with(ec(), "use", "enc".into())), SkipReason::NotForSignatures);
    assert_eq!(skip(with(ec(), "key_ops", serde_json::json!(["encrypt"]))), SkipReason::NotForSignatures);
    assert_eq!(skip(with(ec(), "alg", "ES384".into())), SkipReason::NoAlgorithm);
    assert_eq!(skip(with(ec(), "alg", "RSA-OAEP".into())), SkipReason::NoAlgorithm);
    assert_eq!(skip(with(ec(), "crv", "secp256k1".into())), SkipReason::Unsupported);
    assert_eq!(skip(with(ec(), "d", "AAAA".into())), SkipReason::Private);
    assert_eq!(skip(with(ec(), "kid", 7.into())), SkipReason::Malformed);
    assert_eq!(skip(serde_json::Value::Null), SkipReason::Malformed);
    assert_eq!(skip(serde_json::json!({"kty":"oct","k":"c2VjcmV0"})), SkipReason::Symmetric);
    assert_eq!(skip(serde_json::json!({"kty":"AKP","alg":"ML-DSA-44"})), SkipReason::Unsupported);
    let y = ec()["y"].clone();
    assert!(matches!(skip(with(ec(), "y", y)), SkipReason::Refused(_)), "a point off the curve");
}

#[test]
fn attack_041_weak_rsa_keys_are_skipped() {
    let rsa = |n: &[u8], e: &[u8]| {
        use base64::Engine as _;
        let b64 = |b: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(b);
        serde_json::json!({"kty":"RSA","n":b64(n),"e":b64(e)})
    };
    let weak = SkipReason::Refused(crate::crypto::KeyRefused::Weak);
    let (n1024, n2048) = ([0xffu8; 128], [0xffu8; 256]);
    let mut even = n2048;
    even[255] = 0xfe;
    for key in [
        rsa(&n1024, &[1, 0, 1]),
        rsa(&n2048, &[1]),
        rsa(&n2048, &[2]),
        rsa(&n2048, &[0, 0]),
        rsa(&even, &[1, 0, 1]),
        rsa(&[], &[1, 0, 1]),
        rsa(&[0u8; 256], &[1, 0, 1]),
    ] {
        assert_eq!(skip(key), weak);
    }
}

#[test]
fn attack_045_same_kid_merges_equal_keys_and_drops_different_ones() {
    let one = jwk(Algorithm::ES256, "k");
    let set = parse(&[one.clone(), one.clone()]);
    assert_eq!((set.len(), set.skipped().len()), (1, 0));
    let set = parse(&[one, jwk(Algorithm::ES256, "k")]);
    assert_eq!((set.len(), set.skipped().len()), (0, 2));
    assert_eq!(set.skipped().iter().map(|s| s.index).collect::<Vec<_>>(), [0, 1]);
    let rsa = jwk(Algorithm::RS256, "k");
    let set = parse(&[rsa.clone(), with(rsa, "alg", "PS256".into())]);
    assert_eq!(set.len(), 1, "one key, listed for two algorithms");
    assert!(matches!(set.find(Some("k"), Algorithm::RS256), KeyMatch::Found(_)));
    assert!(matches!(set.find(Some("k"), Algorithm::PS256), KeyMatch::Found(_)));
}

#[test]
fn attack_008_a_token_without_kid_needs_exactly_one_fitting_key() {
    let set = parse(&[jwk(Algorithm::ES256, "a"), jwk(Algorithm::EdDSA, "b"), jwk(Algorithm::EdDSA, "c")]);
    assert!(matches!(set.find(None, Algorithm::ES256), KeyMatch::Found(_)));
    assert!(matches!(set.find(None, Algorithm::EdDSA), KeyMatch::Ambiguous));
    assert!(matches!(set.find(None, Algorithm::ES384), KeyMatch::Unknown));
    assert!(matches!(set.find(Some("b"), Algorithm::EdDSA), KeyMatch::Found(_)));
    assert!(matches!(set.find(Some("b"), Algorithm::ES256), KeyMatch::Unknown));
}

#[test]
fn what_is_not_a_key_set_is_an_error() {
    let parse = |json: &[u8]| KeySet::parse(json, &AwsLc::new(), Algorithm::ASYMMETRIC).unwrap_err();
    for json in [&b"<html>"[..], b"{}", b"[]", br#"{"keys":{}}"#, br#"{"keys":[],"keys":[]}"#, b""] {
        parse(json);
    }
    let many = format!("{{\"keys\":[{}0]}}", "0,".repeat(100));
    assert_eq!(parse(many.as_bytes()), KeySetError::TooManyKeys);
    assert!(matches!(parse(&vec![b' '; MAX_KEY_SET_BYTES + 1]), KeySetError::Json(_)));
}
