//! The frameworks it has to fit: axum 0.8, bare hyper 1, tonic and the official SDK for MCP.

mod grpc;
mod sdk;

use http::StatusCode;

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

fn all(idp: &Idp) -> McpAuth {
    McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), idp.keys())
        .require(r#"jwt.sub == "alice" || mcp.tool.name != "write""#)
        .unwrap()
        .clock(Arc::new(FixedClock))
        .build()
        .unwrap()
}

/// The layers one by one, as somebody stacks them who leaves some out.
struct Layers {
    metadata: MetadataLayer,
    audit: AuditLayer,
    origin: OriginLayer,
    authenticate: AuthenticateLayer,
    expiry: ExpiryLayer,
    session: SessionLayer,
    mcp: McpLayer,
    authorize: AuthorizeLayer,
}

fn each(idp: &Idp) -> Layers {
    let resource = mcp_auth_discovery::ResourceIdentifier::parse(RESOURCE).unwrap();
    let document = mcp_auth_discovery::ProtectedResourceMetadata::builder(resource.clone()).build();
    let validator = mcp_auth_core::jwt::Validator::new([Issuer::new(ISSUER).audience(RESOURCE)]).unwrap();
    Layers {
        metadata: MetadataLayer::new(&resource, &document),
        audit: AuditLayer::default(),
        origin: OriginLayer::new(&resource),
        authenticate: AuthenticateLayer::new(validator, vec![idp.keys()])
            .unwrap()
            .clock(Arc::new(FixedClock)),
        expiry: ExpiryLayer::new().clock(Arc::new(FixedClock)),
        session: SessionLayer::new().unwrap(),
        mcp: McpLayer::new(),
        authorize: AuthorizeLayer::new(),
    }
}

/// Serves one connection of HTTP/1 or HTTP/2 and gives its other end.
async fn serve<S, B>(service: S) -> hyper_util::rt::TokioIo<tokio::net::TcpStream>
where
    S: Service<Request<hyper::body::Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = hyper_util::service::TowerToHyperService::new(service);
        let builder = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
        let _ = builder.serve_connection(hyper_util::rt::TokioIo::new(stream), service).await;
    });
    hyper_util::rt::TokioIo::new(tokio::net::TcpStream::connect(address).await.unwrap())
}

type Sender = hyper::client::conn::http1::SendRequest<Full<Bytes>>;

async fn http1(io: hyper_util::rt::TokioIo<tokio::net::TcpStream>) -> Sender {
    let (sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn who(who: axum::Extension<Authenticated>, body: String) -> String {
    format!("{} {}", who.principal().and_then(|p| p.subject()).unwrap_or("nobody"), body.len())
}

#[tokio::test]
async fn on_axum() {
    let idp = Idp::new();
    let router = || axum::Router::new().route("/files/mcp", axum::routing::any(who));
    let l = each(&idp);
    let one_by_one = router()
        .layer(l.authorize)
        .layer(l.mcp)
        .layer(l.session)
        .layer(l.expiry)
        .layer(l.authenticate)
        .layer(l.origin)
        .layer(l.audit)
        .layer(l.metadata);
    for app in [router().layer(all(&idp)), one_by_one] {
        let notice = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        let response =
            app.clone().oneshot(post(&idp.token("bob"), notice).map(axum::body::Body::new)).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, format!("bob {}", notice.len()));
        let response = app.oneshot(post("bad", notice).map(axum::body::Body::new)).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
}

/// Over a real socket, with bodies of type `Incoming`.
#[tokio::test]
async fn on_hyper() {
    let idp = Idp::new();
    let upstream = Arc::new(Shared::default());
    let inner = || Upstream { shared: upstream.clone(), ready: false };
    let l = each(&idp);
    let judged = l.expiry.layer(l.session.layer(l.mcp.layer(l.authorize.layer(inner()))));
    let one_by_one = l.metadata.layer(l.audit.layer(l.origin.layer(l.authenticate.layer(judged))));
    let mut first = http1(serve(all(&idp).layer(inner())).await).await;
    let mut second = http1(serve(one_by_one).await).await;
    for (calls, sender) in [(1, &mut first), (2, &mut second)] {
        let response = sender.send_request(post("bad", &call("read"))).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        response.into_body().collect().await.unwrap();
        let response = sender.send_request(post(&idp.token("bob"), &call("read"))).await.unwrap();
        assert_eq!((response.status(), upstream.calls.load(Ordering::SeqCst)), (StatusCode::OK, calls));
    }
    // A request without a body, as a client sends it.
    let mut get = post(&idp.token("bob"), "");
    *get.method_mut() = http::Method::GET;
    get.headers_mut().remove(CONTENT_TYPE);
    assert_eq!(first.send_request(get).await.unwrap().status(), StatusCode::OK);

    let io = serve(all(&idp).layer(inner())).await;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(hyper_util::rt::TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    for (method, body) in
        [(http::Method::POST, &*call("read")), (http::Method::GET, ""), (http::Method::DELETE, "")]
    {
        let mut request = post(&idp.token("bob"), body);
        *request.method_mut() = method;
        *request.uri_mut() = RESOURCE.parse().unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), StatusCode::OK);
    }
}
