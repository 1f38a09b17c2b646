//! Which plan for whom, plans of two steps, and what every version of the protocol is told.

use mcp_auth_exchange::grant::{jwt_bearer, token_exchange};
use mcp_auth_exchange::plan::Selector;

use super::*;

/// Answers by host.
#[derive(Debug)]
struct Hosts(Vec<(&'static str, Arc<Provider>)>);

impl Fetch for Hosts {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        let host = request.url.as_url().host_str().unwrap_or_default().to_owned();
        let (_, provider) = self.0.iter().find(|(name, _)| *name == host).unwrap_or_else(|| panic!("{host}"));
        provider.fetch(request)
    }
}

pub(super) struct Two {
    pub(super) clock: Arc<HandClock>,
    pub(super) first: Arc<Provider>,
    pub(super) second: Arc<Provider>,
    pub(super) exchanger: Exchanger,
}

impl Two {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(super) fn with(change: impl FnOnce(ExchangerBuilder) -> ExchangerBuilder) -> Self {
        let clock = Arc::new(HandClock(AtomicU64::new(NOW)));
        let (first, second) = (Provider::new(&clock, "tool"), Provider::new(&clock, "tool"));
        let hosts = Hosts(vec![("one.example", first.clone()), ("two.example", second.clone())]);
        let builder = Exchanger::builder().client(Arc::new(hosts)).clock(clock.clone());
        Self { clock, first, second, exchanger: change(builder).build().unwrap() }
    }

    pub(super) fn asked(&self) -> (usize, usize) {
        (self.first.asked(), self.second.asked())
    }
}

pub(super) fn plan_at(host: &str) -> ExchangePlan {
    ExchangePlan::new(host, [step(&format!("https://{host}/token"), "tool")]).unwrap()
}

/// What S1 says no gateway can, on one route.
#[tokio::test]
async fn row_024_025_the_subject_s_issuer_chooses_the_provider_on_one_route() {
    let two = Two::new();
    let (here, there) = (Idp::new(), Idp::new());
    let other = "https://other.example";
    let plans = ExchangePlans::new()
        .for_issuer(ISSUER, plan_at("one.example"))
        .for_issuer(other, plan_at("two.example"));
    let auth = McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), here.keys())
        .issuer_keys(Issuer::new(other).audience(RESOURCE), there.keys())
        .clock(two.clock.clone())
        .exchange_with(ExchangeSettings::new(plans).exchanger(two.exchanger.clone()))
        .build()
        .unwrap();
    let tool = Arc::new(ToolState::default());
    let service = auth.layer(Tool { state: tool.clone(), ready: false });
    let ours = here.token("bob");
    // The same name at another issuer is another user.
    let theirs = there.token_with(|claims| claims["iss"] = other.into());
    for (token, asked) in [(&ours, (1, 0)), (&theirs, (1, 1)), (&ours, (1, 1)), (&theirs, (1, 1))] {
        let response = service.clone().oneshot(post(token, &call("read"))).await.unwrap();
        assert_eq!((response.status(), two.asked()), (StatusCode::OK, asked));
    }
    let subjects = |provider: &Provider| form(&provider.asked.lock().unwrap()[0], "subject_token").unwrap();
    assert_eq!((subjects(&two.first), subjects(&two.second)), (ours, theirs), "to its own provider alone");
    assert_eq!((tool.calls(), two.exchanger.tokens()), (4, 2));
}

#[tokio::test]
async fn a_claim_chooses_the_provider_and_the_first_that_fits_counts() {
    let two = Two::new();
    let plans = ExchangePlans::new()
        .when(Selector::any().claim("groups", "contractors"), plan_at("two.example"))
        .otherwise(plan_at("one.example"));
    let route =
        Route::with(plans, |b| b, |s| s.exchanger(two.exchanger.clone()), |b| b.clock(two.clock.clone()));
    for (groups, asked) in [
        (json!(["staff"]), (1, 0)),
        (json!(["staff", "contractors"]), (1, 1)),
        (json!("contractors"), (1, 2)),
        (json!({"contractors": true}), (2, 2)),
        (Value::Null, (3, 2)),
    ] {
        let token = route.idp.token_with(|claims| claims["groups"] = groups.clone());
        assert_eq!((route.status(&token).await, two.asked()), (StatusCode::OK, asked), "{groups}");
    }
}

