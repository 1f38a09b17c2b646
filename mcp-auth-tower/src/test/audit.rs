//! Who did what, with which outcome.

use http::{Method, StatusCode};
use mcp_auth_core::audit::Record;
use mcp_auth_core::policy::PolicySet;

use super::*;
use crate::audit::AuditSink;
use crate::authenticate::Mode;
use crate::authorize::AuthorizeLayer;
use crate::mcp::McpLayer;

#[derive(Debug, Default)]
struct Records(Mutex<Vec<String>>);

impl AuditSink for Records {
    fn record(&self, r: &Record<'_>) {
        let who = format!("{} {} {}", or_dash(r.issuer), or_dash(r.subject), or_dash(r.client_id));
        let what = format!("{} {} {}", or_dash(r.method), or_dash(r.item_kind), or_dash(r.item));
        let decision = r.decision.map(|d| format!(" ({d})")).unwrap_or_default();
        let outcome = match r.refusal {
            None => "permitted".to_owned(),
            Some(reason) => format!("refused {reason}"),
        };
        assert_eq!(r.allowed, r.refusal.is_none());
        self.0.lock().unwrap().push(format!("{who} | {what} | {outcome}{decision}"));
    }
}

fn or_dash(text: Option<&str>) -> &str {
    text.unwrap_or("-")
}

