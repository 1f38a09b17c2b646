//! What each way of writing an exchange means. What is refused, and how, stands in `tests/config/bad`.

use mcp_auth_discovery::Secret;
use mcp_auth_exchange::plan::ExchangePlan;
use mcp_auth_exchange::provider::ExchangeGrant;

use super::super::secret::SecretFrom;
use super::super::{Config, Warning, parse};
use super::*;

const ON: &str = "tokenExchange: {enabled: true, secrets: tests/secrets}";

fn file(block: &str, top: &str) -> String {
    let head = "binds:\n- port: 3000\n  listeners:\n  - routes:\n    - backends: [{host: '127.0.0.1:4200'}]\n      \
                policies:\n        mcpAuthentication:\n          issuer: https://idp.example.com\n          jwks: \
                {url: https://idp.example.com/jwks.json}\n          resourceMetadata: {resource: \
                https://api.example.com/mcp}\n        backendAuth:\n";
    let block: String = block.lines().map(|line| format!("          {line}\n")).collect();
    format!("{head}{block}{top}\n")
}

fn read(block: &str, top: &str) -> (BackendAuth, Vec<String>) {
    let (config, warnings): (Config, Vec<Warning>) =
        parse(&file(block, top), "x.yaml").unwrap_or_else(|error| panic!("{block}: {error}"));
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    let policies = config.binds[0].listeners[0].routes[0].policies.clone();
    let warnings = warnings.iter().map(|w| w.message().to_owned()).collect();
    (policies.backend_auth.unwrap(), warnings)
}

fn plan(way: &Way) -> ExchangePlan {
    way.plan("p", |leg| Ok(leg.with_client(leg.client.with_secret(Secret::new("hunter2"))))).unwrap()
}

fn secret(way: &Way) -> &str {
    match &way.legs[0].client {
        Client::Secret(_, _, SecretFrom::Here(secret)) => secret.value.expose(),
        other => panic!("{other:?}"),
    }
}

/// The blocks of S0 as printed. They are the same but for the Secret's name; ours adds for whom the token is, which the
/// seeds' provider guesses.
#[test]
fn row_060_to_082_four_providers_differ_in_their_secret_alone() {
    let rows = [
        (
            "keycloak",
            "Keycloak",
            "https://keycloak.acme.io/realms/acme/protocol/openid-connect/token",
            "openid mcp:invoke",
        ),
        ("auth0", "Auth0", "https://acme.eu.auth0.com/oauth/token", "openid mcp:invoke offline_access"),
        ("okta", "Okta", "https://acme.okta.com/oauth2/aus1a2b3c4D5e6F7g8/v1/token", "mcp:invoke"),
        ("frontegg", "Frontegg", "https://acme.frontegg.com/oauth/token", "openid mcp:invoke offline_access"),
    ];
    for (label, name, endpoint, scope) in rows {
        let block = format!(
            "tokenExchange:\n  elicitation:\n    secretName: {label}-token-exchange\n  audiences: ['api://acme']"
        );
        let (from, warnings) = read(&block, ON);
        assert_eq!(secret(&from.ways[0]), "hunter2", "without the newline of its file");
        let plan = plan(&from.ways[0]);
        let step = &plan.steps()[0];
        assert!(step.profile().name().starts_with(name), "{label}: {}", step.profile().name());
        assert_eq!(step.profile().grant(), ExchangeGrant::TokenExchange);
        assert_eq!(step.endpoint().uri().to_string(), endpoint);
        assert_eq!(step.client().client_id(), Some("agentgateway-exchange"));
        assert_eq!(step.client().method(), "client_secret_post", "row 73: as on the wire of the seeds");
        assert_eq!(step.sent_scope().to_string(), scope, "{label}: row 66, less what it refuses");
        assert!(warnings.iter().any(|w| w.contains("elicitation is not there yet")), "row 82: {warnings:?}");
    }
}

#[test]
fn row_041_to_053_entra_as_printed() {
    let block = "tokenExchange:\n  mode: ExchangeOnly\n  entra:\n    tenantId: 11111111-2222-3333-4444-555555555555\n    \
                 clientId: a1b2c3d4-e5f6-7890-abcd-ef1234567890\n    scope: https://graph.microsoft.com/.default\n    \
                 clientSecretRef:\n      name: entra-gateway-secret\n      key: client_secret";
    // Row 28: empty is off, which Entra's Helm values say.
    let on = "tokenExchange: {enabled: true, secrets: tests/secrets, elicitation: {secretName: ''}}";
    let (from, warnings) = read(block, on);
    let plan = plan(&from.ways[0]);
    let step = &plan.steps()[0];
    assert_eq!(step.profile().grant(), ExchangeGrant::OnBehalfOf);
    let tenant = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token";
    assert_eq!(step.endpoint().uri().to_string(), tenant);
    assert_eq!(step.client().client_id(), Some("a1b2c3d4-e5f6-7890-abcd-ef1234567890"));
    assert_eq!(step.sent_scope().to_string(), "https://graph.microsoft.com/.default");
    assert_eq!((step.client().method(), secret(&from.ways[0])), ("client_secret_post", "hunter2"));
    assert!(!warnings.iter().any(|w| w.contains("elicitation")), "row 45: {warnings:?}");
}

