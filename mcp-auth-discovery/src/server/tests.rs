use serde_json::{Value, json};

use super::*;
use crate::provider::PkceMetadata;
use crate::{DocumentError, EndpointFault};
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
        let error = parse(&json!({"issuer": other})).unwrap_err();
        assert!(matches!(&error, Error::IssuerMismatch { got, .. } if got == other), "{error}");
        assert_eq!(
            error.to_string().contains("differ in a trailing slash"),
            other.ends_with("mcp/"),
            "{error}"
        );
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
    use EndpointFault as Fault;
    let endpoints = [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "registration_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
        "userinfo_endpoint",
        "end_session_endpoint",
        "pushed_authorization_request_endpoint",
        "device_authorization_endpoint",
        "some_other_endpoint",
    ];
    for name in endpoints {
        for (url, fault) in [
            ("javascript:alert(1)", Fault::Scheme),
            ("file:///etc/passwd", Fault::Scheme),
            ("http://login.example.com/x", Fault::Insecure),
            ("https://u:p@h/", Fault::UserInfo),
            ("https://u@h/", Fault::UserInfo),
            ("https://h/#f", Fault::Fragment),
        ] {
            let error = parse(&json!({"issuer": ISSUER, name: url})).unwrap_err();
            assert_eq!(error, Error::Endpoint { member: name.into(), fault }, "{url}");
            assert!(error.to_string().starts_with(&format!("`{name}` ")), "{error}");
        }
        let relative = parse(&json!({"issuer": ISSUER, name: "/relative"})).unwrap_err();
        assert!(relative.to_string().contains(&format!("`{name}`")), "{relative}");
        assert!(parse(&json!({"issuer": ISSUER, name: "http://localhost:9000/x"})).is_ok());
        let http = json!({"issuer": ISSUER, name: "http://keycloak:7080/x"}).to_string();
        assert!(AuthorizationServerMetadata::parse_insecure_http(http.as_bytes(), ISSUER).is_ok());
        let script = json!({"issuer": ISSUER, name: "javascript:1"}).to_string();
        assert!(AuthorizationServerMetadata::parse_insecure_http(script.as_bytes(), ISSUER).is_err());
    }
    let alias = json!({"issuer": ISSUER, "mtls_endpoint_aliases": {"token_endpoint": "http://h/"}});
    assert_eq!(
        parse(&alias).unwrap_err().to_string(),
        "`mtls_endpoint_aliases.token_endpoint` is not https (http is for loopback hosts only)"
    );
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
    assert_eq!(fault(b"{}"), Error::Document(DocumentError::Missing("issuer")));
    assert_eq!(fault(br#"{"issuer":7}"#), Error::Document(DocumentError::Member("issuer".into())));
    assert_eq!(
        fault(br#"{"issuer":"a","grant_types_supported":["a",7]}"#),
        Error::Document(DocumentError::Member("grant_types_supported[1]".into()))
    );
    assert_eq!(fault(br#"{"issuer":"a","issuer":"b"}"#), Error::Document(DocumentError::DuplicateMember));
    assert_eq!(fault(&[b' '; 64 * 1024 + 1]), Error::Document(DocumentError::TooLarge));
}

#[test]
fn attack_098_the_code_flow_needs_s256_and_says_what_is_missing() {
    use UnusableServer as No;
    let full = json!({
        "issuer": ISSUER, "authorization_endpoint": "https://h/a", "token_endpoint": "https://h/t",
        "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"],
    });
    let of = |change: Value, pkce| {
        let mut document = full.clone();
        for (name, value) in change.as_object().unwrap() {
            match value {
                Value::Null => drop(document.as_object_mut().unwrap().remove(name)),
                value => document[name] = value.clone(),
            }
        }
        parse(&document).unwrap().code_flow(pkce).map(|flow| flow.requires_response_iss)
    };
    let required = PkceMetadata::Required;
    assert_eq!(of(json!({}), required), Ok(false));
    assert_eq!(of(json!({"authorization_response_iss_parameter_supported": true}), required), Ok(true));
    for (change, no) in [
        (json!({"authorization_endpoint": null}), No::Missing("authorization_endpoint")),
        (json!({"token_endpoint": null}), No::Missing("token_endpoint")),
        (json!({"code_challenge_methods_supported": null}), No::NoPkce),
        (json!({"code_challenge_methods_supported": ["plain"]}), No::NoS256),
        (json!({"response_types_supported": ["id_token"]}), No::NoCode),
        (json!({"grant_types_supported": ["refresh_token"]}), No::NoCodeGrant),
        (json!({"require_pushed_authorization_requests": true}), No::PushedOnly),
    ] {
        assert_eq!(of(change, required), Err(no));
    }
    assert_eq!(
        of(json!({"response_types_supported": null}), required),
        Ok(false),
        "left out by real servers"
    );
    let assumed = PkceMetadata::AssumeS256;
    assert_eq!(of(json!({"code_challenge_methods_supported": null}), assumed), Ok(false), "Entra");
    assert_eq!(of(json!({"code_challenge_methods_supported": ["plain"]}), assumed), Err(No::NoS256));
}

#[test]
fn row_107_capabilities_are_read_from_the_document_and_its_defaults() {
    let none = parse(&json!({"issuer": ISSUER})).unwrap();
    assert!(none.supports_grant_type("authorization_code") && !none.supports_grant_type("refresh_token"));
    assert!(none.supports_client_authentication("client_secret_basic"));
    assert!(!none.supports_client_authentication("client_secret_post"));
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    let some = parse(&json!({
        "issuer": ISSUER, "grant_types_supported": [exchange],
        "token_endpoint_auth_methods_supported": ["none"], "client_id_metadata_document_supported": true,
    }))
    .unwrap();
    assert!(some.supports_grant_type(exchange) && !some.supports_grant_type("authorization_code"));
    assert!(some.supports_client_authentication("none"));
    assert!(!some.supports_client_authentication("client_secret_basic"));
    assert!(some.supports_client_metadata_documents() && !none.supports_client_metadata_documents());
}
