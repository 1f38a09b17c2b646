use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::*;
use crate::testing::{exchange, json_response, plan, response};

#[test]
fn every_failure_has_its_status_and_none_is_a_success() {
    let plan = plan();
    for (status, body, name, expected) in [
        (400, json!({"error": "invalid_grant"}), "subject_refused", 401),
        (400, json!({"error": "consent_required"}), "consent_required", 403),
        (400, json!({"error": "insufficient_user_authentication"}), "step_up", 401),
        (400, json!({"error": "interaction_required", "claims": "{}"}), "claims_challenge", 401),
        (401, json!({"error": "invalid_client"}), "misconfigured", 500),
        (200, json!({"access_token": 7}), "unusable", 502),
        (503, json!({}), "transient", 503),
    ] {
        let outcome = exchange(&plan, json_response(status, &body));
        assert_eq!(
            (outcome.as_str(), outcome.status()),
            (name, StatusCode::from_u16(expected).ok()),
            "{body}"
        );
        assert!(outcome.token().is_none() && outcome.diagnosis().is_some());
    }
}

#[test]
fn a_claims_challenge_is_passed_on_as_it_came() {
    let claims = r#"{ "access_token": {"acrs": {"essential": true, "value": "c1"}} }"#;
    let body = json!({"error": "interaction_required", "claims": claims});
    let outcome = exchange(&plan(), json_response(400, &body));
    let Outcome::ClaimsChallenge { claims, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(claims.as_json(), r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#);
    assert_eq!(STANDARD.decode(claims.to_base64()).unwrap(), claims.as_json().as_bytes());
    for bad in ["", "[]", "\"x\"", "{", r#"{"a":1,"a":2}"#, &format!("{{\"a\":\"{}\"}}", "x".repeat(5000))] {
        assert_eq!(ClaimsChallenge::parse(bad), None, "{bad}");
    }
}

#[test]
fn a_step_up_says_how() {
    let body = json!({"error": "insufficient_user_authentication", "acr_values": "phr phrh", "max_age": 300});
    let Outcome::StepUp { requirement, .. } = exchange(&plan(), json_response(400, &body)) else { panic!() };
    assert_eq!(requirement.acr_values.as_deref(), Some("phr phrh"));
    assert_eq!(requirement.max_age_seconds, Some(300));
    let body = json!({"error": "insufficient_user_authentication", "acr_values": "a\"b\r\nx", "max_age": -1});
    let Outcome::StepUp { requirement, .. } = exchange(&plan(), json_response(400, &body)) else { panic!() };
    assert_eq!(requirement, StepUp::default());
    // As much as fits a header.
    for (length, passed) in [(512, true), (513, false)] {
        let body = json!({"error": "insufficient_user_authentication", "acr_values": "a".repeat(length)});
        let outcome = exchange(&plan(), json_response(400, &body));
        let Outcome::StepUp { requirement, .. } = outcome else { panic!() };
        assert_eq!(requirement.acr_values.is_some(), passed, "{length}");
    }
}

#[test]
fn retry_after_is_bounded() {
    let mut down = response(503, "text/plain", "");
    down.headers_mut().insert("retry-after", HeaderValue::from_static("999999"));
    let Outcome::Transient { retry_after, .. } = exchange(&plan(), down) else { panic!() };
    assert_eq!(retry_after, Some(Duration::from_secs(300)));
}

#[test]
fn advice_is_filled_in_once_and_bounded() {
    let facts = Facts { client: "{audience}".into(), audience: "x\n".repeat(500), ..Facts::default() };
    let diagnosis = Diagnosis::new("id", "`{client}` `{audience}` `{scope}` {unknown} {", &facts);
    assert!(diagnosis.text().starts_with("`{audience}` `x x "), "{diagnosis}");
    assert!(diagnosis.text().ends_with("…` `(none)` (none) "), "{diagnosis}");
    assert!(diagnosis.text().len() < 400);
}

#[test]
fn words_of_a_provider_are_cut_and_cleaned() {
    let text = |words: &str| ProviderText::new(words, &["hunter2", "s"]).as_str().to_owned();
    assert_eq!(text("plain words, https://docs.example/a"), "plain words, https://docs.example/a");
    assert_eq!(text("secret=hunter2;"), "secret=[redacted];");
    assert_eq!(text(&format!("t {}", "aB3-".repeat(12))), "t [redacted]");
    assert_eq!(text("a\r\nb\u{7}\"c\""), "a  b  c");
    // As a form or a URL would have it, in whole or in part.
    for secret in ["%68unter2", "h%75nter2", "%68%75%6E%74%65%72%32", "%68%75%6e%74%65%72%32"] {
        assert_eq!(text(&format!("secret {secret}!")), "secret [redacted]!");
    }
    assert_eq!(text("100% of hunter%32x %zz"), "100% of [redacted]x %zz");
    assert_eq!(text(&format!("t {}", "aB3%2E".repeat(12))), "t [redacted]");
    // No half of one is left where the text is cut.
    assert!(!text(&format!("{} hunter2", "a".repeat(1020))).contains("hunt"));
    let spaced = ProviderText::new("is my+se%63ret+", &["my secret"]);
    assert_eq!(spaced.as_str(), "is [redacted]+");
    let long = text(&"wörter ".repeat(200));
    assert_eq!(long.chars().count(), 257);
    assert!(long.ends_with('…'));
    assert_eq!(text(""), "");
}
