//! Whom a token is for.

use super::*;

#[test]
fn row_097_167_180_240_attack_032_audience_is_compared_exactly() {
    let idp = Idp::new(Algorithm::EdDSA);
    for aud in [
        json!("https://mcp.example/mcp/"),
        json!("https://MCP.example/mcp"),
        json!("https://mcp.example/mc"),
        json!("https://mcp.example/mcp2"),
        json!("https://mcp.example"),
        json!("https://mcp.example/mcp https://other.example"),
        json!([]),
        json!(["other"]),
        json!(""),
    ] {
        assert_eq!(refused(&idp, &idp.sign(&with("aud", aud))), "audience");
    }
    for aud in [json!(7), json!([AUD, 7]), json!([[AUD]]), json!(null), json!({}), json!(true)] {
        assert_eq!(refused(&idp, &idp.sign(&with("aud", aud))), "claim_type");
    }
    for aud in [json!(AUD), json!([AUD]), json!(["other", AUD])] {
        assert!(check(&idp, &idp.sign(&with("aud", aud))).is_ok());
    }
    for name in ["api://0f6f1b2c", "urn:x:y", "acme-api", "https://not.a.real.url/"] {
        let one = of(Issuer::new(ISS).audience("first").audience(name));
        assert_eq!(
            code(judge(&one, &idp, &with("aud", name.into()))),
            "ok",
            "a string, whatever it looks like"
        );
        assert_eq!(code(judge(&one, &idp, &claims())), "audience");
    }
    let error = check(&idp, &idp.sign(&with("aud", json!(["a", "b"])))).unwrap_err();
    assert_eq!(error.to_string(), "`aud` is `a` or `b`, expected `https://mcp.example/mcp`");
    assert_eq!(error.client_text(), ClientText::NotForThisServer);
}

#[test]
fn row_086_absent_audience_names_the_mapper() {
    let idp = Idp::new(Algorithm::EdDSA);
    let error = check(&idp, &idp.sign(&without("aud"))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "claim `aud` is absent, expected `https://mcp.example/mcp`: add an audience to what the provider puts into the \
         token (at Keycloak an audience mapper)"
    );
    assert_eq!(error.code(), "audience_missing");
    for theirs in [json!("account"), json!(["account", "broker"])] {
        let account = check(&idp, &idp.sign(&with("aud", theirs))).unwrap_err();
        assert!(account.to_string().contains(AUD), "{account}");
        assert!(account.to_string().contains("audience mapper"), "{account}");
    }
    let slash = check(&idp, &idp.sign(&with("aud", format!("{AUD}/").into()))).unwrap_err();
    assert!(slash.to_string().contains("trailing slash"), "{slash}");
}

#[test]
fn attack_032_our_audience_may_have_to_be_the_only_one() {
    let idp = Idp::new(Algorithm::EdDSA);
    let sole = of(issuer().audience("api://second").sole_audience());
    for (aud, expected) in [
        (json!(AUD), "ok"),
        (json!([AUD]), "ok"),
        (json!([AUD, "api://second"]), "ok"),
        (json!([AUD, AUD]), "ok"),
        (json!([AUD, "other"]), "audience"),
        (json!([]), "audience"),
    ] {
        assert_eq!(code(judge(&sole, &idp, &with("aud", aud.clone()))), expected, "{aud}");
    }
}

#[test]
fn attack_032_one_trailing_slash_may_be_let_go() {
    let idp = Idp::new(Algorithm::EdDSA);
    let at = |ours: &str, theirs: &str| {
        let lax = of(Issuer::new(ISS).audience(ours).ignore_trailing_slash_of_audience());
        code(judge(&lax, &idp, &with("aud", theirs.into())))
    };
    assert_eq!(at(AUD, "https://mcp.example/mcp/"), "ok");
    assert_eq!(at("https://mcp.example/mcp/", AUD), "ok");
    assert_eq!(at(AUD, AUD), "ok");
    for theirs in
        ["https://mcp.example/mcp//", "https://mcp.example/mcp/x", "https://mcp.example/mc", "/", ""]
    {
        assert_eq!(at(AUD, theirs), "audience", "{theirs}");
    }
    let sole = of(issuer().ignore_trailing_slash_of_audience().sole_audience());
    assert_eq!(code(judge(&sole, &idp, &with("aud", json!([AUD, "https://mcp.example/mcp/"])))), "ok");
}
