mod http;
mod known_client;
mod management;

use serde_json::{Value, json};

use super::*;
use crate::{DocumentError, MAX_DOCUMENT_BYTES, Secret};

fn parse(value: Value) -> Result<ClientRegistrationRequest, RegistrationError> {
    ClientRegistrationRequest::parse(value.to_string().as_bytes(), &RedirectUriRules::default())
}

fn code(value: Value) -> &'static str {
    parse(value).unwrap_err().code().as_str()
}

#[test]
fn mcp_c6_response_echoes_metadata_fills_defaults_and_has_no_nulls() {
    let request =
        parse(json!({"redirect_uris": ["https://a/cb"], "client_name": "A", "logo_uri": null})).unwrap();
    let response = ClientRegistrationResponse::new("c", request.into_metadata())
        .client_secret(Secret::new("s3cret"), 0)
        .client_id_issued_at(1_700_000_000);
    assert_eq!(
        serde_json::from_slice::<Value>(&response.to_json()).unwrap(),
        json!({
            "client_id": "c", "client_secret": "s3cret", "client_secret_expires_at": 0,
            "client_id_issued_at": 1_700_000_000, "redirect_uris": ["https://a/cb"], "client_name": "A",
            "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": ["authorization_code"], "response_types": ["code"],
        })
    );
    assert!(!format!("{response:?}").contains("s3cret"));
}

#[test]
fn mcp_c7_redirect_uris_are_https_or_loopback() {
    let rules = RedirectUriRules::default();
    for good in ["https://a/cb?x=1", "http://localhost:1/cb", "http://127.0.0.1", "http://[::1]:8080/cb"] {
        assert_eq!(rules.check(good), Ok(()), "{good}");
    }
    use RedirectUriError as E;
    for (bad, error) in [
        ("http://a/cb", E::InsecureHttp),
        ("http://localhost.evil.example/cb", E::InsecureHttp),
        ("https://a/cb#", E::Fragment),
        ("https://u@a/cb", E::UserInfo),
        ("http://localhost@evil.example/", E::UserInfo),
        ("javascript:alert(1)", E::Scheme),
        ("data:text/html,x", E::Scheme),
        ("com.example.app:/cb", E::Scheme),
        ("//a/cb", E::Syntax),
        ("/cb", E::Syntax),
        ("https:a/cb", E::Syntax),
        ("https:///a/cb", E::Syntax),
        ("https:/\\a", E::Syntax),
        ("https://a/c b", E::Syntax),
        ("https://a/\r\nb", E::Syntax),
        ("https://\u{430}.example/", E::Syntax),
        ("", E::Syntax),
    ] {
        assert_eq!(rules.check(bad), Err(error), "{bad}");
    }
    assert_eq!(rules.check(&format!("https://a/{}", "a".repeat(2048))), Err(E::TooLong));
}

#[test]
fn mcp_c7_private_use_schemes_are_allowed_by_name_only() {
    let rules = RedirectUriRules::default().allow_private_use_scheme("Cursor").unwrap();
    assert!(rules.check("cursor://anysphere.cursor-mcp/oauth/callback").is_ok());
    assert!(rules.check("vscode://x").is_err());
    for scheme in ["javascript", "DATA", "https", "file", "", "1a", "a:b", "ü", "a b"] {
        assert!(RedirectUriRules::default().allow_private_use_scheme(scheme).is_err(), "{scheme}");
    }
}

#[test]
fn mcp_c7_redirect_uris_match_exactly_but_for_the_loopback_port() {
    for (registered, requested, expected) in [
        ("https://a/cb", "https://a/cb", true),
        ("https://a/cb", "https://a:443/cb", false),
        ("https://a/cb", "https://A/cb", false),
        ("https://a/cb", "https://a/cb?x", false),
        ("https://a/cb", "https://a/x/../cb", false),
        ("http://localhost:1/cb", "http://localhost:2/cb", true),
        ("http://[::1]/cb", "http://[::1]:2/cb", true),
        ("http://127.0.0.1", "http://127.0.0.1:2", true),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb/", false),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/x/../cb", false),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:2\\cb", false),
        ("http://127.0.0.1:1/cb", "http://u@127.0.0.1:2/cb", false),
        ("http://127.0.0.1:1/cb", "https://127.0.0.1:1/cb", false),
        ("http://127.0.0.1:1/cb", "http://127.0.0.2:1/cb", false),
        ("cursor://a/cb", "cursor://a:1/cb", false),
    ] {
        assert_eq!(redirect_uri_matches(registered, requested), expected, "{registered} {requested}");
    }
}

