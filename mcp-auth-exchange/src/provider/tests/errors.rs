//! How each provider fails, and what is made of it.

use std::sync::Arc;

use mcp_auth_discovery::Secret;
use mcp_auth_discovery::provider::ProviderKind;
use serde_json::{Value, json};

use crate::ClientCredential;
use crate::plan::{ExchangePlan, Step};
use crate::provider::{ErrorClass, ErrorRule, ExchangeProfile};
use crate::testing::{INBOUND, endpoint, exchange, json_response, scopes, step};

/// What becomes of an error: the outcome's name and the diagnosis.
fn outcome(profile: &ExchangeProfile, status: u16, body: Value) -> (&'static str, &'static str, String) {
    let client = ClientCredential::client_secret_post("gateway", Secret::new("s3cret-canary"));
    let step = Step::new(profile.clone(), endpoint("https://idp.example/token"), client)
        .scope(&scopes("mcp:invoke"));
    let step = match profile.grant() {
        crate::provider::ExchangeGrant::TokenExchange => step.audience("tool"),
        crate::provider::ExchangeGrant::TokenVault => step.connection("google-oauth2"),
        _ => step,
    };
    let plan = Arc::new(ExchangePlan::new("p", [step]).unwrap());
    let outcome = exchange(&plan, json_response(status, &body));
    let diagnosis = outcome.diagnosis().unwrap();
    (outcome.as_str(), diagnosis.id(), diagnosis.to_string())
}

fn error(code: &str) -> Value {
    json!({ "error": code })
}

fn saying(code: &str, description: &str) -> Value {
    json!({"error": code, "error_description": description})
}

#[test]
fn row_087_and_088_keycloak_s_failures_say_what_to_do() {
    let keycloak = ExchangeProfile::of(ProviderKind::Keycloak);
    // Status, code and description as Keycloak's source has them; the last column is in the diagnosis.
    for (status, body, name, id, advice) in [
        (
            403,
            saying("access_denied", "Client is not within the token audience"),
            "misconfigured",
            "not_in_subject_audience",
            "the gateway's client `gateway` is not in the subject token's audience: add an audience mapper",
        ),
        (403, error("access_denied"), "misconfigured", "not_in_subject_audience", "`gateway`"),
        (
            400,
            saying("invalid_client", "Audience not found"),
            "misconfigured",
            "audience_unknown",
            "`tool` is not the id of a client",
        ),
        (400, saying("invalid_client", "Client disabled"), "misconfigured", "audience_disabled", "`tool`"),
        (
            400,
            saying("invalid_client", "Public client is not allowed to exchange token"),
            "misconfigured",
            "public_client",
            "confidential",
        ),
        (
            401,
            saying("invalid_client", "Invalid client or Invalid client credentials"),
            "misconfigured",
            "client_refused",
            "secret",
        ),
        (
            401,
            saying("unauthorized_client", "Invalid client or Invalid client credentials"),
            "misconfigured",
            "client_refused",
            "secret",
        ),
        (
            400,
            saying("invalid_request", "Standard token exchange is not enabled for the requested client"),
            "misconfigured",
            "exchange_not_enabled",
            "standard.token.exchange.enabled",
        ),
        (
            400,
            saying("invalid_request", "Parameter 'subject_token' supports access tokens only"),
            "misconfigured",
            "subject_token_type",
            "token-type:access_token",
        ),
        (
            400,
            saying("invalid_request", "Requested audience not available: tool"),
            "misconfigured",
            "audience_not_available",
            "only filters",
        ),
        (
            400,
            saying("invalid_request", "Invalid token"),
            "subject_refused",
            "subject_refused",
            "session is over",
        ),
        (400, error("invalid_request"), "misconfigured", "request_refused", "types"),
        (
            400,
            saying("invalid_scope", "Missing consents for Token Exchange in client gateway"),
            "consent_required",
            "consent",
            "consented",
        ),
        (
            400,
            saying("invalid_scope", "Invalid scopes: nope"),
            "misconfigured",
            "scope_refused",
            "`mcp:invoke`",
        ),
        (400, error("unsupported_grant_type"), "misconfigured", "grant_unknown", "--features-disabled"),
        (503, error("temporarily_unavailable"), "transient", "unavailable", "overloaded"),
    ] {
        let got = outcome(&keycloak, status, body.clone());
        assert_eq!((got.0, got.1), (name, id), "{body}");
        assert!(got.2.contains(advice), "{}", got.2);
    }
}

