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

fn refusal(block: &str, top: &str) -> String {
    parse(&file(block, top), "x.yaml").map(drop).expect_err(block).to_string()
}

/// The profile of the only step, as text.
fn profile_of(block: &str, top: &str) -> String {
    format!("{:?}", plan(&read(block, top).0.ways[0]).steps()[0].profile())
}

#[test]
fn everything_that_is_known_of_a_provider_can_be_written_over() {
    use mcp_auth_exchange::provider::{ErrorClass, ErrorRule, ExchangeProfile as Profile, Need};
    let of = |change: &dyn Fn(Profile) -> Profile| {
        format!("{:?}", change(Profile::of(mcp_auth_discovery::provider::ProviderKind::Okta)))
    };
    let one = |more: &str| {
        let more = indented(more, 2);
        profile_of(&format!("oauthTokenExchange:\n{}  provider: okta\n{more}", indented(ONE, 2)), "")
    };
    let scopes = |text: &str| mcp_auth_discovery::Scopes::parse(text).unwrap();
    let rule = |code: &'static str, class| {
        let advice =
            "{provider} refused with an error of which `errors` of the configuration says what it means";
        ErrorRule::new(code, class, "configured_error", advice)
    };
    type Change<'a> = &'a dyn Fn(Profile) -> Profile;
    let rows: [(&str, Change<'_>); 21] = [
        ("", &|p| p),
        ("takes: {}", &|p| p),
        ("takes: {audience: optional}", &|p| p.takes_audience(Need::Optional)),
        ("takes: {audience: advised}", &|p| p.takes_audience(Need::Advised)),
        ("takes: {audience: ignored}", &|p| p.takes_audience(Need::Ignored)),
        ("takes: {severalAudiences: true}", &|p| p.takes_several_audiences(true)),
        ("takes: {resource: refused}", &|p| p.takes_resource(Need::Refused)),
        ("takes: {scope: optional}", &|p| p.takes_scope(Need::Optional)),
        ("takes: {actorToken: optional}", &|p| p.takes_actor(Need::Optional)),
        ("takes: {actorToken: refused}", &|p| p.takes_actor(Need::Refused)),
        ("takes: {requestedTokenType: refused}", &|p| p.requests(None)),
        ("takes: {requestedTokenType: ignored}", &|p| p.requests(None)),
        ("takes: {requestedTokenType: optional}", &|p| p),
        ("requestedTokenType: jwt", &|p| p.requests(Some(TokenTypeUri::JWT))),
        ("subjectToken: {tokenType: jwt}", &|p| p.takes_subject_token(TokenTypeUri::JWT)),
        ("issuedTokenType: optional", &|p| p.says_issued_token_type(false)),
        ("issuedTokenType: required", &|p| p.says_issued_token_type(true)),
        ("droppedScopes: [openid]", &|p| p.drops_scopes(&scopes("openid"))),
        ("droppedScopes: []", &|p| p.drops_scopes(&scopes(""))),
        ("errors: [{error: invalid_grant, outcome: stepUp}]", &|p| {
            p.error_rule(rule("invalid_grant", ErrorClass::StepUp))
        }),
        (
            "errors:\n- {error: a, description: b, outcome: consentRequired}\n- {error: 'a*', outcome: transient}",
            &|p| {
                let last = p.error_rule(rule("a*", ErrorClass::Transient));
                last.error_rule(rule("a", ErrorClass::ConsentRequired).says("b"))
            },
        ),
    ];
    for (text, change) in rows {
        assert_eq!(one(text), of(change), "{text}");
    }
    // The block of S0 and S1, once its Secret is read.
    let block = "tokenExchange:\n  mode: ExchangeOnly\n  elicitation: {secretName: okta-token-exchange}\n  audiences: [a]\n  \
                 subjectToken: {tokenType: jwt}\n  takes: {scope: optional}\n  droppedScopes: []\n  clientAuthMethod: \
                 clientSecretBasicRaw";
    assert_eq!(
        profile_of(block, ON),
        of(&|p| p
            .takes_subject_token(TokenTypeUri::JWT)
            .takes_scope(Need::Optional)
            .drops_scopes(&scopes("")))
    );
}

