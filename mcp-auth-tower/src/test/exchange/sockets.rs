//! The same over real sockets, with the HTTP client that comes with this crate.

use std::time::Duration;

use axum::response::{IntoResponse as _, Redirect};
use axum::routing::post as on_post;

use super::*;
use crate::client::HttpClient;

/// A provider that does as its path says. What it read is told.
async fn provider(clock: Arc<HandClock>) -> (std::net::SocketAddr, Arc<Mutex<Vec<String>>>) {
    let read = Arc::new(Mutex::new(Vec::new()));
    let bodies = read.clone();
    let good = issues(&clock, "tool");
    let token = on_post(async move |body: Bytes| {
        bodies.lock().unwrap().push(String::from_utf8(body.to_vec()).unwrap());
        let response = good(&Request::new(body)).unwrap();
        response.map(axum::body::Body::from)
    });
    let app = axum::Router::new()
        .route("/token", token)
        .route("/moved", on_post(async || Redirect::temporary("/token").into_response()))
        .route("/huge", on_post(async || vec![b' '; 1 << 20]))
        .route("/html", on_post(async || axum::response::Html("<title>Sign in</title>")))
        .route("/silent", on_post(std::future::pending::<String>));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, read)
}

async fn route(endpoint: String) -> Route {
    let plan = ExchangePlan::new("tool", [step(&endpoint, "tool")]).unwrap().attempts(1);
    let client = Arc::new(HttpClient::new().unwrap());
    let exchanger = |b: ExchangerBuilder| b.client(client).timeout(Duration::from_millis(300));
    Route::with(plan, exchanger, |s| s, |b| b)
}

#[tokio::test]
async fn attack_107_109_a_provider_on_a_real_socket() {
    let clock = Arc::new(HandClock(AtomicU64::new(NOW)));
    let (address, read) = provider(clock).await;
    for (path, status, reason) in [
        ("/moved", 500, "exchange_misconfigured"),
        ("/nowhere", 500, "exchange_misconfigured"),
        ("/huge", 502, "exchange_unusable"),
        ("/html", 502, "exchange_unusable"),
        ("/silent", 503, "exchange_transient"),
    ] {
        let route = route(format!("http://{address}{path}")).await;
        let (parts, _) = route.call(&route.token("bob")).await;
        assert_eq!((parts.status.as_u16(), code(&parts)), (status, reason), "{path}");
        assert_eq!(route.tool.calls(), 0, "{path}");
    }
    assert!(read.lock().unwrap().is_empty(), "no redirect was followed");

    let good = route(format!("http://{address}/token")).await;
    let token = good.token("bob");
    assert_eq!(good.status(&token).await, StatusCode::OK);
    assert!(read.lock().unwrap()[0].contains(&token));
    assert_eq!(good.tool.credentials(), [format!("Bearer {}", jwt(&claims("bob", "tool", NOW + LIFE, 0)))]);

    // Nobody listens.
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let down = route(format!("http://{closed}/token")).await;
    let (parts, _) = down.call(&down.token("bob")).await;
    assert_eq!((parts.status.as_u16(), code(&parts)), (503, "exchange_transient"));
}
