//! The backends side by side in one program: each is a value, and they answer alike.

use mcp_auth_core::crypto::{Curve, KeyMaterial, KeyRefused};
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::{Algorithm, Checks, Issuer, Validator};
use mcp_auth_core::{UnixTime, jwk::Thumbprint};
use serde_json::json;

use crate::support::{TestKey, key_set, providers, unb64};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn digests_and_macs_are_those_of_the_standards() {
    for (name, provider) in providers() {
        // FIPS 180-4.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(&provider.sha256(b"abc")), abc, "{name}");
        // RFC 4231 §4.2, §4.3, §4.7: a key of 20 bytes, of 4, and of 131, which is more than a block.
        for (key, message, tag) in [
            (&[0x0b; 20][..], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            assert_eq!(hex(&provider.hmac_sha256(key, message.as_bytes())), tag, "{name}");
        }
    }
    let [(_, ours), (_, theirs)] = providers();
    for length in [0, 1, 63, 64, 65, 127, 128, 200] {
        let key = vec![0x5c; length];
        assert_eq!(ours.hmac_sha256(&key, b"message"), theirs.hmac_sha256(&key, b"message"), "{length}");
    }
    assert_eq!(Thumbprint::of_certificate(b"der", ours), Thumbprint::of_certificate(b"der", theirs));
}

#[test]
fn a_key_type_has_its_algorithms() {
    let (rsa, ec) = (TestKey::new(Algorithm::RS256).jwk(), TestKey::new(Algorithm::ES384).jwk());
    let ed = TestKey::new(Algorithm::EdDSA).jwk();
    let number = |jwk: &serde_json::Value, name: &str| unb64(jwk[name].as_str().unwrap());
    let (n, e) = (number(&rsa, "n"), number(&rsa, "e"));
    let (x, y, point) = (number(&ec, "x"), number(&ec, "y"), number(&ed, "x"));
    let secret = [7; 64];
    for (name, provider) in providers() {
        let mut good = Vec::new();
        for (kind, key) in [
            ("rsa", KeyMaterial::Rsa { n: &n, e: &e }),
            ("ec", KeyMaterial::Ec { curve: Curve::P384, x: &x, y: &y }),
            ("ed", KeyMaterial::Ed25519 { x: &point }),
            ("secret", KeyMaterial::Secret { k: &secret }),
        ] {
            for &algorithm in Algorithm::ALL {
                match provider.verifier(algorithm, &key) {
                    Ok(verifier) => {
                        assert!(format!("{verifier:?}").contains(algorithm.name()));
                        good.push(format!("{kind} {algorithm}"));
                    }
                    Err(error) => assert_eq!(error, KeyRefused::Algorithm, "{name} {kind} {algorithm}"),
                }
            }
        }
        let expected = [
            "rsa RS256",
            "rsa RS384",
            "rsa RS512",
            "rsa PS256",
            "rsa PS384",
            "rsa PS512",
            "ec ES384",
            "ed EdDSA",
            "ed Ed25519",
            "secret HS256",
            "secret HS384",
            "secret HS512",
        ];
        assert_eq!(good, expected, "{name}");
    }
}

#[test]
fn attack_066_a_verifier_does_not_show_its_secret() {
    let key = TestKey::new(Algorithm::HS256).jwk();
    let secret = unb64(key["k"].as_str().unwrap());
    for (name, provider) in providers() {
        let set = key_set(provider, &key).unwrap();
        let shown = format!("{set:?} {provider:?}");
        assert!(shown.contains("[redacted]"), "{shown}");
        for secret in [key["k"].as_str().unwrap(), &hex(&secret), &format!("{secret:?}")] {
            assert!(!shown.contains(secret), "{name}");
        }
    }
}

#[test]
fn one_validator_takes_keys_of_both() {
    let validator =
        Validator::new([Issuer::new("i").audience("a").algorithms(Algorithm::ASYMMETRIC)]).unwrap();
    let claims = json!({"iss": "i", "aud": "a", "exp": 1000}).to_string();
    for &algorithm in Algorithm::ASYMMETRIC {
        let key = TestKey::new(algorithm);
        let token = key.token(&key.header(), claims.as_bytes());
        let jwks = json!({"keys": [key.jwk()]}).to_string();
        let sets =
            providers().map(|(_, provider)| KeySet::parse(jwks.as_bytes(), provider, &[algorithm]).unwrap());
        for keys in &sets {
            let parsed = validator.parse(&token).unwrap();
            assert!(
                validator.verify(parsed, keys, &Checks::at(UnixTime::from_secs(0))).is_ok(),
                "{algorithm}"
            );
        }
        // The same key, prepared by the other one: what was verified stays verified.
        let [ours, theirs] = sets;
        let kept = theirs.keeping_identity_of(&ours);
        assert!(kept.holds(&ours.keys()[0]), "{algorithm}");
    }
}
