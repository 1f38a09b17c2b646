//! What the conformance suite does not ask for: refreshing, bounds, registrations that are forgotten, downgrades.

mod world;

use serde_json::{Value, json};

use self::world::{ISSUER, Shared, World, value};
use crate::error::ClientError;
use crate::mcp::McpClient;

async fn connected(change: impl FnOnce(&mut World)) -> (Shared, McpClient) {
    let world = Shared::of(change);
    let client = world.connect(json!({})).await.unwrap();
    (world, client)
}

async fn refused(change: impl FnOnce(&mut World), credentials: Value) -> (Shared, ClientError) {
    let world = Shared::of(change);
    let error = world.connect(credentials).await.unwrap_err();
    (world, error)
}

#[tokio::test]
async fn one_login_serves_many_requests() {
    let (world, mut client) = connected(|_| {}).await;
    for tool in client.list_tools().await.unwrap() {
        client.call_tool(&tool, json!({})).await.unwrap();
    }
    assert_eq!(world.grants(), ["authorization_code"]);
    assert_eq!((world.count("POST /register"), world.count("GET /authorize")), (1, 1));
    assert_eq!(world.with(|world| world.authorized_scope.clone()), "base");
}

#[tokio::test]
async fn a_token_that_ends_is_refreshed_before_it_is_used() {
    let (world, mut client) = connected(|world| world.expires_in = 0).await;
    assert_eq!(world.grants(), ["authorization_code", "refresh_token"], "before the session's notification");
    world.with(|world| world.expires_in = 2);
    client.list_tools().await.unwrap();
    client.list_tools().await.unwrap();
    assert_eq!(world.grants()[2..], ["refresh_token"]);
    assert_eq!(world.count("POST /mcp"), 5, "only the first request is refused");
    let form =
        world.with(|world| world.asked.iter().rfind(|asked| asked.starts_with("POST /token")).cloned());
    let form = form.unwrap();
    let form = form.strip_prefix("POST /token ").unwrap();
    assert_eq!((value(form, "refresh_token"), value(form, "resource")), ("r-2".into(), world::SERVER.into()));
}

#[tokio::test]
async fn without_the_authorization_server_a_living_token_is_used() {
    let (world, mut client) = connected(|world| world.expires_in = 0).await;
    world.with(|world| world.instead.extend([("/token", 503)]));
    client.list_tools().await.unwrap();
    client.list_tools().await.unwrap();
    // When it is refused, there is nothing to be done.
    world.with(|world| world.good_token = "another".into());
    let error = client.list_tools().await.unwrap_err();
    assert!(matches!(error, ClientError::Token(_)), "{error}");
    assert_eq!(world.count("GET /authorize"), 1);
}

#[tokio::test]
async fn a_token_that_is_refused_is_refreshed_and_else_the_user_logs_in_again() {
    let (world, mut client) = connected(|_| {}).await;
    world.with(|world| world.good_token = "another".into());
    client.list_tools().await.unwrap();
    assert_eq!(world.grants(), ["authorization_code", "refresh_token"]);

    world.with(|world| (world.good_token, world.refuses_refresh) = ("another".into(), true));
    client.list_tools().await.unwrap();
    assert_eq!(world.grants()[2..], ["refresh_token", "authorization_code"]);
    assert_eq!(world.count("POST /register"), 1, "the registration is still good");
}

#[tokio::test]
async fn a_server_that_refuses_every_token_gets_one_login() {
    let (world, error) = refused(|world| world.refuses_every_token = true, json!({})).await;
    assert!(matches!(error, ClientError::StillUnauthorized), "{error}");
    assert_eq!(world.count("GET /authorize"), 1);
}

#[tokio::test]
async fn a_step_up_keeps_what_was_granted() {
    let (world, mut client) = connected(|world| world.call_scope = Some("write")).await;
    client.call_tool("tool", json!({})).await.unwrap();
    assert_eq!(world.with(|world| world.authorized_scope.clone()), "base write");
    // And so does a login after it.
    world.with(|world| (world.good_token, world.refuses_refresh) = ("another".into(), true));
    client.call_tool("tool", json!({})).await.unwrap();
    assert_eq!(world.with(|world| world.authorized_scope.clone()), "base write");
    assert_eq!(world.count("GET /authorize"), 3);
}

#[tokio::test]
async fn a_step_up_that_brings_nothing_ends() {
    let (world, mut client) = connected(|world| {
        (world.call_scope, world.grants_scopes) = (Some("write"), false);
    })
    .await;
    let error = client.call_tool("tool", json!({})).await.unwrap_err();
    assert!(matches!(&error, ClientError::ScopeNotGranted(scope) if scope == "write"), "{error}");
    assert_eq!(world.count("GET /authorize"), 3, "the login and two step-ups");
}

