//! Rows 54 to 57 and 83 to 111 of `mission.md`, as far as validation goes, and the quirks.

mod by_issuer;
mod quirks;

use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner, Signer as _};
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::{Checks, Validator};

use super::*;

const TENANT: &str = "11111111-2222-3333-4444-555555555555";

fn of_s0() -> [Provider; 6] {
    [
        Provider::entra_v1(TENANT).unwrap(),
        Provider::entra_v2(TENANT).unwrap(),
        Provider::keycloak("https://keycloak.acme.io", "acme").unwrap(),
        Provider::auth0("acme.eu.auth0.com").unwrap(),
        Provider::okta("acme.okta.com", "aus1a2b3c4D5e6F7g8").unwrap(),
        Provider::frontegg("acme.frontegg.com").unwrap(),
    ]
}

#[test]
fn row_083_to_108_and_111_the_table_of_providers() {
    use TokenExchange::{OnBehalfOf, Rfc8693};
    let entra = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555";
    let keycloak = "https://keycloak.acme.io/realms/acme";
    let okta = "https://acme.okta.com/oauth2/aus1a2b3c4D5e6F7g8";
    let expected = [
        (
            "https://sts.windows.net/11111111-2222-3333-4444-555555555555/".to_owned(),
            format!("{entra}/discovery/v2.0/keys"),
            format!("{entra}/oauth2/v2.0/authorize"),
            format!("{entra}/oauth2/v2.0/token"),
            (OnBehalfOf, Some("entra")),
        ),
        (
            format!("{entra}/v2.0"),
            format!("{entra}/discovery/v2.0/keys"),
            format!("{entra}/oauth2/v2.0/authorize"),
            format!("{entra}/oauth2/v2.0/token"),
            (OnBehalfOf, Some("entra")),
        ),
        (
            keycloak.to_owned(),
            format!("{keycloak}/protocol/openid-connect/certs"),
            format!("{keycloak}/protocol/openid-connect/auth"),
            format!("{keycloak}/protocol/openid-connect/token"),
            (Rfc8693, Some("keycloak")),
        ),
        (
            "https://acme.eu.auth0.com/".to_owned(),
            "https://acme.eu.auth0.com/.well-known/jwks.json".to_owned(),
            "https://acme.eu.auth0.com/authorize".to_owned(),
            "https://acme.eu.auth0.com/oauth/token".to_owned(),
            (Rfc8693, Some("auth0")),
        ),
        (
            okta.to_owned(),
            format!("{okta}/v1/keys"),
            format!("{okta}/v1/authorize"),
            format!("{okta}/v1/token"),
            (Rfc8693, Some("okta")),
        ),
        (
            "https://acme.frontegg.com".to_owned(),
            "https://acme.frontegg.com/.well-known/jwks.json".to_owned(),
            "https://acme.frontegg.com/oauth/authorize".to_owned(),
            "https://acme.frontegg.com/oauth/token".to_owned(),
            (Rfc8693, None),
        ),
    ];
    for (provider, (issuer, jwks, authorize, token, (exchange, name))) in of_s0().iter().zip(expected) {
        assert_eq!(provider.issuer(), issuer);
        assert_eq!(provider.jwks_uri(), Some(jwks.as_str()));
        assert_eq!(provider.authorization_endpoint(), Some(authorize.as_str()));
        assert_eq!(provider.token_endpoint(), Some(token.as_str()));
        assert_eq!(provider.kind().token_exchange(), exchange);
        // The seed's last column, "discovery provider hint", is empty where agentgateway's code has a name by now
        // (`agentgateway.md` §1.1): Okta and Entra.
        assert_eq!(provider.kind().configuration_name(), name);
        assert!(!provider.kind().audience_hint().is_empty() && !provider.kind().name().is_empty());
        let double = |url: &str| url.split_once("://").is_some_and(|(_, rest)| rest.contains("//"));
        assert!(![&issuer, &jwks, &authorize, &token].into_iter().any(|url| double(url)), "{issuer}");
    }
}

#[test]
fn row_106_108_frontegg_s_environment_is_its_issuer_and_its_audience_is_either_id() {
    for domain in ["acme.frontegg.com", "https://acme.frontegg.com/", "ACME.frontegg.com"] {
        let frontegg = Provider::frontegg(domain).unwrap();
        assert_eq!(frontegg.issuer(), "https://acme.frontegg.com", "without a path");
        assert_eq!(frontegg.jwks_uri(), Some("https://acme.frontegg.com/.well-known/jwks.json"));
        let hint = frontegg.kind().audience_hint();
        assert!(hint.contains("client id") && hint.contains("app id"), "{hint}");
    }
}