#[test]
fn row_102_okta_s_failures() {
    let okta = ExchangeProfile::of(ProviderKind::Okta);
    for (status, code, name, id, advice) in [
        (400, "unauthorized_client", "misconfigured", "grant_not_allowed", "Grant type, Token Exchange"),
        (403, "access_denied", "misconfigured", "denied", "access policy"),
        (400, "invalid_scope", "misconfigured", "scope_refused", "custom scopes only"),
        (400, "invalid_target", "misconfigured", "target_unknown", "`tool`"),
        (400, "invalid_grant", "subject_refused", "subject_refused", "expired"),
        (401, "invalid_client", "misconfigured", "client_refused", "`gateway`"),
        (429, "too_many_requests", "transient", "unavailable", ""),
    ] {
        let got = outcome(&okta, status, error(code));
        assert_eq!((got.0, got.1), (name, id), "{code}");
        assert!(got.2.contains(advice), "{}", got.2);
    }
}

#[test]
fn entra_s_failures_by_code_and_suberror_never_by_number() {
    let entra = ExchangeProfile::of(ProviderKind::EntraV2);
    let claims = r#"{"access_token":{"capolids":{"essential":true,"values":["c1"]}}}"#;
    let challenge = json!({"error": "interaction_required", "suberror": "basic_action", "claims": claims,
        "error_description": "AADSTS50079: …", "error_codes": [50079]});
    assert_eq!(outcome(&entra, 400, challenge.clone()).0, "claims_challenge");
    for (body, name, id) in [
        (
            json!({"error": "invalid_grant", "suberror": "consent_required", "error_codes": [65001]}),
            "consent_required",
            "consent",
        ),
        (
            json!({"error": "interaction_required", "suberror": "consent_required"}),
            "consent_required",
            "interaction",
        ),
        (json!({"error": "invalid_grant", "error_codes": [65001]}), "subject_refused", "subject_refused"),
        (json!({"error": "invalid_grant", "suberror": "bad_token"}), "subject_refused", "subject_refused"),
        (json!({"error": "invalid_client", "error_codes": [7000215]}), "misconfigured", "client_refused"),
        (json!({"error": "invalid_scope"}), "misconfigured", "scope_refused"),
        (json!({"error": "invalid_resource"}), "misconfigured", "target_unknown"),
        (json!({"error": "invalid_request", "claims": claims}), "misconfigured", "request_refused"),
        (json!({"error": "interaction_required", "claims": "not json"}), "consent_required", "interaction"),
    ] {
        let got = outcome(&entra, 400, body.clone());
        assert_eq!((got.0, got.1), (name, id), "{body}");
    }
}

#[test]
fn auth0_s_failures() {
    let auth0 = ExchangeProfile::of(ProviderKind::Auth0);
    let got = outcome(&auth0, 403, error("unauthorized_client"));
    assert!(got.0 == "misconfigured" && got.2.contains("Custom API Client"), "{}", got.2);
    assert_eq!(outcome(&auth0, 403, error("mfa_required")).0, "step_up");
    for text in ["Delegation chain is too deep", "The act claim exceeds five nested levels"] {
        let got = outcome(&auth0, 400, saying("invalid_request", text));
        assert_eq!((got.0, got.1), ("misconfigured", "actor_chain"), "{text}");
    }
    assert_eq!(outcome(&auth0, 400, saying("invalid_request", "Invalid subject_token")).0, "subject_refused");
    let vault = ExchangeProfile::auth0_token_vault();
    for (status, code, name) in [
        (401, "unauthorized_client", "consent_required"),
        (401, "federated_connection_refresh_token_not_found", "consent_required"),
        (400, "federated_connection_refresh_token_flow_failed", "consent_required"),
        (401, "invalid_client", "misconfigured"),
        (403, "unauthorized_client", "misconfigured"),
    ] {
        assert_eq!(outcome(&vault, status, error(code)).0, name, "{status} {code}");
    }
}

