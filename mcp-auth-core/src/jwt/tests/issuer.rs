//! Whose token it is: the name is compared exactly, and chooses keys and audiences.

use super::*;

#[test]
fn row_166_178_197_attack_031_issuer_is_compared_exactly() {
    let idp = Idp::new(Algorithm::EdDSA);
    for iss in [
        "https://idp.example/",
        "https://IDP.example",
        "HTTPS://idp.example",
        "https://idp.example:443",
        "http://idp.example",
        "https://idp.example.evil",
        "https://idp.exampl",
        "https://evil/https://idp.example",
        "https://user@idp.example",
        "https://idp.example#",
        "https://idp.example?",
        "https://idp.ex\u{0430}mple",
        "https://xn--idp.example",
        " https://idp.example",
        "https://idp.example\n",
        "https://idp.example\0",
        "",
    ] {
        assert_eq!(refused(&idp, &idp.sign(&with("iss", iss.into()))), "issuer", "{iss}");
    }
    for iss in [json!(42), json!([ISS]), json!(null), json!({"iss": ISS}), json!(true)] {
        assert_eq!(refused(&idp, &idp.sign(&with("iss", iss))), "claim_type");
    }
    assert_eq!(refused(&idp, &idp.sign(&without("iss"))), "claim_missing");
    // Composed and decomposed letters look alike and are not.
    let accented = Validator::new([Issuer::new("https://idp.example/\u{e9}").audience(AUD)]).unwrap();
    assert_eq!(code(judge(&accented, &idp, &with("iss", json!("https://idp.example/\u{e9}")))), "ok");
    assert_eq!(code(judge(&accented, &idp, &with("iss", json!("https://idp.example/e\u{301}")))), "issuer");
}

#[test]
fn row_055_084_092_101_103_a_name_that_is_nearly_right_is_explained() {
    let idp = Idp::new(Algorithm::EdDSA);
    let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let (v1, v2) = (
        format!("https://sts.windows.net/{tenant}/"),
        format!("https://login.microsoftonline.com/{tenant}/v2.0"),
    );
    for (configured, got, hint) in [
        ("https://kc.example/realms/mcp/", "https://kc.example/realms/mcp", "trailing slash"),
        ("https://tenant.eu.auth0.com", "https://tenant.eu.auth0.com/", "trailing slash"),
        ("https://kc.example/realms/MCP", "https://kc.example/realms/mcp", "upper and lower case"),
        ("https://acme.okta.com", "https://acme.okta.com/oauth2/aus1", "expected `https://acme.okta.com`"),
        (
            "https://login.acme.com/oauth2/aus1",
            "https://acme.okta.com/oauth2/aus1",
            "expected `https://login.acme.com",
        ),
        (&v2, &v1, "v1.0 token of Entra"),
        (&v1, &v2, "v2.0 token of Entra"),
    ] {
        let one = Validator::new([Issuer::new(configured).audience(AUD)]).unwrap();
        let error = judge(&one, &idp, &with("iss", got.into())).unwrap_err();
        assert_eq!(error.code(), "issuer");
        assert!(error.to_string().contains(hint) && error.to_string().contains(got), "{error}");
        assert_eq!(error.client_text().as_str(), "the access token was not issued for this server");
        assert_eq!(code(judge(&one, &idp, &with("iss", configured.into()))), "ok");
    }
}

#[test]
fn row_195_196_attack_054_the_issuer_chooses_keys_and_audiences() {
    let (a, b) = (Idp::new(Algorithm::EdDSA), Idp::new(Algorithm::EdDSA));
    let validator = Validator::new([issuer(), Issuer::new("https://b.example").audience("api://b")]).unwrap();
    let verify = |token: &str| {
        let parsed = validator.parse(token)?;
        let keys = if parsed.issuer().index() == 0 { &a.keys } else { &b.keys };
        validator.verify(parsed, keys, &Checks::at(now()))
    };
    assert!(verify(&a.sign(&claims())).is_ok());
    let mut of_b = with("iss", json!("https://b.example"));
    of_b["aud"] = "api://b".into();
    assert!(verify(&b.sign(&of_b)).is_ok(), "the same kid at both issuers");
    assert_eq!(verify(&b.sign(&claims())).unwrap_err().code(), "signature", "b's key for a's name");
    assert_eq!(verify(&a.sign(&of_b)).unwrap_err().code(), "signature", "a's key for b's name");
    assert_eq!(
        verify(&b.sign(&with("iss", json!("https://b.example")))).unwrap_err().code(),
        "audience",
        "a's audience"
    );
}

#[test]
fn row_195_one_to_a_hundred_issuers_are_told_apart() {
    let idp = Idp::new(Algorithm::EdDSA);
    // Names that begin, end and sort like each other, in no order.
    let name = |i: usize| format!("https://idp.example/{}", "a".repeat((i * 37) % 101));
    for count in [1, 2, 3, 10, 99, 100] {
        let issuers = (0..count).map(|i| Issuer::new(name(i)).audience(format!("aud-{i}")));
        let validator = Validator::new(issuers).unwrap();
        for i in 0..101 {
            let mut claims = with("iss", name(i).into());
            claims["aud"] = format!("aud-{i}").into();
            let token = idp.sign(&claims);
            match validator.parse(&token) {
                Ok(parsed) => {
                    assert_eq!((parsed.issuer().index(), i < count), (i, true));
                    let principal = validator.verify(parsed, &idp.keys, &Checks::at(now())).unwrap();
                    assert_eq!((principal.issuer_index(), principal.issuer()), (i, &*name(i)));
                }
                Err(error) => assert_eq!((error.code(), i < count), ("issuer", false)),
            }
        }
    }
}

#[test]
fn row_198_issuers_are_configured_once_and_with_an_audience() {
    let error = |issuers: Vec<Issuer>| Validator::new(issuers).unwrap_err();
    let good = issuer;
    assert_eq!(error(vec![]), IssuerConfigError::NoIssuer);
    assert_eq!(error(vec![good(), good()]), IssuerConfigError::Duplicate(ISS.into()));
    let between = Issuer::new("https://z.example").audience(AUD);
    assert_eq!(error(vec![good(), between, good()]), IssuerConfigError::Duplicate(ISS.into()));
    assert_eq!(error(vec![Issuer::new("").audience(AUD)]), IssuerConfigError::EmptyName);
    assert_eq!(error(vec![Issuer::new(ISS)]), IssuerConfigError::NoAudience(ISS.into()));
    assert_eq!(error(vec![Issuer::new(ISS).audience("")]), IssuerConfigError::NoAudience(ISS.into()));
    assert_eq!(error(vec![good().algorithms(&[])]), IssuerConfigError::NoAlgorithm(ISS.into()));
    let mixed = good().algorithms(&[Algorithm::HS256, Algorithm::RS256]);
    assert_eq!(error(vec![mixed]), IssuerConfigError::MixedAlgorithms(ISS.into()));
    let leeway = |secs| good().leeway(std::time::Duration::from_secs(secs));
    assert_eq!(error(vec![leeway(301)]), IssuerConfigError::Leeway(ISS.into()));
    assert!(Validator::new([leeway(300)]).is_ok());
}