#[test]
fn row_008_and_009_the_policy_s_secret_goes_before_the_gateway_s() {
    let on = "tokenExchange: {enabled: true, secrets: tests/secrets, oidc: {secretName: acme-default-oauth}}";
    let endpoint = |block: &str| read(block, on).0.outline();
    assert_eq!(endpoint("tokenExchange: {mode: ExchangeOnly}"), ["https://sts.acme.io/token"]);
    let own = "tokenExchange: {mode: ExchangeOnly, elicitation: {secretName: frontegg-token-exchange}}";
    assert_eq!(endpoint(own), ["https://acme.frontegg.com/oauth/token"]);
    // A label that nobody knows: the request of the seeds, to the letter (rows 68 to 73).
    let (from, _) = read("tokenExchange: {mode: ExchangeOnly, clientAuthMethod: clientSecretBasic}", on);
    let plan = plan(&from.ways[0]);
    let profile = plan.steps()[0].profile();
    assert_eq!(profile.subject_token_type().as_str(), "urn:ietf:params:oauth:token-type:jwt");
    let access_token = "urn:ietf:params:oauth:token-type:access_token";
    assert_eq!(profile.requested_token_type().map(|t| t.as_str()), Some(access_token));
    assert_eq!(plan.steps()[0].client().method(), "client_secret_basic");
}

const ONE: &str = "host: https://idp.example.com\npath: /token\naudiences: [tool]\nscopes: [a]\nclientAuth: {clientId: \
                   gw, clientSecret: hunter2}";

fn indented(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{:by$}{line}\n", "")).collect()
}

#[test]
fn a_claim_chooses_a_plan() {
    let (one, other) = (indented(ONE, 4), indented(&ONE.replace("idp.", "other."), 4));
    let block = format!(
        "byCaller:\n- when: {{issuer: https://idp.example.com, claims: {{tier: gold}}}}\n  oauthTokenExchange:\n{one}\
         - oauthTokenExchange:\n{other}authorizationLocation: {{header: {{name: X-Token, prefix: ''}}}}\n\
         actorToken: {{file: /run/actor, tokenType: jwt}}"
    );
    let (from, _) = read(&block, "");
    assert_eq!(
        from.outline(),
        [
            "https://idp.example.com/token for callers with issuer https://idp.example.com and tier gold",
            "https://other.example.com/token"
        ]
    );
    assert_eq!(from.location.name, "x-token");
    assert_eq!(from.actor.unwrap().file.value, PathBuf::from("/run/actor"));
}

#[test]
fn parameters_are_expressions_as_agentgateway_has_them() {
    let block = format!(
        "oauthTokenExchange:\n{}  additionalParams:\n    tier: '\"gold\"'\n    kind: \"'a' + 'b'\"\n    login_hint: jwt.email\n    \
         tenant: request.headers['x-tenant']\n",
        indented(ONE, 2)
    );
    let (from, warnings) = read(&block, "");
    let [way] = from.ways.as_slice() else { panic!() };
    let (step, own) = (format!("{:?}", way.legs[0].step), &way.own);
    assert!(step.contains("tier") && step.contains("kind"), "{step}");
    let warned: Vec<_> = warnings.iter().filter(|w| w.contains("additionalParams")).collect();
    assert!(matches!(warned.as_slice(), [one] if one.contains("additionalParams.tenant")), "{warnings:?}");
    let principal = |claims: serde_json::Value| {
        mcp_auth_core::Principal::danger_from_unverified_claims(claims.to_string().as_bytes()).unwrap()
    };
    let (alice, bob) = (
        principal(serde_json::json!({"iss": "https://i", "sub": "alice", "email": "alice@acme.io"})),
        principal(serde_json::json!({"iss": "https://i", "sub": "bob", "email": 1})),
    );
    let headers =
        http::HeaderMap::from_iter([(http::HeaderName::from_static("x-tenant"), "t".parse().unwrap())]);
    let context =
        |who| mcp_auth_core::policy::Context::new(Some(who)).request("POST", "/", None).headers(&headers);
    let parameters = evaluate(own, &context(&alice)).unwrap();
    assert_eq!(parameters.iter().collect::<Vec<_>>(), [("login_hint", "alice@acme.io"), ("tenant", "t")]);
    for (who, headers, what) in [(&bob, &headers, "login_hint"), (&alice, &http::HeaderMap::new(), "tenant")]
    {
        let context =
            mcp_auth_core::policy::Context::new(Some(who)).request("POST", "/", None).headers(headers);
        let refused = evaluate(own, &context).unwrap_err();
        assert!(refused.contains(what) && !refused.contains("acme"), "{refused}");
    }
}

