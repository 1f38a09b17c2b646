//! Scopes that the provider has by other names (`mcp-spec.md` §5.3, §5.4; Entra).

use mcp_auth_core::crypto::AwsLcSigner;
use mcp_auth_core::jwt::Algorithm;

use super::*;

const APP_ID: &str = "22222222-3333-4444-5555-666666666666";

/// Before Entra with v2.0 tokens, which offers and grants these scopes.
fn entra(offered: &str) -> World {
    before(upstream(), offered)
}

fn upstream() -> Upstream {
    let provider = Provider::entra_v2("11111111-2222-3333-4444-555555555555").unwrap();
    Upstream::shared(provider, ClientCredential::client_secret_post("gateway", Secret::new("s")))
}

fn before(upstream: Upstream, offered: &str) -> World {
    with_tokens(upstream, offered, AccessTokens::PassThrough)
}

fn with_tokens(upstream: Upstream, offered: &str, tokens: AccessTokens) -> World {
    let issuer = upstream.provider.metadata_issuer().to_owned();
    let sealer = Sealer::new(&SealKey::from_bytes([7; 32]), Arc::new(AwsLc::new())).unwrap();
    let resource = ProtectedResource::new(ResourceIdentifier::parse(RESOURCE).unwrap()).audience(APP_ID);
    let metadata = FacadeMetadata::new(FacadeIssuer::parse(ISSUER).unwrap());
    let metadata = metadata.scopes(&Scopes::parse(offered).unwrap());
    let facade = Facade::builder(metadata, sealer, upstream, resource).client(app()).access_tokens(tokens);
    let mut world = World::new(facade.build().unwrap());
    let document = json!({"issuer": issuer, "authorization_endpoint": "https://idp.example/authorize",
        "token_endpoint": "https://idp.example/token", "response_types_supported": ["code"]});
    world.upstream =
        Some(AuthorizationServerMetadata::parse(document.to_string().as_bytes(), &issuer).unwrap());
    world
}

/// Entra's tokens, which say this about their scope.
fn granted(number: u32, scope: Option<&str>) -> Response<Bytes> {
    let mut tokens = json!({"access_token": format!("access-{number}"), "token_type": "Bearer",
        "refresh_token": format!("refresh-{number}"), "expires_in": 300});
    if let Some(scope) = scope {
        tokens["scope"] = scope.into();
    }
    json_response(200, &tokens)
}

/// What Entra is asked for, and what the client gets for that.
fn login(world: &mut World, asked: &str, answer: Option<&str>) -> (String, Value) {
    let at_provider = world.go(&with(authorization(), "scope", asked));
    world.answers.push_back(granted(1, answer));
    let state = parameter(&at_provider, "state").unwrap();
    let back = world.call(get("/callback", &[("code", "c"), ("state", &state)]));
    assert_eq!(back.event, Event::CodeIssued, "{:?}", back.response);
    let code = parameter(&location(&back), "code").unwrap();
    let tokens = world.call(post("/token", &redemption(&code)));
    assert_eq!(tokens.event, Event::TokensIssued, "{:?}", tokens.response);
    (parameter(&at_provider, "scope").unwrap(), body(&tokens))
}

/// What Entra is asked for in a refresh, and the scope that the client is told.
fn refresh(world: &mut World, tokens: &Value, asked: &str, answer: Option<&str>) -> (Option<String>, Value) {
    world.answers.push_back(granted(2, answer));
    let token = tokens["refresh_token"].as_str().unwrap();
    let refreshed = world.call(post("/token", &with(refreshing(token), "scope", asked)));
    assert_eq!(refreshed.event, Event::Refreshed, "{:?}", refreshed.response);
    let sent = world.asked().iter().find_map(|line| line.strip_prefix("scope: ").map(str::to_owned));
    (sent, body(&refreshed)["scope"].clone())
}

