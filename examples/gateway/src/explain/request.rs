//! The HTTP request that a client would send.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName};
use http::{Method, Request};
use http_body_util::Full;
use url::Url;

use super::Options;
use super::call::Call;
use super::find::Place;
use super::token::Presented;
use crate::config::Bind;
use crate::intake::{self, Arrival, TrustedProxies};
use crate::proxy::BoxError;

/// A request in the form in which routes see it.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) request: Request<Full<Bytes>>,
    /// The host in its one spelling.
    pub(super) host: Option<String>,
}

/// The request to a route, with the caller's token.
pub(super) fn build(
    place: &Place<'_>,
    options: &Options,
    call: Option<&Call>,
    presented: &Presented,
) -> Result<Built, BoxError> {
    let authentication = place.route.policies.mcp_authentication.as_ref();
    // A client comes under the name of the resource.
    let resource = authentication.and_then(|from| Url::parse(from.resource_metadata.resource.as_str()).ok());
    let path = resource.as_ref().map_or("/", Url::path);
    let host = resource.as_ref().and_then(|url| {
        let host = url.host_str()?;
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    });
    let host = host.unwrap_or_else(|| place.bind.address.to_string());
    let mut request = request(options, call, path, &host)?;
    if let Some(from) = authentication {
        let location = &from.authorization_location;
        let name: HeaderName = location.name.parse()?;
        if request.headers().contains_key(&name) {
            return Err(format!(
                "--header {name}: the token comes with --token-file, so that no shell keeps it"
            )
            .into());
        }
        if let Some(value) = presented.header(&location.prefix) {
            request.headers_mut().insert(name, value);
        }
    }
    take_in(request, place.bind, options)
}

/// A request as far as routes are chosen by it.
pub(super) fn bare(
    bind: &Bind,
    options: &Options,
    call: Option<&Call>,
) -> Result<(Request<Full<Bytes>>, Option<String>), BoxError> {
    let request = request(options, call, "/", &bind.address.to_string())?;
    let built = take_in(request, bind, options)?;
    Ok((built.request, built.host))
}

fn request(
    options: &Options,
    call: Option<&Call>,
    path: &str,
    host: &str,
) -> Result<Request<Full<Bytes>>, BoxError> {
    let path = options.path.as_deref().unwrap_or(path);
    if !path.starts_with('/') || path.contains(['?', '#']) {
        return Err("--path must begin with `/`, and the query comes with --query".into());
    }
    let uri = match &options.query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let usual = if call.is_some() { Method::POST } else { Method::GET };
    let mut request = Request::builder()
        .method(options.http_method.clone().unwrap_or(usual))
        .uri(uri)
        .header(HOST, options.host.as_deref().unwrap_or(host))
        .header(ACCEPT, "application/json, text/event-stream")
        .body(Full::from(call.map(|call| call.body().to_owned()).unwrap_or_default()))
        .map_err(|error| format!("--host, --path or --query: {error}"))?;
    if call.is_some() {
        request.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    }
    for (name, value) in &options.header {
        if *name == HOST {
            return Err("--header host: the host comes with --host".into());
        }
        // What is given once takes the place of what is usual; what is given twice comes twice.
        if matches!(*name, ACCEPT | CONTENT_TYPE) {
            request.headers_mut().insert(name, value.clone());
        } else {
            request.headers_mut().append(name, value.clone());
        }
    }
    Ok(request)
}

fn take_in(mut request: Request<Full<Bytes>>, bind: &Bind, options: &Options) -> Result<Built, BoxError> {
    let arrival = Arrival { peer: SocketAddr::new(options.source, 0), local: bind.address };
    let host = intake::take_in(&mut request, arrival, &TrustedProxies::default())
        .map_err(|refusal| format!("the gateway refuses the request before any route sees it: {refusal}"))?;
    Ok(Built { request, host })
}
