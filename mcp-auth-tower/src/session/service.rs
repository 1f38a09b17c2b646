use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use mcp_auth_core::session::{
    MCP_SESSION_ID, SessionIds, has_sessions, remove_look_alikes, requested_session,
};
use tower_service::Service;

use super::ResponseFuture;
use super::future::{Answer, Entry};
use crate::body::ResponseBody;
use crate::extension::Authenticated;
use crate::rejection::{Rejection, RejectionReason};

/// Keeps sessions to their callers, see the [module page](super).
#[derive(Clone, Debug)]
pub struct Session<S> {
    pub(super) inner: S,
    pub(super) ids: Option<Arc<SessionIds>>,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Session<S>
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
        let answer = match &self.ids {
            None => Answer::Pass,
            Some(ids) => match enter(ids, &mut request) {
                Ok(answer) => answer,
                Err(reason) => {
                    let rejection = Rejection::new(reason).of(request.extensions());
                    return ResponseFuture::own(rejection.into_response(None, None));
                }
            },
        };
        ResponseFuture::service(self.inner.call(request), answer)
    }
}

/// Puts the server's id into the request, and says what becomes of the one in the answer.
fn enter<B>(ids: &Arc<SessionIds>, request: &mut Request<B>) -> Result<Answer, RejectionReason> {
    let caller = request.extensions().get::<Authenticated>();
    let caller = caller.ok_or(RejectionReason::NotAuthenticated)?.clone();
    let headers = request.headers_mut();
    remove_look_alikes(headers);
    if !has_sessions(headers) {
        headers.remove(MCP_SESSION_ID);
        return Ok(Answer::Remove);
    }
    let mut entry = Entry { ids: ids.clone(), caller, entered: None };
    let given = requested_session(headers).map_err(RejectionReason::Session)?.cloned();
    if let Some(mut given) = given {
        given.set_sensitive(true);
        let own = ids.open(&given, entry.caller.principal()).map_err(RejectionReason::Session)?;
        headers.insert(MCP_SESSION_ID, own.clone());
        entry.entered = Some((own, given));
    }
    Ok(Answer::Seal(entry))
}
