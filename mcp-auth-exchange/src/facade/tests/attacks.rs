//! Rows of the attack table (reference/security.md), each by its number.

use http::StatusCode;

use super::*;

/// Refused with a page, and the provider was not asked.
fn refused_page(world: &World, answer: &Answer, refusal: Refusal) {
    assert_eq!(answer.event, Event::Refused(refusal));
    assert_eq!(answer.response.status(), refusal.status());
    assert!(answer.response.headers().get(LOCATION).is_none());
    assert!(world.sent.is_empty(), "no code is sent to the token endpoint");
}

#[test]
fn attack_096_state_missing_or_wrong_is_refused() {
    let mut world = World::shared();
    let at_provider = world.go(&authorization());
    let state = parameter(&at_provider, "state").unwrap();
    let forged = format!("{}A", &state);
    for state in ["", "guessed", "s1.AAAA", &forged, "client state"] {
        let pairs = with(vec![("code", "c"), ("iss", PROVIDER)], "state", state);
        let answer = world.call(get("/callback", &pairs));
        refused_page(&world, &answer, Refusal::CallbackState);
        assert_eq!(answer.response.status(), StatusCode::BAD_REQUEST);
    }
    // A sealed value of another kind: the ticket of a form.
    let page = world.call(get("/authorize", &with(authorization(), "prompt", "consent")));
    let answer = world.call(get("/callback", &[("code", "c"), ("state", &ticket(&page)), ("iss", PROVIDER)]));
    refused_page(&world, &answer, Refusal::CallbackState);
    let twice = format!("{ISSUER}/callback?code=c&state={state}&state={state}&iss=https%3A%2F%2Fidp.example");
    let answer = world.call(Request::get(twice).body(Bytes::new()).unwrap());
    refused_page(&world, &answer, Refusal::Repeated);
}

#[test]
fn attack_096_state_of_another_browser_is_refused() {
    let mut world = World::shared();
    let at_provider = world.go(&authorization());
    // The attacker's login, completed in the victim's browser: with another cookie, and with none.
    let own = std::mem::take(&mut world.cookies);
    let answer = world.back(&at_provider);
    refused_page(&world, &answer, Refusal::CallbackState);
    world.cookies.insert("__Host-mcp-auth".into(), "A".repeat(43));
    let answer = world.back(&at_provider);
    refused_page(&world, &answer, Refusal::CallbackState);
    world.cookies = own;
    world.answers.push_back(upstream_tokens(1));
    assert_eq!(world.back(&at_provider).event, Event::CodeIssued, "and it was not used up");
}

#[test]
fn attack_096_state_is_used_once_and_in_time() {
    let mut world = World::shared();
    let at_provider = world.go(&authorization());
    world.answers.push_back(upstream_tokens(1));
    assert_eq!(world.back(&at_provider).event, Event::CodeIssued);
    let sent = world.sent.len();
    let answer = world.back(&at_provider);
    assert_eq!(answer.event, Event::Refused(Refusal::CallbackReplayed));
    assert_eq!((world.sent.len(), answer.response.status()), (sent, StatusCode::BAD_REQUEST));

    let mut world = World::shared();
    let at_provider = world.go(&authorization());
    world.now += 600;
    let answer = world.back(&at_provider);
    refused_page(&world, &answer, Refusal::CallbackState);
}

