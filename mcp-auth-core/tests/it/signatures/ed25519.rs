//! Ed25519: one encoding of every number, and no key that vouches for everything.

use mcp_auth_core::crypto::{KeyMaterial, KeyRefused};
use mcp_auth_core::jwk::{KeySet, SkipReason};
use mcp_auth_core::jwt::Algorithm;
use serde_json::{Value, json};

use super::{accepted, unhex};
use crate::support::{TestKey, b64, providers};

fn jwk(x: &[u8]) -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": b64(x)})
}

#[test]
fn attack_023_a_scalar_beyond_the_order_is_another_spelling() {
    // The order of the group, little-endian.
    let order = unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let key = TestKey::new(Algorithm::EdDSA);
    let plus = |signature: &[u8], times: u16| {
        let mut out = signature.to_vec();
        let mut carry = 0;
        for (byte, add) in out[32..].iter_mut().zip(&order) {
            let sum = u16::from(*byte) + u16::from(*add) * times + carry;
            *byte = (sum & 0xff) as u8;
            carry = sum >> 8;
        }
        out
    };
    assert!(accepted(&key.jwk(), Algorithm::EdDSA, |message| plus(&key.sign(message), 0)));
    for times in 1..=14 {
        assert!(
            !accepted(&key.jwk(), Algorithm::EdDSA, |message| plus(&key.sign(message), times)),
            "{times}"
        );
    }
    for length in [0, 32, 63, 65, 96] {
        let cut = |message: &[u8]| {
            let mut signature = key.sign(message);
            signature.resize(length, 0);
            signature
        };
        assert!(!accepted(&key.jwk(), Algorithm::EdDSA, cut), "{length}");
    }
}

#[test]
fn attack_023_a_point_of_small_order_is_no_key() {
    // y of all eight points, the sign of x clear and set; p and p + 1 are 0 and 1 in another spelling.
    let reason = |x: &[u8]| {
        let reasons = providers().map(|(_, provider)| {
            let set = json!({ "keys": [jwk(x)] }).to_string();
            let set = KeySet::parse(set.as_bytes(), provider, Algorithm::ALL).unwrap();
            assert!(set.is_empty());
            set.skipped()[0].reason
        });
        assert_eq!(reasons[0], reasons[1]);
        reasons[0]
    };
    let small = SkipReason::Refused(KeyRefused::SmallOrder);
    for (y, expected) in [
        ("0000000000000000000000000000000000000000000000000000000000000000", small),
        ("0100000000000000000000000000000000000000000000000000000000000000", small),
        ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", small),
        ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", small),
        ("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", small),
        ("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", SkipReason::Malformed),
        ("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", SkipReason::Malformed),
        ("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", SkipReason::Malformed),
    ] {
        let mut x = unhex(y);
        assert_eq!(reason(&x), expected, "{y}");
        x[31] |= 0x80;
        assert_eq!(reason(&x), expected, "{y}, negative");
    }
    for length in [0, 31, 33, 64] {
        assert_eq!(reason(&vec![9; length]), SkipReason::Malformed);
    }
}

/// Why it is for us to look: under the neutral element the backends take one signature for every message.
#[test]
fn backends_by_themselves_take_a_key_of_small_order() {
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let forged = [neutral, [0; 32]].concat();
    for (name, provider) in providers() {
        let verifier = provider.verifier(Algorithm::EdDSA, &KeyMaterial::Ed25519 { x: &neutral }).unwrap();
        for message in [&b"pay mallory"[..], b"anything"] {
            assert!(verifier.verify(message, &forged).is_ok(), "{name}");
        }
    }
}
