//! What a facade does differently for each provider.

use url::Url;

use super::*;
use crate::ResourceIdentifier;
use crate::server::LocatorError;

fn every() -> Vec<Provider> {
    let mut all = of_s0().to_vec();
    all.extend([
        Provider::descope("api.descope.com", "P2abc", "MS3def").unwrap(),
        Provider::authentik("https://auth.acme.io", "mcp").unwrap(),
        Provider::zitadel("acme.zitadel.cloud").unwrap(),
        Provider::openid_connect("https://idp.acme.io").unwrap(),
        Provider::oauth("https://as.acme.io").unwrap(),
    ]);
    all
}

#[test]
fn every_kind_has_a_preset_whose_addresses_can_be_fetched() {
    let kinds: Vec<_> = every().iter().map(Provider::kind).collect();
    for kind in ProviderKind::ALL {
        assert!(kinds.contains(kind), "{kind:?}");
    }
    assert_eq!(kinds.len(), ProviderKind::ALL.len());
    for provider in every() {
        let kind = provider.kind();
        let urls = provider.metadata_source().urls(provider.metadata_issuer()).unwrap();
        assert!(!urls.is_empty());
        let endpoints = [provider.jwks_uri(), provider.authorization_endpoint(), provider.token_endpoint()];
        let generic = matches!(kind, ProviderKind::OpenIdConnect | ProviderKind::OAuth);
        assert_eq!(endpoints.iter().flatten().count(), if generic { 0 } else { 3 }, "{kind:?}");
        for url in endpoints.into_iter().flatten().chain(urls.iter().map(Url::as_str)) {
            assert!(!url.contains(['{', '}']), "{url}");
            let parsed = Url::parse(url).unwrap();
            assert!(parsed.scheme() == "https" && !parsed.path().contains("//"), "{url}");
        }
    }
}

#[test]
fn row_142_143_addresses_of_the_other_providers() {
    let descope = Provider::descope("api.descope.com", "P2abc", "MS3def").unwrap();
    assert_eq!(descope.issuer(), "https://api.descope.com/v1/apps/agentic/P2abc/MS3def");
    assert_eq!(descope.jwks_uri(), Some("https://api.descope.com/P2abc/.well-known/jwks.json"));
    assert_eq!(
        descope.token_endpoint(),
        Some("https://api.descope.com/oauth2/v1/apps/agentic/P2abc/MS3def/token")
    );
    let authentik = Provider::authentik("https://auth.acme.io/", "mcp").unwrap();
    assert_eq!(authentik.issuer(), "https://auth.acme.io/application/o/mcp/");
    assert_eq!(authentik.jwks_uri(), Some("https://auth.acme.io/application/o/mcp/jwks/"));
    assert_eq!(authentik.token_endpoint(), Some("https://auth.acme.io/application/o/token/"));
    let zitadel = Provider::zitadel("acme.zitadel.cloud").unwrap();
    assert_eq!(zitadel.issuer(), "https://acme.zitadel.cloud");
    assert_eq!(zitadel.jwks_uri(), Some("https://acme.zitadel.cloud/oauth/v2/keys"));
    assert!(Provider::descope("api.descope.com", "a/b", "c").is_err());
    assert!(Provider::authentik("auth.acme.io", "").is_err());
}