#[test]
fn attack_096_without_a_store_nothing_goes_ahead() {
    let mut world = World::shared();
    let at_provider = world.go(&authorization());
    world.store_works = false;
    let answer = world.back(&at_provider);
    refused_page(&world, &answer, Refusal::Store);
    assert_eq!(answer.response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn attack_097_iss_missing_wrong_or_alike_is_refused_before_the_token_call() {
    for iss in [
        "",
        "https://evil.example",
        "https://idp.example/",
        "HTTPS://idp.example",
        "https://IDP.example",
        ISSUER,
    ] {
        let mut world = World::shared();
        let state = parameter(&world.go(&authorization()), "state").unwrap();
        for outcome in [("code", "c"), ("error", "access_denied")] {
            let answer = world.call(get("/callback", &with(vec![outcome, ("state", &state)], "iss", iss)));
            refused_page(&world, &answer, Refusal::CallbackIssuer);
        }
        // What is advertised at the time of the request counts, also when the metadata is gone by then.
        world.upstream = None;
        let answer = world.call(get("/callback", &with(vec![("code", "c"), ("state", &state)], "iss", iss)));
        refused_page(&world, &answer, Refusal::CallbackIssuer);
    }
    // Not advertised: it may be absent, and is compared all the same.
    let mut world = World::shared();
    world.upstream =
        Some(provider_metadata(json!({"authorization_response_iss_parameter_supported": false})));
    let state = parameter(&world.go(&authorization()), "state").unwrap();
    let answer =
        world.call(get("/callback", &[("code", "c"), ("state", &state), ("iss", "https://evil.example")]));
    refused_page(&world, &answer, Refusal::CallbackIssuer);
    world.answers.push_back(upstream_tokens(1));
    assert_eq!(world.call(get("/callback", &[("code", "c"), ("state", &state)])).event, Event::CodeIssued);
}

#[test]
fn attack_098_pkce_is_required_of_clients() {
    for (name, value) in [
        ("code_challenge", ""),
        ("code_challenge", "short"),
        ("code_challenge_method", ""),
        ("code_challenge_method", "plain"),
        ("code_challenge_method", "s256"),
    ] {
        let answer = World::shared().call(get("/authorize", &with(authorization(), name, value)));
        assert_eq!(answer.event, Event::Refused(Refusal::Pkce), "{name}={value}");
        assert_eq!(error(&answer), ("invalid_request".into(), Some("client state".into())));
    }
    let mut world = World::shared();
    let code = world.code(&authorization(), 1);
    for verifier in ["", CHALLENGE, &"a".repeat(43), &"a".repeat(42)] {
        let answer = world.call(post("/token", &with(redemption(&code), "code_verifier", verifier)));
        assert_eq!(answer.event, Event::Refused(Refusal::CodeVerifier), "{verifier}");
        assert_eq!(body(&answer)["error"], "invalid_grant");
    }
    assert_eq!(world.call(post("/token", &redemption(&code))).event, Event::TokensIssued, "not used up");
}

#[test]
fn attack_098_a_provider_without_pkce_is_not_used() {
    for methods in [json!(null), json!(["plain"])] {
        let mut world = World::shared();
        let mut metadata = provider_metadata(json!({}));
        metadata.code_challenge_methods_supported = serde_json::from_value(methods).unwrap();
        world.upstream = Some(metadata);
        let page = world.call(get("/authorize", &authorization()));
        let answer = world.decide(&page, "allow");
        assert_eq!(answer.event, Event::Refused(Refusal::UpstreamUnusable));
        assert_eq!(error(&answer).0, "server_error");
    }
    // Every request to the provider has a verifier of its own.
    let mut world = World::shared();
    let challenges = [(); 3].map(|()| parameter(&world.go(&authorization()), "code_challenge").unwrap());
    assert!(
        challenges[0] != challenges[1] && challenges[1] != challenges[2] && challenges[0] != challenges[2]
    );
}

#[test]
fn attack_099_a_code_that_comes_again_is_refused_and_ends_what_came_of_it() {
    let mut world = World::shared();
    let code = world.code(&authorization(), 1);
    let answer = world.call(post("/token", &redemption(&code)));
    let refresh = body(&answer)["refresh_token"].as_str().unwrap().to_owned();
    let answer = world.call(post("/token", &redemption(&code)));
    assert_eq!(answer.event, Event::Refused(Refusal::CodeReplayed));
    assert_eq!((answer.response.status().as_u16(), &body(&answer)["error"]), (400, &json!("invalid_grant")));
    let answer = world.call(post("/token", &refreshing(&refresh)));
    assert_eq!(answer.event, Event::Refused(Refusal::SessionEnded));
}

#[test]
fn attack_099_a_code_is_bound_to_all_that_it_was_issued_for() {
    let other = PreRegisteredClient::new("other", ClientMetadata::new([REDIRECT]));
    let second = ProtectedResource::new(ResourceIdentifier::parse("https://mcp.example/two").unwrap());
    let mut world = World::new(builder(shared()).client(other).resource(second).build().unwrap());
    let code = world.code(&authorization(), 1);
    let cases = [
        ("client_id", "other", Refusal::Code),
        ("redirect_uri", "http://127.0.0.1/cb", Refusal::CodeRedirectUri),
        ("redirect_uri", "", Refusal::Missing),
        ("resource", "https://mcp.example/two", Refusal::Target),
        ("code", "s1.AAAA", Refusal::Code),
        ("code", "upstream-code", Refusal::Code),
    ];
    for (name, value, refusal) in cases {
        let answer = world.call(post("/token", &with(redemption(&code), name, value)));
        assert_eq!(answer.event, Event::Refused(refusal), "{name}={value}");
    }
    world.now += 60;
    assert_eq!(
        world.call(post("/token", &redemption(&code))).event,
        Event::Refused(Refusal::Code),
        "too late"
    );
}

#[test]
fn attack_110_metadata_that_leads_elsewhere_is_not_followed() {
    for (member, url) in [
        ("authorization_endpoint", "javascript:alert(1)"),
        ("authorization_endpoint", "http://idp.example/authorize"),
        ("authorization_endpoint", "https://idp.example/authorize?redirect_uri=https://evil.example"),
        ("token_endpoint", "http://idp.example/token"),
    ] {
        let mut world = World::shared();
        // As if the reader of metadata had let it through.
        let mut metadata = provider_metadata(json!({}));
        let url = Some(Url::parse(url).unwrap());
        match member {
            "token_endpoint" => metadata.token_endpoint = url,
            _ => metadata.authorization_endpoint = url,
        }
        world.upstream = Some(metadata);
        let page = world.call(get("/authorize", &authorization()));
        let answer = world.decide(&page, "allow");
        assert_eq!(answer.event, Event::Refused(Refusal::UpstreamUnusable), "{member}");
    }
    let mut world = World::shared();
    let mut metadata = provider_metadata(json!({}));
    metadata.issuer = "https://other.example".into();
    world.upstream = Some(metadata);
    let page = world.call(get("/authorize", &authorization()));
    assert_eq!(world.decide(&page, "allow").event, Event::Refused(Refusal::UpstreamUnusable));
}

#[test]
fn attack_112_secrets_are_in_no_url_and_no_text() {
    let mut world = World::shared();
    let at_provider = world.go(&authorization());
    assert!(!at_provider.as_str().contains("s3cret-canary"));
    let debug = format!("{:?} {:?}", world.facade, world.begin(post("/token", &redemption("code-canary"))));
    assert!(!debug.contains("canary"), "{debug}");
    let client = PreRegisteredClient::new("c", ClientMetadata::new([REDIRECT])).secret(&Secret::new("x"));
    assert!(!format!("{client:?}").contains("secret"));
    assert!(!format!("{:?}", Input::Answered(upstream_tokens(1))).contains("access-1"));
    let mut context = Context::new(UnixTime::from_secs(1), RandomBytes::new([0x41; RANDOM_BYTES]));
    context.workload_token = None;
    assert!(!format!("{context:?}").contains("65, 65"));
    // What the store sees of the tokens is sealed.
    world.answers.push_back(upstream_tokens(1));
    let state = parameter(&at_provider, "state").unwrap();
    let mut run = world.begin(get("/callback", &[("code", "c"), ("state", &state), ("iss", PROVIDER)]));
    let mut input = Input::Start;
    loop {
        let step = world.step(&mut run, input);
        if let Step::Store(command) = &step {
            let text = format!("{command:?}");
            assert!(!text.contains("access-1") && !text.contains("refresh-1"), "{text}");
        }
        match world.perform(step) {
            Ok(next) => input = next,
            Err(_) => break,
        }
    }
}
