//! What goes over the wire, one test per provider and flow. "Documented, not run" but for Keycloak's and RFC 8693's
//! shapes, which run against `lab/` in the gateway's suites.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner};
use mcp_auth_core::jwk::Thumbprint;
use mcp_auth_core::jwt::Algorithm;
use mcp_auth_discovery::Secret;
use mcp_auth_discovery::provider::{Provider, ProviderKind};
use serde_json::json;

use crate::client_auth::{AssertionAudience, AssertionKey};
use crate::plan::{ActorToken, ExchangePlan, Step, Subject};
use crate::provider::ExchangeProfile;
use crate::testing::{Driver, INBOUND, endpoint, json_response, lines, principal, scopes, subject};
use crate::{AuthorizationDetails, ClientCredential, Outcome, Resource, TokenTypeUri};

const TENANT: &str = "11111111-2222-3333-4444-555555555555";
const SECRET: &str = "hunter2";

fn post(id: &str) -> ClientCredential {
    ClientCredential::client_secret_post(id, Secret::new(SECRET))
}

fn driver(step: Step) -> Driver {
    Driver::new(&Arc::new(ExchangePlan::new("p", [step]).unwrap()), subject(), None)
}

fn sent(step: Step) -> (Vec<String>, Driver) {
    let mut driver = driver(step);
    let body = driver.send().unwrap();
    (lines(body.as_bytes()), driver)
}

#[test]
fn row_068_to_074_and_263_rfc_8693_as_the_seeds_write_it() {
    // S0, "wire": the scope as it is configured, `openid` included (row 66), secret in the form or as Basic (row 73).
    let step = |client| {
        Step::new(ExchangeProfile::rfc8693(), endpoint("https://idp.example/token"), client)
            .audience("https://tool.acme.io/mcp")
            .scope(&scopes("openid mcp:invoke offline_access"))
    };
    let form = [
        "grant_type: urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token: inbound.canary.token",
        "subject_token_type: urn:ietf:params:oauth:token-type:jwt",
        "requested_token_type: urn:ietf:params:oauth:token-type:access_token",
        "audience: https://tool.acme.io/mcp",
        "scope: openid mcp:invoke offline_access",
    ];
    let (body, _) = sent(step(post("agentgateway-exchange")));
    assert_eq!(
        body,
        [form.as_slice(), &["client_id: agentgateway-exchange", "client_secret: hunter2"]].concat()
    );
    let basic = ClientCredential::client_secret_basic("agentgateway-exchange", Secret::new(SECRET));
    let (body, driver) = sent(step(basic));
    assert_eq!(body, form);
    let request = driver.sent.last().unwrap();
    assert!(request.headers()[AUTHORIZATION].is_sensitive());
    assert_eq!(
        (request.method().as_str(), request.uri().to_string().as_str()),
        ("POST", "https://idp.example/token")
    );
    assert!(!request.uri().to_string().contains(INBOUND));
}

