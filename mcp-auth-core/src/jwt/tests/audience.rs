//! Whom a token is for.

use serde_json::json;

use super::*;

#[test]
fn row_167_attack_032_audience_is_compared_exactly() {
    let idp = Idp::new(Algorithm::EdDSA);
    for aud in [
        json!("https://mcp.example/mcp/"),
        json!("https://MCP.example/mcp"),
        json!([]),
        json!("https://mcp.example"),
        json!(""),
    ] {
        assert_eq!(refused(&idp, &idp.sign(&with("aud", aud))), "audience");
    }
    for aud in [json!(7), json!([AUD, 7]), json!(null), json!({})] {
        assert_eq!(refused(&idp, &idp.sign(&with("aud", aud))), "claim_type");
    }
    assert!(check(&idp, &idp.sign(&with("aud", json!(["other", AUD])))).is_ok());
}

#[test]
fn row_086_absent_audience_names_the_mapper() {
    let idp = Idp::new(Algorithm::EdDSA);
    let error = check(&idp, &idp.sign(&without("aud"))).unwrap_err();
    assert!(error.to_string().contains("audience mapper"), "{error}");
    assert!(matches!(error.kind(), ValidationErrorKind::ClaimMissing { claim } if claim == "aud"));
}
