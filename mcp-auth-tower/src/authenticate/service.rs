use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::ResponseFuture;
use super::dpop::After;
use super::judge::{Admission, Head, Shared, Verdict};
use crate::body::ResponseBody;
use crate::extension::Authenticated;
use crate::rejection::{Rejection, RejectionReason};

/// Authenticates requests, see the [module page](super).
#[derive(Clone, Debug)]
pub struct Authenticate<S> {
    pub(super) inner: S,
    pub(super) shared: Arc<Shared>,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Authenticate<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    ReqBody: Send + 'static,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        match self.shared.judge(Head::from(&request), self.shared.clock.now()) {
            Verdict::Pass(admission) => {
                let after = Shared::admit(&self.shared, &mut request, admission);
                ResponseFuture::service(self.inner.call(request), after)
            }
            Verdict::Refuse(rejection) => ResponseFuture::own(self.shared.refuse(rejection)),
            Verdict::Wait(issuer) => {
                // The service that said it was ready makes the call; its clone is for the next request.
                let next = self.inner.clone();
                let mut ready = std::mem::replace(&mut self.inner, next);
                let shared = self.shared.clone();
                ResponseFuture::waiting(Box::pin(async move {
                    // Only the head is borrowed across the await: a body need not be Sync.
                    let (head, body) = request.into_parts();
                    let verdict = shared.judge_after_wait(Head::from(&head), issuer).await;
                    match verdict {
                        Verdict::Pass(admission) => {
                            let mut request = Request::from_parts(head, body);
                            let after = Shared::admit(&shared, &mut request, admission);
                            let mut response = ready.call(request).await?;
                            if let Some(after) = after {
                                after.apply(&mut response);
                            }
                            Ok(response.map(ResponseBody::service))
                        }
                        Verdict::Refuse(rejection) => Ok(shared.refuse(rejection)),
                        Verdict::Wait(_) => {
                            Ok(shared.refuse(Rejection::new(RejectionReason::KeysUnavailable)))
                        }
                    }
                }))
            }
        }
    }
}

impl Shared {
    fn admit<B>(this: &Arc<Self>, request: &mut Request<B>, admission: Admission) -> Option<After> {
        let mut uri = std::mem::take(request.uri_mut());
        let headers = request.headers_mut();
        let mut renew = false;
        let principal = match admission {
            Admission::Caller { principal, place, new_nonce } => {
                if !this.forward {
                    this.sources.remove(place, headers, &mut uri);
                }
                renew = new_nonce;
                Some(principal)
            }
            Admission::Anonymous => None,
            // What was refused here is nobody's evidence further on, whatever the mode.
            Admission::AnonymousDespiteToken => {
                for place in 0..this.sources.sources().len() {
                    this.sources.remove(place, headers, &mut uri);
                }
                None
            }
        };
        // A proof is for us and for this token; without the token nobody has a use for it.
        if !this.forward || principal.is_none() {
            headers.remove("dpop");
        }
        this.sources.remove_stray(&mut uri);
        this.claim_headers.apply(headers, principal.as_deref());
        *request.uri_mut() = uri;
        request.extensions_mut().insert(Authenticated::new(principal));
        this.dpop.as_ref().map(|_| After { shared: this.clone(), new_nonce: renew })
    }

    fn refuse<B>(&self, rejection: Rejection) -> Response<ResponseBody<B>> {
        match rejection.reason() {
            RejectionReason::InvalidToken(error) => {
                tracing::info!(target: "mcp_auth", code = rejection.code(), reason = %error, "token refused");
            }
            RejectionReason::Proof(error) => {
                tracing::info!(target: "mcp_auth", code = rejection.code(), reason = %error, "proof refused");
            }
            RejectionReason::KeysUnavailable => {
                tracing::warn!(target: "mcp_auth", code = rejection.code(), "no keys to check a token with");
            }
            RejectionReason::ReplayStoreFull => {
                tracing::warn!(target: "mcp_auth", code = rejection.code(), "no room to remember what was used");
            }
            _ => tracing::debug!(target: "mcp_auth", code = rejection.code(), "request refused"),
        }
        let mut response = rejection.into_response(self.challenge.as_deref(), None);
        self.challenge_for_dpop(&mut response);
        response
    }
}