impl Records {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn recorded(change: impl FnOnce(McpAuthBuilder) -> McpAuthBuilder) -> (Arc<Records>, Setup) {
    let records = Arc::new(Records::default());
    let sink = records.clone();
    (records, Setup::with(|b| change(b.audit(sink))))
}

const BOB: &str = "https://idp.example bob c";

#[tokio::test]
async fn row_271_every_decision_is_recorded() {
    let (records, setup) = recorded(|b| b.deny(r#"mcp.tool.name == "write""#).unwrap());
    let token = setup.idp.token("bob");
    for tool in ["read", "write"] {
        setup.post(&token, &call(tool)).await;
    }
    setup.post(&token, LIST).await;
    assert_eq!(
        records.take(),
        [
            format!("{BOB} | tools/call tool read | permitted (allowed: no rule objects)"),
            format!("{BOB} | tools/call tool write | refused denied (denied by rule 0)"),
            format!("{BOB} | tools/list - - | permitted"),
        ]
    );
}

/// Whoever refuses: one record with a reason, with the caller as soon as one is known, and without the token.
#[tokio::test]
async fn row_271_every_refusal_is_recorded_once() {
    let rules = |b: McpAuthBuilder| {
        let small = McpLayer::new().max_body_bytes(200);
        b.require(r#"jwt.sub == "alice""#).unwrap().messages(small)
    };
    let (records, setup) = recorded(rules);
    let token = setup.idp.token("bob");
    let change = |change: &dyn Fn(&mut Request<Full<Bytes>>)| {
        let mut request = post(&token, &call("read"));
        change(&mut request);
        request
    };
    let with = |token: &str, body: &str| post(token, body);
    let nobody = "- - -";
    let nothing = "- - -";
    let rows = [
        (401, change(&|r| _ = r.headers_mut().remove(AUTHORIZATION)), nobody, nothing, "missing_token"),
        (
            400,
            change(&|r| _ = r.headers_mut().append(AUTHORIZATION, "Bearer x".parse().unwrap())),
            nobody,
            nothing,
            "credential",
        ),
        (401, with(&setup.idp.token_with(|c| c["exp"] = json!(NOW - 100)), LIST), nobody, nothing, "expired"),
        (401, with(&Idp::new().token("bob"), LIST), nobody, nothing, "signature"),
        (401, with("opaque", LIST), nobody, nothing, "not_a_jwt"),
        (400, with(&token, "{}"), BOB, nothing, "message"),
        (400, change(&|r| *r.method_mut() = Method::GET), BOB, nothing, "unexpected_body"),
        (413, with(&token, &" ".repeat(300)), BOB, nothing, "body_too_large"),
        (
            415,
            change(&|r| _ = r.headers_mut().insert(CONTENT_TYPE, "text/plain".parse().unwrap())),
            BOB,
            nothing,
            "media_type",
        ),
        (405, change(&|r| *r.method_mut() = Method::PUT), BOB, nothing, "method"),
        (
            403,
            with(&token, &call("read")),
            BOB,
            "tools/call tool read",
            "denied (denied: rule 0 is required and false)",
        ),
        (
            200,
            with(&token, r#"{"jsonrpc":"2.0","id":1,"method":"x/y"}"#),
            BOB,
            "x/y - -",
            "denied (denied: unknown method)",
        ),
    ];
    let mut written = Vec::new();
    for (status, request, who, what, reason) in rows {
        let (parts, _) = setup.send(request).await;
        assert_eq!(parts.status.as_u16(), status, "{reason}");
        let records = records.take();
        assert_eq!(records, [format!("{who} | {what} | refused {reason}")]);
        written.extend(records);
    }
    assert_eq!(setup.calls(), 0);
    let written = written.join("\n");
    assert!(!token.split('.').any(|part| written.contains(part)));

    // In optional mode, nobody.
    let (records, setup) = recorded(|b| rules(b).mode(Mode::Optional));
    let mut request = post("", &call("read"));
    request.headers_mut().remove(AUTHORIZATION);
    assert_eq!(setup.send(request).await.0.status, StatusCode::UNAUTHORIZED);
    let reason = "denied (denied: rule 0 is required and could not be evaluated)";
    assert_eq!(records.take(), [format!("- - - | tools/call tool read | refused {reason}")]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_recorded() {
    let (records, setup) = recorded(|b| b);
    let (parts, _) = post(&setup.idp.token("bob"), "").into_parts();
    let (_sender, body) = http_body_util::channel::Channel::<Bytes, Infallible>::new(1);
    let response = setup.service.clone().oneshot(Request::from_parts(parts, body)).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(records.take(), [format!("{BOB} | - - - | refused body_timeout")]);
}

#[tokio::test]
async fn row_175_a_request_that_nobody_can_check_is_recorded() {
    let records = Arc::new(Records::default());
    let auth = McpAuth::builder(RESOURCE)
        .unwrap()
        // Nobody listens there.
        .issuer(ISSUER, "http://127.0.0.1:1/jwks")
        .unwrap()
        .audit(records.clone())
        .clock(Arc::new(FixedClock))
        .build()
        .unwrap();
    let service = auth.layer(Upstream { shared: Arc::default(), ready: false });
    let response = service.oneshot(post(&Idp::new().token("bob"), &call("read"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(records.take(), ["- - - | - - - | refused keys_unavailable"]);
}

/// The call was made, and its answer is not passed on: both are true.
#[tokio::test]
async fn an_answer_that_is_not_passed_on_is_recorded_besides_its_call() {
    let (records, setup) = recorded(|b| b.require("true").unwrap());
    setup.answer(Response::builder().header(CONTENT_TYPE, "text/html").body(Full::default()).unwrap());
    let (parts, _) = setup.post(&setup.idp.token("bob"), LIST).await;
    assert_eq!(parts.status, StatusCode::BAD_GATEWAY);
    assert_eq!(
        records.take(),
        [format!("{BOB} | tools/list - - | permitted"), format!("{BOB} | tools/list - - | refused answer")]
    );
}

/// A client that hangs up while its call is under way leaves a record.
#[tokio::test]
async fn a_call_is_recorded_before_it_is_made() {
    #[derive(Clone, Debug)]
    struct Never;
    impl<B> Service<Request<B>> for Never {
        type Response = Response<Full<Bytes>>;
        type Error = Infallible;
        type Future = std::future::Pending<Result<Self::Response, Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Request<B>) -> Self::Future {
            std::future::pending()
        }
    }
    let (records, idp) = (Arc::new(Records::default()), Idp::new());
    let auth = McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), idp.keys())
        .audit(records.clone())
        .clock(Arc::new(FixedClock))
        .build()
        .unwrap();
    let mut call = std::pin::pin!(auth.layer(Never).oneshot(post(&idp.token("bob"), &call("read"))));
    assert!(std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await.is_pending());
    assert_eq!(records.take(), [format!("{BOB} | tools/call tool read | permitted")]);
}

/// Layers that are put together wrongly are refusals, too.
#[tokio::test]
async fn layers_in_the_wrong_order_are_recorded() {
    let records = Arc::new(Records::default());
    let policy = PolicySet::builder().require("true").unwrap().build();
    let layer = AuthorizeLayer::new().mcp(policy);
    let inner = layer.layer(Upstream { shared: Arc::default(), ready: false });
    let service = crate::audit::AuditLayer::new(records.clone()).layer(inner);
    let response = service.oneshot(post("x", LIST)).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(records.take(), ["- - - | - - - | refused not_authenticated"]);
}
