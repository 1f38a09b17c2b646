//! The whole way, as it should be.

use http::StatusCode;

use super::*;

#[test]
fn row_152_to_157_a_client_goes_from_registration_to_a_token() {
    let mut world = World::shared();
    let metadata = json!({"client_name": "Inspector", "redirect_uris": ["http://localhost:6274/cb"],
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"]});
    let request = Request::post(format!("{ISSUER}/register")).header(CONTENT_TYPE, "application/json");
    let registered = world.call(request.body(metadata.to_string().into()).unwrap());
    assert_eq!((registered.response.status(), registered.event), (StatusCode::CREATED, Event::Registered));
    let client_id = body(&registered)["client_id"].as_str().unwrap().to_owned();

    // RFC 8252 §7.3: another port than the registered one.
    let redirect_uri = "http://localhost:50123/cb";
    let pairs = with(with(authorization(), "client_id", &client_id), "redirect_uri", redirect_uri);
    let at_provider = world.go(&pairs);
    assert_eq!(at_provider.host_str(), Some("idp.example"));
    let sent = |name: &str| parameter(&at_provider, name);
    assert_eq!(sent("client_id").as_deref(), Some("gateway"));
    assert_eq!(sent("redirect_uri").as_deref(), Some("https://mcp.example/callback"));
    assert_eq!(sent("resource").as_deref(), Some(RESOURCE));
    assert_eq!(sent("scope").as_deref(), Some("mcp:read offline_access"));
    assert_eq!(sent("code_challenge_method").as_deref(), Some("S256"));
    assert_ne!(sent("code_challenge").as_deref(), Some(CHALLENGE), "a challenge of our own");
    assert!(!sent("state").unwrap().contains("client state"));

    world.answers.push_back(upstream_tokens(1));
    let answer = world.back(&at_provider);
    assert_eq!(answer.response.headers()["cache-control"], "no-store");
    let back = location(&answer);
    assert!(back.as_str().starts_with("http://localhost:50123/cb?code="), "{back}");
    assert_eq!(parameter(&back, "state").as_deref(), Some("client state"));
    assert_eq!(parameter(&back, "iss").as_deref(), Some(ISSUER));
    let asked = world.asked();
    assert!(asked.contains(&"code: upstream-code".to_owned()), "{asked:?}");
    assert!(asked.contains(&format!("resource: {RESOURCE}")), "{asked:?}");
    let verifier = asked.iter().find_map(|line| line.strip_prefix("code_verifier: ")).unwrap();
    let challenge = crate::grant::authorization_code::PkceVerifier::parse(verifier).unwrap().challenge();
    assert_eq!(Some(challenge.as_str()), sent("code_challenge").as_deref());

    let code = parameter(&back, "code").unwrap();
    let pairs = with(with(redemption(&code), "client_id", &client_id), "redirect_uri", redirect_uri);
    let answer = world.call(post("/token", &pairs));
    assert_eq!((answer.response.status(), answer.event), (StatusCode::OK, Event::TokensIssued));
    assert_eq!(answer.response.headers()["cache-control"], "no-store");
    assert_eq!(answer.response.headers()["content-type"], "application/json");
    let tokens = body(&answer);
    assert_eq!(tokens["access_token"], "access-1");
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(300)));
    assert_eq!(tokens["scope"], "mcp:read");
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert!(refresh.starts_with("s1.") && !refresh.contains("refresh-1"));
    assert_eq!(world.sent.len(), 1, "one token request in all");
}

