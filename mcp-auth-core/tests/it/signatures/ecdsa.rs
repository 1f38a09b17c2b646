//! ECDSA: r and s are two numbers of the curve's width, neither zero nor beyond the order.

use mcp_auth_core::jwk::SkipReason;
use mcp_auth_core::jwt::Algorithm;
use serde_json::json;

use super::{accepted, ec_jwk, subtract, unhex};
use crate::support::{TestKey, der_signature, providers, unb64};

/// Curves with the order of their group.
const CURVES: [(Algorithm, &str, &str); 3] = [
    (Algorithm::ES256, "P-256", "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
    (
        Algorithm::ES384,
        "P-384",
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    ),
    (
        Algorithm::ES512,
        "P-521",
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
    ),
];

#[test]
fn attack_021_scalars_out_of_range_other_forms_and_other_lengths() {
    for (algorithm, _, order) in CURVES {
        let key = TestKey::new(algorithm);
        let (jwk, n) = (key.jwk(), unhex(order));
        let width = n.len();
        let (zero, mut one) = (vec![0; width], vec![0; width]);
        one[width - 1] = 1;
        let below = subtract(&n, &one);
        let good = |message: &[u8]| key.sign(message);
        assert!(accepted(&jwk, algorithm, good));
        // The other of the two signatures that ECDSA has by construction: shows that `n` is the order.
        let mirrored = |message: &[u8]| {
            let signature = key.sign(message);
            [&signature[..width], &subtract(&n, &signature[width..])].concat()
        };
        assert!(accepted(&jwk, algorithm, mirrored));
        for r in [&zero, &one, &below, &n, &vec![0xff; width]] {
            for s in [&zero, &one, &below, &n, &vec![0xff; width]] {
                assert!(!accepted(&jwk, algorithm, |_| [&r[..], s].concat()), "{algorithm} {r:x?} {s:x?}");
            }
            assert!(!accepted(&jwk, algorithm, |message| [r, &key.sign(message)[width..]].concat()));
            assert!(!accepted(&jwk, algorithm, |message| [&key.sign(message)[..width], r].concat()));
        }
        assert!(!accepted(&jwk, algorithm, |message| der_signature(&key.sign(message))), "DER");
        for (front, behind) in [(0, 1), (1, 0), (1, 1), (0, 2)] {
            let longer = |message: &[u8]| [vec![0; front], key.sign(message), vec![0; behind]].concat();
            assert!(!accepted(&jwk, algorithm, longer), "{front} {behind}");
        }
        assert!(!accepted(&jwk, algorithm, |message| key.sign(message)[..2 * width - 1].to_vec()));
        assert!(!accepted(&jwk, algorithm, |message| key.sign(message)[1..].to_vec()));
        // Each number in a width of its own.
        let wide = |message: &[u8]| {
            let signature = key.sign(message);
            [&[0], &signature[..width], &[0], &signature[width..]].concat()
        };
        assert!(!accepted(&jwk, algorithm, wide));
    }
}

#[test]
fn attack_022_a_curve_belongs_to_its_algorithm() {
    for (algorithm, crv, _) in CURVES {
        let key = TestKey::new(algorithm);
        for (other, other_crv, _) in CURVES.into_iter().filter(|(other, ..)| *other != algorithm) {
            let mut open = key.jwk();
            open.as_object_mut().unwrap().remove("alg");
            assert!(!accepted(&open, other, |message| key.sign(message)), "{crv} key, token says {other}");
            let mut relabelled = open.clone();
            relabelled["crv"] = other_crv.into();
            assert!(
                !accepted(&relabelled, algorithm, |message| key.sign(message)),
                "{crv} called {other_crv}"
            );
        }
    }
    for crv in ["secp256k1", "P-256K", "P-192", "Ed25519", "BP-256"] {
        let mut jwk = TestKey::new(Algorithm::ES256).jwk();
        jwk["crv"] = crv.into();
        for (name, provider) in providers() {
            let set = json!({"keys": [jwk]}).to_string();
            let set = mcp_auth_core::jwk::KeySet::parse(set.as_bytes(), provider, Algorithm::ALL).unwrap();
            assert_eq!(set.skipped()[0].reason, SkipReason::Unsupported, "{crv} {name}");
        }
    }
}

#[test]
fn attack_043_points_off_the_curve_and_in_other_widths() {
    for (algorithm, crv, _) in CURVES {
        let key = TestKey::new(algorithm);
        let jwk = key.jwk();
        let (x, y) = (unb64(jwk["x"].as_str().unwrap()), unb64(jwk["y"].as_str().unwrap()));
        let sign = |message: &[u8]| key.sign(message);
        assert!(accepted(&ec_jwk(crv, &x, &y), algorithm, sign));
        let mut off = y.clone();
        *off.last_mut().unwrap() ^= 1;
        let zero = vec![0; x.len()];
        for (x, y) in [
            (&x[..], &off[..]),
            (&y, &x),
            (&x, &x),
            (&zero, &zero),
            (&[&[0], &x[..]].concat(), &y),
            (&x[1..], &y),
            (&[], &[]),
            (&vec![0xff; x.len()], &y),
        ] {
            assert!(!accepted(&ec_jwk(crv, x, y), algorithm, sign), "{crv} {x:x?} {y:x?}");
        }
    }
}
