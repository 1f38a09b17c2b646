//! Registration, its management, and our own at the provider.

use std::time::Duration;

use http::StatusCode;
use http::header::AUTHORIZATION;
use mcp_auth_discovery::registration::KnownClient;

use super::*;

fn register(metadata: &Value) -> Request<Bytes> {
    let request =
        Request::post(format!("{ISSUER}/register")).header(CONTENT_TYPE, "application/json; charset=utf-8");
    request.body(Bytes::from(metadata.to_string())).unwrap()
}

fn public() -> Value {
    json!({"client_name": "Inspector", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"], "scope": "mcp:read"})
}

fn registered() -> Upstream {
    Upstream::registered(Provider::oauth(PROVIDER).unwrap(), Some(Secret::new("initial-canary")))
}

fn upstream_client(number: u32) -> Response<Bytes> {
    json_response(
        201,
        &json!({"client_id": format!("up-{number}"), "client_secret": format!("up-secret-{number}"),
            "client_secret_expires_at": 0, "token_endpoint_auth_method": "client_secret_basic",
            "redirect_uris": ["https://mcp.example/callback"],
            "registration_client_uri": "https://idp.example/register/up",
            "registration_access_token": "manage-canary"}),
    )
}

#[test]
fn c6_c13_the_answer_says_what_is_registered_and_holds_no_scope() {
    let mut world = World::shared();
    let answer = world.call(register(&public()));
    assert_eq!(answer.response.status(), StatusCode::CREATED);
    assert_eq!(answer.response.headers()["cache-control"], "no-store");
    let client = body(&answer);
    assert_eq!(client["client_id_issued_at"], 1_700_000_000);
    for (name, value) in public().as_object().unwrap().iter().filter(|(name, _)| *name != "scope") {
        assert_eq!(&client[name], value, "{name}");
    }
    assert_eq!(client["response_types"], json!(["code"]));
    for absent in ["scope", "client_secret", "client_secret_expires_at", "registration_access_token"] {
        assert!(client.get(absent).is_none(), "{absent}");
    }
    // A later step asks for more than the first challenge did.
    let id = client["client_id"].as_str().unwrap();
    world.go(&with(with(authorization(), "client_id", id), "scope", "mcp:read mcp:write"));

    let again = body(&world.call(register(&public())));
    assert_ne!(again["client_id"], client["client_id"]);

    // RFC 7591 §2: without a method it is Basic, and there is a secret.
    let answer = body(&world.call(register(&json!({"redirect_uris": [REDIRECT]}))));
    assert_eq!(answer["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(answer["client_secret_expires_at"], 0);
    assert_eq!(answer["client_secret"].as_str().unwrap().len(), 43);
    assert_eq!(answer["grant_types"], json!(["authorization_code"]));
}

#[test]
fn a_confidential_client_proves_itself_with_its_secret() {
    let mut world = World::shared();
    let client = body(&world.call(register(&json!({"redirect_uris": [REDIRECT]}))));
    let (id, secret) = (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
    let code = world.code(&with(authorization(), "client_id", id), 1);
    let form = with(redemption(&code), "client_id", id);
    let answer = world.call(post("/token", &form));
    assert_eq!(answer.response.status(), StatusCode::UNAUTHORIZED);
    let answer = world.call(post("/token", &with(form, "client_secret", secret)));
    assert_eq!(answer.event, Event::TokensIssued);
}

#[test]
fn what_cannot_be_registered_is_refused_in_the_words_of_rfc_7591() {
    let mut world = World::shared();
    let long: Vec<String> = (0..20).map(|i| format!("https://app.example/{i}/{}", "x".repeat(500))).collect();
    for (metadata, code) in [
        (json!({}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["http://evil.example/"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["cursor://x/cb"]}), "invalid_redirect_uri"),
        (
            json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "private_key_jwt"}),
            "invalid_client_metadata",
        ),
        (
            json!({"redirect_uris": [REDIRECT], "grant_types": ["client_credentials"], "response_types": []}),
            "invalid_client_metadata",
        ),
        (json!({"redirect_uris": long}), "invalid_client_metadata"),
        (json!([]), "invalid_client_metadata"),
    ] {
        let answer = world.call(register(&metadata));
        assert_eq!(
            (answer.response.status().as_u16(), &body(&answer)["error"]),
            (400, &json!(code)),
            "{metadata}"
        );
        assert_eq!(answer.event, Event::Refused(Refusal::Registration));
    }
    let mut request = register(&public());
    request.headers_mut().insert(CONTENT_TYPE, "text/plain".parse().unwrap());
    assert_eq!(world.call(request).response.status(), StatusCode::BAD_REQUEST);
}

#[test]
fn known_clients_register_when_they_are_allowed() {
    let rules = RedirectUriRules::default().allow_known_client(KnownClient::Cursor);
    let rules = RegistrationRules::default().redirect_uris(rules);
    let mut world = World::new(builder(shared()).registration(rules).build().unwrap());
    let uris: Vec<&str> = KnownClient::Cursor.redirect_uris().collect();
    let metadata =
        json!({"redirect_uris": uris, "application_type": "web", "token_endpoint_auth_method": "none"});
    let client = body(&world.call(register(&metadata)));
    let pairs = with(authorization(), "client_id", client["client_id"].as_str().unwrap());
    let at_provider = world.go(&with(pairs, "redirect_uri", "cursor://anysphere.cursor-mcp/oauth/callback"));
    world.answers.push_back(upstream_tokens(1));
    let back = location(&world.back(&at_provider));
    assert!(back.as_str().starts_with("cursor://anysphere.cursor-mcp/oauth/callback?code="), "{back}");
}

#[test]
fn an_initial_access_token_is_asked_for_where_there_is_one() {
    let rules = RegistrationRules::default().initial_access_token(Secret::new("t0ken"));
    let mut world = World::new(builder(shared()).registration(rules).build().unwrap());
    for (header, status) in
        [(None, 401), (Some("Bearer wrong"), 401), (Some("Basic t0ken"), 401), (Some("Bearer t0ken"), 201)]
    {
        let mut request = register(&public());
        if let Some(header) = header {
            request.headers_mut().insert(AUTHORIZATION, header.parse().unwrap());
        }
        assert_eq!(world.call(request).response.status().as_u16(), status, "{header:?}");
    }
}

#[test]
fn row_144_145_each_client_gets_one_at_the_provider() {
    let mut world = World::new(builder(registered()).build().unwrap());
    world.answers.push_back(upstream_client(1));
    let answer = world.call(register(&public()));
    assert_eq!(answer.event, Event::Registered);
    let sent = world.sent.last().unwrap();
    assert_eq!(
        (sent.uri().to_string().as_str(), sent.method().as_str()),
        ("https://idp.example/register", "POST")
    );
    assert_eq!(sent.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(sent.headers()[AUTHORIZATION], "Bearer initial-canary");
    let asked: Value = serde_json::from_slice(sent.body()).unwrap();
    assert_eq!(asked["redirect_uris"], json!(["https://mcp.example/callback"]));
    assert_eq!((&asked["client_name"], asked.get("scope")), (&json!("Inspector"), None));

    let text = format!("{:?}", answer.response);
    assert!(!text.contains("up-secret") && !text.contains("canary"), "{text}");
    let id = body(&answer)["client_id"].as_str().unwrap().to_owned();
    let pairs = with(authorization(), "client_id", &id);
    let at_provider = world.go(&pairs);
    assert_eq!(parameter(&at_provider, "client_id").as_deref(), Some("up-1"));
    world.answers.push_back(upstream_tokens(1));
    let code = parameter(&location(&world.back(&at_provider)), "code").unwrap();
    let basic = &world.sent.last().unwrap().headers()[AUTHORIZATION];
    assert_eq!(basic, "Basic dXAtMTp1cC1zZWNyZXQtMQ==", "up-1:up-secret-1");
    let answer = world.call(post("/token", &with(redemption(&code), "client_id", &id)));
    let token = body(&answer)["refresh_token"].as_str().unwrap().to_owned();
    world.answers.push_back(upstream_tokens(2));
    assert_eq!(
        world.call(post("/token", &with(refreshing(&token), "client_id", &id))).event,
        Event::Refreshed
    );
    assert_eq!(world.sent.last().unwrap().headers()[AUTHORIZATION], "Basic dXAtMTp1cC1zZWNyZXQtMQ==");
}

#[test]
fn c12_a_client_that_the_provider_has_forgotten_is_told_to_register_again() {
    let mut world = World::new(builder(registered()).build().unwrap());
    world.answers.push_back(upstream_client(1));
    let id = body(&world.call(register(&public())))["client_id"].as_str().unwrap().to_owned();
    let code = world.code(&with(authorization(), "client_id", &id), 1);
    let tokens = world.call(post("/token", &with(redemption(&code), "client_id", &id)));
    let token = body(&tokens)["refresh_token"].as_str().unwrap().to_owned();
    world.answers.push_back(json_response(401, &json!({"error": "invalid_client"})));
    let answer = world.call(post("/token", &with(refreshing(&token), "client_id", &id)));
    assert_eq!(answer.event, Event::Refused(Refusal::ClientForgotten));
    assert_eq!(answer.response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(body(&answer)["error"], "invalid_client");
}

#[test]
fn rfc_9700_4_11_2_a_mistake_leads_nobody_to_a_site_that_anybody_may_register() {
    let mut world = World::shared();
    let id = |world: &mut World, uri: &str| {
        let mut metadata = public();
        metadata["redirect_uris"] = json!([uri]);
        body(&world.call(register(&metadata)))["client_id"].as_str().unwrap().to_owned()
    };
    let evil = id(&mut world, "https://evil.example/phish");
    let pairs = with(with(authorization(), "client_id", &evil), "redirect_uri", "https://evil.example/phish");
    for (name, value) in [
        ("response_type", "token"),
        ("scope", "no"),
        ("code_challenge", ""),
        ("prompt", "none"),
        ("resource", "https://evil.example/"),
        ("state", "\u{7f}"),
    ] {
        let answer = world.call(get("/authorize", &with(pairs.clone(), name, value)));
        assert_eq!(answer.response.status(), StatusCode::BAD_REQUEST, "{name}={value}");
        assert!(answer.response.headers().get("location").is_none(), "{name}={value}");
    }
    // Who was asked is led on, whatever the answer was; and so is who comes of a program of the user's own.
    let page = world.call(get("/authorize", &pairs));
    let denied = world.decide(&page, "deny");
    assert!(location(&denied).as_str().starts_with("https://evil.example/phish?error=access_denied"));
    let own = id(&mut world, "http://localhost:7/cb");
    let pairs = with(with(authorization(), "client_id", &own), "redirect_uri", "http://localhost:7/cb");
    let answer = world.call(get("/authorize", &with(pairs, "scope", "no")));
    assert!(location(&answer).as_str().starts_with("http://localhost:7/cb?error=invalid_scope"));
}

#[test]
fn what_the_provider_does_not_register_is_not_registered_here() {
    for (answer, status, code) in [
        (None, 503, "temporarily_unavailable"),
        (Some(json_response(500, &json!({}))), 503, "temporarily_unavailable"),
        (Some(json_response(403, &json!({"canary": 1}))), 500, "server_error"),
        (
            Some(json_response(
                400,
                &json!({"error": "invalid_redirect_uri", "error_description": "canary"}),
            )),
            400,
            "invalid_client_metadata",
        ),
        (Some(json_response(201, &json!({}))), 500, "server_error"),
    ] {
        let mut world = World::new(builder(registered()).build().unwrap());
        world.answers.extend(answer);
        let answer = world.call(register(&public()));
        assert_eq!((answer.response.status().as_u16(), &body(&answer)["error"]), (status, &json!(code)));
        assert!(!format!("{:?}", answer.response).contains("canary"));
    }
}

#[test]
fn clients_without_a_registration_get_one_at_the_provider_when_they_come() {
    let mut world = World::new(builder(registered()).build().unwrap());
    let page = world.call(get("/authorize", &authorization()));
    assert!(world.sent.is_empty(), "not before consent");
    world.answers.push_back(upstream_client(1));
    let at_provider = location(&world.decide(&page, "allow"));
    assert_eq!(parameter(&at_provider, "client_id").as_deref(), Some("up-1"));
    assert_eq!(parameter(&world.go(&authorization()), "client_id").as_deref(), Some("up-1"), "kept");
    assert_eq!(world.sent.len(), 1);

    // The provider has forgotten it: the next login registers again.
    world.answers.push_back(json_response(401, &json!({"error": "invalid_client"})));
    assert_eq!(error(&world.back(&at_provider)).0, "server_error");
    world.answers.push_back(upstream_client(2));
    assert_eq!(parameter(&world.go(&authorization()), "client_id").as_deref(), Some("up-2"));
}

#[test]
fn consent_can_be_left_to_a_provider_that_sees_each_client() {
    let policy = ConsentPolicy::SharedUpstreamClient;
    let mut world = World::new(builder(registered()).consent(policy).build().unwrap());
    world.answers.push_back(upstream_client(1));
    assert_eq!(world.call(get("/authorize", &authorization())).event, Event::SentToProvider);
    // C8: the host of a document is shown by us, the provider would not.
    let document = "https://client.example/oauth.json";
    let said = json!({"client_id": document, "client_name": "C", "redirect_uris": [REDIRECT]});
    world.documents.insert(document.into(), said);
    let pairs = with(authorization(), "client_id", document);
    assert_eq!(world.call(get("/authorize", &pairs)).event, Event::ConsentAsked);
    let mut world = World::new(builder(shared()).consent(policy).build().unwrap());
    assert_eq!(world.call(get("/authorize", &authorization())).event, Event::ConsentAsked, "attack 111");
}

#[test]
fn rfc_7592_a_client_reads_changes_and_ends_its_registration() {
    let rules = RegistrationRules::default().managed(Duration::from_secs(1000));
    let mut world = World::new(builder(registered()).registration(rules).build().unwrap());
    world.answers.push_back(upstream_client(1));
    let client = body(&world.call(register(&public())));
    let id = client["client_id"].as_str().unwrap().to_owned();
    let uri = client["registration_client_uri"].as_str().unwrap().to_owned();
    let token = client["registration_access_token"].as_str().unwrap().to_owned();
    assert!(!id.contains("canary") && !token.contains("canary"));
    let manage = |method: &str, token: &str, body: &Value| {
        let request = Request::builder().method(method).uri(&uri).header(CONTENT_TYPE, "application/json");
        let request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        request.body(Bytes::from(body.to_string())).unwrap()
    };
    let answer = world.call(manage("GET", &token, &Value::Null));
    assert_eq!((answer.response.status(), answer.event), (StatusCode::OK, Event::RegistrationRead));
    assert_eq!(body(&answer)["client_id"], client["client_id"]);
    assert_eq!(body(&answer)["redirect_uris"], json!([REDIRECT]));
    for wrong in ["", "s1.AAAA", &id, "manage-canary"] {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = world.call(manage(method, wrong, &public()));
            assert_eq!(answer.response.status(), StatusCode::UNAUTHORIZED, "{method} {wrong}");
        }
    }

    let second = "https://app.example/cb?x=1&second";
    let change = json!({"client_id": id, "redirect_uris": [second], "token_endpoint_auth_method": "none"});
    let answer = world.call(manage("PUT", &token, &change));
    assert_eq!((answer.response.status(), answer.event), (StatusCode::OK, Event::RegistrationChanged));
    let pairs = with(authorization(), "client_id", &id);
    let answer = world.call(get("/authorize", &pairs));
    assert_eq!(answer.event, Event::Refused(Refusal::RedirectUri), "attack row D5: the old one is gone");
    let pairs = with(pairs, "redirect_uri", second);
    assert_eq!(world.call(get("/authorize", &pairs)).event, Event::ConsentAsked);
    for bad in [
        json!({"client_id": "other", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}),
        json!({"client_id": id, "redirect_uris": ["http://evil.example/"], "token_endpoint_auth_method": "none"}),
        json!({"client_id": id, "redirect_uris": [REDIRECT]}),
    ] {
        assert_eq!(world.call(manage("PUT", &token, &bad)).response.status(), StatusCode::BAD_REQUEST);
    }
    // As long as a new registration may be, and no longer: it waits in the store.
    let long: Vec<String> = (0..40).map(|n| format!("https://app.example/{n}/{}", "x".repeat(200))).collect();
    let change = json!({"client_id": id, "redirect_uris": long, "token_endpoint_auth_method": "none"});
    assert_eq!(world.call(manage("PUT", &token, &change)).response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(world.call(get("/authorize", &pairs)).event, Event::ConsentAsked, "it is as it was");
    // A store that is down may hold a deletion.
    world.store_works = false;
    assert_eq!(world.call(get("/authorize", &pairs)).event, Event::Refused(Refusal::Store));
    world.store_works = true;

    world.answers.push_back(json_response(204, &json!({})));
    let answer = world.call(manage("DELETE", &token, &Value::Null));
    assert_eq!((answer.response.status(), answer.event), (StatusCode::NO_CONTENT, Event::RegistrationEnded));
    let sent = world.sent.last().unwrap();
    assert_eq!(
        (sent.method().as_str(), sent.uri().to_string().as_str()),
        ("DELETE", "https://idp.example/register/up")
    );
    assert_eq!(sent.headers()[AUTHORIZATION], "Bearer manage-canary");
    assert_eq!(world.call(get("/authorize", &pairs)).event, Event::Refused(Refusal::UnknownClient));
    let answer = world.call(post("/token", &with(redemption("x"), "client_id", &id)));
    assert_eq!(body(&answer)["error"], "invalid_client");
    assert_eq!(world.call(manage("GET", &token, &Value::Null)).response.status(), StatusCode::UNAUTHORIZED);
    world.now += 1000;
    assert_eq!(
        world.call(get("/authorize", &pairs)).event,
        Event::Refused(Refusal::UnknownClient),
        "ended by itself"
    );
}

#[test]
fn rfc_7592_a_secret_stays_and_has_to_be_right_where_it_is_named() {
    let rules = RegistrationRules::default().managed(Duration::from_secs(1000));
    let mut world = World::new(builder(shared()).registration(rules).build().unwrap());
    let client = body(&world.call(register(&json!({"redirect_uris": [REDIRECT]}))));
    assert_eq!(client["client_secret_expires_at"], 1_700_001_000);
    for (secret, status) in [(client["client_secret"].as_str().unwrap(), 200), ("wrong", 400)] {
        let change =
            json!({"client_id": client["client_id"], "client_secret": secret, "redirect_uris": [REDIRECT]});
        let request = Request::put(client["registration_client_uri"].as_str().unwrap());
        let token = client["registration_access_token"].as_str().unwrap();
        let request =
            request.header(AUTHORIZATION, format!("Bearer {token}")).header(CONTENT_TYPE, "application/json");
        let answer = world.call(request.body(Bytes::from(change.to_string())).unwrap());
        assert_eq!(answer.response.status().as_u16(), status, "{:?}", answer.response);
    }
}

#[test]
fn registration_can_be_closed() {
    let key = SealKey::from_bytes([7; 32]);
    let sealer = Sealer::new(&key, Arc::new(AwsLc::new())).unwrap();
    let resource = ProtectedResource::new(ResourceIdentifier::parse(RESOURCE).unwrap());
    let closed = metadata().registration(false).client_metadata_documents(false);
    let facade = Facade::builder(closed, sealer, shared(), resource).client(app()).build().unwrap();
    assert!(Arc::new(facade).begin(register(&public())).is_none());
    let mut open = World::shared();
    let id = body(&open.call(register(&public())))["client_id"].as_str().unwrap().to_owned();
    let sealer = Sealer::new(&key, Arc::new(AwsLc::new())).unwrap();
    let resource = ProtectedResource::new(ResourceIdentifier::parse(RESOURCE).unwrap());
    let closed = metadata().registration(false).client_metadata_documents(false);
    let mut world = World::new(Facade::builder(closed, sealer, shared(), resource).build().unwrap());
    for id in [id.as_str(), "https://client.example/oauth.json", "app"] {
        let answer = world.call(get("/authorize", &with(authorization(), "client_id", id)));
        assert_eq!(answer.event, Event::Refused(Refusal::UnknownClient));
    }
}
