//! Invariant: an accepted document is of exactly the resource or issuer that was asked for, sends nobody over plain
//! HTTP to a remote host, and reads the same after it was written. A fetch asks at most three times, whatever is
//! answered, and a document of our own holds nothing of the provider's.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use http::Response;
use libfuzzer_sys::fuzz_target;
use mcp_auth_core::UnixTime;
use mcp_auth_discovery::facade::{FacadeIssuer, FacadeMetadata};
use mcp_auth_discovery::provider::{PkceMetadata, Quirks};
use mcp_auth_discovery::server::{
    MetadataCache, MetadataFetchStart, MetadataLife, MetadataSource, MetadataState,
};
use mcp_auth_discovery::transport::is_secure;
use mcp_auth_discovery::{AuthorizationServerMetadata, ProtectedResourceMetadata, ResourceIdentifier};
use serde_json::Value;
use url::Url;

const RESOURCE: &str = "https://mcp.example/mcp";
const ISSUER: &str = "https://idp.example";
const OURS: &str = "https://gw.example";

static IDENTIFIER: LazyLock<ResourceIdentifier> =
    LazyLock::new(|| ResourceIdentifier::parse(RESOURCE).unwrap());
static FACADE: LazyLock<FacadeMetadata> =
    LazyLock::new(|| FacadeMetadata::new(FacadeIssuer::parse(OURS).unwrap()));

fn safe(url: &Url) -> bool {
    is_secure(url) && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
}

fn fetched(data: &[u8], accepted: bool) {
    let (now, life) = (UnixTime::from_secs(1000), MetadataLife::default());
    let mut cache = MetadataCache::new(ISSUER, &MetadataSource::Standard, life).unwrap();
    let MetadataFetchStart::Begin(mut fetch) = cache.begin_fetch(now) else { panic!("nothing begins") };
    let mut asked = 0;
    while let Some(request) = fetch.next_request() {
        asked += 1;
        assert!(asked <= 3 && request.uri().host() == Some("idp.example"));
        fetch.handle_response(&Response::new(Bytes::copy_from_slice(data)));
    }
    cache.end_fetch(fetch, data.len() as u64, now);
    assert_eq!(cache.state(now) == MetadataState::Fresh, accepted);
    assert_eq!(cache.status(now).last_error.is_none(), accepted);
}

fuzz_target!(|data: &[u8]| {
    if let Ok(resource) = ProtectedResourceMetadata::parse(data, &IDENTIFIER) {
        let value: Value = serde_json::from_slice(data).expect("accepted what serde_json refuses");
        assert_eq!(value["resource"], RESOURCE);
        assert!(resource.jwks_uri.as_ref().is_none_or(safe));
        let _ = resource.lint(&[RESOURCE]);
        let written = resource.to_json();
        let again =
            ProtectedResourceMetadata::parse(&written, &IDENTIFIER).expect("its own document is refused");
        assert_eq!(again.to_json(), written);
        for (member, text) in resource.localized.iter() {
            assert_eq!(value[member], text);
        }
    }
    let server = AuthorizationServerMetadata::parse(data, ISSUER);
    fetched(data, server.is_ok());
    let Ok(server) = server else { return };
    let value: Value = serde_json::from_slice(data).expect("accepted what serde_json refuses");
    assert_eq!(value["issuer"], ISSUER);
    let aliases = value["mtls_endpoint_aliases"].as_object().into_iter().flatten();
    let own = value.as_object().unwrap().iter();
    let endpoints = own.filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri");
    for (name, value) in endpoints.chain(aliases) {
        if let Some(text) = value.as_str() {
            let url = Url::parse(text).expect("accepted what is no URL");
            assert!(safe(&url), "dangerous {name} accepted: {url}");
        }
    }
    let again =
        AuthorizationServerMetadata::parse(&server.to_json(), ISSUER).expect("its own document is refused");
    assert_eq!(again, server);
    if let Ok(flow) = server.code_flow(PkceMetadata::Required) {
        assert!(
            server.supports_pkce_s256() && safe(flow.authorization_endpoint) && safe(flow.token_endpoint)
        );
    }
    let _ = FACADE.lint(&server, &Quirks::default());
    for url in FACADE.issuer().metadata_urls() {
        let ours = FACADE.document_at(&url, Some(&server)).expect("our own document");
        assert!(!String::from_utf8_lossy(&ours).contains("idp.example"), "the provider's in ours");
        let read = AuthorizationServerMetadata::parse(&ours, OURS).expect("our own document is refused");
        assert!(read.code_flow(PkceMetadata::Required).is_ok_and(|flow| flow.requires_response_iss));
    }
});
