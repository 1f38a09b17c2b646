//! Sessions and whose they are.

use http::{HeaderValue, Method, StatusCode};
use mcp_auth_core::seal::SealKey;

use super::*;
use crate::authenticate::Mode;
use crate::mcp::McpLayer;
use crate::session::SessionLayer;

const HELLO: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
const SERVER_ID: &str = "5d4c9a0e-the-servers-own-id";
const METHODS: [Method; 3] = [Method::POST, Method::GET, Method::DELETE];

fn key(byte: u8) -> SealKey {
    SealKey::from_bytes([byte; 32])
}

fn answer_with(ids: &[&[u8]]) -> Response<Full<Bytes>> {
    let mut response = json_answer(r#"{"jsonrpc":"2.0","id":0,"result":{}}"#);
    for id in ids {
        response.headers_mut().append("mcp-session-id", HeaderValue::from_bytes(id).unwrap());
    }
    response
}

/// With a token or without, in a session or not.
fn request(token: Option<&str>, method: &Method, id: Option<&HeaderValue>) -> Request<Full<Bytes>> {
    let mut request = post(token.unwrap_or_default(), if *method == Method::POST { LIST } else { "" });
    if token.is_none() {
        request.headers_mut().remove(AUTHORIZATION);
    }
    *request.method_mut() = method.clone();
    if let Some(id) = id {
        request.headers_mut().insert("mcp-session-id", id.clone());
    }
    request
}

impl Setup {
    /// What the caller gets for the server's id.
    async fn open(&self, token: Option<&str>) -> HeaderValue {
        self.answer(answer_with(&[SERVER_ID.as_bytes()]));
        let mut request = request(token, &Method::POST, None);
        *request.body_mut() = Full::new(Bytes::from_static(HELLO.as_bytes()));
        let (parts, _) = self.send(request).await;
        assert_eq!(parts.status, StatusCode::OK);
        let ids: Vec<_> = parts.headers.get_all("mcp-session-id").iter().collect();
        assert_eq!(ids.len(), 1);
        assert!(!ids[0].to_str().unwrap().contains(SERVER_ID));
        ids[0].clone()
    }

    /// Every method gets through, to the server's own id.
    async fn enters(&self, token: Option<&str>, id: &HeaderValue) {
        for method in METHODS {
            let (parts, body) = self.send(request(token, &method, Some(id))).await;
            assert_eq!(parts.status, StatusCode::OK, "{method} {body}");
            assert_eq!(self.session_seen(), [SERVER_ID], "{method}");
        }
    }

    /// No method gets through.
    async fn refuses(&self, token: Option<&str>, id: &HeaderValue, why: &str) {
        for method in METHODS {
            self.refuses_request(request(token, &method, Some(id)), why).await;
        }
    }

    async fn refuses_request(&self, request: Request<Full<Bytes>>, why: &str) {
        let before = self.calls();
        let (parts, body) = self.send(request).await;
        assert_eq!((parts.status, code(&parts)), (StatusCode::NOT_FOUND, why), "{body}");
        let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"session not found"}}"#;
        assert_eq!((challenge(&parts), body.as_str()), ("", error), "the client learns nothing else");
        assert!(parts.headers.get("mcp-session-id").is_none());
        assert_eq!(self.calls(), before, "the server is not asked");
    }

    /// The session ids of the last request that came through.
    fn session_seen(&self) -> Vec<String> {
        let seen = self.upstream.seen.lock().unwrap();
        let (parts, _) = seen.last().unwrap();
        parts.headers.get_all("mcp-session-id").iter().map(|v| v.to_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn attack_091_a_users_session_does_not_exist_for_another() {
    let setup = Setup::new();
    let (alice, bob) = (setup.idp.token("alice"), setup.idp.token("bob"));
    let id = setup.open(Some(&alice)).await;
    setup.enters(Some(&alice), &id).await;
    setup.refuses(Some(&bob), &id, "session_foreign").await;
    let other = setup.open(Some(&bob)).await;
    assert_ne!(id, other, "the same id of the server");
    setup.enters(Some(&bob), &other).await;
    setup.refuses(Some(&alice), &other, "session_foreign").await;

    let (parts, _) = setup.send(request(Some(&bob), &Method::GET, Some(&id))).await;
    let rejection = parts.extensions.get::<Arc<Rejection>>().unwrap();
    assert_eq!(rejection.principal().and_then(|p| p.subject()), Some("bob"), "the record says who tried");
}

#[tokio::test]
async fn attack_091_a_session_is_no_credential() {
    let setup = Setup::new();
    let id = setup.open(Some(&setup.idp.token("alice"))).await;
    let calls = setup.calls();
    let expired = setup.idp.token_with(|c| (c["sub"], c["exp"]) = (json!("alice"), json!(NOW - 300)));
    for token in [None, Some("bad"), Some(&expired)] {
        for method in METHODS {
            let (parts, _) = setup.send(request(token, &method, Some(&id))).await;
            assert_eq!(parts.status, StatusCode::UNAUTHORIZED);
        }
    }
    assert_eq!(setup.calls(), calls);
}

#[tokio::test]
async fn attack_091_another_client_of_the_same_user() {
    let setup = Setup::new();
    let id = setup.open(Some(&setup.idp.token("bob"))).await;
    for other in [Some("another"), Some(""), None] {
        let token = setup.idp.token_with(|c| match other {
            Some(client) => c["client_id"] = client.into(),
            None => drop(c.as_object_mut().unwrap().remove("client_id")),
        });
        setup.refuses(Some(&token), &id, "session_foreign").await;
    }
}

#[tokio::test]
async fn attack_091_the_same_subject_of_another_issuer() {
    let other = Idp::new();
    let setup =
        Setup::with(|b| b.issuer_keys(Issuer::new("https://other.example").audience(RESOURCE), other.keys()));
    let id = setup.open(Some(&setup.idp.token("bob"))).await;
    let impostor = other.token_with(|c| c["iss"] = "https://other.example".into());
    setup.refuses(Some(&impostor), &id, "session_foreign").await;
    let own = setup.open(Some(&impostor)).await;
    setup.enters(Some(&impostor), &own).await;
    setup.refuses(Some(&setup.idp.token("bob")), &own, "session_foreign").await;
}

/// toolhive #5306: sessions that were bound to the token ended with it.
#[tokio::test]
async fn a_refreshed_token_keeps_the_session() {
    let setup = Setup::new();
    let id = setup.open(Some(&setup.idp.token("bob"))).await;
    let refreshed = setup.idp.token_with(|c| {
        (c["exp"], c["jti"], c["scope"]) = (json!(NOW + 1000), json!("2"), json!("mcp:read mcp:write"));
    });
    setup.enters(Some(&refreshed), &id).await;
}

#[tokio::test]
async fn attack_091_what_was_not_given_out_is_not_there() {
    let setup = Setup::new();
    let token = setup.idp.token("bob");
    let id = setup.open(Some(&token)).await;
    let good = id.to_str().unwrap();
    let mut guesses: Vec<Vec<u8>> = (0..good.len()).map(|end| good.as_bytes()[..end].to_vec()).collect();
    guesses.extend([
        SERVER_ID.into(),
        "00000000-0000-0000-0000-000000000000".into(),
        format!("{good}A").into(),
        format!("{good},{good}").into(),
        format!("s1.{}", "A".repeat(good.len() - 3)).into(),
        format!("s1.{}", "A".repeat(60_000)).into(),
        b"\xff".to_vec(),
        "ä".into(),
    ]);
    for guess in guesses {
        let guess = HeaderValue::from_bytes(&guess).unwrap();
        let why = if guess.to_str().is_ok_and(|g| g.starts_with("s1.AAAAAA") && g.len() == good.len()) {
            "session_unknown_key"
        } else {
            "session_unreadable"
        };
        setup.refuses(Some(&token), &guess, why).await;
    }
    for (first, second) in [(&id, &id), (&id, &HeaderValue::from_static(SERVER_ID))] {
        for method in METHODS {
            let mut request = request(Some(&token), &method, Some(first));
            request.headers_mut().append("mcp-session-id", second.clone());
            setup.refuses_request(request, "session_several").await;
        }
    }
    setup.enters(Some(&token), &id).await;

    // Where a server reads `_` as `-`.
    let mut inside = request(Some(&token), &Method::POST, None);
    for name in ["mcp_session_id", "mcp-session_id"] {
        inside.headers_mut().insert(name, HeaderValue::from_static(SERVER_ID));
    }
    assert_eq!(setup.send(inside).await.0.status, StatusCode::OK);
    let seen = setup.upstream.seen.lock().unwrap();
    let (parts, _) = seen.last().unwrap();
    assert!(parts.headers.values().all(|value| value != SERVER_ID), "{:?}", parts.headers);
}

#[tokio::test]
async fn a_key_is_changed_without_ending_sessions() {
    let before = Setup::with(|b| b.session_key(&key(1)).unwrap());
    let token = before.idp.token("bob");
    let id = before.open(Some(&token)).await;

    let same_idp = |change: &dyn Fn(McpAuthBuilder) -> McpAuthBuilder| {
        let keys = before.idp.keys();
        let auth = McpAuth::builder(RESOURCE).unwrap().clock(Arc::new(FixedClock));
        let auth = change(auth.issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), keys)).build().unwrap();
        let upstream = Arc::new(Shared::default());
        let service = auth.layer(Upstream { shared: upstream.clone(), ready: false });
        Setup { idp: Idp::new(), upstream, service, policies: auth.policies() }
    };
    // A second replica, and one behind it in the change of keys.
    let replica = same_idp(&|b| b.session_key(&key(1)).unwrap());
    replica.enters(Some(&token), &id).await;
    assert_eq!(replica.open(Some(&token)).await, id, "both replicas make the same value");

    let both = || SessionLayer::with_key(&key(2)).unwrap().previous_key(&key(1)).unwrap();
    let changing = same_idp(&|b| b.session(both()));
    changing.enters(Some(&token), &id).await;
    assert_ne!(changing.open(Some(&token)).await, id, "new sessions get the new key");

    // The old session's id stays what the client knows: the SDK for Go takes another one for an error.
    changing.answer(answer_with(&[SERVER_ID.as_bytes()]));
    let (parts, _) = changing.send(request(Some(&token), &Method::POST, Some(&id))).await;
    assert_eq!(parts.headers.get("mcp-session-id"), Some(&id));

    let after = same_idp(&|b| b.session_key(&key(2)).unwrap());
    after.refuses(Some(&token), &id, "session_unknown_key").await;
    // A restart with a random key.
    same_idp(&|b| b).refuses(Some(&token), &id, "session_unknown_key").await;
    // Clones of one layer are one key.
    let shared = SessionLayer::new().unwrap();
    let id = same_idp(&|b| b.session(shared.clone())).open(Some(&token)).await;
    same_idp(&|b| b.session(shared.clone())).enters(Some(&token), &id).await;
}

