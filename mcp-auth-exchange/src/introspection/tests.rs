use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use mcp_auth_core::credential::AccessToken;
use mcp_auth_core::jwt::{Checks, Issuer, ValidationErrorKind, Validator};
use mcp_auth_core::{Principal, UnixTime};
use url::Url;

use super::*;
use crate::Secret;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

fn parse(status: u16, body: &str) -> Result<IntrospectionResponse, IntrospectionErrorKind> {
    let status = StatusCode::from_u16(status).unwrap();
    IntrospectionResponse::parse(status, &HeaderMap::new(), body.as_bytes()).map_err(|e| e.kind())
}

#[test]
fn rfc_7662_section_2_1_example() {
    let endpoint = TokenEndpoint::new(&Url::parse("https://as/introspect").unwrap()).unwrap();
    let client = ClientAuthentication::client_secret_post("c", Secret::new("s&x"));
    let request = IntrospectionRequest::new(AccessToken::new("mF_9.B5f-4.1JqM+/="), client);
    assert!(!format!("{request:?}").contains("mF_9"));
    assert_eq!(
        request.into_http(&endpoint).body().as_ref(),
        b"token=mF_9.B5f-4.1JqM%2B%2F%3D&token_type_hint=access_token&client_id=c&client_secret=s%26x"
    );
}

#[test]
fn only_a_clear_yes_is_a_yes() {
    use IntrospectionErrorKind as K;
    assert!(matches!(parse(200, r#"{"active":true,"sub":"a"}"#), Ok(IntrospectionResponse::Active(_))));
    assert!(matches!(parse(200, r#"{"active":false,"sub":"a"}"#), Ok(IntrospectionResponse::Inactive)));
    for (status, body, kind) in [
        (200, r#"{"active":"true"}"#, K::Active),
        (200, r#"{"active":1}"#, K::Active),
        (200, r#"{"sub":"a"}"#, K::Active),
        (200, r#"{"active":false,"active":true}"#, K::NotJson),
        (200, "<html>", K::NotJson),
        (200, "[true]", K::NotJson),
        (200, "", K::NotJson),
        (401, r#"{"active":true}"#, K::Client),
        (403, "", K::Client),
        (204, "", K::Status),
        (302, r#"{"active":true}"#, K::Status),
        (400, r#"{"error":"unsupported_token_type"}"#, K::Status),
        (503, r#"{"active":true}"#, K::Status),
    ] {
        assert_eq!(parse(status, body).unwrap_err(), kind, "{status} {body}");
    }
    let long = format!(r#"{{"active":true,"x":"{}"}}"#, "a".repeat(70_000));
    assert_eq!(parse(200, &long).unwrap_err(), K::TooLarge);
}

fn validator() -> Validator {
    Validator::new([Issuer::new("https://a").audience("mcp"), Issuer::new("https://b").audience("mcp")])
        .unwrap()
}

fn accept(json: &str) -> Result<Principal, ValidationErrorKind> {
    validator()
        .accept_introspected(0.into(), "opaque", json.as_bytes(), &Checks::at(NOW))
        .map_err(|e| e.kind().clone())
}

#[test]
fn an_active_token_is_asked_what_a_jwt_is_asked() {
    use ValidationErrorKind as K;
    let alice =
        accept(r#"{"active":true,"sub":"alice","aud":"mcp","exp":1700000300,"scope":"a b"}"#).unwrap();
    assert_eq!((alice.subject(), alice.issuer()), (Some("alice"), "https://a"));
    assert_eq!(alice.scopes().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(alice.token().unwrap().expose(), "opaque");
    assert!(accept(r#"{"active":true,"iss":"https://a","aud":"mcp","exp":1700000300}"#).is_ok());
    for iss in ["https://b", "https://c", "https://a/"] {
        let json = format!(r#"{{"active":true,"iss":"{iss}","aud":"mcp","exp":1700000300}}"#);
        assert!(matches!(accept(&json), Err(K::UnknownIssuer { .. })), "{iss}");
    }
    let refused = |json: &str| accept(json).unwrap_err();
    assert!(matches!(refused(r#"{"active":true,"aud":"mcp","exp":1699999000}"#), K::Expired { .. }));
    assert!(matches!(refused(r#"{"active":true,"exp":1700000300}"#), K::AudienceMissing { .. }));
    assert!(matches!(refused(r#"{"active":true,"aud":"x","exp":1700000300}"#), K::Audience { .. }));
    assert!(matches!(refused(r#"{"active":true,"aud":"mcp"}"#), K::ClaimMissing { .. }));
    let bound = r#"{"active":true,"aud":"mcp","exp":1700000300,"cnf":{"jkt":"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}}"#;
    assert!(matches!(refused(bound), K::Bound { .. }));
}

#[test]
fn answers_are_believed_for_their_time_and_not_past_exp() {
    let cache = IntrospectionCache::new(IntrospectionLife::default(), 1 << 20, 1);
    let at = |secs: u64| UnixTime::from_secs(1_700_000_000 + secs);
    let known = |token: &str, secs| cache.get(token, at(secs)).map(|k| matches!(k, Known::Active(_)));
    let keep = |exp: u64| {
        let json = format!(r#"{{"active":true,"aud":"mcp","exp":{exp}}}"#);
        cache.insert_active(Arc::new(accept(&json).unwrap()), NOW);
    };
    keep(1_700_000_300);
    assert_eq!((known("opaque", 59), known("opaque", 60)), (Some(true), None));
    keep(1_700_000_010);
    assert_eq!((known("opaque", 9), known("opaque", 10)), (Some(true), None));
    for near in ["opaqu", "opaque ", "Opaque", ""] {
        assert_eq!(known(near, 0), None, "the whole token counts");
    }
    cache.insert_inactive(&AccessToken::new("opaque"), at(1));
    assert_eq!((known("opaque", 30), known("opaque", 31)), (Some(false), None));
}

#[test]
fn a_flood_of_invented_tokens_drives_no_good_one_out() {
    let cache = IntrospectionCache::new(IntrospectionLife::default(), 256 << 10, 1);
    cache.insert_active(Arc::new(accept(r#"{"active":true,"aud":"mcp","exp":1700000300}"#).unwrap()), NOW);
    for i in 0..10_000 {
        cache.insert_inactive(&AccessToken::new(&format!("invented-{i}")), NOW);
    }
    assert!(matches!(cache.get("opaque", NOW), Some(Known::Active(_))));
    assert!(cache.len().1 < 100, "{:?}", cache.len());
}
