mod lint;
mod location;
mod signed;

use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::{DocumentError, EndpointFault, Scopes};

fn resource(text: &str) -> ResourceIdentifier {
    ResourceIdentifier::parse(text).unwrap()
}

fn value(metadata: &ProtectedResourceMetadata) -> Value {
    serde_json::from_slice(&metadata.to_json()).unwrap()
}

#[test]
fn mcp_a6_identifiers_are_canonical() {
    for (given, canonical) in [
        ("HTTPS://MCP.Example.COM/Mcp", "https://mcp.example.com/Mcp"),
        ("https://mcp.example.com:443", "https://mcp.example.com"),
        ("https://mcp.example.com:8443", "https://mcp.example.com:8443"),
        ("https://mcp.example.com/", "https://mcp.example.com/"),
        ("https://mcp.example.com/a/", "https://mcp.example.com/a/"),
        ("https://mcp.example.com?x=/", "https://mcp.example.com?x=/"),
        ("http://[::1]:3000/mcp", "http://[::1]:3000/mcp"),
        ("http://localhost:3003/mcp", "http://localhost:3003/mcp"),
    ] {
        assert_eq!(resource(given).as_str(), canonical);
        assert_eq!(resource(canonical).as_str(), canonical, "stable");
    }
}

#[test]
fn faulty_identifiers_are_refused() {
    use ResourceErrorKind as Kind;
    for (given, kind) in [
        ("", Kind::Url),
        ("mcp.example.com/mcp", Kind::Url),
        ("https:/mcp.example.com", Kind::Url),
        ("https:///mcp.example.com", Kind::Url),
        ("https://mcp.example.com\\a", Kind::Url),
        (" https://mcp.example.com", Kind::Url),
        ("https://mcp.example\r\n.com", Kind::Url),
        ("https://", Kind::Url),
        ("https://mcp.example.com#", Kind::Fragment),
        ("https://mcp.example.com/a#b", Kind::Fragment),
        ("https://user@mcp.example.com", Kind::UserInfo),
        ("https://@mcp.example.com", Kind::UserInfo),
        ("http://mcp.example.com", Kind::InsecureHttp),
        ("ftp://mcp.example.com", Kind::Scheme),
        ("urn://x", Kind::Scheme),
    ] {
        assert_eq!(ResourceIdentifier::parse(given).map_err(|e| e.kind()), Err(kind), "{given:?}");
    }
    let long = format!("https://h/{}", "a".repeat(MAX_RESOURCE_BYTES));
    assert_eq!(ResourceIdentifier::parse(&long).unwrap_err().kind(), ResourceErrorKind::TooLong);
    assert!(ResourceIdentifier::insecure_http("http://mcp.example.com").is_ok());
    assert!(ResourceIdentifier::insecure_http("file:///etc/passwd").is_err());
}

#[test]
fn row_117_provider_and_resource_metadata_make_a_document() {
    let metadata = ProtectedResourceMetadata::builder(resource("https://gw.example.com/mcp"))
        .authorization_server("https://keycloak.example.com/realms/mcp")
        .scopes_supported(&Scopes::parse("mcp:invoke").unwrap())
        .bearer_methods_supported([BearerMethod::Header])
        .build();
    assert_eq!(
        value(&metadata),
        json!({
            "resource": "https://gw.example.com/mcp",
            "authorization_servers": ["https://keycloak.example.com/realms/mcp"],
            "scopes_supported": ["mcp:invoke"],
            "bearer_methods_supported": ["header"],
        })
    );
}

#[test]
fn row_118_only_accepted_bearer_methods_are_published() {
    let builder = ProtectedResourceMetadata::builder(resource("https://h/mcp"))
        .authorization_server("https://as")
        .bearer_methods_supported([BearerMethod::Header, BearerMethod::Body, BearerMethod::Query]);
    assert_eq!(builder.lint(&[]), [MetadataLint::BearerMethod("body"), MetadataLint::BearerMethod("query")]);
    assert_eq!(value(&builder.build())["bearer_methods_supported"], json!(["header"]));

    let default = ProtectedResourceMetadata::builder(resource("https://h/mcp")).build();
    assert_eq!(value(&default)["bearer_methods_supported"], json!(["header"]));
    let foreign = br#"{"resource":"https://h/mcp","authorization_servers":["https://as"],"bearer_methods_supported":["query"]}"#;
    let foreign = ProtectedResourceMetadata::parse(foreign, &resource("https://h/mcp")).unwrap();
    assert_eq!(foreign.lint(&["https://h/mcp"]), [MetadataLint::BearerMethod("query")]);
}

