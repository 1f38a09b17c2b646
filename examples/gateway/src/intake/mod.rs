//! What happens to every request before a route sees it: one form, one host, or a refusal.

mod refusal;
mod target;
#[cfg(test)]
mod tests;

use http::Request;

pub(crate) use refusal::Refusal;

/// Brings a request into the one form that routes, policies and backends see: the path and query as its URI, the
/// authority in `Host`. Gives the host in the spelling in which hosts are compared; HTTP/1.0 may have none.
pub(crate) fn take_in<B>(request: &mut Request<B>) -> Result<Option<String>, Refusal> {
    target::settle(request)
}
