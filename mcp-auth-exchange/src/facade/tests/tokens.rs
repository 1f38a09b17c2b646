//! Access tokens of our own.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use mcp_auth_core::crypto::AwsLcSigner;
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::{Algorithm, Checks, Issuer, Validator};

use super::*;

fn own_tokens() -> World {
    let signer = Arc::new(AwsLcSigner::generate(Algorithm::ES256).unwrap());
    let own = OwnTokens::new(signer, "k1").claim("groups").claim("iss").lifetime(Duration::from_secs(120));
    World::new(builder(shared()).access_tokens(AccessTokens::Own(own)).build().unwrap())
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn rfc_9068_a_token_of_our_own_is_bound_to_the_providers() {
    let mut world = own_tokens();
    let code = world.code(&authorization(), 1);
    let answer = world.call(post("/token", &redemption(&code)));
    assert_eq!(answer.event, Event::TokensIssued, "{:?}", answer.response);
    let tokens = body(&answer);
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!((&tokens["expires_in"], &tokens["scope"]), (&json!(120), &json!("mcp:read")));
    assert_eq!(part(token, 0), json!({"alg": "ES256", "kid": "k1", "typ": "at+jwt"}));
    let claims = part(token, 1);
    let jti = claims["jti"].as_str().unwrap();
    assert_eq!(
        claims,
        json!({"iss": ISSUER, "sub": "alice", "aud": RESOURCE, "client_id": "app", "iat": world.now,
            "exp": world.now + 120, "jti": jti, "scope": "mcp:read", "groups": ["staff"]}),
        "`iss` is never copied"
    );

    // Our own validator takes it, with the keys that we publish.
    let keys = world.call(get("/.well-known/jwks.json", &[]));
    assert_eq!((keys.event, keys.response.status()), (Event::KeysRead, StatusCode::OK));
    let set = KeySet::parse(keys.response.body(), &AwsLc::new(), &[Algorithm::ES256]).unwrap();
    let issuer =
        Issuer::new(ISSUER).audience(RESOURCE).algorithms(&[Algorithm::ES256]).access_token_profile();
    let validator = Validator::new([issuer]).unwrap();
    let checks = Checks::at(UnixTime::from_secs(world.now));
    let principal = validator.verify(validator.parse(token).unwrap(), &set, &checks).unwrap();
    assert_eq!(principal.client_id(), Some("app"));

    // What waits for an exchange is found by `jti` alone, sealed.
    let name = world.facade.upstream_token_name(jti);
    let now = UnixTime::from_secs(world.now);
    let StoreReply::Value(Some(value)) = world.store.execute(StoreCommand::Get { name }, now).unwrap() else {
        panic!()
    };
    assert!(!value.contains("access-1"));
    assert_eq!(world.facade.open_upstream_token(jti, &value, now).unwrap().expose(), "access-1");
    assert!(world.facade.open_upstream_token("other", &value, now).is_none());
}

#[test]
fn a_token_of_our_own_never_outlives_the_providers() {
    let mut world = own_tokens();
    let at_provider = world.go(&authorization());
    let short = json!({"access_token": "access-1", "token_type": "Bearer", "expires_in": 40, "refresh_token": "refresh-1"});
    world.answers.push_back(json_response(200, &short));
    let code = parameter(&location(&world.back(&at_provider)), "code").unwrap();
    world.now += 10;
    let tokens = body(&world.call(post("/token", &redemption(&code))));
    assert_eq!(tokens["expires_in"], 30);

    world.answers.push_back(upstream_tokens(2));
    let answer = world.call(post("/token", &refreshing(tokens["refresh_token"].as_str().unwrap())));
    assert_eq!((answer.event, &body(&answer)["expires_in"]), (Event::Refreshed, &json!(120)));
    assert_ne!(body(&answer)["access_token"], tokens["access_token"]);
}

#[test]
fn a_token_of_our_own_says_no_more_than_the_user_was_asked_about() {
    let mut world = own_tokens();
    let more = |number: u32, scope: Option<&str>| {
        let mut answer = json!({"access_token": format!("access-{number}"), "token_type": "Bearer",
            "expires_in": 300, "refresh_token": format!("refresh-{number}")});
        scope.into_iter().for_each(|scope| answer["scope"] = scope.into());
        json_response(200, &answer)
    };
    let scope_of = |answer: &Answer| part(body(answer)["access_token"].as_str().unwrap(), 1)["scope"].clone();
    let at_provider = world.go(&with(authorization(), "scope", "mcp:read mcp:write"));
    world.answers.push_back(more(1, Some("mcp:read mcp:write email profile")));
    let code = parameter(&location(&world.back(&at_provider)), "code").unwrap();
    let first = world.call(post("/token", &redemption(&code)));
    assert_eq!(
        (scope_of(&first), &body(&first)["scope"]),
        (json!("mcp:read mcp:write"), &json!("mcp:read mcp:write"))
    );

    // A provider that leaves `scope` out says that it is what was asked for (RFC 6749 §5.1).
    world.answers.push_back(more(2, None));
    let refresh = body(&first)["refresh_token"].as_str().unwrap().to_owned();
    let narrowed = world.call(post("/token", &with(refreshing(&refresh), "scope", "mcp:read")));
    assert_eq!((scope_of(&narrowed), &body(&narrowed)["scope"]), (json!("mcp:read"), &json!("mcp:read")));
    world.answers.push_back(more(3, Some("mcp:write admin")));
    let refresh = body(&narrowed)["refresh_token"].as_str().unwrap().to_owned();
    let whole = world.call(post("/token", &refreshing(&refresh)));
    assert_eq!(scope_of(&whole), json!("mcp:write"), "and no more than the provider granted");
}

#[test]
fn a_token_for_another_resource_is_not_made_ours_for_this_one() {
    let mut world = own_tokens();
    world.audiences = vec!["mcp", "https://mcp.example/other"];
    let code = world.code(&authorization(), 1);
    let answer = world.call(post("/token", &redemption(&code)));
    assert_eq!(answer.event, Event::Refused(Refusal::UpstreamAnswer));
}

#[test]
fn a_token_that_does_not_hold_is_not_made_ours() {
    let mut world = own_tokens();
    let at_provider = world.go(&authorization());
    let foreign = json!({"access_token": "not-valid", "token_type": "Bearer", "expires_in": 40});
    world.answers.push_back(json_response(200, &foreign));
    let code = parameter(&location(&world.back(&at_provider)), "code").unwrap();
    let answer = world.call(post("/token", &redemption(&code)));
    assert_eq!(answer.event, Event::Refused(Refusal::UpstreamAnswer));
    assert!(body(&answer).get("access_token").is_none());
}

#[test]
fn our_key_set_is_empty_where_tokens_are_the_providers() {
    let answer = World::shared().call(get("/.well-known/jwks.json", &[]));
    assert_eq!(body(&answer), json!({"keys": []}));
}
