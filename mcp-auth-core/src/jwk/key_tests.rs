//! What a key has to be before a backend sees it, and that the backends agree on the rest.

#![cfg(all(feature = "aws-lc-rs", feature = "rust-crypto"))]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::BigUint;
use serde_json::{Value, json};

use super::material::ED25519_SMALL_ORDER;
use super::*;
use crate::crypto::{AwsLc, AwsLcSigner, CryptoProvider, KeyRefused, RustCrypto, Signer as _};
use crate::jwt::Algorithm;

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Why the one key of a set is not used, `None` where it is; the same from every backend.
fn skipped(jwk: &Value) -> Option<SkipReason> {
    let json = json!({ "keys": [jwk] }).to_string();
    let providers: [&dyn CryptoProvider; 2] = [&AwsLc::new(), &RustCrypto::new()];
    let reasons = providers.map(|provider| {
        let set = KeySet::parse(json.as_bytes(), provider, Algorithm::ALL).unwrap();
        set.skipped().first().map(|skipped| skipped.reason)
    });
    assert_eq!(reasons[0], reasons[1], "{jwk}");
    reasons[0]
}

fn rsa_jwk() -> Value {
    serde_json::from_str(&AwsLcSigner::generate(Algorithm::RS256).unwrap().public_jwk("k1")).unwrap()
}

fn with(jwk: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut jwk = jwk.clone();
    jwk[name] = value.into();
    jwk
}

const WEAK: Option<SkipReason> = Some(SkipReason::Refused(KeyRefused::Weak));
const ROCA: Option<SkipReason> = Some(SkipReason::Refused(KeyRefused::Roca));

#[test]
fn attack_041_rsa_keys_have_2048_to_8192_odd_bits() {
    let jwk = rsa_jwk();
    let of_bits = |bits: usize| {
        let n = (BigUint::from(1u8) << (bits - 1)) + 1u8;
        with(&jwk, "n", b64(n.to_bytes_be()))
    };
    for (bits, expected) in [(512, WEAK), (1024, WEAK), (2047, WEAK), (2048, None), (2049, None)] {
        assert_eq!(skipped(&of_bits(bits)), expected, "{bits}");
    }
    for (bits, expected) in [(3072, None), (4096, None), (8192, None), (8193, WEAK), (12_000, WEAK)] {
        assert_eq!(skipped(&of_bits(bits)), expected, "{bits}");
    }
    let padded = [vec![0; 300], vec![0xff; 128]].concat();
    assert_eq!(skipped(&with(&jwk, "n", b64(padded))), WEAK, "zeros do not make a modulus longer");
    assert_eq!(skipped(&with(&of_bits(2048), "n", b64([0xfe; 256]))), WEAK, "even");
}

#[test]
fn attack_041_rsa_exponents_are_odd_and_small() {
    let jwk = rsa_jwk();
    for (e, refused) in [
        (&[][..], true),
        (&[0], true),
        (&[1], true),
        (&[0, 0, 1], true),
        (&[2], true),
        (&[1, 0, 0], true),
        (&[3], false),
        (&[17], false),
        (&[1, 0, 1], false),
        // 32 and 33 bits, and more.
        (&[0xff, 0xff, 0xff, 0xff], false),
        (&[1, 0, 0, 0, 1], false),
        (&[2, 0, 0, 0, 1], true),
        (&[0xff; 8], true),
        (&[0xff; 9], true),
        (&[0xff; 256], true),
    ] {
        assert_eq!(skipped(&with(&jwk, "e", b64(e))).is_some(), refused, "{e:x?}");
    }
}

/// Some libraries write a zero in front of a number whose highest bit is set (RFC 7518 §6.3.1.1 warns of them).
#[test]
fn a_zero_in_front_of_an_rsa_number_changes_nothing() {
    let jwk = rsa_jwk();
    for name in ["n", "e"] {
        let number = URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        assert_eq!(skipped(&with(&jwk, name, b64([&[0], &number[..]].concat()))), None, "{name}");
    }
}

/// A modulus as the broken generator makes them: a power of 65537 modulo the product of the first primes.
fn roca_modulus(primes: &[u32], exponent: u32) -> BigUint {
    let product = primes.iter().fold(BigUint::from(1u8), |m, p| m * *p);
    let residue = BigUint::from(65537u32).modpow(&BigUint::from(exponent), &product);
    let top = (BigUint::from(1u8) << 2047) / &product + 1u8;
    top * product + residue
}

#[test]
fn attack_041_roca_keys_are_refused() {
    let jwk = rsa_jwk();
    let primes: Vec<u32> = (2..=353).filter(|n| (2..*n).all(|d| n % d != 0)).collect();
    assert_eq!(primes.len(), 71, "what the generator uses for 2,048 bits");
    for exponent in [1, 2, 3, 1000, 123_456_789] {
        let n = roca_modulus(&primes, exponent);
        assert_eq!(n.bits(), 2048);
        assert_eq!(skipped(&with(&jwk, "n", b64(n.to_bytes_be()))), ROCA, "{exponent}");
        // One residue off, and it is no longer the generator's.
        let other = n + BigUint::from(2u8);
        assert_ne!(skipped(&with(&jwk, "n", b64(other.to_bytes_be()))), ROCA);
    }
    for _ in 0..5 {
        assert_eq!(skipped(&rsa_jwk()), None, "an honest key");
    }
}

