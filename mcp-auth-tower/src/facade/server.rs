//! Our own authorization server, ready to be asked.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use mcp_auth_core::audit::Record;
use mcp_auth_discovery::facade::FacadeEndpoint;
use mcp_auth_discovery::server::MetadataStatus;
use mcp_auth_exchange::facade::{Answer, Event, Facade, Refusal};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::builder::{MAX_LOGINS_UNDER_WAY, MAX_UNDER_WAY};
use super::documents::ClientDocuments;
use super::drive::Driver;
use super::limits::Limiter;
use super::places::{Found, Places};
use super::{FacadeServerBuilder, cors};
use crate::audit::AuditSink;
use crate::mcp::{Collect, Limits};
use crate::rejection::RejectionReason;

/// Our own authorization server with all that it needs: a store, the provider's metadata, an HTTP client, a clock.
/// Clones are the same one. See the [module page](super).
#[derive(Clone)]
pub struct FacadeServer(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) driver: Arc<Driver>,
    pub(super) limiter: Limiter,
    pub(super) audit: Arc<dyn AuditSink>,
    /// Requests at work at once; logins and registrations have places of their own.
    pub(super) slots: Arc<Semaphore>,
    pub(super) login_slots: Arc<Semaphore>,
    pub(super) body: Limits,
    pub(super) deadline: Duration,
    pub(super) places: Places,
}

/// The state of the server, for operators. Holds no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FacadeStatus {
    /// Our issuer identifier.
    pub issuer: String,
    /// The issuer whose metadata is used.
    pub provider: String,
    /// What is known of that metadata.
    pub metadata: MetadataStatus,
    /// What may go wrong with this provider, as far as its metadata says.
    pub findings: Vec<String>,
    /// Metadata documents of clients that are kept.
    pub client_documents: usize,
    /// Requests at work.
    pub under_way: usize,
}

impl FacadeServer {
    /// Starts with what it is by itself. Nothing is asked yet: the provider need not be there.
    pub fn builder(facade: Facade) -> FacadeServerBuilder {
        FacadeServerBuilder::new(facade)
    }

    /// Our issuer identifier.
    pub fn issuer(&self) -> &str {
        self.facade().issuer()
    }

    /// What it is by itself.
    pub fn facade(&self) -> &Facade {
        &self.0.driver.facade
    }

    /// Begins to fetch the provider's metadata, so that the first login does not wait for it. Without effect outside of
    /// a tokio runtime, and where the metadata is known.
    pub fn prefetch(&self) {
        if Handle::try_current().is_ok() {
            let _ = self.0.driver.provider.current();
        }
    }

    /// The state for operators.
    pub fn status(&self) -> FacadeStatus {
        let driver = &self.0.driver;
        let facade = &driver.facade;
        let findings = match driver.provider.known() {
            Some(metadata) => facade.metadata().lint(&metadata, facade.provider().quirks()),
            None => Vec::new(),
        };
        FacadeStatus {
            issuer: facade.issuer().to_owned(),
            provider: facade.provider().metadata_issuer().to_owned(),
            metadata: driver.provider.status(),
            findings: findings.iter().map(ToString::to_string).collect(),
            client_documents: driver.documents.as_ref().map_or(0, ClientDocuments::len),
            under_way: self.0.under_way(),
        }
    }

    /// Answers a request for one of our documents or endpoints; gives back what is for somebody else: another path, or
    /// another host. What an endpoint answers carries its [`Event`] as an extension.
    ///
    /// # Errors
    ///
    /// The request as it was.
    #[expect(clippy::result_large_err, reason = "no error: the request goes on as it came")]
    pub fn answer<B>(&self, request: Request<B>) -> Result<Answering, Request<B>>
    where
        B: Body<Data = Bytes> + Send + 'static,
    {
        let inner = &self.0;
        let Some(found) = inner.places.find(request.uri(), request.headers()) else { return Err(request) };
        let endpoint = match found {
            Found::Endpoint(endpoint) => endpoint,
            Found::Document(url) => {
                let known = inner.driver.provider.current();
                let metadata = inner.driver.facade.metadata();
                // INVARIANT: the URL is one of the issuer's.
                let Some(json) = metadata.document_at(url, known.as_deref()) else { return Err(request) };
                return Ok(Answering::ready(cors::document(request.method(), json)));
            }
        };
        if *request.method() == Method::OPTIONS
            && let Some(methods) = cors::methods(endpoint)
        {
            return Ok(Answering::ready(cors::preflight(methods)));
        }
        let now = inner.driver.clock.now();
        if let Err(wait) = inner.limiter.admit(endpoint, request.method(), request.extensions(), now) {
            let mut response = inner.refuse(endpoint, Refusal::TooManyRequests);
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            response.headers_mut().insert(RETRY_AFTER, header_of(seconds));
            return Ok(Answering::ready(response));
        }
        let (head, body) = request.into_parts();
        let inner = inner.clone();
        Ok(Answering(Kind::Running(Box::pin(async move {
            let begun = Collect::new(body, inner.body).await;
            inner.run(endpoint, head, begun).await
        }))))
    }
}

fn header_of(number: impl fmt::Display) -> HeaderValue {
    // INVARIANT: a number is a value of a header.
    HeaderValue::try_from(number.to_string()).unwrap_or(HeaderValue::from_static("1"))
}

