//! How it is set up, alone and in the stack.

use std::time::Duration;

use mcp_auth_discovery::AuthorizationServerMetadata;
use mcp_auth_discovery::provider::ProviderKind;
use mcp_auth_exchange::TokenTypeUri;
use mcp_auth_exchange::dpop::DpopKey;
use mcp_auth_exchange::plan::ActorToken;

use super::*;
use crate::Authenticated;
use crate::BuildError;
use crate::exchange::{ActorTokenFile, ActorTokens, ExchangeConfigError, ExchangeLayer};
use crate::mcp::McpBody;

fn error(settings: ExchangeSettings) -> ExchangeConfigError {
    ExchangeLayer::new(settings).unwrap_err()
}

fn credential(client: ClientCredential) -> ExchangePlan {
    let endpoint = TokenEndpoint::new(&ENDPOINT.parse().unwrap()).unwrap();
    let step = Step::new(ExchangeProfile::rfc8693(), endpoint, client).audience("tool");
    ExchangePlan::new("p", [step]).unwrap()
}

#[test]
fn what_cannot_work_is_said_when_it_is_built() {
    assert!(matches!(error(ExchangeSettings::new(ExchangePlans::new())), ExchangeConfigError::NoPlan));
    let workload = credential(ClientCredential::workload_identity("gateway"));
    let told = error(ExchangeSettings::new(workload)).to_string();
    assert!(
        told.contains("`p`") && told.contains("`gateway`") && told.contains("workload_token_file"),
        "{told}"
    );
    let certificate = credential(ClientCredential::tls_client_auth("gateway", "edge"));
    let told = error(ExchangeSettings::new(certificate)).to_string();
    assert!(told.contains("`edge`"), "{told}");
    let entra = Step::new(
        ExchangeProfile::of(ProviderKind::EntraV2),
        TokenEndpoint::new(&ENDPOINT.parse().unwrap()).unwrap(),
        ClientCredential::client_secret_post("gateway", Secret::new(SECRET)),
    );
    let entra = entra.scope(&mcp_auth_discovery::Scopes::parse("api://x/.default").unwrap());
    let agent = Arc::new(Agent(Mutex::new(None)));
    let delegating = ExchangeSettings::new(ExchangePlan::new("p", [entra]).unwrap()).actor(agent);
    assert!(matches!(error(delegating), ExchangeConfigError::Actor { .. }), "never left out");
    let signer = Arc::new(AwsLcSigner::generate(Algorithm::ES256).unwrap());
    let key = Arc::new(DpopKey::new(signer, &AwsLc::new()).unwrap());
    let bound =
        || ExchangeSettings::new(ExchangePlan::new("p", [step(ENDPOINT, "tool").dpop(key.clone())]).unwrap());
    assert!(matches!(error(bound()), ExchangeConfigError::Downstream { .. }));
    let header = http::HeaderName::from_static("x-token");
    let elsewhere = bound().downstream("https://tool.example/mcp").unwrap().token_header(header, "");
    assert!(matches!(error(elsewhere), ExchangeConfigError::DpopHeader { .. }));
}

#[test]
fn row_259_a_token_that_is_exchanged_cannot_be_forwarded_too() {
    let auth = McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), Idp::new().keys())
        .forward_token()
        .exchange(plan())
        .build();
    let error = auth.map(|_| ()).unwrap_err();
    assert!(matches!(error, BuildError::Exchange(ExchangeConfigError::Forward)), "{error}");
}

#[tokio::test]
async fn the_token_can_go_into_another_header() {
    let header = http::HeaderName::from_static("x-downstream-token");
    let route = Route::with(plan(), |b| b, |s| s.token_header(header, "Token "), |b| b);
    route.tool.answers(|_| json_answer("{}"));
    let mut request = post(&route.token("bob"), &call("read"));
    for name in ["x-downstream-token", "x_downstream_token", "x-downstream_token"] {
        request.headers_mut().append(http::HeaderName::from_static(name), "forged".parse().unwrap());
    }
    assert_eq!(route.send(request).await.0.status, StatusCode::OK);
    let seen = route.tool.seen.lock().unwrap();
    let headers = &seen[0].0.headers;
    let expected = format!("Token {}", jwt(&claims("bob", "tool", NOW + LIFE, 0)));
    assert_eq!(single(headers, "x-downstream-token"), expected);
    assert!(headers["x-downstream-token"].is_sensitive());
    assert!(!headers.contains_key(AUTHORIZATION) && !headers.values().any(|value| value == "forged"));
}

