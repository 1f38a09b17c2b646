use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use mcp_auth_core::Principal;
use mcp_auth_core::audit::Record;
use mcp_auth_core::mcp::McpCall;
use mcp_auth_core::policy::Decision;
use tower_service::Service;

use super::future::write;
use super::{AuditSink, ResponseFuture};
use crate::rejection::Rejection;

/// Writes the audit trail, see the [module page](super).
#[derive(Clone, Debug)]
pub struct Audit<S> {
    pub(super) inner: S,
    pub(super) sink: Arc<dyn AuditSink>,
}

/// In the extensions of a request: where the layer that lets it through says so.
#[derive(Clone, Debug)]
pub(crate) struct Trail(Arc<dyn AuditSink>);

impl Trail {
    pub(crate) fn permitted(
        &self,
        principal: Option<&Principal>,
        call: Option<&McpCall>,
        decision: Option<&Decision>,
    ) {
        self.0.record(&Record::permitted(principal, call, decision));
    }
}

impl Trail {
    /// A refusal that is no response of its own.
    pub(crate) fn refused(&self, rejection: &Rejection) {
        write(&*self.0, rejection);
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Audit<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        request.extensions_mut().insert(Trail(self.sink.clone()));
        ResponseFuture { future: self.inner.call(request), sink: self.sink.clone() }
    }
}
