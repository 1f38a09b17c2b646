//! A provider that is slow, beside one that is not, on real sockets.

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use super::endpoint::inbound;
use super::*;
use crate::test::{Running, Upstream, status};

/// A token endpoint that answers when it is let.
struct Provider {
    port: u16,
    asked: watch::Receiver<usize>,
    gate: Arc<Semaphore>,
}

impl Provider {
    async fn start(answers: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (count, asked) = watch::channel(0);
        let (count, gate) = (Arc::new(count), Arc::new(Semaphore::new(answers)));
        let open = gate.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (count, open) = (count.clone(), open.clone());
                let answer = service_fn(move |request: http::Request<Incoming>| {
                    let (count, open) = (count.clone(), open.clone());
                    async move {
                        request.into_body().collect().await.unwrap();
                        count.send_modify(|count| *count += 1);
                        open.acquire().await.unwrap().forget();
                        let answer = json!({
                            "access_token": "issued", "token_type": "Bearer", "expires_in": 300,
                            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
                        });
                        let answer = http::Response::builder()
                            .header("content-type", "application/json")
                            .body(Full::new(Bytes::from(answer.to_string())));
                        Ok::<_, std::convert::Infallible>(answer.unwrap())
                    }
                });
                let server = auto::Builder::new(TokioExecutor::new());
                tokio::spawn(
                    async move { server.serve_connection(TokioIo::new(stream), answer).await.is_ok() },
                );
            }
        });
        Self { port, asked, gate }
    }
}

/// `outbound.exchanges` is what the gateway keeps to.
#[tokio::test]
async fn attack_109_a_slow_provider_stops_no_other_route() {
    let folder = Folder::new("slow");
    let (slow, quick) = (Provider::start(0).await, Provider::start(100).await);
    let upstream = Upstream::start("tool").await;
    let idp = AwsLcSigner::generate(Algorithm::ES256).unwrap();
    let keys = folder.file("jwks.json", &format!(r#"{{"keys":[{}]}}"#, idp.public_jwk("k")));
    let route = |name: &str, port: u16| {
        format!(
            "    - matches: [{{path: {{exact: /{name}/mcp}}}}]\n      backends: [{{host: '{}'}}]\n      policies:\n        \
             mcpAuthentication:\n          issuer: https://idp.example\n          audiences: [{AUDIENCE}]\n          \
             jwks: {{file: '{keys}'}}\n          resourceMetadata: {{resource: https://api.example/{name}/mcp}}\n        \
             backendAuth:\n          oauthTokenExchange:\n            host: http://127.0.0.1:{port}\n            \
             path: /token\n            audiences: [tool]\n            clientAuth: {{clientId: gw, method: none}}\n",
            upstream.address
        )
    };
    let config = format!(
        "outbound: {{exchanges: {{concurrent: 1, waiting: 1, wait: 50ms, timeout: 50s, deadline: 50s}}}}\nbinds:\n- \
         port: 0\n  listeners:\n  - routes:\n{}{}",
        route("slow", slow.port),
        route("quick", quick.port)
    );
    let gateway = Arc::new(Running::start(&config).await);
    let call = |route: &str, user: &str| {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        let request = format!(
            "POST /{route}/mcp HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: \
             {}\r\n\r\n{body}",
            inbound(&idp, user),
            body.len()
        );
        let gateway = gateway.clone();
        tokio::spawn(async move { gateway.raw(request).await })
    };
    let first = call("slow", "alice");
    let mut asked = slow.asked.clone();
    asked.wait_for(|count| *count == 1).await.unwrap();
    let refused = call("slow", "bob").await.unwrap();
    assert_eq!(status(&refused), 503, "{refused}");
    assert!(refused.to_ascii_lowercase().contains("\r\nretry-after: 5\r\n"), "{refused}");
    assert_eq!(*slow.asked.borrow(), 1, "one slot");
    for user in ["alice", "bob", "carol"] {
        assert_eq!(status(&call("quick", user).await.unwrap()), 200);
    }
    slow.gate.add_permits(1);
    assert_eq!(status(&first.await.unwrap()), 200);
    assert_eq!((*slow.asked.borrow(), *quick.asked.borrow(), upstream.seen().len()), (1, 3, 4));
    Arc::into_inner(gateway).unwrap().stop().await;
}
