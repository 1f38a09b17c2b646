//! The cipher and the key derivation themselves, both backends against the standards' own vectors.

use super::*;
use crate::crypto::AeadFailed;

fn hex(text: &str) -> Vec<u8> {
    let text = if text == "-" { "" } else { text };
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2).unwrap(), 16).unwrap())
        .collect()
}

/// RFC 8452, appendices C.2 and C.3.
#[test]
fn aes_256_gcm_siv_is_that_of_rfc_8452() {
    let mut vectors = 0;
    for line in include_str!("rfc8452.txt").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<Vec<u8>> = line.split(' ').map(hex).collect();
        let [key, nonce, associated, plaintext, sealed] = fields.try_into().unwrap();
        let (key, nonce) = (key.try_into().unwrap(), nonce.try_into().unwrap());
        for provider in providers() {
            let aead = provider.aes_256_gcm_siv(&key).unwrap();
            let mut buffer = plaintext.clone();
            aead.seal(&nonce, &associated, &mut buffer).unwrap();
            assert_eq!(buffer, sealed, "{provider:?}");
            aead.open(&nonce, &associated, &mut buffer).unwrap();
            assert_eq!(buffer, plaintext, "{provider:?}");
        }
        vectors += 1;
    }
    assert_eq!(vectors, 26);
}

/// Whatever fails leaves nothing behind.
#[test]
fn what_does_not_open_is_wiped() {
    for provider in providers() {
        let aead = provider.aes_256_gcm_siv(&[7; 32]).unwrap();
        let mut sealed = b"content".to_vec();
        aead.seal(&[1; 12], b"for", &mut sealed).unwrap();
        for at in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[at / 8] ^= 1 << (at % 8);
            assert_eq!(aead.open(&[1; 12], b"for", &mut changed), Err(AeadFailed));
            assert_eq!(changed, b"");
        }
        for length in 0..sealed.len() {
            assert_eq!(aead.open(&[1; 12], b"for", &mut sealed[..length].to_vec()), Err(AeadFailed));
        }
        assert_eq!(aead.open(&[2; 12], b"for", &mut sealed.clone()), Err(AeadFailed));
        assert_eq!(aead.open(&[1; 12], b"For", &mut sealed.clone()), Err(AeadFailed));
        aead.open(&[1; 12], b"for", &mut sealed).unwrap();
        assert_eq!(sealed, b"content");
    }
}

/// RFC 5869, appendix A: cases 1 to 3, as far as 32 bytes go.
#[test]
fn hkdf_sha256_is_that_of_rfc_5869() {
    let range = |from: u8, to: u8| (from..=to).collect::<Vec<_>>();
    for (secret, salt, info, expected) in [
        (
            vec![0x0b; 22],
            range(0, 0x0c),
            range(0xf0, 0xf9),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
        ),
        (
            range(0, 0x4f),
            range(0x60, 0xaf),
            range(0xb0, 0xff),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c",
        ),
        (
            vec![0x0b; 22],
            Vec::new(),
            Vec::new(),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d",
        ),
    ] {
        for provider in providers() {
            assert_eq!(
                provider.hkdf_sha256(&secret, &salt, &info).unwrap().to_vec(),
                hex(expected),
                "{provider:?}"
            );
        }
    }
}
