//! What the service gets, and what becomes of its refusals.

use http::Method;
use mcp_auth_core::policy::PolicySet;
use mcp_auth_discovery::Scopes;

use super::*;
use crate::authenticate::Mode;

#[tokio::test]
async fn row_078_260_the_service_refuses_the_inbound_token_and_takes_the_exchanged_one() {
    let route = Route::new();
    let token = route.token("bob");
    // Its own word: the caller's token is not for it.
    let direct = Tool { state: route.tool.clone(), ready: false };
    let direct = direct.oneshot(post(&token, &call("read"))).await.unwrap();
    assert_eq!(direct.status(), StatusCode::UNAUTHORIZED);
    route.tool.seen.lock().unwrap().clear();

    for _ in 0..2 {
        assert_eq!(route.status(&token).await, StatusCode::OK);
    }
    let expected = format!("Bearer {}", jwt(&claims("bob", "tool", NOW + LIFE, 0)));
    assert_eq!(route.tool.credentials(), [expected.clone(), expected], "one exchange, one Authorization");
    let seen = route.tool.seen.lock().unwrap();
    assert!(seen[0].0.headers[AUTHORIZATION].is_sensitive());
    assert_eq!(seen[0].1, call("read"), "the message as it came");
    drop(seen);

    let asked = route.provider.asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].method(), asked[0].uri().to_string()), (&Method::POST, ENDPOINT.to_owned()));
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(asked[0].body()).into_owned().collect();
    let grant = "urn:ietf:params:oauth:grant-type:token-exchange";
    let kind = "urn:ietf:params:oauth:token-type:";
    for (name, value) in [
        ("grant_type", grant.to_owned()),
        ("subject_token", token),
        ("subject_token_type", format!("{kind}jwt")),
        ("requested_token_type", format!("{kind}access_token")),
        ("audience", "tool".into()),
        ("scope", "mcp:invoke".into()),
        ("client_id", "gateway".into()),
        ("client_secret", SECRET.into()),
    ] {
        assert!(fields.contains(&(name.to_owned(), value)), "{name}: {fields:?}");
    }
    assert!(!asked[0].headers().contains_key(AUTHORIZATION));
}

#[tokio::test]
async fn row_267_attack_106_each_user_has_a_token_of_his_own() {
    let route = Route::new();
    let (alice, bob) = (route.token("alice"), route.token("bob"));
    for token in [&alice, &bob, &alice] {
        assert_eq!(route.status(token).await, StatusCode::OK);
    }
    let token = |user, n| format!("Bearer {}", jwt(&claims(user, "tool", NOW + LIFE, n)));
    assert_eq!(route.tool.credentials(), [token("alice", 0), token("bob", 1), token("alice", 0)]);
}

/// No other gateway of the source documents can (S1, its limitation 2).
#[tokio::test]
async fn row_025_261_two_routes_with_two_providers_in_one_process() {
    #[derive(Debug)]
    struct Both(Arc<Provider>, Arc<Provider>);
    impl Fetch for Both {
        fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
            match request.url.as_url().host_str() {
                Some("okta.example") => self.0.fetch(request),
                Some("entra.example") => self.1.fetch(request),
                other => panic!("{other:?}"),
            }
        }
    }
    let clock = Arc::new(HandClock(AtomicU64::new(NOW)));
    let (okta, entra) = (Provider::new(&clock, "api://okta"), Provider::new(&clock, "api://entra"));
    let both = Arc::new(Both(okta.clone(), entra.clone()));
    let exchanger = Exchanger::builder().client(both).clock(clock.clone()).build().unwrap();
    let idp = Idp::new();
    let route = |host: &str, audience: &str| {
        let plan = ExchangePlan::new(host, [step(&format!("https://{host}/token"), audience)]).unwrap();
        let auth = McpAuth::builder(RESOURCE)
            .unwrap()
            .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), idp.keys())
            .clock(clock.clone())
            .exchange_with(ExchangeSettings::new(plan).exchanger(exchanger.clone()))
            .build()
            .unwrap();
        let tool = Arc::new(ToolState::default());
        let audience = audience.to_owned();
        tool.answers(move |head| audience_is(head, &audience));
        (auth.layer(Tool { state: tool.clone(), ready: false }), tool)
    };
    let (first, first_tool) = route("okta.example", "api://okta");
    let (second, second_tool) = route("entra.example", "api://entra");
    let token = idp.token("bob");
    for service in [&first, &second, &first, &second] {
        let response = service.clone().oneshot(post(&token, &call("read"))).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert_eq!((okta.asked(), entra.asked()), (1, 1));
    assert_eq!((first_tool.calls(), second_tool.calls(), exchanger.tokens()), (2, 2, 2));

    // One provider is down: the other route goes on.
    okta.answers(|_| Err(FetchError::Connect("refused".into())));
    clock.advance(250);
    let statuses = |service: McpAuthService<Tool>, token: String| async move {
        service.oneshot(post(&token, &call("read"))).await.unwrap().status().as_u16()
    };
    let other = idp.token("carol");
    assert_eq!(statuses(first, other.clone()).await, 503);
    assert_eq!(statuses(second, other).await, 200);
}

