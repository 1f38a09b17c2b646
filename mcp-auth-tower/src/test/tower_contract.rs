//! What tower asks of a middleware: it hands on whether its service is ready, calls only the service that said so,
//! and passes errors through.

use std::future::{Ready, ready};
use std::task::{Wake, Waker};

use tower::ServiceExt;

use super::*;
use crate::Authenticated;
use crate::audit::AuditLayer;
use crate::authenticate::AuthenticateLayer;
use crate::authorize::AuthorizeLayer;
use crate::expiry::ExpiryLayer;
use crate::mcp::McpLayer;
use crate::metadata::MetadataLayer;
use crate::origin::OriginLayer;
use crate::session::SessionLayer;

/// A service as strict as tower allows: it panics when it is called without having said that it is ready, once for
/// each call; and a clone of it has said nothing.
#[derive(Debug)]
struct Strict {
    state: Arc<State>,
    ready: bool,
}

#[derive(Debug, Default)]
struct State {
    mood: Mutex<Mood>,
    /// How many calls it said that it is ready for.
    promised: AtomicUsize,
    called: AtomicUsize,
}

#[derive(Debug, Default)]
enum Mood {
    Busy(Option<Waker>),
    #[default]
    Ready,
    /// Every call fails.
    Failing,
    Broken,
}

#[derive(Debug, PartialEq)]
struct Broken(&'static str);

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), ready: false }
    }
}

impl<B> Service<Request<B>> for Strict {
    type Response = Response<Full<Bytes>>;
    type Error = Broken;
    type Future = Ready<Result<Self::Response, Broken>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        match &mut *self.state.mood.lock().unwrap() {
            Mood::Busy(waker) => {
                *waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Mood::Broken => return Poll::Ready(Err(Broken("not ready"))),
            Mood::Ready | Mood::Failing => {}
        }
        if !std::mem::replace(&mut self.ready, true) {
            self.state.promised.fetch_add(1, Ordering::SeqCst);
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without being ready");
        self.state.called.fetch_add(1, Ordering::SeqCst);
        let fails = matches!(*self.state.mood.lock().unwrap(), Mood::Failing);
        ready(if fails { Err(Broken("the call")) } else { Ok(Response::new(Full::default())) })
    }
}

#[derive(Debug, Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// `request` makes a request that the layer lets through.
async fn keeps_the_contract<L, R>(name: &str, layer: L, request: impl Fn() -> Request<Full<Bytes>>)
where
    L: tower_layer::Layer<Strict>,
    L::Service: Service<Request<Full<Bytes>>, Response = Response<R>, Error = Broken> + Clone,
{
    let state = Arc::new(State::default());
    let mut service = layer.layer(Strict { state: state.clone(), ready: false });
    let set = |mood: Mood| std::mem::replace(&mut *state.mood.lock().unwrap(), mood);
    let counts = || (state.promised.load(Ordering::SeqCst), state.called.load(Ordering::SeqCst));

    // Two calls under way, answered in the other order: each is made by a service that is ready.
    let first = ServiceExt::<Request<Full<Bytes>>>::ready(&mut service).await.unwrap().call(request());
    let second = ServiceExt::<Request<Full<Bytes>>>::ready(&mut service).await.unwrap().call(request());
    for call in [second, first] {
        let response = call.await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert!(response.status().is_success(), "{name}: {}", response.status());
    }
    assert_eq!(counts(), (2, 2), "{name}: each promise is used once");

    // A clone has to be asked itself, and takes nothing from the original.
    ServiceExt::<Request<Full<Bytes>>>::ready(&mut service).await.unwrap();
    let clone = service.clone();
    assert!(clone.oneshot(request()).await.is_ok(), "{name}");
    assert!(service.call(request()).await.is_ok(), "{name}: was ready before it was cloned");
    assert_eq!(counts(), (4, 4), "{name}");

    // Not ready is handed on, and so is the wake.
    set(Mood::Busy(None));
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    assert!(service.poll_ready(&mut Context::from_waker(&waker)).is_pending(), "{name}");
    let Mood::Busy(Some(waiting)) = set(Mood::Ready) else { panic!("{name}: nobody waits") };
    waiting.wake();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1, "{name}");
    assert!(service.poll_ready(&mut Context::from_waker(&waker)).is_ready(), "{name}");
    assert!(service.call(request()).await.is_ok(), "{name}");