/// The first address that is asked for; the others only when this one fails.
#[test]
fn row_141_where_the_metadata_of_each_provider_is() {
    let expected = [
        "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0/.well-known/openid-configuration",
        "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0/.well-known/openid-configuration",
        "https://keycloak.acme.io/realms/acme/.well-known/openid-configuration",
        "https://acme.eu.auth0.com/.well-known/openid-configuration",
        "https://acme.okta.com/oauth2/aus1a2b3c4D5e6F7g8/.well-known/openid-configuration",
        "https://acme.frontegg.com/.well-known/openid-configuration",
        "https://api.descope.com/v1/apps/agentic/P2abc/MS3def/.well-known/openid-configuration",
        "https://auth.acme.io/application/o/mcp/.well-known/openid-configuration",
        "https://acme.zitadel.cloud/.well-known/openid-configuration",
        "https://idp.acme.io/.well-known/openid-configuration",
        "https://as.acme.io/.well-known/oauth-authorization-server",
    ];
    for (provider, expected) in every().iter().zip(expected) {
        let urls = provider.metadata_source().urls(provider.metadata_issuer()).unwrap();
        assert_eq!(urls[0].as_str(), expected);
        let own = provider.kind() != ProviderKind::EntraV1;
        assert_eq!(provider.metadata_issuer() == provider.issuer(), own, "v1.0 tokens, v2.0 document");
    }
}

#[test]
fn mcp_c14_what_becomes_of_the_resource_at_each_provider() {
    let resource = ResourceIdentifier::parse("https://gw.acme.io/mcp").unwrap();
    for provider in every() {
        use ProviderKind as Kind;
        let sent = provider.quirks().resource.translate(&resource, "aud");
        let (want_resource, want_audience, want_scope) = match provider.kind() {
            Kind::EntraV1 | Kind::EntraV2 | Kind::Authentik => (None, None, None),
            Kind::Auth0 | Kind::Okta => (None, Some("aud"), None),
            Kind::Zitadel => (None, None, Some("urn:zitadel:iam:org:project:id:aud:aud")),
            _ => (Some("https://gw.acme.io/mcp"), None, None),
        };
        assert_eq!(sent.resource.as_deref(), want_resource, "{:?}", provider.kind());
        assert_eq!(sent.audience.as_deref(), want_audience, "{:?}", provider.kind());
        assert_eq!(sent.scope.as_deref(), want_scope, "{:?}", provider.kind());
    }
}

#[test]
fn mcp_c4_c13_entra_gets_pkce_and_a_scope_and_nobody_is_pinned_to_a_registered_scope() {
    let v1 = Provider::entra_v1(TENANT).unwrap();
    assert_eq!(v1.quirks().pkce, PkceMetadata::AssumeS256);
    assert_eq!(v1.quirks().default_scopes_for("api://app"), ["api://app/.default"]);
    for provider in every() {
        assert!(provider.quirks().drop_registration_scope, "{:?}", provider.kind());
        let entra = matches!(provider.kind(), ProviderKind::EntraV1 | ProviderKind::EntraV2);
        assert_eq!(provider.quirks().pkce == PkceMetadata::AssumeS256, entra, "{:?}", provider.kind());
    }
}

/// M15: the text says Keycloak only, the code has more; this is the table.
#[test]
fn row_144_145_registration_at_each_provider() {
    for provider in every() {
        use ProviderKind as Kind;
        let expected = match provider.kind() {
            Kind::Okta | Kind::EntraV1 | Kind::EntraV2 | Kind::Authentik | Kind::Zitadel => {
                Registration::PreRegistered
            }
            _ => Registration::Proxied,
        };
        assert_eq!(provider.quirks().registration, expected, "{:?}", provider.kind());
    }
}

#[test]
fn attack_097_keycloak_is_known_to_send_iss() {
    for provider in every() {
        let keycloak = provider.kind() == ProviderKind::Keycloak;
        assert_eq!(provider.quirks().response_iss, keycloak.then_some(true), "{:?}", provider.kind());
    }
}

#[test]
fn row_100_the_two_kinds_of_okta_servers_are_told_apart() {
    let custom = |id: &str| Some(OktaServer::Custom(id.to_owned()));
    for (url, server) in [
        ("https://acme.okta.com", Some(OktaServer::Org)),
        ("https://acme.okta.com/", Some(OktaServer::Org)),
        ("https://acme.okta.com/oauth2", Some(OktaServer::Org)),
        ("https://acme.okta.com/oauth2/v1/token", Some(OktaServer::Org)),
        ("https://acme.okta.com/oauth2/default", custom("default")),
        ("https://login.acme.com/oauth2/aus1/v1/keys", custom("aus1")),
        ("acme.okta.com", None),
    ] {
        assert_eq!(OktaServer::of(url), server, "{url}");
    }
    assert!(matches!(Provider::okta_issuer("acme.okta.com"), Err(ProviderError::Address(_))));
}

