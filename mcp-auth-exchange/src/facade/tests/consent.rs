//! Whether, whom and how users are asked.

use http::StatusCode;
use http::header::ORIGIN;

use super::*;

const DOCUMENT: &str = "https://client.example/oauth.json";

fn html(answer: &Answer) -> &str {
    std::str::from_utf8(answer.response.body()).unwrap()
}

fn two_clients() -> World {
    let mut metadata = ClientMetadata::new([REDIRECT]);
    metadata.client_name = Some("Other".into());
    World::new(builder(shared()).client(PreRegisteredClient::new("other", metadata)).build().unwrap())
}

#[test]
fn attack_111_consent_for_one_client_is_not_used_for_another() {
    let mut world = two_clients();
    let ask = |world: &mut World, name, value| {
        world.call(get("/authorize", &with(authorization(), name, value))).event
    };
    assert_eq!(ask(&mut world, "state", "1"), Event::ConsentAsked);
    world.go(&authorization());
    assert_eq!(ask(&mut world, "state", "2"), Event::SentToProvider, "remembered");
    assert_eq!(ask(&mut world, "client_id", "other"), Event::ConsentAsked, "the same redirect URI");
    assert_eq!(ask(&mut world, "scope", "mcp:read mcp:write"), Event::ConsentAsked);
    assert_eq!(ask(&mut world, "prompt", "consent"), Event::ConsentAsked);
    // The order of scopes says nothing.
    world.go(&with(authorization(), "scope", "mcp:write mcp:read"));
    assert_eq!(ask(&mut world, "scope", "mcp:read mcp:write"), Event::SentToProvider);
    assert_eq!(ask(&mut world, "state", "3"), Event::SentToProvider, "several are remembered");

    world.now += 90 * 24 * 3600;
    assert_eq!(ask(&mut world, "state", "4"), Event::ConsentAsked, "and forgotten");
}

#[test]
fn attack_111_consent_of_one_browser_is_not_used_by_another() {
    let mut world = two_clients();
    world.go(&authorization());
    let consents = world.cookies["__Host-mcp-auth-consent"].clone();
    for browser in ["A".repeat(43), String::new(), "short".to_owned()] {
        world.cookies = BTreeMap::from([("__Host-mcp-auth-consent".into(), consents.clone())]);
        world.cookies.insert("__Host-mcp-auth".into(), browser);
        assert_eq!(world.call(get("/authorize", &authorization())).event, Event::ConsentAsked);
    }
    let mut world = two_clients();
    world.go(&authorization());
    let altered = format!("{}A", world.cookies["__Host-mcp-auth-consent"]);
    for value in ["", "s1.AAAA", "%00", &altered] {
        world.cookies.insert("__Host-mcp-auth-consent".into(), value.into());
        let answer = world.call(get("/authorize", &authorization()));
        assert_eq!(answer.event, Event::ConsentAsked, "attack 102: asked again, no 500: {value}");
    }
}

#[test]
fn attack_111_a_forged_form_is_refused() {
    let mut world = two_clients();
    let page = world.call(get("/authorize", &authorization()));
    let good = ticket(&page);
    let refused = |world: &mut World, pairs: &[(&str, &str)]| {
        let answer = world.call(post("/authorize", pairs));
        assert!(answer.response.headers().get(LOCATION).is_none());
        answer.event
    };
    let form = Event::Refused(Refusal::ConsentForm);
    assert_eq!(refused(&mut world, &[("ticket", "s1.AAAA"), ("decision", "allow")]), form);
    assert_eq!(refused(&mut world, &[("ticket", &format!("{good}A")), ("decision", "allow")]), form);
    assert_eq!(refused(&mut world, &[("ticket", &good), ("decision", "perhaps")]), form);
    assert_eq!(refused(&mut world, &[("ticket", &good)]), form);
    assert_eq!(refused(&mut world, &[("decision", "allow")]), Event::Refused(Refusal::Missing));

    // The attacker's own form, sent by the victim's browser.
    let own = std::mem::take(&mut world.cookies);
    assert_eq!(refused(&mut world, &[("ticket", &good), ("decision", "allow")]), form);
    world.call(get("/authorize", &authorization()));
    assert_eq!(refused(&mut world, &[("ticket", &good), ("decision", "allow")]), form);
    world.cookies = own;

    for (name, value) in
        [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        let mut request = post("/authorize", &[("ticket", &good), ("decision", "allow")]);
        request.headers_mut().insert(name, value.parse().unwrap());
        let answer = world.call(request);
        assert_eq!(answer.event, Event::Refused(Refusal::CrossSite), "{name}");
        assert_eq!(answer.response.status(), StatusCode::FORBIDDEN);
    }
    let mut request = post("/authorize", &[("ticket", &good), ("decision", "allow")]);
    request.headers_mut().insert(ORIGIN, ISSUER.parse().unwrap());
    let answer = world.call(request);
    assert_eq!((answer.event, answer.response.status()), (Event::SentToProvider, StatusCode::SEE_OTHER));
    world.now += 600;
    assert_eq!(refused(&mut world, &[("ticket", &good), ("decision", "allow")]), form, "too late");
}

