//! A provider that is down, slow or says nonsense, and a store that fails.

use super::super::exchange;
use super::*;

/// Where a login ends when the user has said yes.
async fn outcome(world: &World) -> String {
    let (parts, page) = world.browse(get("/authorize", &authorization())).await;
    let parts = if parts.status == StatusCode::OK {
        let allow = post_form("/authorize", &[("ticket", &ticket(&page)), ("decision", "allow")]);
        world.browse(allow).await.0
    } else {
        parts
    };
    let to = location(&parts);
    match to.host_str().unwrap() {
        "idp.example" => "provider".to_owned(),
        "app.example" => parameter(&to, "error").unwrap(),
        other => panic!("{other}"),
    }
}

fn html(_: &Request<Bytes>) -> Reply {
    Ok(Response::builder().header(CONTENT_TYPE, "text/html").body("<title>Sign in</title>".into()).unwrap())
}

fn down(_: &Request<Bytes>) -> Reply {
    Err(FetchError::Connect("connection refused".into()))
}

#[tokio::test]
async fn row_141_our_documents_are_there_without_the_provider_and_logins_are_told_to_come_again() {
    type Broken = fn(&Request<Bytes>) -> Reply;
    let cases: [Broken; 4] = [
        down,
        html,
        |_| json_reply(500, &json!({})),
        |_| json_reply(200, &metadata_of("https://evil.example")),
    ];
    for broken in cases {
        let world = World::new();
        world.provided.answers(WELL_KNOWN, broken);
        let asked = get(WELL_KNOWN, &[]);
        let path = Request::get(WELL_KNOWN).header(HOST, "mcp.example").body(Full::default()).unwrap();
        assert_eq!(world.send(path).await.0.status, StatusCode::OK);
        assert_eq!(world.send(asked).await.0.status, StatusCode::NOT_FOUND, "with a query it is none");
        assert_eq!(outcome(&world).await, "temporarily_unavailable");
        let status = world.server.status().metadata;
        assert!(status.failures >= 1 && status.last_error.is_some(), "{status:?}");
        // Back again, and asked again when the pause is over.
        world.provided.answers(WELL_KNOWN, |_| json_reply(200, &metadata_of(ISSUER)));
        world.clock.advance(61);
        assert_eq!(outcome(&world).await, "provider");
    }
}

#[tokio::test]
async fn metadata_is_asked_for_once_by_many_and_used_when_stale() {
    let world = World::new();
    world.server.prefetch();
    let logins =
        futures_util::future::join_all((0..20).map(|_| world.browse(get("/authorize", &authorization()))));
    assert!(logins.await.iter().all(|(parts, _)| parts.status == StatusCode::OK));
    assert_eq!(world.provided.asked(WELL_KNOWN), 1);
    world.provided.answers(WELL_KNOWN, down);
    for hours in [2, 20] {
        world.clock.0.store(NOW + hours * 3600, Ordering::SeqCst);
        assert_eq!(outcome(&world).await, "provider", "stale after {hours} hours");
    }
    world.clock.0.store(NOW + 25 * 3600, Ordering::SeqCst);
    assert_eq!(outcome(&world).await, "temporarily_unavailable", "too old");
    // While it fails it is not asked for with each request.
    let asked = world.provided.asked(WELL_KNOWN);
    for _ in 0..20 {
        outcome(&world).await;
    }
    assert!(world.provided.asked(WELL_KNOWN) <= asked + 3, "once, at three addresses");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_never_answers_is_not_waited_for_for_ever() {
    #[derive(Debug)]
    struct Silent;
    impl Fetch for Silent {
        fn fetch(&self, _: FetchRequest) -> FetchFuture<'_> {
            Box::pin(std::future::pending())
        }
    }
    let world = World::with(facade(), Provided::new(), |b| b.client(Arc::new(Silent)));
    let path = Request::get(WELL_KNOWN).header(HOST, "mcp.example").body(Full::default()).unwrap();
    assert_eq!(world.send(path).await.0.status, StatusCode::OK);
    assert_eq!(outcome(&world).await, "temporarily_unavailable");
}

