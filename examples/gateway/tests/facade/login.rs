//! Logins, and whose tokens a route takes.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::gateway::{Gateway, ISSUER, file, folder, route};
use super::provider::Provider;

const FACADE: &str = "provider: openIdConnect\nclientId: gateway\nclientSecret: hunter2";

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn access_token(answer: &Value) -> &str {
    answer["access_token"].as_str().unwrap()
}

#[test]
fn row_143_152_to_158_a_client_logs_in_and_calls_with_the_providers_token() {
    let provider = Provider::start();
    let gateway = Gateway::start(&file(&folder("login"), "", &[route(&provider, "/mcp", FACADE)]));
    let client = gateway.register();
    let tokens = gateway.login(&provider, &client, &format!("{ISSUER}/mcp"));
    let claims = claims(access_token(&tokens));
    assert_eq!(claims["iss"], provider.issuer, "validated against the provider's issuer, as ever");
    assert_eq!(gateway.call("/mcp", access_token(&tokens)).status, 200);
    assert_eq!(gateway.call("/mcp", "nonsense").status, 401);
    // Our client, our callback, our PKCE.
    let asked = &provider.seen("/authorize")[0];
    assert_eq!(
        (&asked["client_id"], &asked["redirect_uri"]),
        (&"gateway".into(), &format!("{ISSUER}/callback").into())
    );
    assert!(!asked.to_string().contains("hunter2"));
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_ne!(refresh, "provider-refresh");
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", &client)];
    let again = gateway.post_form("/token", &pairs, "").ends(200).json();
    assert_ne!(again["refresh_token"], tokens["refresh_token"]);
}

#[test]
fn two_routes_share_a_server_and_a_token_is_for_one_of_them() {
    let provider = Provider::start();
    let routes = [route(&provider, "/a", FACADE), route(&provider, "/b", FACADE)];
    let gateway = Gateway::start(&file(&folder("two-routes"), "", &routes));
    let client = gateway.register();
    let document = gateway.get("/.well-known/oauth-authorization-server").json();
    let resources = [format!("{ISSUER}/a"), format!("{ISSUER}/b")];
    assert_eq!(document["protected_resources"], serde_json::json!(resources));
    for (own, other, resource) in [("/a", "/b", &resources[0]), ("/b", "/a", &resources[1])] {
        let tokens = gateway.login(&provider, &client, resource);
        assert_eq!(gateway.call(own, access_token(&tokens)).status, 200);
        assert_eq!(gateway.call(other, access_token(&tokens)).status, 401);
        let metadata = gateway.get(&format!("/.well-known/oauth-protected-resource{own}")).json();
        assert_eq!(metadata["authorization_servers"], serde_json::json!([ISSUER]));
    }
}

/// A private key as `openssl genpkey` writes it.
fn key_file(folder: &std::path::Path) -> String {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let path = folder.join("token-key.pem");
    let text = STANDARD.encode(key.as_ref());
    let (first, second) = text.split_at(64);
    std::fs::write(
        &path,
        format!("-----BEGIN PRIVATE KEY-----\n{first}\n{second}\n-----END PRIVATE KEY-----\n"),
    )
    .unwrap();
    path.display().to_string()
}

#[test]
fn with_tokens_of_our_own_those_of_the_provider_are_no_longer_accepted() {
    let provider = Provider::start();
    let folder = folder("own-tokens");
    let own = format!(
        "{FACADE}\nauthorizationServer:\n  tokens: {{own: {{keyFile: '{}', claims: [groups]}}}}",
        key_file(&folder)
    );
    let with_own = file(&folder, "", &[route(&provider, "/mcp", &own)]);
    let gateway = Gateway::start(&with_own);
    let client = gateway.register();
    let resource = format!("{ISSUER}/mcp");
    let tokens = gateway.login(&provider, &client, &resource);
    let ours = access_token(&tokens);
    let said = claims(ours);
    assert_eq!(
        (&said["iss"], &said["aud"], &said["sub"]),
        (&ISSUER.into(), &resource.clone().into(), &"alice".into())
    );
    assert_eq!(said["groups"], serde_json::json!(["staff"]));
    assert_eq!(gateway.call("/mcp", ours).status, 200);
    let keys = gateway.get("/.well-known/jwks.json").ends(200).json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    // The same key after a restart: tokens stay good.
    let again = Gateway::start(&with_own);
    assert_eq!(again.call("/mcp", ours).status, 200);

    // A token of the provider for this very resource, which a route without tokens of its own takes.
    let passing = Gateway::start(&file(&folder, "", &[route(&provider, "/mcp", FACADE)]));
    let client = passing.register();
    let tokens = passing.login(&provider, &client, &resource);
    let theirs = access_token(&tokens);
    assert_eq!(claims(theirs)["aud"], resource);
    assert_eq!(passing.call("/mcp", theirs).status, 200);
    assert_eq!(passing.call("/mcp", ours).status, 401);
    assert_eq!(gateway.call("/mcp", theirs).status, 401);
}