#[test]
fn attack_043_private_parts_and_other_uses_rule_a_key_out() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let jwk: Value =
            serde_json::from_str(&AwsLcSigner::generate(algorithm).unwrap().public_jwk("k1")).unwrap();
        assert_eq!(skipped(&jwk), None);
        for name in ["d", "p", "q", "dp", "dq", "qi", "oth"] {
            for value in [json!("AAAA"), json!(""), json!(null), json!([])] {
                assert_eq!(skipped(&with(&jwk, name, value)), Some(SkipReason::Private), "{name}");
            }
        }
        assert!(SkipReason::Private.to_string().contains("compromised"), "loud");
        for (name, value, expected) in [
            ("use", json!("enc"), SkipReason::NotForSignatures),
            ("use", json!("SIG"), SkipReason::NotForSignatures),
            ("use", json!(1), SkipReason::Malformed),
            ("key_ops", json!([]), SkipReason::NotForSignatures),
            ("key_ops", json!(["sign"]), SkipReason::NotForSignatures),
            ("key_ops", json!(["encrypt", "wrapKey"]), SkipReason::NotForSignatures),
            ("key_ops", json!("verify"), SkipReason::Malformed),
            ("alg", json!("ES521"), SkipReason::NoAlgorithm),
            ("alg", json!("none"), SkipReason::NoAlgorithm),
            ("alg", json!("HS256"), SkipReason::NoAlgorithm),
            ("alg", json!(["RS256"]), SkipReason::Malformed),
            ("kty", json!("rsa"), SkipReason::Unsupported),
            ("kty", json!("oct"), SkipReason::Symmetric),
            ("kty", json!(null), SkipReason::Malformed),
        ] {
            assert_eq!(skipped(&with(&jwk, name, value.clone())), Some(expected), "{name} {value}");
        }
        assert_eq!(skipped(&with(&jwk, "key_ops", json!(["sign", "verify"]))), None);
        let kty = if algorithm == Algorithm::RS256 { "EC" } else { "RSA" };
        assert!(skipped(&with(&jwk, "kty", kty)).is_some(), "{algorithm} called {kty}");
    }
}

#[test]
fn attack_023_the_list_of_small_points_is_complete() {
    let mut encodings = 0;
    for y in ED25519_SMALL_ORDER {
        for sign in [0, 0x80] {
            let mut x = y;
            x[31] |= sign;
            assert!(ed25519_dalek::VerifyingKey::from_bytes(&x).unwrap().is_weak(), "{x:x?}");
            encodings += 1;
            let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": b64(x)});
            assert_eq!(skipped(&jwk), Some(SkipReason::Refused(KeyRefused::SmallOrder)));
        }
    }
    // x is zero for two of the five, so that their signs make no difference: eight points, which is all of them.
    assert_eq!(encodings - 2, 8);
}

/// Made with `openssl genpkey`.
#[test]
fn a_private_key_in_pkcs8_signs_what_its_public_key_checks() {
    use base64::engine::general_purpose::STANDARD;

    let p256 = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgMO4cTJQwVq87E4ON97XmjT+bprsoehvA9e3dMqlVgHChRANC\
                AAQE3hbnb34/wFcHPP7eeFsghdqEQcWGk3KeE8YfFTuTILGEFlvuGKPf4/dvh4UtbkrKQRLLgfDcwOLdV9IT1FDj";
    let ed25519 = "MC4CAQAwBQYDK2VwBCIEIBIUkjj5LNIyvwVrkKM+fPBUU97bEeiDrHzQEYUF0was";
    for (text, algorithm, wrong) in
        [(p256, Algorithm::ES256, Algorithm::ES384), (ed25519, Algorithm::EdDSA, Algorithm::ES256)]
    {
        let der = STANDARD.decode(text).unwrap();
        let signer = AwsLcSigner::from_pkcs8(algorithm, &der).unwrap();
        let jwk: Value = serde_json::from_str(&signer.public_jwk("k1")).unwrap();
        let set = json!({ "keys": [jwk] }).to_string();
        let signature = signer.sign(b"message").unwrap();
        for provider in [&AwsLc::new() as &dyn CryptoProvider, &RustCrypto::new()] {
            let set = KeySet::parse(set.as_bytes(), provider, Algorithm::ALL).unwrap();
            let verifier = set.keys()[0].verifier(algorithm).unwrap();
            assert!(verifier.verify(b"message", &signature).is_ok(), "{algorithm}");
            assert!(verifier.verify(b"massage", &signature).is_err(), "{algorithm}");
        }
        let refused = |algorithm, der: &[u8]| AwsLcSigner::from_pkcs8(algorithm, der).unwrap_err();
        assert_eq!(refused(wrong, &der), KeyRefused::Malformed);
        assert_eq!(refused(algorithm, &der[1..]), KeyRefused::Malformed);
        assert_eq!(refused(Algorithm::RS256, &der), KeyRefused::Malformed);
        assert_eq!(refused(Algorithm::HS256, &der), KeyRefused::Algorithm);
    }
}
