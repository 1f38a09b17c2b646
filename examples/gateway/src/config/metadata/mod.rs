//! `resourceMetadata`: the document of RFC 9728 that tells a client where to get a token.

mod members;

use mcp_auth_discovery::well_known::protected_resource_path;

pub(crate) use self::members::{Members, SignedMetadata};

use super::error::{Fault, Position};
use super::fields::Fields;
use super::node::{Kind, Node, Spanned};
use super::scopes;
use super::url::HttpUrl;
use super::warning::{Lints, WarningKind};

/// What the protected resource metadata says
/// ([RFC 9728, section 2](https://www.rfc-editor.org/rfc/rfc9728#section-2)).
///
/// There is no `bearer_methods_supported`: the gateway takes a token from a header only, so that is what it
/// advertises, whatever the file lists.
#[derive(Clone, Debug)]
pub(crate) struct ResourceMetadata {
    /// The resource identifier: the URL under which clients reach this route.
    pub(crate) resource: HttpUrl,
    /// The scopes, without `offline_access`. Empty: left out of the document.
    pub(crate) scopes_supported: Vec<String>,
    /// What is passed on.
    pub(crate) members: Members,
    /// The authorization servers; the issuer when the file lists none. Never empty.
    pub(crate) authorization_servers: Vec<HttpUrl>,
}

/// [`ResourceMetadata`] before the issuer and the audiences fill its gaps.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// `resource`.
    pub(super) resource: Option<Spanned<HttpUrl>>,
    scopes_supported: Vec<String>,
    members: Members,
    /// `authorizationServers`.
    pub(super) authorization_servers: Option<Spanned<Vec<HttpUrl>>>,
    /// Where `agentgateway.dev/issuer-proxy` is written. Its value is an address inside of another gateway; it is not
    /// kept, and so cannot get into the document.
    pub(super) issuer_proxy: Option<Position>,
}

const WHAT: &str = "resourceMetadata";

/// Where another gateway proxies an authorization server.
const ISSUER_PROXY: &str = "agentgateway.dev/issuer-proxy";

impl ResourceMetadata {
    /// The path of the document, as
    /// [`ResourceIdentifier::metadata_path`](mcp_auth_discovery::ResourceIdentifier::metadata_path) gives it
    /// ([RFC 9728, section 3.1](https://www.rfc-editor.org/rfc/rfc9728#section-3.1)).
    pub(crate) fn well_known_path(&self) -> String {
        protected_resource_path(self.resource.url())
    }
}

impl Draft {
    pub(super) fn read(node: Node, lints: &mut Lints) -> Result<Self, Fault> {
        const KNOWN: [&str; 5] =
            ["resource", "scopesSupported", "bearerMethodsSupported", "authorizationServers", ISSUER_PROXY];
        let known = [&KNOWN[..], &members::FIELDS].concat();
        let mut fields = Fields::new(unnest(node, lints)?, WHAT, &known, &[])?;
        if let Some(node) = fields.take("bearerMethodsSupported") {
            lint_bearer_methods(node, lints)?;
        }
        let resource = match fields.take("resource") {
            None => None,
            Some(node) => {
                let at = node.at;
                let url = HttpUrl::read(node, "resource")?;
                url.warn_if_plain("resource", at, lints);
                Some(Spanned { value: url, at })
            }
        };
        let scopes_supported = match fields.take("scopesSupported") {
            None => Vec::new(),
            Some(node) => read_scopes(node, lints)?,
        };
        let members = Members::read(&mut fields, lints)?;
        let authorization_servers =
            fields.take("authorizationServers").map(|node| read_servers(node, lints)).transpose()?;
        let issuer_proxy = fields.take(ISSUER_PROXY).map(read_issuer_proxy).transpose()?;
        Ok(Self { resource, scopes_supported, members, authorization_servers, issuer_proxy })
    }

    /// Fills the gaps.
    pub(super) fn finish(self, resource: HttpUrl, authorization_servers: Vec<HttpUrl>) -> ResourceMetadata {
        ResourceMetadata {
            resource,
            scopes_supported: self.scopes_supported,
            members: self.members,
            authorization_servers,
        }
    }
}

/// Some published examples nest `resourceMetadata` in itself.
fn unnest(node: Node, lints: &mut Lints) -> Result<Node, Fault> {
    let at = node.at;
    let mut entries = node.mapping(WHAT)?;
    if entries.len() == 1
        && let Some((key, inner)) = entries.pop_if(|(key, _)| key.value == WHAT)
    {
        let message = "`resourceMetadata` is nested twice, the inner one is used";
        lints.add(WarningKind::NestedMetadata, key.at, message);
        return Ok(inner);
    }
    Ok(Node { kind: Kind::Mapping(entries), at })
}

fn lint_bearer_methods(node: Node, lints: &mut Lints) -> Result<(), Fault> {
    const FIELD: &str = "bearerMethodsSupported";
    for method in node.texts(FIELD)? {
        match method.value.as_str() {
            "header" => {}
            "query" => {
                let message = "MCP forbids tokens in the query; only `header` is advertised";
                lints.add(WarningKind::BearerMethod, method.at, message);
            }
            "body" => {
                let message =
                    "MCP takes tokens in the Authorization header only; only `header` is advertised";
                lints.add(WarningKind::BearerMethod, method.at, message);
            }
            other => {
                let known = ["header", "body", "query"];
                return Err(Fault::unknown_word(method.at, other, "`bearerMethodsSupported`", &known));
            }
        }
    }
    Ok(())
}

fn read_scopes(node: Node, lints: &mut Lints) -> Result<Vec<String>, Fault> {
    let mut scopes = Vec::new();
    for scope in node.texts("scopesSupported")? {
        scopes::refuse_other(&scope, "scopesSupported")?;
        if scope.value == "offline_access" {
            let message =
                "`offline_access` is between a client and its authorization server; it is not advertised";
            lints.add(WarningKind::OfflineAccess, scope.at, message);
        } else {
            scopes.push(scope.value);
        }
    }
    Ok(scopes)
}

fn read_servers(node: Node, lints: &mut Lints) -> Result<Spanned<Vec<HttpUrl>>, Fault> {
    const FIELD: &str = "authorizationServers";
    let at = node.at;
    let read = |node: Node| {
        let at: Position = node.at;
        let url = HttpUrl::read(node, FIELD)?;
        url.warn_if_plain(FIELD, at, lints);
        Ok(url)
    };
    let value = node.filled_list(FIELD)?.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(Spanned { value, at })
}

/// A URL or an address such as `:7777/oauth-issuer`.
fn read_issuer_proxy(node: Node) -> Result<Position, Fault> {
    let text = node.filled_text(ISSUER_PROXY)?;
    if text.value.contains(|c: char| c == '@' || c.is_whitespace()) {
        let message = format!("`{ISSUER_PROXY}` must be an address such as `:7777/oauth-issuer`");
        return Err(Fault::invalid(text.at, message));
    }
    Ok(text.at)
}
