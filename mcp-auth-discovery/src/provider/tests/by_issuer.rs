//! Presets by their issuers.

use super::*;

#[test]
fn every_preset_is_found_by_its_own_issuer() {
    let mut all = of_s0().to_vec();
    all.extend([
        Provider::keycloak("http://localhost:7080", "mcp").unwrap(),
        Provider::keycloak("https://sso.acme.io/realms/x", "y").unwrap(),
        Provider::descope("api.descope.com", "P2abc", "MS3def").unwrap(),
        Provider::authentik("https://auth.acme.io", "mcp").unwrap(),
        Provider::zitadel("acme.zitadel.cloud").unwrap(),
        Provider::openid_connect("https://idp.acme.io").unwrap(),
        Provider::oauth("https://as.acme.io/x/").unwrap(),
    ]);
    for provider in all {
        assert_eq!(Provider::of_issuer(provider.kind(), provider.issuer()), Ok(provider));
    }
}

#[test]
fn an_issuer_of_another_form_is_refused_with_the_form() {
    let form = |kind, issuer: &str| Provider::of_issuer(kind, issuer).unwrap_err().to_string();
    let keycloak = "an issuer of Keycloak is written `https://<host>/realms/<realm>`";
    for issuer in [
        "https://idp.example.com",
        "https://idp.example.com/realms",
        "https://idp.example.com/realms/a/",
        "HTTPS://idp.example.com/realms/a",
        "https://idp.example.com:443/realms/a",
    ] {
        assert_eq!(form(ProviderKind::Keycloak, issuer), keycloak, "{issuer}");
    }
    for (kind, issuer, expected) in [
        (ProviderKind::Auth0, "https://acme.auth0.com", "Auth0 is written `https://<host>/`"),
        (ProviderKind::Zitadel, "https://a.zitadel.cloud/", "ZITADEL is written `https://<host>`"),
        (ProviderKind::Authentik, "https://a.io/application/o/x", "/application/o/<application>/`"),
        (ProviderKind::Descope, "https://api.descope.com/v1/apps/agentic/P2", "/<project>/<server>`"),
        (ProviderKind::EntraV2, "https://login.microsoftonline.com/x", "/<tenant>/v2.0`"),
        (ProviderKind::Okta, "https://acme.okta.com", "custom authorization server"),
    ] {
        let found = form(kind, issuer);
        assert!(found.contains(expected), "{found}");
    }
    assert!(Provider::of_issuer(ProviderKind::Keycloak, "https://a.io/realms/").is_err());
    assert!(Provider::of_issuer(ProviderKind::Keycloak, "http://a.io/realms/x").is_err());
}
