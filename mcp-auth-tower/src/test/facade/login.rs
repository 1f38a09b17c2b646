//! The whole way, behind the whole pipeline.

use mcp_auth_core::crypto::AwsLcSigner;
use mcp_auth_exchange::facade::{AccessTokens, OwnTokens};

use super::*;

fn metadata_at(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).header(HOST, "mcp.example").body(Full::default()).unwrap()
}

fn named_servers(document: &str) -> Value {
    serde_json::from_str::<Value>(document).unwrap()["authorization_servers"].clone()
}

#[tokio::test]
async fn row_152_to_157_from_the_challenge_to_a_call() {
    let world = World::new();
    let idp_keys = world.provided.tokens.idp.keys();
    let auth = McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), idp_keys)
        .facade(world.server.clone())
        .clock(Arc::new(FixedClock))
        .build()
        .unwrap();
    let upstream = Arc::new(Shared::default());
    let service = auth.layer(Upstream { shared: upstream.clone(), ready: false });
    let send = async |request: Request<Full<Bytes>>| {
        let (parts, body) = service.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts, String::from_utf8(body.to_vec()).unwrap())
    };
    // The challenge names the metadata, which names us, whose metadata names our endpoints.
    let (parts, _) = send(post("none", LIST)).await;
    assert!(challenge(&parts).contains(METADATA), "{}", challenge(&parts));
    let (_, resource) = send(metadata_at("/.well-known/oauth-protected-resource/files/mcp")).await;
    assert_eq!(named_servers(&resource), json!([OURS]));
    for path in [WELL_KNOWN, "/.well-known/openid-configuration"] {
        let (parts, document) = send(metadata_at(path)).await;
        assert_eq!(parts.status, StatusCode::OK);
        let document: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["issuer"], OURS);
        assert_eq!(document["token_endpoint"], "https://mcp.example/token");
        assert!(!document.to_string().contains("idp.example"), "{document}");
    }
    let tokens = world.login().await;
    let token = tokens["access_token"].as_str().unwrap();
    let (parts, _) = send(post(token, &call("read"))).await;
    assert_eq!(parts.status, StatusCode::OK);
    assert_eq!(upstream.calls.load(Ordering::SeqCst), 1);
    let events: Vec<String> =
        world.written.0.lock().unwrap().iter().map(|(event, _)| event.clone()).collect();
    assert_eq!(events, ["consent_asked", "sent_to_provider", "code_issued", "tokens_issued"]);
}

#[tokio::test]
async fn tokens_of_our_own_are_issued_for_valid_ones_and_accepted() {
    let provided = Provided::new();
    let jwks = format!("{{\"keys\":[{}]}}", provided.tokens.idp.0.public_jwk("k"));
    let mut metadata = metadata_of(ISSUER);
    metadata["jwks_uri"] = format!("{ISSUER}/jwks").into();
    provided.answers(WELL_KNOWN, move |_| json_reply(200, &metadata));
    provided.answers("/jwks", move |_| json_reply(200, &serde_json::from_str(&jwks).unwrap()));
    let signer = Arc::new(AwsLcSigner::generate(Algorithm::ES256).unwrap());
    let facade = facade().access_tokens(AccessTokens::Own(OwnTokens::new(signer, "ours")));
    let world = World::with(facade, provided, |b| b);
    let auth = McpAuth::builder(RESOURCE)
        .unwrap()
        .facade(world.server.clone())
        .clock(Arc::new(FixedClock))
        .build()
        .unwrap();
    let upstream = Arc::new(Shared::default());
    let service = auth.layer(Upstream { shared: upstream.clone(), ready: false });
    let calls = async |token: &str| {
        let request = post(token, &call("read"));
        service.clone().oneshot(request).await.unwrap().status()
    };
    let tokens = world.login().await;
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(calls(token).await, StatusCode::OK);
    // The provider's own is not one of ours.
    assert_eq!(calls(&world.provided.tokens.idp.token("alice")).await, StatusCode::UNAUTHORIZED);

    // A token of the provider's for somebody else is worth nothing.
    let stranger = world.provided.tokens.idp.token_with(|c| c["aud"] = "https://other.example".into());
    world.provided.answers("/token", move |_| {
        json_reply(200, &json!({"access_token": stranger, "token_type": "Bearer", "expires_in": 300}))
    });
    let (parts, answer) = world.redeem(&world.code().await).await;
    assert_eq!(parts.status, StatusCode::INTERNAL_SERVER_ERROR, "{answer}");
    assert_eq!(answer["error"], "server_error");
}

