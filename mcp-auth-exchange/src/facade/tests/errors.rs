//! What is refused, where it is said, and in which words.

use http::StatusCode;
use http::header::AUTHORIZATION;

use super::*;

#[test]
fn nobody_is_redirected_before_client_and_redirect_uri_are_known() {
    for (name, value, refusal) in [
        ("client_id", "", Refusal::Missing),
        ("client_id", "unknown", Refusal::UnknownClient),
        ("client_id", "s1.AAAA", Refusal::UnknownClient),
        ("client_id", "https://10.0.0.1", Refusal::UnknownClient),
        ("client_id", "http://client.example/x", Refusal::UnknownClient),
        ("redirect_uri", "", Refusal::Missing),
        ("redirect_uri", "https://evil.example/", Refusal::RedirectUri),
        ("redirect_uri", "https://app.example/cb", Refusal::RedirectUri),
        ("redirect_uri", "https://app.example/cb?x=1&y=2", Refusal::RedirectUri),
        ("redirect_uri", "https://app.example/cb?x=1#f", Refusal::RedirectUri),
        ("redirect_uri", "https://app.example:443/cb?x=1", Refusal::RedirectUri),
        ("redirect_uri", "HTTPS://app.example/cb?x=1", Refusal::RedirectUri),
        ("redirect_uri", "https://app.example@evil.example/cb?x=1", Refusal::RedirectUri),
        ("redirect_uri", "//app.example/cb?x=1", Refusal::RedirectUri),
        ("redirect_uri", "http://127.0.0.1:1/cb/", Refusal::RedirectUri),
        ("redirect_uri", "http://localhost:1/cb", Refusal::RedirectUri),
        ("redirect_uri", "http://127.0.0.1:1\r\nX: y/cb", Refusal::RedirectUri),
        ("redirect_uri", "http://１27.0.0.1:1/cb", Refusal::RedirectUri),
        ("redirect_uri", "javascript:alert(1)", Refusal::RedirectUri),
    ] {
        let answer = World::shared().call(get("/authorize", &with(authorization(), name, value)));
        assert_eq!(answer.event, Event::Refused(refusal), "{name}={value}");
        assert_eq!(answer.response.status(), StatusCode::BAD_REQUEST);
        assert!(answer.response.headers().get(LOCATION).is_none());
        let page = std::str::from_utf8(answer.response.body()).unwrap();
        assert!(page.contains(refusal.error()) && (value.len() < 9 || !page.contains(value)), "{page}");
    }
}

#[test]
fn what_is_wrong_with_a_request_is_told_to_the_client() {
    for (name, value, expected) in [
        ("response_type", "", "unsupported_response_type"),
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "code id_token", "unsupported_response_type"),
        ("response_mode", "fragment", "invalid_request"),
        ("request", "eyJ", "request_not_supported"),
        ("request_uri", "https://evil.example/", "request_uri_not_supported"),
        ("resource", "https://evil.example/mcp", "invalid_target"),
        ("scope", "\u{e9}", "invalid_scope"),
    ] {
        let answer = World::shared().call(get("/authorize", &with(authorization(), name, value)));
        assert_eq!(error(&answer), (expected.into(), Some("client state".into())), "{name}={value}");
        assert_eq!(answer.response.headers()["cache-control"], "no-store");
    }
}

#[test]
fn state_is_bounded_and_given_back_as_it_came() {
    let answer = World::shared().call(get("/authorize", &with(authorization(), "state", "\u{7f}")));
    assert_eq!(error(&answer), ("invalid_request".into(), None));
    let answer = World::shared().call(get("/authorize", &with(authorization(), "state", &"x".repeat(2049))));
    assert_eq!(error(&answer), ("invalid_request".into(), None));

    let odd = "a&b=c%20+\"<é>".replace('é', "e");
    let mut world = World::shared();
    let at_provider = world.go(&with(authorization(), "state", &odd));
    world.answers.push_back(upstream_tokens(1));
    let answer = world.back(&at_provider);
    assert_eq!(parameter(&location(&answer), "state").as_deref(), Some(odd.as_str()));
    let mut world = World::shared();
    let at_provider = world.go(&with(authorization(), "state", ""));
    world.answers.push_back(upstream_tokens(1));
    let answer = world.back(&at_provider);
    assert_eq!((answer.event, parameter(&location(&answer), "state")), (Event::CodeIssued, None));
    // Within its own bound and too long with the rest.
    let client =
        PreRegisteredClient::new("long", ClientMetadata::new([format!("{REDIRECT}&{}", "x".repeat(1800))]));
    let mut world = World::new(builder(shared()).client(client.first_party()).build().unwrap());
    let uri = format!("{REDIRECT}&{}", "x".repeat(1800));
    let pairs = with(with(authorization(), "client_id", "long"), "redirect_uri", &uri);
    let state = "y".repeat(2048);
    let answer = world.call(get("/authorize", &with(pairs, "state", &state)));
    assert_eq!(answer.event, Event::Refused(Refusal::TooLongForProvider));
    assert_eq!(error(&answer).0, "invalid_request");
}

