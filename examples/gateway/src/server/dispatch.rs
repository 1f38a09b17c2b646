//! From a request to the route that answers it.

use std::convert::Infallible;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tower::ServiceExt as _;

use crate::intake::{self, Arrival, TrustedProxies};
use crate::proxy::{BoxBody, full};
use crate::route::{Listeners, RouteService};
use crate::server::RequestBody;

/// Answers one request.
pub(super) async fn dispatch(
    listeners: Arc<Listeners<RouteService>>,
    proxies: &TrustedProxies,
    arrival: Arrival,
    request: Request<Incoming>,
) -> Result<Response<BoxBody>, Infallible> {
    let mut request = RequestBody::of(request);
    let host = match intake::take_in(&mut request, arrival, proxies) {
        Ok(host) => host,
        Err(refusal) => return Ok(refusal.into_response()),
    };
    let listener = listeners.listener(host.as_deref());
    if let Some(listener) = listener {
        request = match listener.front().answer(request).await {
            Ok(response) => return Ok(response),
            Err(request) => request,
        };
    }
    match listener.and_then(|listener| listener.find(&request)) {
        Some(service) => service.clone().oneshot(request).await,
        None => {
            let mut response = Response::new(full(r#"{"error":"not_found"}"#));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(response)
        }
    }
}