#[test]
fn mcp_d8_cross_app_access_is_two_steps() {
    let client = "clientAuth: {clientId: gw, clientSecret: hunter2}";
    let block = |more: &str| {
        format!(
            "crossAppAccess:\n  identityProvider: {{host: https://idp.example.com, path: /token, {client}}}\n  \
             resourceAuthorizationServer: {{host: https://as.example.com, path: /token, {client}}}\n  audience: \
             https://as.example.com\n  resources: [https://tool.example/mcp]\n  scopes: [a, b]\n{more}"
        )
    };
    let scopes = |more: &str| {
        let (from, _) = read(&block(more), "");
        let plan = plan(&from.ways[0]);
        assert_eq!(plan.steps().len(), 2);
        assert!(plan.steps()[0].profile().subject_token_type().as_str().ends_with(":id_token"));
        assert_eq!(plan.steps()[1].profile().grant(), ExchangeGrant::JwtBearer);
        plan.steps().iter().map(|step| step.sent_scope().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(scopes(""), ["a b", "a b"], "not written: those of the ID-JAG");
    assert_eq!(scopes("  accessTokenScopes: [a]"), ["a b", "a"]);
    assert_eq!(scopes("  accessTokenScopes: []"), ["a b", ""]);
    let (from, _) = read(&block("  dpop: true"), "");
    assert_eq!(from.ways[0].legs.iter().map(|leg| leg.dpop).collect::<Vec<_>>(), [false, true]);
    assert_eq!(from.outline(), ["https://idp.example.com/token, then https://as.example.com/token"]);
}

#[test]
fn row_077_215_rules_for_issued_tokens_are_read() {
    let rules = |issued: &str| {
        let block = format!("oauthTokenExchange:\n{}issuedToken: {issued}", indented(ONE, 2));
        format!("{:?}", plan(&read(&block, "").0.ways[0]).issued_rules())
    };
    let of =
        |change: &dyn Fn(mcp_auth_exchange::plan::IssuedRules) -> mcp_auth_exchange::plan::IssuedRules| {
            let block = format!("oauthTokenExchange:\n{}", indented(ONE, 2));
            format!("{:?}", plan(&read(&block, "").0.ways[0]).rules(change).issued_rules())
        };
    use mcp_auth_exchange::plan::{ActorRule, AudienceRule, SubjectRule};
    let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    assert_eq!(rules("{}"), of(&|r| r));
    assert_eq!(rules("{audiences: [x]}"), of(&|r| r.audience(AudienceRule::AnyOf(texts(&["x"])))));
    assert_eq!(rules("{dangerAnyAudience: true}"), of(&|r| r.audience(AudienceRule::Unchecked)));
    assert_eq!(rules("{dangerAnyAudience: false}"), of(&|r| r));
    assert_eq!(rules("{subjectClaim: oid}"), of(&|r| r.subject(SubjectRule::Same("oid".into()))));
    assert_eq!(rules("{dangerAnySubject: true}"), of(&|r| r.subject(SubjectRule::Unchecked)));
    assert_eq!(rules("{actor: required}"), of(&|r| r.actor(ActorRule::Required(None))));
    assert_eq!(rules("{actor: forbidden}"), of(&|r| r.actor(ActorRule::Forbidden)));
    assert_eq!(rules("{actor: {sub: gw}}"), of(&|r| r.actor(ActorRule::Required(Some("gw".into())))));
    let scopes = mcp_auth_discovery::Scopes::parse("a b").unwrap();
    assert_eq!(rules("{scopeCeiling: [a, b]}"), of(&|r| r.ceiling(&scopes)));
    assert_eq!(
        rules("{allScopes: true, readable: true, withinSubject: true, maxLifetime: 1h}"),
        of(&|r| {
            let hour = std::time::Duration::from_secs(3600);
            r.all_scopes().readable().within_subject().max_lifetime(Some(hour))
        })
    );
}
