//! `provider` and what goes with it.

use mcp_auth_discovery::provider::{PkceMetadata, ProviderKind, Registration as Becomes, ResourceHandling};
use mcp_auth_exchange::facade::ConsentPolicy;
use mcp_auth_tower::facade::Rate;

use super::*;
use crate::config::backend_auth::Client;

/// Seed S2, scenario 1, with the indentation that the seed's text lost and its links as text.
const S2_SCENARIO_1: &str = "mcpAuthentication:
  issuer: http://localhost:7080/realms/mcp
  jwksUrl: http://localhost:7080/protocol/openid-connect/certs
  provider:
    # this is an indicator to adapt traffic for keycloak
    # It sets the jwksUrl to the keycloak certs endpoint (and uses it for validation) an
    # sets the issuer to the agentgateway URL, for it to adapt traffic to this provider
    keycloak: {}
  resourceMetadata:
    resource: http://localhost:3000/mcp
    scopesSupported:
    - read:all
    bearerMethodsSupported:
    - header
    - body
    - query
    # these two fields are optional
    resourceDocumentation: http://localhost:3000/stdio/docs
    resourcePolicyUri: http://localhost:3000/stdio/policies";

const KEYCLOAK: &str = "issuer: https://idp.example.com/realms/a";

fn facade(fields: &[&str]) -> (McpAuthentication, Facade) {
    let (authentication, _) = authentication(fields);
    let facade = authentication.facade.clone().expect("a facade");
    (authentication, *facade)
}

