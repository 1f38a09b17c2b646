//! `Mcp-Param-*` in answers to preflights.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS, HeaderName};
use http::{HeaderValue, Method, Request, Response};
use pin_project_lite::pin_project;
use tower::Service;

const PREFIX: &str = "mcp-param-";

/// Allows the `Mcp-Param-*` that a preflight asks for, where its answer allows headers at all: their names are those of
/// the tools' parameters, and a list of allowed headers has no place for a prefix.
#[derive(Clone, Debug)]
pub(super) struct ParamHeaders<S>(pub(super) S);

pin_project! {
    pub(super) struct ResponseFuture<F> {
        #[pin]
        future: F,
        asked: Vec<HeaderName>,
    }
}

impl<S, B, R> Service<Request<B>> for ParamHeaders<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let asked = if request.method() == Method::OPTIONS { asked(&request) } else { Vec::new() };
        ResponseFuture { future: self.0.call(request), asked }
    }
}

fn asked<B>(request: &Request<B>) -> Vec<HeaderName> {
    let lists = request.headers().get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let names = lists.flat_map(|list| list.as_bytes().split(|b| *b == b','));
    let names = names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok());
    names.filter(|name| name.as_str().starts_with(PREFIX)).collect()
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.future.poll(cx))?;
        if let Some(allowed) = response.headers().get(ACCESS_CONTROL_ALLOW_HEADERS) {
            let mut names = allowed.as_bytes().to_vec();
            for name in this.asked.drain(..) {
                let name = name.as_str().as_bytes();
                // Where all that is asked for is allowed, it stands there.
                if !names.split(|b| *b == b',').any(|known| known.trim_ascii().eq_ignore_ascii_case(name)) {
                    names.push(b',');
                    names.extend_from_slice(name);
                }
            }
            if let Ok(value) = HeaderValue::from_bytes(&names) {
                response.headers_mut().insert(ACCESS_CONTROL_ALLOW_HEADERS, value);
            }
        }
        Poll::Ready(Ok(response))
    }
}
