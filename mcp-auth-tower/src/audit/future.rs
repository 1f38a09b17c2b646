use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Response;
use mcp_auth_core::audit::Record;
use pin_project_lite::pin_project;

use super::AuditSink;
use crate::rejection::{Rejection, RejectionReason};

pin_project! {
    /// The future of [`Audit`](super::Audit).
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        pub(super) future: F,
        pub(super) sink: Arc<dyn AuditSink>,
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.future.poll(cx))?;
        if let Some(rejection) = response.extensions().get::<Arc<Rejection>>() {
            write(&**this.sink, rejection);
        }
        Poll::Ready(Ok(response))
    }
}

/// Writes the record of a refusal.
pub(super) fn write(sink: &dyn AuditSink, rejection: &Rejection) {
    let decision = match rejection.reason() {
        RejectionReason::Denied { decision, .. } => Some(decision),
        _ => None,
    };
    let diagnosis = match rejection.reason() {
        RejectionReason::Exchange(refusal) => refusal.diagnosis(),
        _ => None,
    };
    let record = Record::refused(rejection.code(), rejection.principal(), rejection.call(), decision);
    sink.record(&record.with_diagnosis(diagnosis));
}