#[test]
fn row_091_joins_never_double_or_lose_a_slash() {
    for domain in [
        "acme.eu.auth0.com",
        "https://acme.eu.auth0.com",
        "https://acme.eu.auth0.com/",
        "ACME.eu.auth0.com//",
    ] {
        assert_eq!(Provider::auth0(domain).unwrap().issuer(), "https://acme.eu.auth0.com/", "{domain}");
    }
    let old = Provider::keycloak("https://id.example/auth/", "r").unwrap();
    assert_eq!(old.issuer(), "https://id.example/auth/realms/r", "Keycloak before 17, or behind a path");
    for bad in ["", "http://id.example", "https://u:p@h", "https://h/?x", "https://h/#x", "a b"] {
        assert!(Provider::frontegg(bad).is_err(), "{bad}");
    }
    for realm in ["", "..", "a/b", "a?b", "a b", "ä"] {
        assert!(Provider::keycloak("https://h", realm).is_err(), "{realm}");
    }
}

#[test]
fn row_100_the_org_server_of_okta_is_refused() {
    for issuer in [
        "https://acme.okta.com",
        "https://acme.okta.com/",
        "https://acme.okta.com/oauth2",
        "https://acme.okta.com/oauth2/v1/token",
        "https://acme.okta.com/oauth2/v1",
    ] {
        assert_eq!(Provider::okta_issuer(issuer).unwrap_err(), ProviderError::OktaOrgServer, "{issuer}");
    }
    let custom = Provider::okta_issuer("https://login.acme.com/oauth2/default").unwrap();
    assert_eq!(custom.jwks_uri(), Some("https://login.acme.com/oauth2/default/v1/keys"));
}

/// Whether a token with this `iss` and `aud` is accepted under the preset.
fn accepted(provider: &Provider, audience: &str, iss: &str, aud: &str) -> Result<(), String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
    let validator = Validator::new([provider.trust(audience)]).unwrap();
    let signer = AwsLcSigner::generate(mcp_auth_core::jwt::Algorithm::ES256).unwrap();
    let jwks = format!("{{\"keys\":[{}]}}", signer.public_jwk("k"));
    let keys = KeySet::parse(jwks.as_bytes(), &AwsLc::new(), validator.algorithms(0.into())).unwrap();
    let claims = serde_json::json!({"iss": iss, "aud": aud, "sub": "a", "exp": 2000});
    let signed = format!("{}.{}", B64.encode(r#"{"alg":"ES256","kid":"k"}"#), B64.encode(claims.to_string()));
    let token = format!("{signed}.{}", B64.encode(signer.sign(signed.as_bytes()).unwrap()));
    let parsed = validator.parse(&token).map_err(|e| e.to_string())?;
    let checks = Checks::at(UnixTime::from_secs(1000));
    validator.verify(parsed, &keys, &checks).map(drop).map_err(|e| e.to_string())
}

#[test]
fn row_054_055_056_057_entra_writes_two_issuers() {
    let (v1, v2) = (Provider::entra_v1(TENANT).unwrap(), Provider::entra_v2(TENANT).unwrap());
    assert_eq!(accepted(&v1, "api://app", v1.issuer(), "api://app"), Ok(()));
    let hint = accepted(&v1, "api://app", v2.issuer(), "api://app").unwrap_err();
    assert!(hint.contains("v2.0 token of Entra"), "{hint}");
    let hint = accepted(&v2, "app", v1.issuer(), "app").unwrap_err();
    assert!(hint.contains("v1.0 token of Entra"), "{hint}");
    assert!(accepted(&v1, "api://app", v1.issuer(), "api://APP").is_err(), "compared exactly");
}

#[test]
fn row_084_092_101_103_110_issuers_are_exact() {
    for (provider, other) in [
        (
            Provider::keycloak("https://keycloak.acme.io", "acme").unwrap(),
            "https://keycloak.acme.io/realms/acme/",
        ),
        (Provider::auth0("acme.eu.auth0.com").unwrap(), "https://acme.eu.auth0.com"),
        (Provider::okta("acme.okta.com", "aus1").unwrap(), "https://acme.okta.com"),
        (Provider::okta("login.acme.com", "aus1").unwrap(), "https://acme.okta.com/oauth2/aus1"),
        (Provider::frontegg("login.acme.com").unwrap(), "https://acme.frontegg.com"),
    ] {
        assert_eq!(accepted(&provider, "a", provider.issuer(), "a"), Ok(()));
        let error = accepted(&provider, "a", other, "a").unwrap_err();
        let slash = other.trim_end_matches('/') == provider.issuer().trim_end_matches('/');
        assert_eq!(error.contains("trailing slash"), slash, "{error}");
    }
}