#[test]
fn generic_providers_keep_the_issuer_as_it_was_written() {
    for issuer in [
        "https://idp.acme.io",
        "https://idp.acme.io/",
        "https://idp.acme.io/a/b/",
        "https://idp.acme.io/{name}",
    ] {
        assert_eq!(Provider::openid_connect(issuer).unwrap().issuer(), issuer);
        assert_eq!(Provider::oauth(issuer).unwrap().metadata_issuer(), issuer);
    }
    assert!(matches!(
        Provider::oauth("agentgateway:7777"),
        Err(ProviderError::Issuer(LocatorError::Insecure(_) | LocatorError::NotAUrl(_)))
    ));
    assert!(Provider::openid_connect("http://idp.acme.io").is_err());
    assert!(Provider::openid_connect("https://idp.acme.io?x").is_err());
}

fn settings(text: &str) -> Result<Provider, String> {
    let settings: ProviderSettings = serde_json::from_str(text).map_err(|error| error.to_string())?;
    settings.into_provider().map_err(|error| error.to_string())
}

#[test]
fn a_provider_of_ones_own_says_everything_that_a_preset_says() {
    let provider = settings(
        r#"{"issuer":"https://sts.acme.io/","metadataIssuer":"https://login.acme.io/v2",
            "metadata":{"url":"https://login.acme.io/doc"},"jwksUri":"https://login.acme.io/keys",
            "authorizationEndpoint":"https://login.acme.io/a","tokenEndpoint":"https://login.acme.io/t",
            "quirks":{"resource":{"scope":"{audience}/all"},"pkce":"assumeS256","registration":"preRegistered",
                "responseIss":false,"defaultScopes":["openid"],"dropRegistrationScope":false}}"#,
    )
    .unwrap();
    assert_eq!(
        (provider.issuer(), provider.metadata_issuer()),
        ("https://sts.acme.io/", "https://login.acme.io/v2")
    );
    let urls = provider.metadata_source().urls(provider.metadata_issuer()).unwrap();
    assert_eq!(urls.iter().map(Url::as_str).collect::<Vec<_>>(), ["https://login.acme.io/doc"]);
    assert_eq!(provider.token_endpoint(), Some("https://login.acme.io/t"));
    let quirks = provider.quirks();
    assert_eq!(quirks.resource, ResourceHandling::Scope("{audience}/all".into()));
    assert_eq!(quirks.registration, Registration::PreRegistered);
    assert_eq!((quirks.response_iss, quirks.drop_registration_scope), (Some(false), false));

    let plain = settings(r#"{"issuer":"https://as.acme.io"}"#).unwrap();
    assert_eq!(plain, Provider::oauth("https://as.acme.io").unwrap());
    assert_eq!(plain, ProviderSettings::new("https://as.acme.io").into_provider().unwrap());
}