#[test]
fn what_the_provider_says_is_told_in_our_words() {
    for (upstream, expected) in [
        ("access_denied", "access_denied"),
        ("invalid_scope", "invalid_scope"),
        ("temporarily_unavailable", "temporarily_unavailable"),
        ("login_required", "interaction_required"),
        ("invalid_request", "server_error"),
        ("unauthorized_client", "server_error"),
        ("canary\"><script>", "server_error"),
    ] {
        let mut world = World::shared();
        let state = parameter(&world.go(&authorization()), "state").unwrap();
        let pairs =
            [("error", upstream), ("error_description", "canary"), ("state", &state), ("iss", PROVIDER)];
        let answer = world.call(get("/callback", &pairs));
        assert_eq!(error(&answer), (expected.into(), Some("client state".into())), "{upstream}");
        assert!(!format!("{:?}", answer.response).contains("canary") && world.sent.is_empty());
        let again = world.call(get("/callback", &pairs));
        assert_eq!(again.event, Event::Refused(Refusal::CallbackReplayed));
    }
}

#[test]
fn what_the_providers_token_endpoint_says_is_no_secret_of_ours() {
    let refusal = |code: &str| json_response(400, &json!({"error": code, "error_description": "canary"}));
    let dpop = json!({"access_token": "canary", "token_type": "DPoP"});
    for (answer, expected) in [
        (Some(refusal("invalid_grant")), "server_error"),
        (Some(refusal("invalid_client")), "server_error"),
        (Some(refusal("invalid_scope")), "invalid_scope"),
        (Some(json_response(503, &json!({}))), "temporarily_unavailable"),
        (Some(json_response(200, &dpop)), "server_error"),
        (Some(json_response(200, &json!({"canary": 1}))), "server_error"),
        (None, "temporarily_unavailable"),
    ] {
        let mut world = World::shared();
        let at_provider = world.go(&authorization());
        world.answers.extend(answer);
        let answer = world.back(&at_provider);
        assert_eq!(error(&answer).0, expected);
        assert!(!format!("{:?}", answer.response).contains("canary"));
    }
    let mut world = World::shared();
    let page = world.call(get("/authorize", &authorization()));
    world.upstream = None;
    assert_eq!(error(&world.decide(&page, "allow")).0, "temporarily_unavailable", "the provider is down");
}

#[test]
fn c12_clients_that_are_not_known_are_told_to_register_again() {
    let mut world = World::shared();
    let code = world.code(&authorization(), 1);
    for client_id in ["gone", "s1.AAAA"] {
        let answer = world.call(post("/token", &with(redemption(&code), "client_id", client_id)));
        assert_eq!(answer.response.status(), StatusCode::UNAUTHORIZED, "{client_id}");
        assert_eq!(body(&answer)["error"], "invalid_client");
        let headers = answer.response.headers();
        assert_eq!(headers["www-authenticate"], "Basic realm=\"token\"");
        assert_eq!(
            (&headers["cache-control"], &headers["pragma"]),
            (&"no-store".parse().unwrap(), &"no-cache".parse().unwrap())
        );
    }
    let answer = world.call(post("/revoke", &[("client_id", "gone"), ("token", "x")]));
    assert_eq!(answer.response.status(), StatusCode::UNAUTHORIZED);
}

#[test]
fn c5_clients_authenticate_in_the_header_or_the_body_and_never_in_both() {
    let client =
        PreRegisteredClient::new("conf", ClientMetadata::new([REDIRECT])).secret(&Secret::new("p+q/ %&"));
    let mut world = World::new(builder(shared()).client(client).build().unwrap());
    let pairs = with(authorization(), "client_id", "conf");
    let mut redeem = |secret: Option<&str>, header: Option<&str>, client_id: &str| {
        let code = world.code(&pairs, 1);
        let mut form = with(redemption(&code), "client_id", client_id);
        form.extend(secret.map(|secret| ("client_secret", secret)));
        let mut request = post("/token", &form);
        if let Some(header) = header {
            use base64::Engine as _;
            let encoded = base64::engine::general_purpose::STANDARD.encode(header);
            request.headers_mut().insert(AUTHORIZATION, format!("Basic {encoded}").parse().unwrap());
        }
        world.call(request).event
    };
    let failed = Event::Refused(Refusal::ClientAuthentication);
    assert_eq!(redeem(Some("p+q/ %&"), None, "conf"), Event::TokensIssued);
    assert_eq!(redeem(None, Some("conf:p%2Bq%2F+%25%26"), ""), Event::TokensIssued, "RFC 6749 §2.3.1");
    assert_eq!(redeem(None, Some("conf:p+q/ %&"), "conf"), Event::TokensIssued, "as some clients write it");
    assert_eq!(redeem(None, None, "conf"), failed);
    assert_eq!(redeem(Some("wrong"), None, "conf"), failed);
    assert_eq!(redeem(None, Some("conf:"), "conf"), failed);
    assert_eq!(redeem(None, Some("conf"), "conf"), failed);
    assert_eq!(redeem(None, Some("conf:p+q/ %&"), "app"), failed, "two clients");
    assert_eq!(redeem(Some("p+q/ %&"), Some("conf:p+q/ %&"), "conf"), failed, "two ways");
    // A public client has no secret that could be right.
    let code = world.code(&authorization(), 1);
    let mut form = redemption(&code);
    form.push(("client_secret", "x"));
    assert_eq!(world.call(post("/token", &form)).event, failed);
}