#[test]
fn row_119_vendor_members_are_not_repeated() {
    let text = br#"{"resource":"https://h/mcp","authorization_servers":["https://as"],
        "agentgateway.dev/issuer-proxy":"http://internal:7777/oauth-issuer"}"#;
    let metadata = ProtectedResourceMetadata::parse(text, &resource("https://h/mcp")).unwrap();
    assert_eq!(
        value(&metadata),
        json!({"resource": "https://h/mcp", "authorization_servers": ["https://as"]})
    );
}

#[test]
fn row_120_the_gateway_may_be_its_own_authorization_server() {
    let metadata = ProtectedResourceMetadata::builder(resource("https://gw.example.com/mcp"))
        .authorization_server("https://gw.example.com")
        .build();
    assert_eq!(
        value(&metadata)["authorization_servers"],
        json!(["https://gw.example.com"]),
        "no slash appears"
    );
}

#[test]
fn row_122_the_document_is_a_json_object() {
    assert!(value(&ProtectedResourceMetadata::builder(resource("https://h")).build()).is_object());
}

#[test]
fn row_126_resource_is_the_place_that_was_asked() {
    let mcp = resource("http://localhost:3003/mcp");
    let asked = |text: &str| mcp.is_described_at(&Url::parse(text).unwrap());
    assert!(asked("http://localhost:3003/.well-known/oauth-protected-resource/mcp"));
    assert_eq!(
        value(&ProtectedResourceMetadata::builder(mcp.clone()).build())["resource"],
        json!("http://localhost:3003/mcp")
    );
    for other in [
        "http://127.0.0.1:3003/.well-known/oauth-protected-resource/mcp",
        "http://localhost:3004/.well-known/oauth-protected-resource/mcp",
        "https://localhost:3003/.well-known/oauth-protected-resource/mcp",
        "http://localhost:3003/.well-known/oauth-protected-resource",
        "http://localhost:3003/.well-known/oauth-protected-resource/mcp/x",
    ] {
        assert!(!asked(other), "{other}");
    }
}

#[test]
fn row_127_audience_defaults_to_resource() {
    assert_eq!(
        resource("http://localhost:3003/mcp").audiences_or_self(vec![]),
        ["http://localhost:3003/mcp"]
    );
}

#[test]
fn row_128_other_audiences_are_a_lint() {
    let builder =
        ProtectedResourceMetadata::builder(resource("https://h/mcp")).authorization_server("https://as");
    assert_eq!(builder.lint(&["https://h/mcp"]), []);
    assert_eq!(
        builder.lint(&["https://h/mcp", "https://h/mcp/", "account"]),
        [MetadataLint::Audience("https://h/mcp/".into()), MetadataLint::Audience("account".into())]
    );
}

#[test]
fn mcp_a5_offline_access_is_not_published() {
    let builder = ProtectedResourceMetadata::builder(resource("https://h/mcp"))
        .authorization_server("https://as")
        .scopes_supported(&Scopes::parse("read offline_access").unwrap());
    assert_eq!(builder.lint(&[]), [MetadataLint::OfflineAccess]);
    assert_eq!(value(&builder.build())["scopes_supported"], json!(["read"]));
    let only = ProtectedResourceMetadata::builder(resource("https://h"))
        .scopes_supported(&Scopes::parse("offline_access").unwrap())
        .build();
    assert_eq!(value(&only).get("scopes_supported"), None);
}

#[test]
fn mcp_a1_a_document_without_authorization_server_is_a_lint() {
    let builder = ProtectedResourceMetadata::builder(resource("https://h/a/?x"));
    assert_eq!(
        builder.lint(&[]),
        [MetadataLint::NoAuthorizationServer, MetadataLint::TrailingSlash, MetadataLint::Query]
    );
}