/// A user's token becomes an ID-JAG at his identity provider, and that a token at the server of the resource.
#[tokio::test]
async fn mcp_d8_two_steps_across_two_servers() {
    let two = Two::new();
    let client = || ClientCredential::client_secret_post("gateway", Secret::new(SECRET));
    let endpoint =
        |host: &str| TokenEndpoint::new(&format!("https://{host}/token").parse().unwrap()).unwrap();
    let resource = mcp_auth_exchange::Resource::parse("https://tool.example/mcp").unwrap();
    let issuer =
        ExchangeProfile::id_jag_issuer().takes_subject_token(mcp_auth_exchange::TokenTypeUri::ID_TOKEN);
    let first = Step::new(issuer, endpoint("one.example"), client())
        .audience("https://two.example")
        .resource(resource);
    let second = Step::new(ExchangeProfile::jwt_bearer(), endpoint("two.example"), client());
    let plan = ExchangePlan::new("tool", [first, second]).unwrap();
    let route =
        Route::with(plan, |b| b, |s| s.exchanger(two.exchanger.clone()), |b| b.clock(two.clock.clone()));
    route.tool.answers(|head| audience_is(head, "https://tool.example/mcp"));
    let jag_of = |sub: &str| {
        let claims = json!({"iss": "https://one.example", "sub": sub, "jti": "1", "aud": "https://two.example",
            "client_id": "gateway", "resource": "https://tool.example/mcp", "exp": NOW + 300});
        typed("oauth-id-jag+jwt", &claims)
    };
    let jag_answer = |jag: &str| {
        json!({"access_token": jag, "token_type": "N_A", "expires_in": 300,
            "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag"})
    };
    let jag = jag_of("bob");
    let issued_jag = jag_answer(&jag);
    let bearer =
        |aud: &str| json!({"access_token": jwt(&claims("bob", aud, NOW + LIFE, 0)), "token_type": "Bearer"});
    two.first.answers(move |_| reply(200, &issued_jag));
    let good = bearer("https://tool.example/mcp");
    two.second.answers(move |_| reply(200, &good));
    let logs = Arc::new(Written::default());
    let _guard = Logs::of(&logs);
    let bob = route.token("bob");
    let answer = route.call(&bob).await;
    assert_eq!(answer.0.status, StatusCode::OK, "{}", answer.1);
    assert_eq!((route.status(&bob).await, two.asked()), (StatusCode::OK, (1, 1)), "kept as one");
    let sent = |provider: &Provider, name: &str| form(&provider.asked.lock().unwrap()[0], name);
    assert_eq!(sent(&two.first, "grant_type").as_deref(), Some(token_exchange::GRANT_TYPE));
    assert_eq!(sent(&two.first, "subject_token"), Some(bob.clone()));
    assert_eq!(sent(&two.second, "grant_type").as_deref(), Some(jwt_bearer::GRANT_TYPE));
    assert_eq!(sent(&two.second, "assertion"), Some(jag.clone()));
    let second = two.second.asked.lock().unwrap()[0].body().clone();
    assert!(
        !String::from_utf8_lossy(&second).contains(&bob),
        "the second server does not see the user's token"
    );
    for secret in [bob.as_str(), jag.as_str(), SECRET] {
        route.assert_nowhere(secret, &answer, &logs);
    }
    // An ID-JAG is refused (used up, or not trusted): the user's login is not at fault where leg 1 was fine.
    two.second.answers(|_| reply(400, &json!({"error": "invalid_grant"})));
    let hers = jag_answer(&jag_of("alice"));
    two.first.answers(move |_| reply(200, &hers));
    let answer = route.call(&route.token("alice")).await;
    assert_eq!(
        (answer.0.status, code(&answer.0)),
        (StatusCode::INTERNAL_SERVER_ERROR, "exchange_misconfigured")
    );
    for secret in [jag_of("alice").as_str(), SECRET] {
        route.assert_nowhere(secret, &answer, &logs);
    }
    // An ID-JAG of another user: the second server is not asked.
    let asked = two.asked();
    let answer = route.call(&route.token("carol")).await;
    assert_eq!((answer.0.status, code(&answer.0)), (StatusCode::BAD_GATEWAY, "exchange_unusable"));
    assert_eq!(two.asked(), (asked.0 + 1, asked.1));
}

/// Without elicitation nobody is told to open a URL: a refusal says whose turn it is by its status, in the same words to
/// every version. -32042 is none of ours to send: 2025-11-25 has it for elicitation by URL, and 2026-07-28 forbids it.
#[tokio::test]
async fn row_045_outcomes_by_the_version_of_the_protocol() {
    let modern = |method: &str| {
        json!({"jsonrpc": "2.0", "id": "a", "method": method,
            "params": {"name": "read", "arguments": {}, "_meta": meta()}})
        .to_string()
    };
    let old = |method: &str| {
        json!({"jsonrpc": "2.0", "id": "a", "method": method, "params": {"name": "read", "arguments": {}}})
            .to_string()
    };
    for version in [None, Some("2025-03-26"), Some("2025-06-18"), Some("2025-11-25"), Some("2026-07-28")] {
        for (error, more, status, challenged, rpc) in [
            ("consent_required", json!({}), 403, false, -32003),
            ("interaction_required", json!({}), 403, false, -32003),
            ("interaction_required", json!({"claims": "{\"a\":1}"}), 401, true, 0),
            ("insufficient_user_authentication", json!({"max_age": 1}), 401, true, 0),
            ("invalid_grant", json!({}), 401, true, 0),
            ("invalid_client", json!({}), 500, false, -32603),
            ("temporarily_unavailable", json!({}), 503, false, -32603),
        ] {
            let route = Route::by(plan().attempts(1));
            let mut refusal = more.clone();
            refusal["error"] = error.into();
            route.provider.answers(move |_| reply(400, &refusal));
            let message =
                if version == Some("2026-07-28") { modern("tools/call") } else { old("tools/call") };
            let mut request = post(&route.token("bob"), &message);
            if let Some(version) = version {
                request.headers_mut().insert("mcp-protocol-version", version.parse().unwrap());
            }
            let (parts, body) = route.send(request).await;
            let what = format!("{version:?} {error}: {body}");
            assert_eq!(parts.status.as_u16(), status, "{what}");
            assert_eq!(parts.headers.contains_key(WWW_AUTHENTICATE), challenged, "{what}");
            assert!(!body.contains("-32042") && !body.contains("http"), "{what}");
            if rpc != 0 {
                let body: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(body["error"]["code"], rpc, "{what}");
                assert_eq!((&body["id"], &body["jsonrpc"]), (&json!("a"), &json!("2.0")), "{what}");
                assert!(body.get("result").is_none(), "{what}");
            }
        }
    }
}
