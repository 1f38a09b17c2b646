use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW,
    CACHE_CONTROL, CONTENT_TYPE, HeaderValue,
};
use http::{Method, Request, Response, StatusCode};
use tower_service::Service;

use super::ResponseFuture;
use super::layer::Documents;
use crate::body::ResponseBody;

/// Serves protected resource metadata, see the [module page](super).
#[derive(Clone, Debug)]
pub struct Metadata<S> {
    pub(super) inner: S,
    pub(super) documents: Arc<Documents>,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Metadata<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.documents.find(request.uri(), request.headers()) {
            Some(json) => ResponseFuture::own(answer(request.method(), json)),
            None => ResponseFuture::service(self.inner.call(request)),
        }
    }
}

fn answer<B>(method: &Method, json: &Bytes) -> Response<ResponseBody<B>> {
    let media_type = HeaderValue::from_static("application/json");
    let mut response = Response::new(ResponseBody::own(Vec::new()));
    match *method {
        Method::GET => {
            *response.body_mut() = ResponseBody::own(json.clone());
            response.headers_mut().insert(CONTENT_TYPE, media_type);
        }
        Method::HEAD => {
            response.headers_mut().insert(CONTENT_TYPE, media_type);
        }
        Method::OPTIONS => {
            *response.status_mut() = StatusCode::NO_CONTENT;
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, OPTIONS"));
            // `*` as a name does not cover Authorization, and this needs none.
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
        }
        _ => {
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
        }
    }
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}