    // Errors are the service's.
    set(Mood::Failing);
    let error = ServiceExt::<Request<Full<Bytes>>>::ready(&mut service).await.unwrap().call(request()).await;
    assert_eq!(error.err(), Some(Broken("the call")), "{name}");
    set(Mood::Broken);
    let error = ServiceExt::<Request<Full<Bytes>>>::ready(&mut service).await.err();
    assert_eq!(error, Some(Broken("not ready")), "{name}");
}

#[tokio::test]
async fn every_layer_keeps_the_contract() {
    let resource = mcp_auth_discovery::ResourceIdentifier::parse(RESOURCE).unwrap();
    let document = mcp_auth_discovery::ProtectedResourceMetadata::builder(resource.clone()).build();
    let idp = Idp::new();
    let issuer = || Issuer::new(ISSUER).audience(RESOURCE);
    let token = idp.token("bob");
    let request = || post(&token, &call("read"));
    let authenticated = || {
        let mut request = request();
        request.extensions_mut().insert(Authenticated::new(None));
        request
    };

    keeps_the_contract("metadata", MetadataLayer::new(&resource, &document), request).await;
    keeps_the_contract("facade", facade::layer(), request).await;
    keeps_the_contract("audit", AuditLayer::default(), request).await;
    keeps_the_contract("origin", OriginLayer::new(&resource), request).await;
    let validator = mcp_auth_core::jwt::Validator::new([issuer()]).unwrap();
    let authenticate = AuthenticateLayer::new(validator, vec![idp.keys()]).unwrap();
    keeps_the_contract("authenticate", authenticate.clock(Arc::new(FixedClock)), request).await;
    keeps_the_contract("expiry", ExpiryLayer::new(), authenticated).await;
    keeps_the_contract("session", SessionLayer::new().unwrap(), authenticated).await;
    keeps_the_contract("mcp", McpLayer::new(), request).await;
    keeps_the_contract("authorize", AuthorizeLayer::new(), authenticated).await;

    let builder = || McpAuth::builder(RESOURCE).unwrap().clock(Arc::new(FixedClock)).require("true").unwrap();
    let all = builder().issuer_keys(issuer(), idp.keys()).build().unwrap();
    keeps_the_contract("all", all, request).await;

    // The calls under way wait for one exchange; the later ones find its token.
    let exchanging = builder().exchange_with(exchange::exchanging());
    let exchanging = exchanging.issuer_keys(issuer(), idp.keys()).build().unwrap();
    keeps_the_contract("all, exchanging", exchanging, request).await;

    // The calls under way wait for keys.
    let jwks = Arc::new(Mutex::new(format!("{{\"keys\":[{}]}}", idp.0.public_jwk("k"))));
    let hits = Arc::new(AtomicUsize::new(0));
    let address = keys::key_server(jwks, hits.clone()).await;
    let remote = builder().issuer(ISSUER, &format!("http://{address}/jwks")).unwrap().build().unwrap();
    keeps_the_contract("all, waiting for keys", remote, request).await;
    assert!(hits.load(Ordering::SeqCst) > 0);
}

/// What is refused is not called, and what was promised stays promised for the next request.
#[tokio::test]
async fn refusals_leave_the_service_ready() {
    let idp = Idp::new();
    let auth = McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), idp.keys())
        .clock(Arc::new(FixedClock))
        .deny(r#"mcp.tool.name == "write""#)
        .unwrap()
        .build()
        .unwrap();
    let state = Arc::new(State::default());
    let mut service = auth.layer(Strict { state: state.clone(), ready: false });
    for (token, body, status) in [
        ("bad".to_owned(), call("read"), 401),
        (idp.token("bob"), "{}".into(), 400),
        (idp.token("bob"), call("write"), 403),
    ] {
        let ready = ServiceExt::<Request<Full<Bytes>>>::ready(&mut service).await.unwrap();
        assert_eq!(ready.call(post(&token, &body)).await.unwrap().status().as_u16(), status);
    }
    assert_eq!(state.called.load(Ordering::SeqCst), 0);
    let ready = ServiceExt::<Request<Full<Bytes>>>::ready(&mut service).await.unwrap();
    assert!(ready.call(post(&idp.token("bob"), &call("read"))).await.unwrap().status().is_success());
}
