use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use http::{Extensions, Method, Request, Response};
use http_body::Body;
use tower_service::Service;

use super::collect::Collect;
use super::layer::Limits;
use super::{McpBody, ResponseFuture};
use crate::body::ResponseBody;
use crate::rejection::{Rejection, RejectionReason};

/// Reads the MCP message of requests, see the [module page](super).
#[derive(Clone, Debug)]
pub struct Mcp<S> {
    pub(super) inner: S,
    pub(super) limits: Limits,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Mcp<S>
where
    S: Service<Request<McpBody<ReqBody>>, Response = Response<ResBody>> + Clone,
    ReqBody: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        remove_method_overrides(request.headers_mut());
        match *request.method() {
            Method::POST => {}
            Method::GET | Method::DELETE => {
                // The service might read a message there that nobody judged.
                let body = request.body();
                if !body.is_end_stream() && body.size_hint().exact() != Some(0) {
                    return ResponseFuture::own(refuse(
                        RejectionReason::UnexpectedBody,
                        request.extensions(),
                    ));
                }
                return ResponseFuture::calling(self.inner.call(request.map(McpBody::untouched)));
            }
            _ => return ResponseFuture::own(refuse(RejectionReason::Method, request.extensions())),
        }
        if !is_plain_json(request.headers()) {
            return ResponseFuture::own(refuse(RejectionReason::MediaType, request.extensions()));
        }
        // Said beforehand, refused beforehand.
        if request.body().size_hint().lower() > self.limits.bytes as u64 {
            return ResponseFuture::own(refuse(RejectionReason::BodyTooLarge, request.extensions()));
        }
        let (parts, body) = request.into_parts();
        let collect = Collect::new(body, self.limits);
        // The service that said it was ready makes the call; its clone is for the next request.
        let next = self.inner.clone();
        ResponseFuture::collecting(collect, parts, std::mem::replace(&mut self.inner, next))
    }
}

pub(super) fn refuse<B>(reason: RejectionReason, request: &Extensions) -> Response<ResponseBody<B>> {
    Rejection::new(reason).of(request).into_response(None, None)
}

/// Exactly one `Content-Type`, `application/json`, in UTF-8 where a charset is named; not compressed.
fn is_plain_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let mut parts = value.split(';').map(str::trim);
    parts.next().is_some_and(|t| t.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, charset)) if name.trim().eq_ignore_ascii_case("charset") => {
                charset.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
        && headers.get_all(CONTENT_ENCODING).iter().all(|v| v.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Decisions are taken on the method of the request line; a service must not take another for it.
fn remove_method_overrides(headers: &mut HeaderMap) {
    while let Some(name) = headers.keys().find(|name| is_method_override(name.as_str())).cloned() {
        headers.remove(name);
    }
}

/// CGI and what descends from it reads `_` as `-`.
fn is_method_override(name: &str) -> bool {
    let is = |known: &str| {
        name.len() == known.len()
            && name.bytes().zip(known.bytes()).all(|(a, b)| a == b || (a, b) == (b'_', b'-'))
    };
    is("x-http-method-override") || is("x-http-method") || is("x-method-override")
}
