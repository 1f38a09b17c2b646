use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use super::*;
use crate::DocumentError;
use crate::registration::{KnownClient, RedirectUriRules};
use ClientDocumentError as Error;

const ID: &str = "https://app.example.com/oauth/client.json";

fn id() -> ClientIdUrl {
    ClientIdUrl::parse(ID).unwrap()
}

fn good() -> Value {
    json!({"client_id": ID, "client_name": "App", "redirect_uris": ["https://app.example.com/cb"]})
}

fn with(change: Value) -> Value {
    let mut document = good();
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(document.as_object_mut().unwrap().remove(name)),
            value => document[name] = value.clone(),
        }
    }
    document
}

fn answer(body: &Value, headers: &[(&str, &str)]) -> Response<Bytes> {
    let mut response = Response::builder();
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Bytes::from(body.to_string())).unwrap()
}

fn read(body: &Value) -> Result<FetchedClient, Error> {
    ClientMetadataPolicy::default().read(&id(), &answer(body, &[("content-type", "application/json")]))
}

#[test]
fn mcp_c8_a_client_id_is_an_https_url_with_a_path_in_one_spelling() {
    for good in [
        "https://app.example.com/client.json",
        "https://app.example.com:8443/a/b/",
        "https://app.example.com/c?v=1",
        "https://[2001:db8::1]/c",
        "https://xn--bcher-kva.example/c",
    ] {
        let id = ClientIdUrl::parse(good).unwrap();
        assert_eq!((id.as_str(), id.url().as_str()), (good, good));
    }
    use ClientIdError as E;
    for (bad, error) in [
        ("http://app.example.com/c", E::Scheme),
        ("http://localhost/c", E::Scheme),
        ("javascript:alert(1)", E::Scheme),
        ("file:///etc/passwd", E::Scheme),
        ("https://app.example.com", E::NoPath),
        ("https://app.example.com/", E::NoPath),
        ("https://app.example.com?c", E::NoPath),
        ("https://app.example.com/c#f", E::Fragment),
        ("https://u@app.example.com/c", E::UserInfo),
        ("https://u:p@app.example.com/c", E::UserInfo),
        ("https://app.example.com/a/../c", E::NotCanonical),
        ("https://app.example.com/./c", E::NotCanonical),
        ("https://app.example.com/a/%2e%2e/c", E::NotCanonical),
        ("https://app.example.com/a/.%2E/c", E::NotCanonical),
        ("https://APP.example.com/c", E::NotCanonical),
        ("https://app.example.com:443/c", E::NotCanonical),
        ("https://b\u{fc}cher.example/c", E::NotCanonical),
        ("https:/app.example.com/c", E::NotCanonical),
        ("https:///app.example.com/c", E::NotCanonical),
        ("https://0x7f.1/c", E::NotCanonical),
        ("https://app.example.com\\c", E::NotAUrl),
        ("https://app.example.com/c d", E::NotAUrl),
        ("https://app.example.com/c\r\n", E::NotAUrl),
        ("app.example.com/c", E::NotAUrl),
        ("", E::NotAUrl),
    ] {
        assert_eq!(ClientIdUrl::parse(bad), Err(error), "{bad}");
    }
    let long = format!("https://app.example.com/{}", "a".repeat(MAX_CLIENT_ID_BYTES));
    assert_eq!(ClientIdUrl::parse(&long), Err(E::TooLong));
    assert!(ClientIdUrl::insecure_http("http://127.0.0.1:9490/doc").is_ok());
    assert!(ClientIdUrl::looks_like(ID) && !ClientIdUrl::looks_like("0oa1b2"));
}

#[test]
fn mcp_c8_consent_shows_the_host_and_not_what_it_looks_like() {
    let shown = |id: &str| ClientIdUrl::parse(id).unwrap().authority().to_owned();
    assert_eq!(shown("https://app.example.com/claude.ai/c"), "app.example.com");
    assert_eq!(shown("https://app.example.com:8443/c"), "app.example.com:8443");
    assert_eq!(shown("https://xn--ppe-qdd.example/c"), "xn--ppe-qdd.example");
}