fn jwks(from: &McpAuthentication) -> &str {
    match &from.jwks {
        Jwks::Url(url) => url.as_str(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn row_119_120_143_151_the_keycloak_scenario_of_the_source_loads_as_printed() {
    let (route, warnings) = route(&format!("policies:\n{}", indent(S2_SCENARIO_1, 2)));
    let from = route.policies.mcp_authentication.unwrap();
    let facade = from.facade.as_ref().unwrap();
    assert_eq!(facade.issuer(), "http://localhost:3000");
    assert_eq!(from.issuer.value, "http://localhost:7080/realms/mcp", "tokens are still the provider's");
    assert_eq!(jwks(&from), "http://localhost:7080/realms/mcp/protocol/openid-connect/certs");
    let servers: Vec<_> = from.resource_metadata.authorization_servers.iter().map(HttpUrl::as_str).collect();
    assert_eq!(servers, ["http://localhost:3000"]);
    assert_eq!(from.audiences, ["http://localhost:3000/mcp"]);
    assert_eq!(
        kinds(&warnings),
        [
            WarningKind::ProviderKeys,
            WarningKind::NoKeyFile,
            WarningKind::BearerMethod,
            WarningKind::BearerMethod
        ]
    );
}

#[test]
fn row_111_117_155_every_provider_has_a_name() {
    let entra = "11111111-2222-3333-4444-555555555555";
    for (name, issuer, kind) in [
        ("keycloak", "https://idp.example.com/realms/a".to_owned(), ProviderKind::Keycloak),
        ("auth0", "https://acme.eu.auth0.com/".to_owned(), ProviderKind::Auth0),
        ("okta", "https://acme.okta.com/oauth2/default".to_owned(), ProviderKind::Okta),
        ("descope", "https://api.descope.com/v1/apps/agentic/P2/M3".to_owned(), ProviderKind::Descope),
        ("authentik", "https://auth.acme.io/application/o/mcp/".to_owned(), ProviderKind::Authentik),
        ("entra", format!("https://login.microsoftonline.com/{entra}/v2.0"), ProviderKind::EntraV2),
        ("entra", format!("https://sts.windows.net/{entra}/"), ProviderKind::EntraV1),
        ("entraV1", format!("https://sts.windows.net/{entra}/"), ProviderKind::EntraV1),
        ("entraV2", format!("https://login.microsoftonline.com/{entra}/v2.0"), ProviderKind::EntraV2),
        ("frontegg", "https://acme.frontegg.com".to_owned(), ProviderKind::Frontegg),
        ("zitadel", "https://acme.zitadel.cloud".to_owned(), ProviderKind::Zitadel),
        ("openIdConnect", "https://idp.acme.io/x/".to_owned(), ProviderKind::OpenIdConnect),
        ("oauth", "https://as.acme.io".to_owned(), ProviderKind::OAuth),
    ] {
        let issuer = format!("issuer: {issuer}");
        let (lower, upper) = (name.to_lowercase(), name.to_uppercase());
        for form in [name, &lower, &upper, &format!("{{{name}: {{}}}}"), &format!("{{{name}: }}")] {
            let provider = format!("provider: {form}");
            let (from, facade) = facade(&[&issuer, RESOURCE, &provider, "clientId: gateway"]);
            assert_eq!(facade.provider.kind(), kind, "{form}");
            assert_eq!(facade.provider.issuer(), from.issuer.value);
            match facade.provider.jwks_uri() {
                Some(derived) => assert_eq!(jwks(&from), derived),
                None => assert!(matches!(from.jwks, Jwks::Discovered)),
            }
        }
    }
    // As seed S0 and the Kubernetes form write it.
    assert_eq!(facade(&[KEYCLOAK, RESOURCE, "provider: Keycloak"]).1.provider.kind(), ProviderKind::Keycloak);
}

#[test]
fn keys_elsewhere_than_at_the_provider_are_the_operators_choice() {
    let at = |keys: &str| authentication(&[KEYCLOAK, RESOURCE, "provider: keycloak", keys]);
    let (inside, warnings) = at("jwks: {url: http://127.0.0.1:8080/realms/a/protocol/openid-connect/certs}");
    assert_eq!(jwks(&inside), "http://127.0.0.1:8080/realms/a/protocol/openid-connect/certs");
    assert!(!kinds(&warnings).contains(&WarningKind::ProviderKeys));
    assert!(matches!(at("jwks: {file: keys.json}").0.jwks, Jwks::File(_)));
    let (_, warnings) = at("jwks: {url: https://idp.example.com/realms/a/protocol/openid-connect/certs}");
    assert!(!kinds(&warnings).contains(&WarningKind::ProviderKeys), "the very same");
}

#[test]
fn a_provider_of_the_operators_own() {
    let (from, facade) = facade(&[
        "issuer: https://sso.example.com/",
        RESOURCE,
        "provider:",
        "  custom:",
        "    metadataIssuer: https://login.example.com",
        "    metadata: openIdFirst",
        "    jwksUri: https://sso.example.com/keys",
        "    authorizationEndpoint: https://sso.example.com/auth",
        "    tokenEndpoint: https://sso.example.com/token",
        "    quirks:",
        "      resource: {scope: 'api:{audience}'}",
        "      pkce: assumeS256",
        "      registration: preRegistered",
        "      responseIss: true",
        "      defaultScopes: [openid]",
        "      scopePrefixes: ['{audience}/', 'api://{audience}/']",
        "      dropRegistrationScope: true",
        "clientId: gateway",
    ]);
    let (provider, quirks) = (&facade.provider, facade.provider.quirks());
    assert_eq!(provider.issuer(), "https://sso.example.com/");
    assert_eq!(provider.metadata_issuer(), "https://login.example.com");
    assert_eq!(provider.authorization_endpoint(), Some("https://sso.example.com/auth"));
    assert_eq!(provider.token_endpoint(), Some("https://sso.example.com/token"));
    assert_eq!(jwks(&from), "https://sso.example.com/keys");
    assert_eq!(quirks.resource, ResourceHandling::Scope("api:{audience}".to_owned()));
    assert_eq!((quirks.pkce, quirks.registration), (PkceMetadata::AssumeS256, Becomes::PreRegistered));
    assert_eq!((quirks.response_iss, quirks.drop_registration_scope), (Some(true), true));
    assert_eq!(quirks.default_scopes, ["openid"]);
    assert_eq!(quirks.scope_prefixes, ["{audience}/", "api://{audience}/"]);
}

#[test]
fn quirks_of_a_preset_change_one_by_one() {
    let (_, facade) = facade(&[
        "issuer: https://acme.zitadel.cloud",
        RESOURCE,
        "provider: {zitadel: {quirks: {registration: proxied}}}",
    ]);
    let quirks = facade.provider.quirks();
    assert_eq!(quirks.registration, Becomes::Proxied);
    assert_eq!(quirks.default_scopes, ["openid"], "the others stay");
}

#[test]
fn mcp_c13_c14_entra_has_prefixes_of_scopes_and_an_operator_others() {
    let entra = |provider| {
        let issuer = "issuer: https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0";
        let (_, facade) = facade(&[issuer, RESOURCE, provider, "clientId: gateway"]);
        facade.provider.quirks().clone()
    };
    let (preset, own) =
        (entra("provider: entra"), entra("provider: {entra: {quirks: {scopePrefixes: ['api://notes/']}}}"));
    assert_eq!(preset.scope_at_provider("mcp:read", "app"), "app/mcp:read");
    assert_eq!(own.scope_at_provider("mcp:read", "app"), "api://notes/mcp:read");
    assert_eq!(own.default_scopes, preset.default_scopes);
}

#[test]
fn everything_can_be_said_and_no_secret_is_shown() {
    let (_, facade) = facade(&[
        KEYCLOAK,
        RESOURCE,
        "provider: keycloak",
        "clientAuth: {clientId: gateway, clientSecret: hunter2, method: clientSecretPost}",
        "authorizationServer:",
        "  issuer: https://login.example.com",
        "  paths: {authorize: /a, token: /t, register: /r, revoke: /v, callback: /c, keys: /k}",
        "  registration: {initialAccessTokenFile: token.txt, lifetime: 90d, managed: true}",
        "  clientMetadataDocuments: {allowHosts: [claude.ai], allowSubdomainsOf: [example.com]}",
        "  redirectUris: {knownClients: [claude, cursor], httpsHosts: [app.example.com], schemes: [myapp]}",
        "  refreshTokens: false",
        "  clients:",
        "  - {clientId: app, name: App, redirectUris: ['https://app.example.com/cb'], secret: hunter2, firstParty: true}",
        "  - {clientId: editor, preset: cursor}",
        "  consent: sharedUpstreamClient",
        "  tokens: {own: {keyFile: key.pem, lifetime: 5m, claims: [groups]}}",
        "  lifetimes: {login: 5m, code: 30s, refresh: 7d, session: 30d, consent: 1d, grace: 0}",
        "  limits: {registrations: {burst: 10, every: 30s}, logins: unlimited}",
        "  theme: {name: Acme, logo: 'https://acme.example/l.svg', accent: '#0a5c36', language: de,",
        "          links: [{label: Terms, url: 'https://acme.example/terms'}]}",
        "  parameters: {prompt: select_account}",
        "  scopes: [offline_access]",
    ]);
    assert!(!format!("{facade:?}").contains("hunter2"), "{facade:?}");
    assert_eq!(facade.issuer(), "https://login.example.com");
    let document = facade.metadata.authorization_server(None);
    assert_eq!(document.token_endpoint.unwrap().as_str(), "https://login.example.com/t");
    assert!(!document.grant_types_supported.unwrap().contains(&"refresh_token".to_owned()));
    let registration = facade.registration.as_ref().unwrap();
    assert!(registration.managed && registration.initial_access_token.is_some());
    let rules = &registration.redirect_uris;
    assert!(rules.check("https://claude.ai/api/mcp/auth_callback").is_ok());
    assert!(rules.check("myapp:/cb").is_ok() && rules.check("https://evil.example/cb").is_err());
    assert_eq!(facade.clients[1].redirect_uris.len(), 3);
    assert!(facade.clients[0].first_party && facade.clients[0].secret.is_some());
    assert_eq!(facade.consent, ConsentPolicy::SharedUpstreamClient);
    assert_eq!(facade.limits.registrations, Rate::new(10, Duration::from_secs(30)));
    assert_eq!(facade.limits.logins, Rate::unlimited());
    assert_eq!(facade.lifetimes.grace, Duration::ZERO);
    assert_eq!(facade.lifetimes.refresh, Duration::from_secs(7 * 24 * 3600));
    assert!(matches!(&facade.tokens, Tokens::Own(own) if own.claims == ["groups"]));
    assert_eq!(facade.parameters, [("prompt".to_owned(), "select_account".to_owned())]);
    assert!(facade.difference(&facade.clone()).is_none());
}

#[test]
fn our_client_at_the_provider_has_three_forms() {
    let client = |fields: &str| {
        let (_, facade) = facade(&[KEYCLOAK, RESOURCE, "provider: keycloak", fields]);
        format!("{:?}", facade.client)
    };
    assert_eq!(client(""), "None");
    assert_eq!(client("clientId: g"), "Some(Public(\"g\"))");
    assert_eq!(client("clientId: g\nclientSecret: hunter2"), "Some(Secret(\"g\", Basic, Here([redacted])))");
    assert_eq!(client("clientId: g\nclientSecretFile: f"), "Some(Secret(\"g\", Basic, File(\"f\")))");
    let (_, facade) = facade(&[
        KEYCLOAK,
        RESOURCE,
        "provider: keycloak",
        "clientAuth: {clientId: g, method: workloadIdentity, tokenFile: t}",
    ]);
    assert!(matches!(facade.client, Some(Client::Workload(..))));
}

#[test]
fn row_119_the_issuer_proxy_shape_loads_and_its_key_is_not_published() {
    let shape = |provider: &str| {
        authentication(&[
            KEYCLOAK,
            provider,
            "resourceMetadata:",
            "  agentgateway.dev/issuer-proxy: http://exchange.gateway.svc.cluster.local:7777/oauth-issuer",
            "  authorizationServers: ['https://api.example.com/oauth-issuer']",
            "  resource: https://api.example.com/mcp",
        ])
    };
    for (provider, issuer) in
        [("", None), ("provider: Keycloak", Some("https://api.example.com/oauth-issuer"))]
    {
        let (from, _) = shape(provider);
        assert_eq!(from.facade.as_ref().map(|facade| facade.issuer()), issuer);
        let servers = &from.resource_metadata.authorization_servers;
        assert_eq!(servers[0].as_str(), "https://api.example.com/oauth-issuer");
        assert!(!format!("{:?}", from.resource_metadata).contains("7777"), "{from:?}");
    }
}

#[test]
fn routes_that_say_the_same_share_a_server_whatever_their_resource() {
    let route = |name: &str, extra: &str| {
        format!(
            "- policies:\n    mcpAuthentication:\n      {KEYCLOAK}\n      provider: keycloak\n      \
             resourceMetadata: {{resource: 'https://{name}'}}\n{extra}  backends: [{{host: '127.0.0.1:9'}}]\n"
        )
    };
    let two = |first: &str, second: &str| {
        let routes = indent(&format!("{first}{second}"), 4);
        parse(
            &format!("state: {{keyFile: k}}\nbinds:\n- port: 1\n  listeners:\n  - routes:\n{routes}"),
            "x.yaml",
        )
    };
    let (_, warnings) = two(&route("a.example/x", ""), &route("a.example/y", "")).unwrap();
    let known = [WarningKind::MemoryStore, WarningKind::WellKnownNotMatched];
    assert!(warnings.iter().all(|w| known.contains(&w.kind())), "{warnings:?}");
    let other = "      authorizationServer: {lifetimes: {code: 10s}}\n";
    let error = two(&route("a.example/x", ""), &route("a.example/y", other)).map(drop).unwrap_err();
    assert!(error.to_string().contains("has another `authorizationServer.lifetimes`"), "{error}");
    assert!(two(&route("a.example/x", ""), &route("b.example/y", other)).is_ok(), "two servers");
}

#[test]
fn every_example_loads() {
    for entry in std::fs::read_dir(manifest().join("configs")).unwrap() {
        let path = entry.unwrap().path();
        let (config, _) = load(&path).unwrap_or_else(|error| panic!("{error}"));
        assert!(!config.binds.is_empty());
    }
}

#[test]
fn whole_examples_of_the_documentation_load_without_a_warning() {
    let page = manifest().join("../../docs/authorization-server.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let whole: Vec<_> = blocks.filter(|block| block.contains("binds:")).collect();
    assert!(!whole.is_empty());
    for text in whole {
        let (_, warnings) = parse(text, "docs").unwrap_or_else(|error| panic!("{error}"));
        assert!(warnings.iter().all(|warning| warning.level() == Level::Info), "{warnings:?}");
    }
}

/// The pieces of the page that are about a provider or the server, each on a route of its own.
#[test]
fn parts_of_the_documentation_load() {
    let page = std::fs::read_to_string(manifest().join("../../docs/authorization-server.md")).unwrap();
    let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut seen = 0;
    for text in blocks.filter(|block| !block.contains("binds:")) {
        seen += 1;
        if text.starts_with("state:") || text.starts_with("outbound:") {
            let text = format!(
                "{text}binds: [{{port: 1, listeners: [{{routes: [{{backends: [{{host: 'a:1'}}]}}]}}]}}]\n"
            );
            parse(&text, "docs").unwrap_or_else(|error| panic!("{error}\n{text}"));
        } else {
            let provider = if text.contains("provider:") { "" } else { "provider: keycloak" };
            let (issuer, client) = match text {
                text if text.contains("entra") => (
                    "issuer: https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
                    "",
                ),
                text if text.contains("custom") => ("issuer: https://sso.example.com", "clientId: gateway"),
                _ => (KEYCLOAK, ""),
            };
            let resource = if text.starts_with("resourceMetadata:") { "" } else { RESOURCE };
            assert!(authentication(&[issuer, resource, provider, client, text]).0.facade.is_some());
        }
    }
    assert_eq!(seen, 6);
}