#[tokio::test]
async fn the_plan_is_the_one_of_the_caller_s_issuer_and_where_none_is_there_is_no_token() {
    let plans = ExchangePlans::new().for_issuer("https://other.example", plan());
    let route = Route::by(plans);
    let (parts, body) = route.call(&route.token("bob")).await;
    assert_eq!((parts.status, code(&parts)), (StatusCode::FORBIDDEN, "exchange_no_plan"));
    assert_eq!(challenge(&parts), "", "another login would not help");
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap(),
        json!({"jsonrpc": "2.0", "id": 7, "error": {"code": -32003, "message": "not allowed"}})
    );
    assert_eq!((route.provider.asked(), route.tool.calls()), (0, 0));
}

#[tokio::test]
async fn row_075_nobody_is_exchanged_for_nobody_in_optional_mode() {
    let route = Route::with(plan(), |b| b, |s| s, |b| b.mode(Mode::Optional));
    let mut request = post("", LIST);
    request.headers_mut().remove(AUTHORIZATION);
    let (parts, _) = route.send(request).await;
    assert_eq!((parts.status, code(&parts)), (StatusCode::UNAUTHORIZED, "missing_token"));
    assert!(challenge(&parts).contains(METADATA) && !challenge(&parts).contains("error"));
    assert_eq!((route.provider.asked(), route.tool.calls()), (0, 0));
    // A bad token is refused before, and never shown to the provider: row 1.
    let (parts, _) = route.call(&Idp::new().token("bob")).await;
    assert_eq!((parts.status, code(&parts)), (StatusCode::UNAUTHORIZED, "signature"));
    assert_eq!(route.provider.asked(), 0);
}

