//! Which key a token is checked with, and what becomes of it when keys change.

use super::*;

#[test]
fn attack_008_a_token_without_kid_needs_exactly_one_fitting_key() {
    let (one, two) = (Idp::new(Algorithm::ES256), Idp::new(Algorithm::ES256));
    let ed = Idp::new(Algorithm::EdDSA);
    let nameless = one.sign_text(r#"{"alg":"ES256"}"#, claims().to_string());
    let at = |keys: &[String]| {
        let validator = validator();
        let keys = key_set(keys);
        code(
            validator.parse(&nameless).and_then(|parsed| validator.verify(parsed, &keys, &Checks::at(now()))),
        )
    };
    let jwk = |idp: &Idp, kid: &str| idp.signer.public_jwk(kid);
    assert_eq!(at(&[jwk(&one, "a")]), "ok");
    assert_eq!(at(&[jwk(&one, "a"), jwk(&ed, "b")]), "ok", "the other one is for another algorithm");
    assert_eq!(at(&[jwk(&one, "a"), jwk(&two, "b")]), "key", "no trying of one after the other");
    assert_eq!(at(&[jwk(&two, "b")]), "signature");
    assert_eq!(at(&[]), "key");
}

#[test]
fn attack_052_a_rotation_is_seen_and_an_old_key_is_dead() {
    let (old, new) = (Idp::new(Algorithm::ES256), AwsLcSigner::generate(Algorithm::ES256).unwrap());
    let validator = validator();
    let token = old.sign(&claims());
    let verdict = |keys: &KeySet| {
        validator.parse(&token).and_then(|parsed| validator.verify(parsed, keys, &Checks::at(now())))
    };
    let overlap = key_set(&[old.signer.public_jwk("k1"), new.public_jwk("k2")]);
    let after = key_set(&[new.public_jwk("k2")]);
    assert_eq!(code(verdict(&overlap)), "ok");
    let error = verdict(&after).unwrap_err();
    assert_eq!(error.kind(), &ValidationErrorKind::UnknownKey { kid: true }, "says that a fetch may help");
    // A new key under the old name is another key.
    assert_eq!(code(verdict(&key_set(&[new.public_jwk("k1")]))), "signature");
}

#[test]
fn row_173_without_expiry_a_token_is_good_until_its_key_goes() {
    let idp = Idp::new(Algorithm::ES256);
    let lax = of(issuer().danger_accept_without_expiry());
    let token = idp.sign(&without("exp"));
    for years in [0, 1, 100] {
        assert_eq!(code(check_at(&lax, &idp, &token, NOW + years * 365 * 24 * 3600)), "ok");
    }
    let principal = check_at(&lax, &idp, &token, NOW).unwrap();
    let rotated = key_set(&[AwsLcSigner::generate(Algorithm::ES256).unwrap().public_jwk("k1")]);
    assert_eq!(code(lax.recheck(&principal, &rotated, &Checks::at(now()))), "key");
    let parsed = lax.parse(&token).unwrap();
    assert_eq!(code(lax.verify(parsed, &rotated, &Checks::at(now()))), "signature");
}

#[test]
fn attack_042_tokens_under_a_configured_secret() {
    let secret = [7; 32];
    let symmetric = of(issuer().algorithms(&[Algorithm::HS256]));
    let keys = KeySet::secret(&secret, &AwsLc::new(), Algorithm::HS256).unwrap();
    let sign = |header: Value, secret: &[u8]| {
        use crate::crypto::CryptoProvider as _;
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims().to_string())
        );
        let tag = AwsLc::new().hmac_sha256(secret, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    let verdict = |token: &str| {
        code(symmetric.parse(token).and_then(|parsed| symmetric.verify(parsed, &keys, &Checks::at(now()))))
    };
    assert_eq!(verdict(&sign(json!({"alg": "HS256"}), &secret)), "ok");
    assert_eq!(
        verdict(&sign(json!({"alg": "HS256", "kid": "any"}), &secret)),
        "ok",
        "one secret has no name"
    );
    assert_eq!(verdict(&sign(json!({"alg": "HS256"}), &[8; 32])), "signature");
    assert_eq!(verdict(&sign(json!({"alg": "HS512"}), &secret)), "algorithm");
    let idp = Idp::new(Algorithm::ES256);
    assert_eq!(verdict(&idp.sign(&claims())), "algorithm");
    assert_eq!(
        code(validator().parse(&sign(json!({"alg": "HS256"}), &secret))),
        "algorithm",
        "never by default"
    );
}
