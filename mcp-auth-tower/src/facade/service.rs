use std::convert::Infallible;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use mcp_auth_exchange::facade::remove_cookies;
use tower_service::Service;

use super::{FacadeServer, FacadeServiceFuture, ResponseFuture};
use crate::body::ResponseBody;

/// Answers for our own authorization server, in front of a service that gets all other requests. See the
/// [module page](super).
#[derive(Clone, Debug)]
pub struct Facade<S> {
    pub(super) inner: S,
    pub(super) server: Option<FacadeServer>,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Facade<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ReqBody: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let asked = match &self.server {
            Some(server) => server.answer(request),
            None => Err(request),
        };
        match asked {
            Ok(answering) => ResponseFuture::own(answering),
            Err(mut request) => {
                let guarded = self.server.is_some();
                if guarded {
                    remove_cookies(request.headers_mut());
                }
                ResponseFuture::service(self.inner.call(request), guarded)
            }
        }
    }
}

/// Our own authorization server as a service; what is not for it is 404.
#[derive(Clone, Debug)]
pub struct FacadeService {
    server: FacadeServer,
}

impl FacadeService {
    /// Answers for `server`.
    pub fn new(server: FacadeServer) -> Self {
        Self { server }
    }
}

impl<B> Service<Request<B>> for FacadeService
where
    B: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = FacadeServiceFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> FacadeServiceFuture {
        FacadeServiceFuture(self.server.answer(request).ok())
    }
}
