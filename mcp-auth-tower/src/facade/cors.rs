//! Which endpoints the scripts of other origins may use, and what is said to the browser for it.
//!
//! Clients in browsers read metadata and keys, register, and exchange codes. No answer there depends on a cookie, so that
//! every origin may ask. Consent and callback are for the address bar alone.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_TYPE,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use mcp_auth_discovery::facade::FacadeEndpoint;

const READ: &str = "GET, HEAD, OPTIONS";

/// The methods that scripts may use, where they may at all.
pub(super) const fn methods(endpoint: FacadeEndpoint) -> Option<&'static str> {
    match endpoint {
        FacadeEndpoint::Token | FacadeEndpoint::Revoke => Some("POST, OPTIONS"),
        FacadeEndpoint::Register => Some("POST, GET, PUT, DELETE, OPTIONS"),
        FacadeEndpoint::Keys => Some(READ),
        _ => None,
    }
}

/// The answer to a preflight.
pub(super) fn preflight(methods: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    // `*` as a name does not cover Authorization.
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Authorization, Content-Type, *"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    allow(headers);
    response
}

/// Lets every origin read an answer.
pub(super) fn allow(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate, Retry-After"));
}

/// The answer at the place of a metadata document, which everybody may read and keep for five minutes.
pub(super) fn document(method: &Method, json: Bytes) -> Response<Bytes> {
    let mut response = match *method {
        Method::OPTIONS => preflight(READ),
        Method::GET | Method::HEAD => {
            let mut response = Response::new(if *method == Method::GET { json } else { Bytes::new() });
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        _ => {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(READ));
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    allow(headers);
    response
}