/// Without the other layers: who is known is known from the extension alone.
#[tokio::test]
async fn row_032_the_layer_alone() {
    let clock = Arc::new(HandClock(AtomicU64::new(NOW)));
    let provider = Provider::new(&clock, "tool");
    let exchanger = Exchanger::builder().client(provider.clone()).clock(clock).build().unwrap();
    let layer = ExchangeLayer::new(ExchangeSettings::new(plan()).exchanger(exchanger)).unwrap();
    let tool = Arc::new(ToolState::default());
    let service = layer.layer(Tool { state: tool.clone(), ready: false });
    let idp = Idp::new();
    let token = idp.token("bob");
    let send = |who: Option<Authenticated>| {
        let mut request = post(&token, &call("read")).map(McpBody::untouched);
        if let Some(who) = who {
            request.extensions_mut().insert(who);
        }
        service.clone().oneshot(request)
    };
    // A header is no proof of anything.
    let response = send(None).await.unwrap();
    assert_eq!((response.status().as_u16(), provider.asked()), (500, 0));
    // Claims without their token cannot be exchanged.
    let json = json!({"iss": ISSUER, "sub": "bob"}).to_string();
    let claims = mcp_auth_core::Principal::danger_from_unverified_claims(json.as_bytes()).unwrap();
    let response = send(Some(Authenticated::danger_unverified(claims))).await.unwrap();
    assert_eq!((response.status().as_u16(), provider.asked()), (500, 0));
    // A validated caller.
    let validator = mcp_auth_core::jwt::Validator::new([Issuer::new(ISSUER).audience(RESOURCE)]).unwrap();
    let Keys::Static(keys) = idp.keys() else { panic!() };
    let checks = mcp_auth_core::jwt::Checks::at(UnixTime::from_secs(NOW));
    let parsed = validator.parse(&token).unwrap();
    let principal = Arc::new(validator.verify(parsed, &keys, &checks).unwrap());
    let who = || Some(Authenticated::new(Some(principal.clone())));
    let response = send(who()).await.unwrap();
    assert_eq!((response.status().as_u16(), provider.asked(), tool.calls()), (200, 1, 1));
    // A body that was not collected is not sent again.
    tool.answers(|_| unauthorized());
    let response = send(who()).await.unwrap();
    assert_eq!((response.status().as_u16(), tool.calls()), (502, 2));
}

#[tokio::test]
async fn without_a_plan_requests_go_on_as_they_are() {
    let setup = Setup::with(|b| b);
    setup.answer(unauthorized());
    let (parts, _) = setup.post(&setup.idp.token("bob"), &call("read")).await;
    assert_eq!(parts.status, StatusCode::UNAUTHORIZED);
    assert!(parts.headers.contains_key(WWW_AUTHENTICATE), "the service's own words");
    let seen = setup.upstream.seen.lock().unwrap();
    assert!(!seen[0].0.headers.contains_key(AUTHORIZATION));
}

#[test]
fn findings_name_the_plan_and_what_to_do() {
    let realm = "https://keycloak.example/realms/a";
    let endpoint = format!("{realm}/protocol/openid-connect/token");
    let step = || {
        let endpoint = TokenEndpoint::new(&endpoint.parse().unwrap()).unwrap();
        let client = ClientCredential::client_secret_basic("gateway", Secret::new(SECRET));
        Step::new(ExchangeProfile::of(ProviderKind::Keycloak), endpoint, client).audience("tool")
    };
    let auth = McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), Idp::new().keys())
        .exchange(ExchangePlan::new("records", [step()]).unwrap())
        .build()
        .unwrap();
    let told: Vec<String> = auth.exchange().findings().iter().map(ToString::to_string).collect();
    // "gateway is missing from the subject token's audience": the builder knows which audiences are accepted.
    let missing = told.iter().find(|text| text.contains(RESOURCE) && text.contains("`gateway`")).unwrap();
    assert!(missing.starts_with("exchange plan `records`: "), "{missing}");

    let metadata = |issuer: &str| {
        let text = json!({"issuer": issuer, "response_types_supported": ["code"],
            "token_endpoint": endpoint, "grant_types_supported": ["authorization_code"]});
        AuthorizationServerMetadata::parse(text.to_string().as_bytes(), issuer).unwrap()
    };
    let other = AuthorizationServerMetadata::new("https://other.example");
    let ids = |servers: &[AuthorizationServerMetadata]| {
        let all = auth.exchange().findings_with_metadata(servers);
        all.iter().map(|f| f.finding.id()).collect::<Vec<_>>()
    };
    assert!(ids(&[other.clone(), metadata(realm)]).contains(&"grant"), "row 107");
    assert!(!ids(&[other]).contains(&"grant"), "what is of another server says nothing");
}