#[test]
fn a_no_goes_to_the_client() {
    let mut world = two_clients();
    let page = world.call(get("/authorize", &authorization()));
    let answer = world.decide(&page, "deny");
    assert_eq!(error(&answer), ("access_denied".into(), Some("client state".into())));
    assert_eq!(
        (answer.event, answer.response.status()),
        (Event::Refused(Refusal::Denied), StatusCode::SEE_OTHER)
    );
    assert_eq!(
        world.call(get("/authorize", &authorization())).event,
        Event::ConsentAsked,
        "nothing is remembered"
    );
}

#[test]
fn the_page_shows_what_the_client_cannot_choose() {
    let mut metadata = ClientMetadata::new(["https://xn--80ak6aa92e.example/cb"]);
    metadata.client_name = Some("<script>alert(1)</script>\u{202e}\"App'".into());
    let client = PreRegisteredClient::new("c", metadata);
    let mut world = World::new(builder(shared()).client(client).build().unwrap());
    let pairs = with(authorization(), "client_id", "c");
    let answer =
        world.call(get("/authorize", &with(pairs, "redirect_uri", "https://xn--80ak6aa92e.example/cb")));
    let page = html(&answer);
    assert!(page.contains("<strong>xn--80ak6aa92e.example</strong>"), "{page}");
    assert!(page.contains("<code>https://xn--80ak6aa92e.example/cb</code>"), "{page}");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;App&#39;"), "{page}");
    assert!(page.contains("<li><code>mcp:read</code></li>") && page.contains(RESOURCE), "{page}");
    assert!(!page.contains("<script") && !page.contains('\u{202e}') && !page.contains("class=\"warning\""));
    assert!(page.contains("<html lang=\"en\">") && page.contains("<h1>") && page.contains("<main>"));

    let headers = &answer.response.headers();
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("form-action"), "{policy}");
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(headers[name], value);
    }
}

#[test]
fn a_theme_is_on_both_pages() {
    let theme = Theme::default().name("Acme & co").unwrap().logo("https://cdn.example/l.svg").unwrap();
    let theme = theme.accent("#ffee00").unwrap().link("Privacy", "https://acme.example/p?a=1&b=2").unwrap();
    let mut world = World::new(builder(shared()).theme(theme).build().unwrap());
    for answer in [world.call(get("/authorize", &authorization())), world.call(get("/authorize", &[]))] {
        let page = html(&answer);
        assert!(
            page.contains("Acme &amp; co") && page.contains("href=\"https://acme.example/p?a=1&amp;b=2\"")
        );
        assert!(page.contains("background:#ffee00;color:#000000"));
        let policy = answer.response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.ends_with("; img-src https://cdn.example"), "{policy}");
    }
}

#[test]
fn clients_on_the_users_device_are_asked_about_every_time() {
    let mut world = two_clients();
    let pairs = with(authorization(), "redirect_uri", "http://127.0.0.1:33418/cb");
    for _ in 0..2 {
        let answer = world.call(get("/authorize", &pairs));
        assert!(html(&answer).contains("runs on your own device"));
        assert_eq!(world.decide(&answer, "allow").event, Event::SentToProvider);
    }
}

#[test]
fn a_client_metadata_document_is_named_by_its_host() {
    let mut world = two_clients();
    world.documents.insert(
        DOCUMENT.into(),
        json!({"client_id": DOCUMENT, "client_name": "Claude", "redirect_uris": [REDIRECT]}),
    );
    let pairs = with(authorization(), "client_id", DOCUMENT);
    let answer = world.call(get("/authorize", &pairs));
    let page = html(&answer);
    assert!(page.contains("<dt>Published by</dt>\n<dd><strong>client.example</strong>"), "{page}");

    // To the end; at the token endpoint nothing is fetched again.
    let code = world.code(&pairs, 1);
    world.documents.clear();
    let answer = world.call(post("/token", &with(redemption(&code), "client_id", DOCUMENT)));
    assert_eq!(answer.event, Event::TokensIssued);
    assert_eq!(world.call(get("/authorize", &pairs)).event, Event::Refused(Refusal::ClientDocument));

    for document in [
        json!({"client_id": "https://client.example/other", "client_name": "C", "redirect_uris": [REDIRECT]}),
        json!({"client_id": DOCUMENT, "client_name": "C", "redirect_uris": ["https://evil.example/cb"]}),
    ] {
        world.documents.insert(DOCUMENT.into(), document);
        let answer = world.call(get("/authorize", &pairs));
        assert!(matches!(answer.event, Event::Refused(Refusal::ClientDocument | Refusal::RedirectUri)));
        assert!(answer.response.headers().get(LOCATION).is_none());
    }
    let document = json!({"client_id": DOCUMENT, "client_name": "C", "redirect_uris": [REDIRECT],
        "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://client.example/jwks"});
    world.documents.insert(DOCUMENT.into(), document);
    let answer = world.call(get("/authorize", &pairs));
    assert_eq!(answer.event, Event::Refused(Refusal::ClientMethod));
    assert!(answer.response.headers().get(LOCATION).is_none(), "before the user was asked");
}

