//! RSA: the padding is compared as a whole, and PSS has one salt length and one mask function.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use mcp_auth_core::jwt::Algorithm;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BigUint, RsaPrivateKey};
use serde_json::{Value, json};

use super::{accepted, unhex};
use crate::support::b64;

const BYTES: usize = 256;
const INFO_SHA256: &str = "3031300d060960864801650304020105000420";
const INFO_SHA384: &str = "3041300d060960864801650304020205000430";
const INFO_SHA1: &str = "3021300906052b0e03021a05000414";

/// A key that signs whatever bytes it is given.
struct RawKey(RsaPrivateKey);

impl RawKey {
    fn new() -> Self {
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        Self(RsaPrivateKey::from_pkcs8_der(der.as_ref()).unwrap())
    }

    fn jwk(&self) -> Value {
        json!({"kty": "RSA", "kid": "k1", "n": b64(self.0.n().to_bytes_be()), "e": b64(self.0.e().to_bytes_be())})
    }

    /// `encoded ^ d mod n`.
    fn sign(&self, encoded: &[u8]) -> Vec<u8> {
        wide(&BigUint::from_bytes_be(encoded).modpow(self.0.d(), self.0.n()))
    }
}

fn wide(number: &BigUint) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    [vec![0; BYTES - bytes.len()], bytes].concat()
}

fn hash(algorithm: &'static digest::Algorithm, message: &[u8]) -> Vec<u8> {
    digest::digest(algorithm, message).as_ref().to_vec()
}

/// `00 01 PS 00 T`, with a padding of `fill` as long as it has to be.
fn pkcs1(kind: u8, fill: u8, t: &[u8]) -> Vec<u8> {
    [&[0, kind], &vec![fill; BYTES - 3 - t.len()][..], &[0], t].concat()
}

#[test]
fn attack_024_pkcs1_padding_has_one_form() {
    let key = RawKey::new();
    let info = |prefix: &str, h: Vec<u8>| [unhex(prefix), h].concat();
    let right = |m: &[u8]| info(INFO_SHA256, hash(&SHA256, m));
    let is_accepted = |encode: &dyn Fn(&[u8]) -> Vec<u8>| {
        accepted(&key.jwk(), Algorithm::RS256, |message| key.sign(&encode(message)))
    };
    assert!(is_accepted(&|m| pkcs1(1, 0xff, &right(m))), "the right form");
    let tail = |padding: usize, m: &[u8]| {
        let head = [&[0, 1], &vec![0xff; padding][..], &[0], &right(m)].concat();
        [&head[..], &vec![0x5a; BYTES - head.len()]].concat()
    };
    type Encode<'a> = (&'a str, &'a dyn Fn(&[u8]) -> Vec<u8>);
    let forms: [Encode<'_>; 16] = [
        ("Bleichenbacher 2006: garbage behind", &|m| tail(8, m)),
        ("one byte of garbage", &|m| tail(BYTES - 3 - 51 - 1, m)),
        ("no padding", &|m| tail(0, m)),
        ("type 0", &|m| pkcs1(0, 0, &right(m))),
        ("type 2", &|m| pkcs1(2, 0xff, &right(m))),
        ("padding of another byte", &|m| pkcs1(1, 0xfe, &right(m))),
        ("one other byte in the padding", &|m| {
            let mut encoded = pkcs1(1, 0xff, &right(m));
            encoded[77] = 0x7f;
            encoded
        }),
        ("no separator", &|m| {
            let mut encoded = pkcs1(1, 0xff, &right(m));
            encoded[BYTES - 52] = 0xff;
            encoded
        }),
        ("the bare digest", &|m| pkcs1(1, 0xff, &hash(&SHA256, m))),
        ("without parameters", &|m| {
            pkcs1(
                1,
                0xff,
                &info(
                    "302f300b0609608648016503040201", /* no NULL */
                    [vec![4, 32], hash(&SHA256, m)].concat(),
                ),
            )
        }),
        ("garbage in the parameters", &|m| {
            pkcs1(1, 0xff, &info("3035301106096086480165030402010504aabbccdd0420", hash(&SHA256, m)))
        }),
        ("a long-form length", &|m| {
            pkcs1(1, 0xff, &info("308131300d060960864801650304020105000420", hash(&SHA256, m)))
        }),
        ("behind the structure", &|m| pkcs1(1, 0xff, &[right(m), vec![0]].concat())),
        ("names another digest", &|m| pkcs1(1, 0xff, &info(INFO_SHA384, hash(&SHA256, m)))),
        ("is another digest", &|m| pkcs1(1, 0xff, &info(INFO_SHA384, hash(&SHA384, m)))),
        ("SHA-1", &|m| pkcs1(1, 0xff, &info(INFO_SHA1, hash(&SHA1_FOR_LEGACY_USE_ONLY, m)))),
    ];
    for (what, encode) in forms {
        assert!(!is_accepted(encode), "{what}");
    }
    // The number itself in other spellings.
    let good = |m: &[u8]| BigUint::from_bytes_be(&key.sign(&pkcs1(1, 0xff, &right(m))));
    let n = key.0.n().clone();
    let is_accepted = |number: &dyn Fn(&[u8]) -> Vec<u8>| accepted(&key.jwk(), Algorithm::RS256, number);
    assert!(is_accepted(&|m| wide(&good(m))));
    assert!(!is_accepted(&|m| (good(m) + &n).to_bytes_be()), "not reduced");
    assert!(!is_accepted(&|m| wide(&(&n - good(m)))), "negative");
    assert!(!is_accepted(&|m| [vec![0], wide(&good(m))].concat()), "a zero in front");
    assert!(!is_accepted(&|m| [wide(&good(m)), vec![0]].concat()), "a zero behind");
    for number in [BigUint::from(0u8), BigUint::from(1u8), &n - 1u8, n.clone()] {
        assert!(!is_accepted(&|_| wide(&number)), "{number}");
    }
}