#[tokio::test]
async fn what_the_policy_denies_asks_no_provider() {
    let route = Route::with(plan(), |b| b, |s| s, |b| b.deny(r#"mcp.tool.name == "write""#).unwrap());
    let (parts, _) = route.send(post(&route.token("bob"), &call("write"))).await;
    assert_eq!((parts.status, code(&parts)), (StatusCode::FORBIDDEN, "denied"));
    assert_eq!((route.provider.asked(), route.tool.calls()), (0, 0));
}

/// Reach, ceiling, user: each alone denies.
#[tokio::test]
async fn row_213_216_three_layers_and_each_alone_denies() {
    let plan = || plan().rules(|rules| rules.ceiling(&Scopes::parse("mcp:invoke").unwrap()));
    let policy = || PolicySet::builder().require(r#"jwt.sub == "bob""#).unwrap().build();
    let route = || Route::with(plan(), |b| b, |s| s, |b| b.policy(policy()));
    let all = route();
    assert_eq!(all.status(&all.token("bob")).await, StatusCode::OK);

    let reach = route();
    let other = reach.idp.token_with(|claims| claims["aud"] = "https://other.example".into());
    assert_eq!(code(&reach.call(&other).await.0), "audience");
    let ceiling = route();
    let clock = ceiling.clock.clone();
    ceiling.provider.answers(move |_| {
        let mut claims = claims("bob", "tool", clock.secs() + 300, 0);
        claims["scope"] = "mcp:invoke admin".into();
        let mut answer = issued(&claims);
        answer["scope"] = "mcp:invoke admin".into();
        reply(200, &answer)
    });
    let (parts, _) = ceiling.call(&ceiling.token("bob")).await;
    assert_eq!((parts.status, code(&parts)), (StatusCode::BAD_GATEWAY, "exchange_unusable"));
    let user = route();
    assert_eq!(code(&user.call(&user.token("alice")).await.0), "denied");
    assert_eq!((reach.tool.calls(), ceiling.tool.calls(), user.tool.calls()), (0, 0, 0));
    assert_eq!((reach.provider.asked(), ceiling.provider.asked(), user.provider.asked()), (0, 1, 0));
}

#[tokio::test]
async fn a_401_of_the_service_is_one_more_exchange_and_one_more_call() {
    let route = Route::new();
    let token = route.token("bob");
    assert_eq!(route.status(&token).await, StatusCode::OK);
    route.clock.advance(10);
    // The first token was revoked.
    let first = format!("Bearer {}", jwt(&claims("bob", "tool", NOW + LIFE, 0)));
    let revoked = first.clone();
    route.tool.answers(move |head| {
        if head.headers[AUTHORIZATION] == revoked { unauthorized() } else { json_answer("{}") }
    });
    let (parts, _) = route.call(&token).await;
    assert_eq!(parts.status, StatusCode::OK);
    let second = format!("Bearer {}", jwt(&claims("bob", "tool", NOW + 10 + LIFE, 1)));
    assert_eq!(route.tool.credentials(), [first.clone(), first, second]);
    let bodies: Vec<_> = route.tool.seen.lock().unwrap().iter().map(|(_, body)| body.clone()).collect();
    assert_eq!(bodies, [call("read"), call("read"), call("read")], "the same bytes again");
    let seen = route.tool.seen.lock().unwrap();
    let names = |i: usize| seen[i].0.headers.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(1), names(2));
}

#[tokio::test]
async fn a_service_that_refuses_every_token_is_a_502_and_no_storm() {
    let route = Route::new();
    let token = route.token("bob");
    route.tool.answers(|_| unauthorized());
    let (parts, body) = route.call(&token).await;
    assert_eq!((parts.status, code(&parts)), (StatusCode::BAD_GATEWAY, "exchange_refused_downstream"));
    assert_eq!(challenge(&parts), "", "the client's own token is good");
    assert!(body.contains(r#""id":7"#) && body.contains("-32603"), "{body}");
    assert_eq!(
        (route.provider.asked(), route.tool.calls()),
        (1, 1),
        "it is of this second: another is no better"
    );
    for _ in 0..10 {
        assert_eq!(route.status(&token).await, StatusCode::BAD_GATEWAY);
    }
    assert_eq!((route.provider.asked(), route.tool.calls()), (1, 11));
    route.clock.advance(10);
    assert_eq!(route.status(&token).await, StatusCode::BAD_GATEWAY);
    assert_eq!((route.provider.asked(), route.tool.calls()), (2, 13), "once, with another token");
    assert!(route.records.text().contains("exchange_refused_downstream"));

    // However old its tokens are when it refuses them.
    let route = Route::new();
    let clock = route.clock.clone();
    route.tool.answers(move |_| {
        clock.advance(10);
        unauthorized()
    });
    assert_eq!(route.status(&route.token("bob")).await, StatusCode::BAD_GATEWAY);
    assert_eq!((route.provider.asked(), route.tool.calls()), (2, 2));
}

/// `GET` has no body, and can be sent again; a batch is sent again as it was narrowed.
#[tokio::test]
async fn what_can_be_sent_again() {
    for batch in [false, true] {
        let deny = |b: McpAuthBuilder| b.deny(r#"mcp.tool.name == "write""#).unwrap();
        let route = Route::with(plan(), |b| b, |s| s, deny);
        let token = route.token("bob");
        assert_eq!(route.status(&token).await, StatusCode::OK);
        route.clock.advance(10);
        let first = route.tool.credentials()[0].clone();
        route.tool.answers(move |head| {
            if head.headers[AUTHORIZATION] == first { unauthorized() } else { json_answer("[]") }
        });
        let request = if batch {
            post(&token, &format!("[{},{}]", call("read"), call("write").replace("7", "8")))
        } else {
            let request = Request::get("/files/mcp").header(AUTHORIZATION, format!("Bearer {token}"));
            request.body(Full::default()).unwrap()
        };
        let (parts, _) = route.send(request).await;
        assert_eq!(parts.status, StatusCode::OK, "batch: {batch}");
        let seen = route.tool.seen.lock().unwrap();
        assert_eq!(seen.len(), 3);
        let expected = if batch { format!("[{}]", call("read")) } else { String::new() };
        assert_eq!((&*seen[1].1, &*seen[2].1), (expected.as_bytes(), expected.as_bytes()));
    }
}

#[tokio::test]
async fn the_service_s_other_refusals_pass_without_its_words_to_us() {
    let route = Route::new();
    route.tool.answers(|_| {
        let mut response = unauthorized();
        *response.status_mut() = StatusCode::FORBIDDEN;
        response.headers_mut().insert("dpop-nonce", "n".parse().unwrap());
        response
    });
    let (parts, _) = route.call(&route.token("bob")).await;
    assert_eq!((parts.status, code(&parts)), (StatusCode::FORBIDDEN, ""));
    assert!(!parts.headers.contains_key(WWW_AUTHENTICATE) && !parts.headers.contains_key("dpop-nonce"));
}

/// A service that echoes headers would hand its credential to the client, who could go there without us.
#[tokio::test]
async fn attack_112_headers_in_which_the_issued_token_comes_back_do_not_pass() {
    let route = Route::new();
    route.tool.answers(|head| {
        let credential = head.headers[AUTHORIZATION].to_str().unwrap();
        let token = credential.strip_prefix("Bearer ").unwrap();
        let mut response = json_answer("{}");
        let headers = response.headers_mut();
        headers.insert("x-echo", credential.parse().unwrap());
        headers.append("link", "</a>; rel=next".parse().unwrap());
        headers.append("link", format!("</a?access_token={token}&x=1>").parse().unwrap());
        headers.insert("location", format!("/a#{token}").parse().unwrap());
        headers.insert("x-other", "kept".parse().unwrap());
        response
    });
    let (parts, _) = route.call(&route.token("bob")).await;
    assert_eq!(parts.status, StatusCode::OK);
    let credential = route.tool.credentials()[0].clone();
    let token = credential.strip_prefix("Bearer ").unwrap();
    assert!(token.len() > 100 && !format!("{:?}", parts.headers).contains(token), "{:?}", parts.headers);
    assert_eq!(single(&parts.headers, "x-other"), "kept");
}

#[tokio::test]
async fn a_token_is_renewed_in_the_background_before_it_ends() {
    let route = Route::new();
    let token = route.token("bob");
    assert_eq!(route.status(&token).await, StatusCode::OK);
    route.clock.advance(LIFE - 20);
    route.provider.close();
    assert_eq!(
        route.status(&token).await,
        StatusCode::OK,
        "with the old one, while the new one is asked for"
    );
    settle().await;
    assert_eq!(route.provider.asked(), 2);
    route.provider.gate.add_permits(1);
    settle().await;
    assert_eq!(route.status(&token).await, StatusCode::OK);
    let seen = route.tool.credentials();
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[1], seen[2]);
    assert_eq!(route.provider.asked(), 2);
}
