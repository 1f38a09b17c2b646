//! What tower asks of a middleware, and the frameworks it has to fit.

use std::future::{Ready, ready};

use http::StatusCode;

use super::*;
use crate::Authenticated;

/// The contract of readiness through every layer, with a service that keeps a permit per readiness.
#[tokio::test]
async fn readiness_is_handed_on_and_errors_pass_through() {
    #[derive(Clone, Debug)]
    struct Failing;
    impl<B> Service<Request<B>> for Failing {
        type Response = Response<Full<Bytes>>;
        type Error = &'static str;
        type Future = Ready<Result<Self::Response, Self::Error>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Request<B>) -> Self::Future {
            ready(Err("the service's own error"))
        }
    }
    let idp = Idp::new();
    let auth = McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), idp.keys())
        .clock(Arc::new(FixedClock))
        .build()
        .unwrap();
    let error = auth.layer(Failing).oneshot(post(&idp.token("bob"), LIST)).await.unwrap_err();
    assert_eq!(error, "the service's own error");

    // ConcurrencyLimit panics when a clone is called that never was ready.
    let limited = tower::limit::ConcurrencyLimit::new(
        Upstream { shared: Arc::new(Shared::default()), ready: false },
        2,
    );
    let mut service = auth.layer(limited);
    for _ in 0..5 {
        let ready = tower::ServiceExt::<Request<Full<Bytes>>>::ready(&mut service).await.unwrap();
        let response = ready.call(post(&idp.token("bob"), LIST)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}

/// It stacks on axum 0.8 and on bare hyper 1.
#[tokio::test]
async fn works_on_axum_and_on_hyper() {
    let idp = Idp::new();
    let auth = McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), idp.keys())
        .clock(Arc::new(FixedClock))
        .build()
        .unwrap();
    let handler = |axum::Extension(who): axum::Extension<Authenticated>, body: String| async move {
        format!("{} {}", who.principal().and_then(|p| p.subject()).unwrap_or("nobody"), body.len())
    };
    let app = axum::Router::new().route("/files/mcp", axum::routing::any(handler)).layer(auth.clone());
    let response = app.oneshot(post(&idp.token("bob"), LIST).map(axum::body::Body::new)).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, format!("bob {}", LIST.len()));

    // hyper: the service over a real socket, its body type `Incoming`.
    let upstream = Arc::new(Shared::default());
    let service = auth.layer(Upstream { shared: upstream.clone(), ready: false });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let io = hyper_util::rt::TokioIo::new(stream);
        let service = hyper_util::service::TowerToHyperService::new(service);
        hyper::server::conn::http1::Builder::new().serve_connection(io, service).await.unwrap();
    });
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let response = sender.send_request(post(&idp.token("bob"), LIST)).await.unwrap();
    assert_eq!((response.status(), upstream.calls.load(Ordering::SeqCst)), (StatusCode::OK, 1));
}
