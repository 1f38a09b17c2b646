//! Sessions and streams: each request of one carries the issued token, and no stream is held up.

use std::collections::VecDeque;

use http::{HeaderValue, Method};
use http_body::Frame;
use http_body_util::channel::{Channel, Sender};
use http_body_util::combinators::UnsyncBoxBody;

use super::*;

const METHODS: [Method; 3] = [Method::POST, Method::GET, Method::DELETE];
const SERVER_ID: &str = "the-server-s-own-id";
const HELLO: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;

/// What a client sends in a session.
fn in_session(token: &str, method: &Method, id: &HeaderValue) -> Request<Full<Bytes>> {
    let mut request = post(token, &if *method == Method::POST { call("read") } else { String::new() });
    *request.method_mut() = method.clone();
    request.headers_mut().insert("mcp-session-id", id.clone());
    request.headers_mut().insert("mcp-protocol-version", HeaderValue::from_static("2025-06-18"));
    if *method == Method::GET {
        request.headers_mut().insert("accept", HeaderValue::from_static("text/event-stream"));
    }
    request
}

/// The id that the client gets for the server's.
async fn open(route: &Route, token: &str) -> HeaderValue {
    route.tool.answers(|_| {
        let mut answer = json_answer(r#"{"jsonrpc":"2.0","id":0,"result":{}}"#);
        answer.headers_mut().insert("mcp-session-id", HeaderValue::from_static(SERVER_ID));
        answer
    });
    let (parts, body) = route.send(post(token, HELLO)).await;
    assert_eq!(parts.status, StatusCode::OK, "{body}");
    *route.tool.judge.lock().unwrap() = None;
    parts.headers["mcp-session-id"].clone()
}

/// The one credential of the last call, which is not the caller's; nothing of his is anywhere in it.
fn last_credential(tool: &ToolState, method: &Method, inbound: &str) -> String {
    let seen = tool.seen.lock().unwrap();
    let (head, _) = seen.last().unwrap();
    assert_eq!(
        (head.method.clone(), single(&head.headers, "mcp-session-id").as_str()),
        (method.clone(), SERVER_ID)
    );
    let shown = format!("{:?} {}", head.headers, head.uri);
    assert!(!shown.contains(inbound), "{method}: {shown}");
    // `Debug` hides what is sensitive.
    let hides = |value: &HeaderValue| !String::from_utf8_lossy(value.as_bytes()).contains(inbound);
    assert!(head.headers.values().all(hides), "{method}: the caller's token");
    single(&head.headers, AUTHORIZATION.as_str())
}

#[tokio::test]
async fn row_259_every_request_of_a_session_carries_the_issued_token() {
    let route = Route::new();
    let token = route.token("bob");
    let id = open(&route, &token).await;
    let expected = format!("Bearer {}", jwt(&claims("bob", "tool", NOW + LIFE, 0)));
    for method in METHODS {
        let (parts, body) = route.send(in_session(&token, &method, &id)).await;
        assert_eq!(parts.status, StatusCode::OK, "{method} {body}");
        assert_eq!(last_credential(&route.tool, &method, &token), expected, "{method}");
    }
    assert_eq!(route.provider.asked(), 1);
    // Another user's session does not exist for him, whatever is exchanged: the server is not asked.
    let calls = route.tool.calls();
    let (parts, _) = route.send(in_session(&route.token("mallory"), &Method::DELETE, &id)).await;
    assert_eq!((parts.status, route.tool.calls()), (StatusCode::NOT_FOUND, calls));
}

#[tokio::test]
async fn a_401_to_any_request_of_a_session_renews_the_token_for_all_that_follow() {
    for refused in METHODS {
        let route = Route::new();
        let token = route.token("bob");
        let id = open(&route, &token).await;
        route.clock.advance(10);
        let old = route.tool.credentials()[0].clone();
        let revoked = old.clone();
        route.tool.answers(move |head| {
            if head.headers[AUTHORIZATION] == revoked { unauthorized() } else { json_answer("{}") }
        });
        let (parts, body) = route.send(in_session(&token, &refused, &id)).await;
        assert_eq!(parts.status, StatusCode::OK, "{refused} {body}");
        let new = last_credential(&route.tool, &refused, &token);
        assert_ne!(old, new);
        for method in METHODS {
            let (parts, _) = route.send(in_session(&token, &method, &id)).await;
            assert_eq!(parts.status, StatusCode::OK, "{method} after {refused}");
            assert_eq!(last_credential(&route.tool, &method, &token), new, "{method} after {refused}");
        }
        let expected = [old.clone(), old, new.clone(), new.clone(), new.clone(), new];
        assert_eq!(route.tool.credentials(), expected, "once with the old one, then never: {refused}");
        let seen = route.tool.seen.lock().unwrap();
        assert_eq!(seen[1].1, seen[2].1, "the same body again");
        assert_eq!(route.provider.asked(), 2, "{refused}");
    }
}

#[tokio::test]
async fn a_401_that_stays_is_a_502_for_every_method_and_one_renewal() {
    for method in METHODS {
        let route = Route::new();
        let token = route.token("bob");
        let id = open(&route, &token).await;
        route.clock.advance(10);
        route.tool.answers(|_| unauthorized());
        let (parts, _) = route.send(in_session(&token, &method, &id)).await;
        assert_eq!((parts.status, code(&parts)), (StatusCode::BAD_GATEWAY, "exchange_refused_downstream"));
        assert_eq!((route.provider.asked(), route.tool.calls()), (2, 3), "{method}");
    }
}

type AnyBody = UnsyncBoxBody<Bytes, Infallible>;

/// The tool, with streams for what it answers well.
#[derive(Clone)]
struct Streams {
    tool: Tool,
    streams: Arc<Mutex<VecDeque<Channel<Bytes, Infallible>>>>,
}

impl Streams {
    /// Another stream, for the next answer; it takes one frame before somebody reads.
    fn next(&self) -> Sender<Bytes, Infallible> {
        let (sender, body) = Channel::new(1);
        self.streams.lock().unwrap().push_back(body);
        sender
    }
}

impl<B> Service<Request<B>> for Streams
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Debug,
{
    type Response = Response<AnyBody>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<B>>::poll_ready(&mut self.tool, cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (answer, streams) = (self.tool.call(request), self.streams.clone());
        Box::pin(async move {
            let (mut head, body) = answer.await?.into_parts();
            if head.status != StatusCode::OK {
                return Ok(Response::from_parts(head, body.boxed_unsync()));
            }
            head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            head.headers.remove(CONTENT_LENGTH);
            let stream = streams.lock().unwrap().pop_front().unwrap();
            Ok(Response::from_parts(head, stream.boxed_unsync()))
        })
    }
}

fn event(n: usize) -> Bytes {
    let message = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": n}});
    format!("event: message\ndata: {message}\n\n").into()
}

/// Both kinds of streams: what a `GET` opens, and what answers a `POST`.
#[tokio::test]
async fn a_stream_passes_frame_by_frame_also_after_a_renewal_and_goes_on_beside_one() {
    for method in [Method::GET, Method::POST] {
        let route = Route::new();
        let token = route.token("bob");
        let id = open(&route, &token).await;
        let tool = Tool { state: route.tool.clone(), ready: false };
        let server = Streams { tool, streams: Arc::default() };
        let service = route.auth.layer(server.clone());
        let send = async |method: &Method| {
            let response = service.clone().oneshot(in_session(&token, method, &id)).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{method}");
            assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
            response.into_body().boxed_unsync()
        };
        // The first stream is open before anything was written to it.
        let mut first = server.next();
        let mut body = send(&method).await;
        let old = last_credential(&route.tool, &method, &token);
        for n in 0..3 {
            first.try_send(Frame::data(event(n))).unwrap();
            assert!(first.try_send(Frame::data(event(99))).is_err(), "{n}: nobody read ahead");
            let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(frame, event(n), "{method}");
        }

        // The token is refused: the request is sent again, and its stream is the second answer's.
        route.clock.advance(10);
        let revoked = old.clone();
        route.tool.answers(move |head| {
            if head.headers[AUTHORIZATION] == revoked { unauthorized() } else { json_answer("{}") }
        });
        let mut second = server.next();
        let mut renewed = send(&method).await;
        let new = last_credential(&route.tool, &method, &token);
        assert!(new != old && route.provider.asked() == 2, "{method}");
        second.try_send(Frame::data(event(7))).unwrap();
        assert!(second.try_send(Frame::data(event(8))).is_err(), "nobody read ahead");
        assert_eq!(renewed.frame().await.unwrap().unwrap().into_data().unwrap(), event(7));

        // The stream that had begun goes on, to its end.
        first.try_send(Frame::data(event(3))).unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), event(3));
        drop(first);
        assert!(body.frame().await.is_none());
        // A client that goes away ends the stream at the server.
        drop(renewed);
        assert!(second.send_data(event(9)).await.is_err(), "{method}");

        // With the new token from then on.
        for method in [Method::POST, Method::GET] {
            let _sender = server.next();
            let _body = send(&method).await;
            assert_eq!(last_credential(&route.tool, &method, &token), new, "{method}");
        }
        assert_eq!(route.tool.credentials().iter().filter(|credential| **credential == old).count(), 3);
        assert_eq!(route.provider.asked(), 2);
    }
}