#[test]
fn odd_token_requests_are_refused() {
    let mut world = World::shared();
    let answer = world.call(post("/token", &with(redemption("x"), "grant_type", "password")));
    assert_eq!(body(&answer)["error"], "unsupported_grant_type");
    let answer = world.call(post("/token", &with(redemption("x"), "grant_type", "")));
    assert_eq!(body(&answer)["error"], "invalid_request");
    let mut request = post("/token", &redemption("x"));
    request.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
    assert_eq!(world.call(request).event, Event::Refused(Refusal::MediaType));
    let mut twice = redemption("x");
    twice.push(("code", "y"));
    assert_eq!(world.call(post("/token", &twice)).event, Event::Refused(Refusal::Repeated));
    // Secrets in a URL are not read.
    let uri = format!("{ISSUER}/token?{}", query(&redemption("x")));
    let request = Request::post(uri).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    assert_eq!(world.call(request.body(Bytes::new()).unwrap()).event, Event::Refused(Refusal::Missing));
}

#[test]
fn a_facade_that_cannot_work_is_not_built() {
    let fault = |builder: FacadeBuilder| builder.build().unwrap_err();
    let provider = Provider::oauth(PROVIDER).unwrap();
    let anonymous = Upstream::shared(provider, ClientCredential::anonymous());
    assert_eq!(fault(builder(anonymous)), FacadeError::AnonymousClient);
    assert!(matches!(fault(builder(shared().parameter("state", "x"))), FacadeError::Upstream(_)));
    assert_eq!(fault(builder(shared()).client(app())), FacadeError::ClientTwice("app".into()));
    for id in ["", "s1.x", "https://c.example/x"] {
        let client = PreRegisteredClient::new(id, ClientMetadata::new([REDIRECT]));
        assert_eq!(fault(builder(shared()).client(client)), FacadeError::ClientId(id.into()));
    }
    for uri in ["https://app.example/cb#f", "http://app.example/cb", "javascript:alert(1)", "/cb"] {
        let client = PreRegisteredClient::new("c", ClientMetadata::new([uri]));
        let fault = fault(builder(shared()).client(client));
        assert!(matches!(fault, FacadeError::RedirectUri { .. }), "{fault}");
    }
    let native = PreRegisteredClient::new("c", ClientMetadata::new(["com.example.app:/cb"]));
    assert!(builder(shared()).client(native).build().is_ok());
    let again = ProtectedResource::new(ResourceIdentifier::parse(RESOURCE).unwrap());
    assert_eq!(fault(builder(shared()).resource(again)), FacadeError::ResourceTwice(RESOURCE.into()));
}

#[test]
fn what_a_driver_refuses_is_a_page_for_people_and_json_for_programs() {
    use mcp_auth_discovery::facade::FacadeEndpoint as E;
    let world = World::shared();
    for (refusal, status) in [
        (Refusal::BodyTooLarge, 413),
        (Refusal::BodyTimeout, 408),
        (Refusal::BodyRead, 400),
        (Refusal::TooManyRequests, 429),
        (Refusal::Overloaded, 503),
        (Refusal::Late, 503),
        (Refusal::Internal, 500),
    ] {
        for endpoint in [E::Authorize, E::Callback, E::Token, E::Register, E::Revoke, E::Keys] {
            let answer = world.facade.refuse(endpoint, refusal);
            assert_eq!(answer.response.status().as_u16(), status, "{endpoint:?} {refusal:?}");
            assert_eq!(answer.event, Event::Refused(refusal));
            let page = matches!(endpoint, E::Authorize | E::Callback);
            let media_type = answer.response.headers()[CONTENT_TYPE].to_str().unwrap();
            assert_eq!(media_type.starts_with("text/html"), page, "{endpoint:?}");
            assert_eq!(answer.response.headers()["cache-control"], "no-store");
        }
    }
}
