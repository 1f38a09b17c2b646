use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use mcp_auth_core::istio::{Outcome, RequestAuth, RequestHead};
use tower_service::Service;

use super::ResponseFuture;
use super::layer::{RuleKeys, Shared};
use crate::body::ResponseBody;
use crate::extension::Authenticated;
use crate::rejection::{Rejection, RejectionReason};

/// Authenticates requests as Istio does, see the [module page](super).
#[derive(Clone, Debug)]
pub struct RequestAuthenticated<S> {
    pub(super) inner: S,
    pub(super) shared: Arc<Shared>,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for RequestAuthenticated<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        match self.shared.decide(&request) {
            Outcome::Allowed(admission) => {
                let mut uri = std::mem::take(request.uri_mut());
                admission.apply(request.headers_mut(), &mut uri);
                *request.uri_mut() = uri;
                let auth = admission.request_auth();
                let extensions = request.extensions_mut();
                extensions.remove::<RequestAuth>();
                extensions.insert(Authenticated::new(auth.map(|auth| auth.caller().clone())));
                if let Some(auth) = auth {
                    extensions.insert(auth.clone());
                }
                ResponseFuture::service(self.inner.call(request))
            }
            Outcome::Denied(denial) => {
                let rejection = Rejection::new(RejectionReason::RequestAuthentication(denial.clone()));
                tracing::info!(target: "mcp_auth", code = rejection.code(), reason = %denial.reason(), "token refused");
                ResponseFuture::own(rejection.into_response(None, None))
            }
        }
    }
}

impl Shared {
    fn decide<B>(&self, request: &Request<B>) -> Outcome {
        let mut head = RequestHead::new(request.method(), request.uri(), request.headers());
        if let Some(scheme) = &self.scheme {
            head = head.scheme(scheme);
        }
        self.policy.decide(&head, &|place| self.keys.get(place).and_then(RuleKeys::load), self.clock.now())
    }
}
