//! The request while rules look at it.
//!
//! Envoy changes the request as it goes: a verified token is taken out and headers are set before the next rule
//! looks, and what one rule did stays when another fails. Which tokens a rule finds depends on it, so the changes
//! are kept here and made in the end.

use std::borrow::Cow;

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// A request's headers and query with the changes so far.
pub(super) struct WorkingRequest<'r> {
    headers: &'r HeaderMap,
    query: Option<&'r str>,
    pub(super) changes: Changes,
}

/// What is to be done to a request that is let through.
#[derive(Clone, Default)]
pub(super) struct Changes {
    pub(super) removed_headers: Vec<HeaderName>,
    pub(super) removed_params: Vec<Box<str>>,
    /// Set after the removals.
    pub(super) added_headers: Vec<(HeaderName, HeaderValue)>,
}

/// Names only: values are claims.
impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let added: Vec<&HeaderName> = self.added_headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Changes")
            .field("removed_headers", &self.removed_headers)
            .field("removed_params", &self.removed_params)
            .field("added_headers", &added)
            .finish()
    }
}

/// Headers of which Envoy keeps one value: several become one, with commas between (measured on 1.40).
const ONE_VALUE: [&str; 33] = [
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "access-control-request-private-network",
    "authentication",
    "authorization",
    "cache-control",
    "cdn-loop",
    "content-encoding",
    "content-type",
    "grpc-accept-encoding",
    "grpc-timeout",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "origin",
    "pragma",
    "referer",
    "user-agent",
    "via",
    "x-client-trace-id",
    "x-envoy-downstream-service-cluster",
    "x-envoy-downstream-service-node",
    "x-envoy-external-address",
    "x-envoy-original-path",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-request-id",
];

impl<'r> WorkingRequest<'r> {
    pub(super) fn new(headers: &'r HeaderMap, query: Option<&'r str>) -> Self {
        Self { headers, query, changes: Changes::default() }
    }

    /// The values of a header as they are now.
    pub(super) fn header(&self, name: &HeaderName) -> Vec<Cow<'r, [u8]>> {
        let mut values: Vec<Cow<'r, [u8]>> = Vec::new();
        if !self.changes.removed_headers.contains(name) {
            values.extend(self.headers.get_all(name).iter().map(|value| Cow::Borrowed(value.as_bytes())));
        }
        let added = self.changes.added_headers.iter().filter(|(added, _)| added == name);
        values.extend(added.map(|(_, value)| Cow::Owned(value.as_bytes().to_vec())));
        if values.len() > 1 && ONE_VALUE.contains(&name.as_str()) {
            values = vec![Cow::Owned(values.join(&b','))];
        }
        values
    }

    /// The query, unless the parameter `name` was taken out of it.
    pub(super) fn query_with(&self, name: &str) -> Option<&'r str> {
        self.query.filter(|_| !self.changes.removed_params.iter().any(|removed| **removed == *name))
    }

    /// Takes a header out, whoever set it.
    pub(super) fn remove_header(&mut self, name: &HeaderName) {
        self.changes.added_headers.retain(|(added, _)| added != name);
        if !self.changes.removed_headers.contains(name) {
            self.changes.removed_headers.push(name.clone());
        }
    }

    pub(super) fn remove_param(&mut self, name: &str) {
        self.changes.removed_params.push(name.into());
    }

    pub(super) fn add_header(&mut self, name: HeaderName, value: HeaderValue) {
        self.changes.added_headers.push((name, value));
    }
}
