//! Tokens that are bound to a key or a certificate.

use super::*;
use crate::jwk::Thumbprint;

const KEY: Thumbprint = Thumbprint::from_bytes([1; 32]);
const OTHER_KEY: Thumbprint = Thumbprint::from_bytes([2; 32]);
const CERT: Thumbprint = Thumbprint::from_bytes([3; 32]);
const OTHER_CERT: Thumbprint = Thumbprint::from_bytes([4; 32]);

#[test]
fn what_a_request_proves_is_what_its_token_asks_for() {
    let idp = Idp::new(Algorithm::EdDSA);
    let validator = validator();
    let none = Possession::default();
    let (key, cert) = (KEY.to_base64url(), CERT.to_base64url());
    let proofs = [
        none,
        none.dpop_key(KEY),
        none.dpop_key(OTHER_KEY),
        none.certificate(CERT),
        none.certificate(OTHER_CERT),
        none.dpop_key(KEY).certificate(CERT),
        none.dpop_key(KEY).certificate(OTHER_CERT),
        none.dpop_key(OTHER_KEY).certificate(CERT),
    ];
    let (ok, bound, wrong, not) = ("ok", "bound_token", "wrong_proof_key", "not_bound");
    for (cnf, expected) in [
        // A certificate that the token does not ask for does no harm; a DPoP proof that it does not ask for does.
        (None, [ok, not, not, ok, ok, not, not, not]),
        (Some(json!({"jkt": key})), [bound, ok, wrong, bound, bound, ok, ok, wrong]),
        (Some(json!({"x5t#S256": cert})), [bound, not, not, ok, wrong, not, not, not]),
        (Some(json!({"jkt": key, "x5t#S256": cert})), [bound, bound, wrong, bound, bound, ok, wrong, wrong]),
    ] {
        let claims = cnf.clone().map_or_else(claims, |cnf| with("cnf", cnf));
        let token = idp.sign(&claims);
        let mut accepted = None;
        let verdicts = proofs.map(|proof| {
            let checks = Checks::at(now()).possession(proof);
            let verdict =
                validator.parse(&token).and_then(|parsed| validator.verify(parsed, &idp.keys, &checks));
            let word = verdict.as_ref().map_or_else(ValidationError::code, |_| "ok");
            accepted = verdict.ok().or(accepted.take());
            word
        });
        assert_eq!(verdicts, expected, "{cnf:?}");
        // A remembered token is asked the same, whatever it was remembered with.
        let remembered = accepted.unwrap();
        let rechecks = proofs.map(|proof| {
            code(validator.recheck(&remembered, &idp.keys, &Checks::at(now()).possession(proof)))
        });
        assert_eq!(rechecks, expected, "{cnf:?}, remembered");
        assert_eq!(remembered.confirmation().is_some(), cnf.is_some());
    }
}

#[test]
fn a_bound_token_is_not_a_bearer_token() {
    let idp = Idp::new(Algorithm::EdDSA);
    let jkt = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
    for (member, named) in [("jkt", "DPoP key"), ("x5t#S256", "client certificate")] {
        let error = check(&idp, &idp.sign(&with("cnf", json!({ (member): jkt })))).unwrap_err();
        assert_eq!((error.code(), error.client_text()), ("bound_token", ClientText::Binding));
        assert!(error.to_string().contains(named), "{error}");
    }
    for cnf in [
        json!({}),
        json!({"jkt": "x"}),
        json!({"jkt": 7}),
        json!({"jkt": null}),
        json!({"jkt": format!("{jkt}=")}),
        json!({"jkt": jkt, "kid": "y"}),
        json!({"jkt": jkt, "jwk": {}}),
        json!({"x5t": "AAAA"}),
        json!({"jku": "https://attacker.example"}),
    ] {
        assert_eq!(refused(&idp, &idp.sign(&with("cnf", cnf.clone()))), "confirmation_method", "{cnf}");
    }
    for cnf in [json!("x"), json!(null), json!([]), json!(7)] {
        assert_eq!(refused(&idp, &idp.sign(&with("cnf", cnf))), "claim_type");
    }
}