#[test]
fn authentik_s_policy_sends_nobody_into_a_login_loop() {
    let got = outcome(&ExchangeProfile::authentik(), 400, error("invalid_grant"));
    assert_eq!((got.0, got.1), ("misconfigured", "denied"));
    assert!(got.2.contains("`tool` denies this user"), "{}", got.2);
}

#[test]
fn the_standard_s_errors() {
    let plain = ExchangeProfile::rfc8693();
    for (status, code, name) in [
        // RFC 8693 §2.2.2: the subject or actor token is refused with this one.
        (400, "invalid_request", "subject_refused"),
        (400, "invalid_grant", "subject_refused"),
        (400, "invalid_target", "misconfigured"),
        (400, "invalid_scope", "misconfigured"),
        (401, "invalid_client", "misconfigured"),
        (400, "unauthorized_client", "misconfigured"),
        (400, "unsupported_grant_type", "misconfigured"),
        (403, "access_denied", "misconfigured"),
        (400, "consent_required", "consent_required"),
        (400, "interaction_required", "consent_required"),
        (400, "login_required", "subject_refused"),
        (400, "insufficient_user_authentication", "step_up"),
        (400, "invalid_dpop_proof", "misconfigured"),
        (400, "something_new", "misconfigured"),
        (400, "temporarily_unavailable", "transient"),
        (500, "server_error", "transient"),
    ] {
        assert_eq!(outcome(&plain, status, error(code)).0, name, "{code}");
    }
    // RFC 7523 §3.1 puts a bad assertion under another name.
    assert_eq!(outcome(&ExchangeProfile::jwt_bearer(), 400, error("invalid_request")).0, "misconfigured");
}

#[test]
fn rules_can_be_added_before_all_others() {
    let rule = ErrorRule::new("invalid_request", ErrorClass::ConsentRequired, "own", "ask {client}")
        .status(400)
        .says("PLEASE ask");
    let profile = ExchangeProfile::of(ProviderKind::Keycloak).error_rule(rule);
    let got = outcome(&profile, 400, saying("invalid_request", "please ASK first"));
    assert_eq!((got.0, got.1), ("consent_required", "own"));
    assert!(got.2.contains("ask gateway"), "{}", got.2);
    assert_eq!(outcome(&profile, 401, saying("invalid_request", "please ask")).1, "request_refused");
}

#[test]
fn attack_112_no_text_has_what_the_provider_was_sent_or_said() {
    let plan = Arc::new(ExchangePlan::new("p", [step()]).unwrap());
    let long = "x".repeat(4000);
    let words = format!("token {INBOUND} secret s3cret-canary user bob@example.com \u{1b}[31m\n\"{long}");
    for code in ["invalid_request", "invalid_client", "weird", "invalid_scope"] {
        let outcome = exchange(&plan, json_response(400, &saying(code, &words)));
        let diagnosis = outcome.diagnosis().unwrap();
        for text in [diagnosis.to_string(), format!("{outcome:?}"), format!("{diagnosis:?}")] {
            assert!(!text.contains("canary") && !text.contains("bob@") && text.len() < 1000, "{text}");
        }
        let shown = diagnosis.provider_text().unwrap().to_string();
        assert!(
            shown.starts_with("provider says: \"token [redacted] secret [redacted] user bob@example.com"),
            "{shown}"
        );
        assert!(shown.chars().count() < 300 && !shown.contains('\n') && !shown.contains('\u{1b}'), "{shown}");
        assert!(!shown.contains("xxxx"), "a long run is taken for a token: {shown}");
    }
}