#[test]
fn mcp_c13_c14_entra_is_asked_for_scopes_of_the_resource_and_the_client_keeps_its_names() {
    for answer in [
        format!("{APP_ID}/mcp:read {APP_ID}/mcp:write"),
        format!("api://{APP_ID}/mcp:read api://{APP_ID}/mcp:write"),
        format!("mcp:read  {APP_ID}/mcp:write api://{APP_ID}/mcp:read "),
    ] {
        let mut world = entra("mcp:read mcp:write");
        let asked = "mcp:read mcp:write offline_access";
        let page = world.call(get("/authorize", &with(authorization(), "scope", asked)));
        let html = String::from_utf8(page.response.body().to_vec()).unwrap();
        assert!(html.contains("mcp:read") && !html.contains(APP_ID), "the user sees the client's names");
        let (sent, tokens) = login(&mut world, asked, Some(&answer));
        assert_eq!(sent, format!("{APP_ID}/mcp:read {APP_ID}/mcp:write offline_access"));
        assert_eq!(tokens["scope"], "mcp:read mcp:write", "{answer}");

        let narrowed = refresh(&mut world, &tokens, "mcp:read", Some(&format!("api://{APP_ID}/mcp:read")));
        assert_eq!(narrowed, (Some(format!("{APP_ID}/mcp:read")), json!("mcp:read")));
    }
}

#[test]
fn mcp_c13_without_a_scope_in_answers_or_requests_everything_stays() {
    let mut world = entra("mcp:read mcp:write");
    let (_, tokens) = login(&mut world, "mcp:read mcp:write", None);
    assert_eq!(tokens["scope"], "mcp:read mcp:write");
    assert_eq!(refresh(&mut world, &tokens, "", None), (None, json!("mcp:read mcp:write")));

    // The default of a client that names none is in Entra's words already.
    let mut world = entra("mcp:read mcp:write");
    let (sent, tokens) = login(&mut world, "", Some(&format!("{APP_ID}/mcp:read {APP_ID}/mcp:write")));
    assert_eq!((sent, &tokens["scope"]), (format!("{APP_ID}/.default"), &json!("mcp:read mcp:write")));
    let narrowed = refresh(&mut world, &tokens, "mcp:write", None);
    assert_eq!(narrowed.0, Some(format!("{APP_ID}/mcp:write")));
}

#[test]
fn a_client_that_asks_by_the_qualified_name_is_answered_by_it() {
    let full = format!("api://{APP_ID}/mcp:read");
    for answer in [full.clone(), "mcp:read".to_owned(), format!("{APP_ID}/mcp:read")] {
        let mut world = entra(&format!("{full} mcp:write"));
        let (sent, tokens) = login(&mut world, &format!("{full} mcp:write"), Some(&answer));
        assert_eq!(sent, format!("{full} {APP_ID}/mcp:write"), "qualified once");
        assert_eq!(tokens["scope"], full.as_str(), "{answer}");
    }
}

#[test]
fn what_the_operator_adds_is_in_the_providers_words() {
    let upstream = upstream().scope(&Scopes::parse("openid User.Read").unwrap());
    let mut world = before(upstream, "mcp:read User.Read");
    let (sent, tokens) =
        login(&mut world, "mcp:read User.Read", Some("mcp:read openid https://other/mcp:read"));
    assert_eq!(
        sent,
        format!("{APP_ID}/mcp:read {APP_ID}/User.Read openid User.Read"),
        "no client gets at Microsoft Graph by a short name"
    );
    assert_eq!(tokens["scope"], "mcp:read openid https://other/mcp:read", "another resource's stays one");
}

#[test]
fn tokens_of_our_own_say_what_was_granted_for_the_names_that_were_asked_for() {
    let full =
        |names: &[&str]| names.iter().map(|name| format!("{APP_ID}/{name}")).collect::<Vec<_>>().join(" ");
    for (asked, answer, expected) in [
        ("mcp:read", full(&["mcp:read", "mcp:write"]), "mcp:read"),
        ("mcp:read mcp:write", full(&["mcp:write"]), "mcp:write"),
        // What stands for all is what was granted of what is offered here.
        ("", full(&["mcp:read", "mcp:write", "admin"]), "mcp:read mcp:write"),
        ("offline_access", full(&["mcp:write"]), "mcp:write"),
    ] {
        let signer = AwsLcSigner::generate(Algorithm::ES256).unwrap();
        let own = AccessTokens::Own(OwnTokens::new(Arc::new(signer), "k1"));
        let mut world = with_tokens(upstream(), "mcp:read mcp:write", own);
        let (_, tokens) = login(&mut world, asked, Some(&answer));
        assert_eq!(tokens["scope"], expected, "{asked}: {answer}");
        let (_, refreshed) = refresh(&mut world, &tokens, "", Some(&answer));
        assert_eq!(refreshed, expected, "{asked}: {answer}");
    }
}