#[tokio::test]
async fn row_107_a_provider_is_asked_once_what_it_says_against_the_plan() {
    let route = Route::new();
    route.provider.answers(|request| {
        assert_eq!(request.method(), "GET");
        if request.uri().path() != "/.well-known/openid-configuration" {
            return text_reply(404, "text/plain", "");
        }
        reply(
            200,
            &json!({"issuer": "https://sts.example", "authorization_endpoint": "https://sts.example/authorize",
                "token_endpoint": ENDPOINT, "jwks_uri": "https://sts.example/jwks",
                "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"], "grant_types_supported": ["authorization_code"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"]}),
        )
    });
    let layer = route.auth.exchange();
    let report = layer.diagnose(&["https://elsewhere.example", "https://sts.example"]).await;
    let ids: Vec<_> = report.findings.iter().map(|found| found.finding.id()).collect();
    assert_eq!((ids, report.unread.len()), (vec!["grant", "client_method"], 0), "{report:?}");
    assert!(report.findings[0].to_string().contains("exchange plan `tool`"), "{report:?}");
    let of_others =
        route.provider.asked.lock().unwrap().iter().all(|r| r.uri().host() == Some("sts.example"));
    assert!(of_others, "who is no provider of a plan is not asked");
    // One that is down, or another's document, is said and is no finding.
    route.provider.answers(|_| reply(200, &json!({"issuer": "https://evil.example"})));
    let report = layer.diagnose(&["https://sts.example"]).await;
    assert_eq!(report.findings, []);
    assert!(report.unread[0].1.contains("issuer"), "{report:?}");
    route.provider.answers(|_| Err(FetchError::Connect("refused".into())));
    let report = layer.diagnose(&["https://sts.example"]).await;
    assert!(report.unread[0].1.contains("refused"), "{report:?}");
    assert_eq!(ExchangeLayer::default().diagnose(&["https://sts.example"]).await, Default::default());
}

#[derive(Debug)]
struct Agent(Mutex<Option<String>>);

impl ActorTokens for Agent {
    fn current(&self) -> Option<ActorToken> {
        let token = self.0.lock().unwrap().clone()?;
        Some(ActorToken::new(Secret::new(token), TokenTypeUri::JWT))
    }
}

#[tokio::test]
async fn an_actor_is_sent_keyed_and_never_left_out() {
    let agent = Arc::new(Agent(Mutex::new(Some("actor.token.one".into()))));
    let actor = agent.clone();
    let route = Route::with(plan(), |b| b, |s| s.actor(actor), |b| b);
    let token = route.token("bob");
    for _ in 0..2 {
        assert_eq!(route.status(&token).await, StatusCode::OK);
    }
    *agent.0.lock().unwrap() = Some("actor.token.two".into());
    assert_eq!(route.status(&token).await, StatusCode::OK);
    let sent = |route: &Route| {
        let asked = route.provider.asked.lock().unwrap();
        asked.iter().map(|request| form(request, "actor_token").unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(sent(&route), ["actor.token.one", "actor.token.two"]);
    // Without an actor there is no impersonation instead.
    *agent.0.lock().unwrap() = None;
    let (parts, _) = route.call(&token).await;
    assert_eq!((parts.status.as_u16(), code(&parts)), (500, "exchange_no_actor_token"));
    assert_eq!((route.provider.asked(), route.tool.calls()), (2, 3));
}

#[tokio::test]
async fn an_actor_s_file_is_looked_at_again_and_its_last_token_stays() {
    let path = std::env::temp_dir().join(format!("mcp-auth-actor-{}", std::process::id()));
    for (content, told) in
        [(None, "cannot be read"), (Some(""), "not the text"), (Some("two words"), "not the text")]
    {
        content.into_iter().for_each(|text| std::fs::write(&path, text).unwrap());
        let error = ActorTokenFile::open(&path, TokenTypeUri::JWT).unwrap_err().to_string();
        assert!(error.contains(told) && error.contains(&path.display().to_string()), "{error}");
    }
    std::fs::write(&path, "actor.token.one\n").unwrap();
    let file = ActorTokenFile::open(&path, TokenTypeUri::JWT).unwrap();
    assert!(!format!("{file:?}").contains("actor.token"));
    let actor = file.clone();
    let route = Route::with(plan(), |b| b, |s| s.actor(Arc::new(actor)), |b| b);
    let token = route.token("bob");
    let sent = async |expected: &[&str]| {
        // The look is another thread's.
        for _ in 0..1000 {
            assert_eq!(route.status(&token).await, StatusCode::OK);
            let asked = route
                .provider
                .asked
                .lock()
                .unwrap()
                .iter()
                .map(|r| form(r, "actor_token").unwrap())
                .collect::<Vec<_>>();
            if asked == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("never sent {expected:?}");
    };
    sent(&["actor.token.one"]).await;
    std::fs::write(&path, "actor.token.two\n").unwrap();
    sent(&["actor.token.one"]).await;
    file.looked_long_ago();
    sent(&["actor.token.one", "actor.token.two"]).await;
    // While it is gone, what was there is used, for as long as it says itself.
    std::fs::remove_file(&path).unwrap();
    file.looked_long_ago();
    for _ in 0..3 {
        sent(&["actor.token.one", "actor.token.two"]).await;
    }
}
