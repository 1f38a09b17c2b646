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
async fn row_132_181_239_attack_064_a_good_token_reaches_the_service_as_a_principal_and_not_as_a_token() {
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

#[tokio::test]
async fn row_186_attack_061_062_identity_headers_are_ours_alone_in_trailers_too() {
    use http_body::Frame;
    use mcp_auth_core::credential::ClaimHeaders;

    let claims = ClaimHeaders::new().claim("x-user-id", "sub").unwrap().claim("x-team", "org.team").unwrap();
    let setup = Setup::with(|builder| builder.claim_headers(claims));
    let trailers = [("x-user-id", "root"), ("x_team", "root")]
        .into_iter()
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    let frames = [Frame::data(Bytes::from(call("read"))), Frame::trailers(trailers)].map(Ok::<_, Infallible>);
    let body = http_body_util::StreamBody::new(futures_util::stream::iter(frames));
    let request = Request::post("/files/mcp")
        .header(AUTHORIZATION, format!("Bearer {}", setup.idp.token("bob")))
        .header(CONTENT_TYPE, "application/json")
        .header("X-User-Id", "root")
        .header("x_user_id", "root")
        .header("x-team", "root")
        .header("connection", "x-user-id, authorization")
        .header("trailer", "x-user-id")
        .body(body)
        .unwrap();
    let response = setup.service.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let seen = setup.upstream.seen.lock().unwrap();
    let (head, _) = &seen[0];
    assert_eq!(head.headers["x-user-id"], "bob");
    assert!(!head.headers.values().any(|value| value == "root"), "{:?}", head.headers);
    assert!(!head.headers["connection"].to_str().unwrap().contains("x-user-id"));
    assert!(setup.upstream.trailers.lock().unwrap().is_empty());
}

#[tokio::test]
async fn row_001_a_forged_token_goes_nowhere() {
    let (setup, forger) = (Setup::new(), Idp::new());
    let (parts, _) = setup.post(&forger.token("alice"), &call("read")).await;
    assert_eq!((parts.status, code(&parts)), (StatusCode::UNAUTHORIZED, "signature"));
    assert_eq!(setup.calls(), 0, "neither the service nor an exchange behind the layer sees it");
}

/// Clients look for the challenge with whatever request is at hand: nothing is said of method, version or body before.
#[tokio::test]
async fn mcp_b1_the_challenge_comes_before_all_other_checks() {
    let setup = Setup::new();
    for method in ["GET", "POST", "DELETE", "PUT"] {
        for (name, value) in [
            ("mcp-protocol-version", "2024-11-05"),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-protocol-version", "v999"),
            ("mcp-session-id", "nobody's"),
            ("content-type", "text/plain"),
            ("content-length", "999999999"),
        ] {
            let request = Request::builder().method(method).uri("/files/mcp").header(name, value);
            let (parts, _) = setup.send(request.body(Full::from("no message")).unwrap()).await;
            assert_eq!(parts.status, StatusCode::UNAUTHORIZED, "{method} {name}: {value}");
            assert!(challenge(&parts).contains(METADATA), "{method} {name}: {value}");
        }
    }
    assert_eq!(setup.calls(), 0);
}
