//! From the request's credential to the principal, and what a client learns where there is none.

use http::header::{ALLOW, AUTHORIZATION};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use mcp_auth_core::mcp::McpCall;
use serde_json::{Value, json};

use super::*;
use crate::Authenticated;
use crate::authenticate::Mode;

#[tokio::test]
async fn row_129_131_237_mcp_a3_a4_no_token_gives_a_complete_challenge_on_every_method() {
    let setup = Setup::new();
    for method in [Method::GET, Method::POST, Method::DELETE, Method::PUT] {
        let request = Request::builder().method(method).uri("/files/mcp").body(Full::default()).unwrap();
        let (parts, body) = setup.send(request).await;
        assert_eq!(parts.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            challenge(&parts),
            format!("Bearer resource_metadata=\"{METADATA}\", scope=\"mcp:read mcp:write\"")
        );
        assert_eq!(code(&parts), "missing_token");
        assert!(body.contains("unauthorized"));
    }
    assert_eq!(setup.calls(), 0);
}

#[tokio::test]
async fn row_122_123_124_138_metadata_needs_no_token() {
    let setup = Setup::new();
    for path in ["/.well-known/oauth-protected-resource/files/mcp", "/.well-known/oauth-protected-resource"] {
        let (parts, body) = setup.send(Request::get(path).body(Full::default()).unwrap()).await;
        assert_eq!(parts.status, StatusCode::OK);
        let document: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(document["resource"], RESOURCE);
        assert_eq!(document["authorization_servers"], json!([ISSUER]));
        assert_eq!(
            document["scopes_supported"],
            json!(["mcp:read", "mcp:write"]),
            "mcp_a5: no offline_access"
        );
        assert_eq!(parts.headers["access-control-allow-origin"], "*");
        let (parts, _) = setup
            .send(Request::builder().method(Method::OPTIONS).uri(path).body(Full::default()).unwrap())
            .await;
        assert_eq!(parts.status, StatusCode::NO_CONTENT);
        let (parts, _) = setup.send(Request::post(path).body(Full::default()).unwrap()).await;
        assert_eq!((parts.status, parts.headers.contains_key(ALLOW)), (StatusCode::METHOD_NOT_ALLOWED, true));
    }
    assert_eq!(setup.calls(), 0);
}

#[tokio::test]
async fn row_132_181_attack_064_a_good_token_reaches_the_service_as_a_principal_and_not_as_a_token() {
    let setup = Setup::new();
    let (parts, _) = setup.post(&setup.idp.token("bob"), &call("read")).await;
    assert_eq!(parts.status, StatusCode::OK);
    let seen = setup.upstream.seen.lock().unwrap();
    let (request, body) = &seen[0];
    assert!(!request.headers.contains_key(AUTHORIZATION));
    assert_eq!(body, call("read").as_bytes(), "the bytes that were judged");
    let who = request.extensions.get::<Authenticated>().unwrap();
    assert_eq!(who.principal().unwrap().subject(), Some("bob"));
    assert_eq!(request.extensions.get::<McpCall>().unwrap().target.as_ref().unwrap().name(), "read");
}

#[tokio::test]
async fn row_182_forwarding_is_asked_for_by_name() {
    let setup = Setup::with(McpAuthBuilder::forward_token);
    let token = setup.idp.token("bob");
    setup.post(&token, &call("read")).await;
    let seen = setup.upstream.seen.lock().unwrap();
    assert_eq!(seen[0].0.headers[AUTHORIZATION], format!("Bearer {token}"));
}

#[tokio::test]
async fn row_238_mcp_a10_a_bad_token_is_401_with_a_fixed_text() {
    let setup = Setup::new();
    for (token, expected, text) in [
        ("opaque".to_owned(), "not_a_jwt", "malformed"),
        (setup.idp.token_with(|c| c["exp"] = json!(NOW - 100)), "expired", "expired"),
        (setup.idp.token_with(|c| c["aud"] = "https://canary.example".into()), "audience", "resource"),
        (setup.idp.token_with(|c| c["iss"] = "https://canary.example".into()), "issuer", "issuer"),
        (Idp::new().token("bob"), "signature", "signature"),
    ] {
        let (parts, body) = setup.post(&token, &call("read")).await;
        assert_eq!((parts.status, code(&parts)), (StatusCode::UNAUTHORIZED, expected));
        let challenge = challenge(&parts);
        assert!(
            challenge.contains(r#"error="invalid_token""#) && challenge.contains(METADATA),
            "{challenge}"
        );
        assert!(challenge.contains(text), "{challenge}");
        assert!(!challenge.contains("canary") && !body.contains("canary"), "{challenge} {body}");
    }
    assert_eq!(setup.calls(), 0);
}

#[tokio::test]
async fn attack_056_two_tokens_are_400() {
    let setup = Setup::new();
    let mut request = post(&setup.idp.token("bob"), &call("read"));
    request.headers_mut().append(AUTHORIZATION, "Bearer x".parse().unwrap());
    let (parts, _) = setup.send(request).await;
    assert_eq!(parts.status, StatusCode::BAD_REQUEST);
    assert!(challenge(&parts).contains(r#"error="invalid_request""#));
}

#[tokio::test]
async fn permissive_mode_forwards_no_bad_token() {
    let setup = Setup::with(|b| b.mode(Mode::DangerPermissive));
    let (parts, _) = setup.post("bad", LIST).await;
    assert_eq!((parts.status, setup.calls()), (StatusCode::OK, 1));
    let seen = setup.upstream.seen.lock().unwrap();
    assert!(!seen[0].0.headers.contains_key(AUTHORIZATION));
    assert!(seen[0].0.extensions.get::<Authenticated>().unwrap().principal().is_none());
}