impl Inner {
    fn under_way(&self) -> usize {
        let pools = [(MAX_UNDER_WAY, &self.slots), (MAX_LOGINS_UNDER_WAY, &self.login_slots)];
        pools.into_iter().map(|(most, slots)| most.saturating_sub(slots.available_permits())).sum()
    }

    /// From the whole request to its answer.
    async fn run(
        self: Arc<Self>,
        endpoint: FacadeEndpoint,
        mut head: Parts,
        body: Result<Bytes, RejectionReason>,
    ) -> Response<Bytes> {
        let body = match body {
            Ok(body) => body,
            Err(reason) => {
                return self.refuse(
                    endpoint,
                    match reason {
                        RejectionReason::BodyTooLarge => Refusal::BodyTooLarge,
                        RejectionReason::BodyTimeout => Refusal::BodyTimeout,
                        _ => Refusal::BodyRead,
                    },
                );
            }
        };
        let slots = match endpoint {
            FacadeEndpoint::Authorize | FacadeEndpoint::Callback | FacadeEndpoint::Register => {
                &self.login_slots
            }
            _ => &self.slots,
        };
        let Ok(slot) = slots.clone().try_acquire_owned() else {
            return self.refuse(endpoint, Refusal::Overloaded);
        };
        let headless = endpoint == FacadeEndpoint::Keys && head.method == Method::HEAD;
        if headless {
            head.method = Method::GET;
        }
        let request = Request::from_parts(head, body);
        // A task of its own: who hangs up in the middle of a refresh would otherwise lose the new refresh token, and
        // with it the session.
        let this = self.clone();
        let work = tokio::spawn(async move { this.work(endpoint, request, slot).await });
        let mut response = match work.await {
            Ok(response) => response,
            Err(_) => self.refuse(endpoint, Refusal::Internal),
        };
        if headless {
            *response.body_mut() = Bytes::new();
        }
        response
    }

    async fn work(
        &self,
        endpoint: FacadeEndpoint,
        request: Request<Bytes>,
        _slot: OwnedSemaphorePermit,
    ) -> Response<Bytes> {
        let facade = &self.driver.facade;
        let answer = match facade.begin(request) {
            Some(run) => match tokio::time::timeout(self.deadline, self.driver.drive(endpoint, run)).await {
                Ok(answer) => answer,
                Err(_) => facade.refuse(endpoint, Refusal::Late),
            },
            // INVARIANT: the path is that of this endpoint, and it is offered.
            None => facade.refuse(endpoint, Refusal::Internal),
        };
        self.finish(endpoint, answer)
    }

    fn refuse(&self, endpoint: FacadeEndpoint, refusal: Refusal) -> Response<Bytes> {
        self.finish(endpoint, self.driver.facade.refuse(endpoint, refusal))
    }

    /// Writes down what came of a request, and lets scripts read the answer where they may.
    fn finish(&self, endpoint: FacadeEndpoint, answer: Answer) -> Response<Bytes> {
        let event = answer.event;
        let refusal = match event {
            Event::Refused(refusal) => Some(refusal.code()),
            _ => None,
        };
        let client = answer.client.as_ref();
        let record = Record::authorization_server(event.code(), refusal);
        self.audit.record(&record.with_client(
            client.map(|client| client.id.as_str()),
            client.and_then(|client| client.name.as_deref()),
        ));
        report(endpoint, event, answer.response.status());
        let mut response = answer.response;
        response.extensions_mut().insert(event);
        if cors::methods(endpoint).is_some() {
            cors::allow(response.headers_mut());
        }
        response
    }
}

/// Tells the operator. What is wrong with the store, the provider or us is for them to mend.
fn report(endpoint: FacadeEndpoint, event: Event, status: StatusCode) {
    let (code, status) = (event.code(), status.as_u16());
    match event {
        Event::Refused(Refusal::Internal) => {
            tracing::error!(target: "mcp_auth", ?endpoint, code, status, "request to the authorization server failed");
        }
        Event::Refused(refusal) if matches!(refusal.error(), "server_error" | "temporarily_unavailable") => {
            tracing::warn!(target: "mcp_auth", ?endpoint, code, status, "request to the authorization server failed");
        }
        Event::Refused(_) => {
            tracing::info!(target: "mcp_auth", ?endpoint, code, status, "request to the authorization server refused");
        }
        _ => {
            tracing::debug!(target: "mcp_auth", ?endpoint, code, status, "request to the authorization server")
        }
    }
}

impl fmt::Debug for FacadeServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FacadeServer").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}

/// The answer to a request, as a future.
#[must_use = "futures do nothing unless polled"]
pub struct Answering(Kind);

enum Kind {
    Ready(Option<Response<Bytes>>),
    Running(Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>),
}

impl Answering {
    fn ready(response: Response<Bytes>) -> Self {
        Self(Kind::Ready(Some(response)))
    }
}

impl Future for Answering {
    type Output = Response<Bytes>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Bytes>> {
        match &mut self.0 {
            Kind::Ready(response) => match response.take() {
                Some(response) => Poll::Ready(response),
                // Polled again after it was ready: nothing is left to give.
                None => Poll::Pending,
            },
            Kind::Running(running) => running.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answering")
    }
}
