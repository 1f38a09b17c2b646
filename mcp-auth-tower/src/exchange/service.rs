use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::ResponseFuture;
use super::driver::Asked;
use super::layer::Shared;
use super::sent::Sent;
use crate::mcp::McpBody;

/// Exchanges the caller's token, see the [module page](super).
#[derive(Clone, Debug)]
pub struct Exchange<S> {
    pub(super) inner: S,
    pub(super) shared: Option<Arc<Shared>>,
}

impl<S, B, ResBody> Service<Request<McpBody<B>>> for Exchange<S>
where
    S: Service<Request<McpBody<B>>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    ResBody: 'static,
{
    type Response = Response<crate::ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<McpBody<B>>) -> Self::Future {
        let Some(shared) = self.shared.clone() else {
            return ResponseFuture::passing(self.inner.call(request));
        };
        let (mut head, body) = request.into_parts();
        let asking = match shared.enter(&mut head) {
            Ok(asking) => asking,
            Err(reason) => return ResponseFuture::own(shared.refuse(reason, &head.extensions)),
        };
        // The service that said it was ready makes the call; its clone is for a second try.
        let next = self.inner.clone();
        match shared.exchanger.ask(&asking) {
            Asked::Refused(refusal) => ResponseFuture::own(shared.refuse(refusal, &head.extensions)),
            Asked::Token(token) => match Sent::new(shared, asking, token, (head, body), next) {
                Ok((request, sent)) => ResponseFuture::calling(self.inner.call(request), sent),
                Err(response) => ResponseFuture::own(*response),
            },
            Asked::Wait(waiter) => {
                let mut ready = std::mem::replace(&mut self.inner, next.clone());
                ResponseFuture::waiting(Box::pin(async move {
                    let token = match shared.exchanger.obtain(&asking, Some(waiter)).await {
                        Ok(token) => token,
                        Err(refusal) => return Ok(shared.refuse(refusal, &head.extensions)),
                    };
                    let (request, mut sent) = match Sent::new(shared, asking, token, (head, body), next) {
                        Ok(sent) => sent,
                        Err(response) => return Ok(*response),
                    };
                    // In a block of its own: a body need not be Send, and is not held while others are waited for.
                    let why = {
                        let response = ready.call(request).await?;
                        match sent.judge(&response) {
                            None => return Ok(sent.finish(response)),
                            Some(why) => why,
                        }
                    };
                    sent.again(why).await
                }))
            }
        }
    }
}
