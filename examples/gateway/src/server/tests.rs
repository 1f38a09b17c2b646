use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::proxy::full;
use crate::test::{LOCKED, Log, Running, Upstream, open, read_to_end, status};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

/// The preface of HTTP/2 and an empty SETTINGS frame.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// HEADERS of stream 1, complete: GET http://a/ in HPACK's static table, the authority as a literal.
const HTTP2_GET: &[u8] = b"\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a";

async fn gateway(connections: &str) -> (Running, Upstream) {
    let upstream = Upstream::start("reached").await;
    let bind = format!("  connections: {{{connections}}}\n");
    (Running::start(&open(&upstream, &bind)).await, upstream)
}

/// A backend that answers when it is told to, and a gateway before it.
async fn held(connections: &str) -> (Running, Upstream, Arc<Notify>) {
    let release = Arc::new(Notify::new());
    let released = release.clone();
    let upstream = Upstream::answering(move || {
        let released = released.clone();
        async move {
            released.notified().await;
            Response::new(full("at last"))
        }
    })
    .await;
    let bind = format!("  connections: {{{connections}}}\n");
    (Running::start(&open(&upstream, &bind)).await, upstream, release)
}

/// Waits until `upstream` has a request.
async fn reached(upstream: &Upstream) {
    while upstream.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_connection_without_a_whole_header_is_closed() {
    let (gateway, upstream) = gateway("headerTimeout: 100ms").await;
    for begun in [
        &b""[..],
        b"G",
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: a.example\r\nX-Half: ",
        // As far as HTTP/2 can be told from HTTP/1.1, and not further.
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        HTTP2,
    ] {
        let mut stream = gateway.connect().await;
        stream.write_all(begun).await.unwrap();
        read_to_end(&mut stream).await;
    }
    let mut halves = gateway.connect().await;
    halves.write_all(HTTP2).await.unwrap();
    halves.write_all(&HTTP2_GET[..12]).await.unwrap();
    read_to_end(&mut halves).await;
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_header_that_trickles_is_cut_off_too() {
    let (gateway, upstream) = gateway("headerTimeout: 100ms").await;
    let (mut answers, mut requests) = gateway.connect().await.into_split();
    let trickle = tokio::spawn(async move {
        requests.write_all(b"GET / HTTP/1.1\r\nX: ").await?;
        loop {
            requests.write_all(b"x").await?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        #[expect(unreachable_code, reason = "names the error's type")]
        std::io::Result::Ok(())
    });
    let mut answer = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(60), answers.read_to_end(&mut answer)).await;
    assert!(end.is_ok(), "the connection is not closed");
    trickle.abort();
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_answer() {
    let (gateway, _upstream) = gateway("headerTimeout: 500ms").await;
    let mut stream = gateway.connect().await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    assert_eq!(status(&read_to_end(&mut stream).await), 200);
}

#[tokio::test]
async fn a_slow_answer_is_not_a_slow_header() {
    let (gateway, upstream, release) = held("headerTimeout: 500ms").await;
    let mut http1 = gateway.connect().await;
    http1.write_all(GET.as_bytes()).await.unwrap();
    reached(&upstream).await;
    let mut http2 = gateway.connect().await;
    http2.write_all(&[HTTP2, HTTP2_GET].concat()).await.unwrap();
    reached(&upstream).await;
    // Longer than the timeout.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    release.notify_waiters();
    assert!(read_to_end(&mut http1).await.ends_with("at last"));
    let mut answer = String::new();
    while !answer.contains("at last") {
        answer.push_str(&read_some(&mut http2).await);
    }
}

#[tokio::test]
async fn an_http2_client_that_answers_no_ping_is_closed() {
    let (gateway, _upstream) =
        gateway("headerTimeout: 1h, http2KeepaliveInterval: 500ms, http2KeepaliveTimeout: 500ms").await;
    let mut stream = gateway.connect().await;
    stream.write_all(&[HTTP2, HTTP2_GET].concat()).await.unwrap();
    assert!(read_to_end(&mut stream).await.contains("reached"));
}

#[tokio::test]
async fn attack_067_too_many_or_too_large_header_fields_are_431() {
    let (gateway, upstream) = gateway("max: 100").await;
    let fields = |number: usize, size: usize| -> String {
        (0..number).map(|n| format!("x-{n}: {}\r\n", "v".repeat(size))).collect()
    };
    for (fields, expected) in [
        (fields(98, 1), 200),
        (fields(99, 1), 431),
        (fields(5_000, 1), 431),
        (fields(1, 60 * 1024), 200),
        (fields(1, 66 * 1024), 431),
        (fields(90, 700), 200),
        (fields(90, 800), 431),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n{fields}\r\n");
        let answer = gateway.raw(request).await;
        assert_eq!(status(&answer), expected, "{} bytes: {answer}", fields.len());
        assert_eq!(upstream.seen().len(), usize::from(expected == 200));
    }
}

#[tokio::test]
async fn attack_067_http2_has_the_same_limits() {
    let (gateway, upstream) = gateway("max: 100").await;
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Empty<Bytes>>();
    for (number, size, expected) in
        [(95, 1, 200), (101, 1, 431), (1, 60 * 1024, 200), (1, 66 * 1024, 431), (90, 800, 431)]
    {
        let mut request = Request::get(format!("http://{}/", gateway.address));
        for n in 0..number {
            request = request.header(format!("x-{n}"), "v".repeat(size));
        }
        let answer = client.request(request.body(Empty::new()).unwrap()).await;
        let found = answer.as_ref().map(|answer| answer.status().as_u16()).map_err(ToString::to_string);
        assert_eq!(found, Ok(expected), "{number} of {size}");
        assert_eq!(upstream.seen().len(), usize::from(expected == 200));
    }
}

#[tokio::test]
async fn connections_above_the_limit_are_closed_and_the_log_says_so() {
    let (log, _guard) = Log::start();
    let (gateway, _upstream) = gateway("max: 2, headerTimeout: 1h").await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = gateway.connect().await;
        stream.write_all(GET.as_bytes()).await.unwrap();
        assert_eq!(status(&read_some(&mut stream).await), 200);
        open.push(stream);
    }
    for _ in 0..3 {
        assert_eq!(read_to_end(&mut gateway.connect().await).await, "");
    }
    let text = log.text();
    assert_eq!(
        text.matches("connection limit reached: 2 are open, new ones are closed").count(),
        1,
        "{text}"
    );
    assert!(text.contains(&format!("address={}", gateway.address)), "{text}");
    assert!(!text.contains("closed after"), "{text}");
    open.pop();
    // The gateway may not have noticed at once.
    while gateway.get("a.example", "/").await != 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_request_under_way_is_answered_after_the_signal_to_stop() {
    let (gateway, upstream, release) = held("headerTimeout: 1h").await;
    let address = gateway.address;
    let mut idle = gateway.connect().await;
    let mut stream = gateway.connect().await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    reached(&upstream).await;
    let stopped = tokio::spawn(gateway.stop());
    assert_eq!(read_to_end(&mut idle).await, "", "nobody waits for who has not asked");
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!stopped.is_finished());
    release.notify_one();
    assert!(read_to_end(&mut stream).await.ends_with("at last"));
    stopped.await.unwrap();
}

#[tokio::test]
async fn a_request_that_takes_longer_than_the_drain_is_cut() {
    let (log, _guard) = Log::start();
    let (gateway, upstream, _release) = held("drainTimeout: 50ms").await;
    let mut stream = gateway.connect().await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    reached(&upstream).await;
    gateway.stop().await;
    assert_eq!(read_to_end(&mut stream).await, "");
    assert!(
        log.text().contains("1 connection(s) still had a request under way after 50ms and are cut"),
        "{}",
        log.text()
    );
}

/// A client that writes all before it reads, as many do.
#[tokio::test]
async fn who_is_refused_while_he_still_sends_gets_to_read_why() {
    let upstream = Upstream::start("reached").await;
    let text = format!(
        "binds:\n- port: 0\n  listeners:\n  - routes:\n    - policies:\n        mcpAuthentication:{LOCKED}\n      \
         backends: [{{host: '{}'}}]\n",
        upstream.address
    );
    let gateway = Running::start(&text).await;
    let long = "x".repeat(7 * 1024 * 1024);
    let post = |close: &str| {
        let length = long.len();
        format!("POST / HTTP/1.1\r\nHost: locked.example\r\nContent-Length: {length}\r\n{close}\r\n{long}")
    };
    let mut stream = gateway.connect().await;
    stream.write_all(post("").as_bytes()).await.unwrap();
    assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 401"));
    // The connection is good for more.
    stream.write_all(post("Connection: close\r\n").as_bytes()).await.unwrap();
    assert!(read_to_end(&mut stream).await.contains("HTTP/1.1 401"));
    // More than is read on: what he reads is the system's business, but he is cut off.
    let mut stream = gateway.connect().await;
    let head = "POST / HTTP/1.1\r\nHost: locked.example\r\nContent-Length: 999999999\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    while stream.write_all(long.as_bytes()).await.is_ok() {}
    assert!(upstream.seen().is_empty());
}

/// What comes next; the connection has to be open.
async fn read_some(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 4096];
    let read = stream.read(&mut bytes).await.unwrap();
    assert_ne!(read, 0, "the connection is closed");
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}
