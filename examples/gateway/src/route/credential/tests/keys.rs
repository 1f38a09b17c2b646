use aws_lc_rs::encoding::{AsDer as _, EcPrivateKeyRfc5915Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

use super::*;

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

#[test]
fn keys_in_every_form_sign_as_their_type_has_it() {
    let ec = KeyPair::generate().unwrap();
    let ec_384 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let ed = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &ec.serialize_der()).unwrap();
    let sec1: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
    let rsa_der = rsa().serialize_der();
    // Of a key with 2,048 bits, PKCS #1 is what follows the first 26 bytes of PKCS #8.
    let (pkcs1, sec1) = (pem("RSA PRIVATE KEY", &rsa_der[26..]), pem("EC PRIVATE KEY", sec1.as_ref()));
    let public = |key: &KeyPair, algorithm| {
        AwsLcSigner::from_pkcs8(algorithm, &key.serialize_der()).unwrap().public_jwk("k")
    };
    let rows = [
        (ec.serialize_pem(), None, Algorithm::ES256, public(&ec, Algorithm::ES256)),
        (sec1, None, Algorithm::ES256, public(&ec, Algorithm::ES256)),
        (ec_384.serialize_pem(), None, Algorithm::ES384, public(&ec_384, Algorithm::ES384)),
        (ed.serialize_pem(), None, Algorithm::EdDSA, public(&ed, Algorithm::EdDSA)),
        (rsa().serialize_pem(), None, Algorithm::RS256, public(rsa(), Algorithm::RS256)),
        (rsa().serialize_pem(), Some(Algorithm::PS256), Algorithm::PS256, public(rsa(), Algorithm::PS256)),
        (pkcs1, None, Algorithm::RS256, public(rsa(), Algorithm::RS256)),
    ];
    for (pem, asked, expected, public) in rows {
        let signer = read(&pem, asked).unwrap_or_else(|e| panic!("{expected:?}: {e}"));
        assert_eq!((signer.algorithm(), signer.public_jwk("k")), (expected, public), "the same key");
    }
}

#[test]
fn what_is_no_key_or_another_one_is_refused_and_not_shown() {
    let ec = KeyPair::generate().unwrap();
    let refused = |pem: &str, algorithm| {
        let error = read(pem, algorithm).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
        error
    };
    assert!(refused("hunter2", None).starts_with("no private key in PEM (PKCS #8, PKCS #1 or SEC 1"));
    let damaged = pem("PRIVATE KEY", b"hunter2");
    assert!(refused(&damaged, None).starts_with("the private key is no RSA key"));
    for label in ["RSA PRIVATE KEY", "EC PRIVATE KEY"] {
        assert!(refused(&pem(label, b"hunter2"), None).starts_with("the private key is damaged"));
    }
    let encrypted = pem("ENCRYPTED PRIVATE KEY", &ec.serialize_der());
    assert!(refused(&encrypted, None).contains("not encrypted"));
    for (asked, other) in
        [(Algorithm::RS256, "RS256"), (Algorithm::ES384, "ES384"), (Algorithm::EdDSA, "EdDSA")]
    {
        let expected = format!("the private key cannot sign `{other}`; its type signs `ES256`");
        assert_eq!(refused(&ec.serialize_pem(), Some(asked)), expected);
    }
}
