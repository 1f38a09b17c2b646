//! What is legal in metadata and still a mistake.

use super::{BearerMethod, ResourceIdentifier};

/// A warning about protected resource metadata: not an error, but a client will stumble or a token will go
/// where it should not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataLint {
    /// A bearer method other than `header` is advertised. MCP forbids `query`, and `body` is not accepted.
    #[error("bearer method `{0}` is advertised, but only `header` is accepted")]
    BearerMethod(&'static str),
    /// `offline_access` is in `scopes_supported`: asking for refresh tokens is the client's business (SEP-2207).
    #[error("`offline_access` in scopes_supported")]
    OfflineAccess,
    /// An accepted audience is not the resource: clients send the resource (RFC 8707) and get tokens for it.
    #[error("audience `{0}` differs from the resource")]
    Audience(String),
    /// The resource ends in a slash. Clients and identity providers add and drop it, and strings then differ.
    #[error("the resource ends in a slash")]
    TrailingSlash,
    /// The resource has a query, which RFC 9728 §1.2 advises against.
    #[error("the resource has a query")]
    Query,
    /// No authorization server is named: MCP requires at least one.
    #[error("authorization_servers is empty")]
    NoAuthorizationServer,
}

/// Looks at what was configured or received.
pub(super) fn lint<'a>(
    resource: &ResourceIdentifier,
    authorization_servers: &[String],
    methods: impl Iterator<Item = &'a BearerMethod>,
    mut scopes: impl Iterator<Item = &'a str>,
    audiences: &[&str],
) -> Vec<MetadataLint> {
    let mut found = Vec::new();
    if authorization_servers.is_empty() {
        found.push(MetadataLint::NoAuthorizationServer);
    }
    found.extend(
        methods
            .filter(|method| !matches!(method, BearerMethod::Header))
            .map(|method| MetadataLint::BearerMethod(method.as_str())),
    );
    if scopes.any(|scope| scope == "offline_access") {
        found.push(MetadataLint::OfflineAccess);
    }
    found.extend(
        audiences
            .iter()
            .filter(|audience| **audience != resource.as_str())
            .map(|audience| MetadataLint::Audience((*audience).to_owned())),
    );
    if resource.as_str().split('?').next().is_some_and(|text| text.ends_with('/')) {
        found.push(MetadataLint::TrailingSlash);
    }
    if resource.url().query().is_some() {
        found.push(MetadataLint::Query);
    }
    found
}