#[test]
fn a_client_of_a_host_that_is_not_allowed_any_more_gets_no_new_tokens() {
    let mut world = two_clients();
    let document = json!({"client_id": DOCUMENT, "client_name": "C", "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"]});
    world.documents.insert(DOCUMENT.into(), document);
    let pairs = with(authorization(), "client_id", DOCUMENT);
    let code = world.code(&pairs, 1);
    let answer = world.call(post("/token", &with(redemption(&code), "client_id", DOCUMENT)));
    let token = body(&answer)["refresh_token"].as_str().unwrap().to_owned();
    let others = ClientMetadataPolicy::default().allow_host("other.example");
    let facade = builder(shared()).build().unwrap().with_client_documents(others);
    world.facade = Arc::new(facade);
    let answer = world.call(post("/token", &with(refreshing(&token), "client_id", DOCUMENT)));
    assert_eq!(answer.event, Event::Refused(Refusal::UnknownClient));
    assert_eq!(world.call(get("/authorize", &pairs)).event, Event::Refused(Refusal::UnknownClient));
}

#[test]
fn the_page_shows_what_the_operator_adds_and_no_more_than_a_person_reads() {
    let added = shared().scope(&Scopes::new(["Mail.Read", "mcp:read"]).unwrap());
    let mut world = World::new(builder(added).build().unwrap());
    let page = html(&world.call(get("/authorize", &authorization()))).to_owned();
    let shown = |scope: &str| page.matches(&format!("<li><code>{scope}</code></li>")).count();
    assert_eq!((shown("mcp:read"), shown("Mail.Read")), (1, 1), "{page}");
    world.go(&authorization());
    assert_eq!(world.call(get("/authorize", &authorization())).event, Event::SentToProvider, "remembered");
    let more = shared().scope(&Scopes::new(["Mail.Read", "Mail.Send"]).unwrap());
    world.facade = Arc::new(builder(more).build().unwrap());
    assert_eq!(
        world.call(get("/authorize", &authorization())).event,
        Event::ConsentAsked,
        "for less than now"
    );
    let many: Vec<String> = (0..41).map(|number| format!("s{number}")).collect();
    let answer = world.call(get("/authorize", &with(authorization(), "scope", &many.join(" "))));
    assert_eq!(answer.event, Event::Refused(Refusal::Scope));
}

#[test]
fn the_document_of_another_client_is_not_taken_for_this_one() {
    let mut world = two_clients();
    let other = "https://evil.example/oauth.json";
    let document = json!({"client_id": other, "client_name": "C", "redirect_uris": [REDIRECT]});
    let document = document.to_string();
    let id = ClientIdUrl::parse(other).unwrap();
    let document =
        ClientMetadataDocument::parse(document.as_bytes(), &id, &RedirectUriRules::default(), 5000).unwrap();
    let mut run = world.begin(get("/authorize", &with(authorization(), "client_id", DOCUMENT)));
    assert!(matches!(world.step(&mut run, Input::Start), Step::Document(id) if id.as_str() == DOCUMENT));
    let refused = world.step(&mut run, Input::Document(Box::new(document)));
    assert!(matches!(refused, Step::Done(answer) if answer.event == Event::Refused(Refusal::ClientDocument)));
}

#[test]
fn the_operators_own_client_is_not_asked_about_and_prompt_none_asks_nobody() {
    let client = PreRegisteredClient::new("own", ClientMetadata::new([REDIRECT])).first_party();
    let mut world = World::new(builder(shared()).client(client).build().unwrap());
    let answer = world.call(get("/authorize", &with(authorization(), "client_id", "own")));
    assert_eq!((answer.event, answer.response.status()), (Event::SentToProvider, StatusCode::FOUND));
    let answer = world.call(get("/authorize", &with(authorization(), "prompt", "none")));
    assert_eq!(error(&answer).0, "consent_required");
}

#[test]
fn a_browser_remembers_so_many_consents() {
    let clients = (0..40).map(|i| PreRegisteredClient::new(format!("c{i}"), ClientMetadata::new([REDIRECT])));
    let facade = clients.fold(builder(shared()), FacadeBuilder::client).build().unwrap();
    let mut world = World::new(facade);
    for i in 0..40 {
        // The harness asserts that a cookie is of less than 4 KiB.
        world.go(&with(authorization(), "client_id", &format!("c{i}")));
    }
    let first = world.call(get("/authorize", &with(authorization(), "client_id", "c0")));
    let last = world.call(get("/authorize", &with(authorization(), "client_id", "c39")));
    assert_eq!((first.event, last.event), (Event::ConsentAsked, Event::SentToProvider));
}