#[test]
fn mcp_c8_the_document_names_its_url_exactly() {
    assert_eq!(read(&good()).unwrap().document.id(), &id());
    for other in [
        "https://app.example.com/oauth/client.json/",
        "https://app.example.com/oauth/client",
        "https://APP.example.com/oauth/client.json",
        "https://evil.example/oauth/client.json",
        "",
    ] {
        assert_eq!(read(&with(json!({"client_id": other}))), Err(Error::IdMismatch), "{other}");
    }
    assert_eq!(read(&with(json!({"client_id": 7}))), Err(Error::IdMismatch));
    for name in ["client_id", "client_name", "redirect_uris"] {
        let error = read(&with(json!({name: null}))).unwrap_err();
        assert_eq!(error, Error::Document(DocumentError::Missing(name)));
    }
    assert_eq!(read(&with(json!({"client_name": " "}))), Err(Error::Empty("client_name")));
    assert_eq!(read(&with(json!({"redirect_uris": []}))), Err(Error::Empty("redirect_uris")));
}

#[test]
fn mcp_c8_nothing_in_a_public_document_is_secret() {
    for name in ["client_secret", "client_secret_expires_at"] {
        assert_eq!(read(&with(json!({name: "x"}))), Err(Error::SharedSecret(name)));
    }
    for method in ["client_secret_basic", "client_secret_post", "client_secret_jwt", "", "x"] {
        let document = with(json!({"token_endpoint_auth_method": method}));
        assert_eq!(read(&document), Err(Error::AuthMethod), "{method}");
    }
    for key in [
        json!({"kty": "oct", "k": "c2VjcmV0"}),
        json!({"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "d": "d"}),
        json!({"kty": "RSA", "n": "n", "e": "AQAB", "p": "p"}),
    ] {
        let document = with(json!({"jwks": {"keys": [key]}}));
        assert_eq!(read(&document), Err(Error::SharedSecret("jwks")), "{document}");
    }
    let by_key = |keys: Value| with(json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": keys}));
    assert_eq!(read(&by_key(json!(null))), Err(Error::NoKeys));
    let public = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}]});
    assert!(read(&by_key(public)).is_ok());
    let uri =
        json!({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://app.example.com/k"});
    assert!(read(&with(uri)).is_ok());
    let none = read(&good()).unwrap().document;
    assert_eq!(
        none.metadata().token_endpoint_auth_method.as_deref(),
        Some("none"),
        "not Basic, as in RFC 7591"
    );
}

#[test]
fn attack_110_redirect_uris_and_pages_are_checked_as_in_a_registration() {
    for change in [
        json!({"redirect_uris": ["http://evil.example/cb"]}),
        json!({"redirect_uris": ["javascript:alert(1)"]}),
        json!({"redirect_uris": ["https://app.example.com/cb", "cursor://x"]}),
        json!({"logo_uri": "javascript:alert(1)"}),
        json!({"client_uri": "data:text/html,x"}),
        json!({"client_name": "a\u{0}b"}),
        json!({"jwks_uri": "http://app.example.com/k"}),
    ] {
        assert!(matches!(read(&with(change.clone())), Err(Error::Metadata(_))), "{change}");
    }
    let cursor = with(json!({"redirect_uris": ["cursor://anysphere.cursor-mcp/oauth/callback"]}));
    let rules = RedirectUriRules::default().allow_known_client(KnownClient::Cursor);
    let policy = ClientMetadataPolicy::default().redirect_uris(rules);
    assert!(policy.read(&id(), &answer(&cursor, &[("content-type", "application/json")])).is_ok());
}

#[test]
fn mcp_c8_only_a_plain_200_with_json_is_read() {
    let policy = ClientMetadataPolicy::default();
    for status in [201, 204, 301, 302, 304, 307, 404, 500] {
        let mut response =
            answer(&good(), &[("content-type", "application/json"), ("location", "https://evil")]);
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        assert_eq!(policy.read(&id(), &response), Err(Error::Status(status)));
    }
    for media_type in ["application/json; charset=utf-8", "Application/JSON", "application/cimd+json"] {
        assert!(
            policy.read(&id(), &answer(&good(), &[("content-type", media_type)])).is_ok(),
            "{media_type}"
        );
    }
    for media_type in ["text/html", "text/json", "application/jsonp", "application/jwt", "json", ""] {
        let response = answer(&good(), &[("content-type", media_type)]);
        assert_eq!(policy.read(&id(), &response), Err(Error::MediaType), "{media_type}");
    }
    assert_eq!(policy.read(&id(), &answer(&good(), &[])), Err(Error::MediaType));
    let text = |body: &'static str| {
        let json = [("content-type", "application/json")];
        let mut response = answer(&good(), &json);
        *response.body_mut() = Bytes::from(body);
        policy.read(&id(), &response).unwrap_err()
    };
    assert_eq!(text("<html>"), Error::Document(DocumentError::NotJson));
    assert_eq!(text("[]"), Error::Document(DocumentError::NotAnObject));
    assert_eq!(text(r#"{"client_id":"a","client_id":"b"}"#), Error::Document(DocumentError::DuplicateMember));
}

#[test]
fn mcp_c8_documents_are_small() {
    let padded = |bytes: usize| {
        let document = with(json!({"padding": ""}));
        let text = document.to_string();
        with(json!({"padding": "x".repeat(bytes - text.len())}))
    };
    assert!(read(&padded(5 * 1024)).is_ok());
    assert_eq!(read(&padded(5 * 1024 + 1)), Err(Error::Document(DocumentError::TooLarge)));
    let policy = ClientMetadataPolicy::default().max_bytes(10 * 1024);
    assert_eq!(policy.limit(), 10 * 1024);
    let response = answer(&padded(10 * 1024), &[("content-type", "application/json")]);
    assert!(policy.read(&id(), &response).is_ok());
    assert_eq!(ClientMetadataPolicy::default().max_bytes(usize::MAX).limit(), crate::MAX_DOCUMENT_BYTES);
}

#[test]
fn mcp_c8_headers_say_how_long_within_bounds() {
    let kept = |policy: &ClientMetadataPolicy, value: &str| {
        let json = ("content-type", "application/json");
        policy.read(&id(), &answer(&good(), &[json, ("cache-control", value)])).unwrap().lifetime.as_secs()
    };
    let policy = ClientMetadataPolicy::default();
    for (value, seconds) in [
        ("max-age=600", 600),
        ("max-age=0", 300),
        ("no-store", 300),
        ("public", 3600),
        ("max-age=99999999", 86_400),
    ] {
        assert_eq!(kept(&policy, value), seconds, "{value}");
    }
    let short = policy.lifetime(Duration::from_secs(10), Duration::from_secs(20));
    assert_eq!((kept(&short, "no-store"), kept(&short, "public")), (10, 20));
    let swapped = ClientMetadataPolicy::default().lifetime(Duration::from_secs(20), Duration::from_secs(10));
    assert_eq!(kept(&swapped, "no-store"), 10, "no panic");
}

#[test]
fn mcp_c8_hosts_may_be_listed() {
    let policy = ClientMetadataPolicy::default().allow_host("Claude.ai").allow_subdomains_of("example.com");
    let check = |id: &str| policy.check(&ClientIdUrl::parse(id).unwrap());
    assert_eq!(check("https://claude.ai/c"), Ok(()));
    assert_eq!(check("https://claude.ai:8443/c"), Ok(()));
    assert_eq!(check("https://a.b.example.com/c"), Ok(()));
    for other in [
        "https://example.com/c",
        "https://badexample.com/c",
        "https://claude.ai.evil.example/c",
        "https://evil.example/claude.ai/c",
        "https://x.claude.ai/c",
    ] {
        assert_eq!(check(other), Err(ClientIdError::HostNotAllowed), "{other}");
        let id = ClientIdUrl::parse(other).unwrap();
        assert!(policy.request(&id).is_err(), "nothing is fetched");
    }
    assert_eq!(ClientMetadataPolicy::default().check(&id()), Ok(()));
}

#[test]
fn mcp_c7_redirect_uris_match_exactly_but_for_the_loopback_port() {
    let local = with(json!({"redirect_uris": ["http://127.0.0.1/cb", "http://localhost:1/cb"]}));
    let local = read(&local).unwrap().document;
    assert!(local.is_loopback_only());
    assert!(local.has_redirect_uri("http://127.0.0.1:50123/cb"));
    assert!(!local.has_redirect_uri("http://127.0.0.1:50123/cb/x"));
    let mixed = with(json!({"redirect_uris": ["http://127.0.0.1/cb", "https://app.example.com/cb"]}));
    let mixed = read(&mixed).unwrap().document;
    assert!(!mixed.is_loopback_only());
    assert!(!mixed.has_redirect_uri("https://app.example.com:8443/cb"));
}