#[tokio::test]
async fn a_forgotten_registration_is_made_again_once() {
    let (world, _) = connected(|world| world.unknown_clients = vec!["c-1"]).await;
    assert_eq!(world.count("POST /register"), 2);
    let (world, error) = refused(|world| world.unknown_clients = vec!["c-1", "c-2"], json!({})).await;
    assert!(matches!(error, ClientError::Token(_)), "{error}");
    assert_eq!(world.count("POST /register"), 2);
}

#[tokio::test]
async fn a_bearer_token_in_place_of_a_bound_one_is_not_used() {
    let dpop = |world: &mut World| {
        world.challenge = world.challenge.replace("Bearer", "DPoP");
        world.server_metadata["dpop_signing_alg_values_supported"] = json!(["ES256"]);
    };
    let (world, error) = refused(dpop, json!({})).await;
    assert!(matches!(error, ClientError::TokenType { expected: "DPoP", .. }), "{error}");
    assert_eq!(world.count("POST /mcp"), 1, "nothing is sent with it");
    let (_, error) = refused(
        |world| {
            dpop(world);
            world.server_metadata["dpop_signing_alg_values_supported"] = json!(["RS256"]);
        },
        json!({}),
    )
    .await;
    assert!(matches!(error, ClientError::DpopAlgorithm("ES256")), "{error}");
}

#[tokio::test]
async fn attack_098_a_server_without_pkce_is_not_used() {
    let (world, error) = refused(
        |world| {
            world.server_metadata.as_object_mut().unwrap().remove("code_challenge_methods_supported");
        },
        json!({}),
    )
    .await;
    assert!(matches!(error, ClientError::Unusable(_)), "{error}");
    assert_eq!(world.count("GET /authorize"), 0);
}

#[tokio::test]
async fn only_absent_metadata_means_a_server_of_the_first_version() {
    const RESOURCE: &str = "/.well-known/oauth-protected-resource/mcp";
    const AS: &str = "/.well-known/oauth-authorization-server";
    // The challenge says where it is: that it is not there is a fault.
    for status in [404, 500] {
        let (world, error) = refused(|world| world.instead.extend([(RESOURCE, status)]), json!({})).await;
        assert!(matches!(error, ClientError::ResourceMetadataStatus { .. }), "{error}");
        assert_eq!(world.count("GET /authorize"), 0);
    }
    let unnamed = |world: &mut World| world.challenge = "Bearer".to_owned();
    let (_, error) = refused(
        |world| {
            unnamed(world);
            world.instead.insert(RESOURCE, 503);
        },
        json!({}),
    )
    .await;
    assert!(matches!(error, ClientError::ResourceMetadataStatus { status: 503, .. }), "{error}");
    // Its authorization server's metadata is broken, not absent.
    let (_, error) = refused(
        |world| {
            unnamed(world);
            world.instead.extend([(RESOURCE, 404), (AS, 500)]);
        },
        json!({}),
    )
    .await;
    assert!(matches!(error, ClientError::ServerMetadata(_)), "{error}");
    // A resource whose authorization server has no metadata does not fall back either.
    let (_, error) = refused(|world| world.instead.extend([(AS, 404)]), json!({})).await;
    assert!(matches!(error, ClientError::ServerMetadata(_)), "{error}");
}

#[tokio::test]
async fn credentials_stay_with_their_authorization_server() {
    let credentials = |issuer| json!({"client_id": "c", "client_secret": "canary", "issuer": issuer});
    let basic = |world: &mut World| {
        world.server_metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    };
    let (world, error) = refused(basic, credentials("https://other.example")).await;
    assert!(matches!(error, ClientError::OtherIssuer { .. }), "{error}");
    assert!(!format!("{error:?} {world:?}").contains("canary"));
    let world = Shared::of(basic);
    world.connect(credentials(ISSUER)).await.unwrap();
    assert_eq!(world.count("POST /register"), 0);
}

#[tokio::test]
async fn without_a_version_the_newest_is_tried_first() {
    for (only_sessions, discovers, initializes) in [(false, 2, 0), (true, 2, 1)] {
        let world = Shared::of(|world| world.speaks_only_sessions = only_sessions);
        let mut client = world.connect_with(json!({}), None).await.unwrap();
        assert_eq!(client.list_tools().await.unwrap(), ["tool"]);
        // Refused, with a token; then a session and its notification, where it is one; then the list.
        let posts = discovers + 2 * initializes + 1;
        assert_eq!(world.count("POST /mcp"), posts);
    }
}

#[test]
fn nothing_shows_a_secret() {
    let json = r#"{"client_id":"c","client_secret":"canary","valid_jwt":"canary","idp_id_token":"canary"}"#;
    let credentials = crate::credentials::Credentials::parse(json).unwrap();
    assert!(!format!("{credentials:?}").contains("canary"));
}