/// Two routes of one gateway share a key.
#[tokio::test]
async fn attack_091_a_session_of_another_resource() {
    let here = Setup::with(|b| b.session_key(&key(1)).unwrap());
    let token = here.idp.token_with(|c| c["aud"] = json!([RESOURCE, "https://mcp.example/other"]));
    let id = here.open(Some(&token)).await;
    let auth = McpAuth::builder("https://mcp.example/other")
        .unwrap()
        .issuer_keys(Issuer::new(ISSUER).audience("https://mcp.example/other"), here.idp.keys())
        .clock(Arc::new(FixedClock))
        .session_key(&key(1))
        .unwrap();
    let upstream = Arc::new(Shared::default());
    let auth = auth.build().unwrap();
    let service = auth.layer(Upstream { shared: upstream.clone(), ready: false });
    let there = Setup { idp: Idp::new(), upstream, service, policies: auth.policies() };
    there.refuses(Some(&token), &id, "session_unreadable").await;
    there.send(request(Some(&token), &Method::GET, None)).await;
    assert_eq!(there.calls(), 1, "the token itself is good there");
}

#[tokio::test]
async fn attack_091_nobody_has_sessions_of_its_own() {
    for mode in [Mode::Optional, Mode::DangerPermissive] {
        let setup = Setup::with(|b| b.mode(mode));
        let token = setup.idp.token("bob");
        let (nobodys, bobs) = (setup.open(None).await, setup.open(Some(&token)).await);
        setup.enters(None, &nobodys).await;
        setup.enters(Some(&token), &bobs).await;
        setup.refuses(Some(&token), &nobodys, "session_foreign").await;
        setup.refuses(None, &bobs, "session_foreign").await;
        if matches!(mode, Mode::DangerPermissive) {
            setup.refuses(Some("bad"), &bobs, "session_foreign").await;
            setup.enters(Some("bad"), &nobodys).await;
        }
    }
}

