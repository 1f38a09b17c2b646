//! Invariant: a `client_id` that is accepted is an https URL in its one spelling; a document that is accepted is of
//! exactly that URL, small, without secrets, with a name and redirect URIs that a registration would accept, and is kept
//! within the bounds.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response};
use libfuzzer_sys::fuzz_target;
use mcp_auth_discovery::client_metadata::{ClientIdUrl, ClientMetadataPolicy};
use mcp_auth_discovery::freshness::lifetime;
use mcp_auth_discovery::registration::RedirectUriRules;
use serde_json::Value;
use url::Url;

const ID: &str = "https://app.example/c";

static POLICY: LazyLock<ClientMetadataPolicy> = LazyLock::new(ClientMetadataPolicy::default);
static KNOWN: LazyLock<ClientIdUrl> = LazyLock::new(|| ClientIdUrl::parse(ID).unwrap());

// The first line is a `client_id`, the second a `Cache-Control`, the rest a document.
fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let (id, cache) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let body = parts.next().unwrap_or(data);
    if let Ok(text) = std::str::from_utf8(id)
        && let Ok(id) = ClientIdUrl::parse(text)
    {
        let url = Url::parse(text).expect("accepted what is no URL");
        assert_eq!((url.as_str(), id.as_str(), url.scheme()), (text, text, "https"));
        assert!(ClientIdUrl::looks_like(text) && !text.contains(['#', '\\', ' ']));
        assert!(url.path().len() > 1 && !url.path().split('/').any(|segment| matches!(segment, "." | "..")));
        assert!(id.authority().starts_with(id.host()) && !id.authority().contains('@'));
        let request = POLICY.request(&id).map(|request| request.uri().host().map(str::to_owned));
        assert!(request.is_err() || request.is_ok_and(|host| host.as_deref() == Some(id.host())), "{text}");
    }
    let mut response = Response::new(Bytes::copy_from_slice(body));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    if let Ok(value) = HeaderValue::from_bytes(cache) {
        response.headers_mut().insert("cache-control", value);
    }
    let _ = lifetime(response.headers());
    let Ok(fetched) = POLICY.read(&KNOWN, &response) else { return };
    assert!(body.len() <= POLICY.limit());
    assert!((Duration::from_secs(300)..=Duration::from_secs(86_400)).contains(&fetched.lifetime));
    let value: Value = serde_json::from_slice(body).expect("accepted what serde_json refuses");
    assert_eq!(value["client_id"], ID);
    for secret in ["client_secret", "client_secret_expires_at"] {
        assert!(value.get(secret).is_none());
    }
    let metadata = fetched.document.metadata();
    assert!(metadata.client_name.as_ref().is_some_and(|name| !name.trim().is_empty()));
    assert!(!metadata.redirect_uris.is_empty());
    for uri in &metadata.redirect_uris {
        assert_eq!(RedirectUriRules::default().check(uri), Ok(()));
        assert!(fetched.document.has_redirect_uri(uri));
    }
    let method = metadata.token_endpoint_auth_method.as_deref();
    assert!(method.is_some_and(|method| !method.starts_with("client_secret")));
});
