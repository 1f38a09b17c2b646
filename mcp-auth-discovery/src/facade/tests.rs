use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::provider::{PkceMetadata, Provider, Quirks};
use crate::server::{AuthorizationServerMetadata, UnusableServer};
use crate::{ResourceIdentifier, Scopes};

const ISSUER: &str = "https://gw.example.com";

fn facade() -> FacadeMetadata {
    FacadeMetadata::new(FacadeIssuer::parse(ISSUER).unwrap())
        .scopes(&Scopes::parse("mcp:read mcp:write").unwrap())
}

fn document(
    facade: &FacadeMetadata,
    path: &str,
    upstream: Option<&AuthorizationServerMetadata>,
) -> Option<Value> {
    let bytes =
        facade.document_at(&Url::parse(&format!("https://gw.example.com{path}")).unwrap(), upstream)?;
    Some(serde_json::from_slice(&bytes).unwrap())
}

/// A provider that says everything, all of which would be wrong in our documents.
fn keycloak() -> AuthorizationServerMetadata {
    let issuer = "https://keycloak.acme.io/realms/acme";
    let text = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/protocol/openid-connect/auth"),
        "token_endpoint": format!("{issuer}/protocol/openid-connect/token"),
        "jwks_uri": format!("{issuer}/protocol/openid-connect/certs"),
        "registration_endpoint": format!("{issuer}/clients-registrations/openid-connect"),
        "introspection_endpoint": format!("{issuer}/introspect"),
        "pushed_authorization_request_endpoint": format!("{issuer}/par"),
        "mtls_endpoint_aliases": {"token_endpoint": format!("{issuer}/mtls")},
        "scopes_supported": ["openid", "profile", "email", "mcp:read", "offline_access"],
        "response_types_supported": ["code", "id_token", "token"],
        "grant_types_supported": ["authorization_code", "refresh_token", "password", "implicit"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_jwt"],
        "authorization_response_iss_parameter_supported": true,
        "signed_metadata": "a.b.c",
        "service_documentation": "javascript:alert(1)",
        "backchannel_logout_supported": true,
    })
    .to_string();
    AuthorizationServerMetadata::parse(text.as_bytes(), issuer).unwrap()
}

#[test]
fn mcp_c1_c6_c11_row_139_to_141_the_document_of_rfc_8414() {
    let upstream = keycloak();
    let found = document(&facade(), "/.well-known/oauth-authorization-server", Some(&upstream)).unwrap();
    assert_eq!(
        found,
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://gw.example.com/authorize",
            "token_endpoint": "https://gw.example.com/token",
            "jwks_uri": "https://gw.example.com/.well-known/jwks.json",
            "registration_endpoint": "https://gw.example.com/register",
            "revocation_endpoint": "https://gw.example.com/revoke",
            "scopes_supported": ["mcp:read", "mcp:write", "offline_access"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "revocation_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "client_id_metadata_document_supported": true,
        })
    );
    assert!(!found.to_string().contains("keycloak"), "M18: nothing of the provider's stands in ours");
    assert_eq!(found["jwks_uri"], facade().url(FacadeEndpoint::Keys).as_str());
}

#[test]
fn mcp_c3_the_document_of_openid_connect_is_the_same_with_what_it_requires() {
    let mut oidc = document(&facade(), "/.well-known/openid-configuration", None).unwrap();
    for (name, value) in [
        ("subject_types_supported", json!(["public"])),
        ("id_token_signing_alg_values_supported", json!(["RS256"])),
    ] {
        assert_eq!(oidc.as_object_mut().unwrap().remove(name), Some(value));
    }
    assert_eq!(Some(oidc), document(&facade(), "/.well-known/oauth-authorization-server", None));
}

/// Every document that we serve is one that we, as the strictest of clients, would use.
#[test]
fn mcp_c2_c4_our_own_client_accepts_our_own_documents() {
    for facade in [facade(), facade().registration(false).client_metadata_documents(false)] {
        for url in facade.issuer().metadata_urls() {
            let bytes = facade.document_at(&url, Some(&keycloak())).unwrap();
            let read = AuthorizationServerMetadata::parse(&bytes, ISSUER).unwrap();
            let flow = read.code_flow(PkceMetadata::Required).unwrap();
            assert!(flow.requires_response_iss, "RFC 9207");
            for method in ["none", "client_secret_basic", "client_secret_post"] {
                assert!(read.supports_client_authentication(method), "mcp_c5 {method}");
            }
        }
    }
}