/// Without a subject or a client there is nobody to give a session to but the token itself.
#[tokio::test]
async fn attack_091_tokens_without_a_name_do_not_share() {
    let setup = Setup::new();
    let nameless = |jti: &str| {
        setup.idp.token_with(|c| {
            let claims = c.as_object_mut().unwrap();
            claims.retain(|name, _| name != "sub" && name != "client_id");
            claims.insert("jti".into(), jti.into());
        })
    };
    let (one, other) = (nameless("1"), nameless("2"));
    let id = setup.open(Some(&one)).await;
    setup.enters(Some(&one), &id).await;
    setup.refuses(Some(&other), &id, "session_foreign").await;
    setup.refuses(Some(&setup.idp.token("bob")), &id, "session_foreign").await;
}

#[tokio::test]
async fn attack_090_versions_without_sessions_ignore_the_id() {
    let setup = Setup::new();
    let (alice, bob) = (setup.idp.token("alice"), setup.idp.token("bob"));
    let id = setup.open(Some(&alice)).await;
    let modern = |token: &str, id: &HeaderValue, version: &'static str| {
        let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta()}});
        let mut request = post(token, &list.to_string());
        request.headers_mut().insert("mcp-session-id", id.clone());
        request.headers_mut().append("mcp-session-id", HeaderValue::from_static(SERVER_ID));
        request.headers_mut().insert("mcp-protocol-version", HeaderValue::from_static(version));
        request
    };
    for id in [&id, &HeaderValue::from_static("guess")] {
        let (parts, _) = setup.send(modern(&bob, id, "2026-07-28")).await;
        assert_eq!(parts.status, StatusCode::OK);
        assert_eq!(setup.session_seen(), [""; 0]);
        assert!(parts.headers.get("mcp-session-id").is_none(), "nor does the answer name one");
        for version in ["2025-11-25", "2026-07-27", "modern"] {
            setup.refuses_request(modern(&bob, id, version), "session_several").await;
        }
    }
}

