use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::ResponseFuture;
use super::rules::Rules;
use crate::body::ResponseBody;
use crate::rejection::Rejection;

/// Checks `Origin` and `Host`, see the [module page](super).
#[derive(Clone, Debug)]
pub struct Origin<S> {
    pub(super) inner: S,
    pub(super) rules: Arc<Rules>,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Origin<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.rules.judge(request.uri(), request.headers()) {
            Ok(()) => ResponseFuture::service(self.inner.call(request)),
            Err(reason) => ResponseFuture::own(Rejection::new(reason).into_response(None, None)),
        }
    }
}
