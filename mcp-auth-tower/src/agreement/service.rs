use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderName, Method, Request, Response};
use mcp_auth_core::mcp::{Agreement, Era, McpCall, Target};
use tower_service::Service;

use super::ResponseFuture;
use super::layer::Tools;
use super::learn::Shown;
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
        remove_look_alikes(request.headers_mut());
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
        let learner = lists_tools.then(|| Shown::to(request.extensions(), &self.tools));
        request.extensions_mut().insert(era);
        ResponseFuture::service(self.inner.call(request), learner)
    }
}

/// Removes headers that servers in the tradition of CGI would take for those that were checked: they read `_` as `-`.
/// Behind `Mcp-Param-` a `_` is part of a parameter's name.
fn remove_look_alikes(headers: &mut HeaderMap) {
    const CHECKED: [&str; 4] = ["mcp-protocol-version", "mcp-method", "mcp-name", "mcp-param-"];
    let is_look_alike = |name: &&HeaderName| {
        let name = name.as_str().as_bytes();
        name.starts_with(b"mcp")
            && CHECKED.iter().any(|checked| {
                let Some(start) = name.get(..checked.len()) else { return false };
                let alike =
                    start.iter().zip(checked.bytes()).all(|(a, b)| *a == b || (*a, b) == (b'_', b'-'));
                alike
                    && start != checked.as_bytes()
                    && (name.len() == checked.len() || checked.ends_with('-'))
            })
    };
    while let Some(name) = headers.keys().find(is_look_alike).cloned() {
        headers.remove(name);
    }
}

impl<S> Agree<S> {
    fn check<B>(&self, request: &Request<B>, call: Option<&McpCall>) -> Result<Era, RejectionReason> {
        let headers = request.headers();
        if let Some(call) = call {
            let era = self.agreement.check(headers, call).map_err(RejectionReason::Agreement)?;
            if let (Some("tools/call"), Some(Target::Tool(name))) = (call.method.as_deref(), &call.target) {
                let nobody_declares = self.tools.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
                let shown = (!nobody_declares).then(|| Shown::to(request.extensions(), &self.tools));
                if let Some(declared) = shown.and_then(|shown| shown.headers(name)) {
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