#[tokio::test(start_paused = true)]
async fn attack_109_a_token_endpoint_that_fails_is_told_to_the_client() {
    type Broken = fn(&Request<Bytes>) -> Reply;
    let cases: [(Broken, &str); 5] = [
        (down, "temporarily_unavailable"),
        (html, "server_error"),
        (|_| json_reply(503, &json!({})), "temporarily_unavailable"),
        (|_| json_reply(400, &json!({"error": "invalid_client"})), "server_error"),
        (|_| Ok(Response::new(Bytes::from(vec![b' '; 65 * 1024]))), "temporarily_unavailable"),
    ];
    for (broken, expected) in cases {
        let world = World::new();
        let at_provider = world.to_provider(&authorization()).await;
        world.provided.answers("/token", broken);
        let (parts, page) = world.back(&at_provider).await;
        assert_eq!(parts.status, StatusCode::FOUND, "{page}");
        let back = location(&parts);
        assert_eq!(parameter(&back, "error").as_deref(), Some(expected), "{back}");
        assert_eq!(parameter(&back, "iss").as_deref(), Some(OURS));
        assert!(!back.as_str().contains("canary"));
    }
    // A refresh that finds the provider down can be tried again.
    let world = World::new();
    let token = world.login().await["refresh_token"].as_str().unwrap().to_owned();
    world.provided.answers("/token", down);
    let (status, answer) = world.refresh(&token).await;
    assert_eq!(
        (status, answer["error"].as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, Some("temporarily_unavailable"))
    );
    let tokens = world.provided.tokens.clone();
    world.provided.answers("/token", move |request| tokens.answer(request));
    assert_eq!(world.refresh(&token).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_store_that_is_down_lets_nobody_through() {
    let store = Arc::new(Breakable::default());
    let world = World::with(facade(), Provided::new(), |b| b.store(store.clone()));
    let at_provider = world.to_provider(&authorization()).await;
    let code = world.code().await;
    let token = world.login().await["refresh_token"].as_str().unwrap().to_owned();
    let asked = world.provided.asked("/token");
    store.broken.store(true, Ordering::SeqCst);
    let (parts, _) = world.back(&at_provider).await;
    assert!(parts.status == StatusCode::SERVICE_UNAVAILABLE || !location(&parts).as_str().contains("code="));
    let (parts, answer) = world.redeem(&code).await;
    assert_eq!(
        (parts.status, answer["error"].as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, Some("temporarily_unavailable"))
    );
    assert!(parts.headers.contains_key("retry-after"));
    assert_eq!(world.refresh(&token).await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(world.provided.asked("/token"), asked, "the provider was not asked for anything");
    store.broken.store(false, Ordering::SeqCst);
    assert_eq!(world.refresh(&token).await.0, StatusCode::OK);
    assert_eq!(world.redeem(&code).await.0.status, StatusCode::OK);
}

/// A store that never answers.
#[tokio::test(start_paused = true)]
async fn a_store_that_is_slow_is_a_store_that_is_down() {
    #[derive(Debug)]
    struct Slow;
    impl Store for Slow {
        fn execute(&self, _: StoreCommand, _: UnixTime) -> StoreFuture<'_> {
            Box::pin(std::future::pending())
        }
    }
    let world = World::new();
    let code = world.code().await;
    let slow = world.replica(Arc::new(Slow));
    assert_eq!(slow.redeem(&code).await.0.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn row_154_what_the_provider_refuses_is_in_the_log_with_what_to_do_and_not_in_its_words() {
    let logs = Arc::new(exchange::Written::default());
    let _guard = exchange::Logs::of(&logs);
    let said = || std::mem::take(&mut *logs.0.lock().unwrap());
    let refusal = |status: u16, code: &'static str| {
        move |_: &Request<Bytes>| {
            json_reply(status, &json!({"error": code, "error_description": "alice-canary"}))
        }
    };
    let line = |text: &str, start: &str| {
        assert!(!text.contains("alice-canary"), "{text}");
        text.lines().find(|line| line.contains(start)).unwrap_or_else(|| panic!("{text}")).to_owned()
    };

    let world = World::new();
    world.provided.answers("/token", refusal(401, "unauthorized_client"));
    let at_provider = world.to_provider(&authorization()).await;
    assert_eq!(parameter(&location(&world.back(&at_provider).await.0), "error").unwrap(), "server_error");
    let refused = line(&said(), "the provider refuses a request of ours");
    assert!(
        refused.starts_with("WARN") && refused.contains("401: refused with `unauthorized_client`"),
        "{refused}"
    );

    let world = World::new();
    let token = world.login().await["refresh_token"].as_str().unwrap().to_owned();
    world.provided.answers("/token", refusal(400, "invalid_grant"));
    assert_eq!(world.refresh(&token).await.0, StatusCode::BAD_REQUEST);
    assert!(line(&said(), "the provider refuses a grant").starts_with("INFO"));

    // As Keycloak answers where its policy does not trust the host.
    let provider = Behind::registered(Provider::oauth(ISSUER).unwrap(), None);
    let world = World::with(facade_behind(OURS, provider, RESOURCE), Provided::new(), |builder| builder);
    world.provided.answers("/register", refusal(403, "insufficient_scope"));
    let (parts, _) = world.send(register(&json!({"redirect_uris": [REDIRECT]}))).await;
    assert_eq!(parts.status, StatusCode::INTERNAL_SERVER_ERROR);
    let refused = line(&said(), "the provider does not register a client");
    assert!(refused.starts_with("WARN") && refused.contains("status 403"), "{refused}");
    assert!(refused.contains("initial access token") && refused.contains("`Trusted Hosts`"), "{refused}");
}
