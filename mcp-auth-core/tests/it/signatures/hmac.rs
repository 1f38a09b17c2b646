//! HMAC: only with secrets that were configured as such, and only whole tags.

use base64::Engine as _;
use mcp_auth_core::jwk::{KeySet, KeySetError, SkipReason};
use mcp_auth_core::jwt::{Algorithm, Issuer, IssuerConfigError, Validator};
use rsa::pkcs1::EncodeRsaPublicKey as _;
use rsa::pkcs8::EncodePublicKey as _;
use serde_json::{Value, json};

use super::{accepted, number, unhex};
use crate::support::{TestKey, b64, key_set, mac, providers, unb64, verify_with};

const HMAC: [Algorithm; 3] = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];

fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", lines.join("\n"))
}

/// Everything about a public key that somebody might feed to HMAC as its bytes.
fn spellings(key: &TestKey) -> Vec<Vec<u8>> {
    let jwk = key.jwk();
    let mut all = vec![jwk.to_string().into_bytes(), json!({"keys": [jwk]}).to_string().into_bytes()];
    let mut ders = Vec::new();
    if jwk["kty"] == "RSA" {
        let public = rsa::RsaPublicKey::new(number(&jwk, "n"), number(&jwk, "e")).unwrap();
        ders.push(("PUBLIC KEY", public.to_public_key_der().unwrap().as_bytes().to_vec()));
        ders.push(("RSA PUBLIC KEY", public.to_pkcs1_der().unwrap().as_bytes().to_vec()));
    } else {
        let spki = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";
        let point = [jwk["x"].as_str().unwrap(), jwk["y"].as_str().unwrap()].map(unb64).concat();
        ders.push(("PUBLIC KEY", [unhex(spki), point.clone()].concat()));
        all.push(point);
    }
    for (label, der) in ders {
        let pem = pem(label, &der);
        all.extend([
            format!("{pem}\n").into_bytes(),
            pem.replace('\n', "\r\n").into_bytes(),
            pem.into_bytes(),
            der,
        ]);
    }
    for name in ["n", "x", "y"] {
        if let Some(text) = jwk[name].as_str() {
            all.extend([text.as_bytes().to_vec(), unb64(text)]);
        }
    }
    all
}

#[test]
fn attack_003_a_public_key_is_no_secret() {
    let validator = Validator::new([Issuer::new("https://idp.example").audience("a")]).unwrap();
    let claims = json!({"iss": "https://idp.example", "aud": "a", "exp": 4_000_000_000u64}).to_string();
    let mut forgeries = 0;
    for algorithm in [Algorithm::RS256, Algorithm::ES256] {
        let key = TestKey::new(algorithm);
        let mut open = key.jwk();
        open.as_object_mut().unwrap().remove("alg");
        for secret in spellings(&key) {
            for hmac in HMAC {
                let header = json!({"alg": hmac.name(), "kid": "k1"});
                let token = crate::support::compact(&header, claims.as_bytes(), |m| mac(hmac, &secret, m));
                assert_eq!(validator.parse(&token).unwrap_err().code(), "algorithm");
                // Even where HMAC is not ruled out beforehand, the key is not one for it.
                for jwk in [&key.jwk(), &open] {
                    assert!(!accepted(jwk, hmac, |message| mac(hmac, &secret, message)));
                }
                forgeries += 1;
            }
        }
    }
    assert!(forgeries >= 60, "{forgeries}");
}

#[test]
fn attack_003_hmac_and_public_keys_do_not_share_an_issuer() {
    let issuer = |algorithms: &[Algorithm]| {
        Validator::new([Issuer::new("i").audience("a").algorithms(algorithms)]).map(|_| ())
    };
    for algorithms in [&[Algorithm::RS256, Algorithm::HS256][..], Algorithm::ALL] {
        assert_eq!(issuer(algorithms), Err(IssuerConfigError::MixedAlgorithms("i".into())));
    }
    assert_eq!(issuer(&HMAC), Ok(()));
    assert_eq!(issuer(Algorithm::ASYMMETRIC), Ok(()));
    assert!(!Algorithm::DEFAULT.iter().any(|algorithm| algorithm.is_symmetric()));
}

#[test]
fn attack_044_a_secret_in_a_fetched_set_is_skipped() {
    for (name, provider) in providers() {
        let public = TestKey::new(Algorithm::EdDSA).named("k2");
        let json = json!({"keys": [TestKey::new(Algorithm::HS256).jwk(), public]}).to_string();
        let set = KeySet::parse(json.as_bytes(), provider, Algorithm::ALL).unwrap();
        assert_eq!((set.len(), set.skipped()[0].reason), (1, SkipReason::Symmetric), "{name}");
        let error = KeySet::parse_secrets(json.as_bytes(), provider, Algorithm::ALL).unwrap_err();
        assert_eq!(error, KeySetError::Secret { index: 1, reason: SkipReason::NotASecret }, "{name}");
    }
}

#[test]
fn attack_042_a_secret_is_as_long_as_its_digest() {
    for (algorithm, bytes) in HMAC.into_iter().zip([32, 48, 64]) {
        for (name, provider) in providers() {
            let jwk = |k: &[u8]| -> Value { json!({"kty": "oct", "alg": algorithm.name(), "k": b64(k)}) };
            for short in [0, 1, 16, bytes - 1] {
                let error = key_set(provider, &jwk(&vec![7; short])).unwrap_err();
                assert!(error.contains("shorter than the digest"), "{algorithm} {name} {short}: {error}");
                assert!(KeySet::secret(&vec![7; short], provider, algorithm).is_err());
            }
            for long in [bytes, bytes + 1, 200] {
                let set = key_set(provider, &jwk(&vec![7; long])).unwrap();
                let nameless = KeySet::secret(&vec![7; long], provider, algorithm).unwrap();
                for set in [set, nameless] {
                    let header = json!({"alg": algorithm.name()});
                    let token = crate::support::compact(&header, b"x", |m| mac(algorithm, &vec![7; long], m));
                    assert_eq!(
                        verify_with(&set, &token).as_deref(),
                        Ok(&b"x"[..]),
                        "{algorithm} {name} {long}"
                    );
                }
            }
            assert!(KeySet::secret(&[7; 64], provider, Algorithm::RS256).is_err(), "{name}");
        }
    }
}

/// Row 25 asks for equal times. Both backends compare by their library's constant-time function
/// (`aws_lc_rs::hmac::verify`, `hmac::Mac::verify_slice`); here is what can be shown without a clock: a tag counts
/// as a whole, whichever of its bits is wrong.
#[test]
fn attack_025_a_tag_counts_as_a_whole() {
    for algorithm in HMAC {
        let key = TestKey::new(algorithm);
        let jwk = key.jwk();
        let length = key.sign(b"").len();
        for bit in 0..8 * length {
            let flipped = |message: &[u8]| {
                let mut tag = key.sign(message);
                tag[bit / 8] ^= 1 << (bit % 8);
                tag
            };
            assert!(!accepted(&jwk, algorithm, flipped), "{algorithm} bit {bit}");
        }
        for kept in [1, 8, 10, 16, length / 2, length - 1] {
            assert!(
                !accepted(&jwk, algorithm, |message| key.sign(message)[..kept].to_vec()),
                "{algorithm} {kept}"
            );
        }
    }
}