#[test]
fn row_141_without_the_provider_the_documents_are_there() {
    let without = document(&facade(), "/.well-known/oauth-authorization-server", None).unwrap();
    let with = document(&facade(), "/.well-known/oauth-authorization-server", Some(&keycloak())).unwrap();
    assert_eq!(without, with);
}

#[test]
fn mcp_a5_offline_access_and_refresh_go_together_and_openid_is_no_scope_of_ours() {
    let scopes = Scopes::parse("openid mcp:read offline_access").unwrap();
    let of = |facade: FacadeMetadata, upstream: Option<&AuthorizationServerMetadata>| {
        let metadata = facade.scopes(&scopes).authorization_server(upstream);
        (metadata.scopes_supported.unwrap().join(" "), metadata.grant_types_supported.unwrap().join(" "))
    };
    let (with, without) = ("authorization_code refresh_token", "authorization_code");
    assert_eq!(of(facade(), None), ("mcp:read offline_access".into(), with.into()));
    assert_eq!(of(facade().refresh_tokens(false), None), ("mcp:read".into(), without.into()));
    let mut upstream = keycloak();
    upstream.grant_types_supported = Some(vec!["authorization_code".into()]);
    assert_eq!(of(facade(), Some(&upstream)), ("mcp:read".into(), without.into()));
    upstream.grant_types_supported = None;
    assert_eq!(of(facade(), Some(&upstream)).1, with, "absent says nothing about refresh");
    let bare = FacadeMetadata::new(FacadeIssuer::parse(ISSUER).unwrap()).refresh_tokens(false);
    assert_eq!(bare.authorization_server(None).scopes_supported, None);
}

#[test]
fn mcp_c15_what_is_offered_beside_the_code_flow_is_listed() {
    let metadata = facade()
        .grant_type("client_credentials")
        .private_key_jwt(["ES256"])
        .dpop(["ES256", "EdDSA"])
        .protected_resource(&ResourceIdentifier::parse("https://gw.example.com/mcp").unwrap())
        .service_documentation(Url::parse("https://docs.example.com/").unwrap())
        .authorization_server(None);
    assert!(metadata.supports_grant_type("client_credentials"));
    assert!(metadata.supports_client_authentication("private_key_jwt"));
    assert_eq!(metadata.token_endpoint_auth_signing_alg_values_supported, Some(vec!["ES256".to_owned()]));
    assert_eq!(metadata.dpop_signing_alg_values_supported.unwrap().len(), 2);
    assert_eq!(metadata.protected_resources, Some(vec!["https://gw.example.com/mcp".to_owned()]));
    let closed = facade().registration(false).client_metadata_documents(false).authorization_server(None);
    assert_eq!(closed.registration_endpoint, None);
    assert_eq!(closed.client_id_metadata_document_supported, Some(false));
}

#[test]
fn mcp_c3_documents_stand_at_the_paths_of_this_issuer_and_nowhere_else() {
    for path in [
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/openid-configuration/mcp",
        "/mcp/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/",
        "/.well-known/oauth-authorization-server?x",
        "/.well-known/oauth-protected-resource",
    ] {
        assert_eq!(document(&facade(), path, None), None, "{path}");
    }
    let at = |url: &str| facade().document_at(&Url::parse(url).unwrap(), None).is_some();
    assert!(!at("https://evil.example/.well-known/oauth-authorization-server"));
    assert!(!at("http://gw.example.com/.well-known/oauth-authorization-server"));
    assert!(!at("https://gw.example.com:8443/.well-known/oauth-authorization-server"));

    let with_path =
        FacadeMetadata::new(FacadeIssuer::with_path("https://gw.example.com/oauth-issuer").unwrap());
    for path in [
        "/.well-known/oauth-authorization-server/oauth-issuer",
        "/.well-known/openid-configuration/oauth-issuer",
        "/oauth-issuer/.well-known/openid-configuration",
    ] {
        let found = document(&with_path, path, None).unwrap();
        assert_eq!(found["issuer"], "https://gw.example.com/oauth-issuer", "row_119 {path}");
        assert_eq!(found["token_endpoint"], "https://gw.example.com/oauth-issuer/token");
    }
    assert_eq!(document(&with_path, "/.well-known/oauth-authorization-server", None), None);
    assert_eq!(with_path.endpoint_at("/oauth-issuer/token"), Some(FacadeEndpoint::Token));
    assert_eq!(with_path.endpoint_at("/token"), None);
}

