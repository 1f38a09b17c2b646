use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

use http::{Method, Request, Response};
use mcp_auth_core::mcp::{Agreement, Era, McpCall, Target};
use tower_service::Service;

use super::ResponseFuture;
use super::layer::Tools;
use super::learn::Learner;
use crate::body::ResponseBody;
use crate::extension::CallArguments;
use crate::mcp::CallBatch;
use crate::messages::FilteredBody;
use crate::rejection::{Rejection, RejectionReason};

/// Refuses requests whose headers and body do not agree, see the [module page](super).
#[derive(Clone, Debug)]
pub struct Agree<S> {
    pub(super) inner: S,
    pub(super) agreement: Arc<Agreement>,
    pub(super) tools: Tools,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Agree<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<ResponseBody<FilteredBody<ResBody>>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let call = request.extensions().get::<McpCall>();
        let era = match self.check(&request, call) {
            Ok(era) => era,
            Err(reason) => {
                let id = call.and_then(|call| call.id.clone());
                let rejection = Rejection::new(reason).of(request.extensions());
                return ResponseFuture::own(rejection.into_response(None, id.as_deref()));
            }
        };
        // Only modern clients send such headers.
        let lists_tools = era == Era::Modern && call.and_then(|c| c.method.as_deref()) == Some("tools/list");
        let learner = lists_tools.then(|| Learner(self.tools.clone()));
        request.extensions_mut().insert(era);
        ResponseFuture::service(self.inner.call(request), learner)
    }
}

impl<S> Agree<S> {
    fn check<B>(&self, request: &Request<B>, call: Option<&McpCall>) -> Result<Era, RejectionReason> {
        let headers = request.headers();
        if let Some(call) = call {
            let era = self.agreement.check(headers, call).map_err(RejectionReason::Agreement)?;
            if let (Some("tools/call"), Some(Target::Tool(name))) = (call.method.as_deref(), &call.target) {
                let declared = self.tools.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
                if let Some(declared) = declared {
                    let arguments = request.extensions().get::<CallArguments>().map(CallArguments::json);
                    self.agreement
                        .check_params(headers, era, &declared, arguments)
                        .map_err(RejectionReason::Agreement)?;
                }
            }
            return Ok(era);
        }
        if let Some(batch) = request.extensions().get::<CallBatch>() {
            self.agreement.check_batch(headers, batch.elements()).map_err(RejectionReason::Agreement)?;
            return Ok(Era::Legacy);
        }
        if !matches!(*request.method(), Method::GET | Method::DELETE) {
            tracing::error!(target: "mcp_auth", "no McpCall extension: put McpLayer before AgreementLayer");
            return Err(RejectionReason::MessageNotRead);
        }
        match Era::of_headers(headers).map_err(RejectionReason::Agreement)? {
            Era::Legacy => Ok(Era::Legacy),
            Era::Modern => Err(RejectionReason::ModernMethod),
        }
    }
}