#[tokio::test]
async fn attack_096_097_a_callback_is_for_its_browser_its_provider_and_once() {
    let world = World::new();
    let at_provider = world.to_provider(&authorization()).await;
    let state = parameter(&at_provider, "state").unwrap();
    let callback = |pairs: &[(&str, &str)]| get("/callback", pairs);
    let good = [("code", "c"), ("state", state.as_str()), ("iss", ISSUER)];
    // Another browser.
    assert_eq!(world.send(callback(&good)).await.0.status, StatusCode::BAD_REQUEST);
    for pairs in
        [&[("code", "c"), ("iss", ISSUER)][..], &[("code", "c"), ("state", "s1.forged"), ("iss", ISSUER)]]
    {
        assert_eq!(world.browse(callback(pairs)).await.0.status, StatusCode::BAD_REQUEST, "{pairs:?}");
    }
    assert_eq!(world.provided.asked("/token"), 0, "no code was sent anywhere");
    assert_eq!(world.browse(callback(&good)).await.0.status, StatusCode::FOUND);
    assert_eq!(world.browse(callback(&good)).await.0.status, StatusCode::BAD_REQUEST, "replayed");
    assert_eq!(world.written.last(), "callback_replayed");
    assert_eq!(world.provided.asked("/token"), 1);

    let state = parameter(&world.to_provider(&authorization()).await, "state").unwrap();
    for iss in [&[][..], &[("iss", "https://idp.example/")], &[("iss", "https://evil.example")]] {
        let pairs: Vec<_> =
            [("code", "c"), ("state", state.as_str())].into_iter().chain(iss.iter().copied()).collect();
        let (parts, _) = world.browse(callback(&pairs)).await;
        assert_ne!(
            parts.headers.get(LOCATION).map(|l| l.to_str().unwrap().contains("code=")),
            Some(true),
            "{iss:?}"
        );
    }
    assert_eq!(world.provided.asked("/token"), 1);
}

#[tokio::test]
async fn attack_098_110_111_what_a_provider_or_a_client_may_not_leave_out() {
    // No PKCE at the provider.
    let provided = Provided::new();
    let mut metadata = metadata_of(ISSUER);
    metadata["code_challenge_methods_supported"] = json!(["plain"]);
    provided.answers(WELL_KNOWN, move |_| json_reply(200, &metadata));
    let world = World::with(facade(), provided, |b| b);
    let (_, page) = world.browse(get("/authorize", &authorization())).await;
    let allow = post_form("/authorize", &[("ticket", &ticket(&page)), ("decision", "allow")]);
    assert_eq!(parameter(&location(&world.browse(allow).await.0), "error").as_deref(), Some("server_error"));
    assert!(world.server.status().findings[0].contains("cannot be used"), "{:?}", world.server.status());

    // Endpoints that are no place to send anybody.
    for endpoint in ["javascript:alert(1)", "file:///etc/passwd", "http://idp.example/authorize"] {
        let provided = Provided::new();
        let mut metadata = metadata_of(ISSUER);
        metadata["authorization_endpoint"] = endpoint.into();
        provided.answers(WELL_KNOWN, move |_| json_reply(200, &metadata));
        let world = World::with(facade(), provided, |b| b);
        let (_, page) = world.browse(get("/authorize", &authorization())).await;
        let allow = post_form("/authorize", &[("ticket", &ticket(&page)), ("decision", "allow")]);
        let back = location(&world.browse(allow).await.0);
        assert_eq!(back.host_str(), Some("app.example"), "{endpoint}");
        assert!(parameter(&back, "error").is_some(), "{endpoint}");
    }

    // No PKCE of the client; consent to one client is none to another.
    let world = World::with(
        facade().client(PreRegisteredClient::new("other", ClientMetadata::new([REDIRECT]))),
        Provided::new(),
        |b| b,
    );
    for (name, value) in [("code_challenge_method", "plain"), ("code_challenge", "")] {
        let mut pairs = authorization();
        pairs.retain(|(known, _)| *known != name);
        pairs.push((name, value));
        let (parts, _) = world.browse(get("/authorize", &pairs)).await;
        assert_eq!(parameter(&location(&parts), "error").as_deref(), Some("invalid_request"), "{name}");
    }
    world.login().await;
    let (parts, _) = world.browse(get("/authorize", &authorization())).await;
    assert_eq!(parts.status, StatusCode::FOUND, "asked once");
    let mut other = authorization();
    other[1] = ("client_id", "other");
    assert_eq!(world.browse(get("/authorize", &other)).await.0.status, StatusCode::OK, "asked again");
}

#[tokio::test]
async fn attack_099_a_code_is_good_once() {
    let world = World::new();
    let code = world.code().await;
    let (parts, tokens) = world.redeem(&code).await;
    assert_eq!(parts.status, StatusCode::OK);
    let (parts, again) = world.redeem(&code).await;
    assert_eq!((parts.status, again["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_grant")));
    let (status, ended) = world.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!((status, ended["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_grant")));
}