#[test]
fn every_answer_says_which_client_it_is_for() {
    let mut world = World::shared();
    let metadata = json!({"client_name": "Inspector", "redirect_uris": ["http://localhost:6274/cb"],
        "token_endpoint_auth_method": "client_secret_post", "grant_types": ["authorization_code", "refresh_token"]});
    let register = || {
        let request = Request::post(format!("{ISSUER}/register")).header(CONTENT_TYPE, "application/json");
        request.body(metadata.to_string().into()).unwrap()
    };
    let registered = world.call(register());
    let client_id = body(&registered)["client_id"].as_str().unwrap().to_owned();
    let label = registered.client.unwrap();
    assert_eq!(label.name.as_deref(), Some("Inspector"));
    assert!(client_id.starts_with(&label.id) && (23..60).contains(&label.id.len()), "{}", label.id);
    assert_ne!(label.id, world.call(register()).client.unwrap().id);

    let pairs =
        with(with(authorization(), "client_id", &client_id), "redirect_uri", "http://localhost:6274/cb");
    let page = world.call(get("/authorize", &pairs));
    assert_eq!(page.client.as_ref(), Some(&label));
    let sent = world.decide(&page, "allow");
    assert_eq!(sent.client.as_ref(), Some(&label));
    world.answers.push_back(upstream_tokens(1));
    let back = world.back(&location(&sent));
    assert_eq!(back.client.map(|client| client.id).as_ref(), Some(&label.id));
    let refused = world.call(post("/token", &[("client_id", &client_id), ("client_secret", "wrong")]));
    assert_eq!(refused.event, Event::Refused(Refusal::ClientAuthentication));
    assert_eq!(refused.client.as_ref(), Some(&label), "which client has failed to show that it is this one");
    assert_eq!(world.call(post("/token", &[("client_id", "nobody")])).client, None);
    assert_eq!(world.call(get("/authorize", &authorization())).client.unwrap().id, "app");
}

#[test]
fn m18_every_answer_names_our_issuer_and_never_the_providers() {
    let mut world = World::shared();
    let at_provider = world.go(&authorization());
    world.answers.push_back(upstream_tokens(1));
    for answer in
        [world.back(&at_provider), world.call(get("/authorize", &with(authorization(), "scope", "no")))]
    {
        assert_eq!(parameter(&location(&answer), "iss").as_deref(), Some(ISSUER));
        assert!(!location(&answer).as_str().contains("idp.example"));
    }
    assert_eq!(world.facade.issuer(), ISSUER);
    assert_eq!(world.facade.callback().as_str(), "https://mcp.example/callback");
}

#[test]
fn another_replica_and_a_restart_make_no_difference() {
    let mut world = World::shared();
    let restart = |world: &mut World| world.facade = Arc::new(builder(shared()).build().unwrap());
    let page = world.call(get("/authorize", &authorization()));
    restart(&mut world);
    let at_provider = location(&world.decide(&page, "allow"));
    restart(&mut world);
    world.answers.push_back(upstream_tokens(1));
    let code = parameter(&location(&world.back(&at_provider)), "code").unwrap();
    restart(&mut world);
    let answer = world.call(post("/token", &redemption(&code)));
    let token = body(&answer)["refresh_token"].as_str().unwrap().to_owned();
    restart(&mut world);
    world.answers.push_back(upstream_tokens(2));
    assert_eq!(world.call(post("/token", &refreshing(&token))).event, Event::Refreshed);
}

#[test]
fn the_resource_is_said_in_the_providers_words() {
    let provider = Provider::entra_v2("11111111-2222-3333-4444-555555555555").unwrap();
    let issuer = provider.metadata_issuer().to_owned();
    let credential = ClientCredential::client_secret_post("gateway", Secret::new("s"));
    let key = SealKey::from_bytes([7; 32]);
    let sealer = Sealer::new(&key, Arc::new(AwsLc::new())).unwrap();
    let resource = ProtectedResource::new(ResourceIdentifier::parse(RESOURCE).unwrap()).audience("api-id");
    let facade = Facade::builder(metadata(), sealer, Upstream::shared(provider, credential), resource);
    let mut world = World::new(facade.client(app()).build().unwrap());
    let document = json!({"issuer": issuer, "authorization_endpoint": "https://idp.example/authorize",
        "token_endpoint": "https://idp.example/token", "response_types_supported": ["code"]});
    world.upstream =
        Some(AuthorizationServerMetadata::parse(document.to_string().as_bytes(), &issuer).unwrap());

    // C13, C14: no `resource`, no PKCE metadata, a default scope.
    let at_provider = world.go(&with(authorization(), "scope", ""));
    assert_eq!(parameter(&at_provider, "resource"), None);
    assert_eq!(parameter(&at_provider, "scope").as_deref(), Some("api-id/.default"));
    world.answers.push_back(upstream_tokens(1));
    let state = parameter(&at_provider, "state").unwrap();
    let answer = world.call(get("/callback", &[("code", "c"), ("state", &state)]));
    assert_eq!(answer.event, Event::CodeIssued, "Entra sends no `iss`");
    assert!(!world.asked().iter().any(|line| line.starts_with("resource")));

    let auth0 = Provider::auth0("acme.eu.auth0.com").unwrap();
    let translated = auth0.quirks().resource.translate(&ResourceIdentifier::parse(RESOURCE).unwrap(), "api");
    assert!(translated.audience.is_some(), "the rest is a test of `Quirks`");
}