#[test]
fn what_a_server_takes_decides_what_is_sent() {
    let scope = |more: &str| {
        let block = "host: https://idp.example.com\npath: /token\nprovider: okta\naudiences: [tool]\nscopes: [a, openid, \
                     offline_access]\nclientAuth: {clientId: gw, clientSecret: hunter2}";
        let block = format!("oauthTokenExchange:\n{}{}", indented(block, 2), indented(more, 2));
        plan(&read(&block, "").0.ways[0]).steps()[0].sent_scope().to_string()
    };
    assert_eq!(scope(""), "a");
    assert_eq!(scope("droppedScopes: [offline_access]"), "a openid");
    assert_eq!(scope("droppedScopes: []"), "a openid offline_access");
    let actor = |needs: &str| {
        let block = format!(
            "oauthTokenExchange:\n{}  actorToken: {{file: /run/actor}}\n  takes: {{actorToken: {needs}}}",
            indented(ONE, 2)
        );
        plan(&read(&block, "").0.ways[0]).takes_actor()
    };
    let needs = ["required", "advised", "optional", "ignored", "refused"];
    assert_eq!(needs.map(actor), [true, true, true, false, false]);
    // The callers' audience has no client of the gateway's, as Keycloak wants it.
    let warned = |takes: &str| {
        let block = format!("oauthTokenExchange:\n{}  provider: keycloak\n{takes}", indented(ONE, 2));
        read(&block, "").1.iter().any(|warning| warning.contains("audience mapper"))
    };
    assert!(warned("") && !warned("  takes: {ignoreKnownRefusals: true}"));
}

/// Each method is the library's own, by what its requests have in the header.
#[test]
fn a_secret_in_the_header_encoded_or_raw() {
    let header = |method: &str| {
        let block = format!("oauthTokenExchange:\n{}", indented(ONE, 2))
            .replace("clientSecret: hunter2", &format!("clientSecret: hunter2, method: {method}"));
        let (from, _) = read(&block, "");
        let leg = &from.ways[0].legs[0];
        let client = leg.client.with_secret(Secret::new("p+/="));
        let step = leg.with_client(client.clone());
        let context = mcp_auth_exchange::client_auth::AuthenticationContext {
            endpoint: step.endpoint(),
            jti: "0123456789abcdef",
            workload_token: None,
            now: mcp_auth_core::UnixTime::from_secs(0),
        };
        let sent = client.authenticate(&context).unwrap();
        let request = mcp_auth_exchange::grant::token_exchange::TokenExchangeRequest::new(
            Secret::new("s"),
            TokenTypeUri::JWT,
            sent,
        );
        let request = request.into_http(context.endpoint);
        request.headers()["authorization"].to_str().unwrap().to_owned()
    };
    // `gw:p%2B%2F%3D` and `gw:p+/=`.
    assert_eq!(header("clientSecretBasic"), "Basic Z3c6cCUyQiUyRiUzRA==");
    assert_eq!(header("clientSecretBasicRaw"), "Basic Z3c6cCsvPQ==");
}

