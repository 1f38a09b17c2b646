//! What is legal in metadata and still a mistake.

use url::Url;

use super::{BearerMethod, ResourceIdentifier};
use crate::transport;

/// More scopes than this in a document are a catalogue. Clients ask for all of them at once (MCP security best
/// practices, "Scope Minimization").
pub const MAX_USEFUL_SCOPES: usize = 16;

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
    /// The resource is `http` and not on this machine: tokens for it can be read by everyone on the way.
    #[error("the resource is not https")]
    InsecureResource,
    /// The resource is not where clients reach it: they compare (RFC 9728 §3.3) and stop.
    #[error("the resource is `{resource}`, but clients reach it at `{url}`")]
    ResourceDiffersFromUrl {
        /// The resource identifier.
        resource: String,
        /// Where clients reach it.
        url: String,
    },
    /// More than [`MAX_USEFUL_SCOPES`] scopes, of which clients ask for all.
    #[error("{0} scopes are advertised and clients ask for all of them: name the minimum")]
    ManyScopes(usize),
    /// `*` or a scope that ends in it: clients ask for everything.
    #[error("scope `{0}` is advertised and means everything")]
    WildcardScope(String),
    /// The issuer is not an absolute URL (`host:7777`): clients cannot look for its metadata (RFC 8414 §3).
    #[error("issuer `{0}` is not a URL, clients cannot find its metadata")]
    IssuerNotUrl(String),
    /// The issuer is `http` and not on this machine.
    #[error("issuer `{0}` is not https")]
    InsecureIssuer(String),
    /// The issuer has a path. Several clients look for its metadata in the wrong place (claude-ai-mcp#82,
    /// copilot-cli#4662). A warning where the issuer is somebody else's.
    #[error("issuer `{0}` has a path, some clients do not find its metadata")]
    IssuerPath(String),
    /// The issuer ends in a slash. Several clients drop it, and then `issuer` differs (codex#37373).
    #[error("issuer `{0}` ends in a slash, some clients drop it and then refuse the metadata")]
    IssuerTrailingSlash(String),
}

/// Warnings about one issuer identifier of `authorization_servers`.
fn lint_issuer(issuer: &str) -> Option<MetadataLint> {
    let named = issuer.to_owned();
    match Url::parse(issuer) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && issuer.contains("://") => {
            if !transport::is_secure(&url) {
                Some(MetadataLint::InsecureIssuer(named))
            } else if issuer.ends_with('/') {
                Some(MetadataLint::IssuerTrailingSlash(named))
            } else {
                (url.path() != "/").then_some(MetadataLint::IssuerPath(named))
            }
        }
        _ => Some(MetadataLint::IssuerNotUrl(named)),
    }
}

fn lint_scopes<'a>(scopes: impl Iterator<Item = &'a str>, found: &mut Vec<MetadataLint>) {
    let mut count = 0;
    for scope in scopes {
        count += 1;
        if scope == "offline_access" {
            found.push(MetadataLint::OfflineAccess);
        } else if scope.ends_with('*') {
            found.push(MetadataLint::WildcardScope(scope.to_owned()));
        }
    }
    if count > MAX_USEFUL_SCOPES {
        found.push(MetadataLint::ManyScopes(count));
    }
}

/// Whether the resource is where clients reach it, byte for byte.
pub(super) fn lint_url(resource: &ResourceIdentifier, url: &str) -> Option<MetadataLint> {
    (resource.as_str() != url).then(|| MetadataLint::ResourceDiffersFromUrl {
        resource: resource.as_str().to_owned(),
        url: url.to_owned(),
    })
}

/// Looks at what was configured or received.
pub(super) fn lint<'a>(
    resource: &ResourceIdentifier,
    authorization_servers: &[String],
    methods: impl Iterator<Item = &'a BearerMethod>,
    scopes: impl Iterator<Item = &'a str>,
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
    lint_scopes(scopes, &mut found);
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
    if !transport::is_secure(resource.url()) {
        found.push(MetadataLint::InsecureResource);
    }
    found.extend(authorization_servers.iter().filter_map(|issuer| lint_issuer(issuer)));
    found
}