/// M14: the seeds' `host:7777` is an `iss` like any other, and no place to look for metadata.
#[test]
fn row_119_an_opaque_issuer_of_tokens_needs_an_issuer_of_metadata() {
    let provider = settings(r#"{"issuer":"gw.acme.io:7777","metadataIssuer":"https://gw.acme.io"}"#).unwrap();
    assert_eq!((provider.issuer(), provider.metadata_issuer()), ("gw.acme.io:7777", "https://gw.acme.io"));
    assert!(settings(r#"{"issuer":"gw.acme.io:7777","jwksUri":"https://gw.acme.io/keys"}"#).is_err());
}

#[test]
fn settings_that_are_wrong_say_where() {
    for (text, says) in [
        (r#"{}"#, "missing field `issuer`"),
        (r#"{"issuer":"host:7777"}"#, "host:7777"),
        (r#"{"issuer":"https://a","jwks":"x"}"#, "unknown field `jwks`, expected one of"),
        (r#"{"issuer":"https://a","quirks":{"resorce":"keep"}}"#, "unknown field `resorce`"),
        (r#"{"issuer":"https://a","quirks":{"pkce":"none"}}"#, "unknown variant `none`"),
        (r#"{"issuer":"https://a","jwksUri":"http://a/keys"}"#, "`jwksUri` is not https (http is"),
        (
            r#"{"issuer":"https://a","tokenEndpoint":"javascript:1"}"#,
            "`tokenEndpoint` is not https (its scheme",
        ),
        (
            r#"{"issuer":"https://a","authorizationEndpoint":"/a"}"#,
            "`authorizationEndpoint` is not an absolute URL",
        ),
        (
            r#"{"issuer":"https://a","metadata":{"url":"https://u@h/"}}"#,
            "`metadata.url` has user information",
        ),
    ] {
        let error = settings(text).unwrap_err();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn a_tenant_that_is_set_up_differently_has_other_quirks() {
    let auth0 = Provider::auth0("acme.eu.auth0.com").unwrap();
    let mut quirks = auth0.quirks().clone();
    quirks.resource = ResourceHandling::Keep;
    assert_eq!(auth0.with_quirks(quirks.clone()).quirks(), &quirks);
}

/// `mcp-spec.md` §5.3, §5.4: a name without a resource is one of Microsoft Graph.
#[test]
fn mcp_c13_c14_scopes_are_qualified_for_entra_and_for_nobody_else() {
    for provider in every() {
        use ProviderKind as Kind;
        let (audience, full, others): (_, _, &[&str]) = match provider.kind() {
            Kind::EntraV1 => ("api://app", "api://app/mcp:read", &[]),
            Kind::EntraV2 => ("app", "app/mcp:read", &["api://app/mcp:read"]),
            _ => ("app", "mcp:read", &[]),
        };
        let quirks = provider.quirks();
        assert_eq!(quirks.scope_at_provider("mcp:read", audience), full, "{:?}", provider.kind());
        for found in others.iter().copied().chain(["mcp:read", full]) {
            assert_eq!(quirks.scope_at_resource(found, audience), "mcp:read", "{:?}", provider.kind());
        }
    }
}

#[test]
fn mcp_c13_what_is_no_scope_of_the_resource_keeps_its_name() {
    let entra = Provider::entra_v2(TENANT).unwrap();
    let quirks = entra.quirks();
    for scope in [
        "openid",
        "profile",
        "email",
        "address",
        "phone",
        "offline_access",
        "app/.default",
        "app/mcp:read",
        "api://app/mcp:read",
        "api://other/mcp:read",
        "https://graph.microsoft.com/User.Read",
    ] {
        assert_eq!(quirks.scope_at_provider(scope, "app"), scope);
    }
    assert_eq!(quirks.scope_at_provider("User.Read", "app"), "app/User.Read");
    for scope in
        ["openid", "app/openid", "app/", "app", "apps/mcp:read", "api://other/mcp:read", "app/a/b", ""]
    {
        assert_eq!(quirks.scope_at_resource(scope, "app"), scope);
    }
}

#[test]
fn prefixes_of_ones_own_need_no_slash() {
    let text = r#"{"issuer":"https://as.acme.io","quirks":{"scopePrefixes":["urn:{audience}:","old:"]}}"#;
    let provider = settings(text).unwrap();
    let quirks = provider.quirks();
    for (scope, at_provider) in
        [("read", "urn:a:read"), ("urn:a:read", "urn:a:read"), ("old:read", "old:read")]
    {
        assert_eq!(quirks.scope_at_provider(scope, "a"), at_provider);
        assert_eq!(quirks.scope_at_resource(at_provider, "a"), "read");
    }
}