#[test]
fn what_openid_connect_adds_is_passed_on_once() {
    let upstream = shared().parameter("prompt", "select_account").scope(&Scopes::parse("openid").unwrap());
    let mut world = World::new(builder(upstream).build().unwrap());
    let pairs = with(with(authorization(), "prompt", "consent"), "login_hint", "alice");
    let at_provider = world.go(&pairs);
    assert_eq!(parameter(&at_provider, "prompt").as_deref(), Some("select_account"), "the operator's word");
    assert_eq!(parameter(&at_provider, "login_hint").as_deref(), Some("alice"));
    assert_eq!(parameter(&at_provider, "scope").as_deref(), Some("mcp:read offline_access openid"));
}

#[test]
fn scopes_that_are_not_offered_are_left_out_and_a_default_is_there() {
    let scope = |asked: &str| {
        let mut world = World::shared();
        let answer = world.call(get("/authorize", &with(authorization(), "scope", asked)));
        match answer.event {
            Event::ConsentAsked => parameter(&location(&world.decide(&answer, "allow")), "scope").unwrap(),
            _ => error(&answer).0,
        }
    };
    assert_eq!(scope("mcp:read openid profile"), "mcp:read");
    assert_eq!(scope("mcp:write mcp:read offline_access"), "mcp:write mcp:read offline_access");
    assert_eq!(scope(""), "mcp:read mcp:write");
    assert_eq!(scope("offline_access"), "mcp:read mcp:write offline_access");
    assert_eq!(scope("openid"), "invalid_scope");
    assert_eq!(scope("a\"b"), "invalid_scope");
}

#[test]
fn clients_that_name_no_resource_or_its_origin_mean_the_one_there_is() {
    for resource in ["", "https://mcp.example", "https://mcp.example/", "https://mcp.example/mcp/"] {
        let mut world = World::shared();
        let at_provider = world.go(&with(authorization(), "resource", resource));
        assert_eq!(parameter(&at_provider, "resource").as_deref(), Some(RESOURCE), "{resource}");
    }
    let mut world = World::shared();
    let answer = world.call(get("/authorize", &with(authorization(), "resource", "https://evil.example/")));
    assert_eq!(error(&answer), ("invalid_target".into(), Some("client state".into())));
}

#[test]
fn paths_of_others_are_not_ours_and_methods_are_named() {
    let world = World::shared();
    assert!(world.facade.begin(get("/mcp", &[])).is_none());
    assert!(world.facade.begin(get("/.well-known/oauth-authorization-server", &[])).is_none());
    for (path, method, allowed) in [
        ("/authorize", "PUT", "GET, POST"),
        ("/callback", "POST", "GET"),
        ("/token", "GET", "POST"),
        ("/revoke", "GET", "POST"),
        ("/register", "GET", "POST"),
        ("/.well-known/jwks.json", "POST", "GET"),
    ] {
        let request = Request::builder().method(method).uri(format!("{ISSUER}{path}"));
        let answer = World::shared().call(request.body(Bytes::new()).unwrap());
        assert_eq!(answer.response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(answer.response.headers()["allow"], allowed, "{path}");
    }
}

#[test]
fn a_run_that_is_driven_wrongly_ends_with_a_refusal() {
    let mut world = World::shared();
    let mut run = world.begin(get("/callback", &[]));
    assert!(matches!(world.step(&mut run, Input::Waited), Step::Done(_)), "no state");
    let again = world.step(&mut run, Input::Start);
    assert!(matches!(again, Step::Done(answer) if answer.event == Event::Refused(Refusal::Internal)));
    let mut run = world.begin(get("/.well-known/jwks.json", &[]));
    assert!(matches!(world.step(&mut run, Input::Start), Step::Done(_)));
    let again = world.step(&mut run, Input::Start);
    assert!(matches!(again, Step::Done(answer) if answer.event == Event::Refused(Refusal::Internal)));
    let refresh = world.login();
    let mut run = world.begin(post("/token", &refreshing(&refresh)));
    assert!(matches!(world.step(&mut run, Input::Start), Step::Store(_)));
    let refused = world.step(&mut run, Input::Waited);
    assert!(matches!(refused, Step::Done(answer) if answer.event == Event::Refused(Refusal::Store)));
}