#[test]
fn mcp_d8_each_server_of_a_chain_has_its_own_rules() {
    let client = "clientAuth: {clientId: gw, clientSecret: hunter2}";
    let of = |first: &str, second: &str| {
        let block = format!(
            "crossAppAccess:\n  identityProvider: {{host: https://idp.example.com, path: /token, {client}{first}}}\n  \
             resourceAuthorizationServer: {{host: https://as.example.com, path: /token, {client}{second}}}\n  audience: \
             https://as.example.com\n  resources: [https://tool.example/mcp]\n  scopes: [a]"
        );
        let (from, warnings) = read(&block, "");
        let plan = plan(&from.ways[0]);
        let first = |step: usize| plan.steps()[step].profile().error_rules().next().unwrap().id();
        (first(0), first(1), format!("{:?}", plan.issued_rules()), warnings)
    };
    let (_, standard, rules, warnings) = of("", "");
    assert!(
        rules.contains(r#"AnyOf(["https://tool.example/mcp"])"#) && rules.contains("subject: Unchecked"),
        "{rules}"
    );
    assert!(warnings.iter().any(|w| w.contains("by the ID-JAG, whose `sub` is compared")), "{warnings:?}");
    let errors = ", errors: [{error: x, outcome: transient}]";
    let (first, second, _, warnings) = of(&format!("{errors}, pairwiseSubjects: true"), "");
    assert_eq!((first, second), ("configured_error", standard));
    assert!(warnings.iter().any(|w| w.starts_with("neither the user of the ID-JAG")), "{warnings:?}");
    let (first, second, ..) = of("", errors);
    assert!(first != "configured_error" && second == "configured_error");
}

#[test]
fn examples_of_the_documentation_load() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/token-exchange.md");
    let page = std::fs::read_to_string(page).unwrap();
    let by = |text: &str, by: usize| -> String {
        text.lines().map(|line| format!("{}\n", line.get(by..).unwrap_or_default())).collect()
    };
    let mut seen = Vec::new();
    let mut lines = page.lines();
    while let Some(fence) = lines.find(|line| line.trim_start() == "```yaml") {
        let inside: String =
            lines.by_ref().take_while(|line| line.trim() != "```").map(|line| format!("{line}\n")).collect();
        let block = by(&inside, fence.len() - fence.trim_start().len());
        let first = block.split(':').next().unwrap().to_owned();
        let one = |by| format!("oauthTokenExchange:\n{}", indented(ONE, by));
        let text = match first.as_str() {
            "policies" => file(&by(block.split_once("backendAuth:\n").unwrap().1, 4), ""),
            "oauthTokenExchange" | "crossAppAccess" => file(&block, ""),
            "clientAuth" => {
                let others =
                    one(2).lines().filter(|l| !l.contains("clientAuth")).collect::<Vec<_>>().join("\n");
                file(&format!("{others}\n{}", indented(&block, 2)), "")
            }
            "outbound" => file(&one(2), &block),
            "backendAuth" => {
                let rest = by(block.split_once('\n').unwrap().1, 2);
                file(&rest.replace("oauthTokenExchange: {…}", one(4).trim_end()), "")
            }
            "tokenExchange" => {
                let top = block.lines().next().unwrap().replace("/etc/mcp-auth/secrets", "tests/secrets");
                file(&by(block.split_once("backendAuth:\n").unwrap().1, 10), &top)
            }
            other => panic!("an example that nobody reads: {other}"),
        };
        parse(&text, "docs").unwrap_or_else(|error| panic!("{error}\n{text}"));
        seen.push(first);
    }
    let known = [
        "policies",
        "clientAuth",
        "outbound",
        "oauthTokenExchange",
        "tokenExchange",
        "backendAuth",
        "crossAppAccess",
        "outbound",
    ];
    assert_eq!(seen, known);
}

fn entra(change: impl Fn(String) -> String) -> String {
    change(
        "tokenExchange:\n  mode: ExchangeOnly\n  entra:\n    tenantId: 11111111-2222-3333-4444-555555555555\n    clientId: \
         a1b2c3d4-e5f6-7890-abcd-ef1234567890\n    scope: https://graph.microsoft.com/.default\n    clientSecretRef: \
         {name: entra-gateway-secret, key: client_secret}"
            .to_owned(),
    )
}

#[test]
fn row_042_tenant_and_client_of_entra_are_uuids() {
    for (from, to, field) in [
        ("11111111-2222-3333-4444-555555555555", "acme.onmicrosoft.com", "tenantId"),
        ("11111111-2222-3333-4444-555555555555", "common", "tenantId"),
        ("11111111-2222-3333-4444-555555555555", "'11111111222233334444555555555555'", "tenantId"),
        ("a1b2c3d4-e5f6-7890-abcd-ef1234567890", "gateway", "clientId"),
        ("a1b2c3d4-e5f6-7890-abcd-ef1234567890", "g1b2c3d4-e5f6-7890-abcd-ef1234567890", "clientId"),
    ] {
        let text = refusal(&entra(|block| block.replace(from, to)), ON);
        assert!(text.contains(&format!("`{field}` must be a UUID")), "{to}: {text}");
    }
    read(&entra(|block| block.replace("a1b2c3d4-e5f6", "A1B2C3D4-E5F6")), ON);
}

