use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use crate::test::{LOCKED, Running, Upstream, open};

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Takes all levels of this thread, on which the test's runtime runs.
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .with_ansi(false)
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

#[tokio::test]
async fn attack_057_a_token_in_the_query_is_neither_forwarded_nor_logged() {
    let (log, _guard) = Log::start();
    let upstream = Upstream::start("reached").await;
    let gateway = Running::start(&open(&upstream, "")).await;
    for target in [
        "/mcp?a=b&access_token=CANARY&c=d",
        "/mcp?a=b&%61ccess_token=CANARY&c=d",
        "http://a.example/mcp?a=b&access_token=CANARY&c=d",
    ] {
        assert_eq!(gateway.get("a.example", target).await, 200);
        let seen = upstream.only();
        assert_eq!(seen.target, "/mcp?a=b&c=d");
        assert!(!format!("{seen:?}").contains("CANARY"), "{seen:?}");
    }
    assert_eq!(gateway.get("a.example", "/mcp?access_token=CANARY").await, 200);
    assert_eq!(upstream.only().target, "/mcp");
    // On the ways that end before a backend, too.
    assert_eq!(gateway.get("a.example", "/../mcp?access_token=CANARY").await, 400);
    assert_eq!(gateway.get("a..example", "/mcp?access_token=CANARY").await, 400);
    let refusing = Running::start(&format!(
        "binds:\n- port: 0\n  listeners:\n  - routes:\n    - policies:\n        mcpAuthentication:{LOCKED}\n      backends: [{{host: '127.0.0.1:9'}}]\n    - matches: [{{path: {{exact: /dead}}}}]\n      backends: [{{host: '127.0.0.1:9'}}]\n",
    ))
    .await;
    let answer = refusing.get("a.example", "/mcp?access_token=CANARY").await;
    assert!(matches!(answer, 400 | 401), "{answer}");
    assert_eq!(refusing.get("a.example", "/dead?access_token=CANARY").await, 502);
    let text = log.text();
    assert!(
        text.contains("request refused") && text.contains("backend not reached"),
        "the log is the log: {text}"
    );
    assert!(!text.contains("CANARY"), "{text}");
}

#[tokio::test]
async fn an_mcp_backend_gets_every_request_at_its_endpoint_with_the_query() {
    let upstream = Upstream::start("reached").await;
    let text = format!(
        "binds:\n- port: 0\n  listeners:\n  - routes:\n    - backends: [{{mcp: {{targets: [{{name: a, mcp: {{host: 'http://{}/real/mcp'}}}}]}}}}]\n",
        upstream.address
    );
    let gateway = Running::start(&text).await;
    assert_eq!(gateway.get("a.example", "/public?a=b&access_token=x").await, 200);
    assert_eq!(upstream.only().target, "/real/mcp?a=b");
}
