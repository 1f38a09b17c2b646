//! The target: where it says where to, and whether all places say the same.

use http::header::{HOST, HeaderValue};
use http::uri::PathAndQuery;
use http::{Request, Uri, Version};
use mcp_auth_core::request_target::{check_path, normalise_host};

use super::Refusal;

/// Checks the path, and moves the authority of an absolute URI (HTTP/1.1 to a proxy) or of `:authority` (HTTP/2) to `Host`.
///
/// RFC 9112 §3.2.2 lets the URI win over `Host`, RFC 9113 §8.3.1 calls a difference malformed: two hosts in one request
/// are refused, whichever way they came.
pub(super) fn settle<B>(request: &mut Request<B>) -> Result<Option<String>, Refusal> {
    check_path(request.uri().path())?;
    let mut fields = request.headers().get_all(HOST).iter();
    let field = fields.next();
    if fields.next().is_some() {
        return Err(Refusal::HostTwice);
    }
    let read = |value: &HeaderValue| -> Result<String, Refusal> {
        let text = value.to_str().map_err(|_| Refusal::HostNotText)?;
        Ok(normalise_host(text)?.into_owned())
    };
    let field = field.map(read).transpose()?;
    let uri = request.uri();
    let Some(authority) = uri.authority() else {
        // RFC 9112 §3.2: a request of HTTP/1.1 without Host is answered with 400.
        return match field {
            None if request.version() != Version::HTTP_10 => Err(Refusal::HostMissing),
            field => Ok(field),
        };
    };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(Refusal::Form);
    }
    let host = normalise_host(authority.as_str())?.into_owned();
    if field.is_some_and(|field| field != host) {
        return Err(Refusal::HostsDiffer);
    }
    let value = HeaderValue::from_str(authority.as_str()).map_err(|_| Refusal::HostNotText)?;
    let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    request.headers_mut().insert(HOST, value);
    *request.uri_mut() = Uri::from(path);
    Ok(Some(host))
}
