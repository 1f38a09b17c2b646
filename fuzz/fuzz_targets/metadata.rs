//! Invariant: an accepted document is of exactly the resource or issuer that was asked for, sends nobody over plain
//! HTTP to a remote host, and reads the same after it was written.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mcp_auth_discovery::transport::is_secure;
use mcp_auth_discovery::{AuthorizationServerMetadata, ProtectedResourceMetadata, ResourceIdentifier};
use serde_json::Value;

const RESOURCE: &str = "https://mcp.example/mcp";
const ISSUER: &str = "https://idp.example";

static IDENTIFIER: LazyLock<ResourceIdentifier> =
    LazyLock::new(|| ResourceIdentifier::parse(RESOURCE).unwrap());

fuzz_target!(|data: &[u8]| {
    if let Ok(resource) = ProtectedResourceMetadata::parse(data, &IDENTIFIER) {
        let value: Value = serde_json::from_slice(data).expect("accepted what serde_json refuses");
        assert_eq!(value["resource"], RESOURCE);
        assert!(resource.jwks_uri.as_ref().is_none_or(is_secure));
        let _ = resource.lint(&[RESOURCE]);
        let written = resource.to_json();
        let again =
            ProtectedResourceMetadata::parse(&written, &IDENTIFIER).expect("its own document is refused");
        assert_eq!(again.to_json(), written);
    }
    if let Ok(server) = AuthorizationServerMetadata::parse(data, ISSUER) {
        let value: Value = serde_json::from_slice(data).expect("accepted what serde_json refuses");
        assert_eq!(value["issuer"], ISSUER);
        for url in [
            &server.authorization_endpoint,
            &server.token_endpoint,
            &server.jwks_uri,
            &server.registration_endpoint,
            &server.introspection_endpoint,
            &server.revocation_endpoint,
            &server.userinfo_endpoint,
        ] {
            assert!(url.as_ref().is_none_or(is_secure), "insecure endpoint accepted: {url:?}");
        }
        let again = AuthorizationServerMetadata::parse(&server.to_json(), ISSUER)
            .expect("its own document is refused");
        assert_eq!(again.token_endpoint, server.token_endpoint);
        assert_eq!(again.authorization_endpoint, server.authorization_endpoint);
        assert_eq!(again.supports_pkce_s256(), server.supports_pkce_s256());
        assert_eq!(again.requires_response_iss(), server.requires_response_iss());
    }
});
