//! tonic.

use http::StatusCode;
use mcp_auth_core::policy::PolicySet;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use super::*;

/// gRPC is no MCP: the layers that need only a head protect it, and the one that reads messages refuses it.
#[tokio::test]
async fn on_tonic() {
    let idp = Idp::new();
    let routes = || tonic::service::Routes::new(EchoServer).prepare();
    let message = b"\0\0\0\0\x05hello";
    let request = |token: &str| {
        Request::post("/test.Echo/Say")
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/grpc")
            .header("te", "trailers")
            .body(tonic::body::Body::new(Full::new(Bytes::from_static(message))))
            .unwrap()
    };
    let l = each(&idp);
    let policy = PolicySet::builder();
    let policy =
        policy.require(r#"jwt.sub == "bob" && request.path.startsWith("/test.Echo/")"#).unwrap().build();
    let judged = l.expiry.layer(l.authorize.http(policy).layer(routes()));
    let service = l.metadata.layer(l.audit.layer(l.origin.layer(l.authenticate.layer(judged))));
    let response = service.clone().oneshot(request(&idp.token("bob"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["grpc-status"], "0", "trailers pass through every body");
    assert_eq!(body.to_bytes(), &message[..]);
    for (token, status) in [("bad".to_owned(), 401), (idp.token("eve"), 403)] {
        let response = service.clone().oneshot(request(&token)).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
    }

    let whole = all(&idp).layer(routes());
    let response = whole.oneshot(request(&idp.token("bob"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

/// A gRPC service by hand, for which no protoc is needed.
#[derive(Clone, Debug)]
struct EchoServer;

impl tonic::server::NamedService for EchoServer {
    const NAME: &'static str = "test.Echo";
}

impl Service<Request<tonic::body::Body>> for EchoServer {
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let echo = tower::service_fn(async |request: tonic::Request<Bytes>| {
            Ok::<_, tonic::Status>(tonic::Response::new(request.into_inner()))
        });
        Box::pin(async move { Ok(tonic::server::Grpc::new(Raw).unary(echo, request).await) })
    }
}

/// Messages as they are.
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
        bytes::BufMut::put(out, item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, tonic::Status> {
        let length = bytes::Buf::remaining(from);
        Ok(Some(bytes::Buf::copy_to_bytes(from, length)))
    }
}
