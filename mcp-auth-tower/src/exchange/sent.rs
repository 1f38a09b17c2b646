//! A request on its way to the service, and what is kept of it for a second try.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderMap, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body::Body;
use mcp_auth_exchange::dpop::{DPOP_NONCE, DpopNonce, NonceRetry};
use mcp_auth_exchange::plan::{IssuedToken, Presentation};
use memchr::memmem;
use tower_service::Service;

use super::ExchangeRefusal;
use super::exchanger::Asking;
use super::layer::Shared;
use super::present::remove_all;
use crate::body::ResponseBody;
use crate::mcp::McpBody;

/// What was sent, without any credential.
pub(super) struct Sent<S, B> {
    shared: Arc<Shared>,
    asking: Asking,
    token: Arc<IssuedToken>,
    head: Parts,
    /// `None` where the body could be read once only.
    body: Option<McpBody<B>>,
    /// For a second try; it has not said that it is ready.
    service: S,
    nonce: Option<DpopNonce>,
    nonce_retry: NonceRetry,
    renewed: bool,
}

/// A request for the service, and what is kept of it.
pub(super) type Outgoing<S, B> = (Request<McpBody<B>>, Box<Sent<S, B>>);

/// Why a request is sent again.
pub(super) enum Again {
    /// The service wants this nonce in the proof.
    Nonce(DpopNonce),
    /// The service refused the token: with another one.
    Renewed,
}

impl<S, B: Body<Data = Bytes>> Sent<S, B> {
    /// Makes the request for the service of what is there, and keeps a copy; or refuses it.
    pub(super) fn new<R>(
        shared: Arc<Shared>,
        asking: Asking,
        token: Arc<IssuedToken>,
        (head, body): (Parts, McpBody<B>),
        service: S,
    ) -> Result<Outgoing<S, B>, Box<Response<ResponseBody<R>>>> {
        let is_bound = matches!(token.presentation(), Presentation::DPoP(_));
        let nonce = match &shared.downstream {
            Some(downstream) if is_bound => shared.exchanger.0.nonces.get(&downstream.origin),
            _ => None,
        };
        let mut outgoing = head.clone();
        if let Err(refusal) =
            shared.present(&mut outgoing.headers, &head.method, &asking, &token, nonce.as_ref())
        {
            return Err(Box::new(shared.refuse(refusal, &head.extensions)));
        }
        let copy = body.replay();
        let request = Request::from_parts(outgoing, body);
        let nonce_retry = NonceRetry::default();
        let sent =
            Self { shared, asking, token, head, body: copy, service, nonce, nonce_retry, renewed: false };
        Ok((request, Box::new(sent)))
    }

    /// Looks at an answer: whether the request is to be sent again.
    pub(super) fn judge<R>(&mut self, response: &Response<R>) -> Option<Again> {
        if let (Presentation::DPoP(_), Some(downstream)) =
            (self.token.presentation(), &self.shared.downstream)
        {
            self.shared.exchanger.0.nonces.keep(&downstream.origin, response.headers());
            if response.status() == StatusCode::UNAUTHORIZED
                && self.body.is_some()
                && let Some(nonce) = self.nonce_retry.after(response.headers(), self.nonce.as_ref())
            {
                return Some(Again::Nonce(nonce));
            }
        }
        if response.status() != StatusCode::UNAUTHORIZED {
            return None;
        }
        let worth = self.shared.exchanger.is_worth_replacing(&self.token);
        let again = worth && self.body.is_some() && !self.renewed;
        tracing::info!(target: "mcp_auth", plan = self.asking.plan.name(), again, "the service refused an issued token");
        // Forgotten even where nothing can be sent again: the next request gets another.
        if worth && !again {
            self.shared.exchanger.forget_later(&self.asking, &self.token);
        }
        again.then(|| {
            self.renewed = true;
            Again::Renewed
        })
    }

    /// The answer as the client gets it.
    pub(super) fn finish<R>(&self, mut response: Response<R>) -> Response<ResponseBody<R>> {
        if response.status() == StatusCode::UNAUTHORIZED {
            return self.shared.refuse(ExchangeRefusal::RefusedDownstream, &self.head.extensions);
        }
        remove_words_to_us(response.headers_mut(), self.token.expose().as_bytes());
        response.map(ResponseBody::service)
    }
}

impl<S, B> Sent<S, B>
where
    B: Body<Data = Bytes>,
    S: Service<Request<McpBody<B>>>,
{
    /// Sends the request again, until there is an answer for the client.
    pub(super) async fn again<R>(
        mut self: Box<Self>,
        mut why: Again,
    ) -> Result<Response<ResponseBody<R>>, S::Error>
    where
        S: Service<Request<McpBody<B>>, Response = Response<R>>,
    {
        loop {
            let request = match self.prepare(why).await {
                Ok(request) => request,
                Err(refusal) => return Ok(self.shared.refuse(refusal, &self.head.extensions)),
            };
            std::future::poll_fn(|cx| self.service.poll_ready(cx)).await?;
            why = {
                let response = self.service.call(request).await?;
                match self.judge(&response) {
                    Some(next) => next,
                    None => return Ok(self.finish(response)),
                }
            };
        }
    }

    async fn prepare(&mut self, why: Again) -> Result<Request<McpBody<B>>, ExchangeRefusal> {
        match why {
            Again::Nonce(nonce) => self.nonce = Some(nonce),
            Again::Renewed => {
                let exchanger = &self.shared.exchanger;
                exchanger.forget(&self.asking, &self.token).await;
                self.token = exchanger.obtain(&self.asking, None).await?;
            }
        }
        let mut head = self.head.clone();
        let method = &self.head.method;
        self.shared.present(&mut head.headers, method, &self.asking, &self.token, self.nonce.as_ref())?;
        // INVARIANT: nothing is sent again without a copy.
        let body = self.body.as_ref().and_then(McpBody::replay).ok_or(ExchangeRefusal::RefusedDownstream)?;
        Ok(Request::from_parts(head, body))
    }
}

/// Challenges speak of the issued token, which the client does not have, and would send it to another server's metadata.
/// A header in which the service says the issued token back would hand it to the client, past the policy.
fn remove_words_to_us(headers: &mut HeaderMap, token: &[u8]) {
    headers.remove(WWW_AUTHENTICATE);
    headers.remove(DPOP_NONCE);
    // Most values are shorter, so that nothing is searched.
    remove_all(headers, |_, value| {
        value.len() >= token.len() && memmem::find(value.as_bytes(), token).is_some()
    });
}
