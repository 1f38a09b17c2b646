use serde_json::{Value, json};

use super::*;
use crate::DocumentError;
use AuthorizationServerMetadataError as Error;

const ISSUER: &str = "https://login.example.com/realms/mcp";

fn parse(value: &Value) -> Result<AuthorizationServerMetadata, Error> {
    AuthorizationServerMetadata::parse(value.to_string().as_bytes(), ISSUER)
}

#[test]
fn attack_055_document_of_another_issuer_is_refused() {
    for other in [
        "https://login.example.com/realms/mcp/",
        "https://LOGIN.example.com/realms/mcp",
        "https://login.example.com:443/realms/mcp",
        "https://login.example.com/realms/%6dcp",
        "https://evil.example",
        "",
    ] {
        assert_eq!(parse(&json!({"issuer": other})), Err(Error::IssuerMismatch), "{other}");
    }
    assert!(parse(&json!({"issuer": ISSUER})).is_ok());
}

#[test]
fn attack_098_pkce_must_be_advertised() {
    let supports = |methods: Value| {
        parse(&json!({"issuer": ISSUER, "code_challenge_methods_supported": methods}))
            .unwrap()
            .supports_pkce_s256()
    };
    assert!(supports(json!(["plain", "S256"])));
    for no in [json!(null), json!([]), json!(["plain"]), json!(["s256"])] {
        assert!(!supports(no.clone()), "{no}");
    }
    assert!(!parse(&json!({"issuer": ISSUER})).unwrap().supports_pkce_s256());
}

#[test]
fn attack_110_endpoints_elsewhere_than_over_tls_are_refused() {
    let endpoints = [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "registration_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
        "userinfo_endpoint",
        "end_session_endpoint",
    ];
    for name in endpoints {
        for url in
            ["javascript:alert(1)", "file:///etc/passwd", "http://login.example.com/x", "https://u:p@h/"]
        {
            assert_eq!(parse(&json!({"issuer": ISSUER, name: url})), Err(Error::InsecureUrl(name)), "{url}");
        }
        assert_eq!(
            parse(&json!({"issuer": ISSUER, name: "/relative"})),
            Err(Error::Document(DocumentError::Shape))
        );
        assert!(parse(&json!({"issuer": ISSUER, name: "http://localhost:9000/x"})).is_ok());
        let http = json!({"issuer": ISSUER, name: "http://keycloak:7080/x"}).to_string();
        assert!(AuthorizationServerMetadata::parse_insecure_http(http.as_bytes(), ISSUER).is_ok());
        let script = json!({"issuer": ISSUER, name: "javascript:1"}).to_string();
        assert!(AuthorizationServerMetadata::parse_insecure_http(script.as_bytes(), ISSUER).is_err());
    }
}

#[test]
fn mcp_c2_iss_in_responses_is_required_when_advertised() {
    let of = |value| parse(&value).unwrap().requires_response_iss();
    assert!(of(json!({"issuer": ISSUER, "authorization_response_iss_parameter_supported": true})));
    assert!(!of(json!({"issuer": ISSUER, "authorization_response_iss_parameter_supported": false})));
    assert!(!of(json!({"issuer": ISSUER})));
}

#[test]
fn mcp_c4_our_own_document_names_s256() {
    let json: Value = serde_json::from_slice(&AuthorizationServerMetadata::new(ISSUER).to_json()).unwrap();
    assert_eq!(
        json,
        json!({"issuer": ISSUER, "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"]})
    );
}

#[test]
fn row_139_other_members_survive_a_rewrite() {
    let document = json!({
        "issuer": ISSUER,
        "token_endpoint": "https://login.example.com/token",
        "response_types_supported": ["code"],
        "client_id_metadata_document_supported": true,
        "mtls_endpoint_aliases": {"token_endpoint": "https://mtls.example.com/token"},
    });
    let metadata = parse(&document).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&metadata.to_json()).unwrap(), document);
    assert_eq!(metadata.client_id_metadata_document_supported, Some(true));
}

#[test]
fn odd_documents_are_refused() {
    let fault = |text: &[u8]| AuthorizationServerMetadata::parse(text, ISSUER).unwrap_err();
    assert_eq!(fault(b"<!doctype html>"), Error::Document(DocumentError::NotJson));
    assert_eq!(fault(b"{}"), Error::Document(DocumentError::Shape));
    assert_eq!(fault(br#"{"issuer":"a","issuer":"b"}"#), Error::Document(DocumentError::DuplicateMember));
    assert_eq!(fault(&[b' '; 64 * 1024 + 1]), Error::Document(DocumentError::TooLarge));
}
