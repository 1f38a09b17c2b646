//! What happens to every request before a route sees it: one form, one host, or a refusal.

mod headers;
mod proxies;
mod refusal;
mod target;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use http::header::HOST;
use http::{HeaderValue, Request};
use mcp_auth_core::request_target::normalise_host;
use mcp_auth_tower::Connection;

pub(crate) use proxies::TrustedProxies;
pub(crate) use refusal::Refusal;

use crate::hop_by_hop;

/// The most header fields of a request.
pub(crate) const MAX_HEADERS: usize = 100;

/// The most bytes that the names and values of a request's header may have. Over HTTP/1.1 its first line counts too.
pub(crate) const MAX_HEADER_BYTES: usize = 64 * 1024;

/// The two ends of the connection that a request came on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// The client, or the proxy in front.
    pub(crate) peer: SocketAddr,
    /// Where it connected to.
    pub(crate) local: SocketAddr,
}

/// Brings a request into the one form that routes, policies and backends see: the path and query as its URI, the
/// authority in `Host`, no field that concerns the connection, and only our own word about the way it took, for
/// backends and for rules; proxies in front are believed when they are trusted. Gives the host in the spelling in which
/// hosts are compared; HTTP/1.0 may have none.
pub(crate) fn take_in<B>(
    request: &mut Request<B>,
    arrival: Arrival,
    proxies: &TrustedProxies,
) -> Result<Option<String>, Refusal> {
    headers::check_size(request.headers())?;
    hop_by_hop::remove(request.headers_mut());
    let mut host = target::settle(request)?;
    let client = proxies.client(request.headers(), arrival.peer)?;
    if let Some(told) = &client.host {
        host = Some(normalise_host(told)?.into_owned());
        request.headers_mut().insert(HOST, HeaderValue::from_str(told).map_err(|_| Refusal::HostNotText)?);
    }
    headers::remove_claimed(request.headers_mut());
    headers::set_forwarded(request.headers_mut(), host.as_deref(), &client, arrival.local);
    let connection = Connection::new(client.address).local(arrival.local).scheme(client.scheme);
    request.extensions_mut().insert(connection);
    Ok(host)
}