#[test]
fn row_043_044_the_key_of_the_secret_is_looked_up_and_the_rest_is_inline() {
    let text = refusal(&entra(|block| block.replace("key: client_secret", "key: secret")), ON);
    assert!(
        text.contains("Secret `entra-gateway-secret` has no key `secret`; it has `client_secret`"),
        "{text}"
    );
    // Row 44: a Secret with that one key is all that is needed.
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/secrets/entra-gateway-secret");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
    assert_eq!(secret(&read(&entra(|block| block), ON).0.ways[0]), "hunter2");
}

#[test]
fn row_046_entra_and_elicitation_exclude_each_other() {
    for name in ["keycloak-token-exchange", ""] {
        let both = entra(|block| format!("{block}\n  elicitation: {{secretName: '{name}'}}"));
        let text = refusal(&both, ON);
        assert!(text.contains("`entra` and `elicitation` exclude each other"), "{text}");
    }
}

#[test]
fn row_269_a_block_with_nothing_to_call_does_not_load() {
    let block = "tokenExchange: {mode: ExchangeOnly}";
    let empty = "tokenExchange: {enabled: true, secrets: tests/secrets, oidc: {secretName: ''}}";
    for (top, says) in [
        ("", "needs `tokenExchange: {enabled: true, secrets: FOLDER}`"),
        ("tokenExchange: {enabled: false, secrets: tests/secrets}", "nothing would be exchanged"),
        (ON, "there is no server to exchange at"),
        (empty, "there is no server to exchange at"),
    ] {
        let text = refusal(block, top);
        assert!(text.contains(says), "{top}: {text}");
    }
    let off = "tokenExchange: {mode: ExchangeOnly, elicitation: {secretName: ''}}";
    let default =
        "tokenExchange: {enabled: true, secrets: tests/secrets, oidc: {secretName: acme-default-oauth}}";
    let text = refusal(off, default);
    assert!(text.contains("which means off"), "{text}");
}

/// There is no consent page yet that they would be for: they are looked at, so that they are right when it is there.
#[test]
fn row_063_067_what_consent_needs_is_read_with_the_secret() {
    let folder = std::env::temp_dir().join(format!("mcp-auth-gateway-consent-{}", std::process::id()));
    let own = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/secrets/keycloak-token-exchange");
    let block = "tokenExchange: {mode: ExchangeOnly, elicitation: {secretName: s}, audiences: [a]}";
    let top = format!("tokenExchange: {{enabled: true, secrets: '{}'}}", folder.display());
    for key in ["authorize_url", "redirect_uri"] {
        std::fs::create_dir_all(folder.join("s")).unwrap();
        for file in std::fs::read_dir(&own).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), folder.join("s").join(file.file_name())).unwrap();
        }
        assert_eq!(secret(&read(block, &top).0.ways[0]), "hunter2", "both are there");
        std::fs::write(folder.join("s").join(key), "hunter2").unwrap();
        let text = refusal(block, &top);
        assert!(text.contains(&format!("has a key `{key}` that is no http or https URL")), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        std::fs::remove_file(folder.join("s").join(key)).unwrap();
        assert_eq!(secret(&read(block, &top).0.ways[0]), "hunter2", "without elicitation nobody needs it");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

/// The anti-pattern has two halves. Neither can be written: one token for all callers, and a header that says for whom.
#[test]
fn row_268_a_shared_token_and_a_header_for_the_user_cannot_be_written() {
    let shared = refusal("key: hunter2", "");
    assert!(
        shared.contains("one token for all callers") && shared.contains("oauthTokenExchange"),
        "{shared}"
    );
    assert!(!shared.contains("hunter2"), "{shared}");
    for (policy, name) in [
        ("requestHeaderModifier: {set: {x-on-behalf-of: alice}}", "requestHeaderModifier"),
        ("transformations: {request: {set: {x-on-behalf-of: jwt.sub}}}", "transformations"),
    ] {
        let text = file("oauthTokenExchange:\n  host: x", "");
        let text = text.replace("        backendAuth:", &format!("        {policy}\n        backendAuth:"));
        let text = parse(&text, "x.yaml").map(drop).unwrap_err().to_string();
        assert!(text.contains(&format!("unknown field `{name}`")), "{text}");
    }
}