#[test]
fn mcp_c9_application_type_is_accepted_and_checked() {
    for good in ["web", "native"] {
        assert!(parse(json!({"redirect_uris": ["https://a"], "application_type": good})).is_ok());
    }
    assert_eq!(
        code(json!({"redirect_uris": ["https://a"], "application_type": "x"})),
        "invalid_client_metadata"
    );
}

#[test]
fn faults_have_their_code() {
    assert_eq!(code(json!({})), "invalid_redirect_uri");
    assert_eq!(code(json!({"redirect_uris": []})), "invalid_redirect_uri");
    assert_eq!(code(json!({"redirect_uris": "https://a"})), "invalid_redirect_uri");
    assert_eq!(code(json!({"redirect_uris": ["https://a", "http://b"]})), "invalid_redirect_uri");
    assert_eq!(code(json!({"redirect_uris": vec!["https://a"; 33]})), "invalid_redirect_uri");
    for bad in [
        json!({"redirect_uris": ["https://a"], "client_name": 7}),
        json!({"redirect_uris": ["https://a"], "client_name": "a\nb"}),
        json!({"redirect_uris": ["https://a"], "client_name": "a".repeat(2049)}),
        json!({"redirect_uris": ["https://a"], "logo_uri": "javascript:alert(1)"}),
        json!({"redirect_uris": ["https://a"], "client_uri": "data:text/html,x"}),
        json!({"redirect_uris": ["https://a"], "jwks_uri": "http://a/keys"}),
        json!({"redirect_uris": ["https://a"], "jwks_uri": "https://a/keys", "jwks": {"keys": []}}),
        json!({"redirect_uris": ["https://a"], "jwks": []}),
        json!({"redirect_uris": ["https://a"], "scope": "a\"b"}),
        json!({"redirect_uris": ["https://a"], "grant_types": ["client_credentials"], "response_types": ["code"]}),
        json!({"redirect_uris": ["https://a"], "response_types": ["token"]}),
    ] {
        assert_eq!(code(bad.clone()), "invalid_client_metadata", "{bad}");
    }
    let machine =
        parse(json!({"grant_types": ["client_credentials"]})).unwrap().into_metadata().with_defaults();
    assert_eq!(machine.response_types, Some(vec![]), "no redirect URI and no `code` without the code grant");
    assert!(ClientRegistrationRequest::new(machine, &RedirectUriRules::default()).is_ok());
}

#[test]
fn odd_documents_are_refused() {
    let rules = RedirectUriRules::default();
    for bad in [&b""[..], b"[]", b"<html>", br#"{"scope":"a","scope":"b"}"#, &[b' '; MAX_DOCUMENT_BYTES + 1]]
    {
        let error = ClientRegistrationRequest::parse(bad, &rules).unwrap_err();
        assert_eq!(error.code(), RegistrationErrorCode::InvalidClientMetadata);
    }
}

#[test]
fn what_a_client_sends_a_server_reads() {
    let mut metadata = ClientMetadata::new(["http://127.0.0.1/cb"]);
    metadata.application_type = Some("native".into());
    let rules = RedirectUriRules::default();
    let request = ClientRegistrationRequest::new(metadata, &rules).unwrap();
    assert!(!String::from_utf8_lossy(&request.to_json()).contains("null"));
    assert_eq!(ClientRegistrationRequest::parse(&request.to_json(), &rules).unwrap(), request);
    assert!(ClientRegistrationRequest::new(ClientMetadata::new(["x:"]), &rules).is_err());
}

#[test]
fn row_154_a_client_reads_its_identifier() {
    let text = br#"{"client_id":"c","client_secret":"s","client_secret_expires_at":0,"redirect_uris":["https://a"],"x":1}"#;
    let response = ClientRegistrationResponse::parse(text).unwrap();
    assert_eq!(response.client_id, "c");
    assert_eq!(response.client_secret.as_ref().unwrap().expose(), "s");
    assert_eq!(response.metadata.redirect_uris, ["https://a"]);
    let fault = |bytes: &[u8]| ClientRegistrationResponse::parse(bytes).unwrap_err();
    assert_eq!(fault(b"{}"), DocumentError::Missing("client_id"));
    assert_eq!(fault(br#"{"client_id":""}"#), DocumentError::Member("client_id".into()));
    assert_eq!(
        fault(br#"{"client_id":"c","registration_client_uri":"http://a/"}"#),
        DocumentError::Member("registration_client_uri".into())
    );
    assert_eq!(
        fault(br#"{"client_id":"c","redirect_uris":[7]}"#),
        DocumentError::Member("redirect_uris[0]".into())
    );
}