#[test]
fn attack_024_a_cube_root_is_no_signature() {
    // With e = 3 and a parser that stops behind the digest, nobody needs a private key.
    let n = RawKey::new().0.n().clone();
    let jwk = json!({"kty": "RSA", "kid": "k1", "n": b64(n.to_bytes_be()), "e": b64([3])});
    let three = BigUint::from(3u8);
    let forge = |message: &[u8]| {
        let head = [&[0, 1], &[0xff; 8][..], &[0], &unhex(INFO_SHA256), &hash(&SHA256, message)].concat();
        let target = BigUint::from_bytes_be(&[&head[..], &vec![0xff; BYTES - head.len()]].concat());
        let root = cube_root(&target);
        let cube = wide(&root.modpow(&three, &n));
        assert_eq!(cube[..head.len()], head, "a lenient parser would be taken in");
        wide(&root)
    };
    assert!(!accepted(&jwk, Algorithm::RS256, forge));
}

/// The greatest number whose cube is at most `target`.
fn cube_root(target: &BigUint) -> BigUint {
    let mut root = BigUint::from(0u8);
    for bit in (0..=target.bits() / 3).rev() {
        let candidate = &root + (BigUint::from(1u8) << bit);
        if &candidate * &candidate * &candidate <= *target {
            root = candidate;
        }
    }
    root
}

/// EMSA-PSS (RFC 8017 §9.1.1) with a salt and a mask function of one's choice.
fn pss(
    message: &[u8],
    digest: &'static digest::Algorithm,
    mask: &'static digest::Algorithm,
    salt: &[u8],
) -> Vec<u8> {
    let h = hash(digest, &[&[0; 8], &hash(digest, message)[..], salt].concat());
    let mut db = vec![0; BYTES - h.len() - 1 - salt.len() - 1];
    db.push(1);
    db.extend_from_slice(salt);
    for (i, block) in db.chunks_mut(mask.output_len()).enumerate() {
        let counter = u32::try_from(i).unwrap().to_be_bytes();
        block.iter_mut().zip(hash(mask, &[&h[..], &counter].concat())).for_each(|(to, from)| *to ^= from);
    }
    db[0] &= 0x7f;
    [&db[..], &h, &[0xbc]].concat()
}

#[test]
fn attack_024_pss_has_one_salt_length_and_one_mask() {
    let key = RawKey::new();
    let digests = [(Algorithm::PS256, &SHA256), (Algorithm::PS384, &SHA384), (Algorithm::PS512, &SHA512)];
    for (algorithm, digest) in digests {
        let is_accepted = |encode: &dyn Fn(&[u8]) -> Vec<u8>| {
            accepted(&key.jwk(), algorithm, |message| key.sign(&encode(message)))
        };
        let length = digest.output_len();
        assert!(is_accepted(&|m| pss(m, digest, digest, &vec![9; length])), "the right form");
        let longest = BYTES - length - 2;
        for salt in [0, 1, 20, length - 1, length + 1, longest] {
            assert!(
                !is_accepted(&|m| pss(m, digest, digest, &vec![9; salt])),
                "{algorithm} salt of {salt} bytes"
            );
        }
        for other in [&SHA1_FOR_LEGACY_USE_ONLY, &SHA256, &SHA384, &SHA512] {
            if other != digest {
                assert!(
                    !is_accepted(&|m| pss(m, digest, other, &vec![9; length])),
                    "{algorithm} mask {other:?}"
                );
                assert!(!is_accepted(&|m| pss(m, other, other, &vec![9; other.output_len()])), "{other:?}");
            }
        }
        let changed = |at: usize, bits: u8| {
            is_accepted(&|m| {
                let mut encoded = pss(m, digest, digest, &vec![9; length]);
                encoded[at] ^= bits;
                encoded
            })
        };
        for (at, bits) in
            [(BYTES - 1, 0xbc ^ 0xcc), (1, 1), (BYTES / 2, 1), (BYTES - 2, 1), (BYTES - 2 - length, 1)]
        {
            assert!(!changed(at, bits), "{algorithm} byte {at}");
        }
        assert!(!is_accepted(&|m| pkcs1(1, 0xff, &[unhex(INFO_SHA256), hash(&SHA256, m)].concat())));
    }
}