#[tokio::test]
async fn the_value_is_stable_while_the_servers_id_is() {
    let setup = Setup::new();
    let token = setup.idp.token("bob");
    let id = setup.open(Some(&token)).await;
    assert_eq!(setup.open(Some(&token)).await, id);
    let again = |answer| {
        setup.answer(answer);
        setup.send(request(Some(&token), &Method::POST, Some(&id)))
    };
    let (parts, _) = again(answer_with(&[SERVER_ID.as_bytes()])).await;
    assert_eq!(parts.headers.get("mcp-session-id"), Some(&id));
    let (parts, _) = again(answer_with(&[])).await;
    assert_eq!(parts.headers.get("mcp-session-id"), None);
    // Errors, too: the server's own id never gets out.
    let mut gone = answer_with(&[b"another"]);
    *gone.status_mut() = StatusCode::NOT_FOUND;
    let (parts, _) = again(gone).await;
    assert_eq!(parts.status, StatusCode::NOT_FOUND);
    let other = parts.headers["mcp-session-id"].clone();
    assert!(other != id && other.to_str().unwrap().starts_with("s1."));
}

#[tokio::test]
async fn attack_091_ids_that_cannot_be_sealed_do_not_get_out() {
    let setup = Setup::new();
    let token = setup.idp.token("bob");
    let long = [b'x'; 2049];
    let several = [SERVER_ID.as_bytes(), SERVER_ID.as_bytes()];
    for ids in [&[&b""[..]][..], &[b"a b"], &["ä".as_bytes()], &[&long], &several] {
        setup.answer(answer_with(ids));
        let (parts, body) = setup.send(request(Some(&token), &Method::POST, None)).await;
        assert_eq!((parts.status, code(&parts)), (StatusCode::BAD_GATEWAY, "session_answer"), "{body}");
        assert!(parts.headers.get("mcp-session-id").is_none());
        assert!(body.contains("-32603") && !body.contains(SERVER_ID), "{body}");
        let rejection = parts.extensions.get::<Arc<Rejection>>().unwrap();
        assert_eq!(rejection.principal().and_then(|p| p.subject()), Some("bob"));
    }
}

#[tokio::test]
async fn ids_pass_where_that_is_asked_for() {
    let setup = Setup::with(McpAuthBuilder::danger_pass_session_ids);
    setup.answer(answer_with(&[SERVER_ID.as_bytes()]));
    let id = HeaderValue::from_static(SERVER_ID);
    for user in ["alice", "bob"] {
        let token = setup.idp.token(user);
        let (parts, _) = setup.send(request(Some(&token), &Method::POST, Some(&id))).await;
        assert_eq!(parts.headers.get("mcp-session-id"), Some(&id));
        assert_eq!(setup.session_seen(), [SERVER_ID]);
    }
}

#[tokio::test]
async fn rules_see_the_servers_id() {
    let rule = format!(r#"mcp.session == "{SERVER_ID}""#);
    let setup = Setup::with(|b| b.require(&rule).unwrap());
    let token = setup.idp.token("bob");
    let id = setup.open(Some(&token)).await;
    let mut inside = post(&token, &call("read"));
    inside.headers_mut().insert("mcp-session-id", id);
    assert_eq!(setup.send(inside).await.0.status, StatusCode::OK);
    assert_eq!(setup.post(&token, &call("read")).await.0.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn without_authentication_nothing_passes() {
    let upstream = Upstream { shared: Arc::default(), ready: false };
    let service = SessionLayer::new().unwrap().layer(McpLayer::new().layer(upstream));
    let response = service.oneshot(request(None, &Method::POST, None)).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(code(&response.into_parts().0), "not_authenticated");
}

#[test]
fn keys_are_checked_when_they_are_set() {
    let error = SessionLayer::with_key(&key(1)).unwrap().previous_key(&key(1)).unwrap_err();
    assert_eq!(error.to_string(), "key of session ids: seal key is given twice");
    assert!(!format!("{:?}", SessionLayer::with_key(&key(0x41)).unwrap()).contains("65"));
}