#[test]
fn rfc_8693_with_every_parameter() {
    let step = Step::new(ExchangeProfile::rfc8693(), endpoint("https://idp.example/token"), post("gw"))
        .audience("a")
        .audience("b")
        .resource(Resource::parse("https://tool/mcp?x=1").unwrap())
        .resource(Resource::parse("urn:r:2").unwrap())
        .scope(&scopes("s t"))
        .authorization_details(AuthorizationDetails::parse(r#"[{"type":"mcp_tool"}]"#).unwrap())
        .parameter("subject_issuer", "corp")
        .unwrap();
    let actor = ActorToken::new(Secret::new("act.or"), TokenTypeUri::JWT);
    let plan = Arc::new(ExchangePlan::new("p", [step]).unwrap());
    let body = Driver::new(&plan, subject(), Some(actor)).send().unwrap();
    assert_eq!(
        lines(body.as_bytes()),
        [
            "grant_type: urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token: inbound.canary.token",
            "subject_token_type: urn:ietf:params:oauth:token-type:jwt",
            "actor_token: act.or",
            "actor_token_type: urn:ietf:params:oauth:token-type:jwt",
            "requested_token_type: urn:ietf:params:oauth:token-type:access_token",
            "audience: a",
            "audience: b",
            "resource: https://tool/mcp?x=1",
            "resource: urn:r:2",
            "scope: s t",
            r#"authorization_details: [{"type":"mcp_tool"}]"#,
            "subject_issuer: corp",
            "client_id: gw",
            "client_secret: hunter2",
        ]
    );
}

#[test]
fn keycloak_standard_token_exchange() {
    // Keycloak, "Configuring and using token exchange": access_token in, client id as audience, no offline access.
    let provider = Provider::keycloak("https://keycloak.acme.io", "acme").unwrap();
    let step = Step::new(
        ExchangeProfile::of(provider.kind()),
        endpoint(provider.token_endpoint().unwrap()),
        post("gateway"),
    )
    .audience("tool")
    .scope(&scopes("mcp:invoke offline_access"));
    assert_eq!(
        sent(step).0,
        [
            "grant_type: urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token: inbound.canary.token",
            "subject_token_type: urn:ietf:params:oauth:token-type:access_token",
            "requested_token_type: urn:ietf:params:oauth:token-type:access_token",
            "audience: tool",
            "scope: mcp:invoke",
            "client_id: gateway",
            "client_secret: hunter2",
        ]
    );
}

fn entra(client: ClientCredential) -> Step {
    let provider = Provider::entra_v1(TENANT).unwrap();
    Step::new(ExchangeProfile::of(provider.kind()), endpoint(provider.token_endpoint().unwrap()), client)
        .scope(&scopes("https://graph.microsoft.com/.default"))
}

#[test]
fn row_047_to_053_entra_on_behalf_of_with_a_secret() {
    // "OAuth 2.0 On-Behalf-Of flow", first case: access token request with a shared secret.
    let (body, driver) = sent(entra(post("a1b2c3d4-e5f6-7890-abcd-ef1234567890")));
    let uri = format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token");
    assert_eq!(driver.sent[0].uri().to_string(), uri);
    assert_eq!(
        body,
        [
            "grant_type: urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion: inbound.canary.token",
            "scope: https://graph.microsoft.com/.default",
            "requested_token_use: on_behalf_of",
            "client_id: a1b2c3d4-e5f6-7890-abcd-ef1234567890",
            "client_secret: hunter2",
        ]
    );
    for absent in ["audience", "subject_token", "requested_token_type", "resource"] {
        assert!(!body.iter().any(|line| line.starts_with(absent)), "{absent}");
    }
}

#[test]
fn entra_on_behalf_of_with_a_certificate() {
    // Second case: `client_assertion`, signed PS256, with the certificate's `x5t#S256`.
    let signer = Arc::new(AwsLcSigner::generate(Algorithm::PS256).unwrap());
    let certificate = Thumbprint::of_certificate(b"der", &AwsLc::new());
    let key = AssertionKey::new(signer, AssertionAudience::TokenEndpoint).x5t_s256(certificate);
    let (body, _) = sent(entra(ClientCredential::private_key_jwt("app", key)));
    assert_eq!(
        body[..6],
        [
            "grant_type: urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion: inbound.canary.token",
            "scope: https://graph.microsoft.com/.default",
            "requested_token_use: on_behalf_of",
            "client_id: app",
            "client_assertion_type: urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ]
    );
    assert!(body[6].starts_with("client_assertion: ey") && body.len() == 7);
}

#[test]
fn entra_on_behalf_of_with_a_federated_credential() {
    // Third case: the assertion is the token of a Kubernetes service account, as its file has it.
    let mut driver = driver(entra(ClientCredential::workload_identity("app")));
    let outcome = driver.send().unwrap_err();
    assert!(outcome.diagnosis().unwrap().text().contains("service account token"), "{outcome:?}");
    driver.workload_token = Some(Secret::new("k8s.sa.token\n"));
    let body = driver.send().unwrap();
    assert_eq!(
        lines(body.as_bytes()),
        [
            "grant_type: urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion: inbound.canary.token",
            "scope: https://graph.microsoft.com/.default",
            "requested_token_use: on_behalf_of",
            "client_id: app",
            "client_assertion_type: urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion: k8s.sa.token",
        ]
    );
    assert!(!driver.sent[0].headers().contains_key(AUTHORIZATION));
}

#[test]
fn auth0_on_behalf_of() {
    // Auth0, "On-Behalf-Of Token Exchange": one audience, an API identifier; types `access_token` both.
    let step = Step::new(
        ExchangeProfile::of(ProviderKind::Auth0),
        endpoint("https://acme.eu.auth0.com/oauth/token"),
        post("c"),
    )
    .audience("https://acme-api/tool")
    .scope(&scopes("mcp:invoke"));
    assert_eq!(
        sent(step).0,
        [
            "grant_type: urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token: inbound.canary.token",
            "subject_token_type: urn:ietf:params:oauth:token-type:access_token",
            "requested_token_type: urn:ietf:params:oauth:token-type:access_token",
            "audience: https://acme-api/tool",
            "scope: mcp:invoke",
            "client_id: c",
            "client_secret: hunter2",
        ]
    );
}

#[test]
fn auth0_custom_token_exchange() {
    // Auth0, "Custom Token Exchange": a type of one's own, and no `requested_token_type`.
    let own = TokenTypeUri::new("https://acme.example/corporate-jwt").unwrap();
    let profile = ExchangeProfile::auth0_custom().takes_subject_token(own);
    let step = Step::new(profile, endpoint("https://acme.eu.auth0.com/oauth/token"), post("c"))
        .audience("https://acme-api");
    assert_eq!(
        sent(step).0,
        [
            "grant_type: urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token: inbound.canary.token",
            "subject_token_type: https://acme.example/corporate-jwt",
            "audience: https://acme-api",
            "client_id: c",
            "client_secret: hunter2",
        ]
    );
}

#[test]
fn auth0_token_vault() {
    // Auth0, "Access Token Exchange with Token Vault".
    let step = Step::new(
        ExchangeProfile::auth0_token_vault(),
        endpoint("https://acme.eu.auth0.com/oauth/token"),
        post("c"),
    )
    .connection("google-oauth2")
    .login_hint("108251222");
    assert_eq!(
        sent(step).0,
        [
            "grant_type: urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
            "subject_token: inbound.canary.token",
            "subject_token_type: urn:ietf:params:oauth:token-type:access_token",
            "requested_token_type: http://auth0.com/oauth/token-type/federated-connection-access-token",
            "connection: google-oauth2",
            "login_hint: 108251222",
            "client_id: c",
            "client_secret: hunter2",
        ]
    );
}

#[test]
fn okta_on_behalf_of() {
    // Okta, "Set up OAuth 2.0 On-Behalf-Of Token Exchange": Basic, custom scopes only. S0's scopes go through.
    let provider = Provider::okta("acme.okta.com", "aus1a2b3c4D5e6F7g8").unwrap();
    let client = ClientCredential::client_secret_basic("0oa1", Secret::new(SECRET));
    let step =
        Step::new(ExchangeProfile::of(provider.kind()), endpoint(provider.token_endpoint().unwrap()), client)
            .audience("api://acme")
            .scope(&scopes("openid mcp:invoke offline_access"));
    let (body, driver) = sent(step);
    assert_eq!(
        body,
        [
            "grant_type: urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token: inbound.canary.token",
            "subject_token_type: urn:ietf:params:oauth:token-type:access_token",
            "requested_token_type: urn:ietf:params:oauth:token-type:access_token",
            "audience: api://acme",
            "scope: mcp:invoke",
        ]
    );
    assert!(driver.sent[0].headers()[AUTHORIZATION].to_str().unwrap().starts_with("Basic "));
}

#[test]
fn row_081_frontegg_is_plain_rfc_8693() {
    let step = |kind, url: &str| {
        Step::new(ExchangeProfile::of(kind), endpoint(url), post("c"))
            .audience("tool")
            .scope(&scopes("mcp:invoke"))
    };
    let frontegg = sent(step(ProviderKind::Frontegg, "https://acme.frontegg.com/oauth/token")).0;
    let plain = Step::new(ExchangeProfile::rfc8693(), endpoint("https://h/token"), post("c"));
    assert_eq!(frontegg, sent(plain.audience("tool").scope(&scopes("mcp:invoke"))).0);
}

#[test]
fn ping_federate_with_types_of_its_policy() {
    // PingFederate, "Token exchange": the administrator names the types.
    let own = TokenTypeUri::new("urn:params:oauth:token-type:jwt").unwrap();
    let profile = ExchangeProfile::ping_federate().takes_subject_token(own);
    let step = Step::new(profile, endpoint("https://ping.example/as/token.oauth2"), post("c"))
        .audience("tool")
        .resource(Resource::parse("https://tool.acme.io/mcp").unwrap())
        .scope(&scopes("mcp:invoke"));
    assert_eq!(
        sent(step).0,
        [
            "grant_type: urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token: inbound.canary.token",
            "subject_token_type: urn:params:oauth:token-type:jwt",
            "requested_token_type: urn:ietf:params:oauth:token-type:access_token",
            "audience: tool",
            "resource: https://tool.acme.io/mcp",
            "scope: mcp:invoke",
            "client_id: c",
            "client_secret: hunter2",
        ]
    );
}

#[test]
fn zitadel_is_asked_for_a_jwt() {
    // Zitadel, "Token Exchange": an access token is opaque unless a JWT is asked for; `resource` is refused.
    let step = Step::new(ExchangeProfile::zitadel(), endpoint("https://z.example/oauth/v2/token"), post("c"))
        .audience("tool")
        .scope(&scopes("openid mcp:invoke"));
    assert_eq!(
        sent(step).0,
        [
            "grant_type: urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token: inbound.canary.token",
            "subject_token_type: urn:ietf:params:oauth:token-type:access_token",
            "requested_token_type: urn:ietf:params:oauth:token-type:jwt",
            "audience: tool",
            "scope: openid mcp:invoke",
            "client_id: c",
            "client_secret: hunter2",
        ]
    );
}

#[test]
fn authentik_with_its_one_audience() {
    let step = Step::new(
        ExchangeProfile::authentik(),
        endpoint("https://a.example/application/o/token/"),
        post("c"),
    )
    .audience("tool")
    .scope(&scopes("mcp:invoke"));
    assert_eq!(
        sent(step).0,
        [
            "grant_type: urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token: inbound.canary.token",
            "subject_token_type: urn:ietf:params:oauth:token-type:access_token",
            "requested_token_type: urn:ietf:params:oauth:token-type:access_token",
            "audience: tool",
            "scope: mcp:invoke",
            "client_id: c",
            "client_secret: hunter2",
        ]
    );
}

#[test]
fn google_sts_without_a_client() {
    // Google Cloud, "Method: token": no Authorization header, no client.
    let audience = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/o";
    let step = Step::new(
        ExchangeProfile::google_sts(),
        endpoint("https://sts.googleapis.com/v1/token"),
        ClientCredential::anonymous(),
    )
    .audience(audience)
    .scope(&scopes("https://www.googleapis.com/auth/cloud-platform"))
    .parameter("options", r#"{"userProject":"1"}"#)
    .unwrap();
    let (body, driver) = sent(step);
    assert_eq!(
        body,
        [
            "grant_type: urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token: inbound.canary.token",
            "subject_token_type: urn:ietf:params:oauth:token-type:jwt",
            "requested_token_type: urn:ietf:params:oauth:token-type:access_token",
            &format!("audience: {audience}"),
            "scope: https://www.googleapis.com/auth/cloud-platform",
            r#"options: {"userProject":"1"}"#,
        ]
    );
    assert!(!driver.sent[0].headers().contains_key(AUTHORIZATION));
}

#[test]
fn mcp_d8_id_jag_across_two_servers() {
    let id_token = principal("id.to.ken", json!({}));
    let mcp = || Resource::parse("https://mcp.chat.example/").unwrap();
    let leg_1 =
        Step::new(ExchangeProfile::id_jag_issuer(), endpoint("https://idp.example/token"), post("agent"))
            .audience("https://as.chat.example/")
            .resource(mcp())
            .scope(&scopes("chat.read"));
    let leg_2 = Step::new(
        ExchangeProfile::jwt_bearer(),
        endpoint("https://as.chat.example/token"),
        post("agent@chat"),
    )
    .resource(mcp())
    .scope(&scopes("chat.read"));
    let plan = Arc::new(ExchangePlan::new("chat", [leg_1, leg_2]).unwrap());
    let jag = json!({"access_token": "j.a.g", "issued_token_type": TokenTypeUri::ID_JAG.as_str(), "token_type": "N_A",
        "expires_in": 300});
    let token = json!({"access_token": "opaque-token", "token_type": "Bearer", "expires_in": 600, "scope": "chat.read"});
    let driver = Driver::new(&plan, Subject::of(id_token).unwrap(), None);
    let (outcome, sent) = driver.through(&[Some(json_response(200, &jag)), Some(json_response(200, &token))]);
    assert_eq!(outcome.token().unwrap().expose(), "opaque-token");
    assert_eq!(
        lines(sent[0].body())[..7],
        [
            "grant_type: urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token: id.to.ken",
            "subject_token_type: urn:ietf:params:oauth:token-type:id_token",
            "requested_token_type: urn:ietf:params:oauth:token-type:id-jag",
            "audience: https://as.chat.example/",
            "resource: https://mcp.chat.example/",
            "scope: chat.read",
        ]
    );
    assert_eq!(sent[1].uri().to_string(), "https://as.chat.example/token");
    assert_eq!(
        lines(sent[1].body()),
        [
            "grant_type: urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion: j.a.g",
            "resource: https://mcp.chat.example/",
            "scope: chat.read",
            "client_id: agent@chat",
            "client_secret: hunter2",
        ]
    );
    assert!(!String::from_utf8_lossy(sent[1].body()).contains("id.to.ken"));
}

#[test]
fn mcp_d9_a_workload_s_token_as_assertion_and_nothing_after_a_rejection() {
    let step = || {
        let endpoint = endpoint("https://as.example/token");
        Step::new(ExchangeProfile::jwt_bearer(), endpoint, ClientCredential::anonymous())
            .resource(Resource::parse("https://mcp.example/").unwrap())
    };
    assert_eq!(
        sent(step()).0,
        [
            "grant_type: urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion: inbound.canary.token",
            "resource: https://mcp.example/",
        ]
    );
    let refused = json_response(400, &json!({"error": "invalid_grant"}));
    let (outcome, sent) = driver(step()).through(&[Some(refused)]);
    assert!(matches!(outcome, Outcome::SubjectRefused(_)));
    assert_eq!(sent.len(), 1);
}