#[test]
fn mcp_c1_the_issuer_is_an_origin_in_one_spelling() {
    use FacadeIssuerError as E;
    for good in
        ["https://gw.example.com", "https://gw.example.com:8443", "http://localhost:3000", "http://[::1]:1"]
    {
        assert_eq!(FacadeIssuer::parse(good).unwrap().as_str(), good);
    }
    for (bad, error) in [
        ("https://gw.example.com/", E::TrailingSlash),
        ("https://gw.example.com/a", E::Path),
        ("https://gw.example.com/a/", E::TrailingSlash),
        ("http://gw.example.com", E::Insecure),
        ("ftp://gw.example.com", E::Insecure),
        ("https://gw.example.com?x", E::Extra),
        ("https://gw.example.com#x", E::Extra),
        ("https://u@gw.example.com", E::Extra),
        ("https://GW.example.com", E::NotCanonical),
        ("https://gw.example.com:443", E::NotCanonical),
        ("gw.example.com:7777", E::NotAUrl),
        ("host:7777", E::NotAUrl),
        ("https://", E::NotAUrl),
        ("", E::NotAUrl),
    ] {
        assert_eq!(FacadeIssuer::parse(bad), Err(error), "{bad}");
    }
    for bad in ["https://h/a//b", "https://h/a/../b"] {
        assert_eq!(FacadeIssuer::with_path(bad), Err(E::NotCanonical), "{bad}");
    }
    assert!(FacadeIssuer::insecure_http("http://gw:3000").is_ok());
}

#[test]
fn mcp_a7_default_paths_are_those_that_old_clients_assume_and_each_is_of_one_endpoint() {
    for (path, endpoint) in [
        ("/authorize", FacadeEndpoint::Authorize),
        ("/token", FacadeEndpoint::Token),
        ("/register", FacadeEndpoint::Register),
    ] {
        assert_eq!(facade().endpoint_at(path), Some(endpoint));
    }
    let moved = facade().path(FacadeEndpoint::Token, "/oauth/token").unwrap();
    assert_eq!(moved.url(FacadeEndpoint::Token).as_str(), "https://gw.example.com/oauth/token");
    assert_eq!(moved.endpoint_at("/oauth/token"), Some(FacadeEndpoint::Token));
    assert_eq!(moved.endpoint_at("/token"), None);
    for taken in
        ["/authorize", "/.well-known/openid-configuration", "/.well-known/oauth-protected-resource/mcp"]
    {
        assert_eq!(facade().path(FacadeEndpoint::Token, taken), Err(FacadePathError::Taken), "{taken}");
    }
    assert!(facade().path(FacadeEndpoint::Token, "/token").is_ok(), "its own");
    for bad in
        ["", "/", "token", "//token", "/a/../b", "/%74oken", "/token?x", "/token#x", "/to ken", "/token/"]
    {
        assert_eq!(facade().path(FacadeEndpoint::Token, bad), Err(FacadePathError::Path), "{bad}");
    }
    for path in ["/TOKEN", "/token/", "//token", "/%74oken", ""] {
        assert_eq!(facade().endpoint_at(path), None, "{path}");
    }
}

#[test]
fn row_144_what_does_not_go_together_with_a_provider_is_a_lint() {
    use FacadeLint as L;
    let lint = |upstream: &AuthorizationServerMetadata, provider: &Provider| {
        facade().lint(upstream, provider.quirks())
    };
    let realm = Provider::keycloak("https://keycloak.acme.io", "acme").unwrap();
    assert_eq!(lint(&keycloak(), &realm), [L::UnknownScope("mcp:write".into())]);

    // Entra: no registration endpoint, and PKCE is not announced. Its profile knows both.
    let entra = Provider::entra_v2("11111111-2222-3333-4444-555555555555").unwrap();
    let mut upstream = keycloak();
    upstream.registration_endpoint = None;
    upstream.code_challenge_methods_supported = None;
    upstream.scopes_supported = None;
    assert_eq!(lint(&upstream, &entra), []);
    assert_eq!(lint(&upstream, &realm), [L::Upstream(UnusableServer::NoPkce), L::NoRegistrationEndpoint]);
    upstream.grant_types_supported = Some(vec!["authorization_code".into()]);
    assert_eq!(lint(&upstream, &entra), [L::NoRefreshTokens]);
    assert_eq!(facade().refresh_tokens(false).lint(&upstream, entra.quirks()), []);

    let with_path = FacadeMetadata::new(FacadeIssuer::with_path("https://gw.example.com/a").unwrap());
    assert_eq!(with_path.lint(&keycloak(), &Quirks::default()), [L::IssuerPath]);
}