#[test]
fn row_133_members_are_written_in_snake_case() {
    let json = value(&all());
    for name in json.as_object().unwrap().keys() {
        let bare = name.split('#').next().unwrap();
        assert!(bare.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
    }
    for name in ["resource", "scopes_supported", "bearer_methods_supported"] {
        assert!(json.get(name).is_some(), "{name}");
    }
}

#[test]
fn row_134_optional_members_are_absent_or_there() {
    let none = value(&ProtectedResourceMetadata::builder(resource("https://h")).build());
    assert_eq!(none.get("resource_documentation"), None);
    assert_eq!(none.get("resource_policy_uri"), None);
    assert!(!none.to_string().contains("null"));
    let some = value(&all());
    assert_eq!(some["resource_documentation"], json!("https://docs.example.com"));
    assert_eq!(some["resource_policy_uri"], json!("https://docs.example.com/policy"));
}

#[test]
fn row_136_scopes_are_published_as_configured() {
    for scopes in ["email", "read:all", "mcp:invoke"] {
        let metadata = ProtectedResourceMetadata::builder(resource("https://h"))
            .scopes_supported(&Scopes::parse(scopes).unwrap())
            .build();
        assert_eq!(value(&metadata)["scopes_supported"], json!([scopes]));
    }
}

#[test]
fn row_137_server_scopes_and_methods_are_in_the_document() {
    let json = value(&all());
    assert_eq!(json["authorization_servers"], json!(["https://as.example.com", "https://as2.example.com/"]));
    assert_eq!(json["scopes_supported"], json!(["email", "read:all"]));
    assert_eq!(json["bearer_methods_supported"], json!(["header"]));
}

#[test]
fn every_member_survives_a_round_trip() {
    let metadata = all();
    assert_eq!(value(&metadata).as_object().unwrap().len(), 15);
    assert_eq!(ProtectedResourceMetadata::parse(&metadata.to_json(), &metadata.resource).unwrap(), metadata);
}

#[test]
fn attack_110_metadata_of_another_resource_is_refused() {
    let expected = resource("https://h/mcp");
    for other in ["https://h/mcp/", "https://H/mcp", "https://h:443/mcp", "https://h", "https://evil/mcp", ""]
    {
        let text = json!({"resource": other}).to_string();
        let error = ProtectedResourceMetadata::parse(text.as_bytes(), &expected).unwrap_err();
        assert!(
            matches!(&error, ProtectedResourceMetadataError::ResourceMismatch { got, .. } if got == other),
            "{error}"
        );
    }
    for (url, fault) in [
        ("http://h/keys", EndpointFault::Insecure),
        ("file:///keys", EndpointFault::Scheme),
        ("javascript:1", EndpointFault::Scheme),
        ("https://u:p@h/keys", EndpointFault::UserInfo),
        ("https://h/keys#f", EndpointFault::Fragment),
    ] {
        let text = json!({"resource": "https://h/mcp", "jwks_uri": url}).to_string();
        assert_eq!(
            ProtectedResourceMetadata::parse(text.as_bytes(), &expected),
            Err(ProtectedResourceMetadataError::JwksUri(fault)),
            "{url}"
        );
    }
}

#[test]
fn odd_documents_are_refused() {
    let parse = |text: &str| ProtectedResourceMetadata::parse(text.as_bytes(), &resource("https://h"));
    let fault = |error| Err(ProtectedResourceMetadataError::Document(error));
    assert_eq!(parse("<html>"), fault(DocumentError::NotJson));
    let member = |name: &str| fault(DocumentError::Member(name.to_owned()));
    assert_eq!(parse("[]"), fault(DocumentError::NotAnObject));
    assert_eq!(parse("{}"), fault(DocumentError::Missing("resource")));
    assert_eq!(parse(r#"{"resource":["https://h"]}"#), member("resource"));
    assert_eq!(
        parse(r#"{"resource":"https://h","resource":"https://h"}"#),
        fault(DocumentError::DuplicateMember)
    );
    assert_eq!(parse(r#"{"resource":"https://h","scopes_supported":"a"}"#), member("scopes_supported"));
    let long = format!(r#"{{"resource":"https://h","resource_name":"{}"}}"#, "n".repeat(64 * 1024));
    assert_eq!(parse(&long), fault(DocumentError::TooLarge));
}

fn all() -> ProtectedResourceMetadata {
    ProtectedResourceMetadata::builder(resource("https://mcp.example.com/mcp"))
        .authorization_server("https://as.example.com")
        .authorization_server("https://as2.example.com/")
        .scopes_supported(&Scopes::parse("email read:all").unwrap())
        .jwks_uri(Url::parse("https://mcp.example.com/keys").unwrap())
        .resource_signing_alg_values_supported(vec!["ES256".into()])
        .resource_name("Files")
        .resource_documentation("https://docs.example.com")
        .resource_policy_uri("https://docs.example.com/policy")
        .resource_tos_uri("https://docs.example.com/tos")
        .tls_client_certificate_bound_access_tokens(false)
        .authorization_details_types_supported(vec!["tool".into()])
        .dpop_signing_alg_values_supported(vec!["ES256".into()])
        .dpop_bound_access_tokens_required(true)
        .localized(HumanReadable::Name, "de", "Dateien")
        .unwrap()
        .build()
}
