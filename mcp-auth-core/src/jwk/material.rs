//! The numbers of a key, read from their JSON form, and our own limits on them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::SkipReason;
use crate::crypto::{Curve, KeyMaterial, KeyRefused};
use crate::json::{Object, Value};

/// Longest base64url member that is decoded: an 8,192-bit modulus with room to spare.
const MAX_MEMBER_CHARS: usize = 2048;

/// A key's numbers, owned while verifiers are made of them.
pub(super) enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Ec { curve: Curve, x: Vec<u8>, y: Vec<u8> },
    Ed25519 { x: Vec<u8> },
    Secret { k: Zeroizing<Vec<u8>> },
}

impl Material {
    /// The numbers of a public key.
    pub(super) fn public(kty: &str, jwk: Object<'_>) -> Result<Self, SkipReason> {
        if kty == "oct" {
            return Err(SkipReason::Symmetric);
        }
        if ["d", "p", "q", "dp", "dq", "qi", "oth"].iter().any(|name| jwk.get(name).is_some()) {
            return Err(SkipReason::Private);
        }
        match kty {
            "RSA" => {
                let (n, e) = (number(jwk, "n")?, number(jwk, "e")?);
                check_rsa(&n, &e)?;
                Ok(Self::Rsa { n, e })
            }
            "EC" => {
                let curve =
                    optional_str(jwk, "crv")?.and_then(Curve::from_name).ok_or(SkipReason::Unsupported)?;
                Ok(Self::Ec { curve, x: bytes(jwk, "x")?, y: bytes(jwk, "y")? })
            }
            "OKP" => match optional_str(jwk, "crv")? {
                Some("Ed25519") => {
                    let x = bytes(jwk, "x")?;
                    check_ed25519(&x)?;
                    Ok(Self::Ed25519 { x })
                }
                _ => Err(SkipReason::Unsupported),
            },
            _ => Err(SkipReason::Unsupported),
        }
    }

    /// The secret of a symmetric key.
    pub(super) fn secret(kty: &str, jwk: Object<'_>) -> Result<Self, SkipReason> {
        if kty != "oct" {
            return Err(SkipReason::NotASecret);
        }
        Ok(Self::Secret { k: Zeroizing::new(bytes(jwk, "k")?) })
    }

    pub(super) fn as_key_material(&self) -> KeyMaterial<'_> {
        match self {
            Self::Rsa { n, e } => KeyMaterial::Rsa { n, e },
            Self::Ec { curve, x, y } => KeyMaterial::Ec { curve: *curve, x, y },
            Self::Ed25519 { x } => KeyMaterial::Ed25519 { x },
            Self::Secret { k } => KeyMaterial::Secret { k },
        }
    }

    /// What tells a repeated key from two keys of one name.
    pub(super) fn fingerprint(self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Rsa { mut n, e } => {
                n.push(0);
                n.extend_from_slice(&e);
                n
            }
            Self::Ec { mut x, y, .. } => {
                x.extend_from_slice(&y);
                x
            }
            Self::Ed25519 { x } => x,
            Self::Secret { k } => return k,
        })
    }
}

/// A member that must be a string where it is present.
pub(super) fn optional_str<'a>(jwk: Object<'a>, name: &str) -> Result<Option<&'a str>, SkipReason> {
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

/// A number without zeros in front. Some libraries write one where the highest bit is set (RFC 7518 §6.3.1.1
/// warns of them), and not every backend takes it.
fn number(jwk: Object<'_>, name: &str) -> Result<Vec<u8>, SkipReason> {
    let mut bytes = bytes(jwk, name)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    Ok(bytes)
}

/// Our own limits, whatever the backend accepts: 2,048 to 8,192 bits, odd modulus, odd exponent of 3 or more and
/// 33 bits at most, and not the output of a generator that is known to be broken.
pub(crate) fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), KeyRefused> {
    let bits = |b: &[u8]| b.first().map_or(0, |top| b.len() * 8 - top.leading_zeros() as usize);
    let odd = |b: &[u8]| b.last().is_some_and(|l| l & 1 == 1);
    if !(2048..=8192).contains(&bits(n)) || !odd(n) || !odd(e) || !(2..=33).contains(&bits(e)) {
        return Err(KeyRefused::Weak);
    }
    if has_roca_fingerprint(n) {
        return Err(KeyRefused::Roca);
    }
    Ok(())
}

/// The odd primes up to 167, whose product divides the structure of every ROCA key.
const ROCA_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// CVE-2017-15361: the broken generator makes primes of the form `k·M + 65537^a mod M`, so that the modulus is
/// a power of 65537 modulo every small prime. A good key passes for one with a chance of about 2^-27.
fn has_roca_fingerprint(n: &[u8]) -> bool {
    ROCA_PRIMES.iter().all(|&p| {
        let residue = n.iter().fold(0, |r, &byte| (r * 256 + u32::from(byte)) % p);
        let mut power = 1;
        (0..p).any(|_| {
            let hit = power == residue;
            power = power * (65537 % p) % p;
            hit
        })
    })
}

/// The y coordinates of the eight points whose order divides 8, little-endian.
pub(super) const ED25519_SMALL_ORDER: [[u8; 32]; 5] = {
    let mut all = [[0; 32]; 5];
    // 1: the neutral element.
    all[1][0] = 1;
    // p - 1: the point of order 2; y = 0, above, has order 4.
    all[2] = [0xff; 32];
    all[2][0] = 0xec;
    all[2][31] = 0x7f;
    // Order 8, and its negative.
    all[3] = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ];
    all[4] = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ];
    all
};

/// A point of small order vouches for any message: nobody needs its private key. Neither backend looks.
pub(crate) fn check_ed25519(x: &[u8]) -> Result<(), SkipReason> {
    let Ok(mut y) = <[u8; 32]>::try_from(x) else { return Err(SkipReason::Malformed) };
    // The highest bit is the sign of the other coordinate.
    let [low, rest @ .., high] = &mut y;
    *high &= 0x7f;
    // RFC 8032 §5.1.3: y is below p = 2^255 - 19.
    if *high == 0x7f && *low >= 0xed && rest.iter().all(|byte| *byte == 0xff) {
        return Err(SkipReason::Malformed);
    }
    if ED25519_SMALL_ORDER.contains(&y) {
        return Err(SkipReason::Refused(KeyRefused::SmallOrder));
    }
    Ok(())
}
