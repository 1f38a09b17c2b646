//! Whose token it is.

use serde_json::json;

use super::*;

#[test]
fn row_166_attack_031_issuer_is_compared_exactly() {
    let idp = Idp::new(Algorithm::EdDSA);
    for iss in [
        "https://idp.example/",
        "https://IDP.example",
        "https://idp.example:443",
        "http://idp.example",
        "https://idp.example.evil",
        "https://idp.exampl",
        "https://user@idp.example",
        "https://idp.ex\u{0430}mple",
        "",
    ] {
        assert_eq!(refused(&idp, &idp.sign(&with("iss", iss.into()))), "issuer", "{iss}");
    }
    for iss in [json!(42), json!([ISS]), json!(null)] {
        assert_eq!(refused(&idp, &idp.sign(&with("iss", iss))), "claim_type");
    }
    assert_eq!(refused(&idp, &idp.sign(&without("iss"))), "claim_missing");
    let error = check(&idp, &idp.sign(&with("iss", json!("https://idp.example/")))).unwrap_err();
    assert!(error.to_string().contains("trailing slash"), "{error}");
}

#[test]
fn row_195_196_attack_054_the_issuer_chooses_keys_and_audiences() {
    let (a, b) = (Idp::new(Algorithm::EdDSA), Idp::new(Algorithm::EdDSA));
    let validator = Validator::new([
        Issuer::new(ISS).audience(AUD),
        Issuer::new("https://b.example").audience("api://b"),
    ])
    .unwrap();
    let verify = |token: &str| {
        let parsed = validator.parse(token)?;
        let keys = if parsed.issuer().index() == 0 { &a.keys } else { &b.keys };
        validator.verify(parsed, keys, &Checks::at(UnixTime::from_secs(NOW)))
    };
    assert!(verify(&a.sign(&claims())).is_ok());
    let mut of_b = with("iss", json!("https://b.example"));
    of_b["aud"] = "api://b".into();
    assert!(verify(&b.sign(&of_b)).is_ok(), "the same kid at both issuers");
    assert_eq!(verify(&b.sign(&claims())).unwrap_err().code(), "signature", "b's key for a's name");
    assert_eq!(
        verify(&b.sign(&with("iss", json!("https://b.example")))).unwrap_err().code(),
        "audience",
        "a's audience"
    );
}

#[test]
fn row_198_issuers_are_configured_once_and_with_an_audience() {
    let error = |issuers: Vec<Issuer>| Validator::new(issuers).unwrap_err();
    let good = || Issuer::new(ISS).audience(AUD);
    assert_eq!(error(vec![]), IssuerConfigError::NoIssuer);
    assert_eq!(error(vec![good(), good()]), IssuerConfigError::Duplicate(ISS.into()));
    assert_eq!(error(vec![Issuer::new(ISS)]), IssuerConfigError::NoAudience(ISS.into()));
    assert_eq!(error(vec![good().algorithms(&[])]), IssuerConfigError::NoAlgorithm(ISS.into()));
    assert_eq!(
        error(vec![good().leeway(std::time::Duration::from_secs(301))]),
        IssuerConfigError::Leeway(ISS.into())
    );
}
