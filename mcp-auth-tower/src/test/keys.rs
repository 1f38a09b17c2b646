//! Keys over a real socket.

use http::StatusCode;
use http::header::RETRY_AFTER;

use super::*;

/// Answers `jwks` requests over a real socket, counting them.
pub(super) async fn key_server(answer: Arc<Mutex<String>>, hits: Arc<AtomicUsize>) -> std::net::SocketAddr {
    let app = axum::Router::new().route(
        "/jwks",
        axum::routing::get(move || {
            hits.fetch_add(1, Ordering::SeqCst);
            let body = answer.lock().unwrap().clone();
            async move {
                tokio::task::yield_now().await;
                if body.is_empty() { Err(StatusCode::INTERNAL_SERVER_ERROR) } else { Ok(body) }
            }
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn remote(address: std::net::SocketAddr) -> (McpAuth, Arc<Shared>, McpAuthService<Upstream>) {
    let auth = McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer(ISSUER, &format!("http://{address}/jwks"))
        .unwrap()
        .clock(Arc::new(FixedClock))
        .build()
        .unwrap();
    let upstream = Arc::new(Shared::default());
    let service = auth.layer(Upstream { shared: upstream.clone(), ready: false });
    (auth, upstream, service)
}

#[tokio::test]
async fn row_026_168_204_remote_keys_are_fetched_once_for_many_requests_and_again_for_a_new_key() {
    let old = Idp::new();
    let answer = Arc::new(Mutex::new(format!("{{\"keys\":[{}]}}", old.0.public_jwk("k"))));
    let hits = Arc::new(AtomicUsize::new(0));
    let (auth, upstream, service) = remote(key_server(answer.clone(), hits.clone()).await);
    assert_eq!(hits.load(Ordering::SeqCst), 0, "nothing is fetched at start");
    let send = |token: String| {
        let service = service.clone();
        async move { service.oneshot(post(&token, &call("read"))).await.unwrap().status() }
    };
    let many: Vec<_> = (0..50).map(|_| tokio::spawn(send(old.token("bob")))).collect();
    for one in many {
        assert_eq!(one.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(
        (hits.load(Ordering::SeqCst), upstream.calls.load(Ordering::SeqCst)),
        (1, 50),
        "single flight"
    );

    // Rotation: the new key has another name.
    let new = Idp::new();
    *answer.lock().unwrap() = format!("{{\"keys\":[{}]}}", new.0.public_jwk("k2"));
    let token = {
        let header = json!({"alg": "ES256", "kid": "k2"}).to_string();
        let claims = json!({"iss": ISSUER, "aud": RESOURCE, "sub": "bob", "exp": NOW + 300}).to_string();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(new.0.sign(signed.as_bytes()).unwrap()))
    };
    assert_eq!(send(token.clone()).await, StatusCode::OK);
    assert_eq!(hits.load(Ordering::SeqCst), 2);

    // attack_048: unknown keys make no more fetches than the bucket holds.
    let flood = token.replace(
        &URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","kid":"k2"}"#),
        &URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","kid":"k9"}"#),
    );
    for _ in 0..100 {
        assert_eq!(send(flood.clone()).await, StatusCode::UNAUTHORIZED);
    }
    assert!(hits.load(Ordering::SeqCst) <= 3, "{}", hits.load(Ordering::SeqCst));
    let Keys::Remote(keys) = &auth.authenticate().keys()[0] else { panic!("remote") };
    assert_eq!(keys.status().kids, ["k2"], "row_279: status");
}

#[tokio::test]
async fn row_010_175_attack_051_without_keys_503_and_the_service_is_not_called() {
    let hits = Arc::new(AtomicUsize::new(0));
    let (auth, upstream, service) = remote(key_server(Arc::default(), hits).await);
    let response = service.oneshot(post(&Idp::new().token("bob"), &call("read"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(RETRY_AFTER));
    assert_eq!(upstream.calls.load(Ordering::SeqCst), 0);
    let Keys::Remote(keys) = &auth.authenticate().keys()[0] else { panic!("remote") };
    assert!(keys.status().last_error.unwrap().contains("500"));
}
