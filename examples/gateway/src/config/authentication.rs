//! `mcpAuthentication`: which tokens a route accepts.

use mcp_auth_tower::exchange::check_token_header;

use super::error::{ConfigErrorKind, Fault, Position};
use super::facade::{self, Facade, IssuerProxy};
use super::fields::Fields;
use super::jwks::Jwks;
use super::metadata::{Draft, ResourceMetadata};
use super::node::{Node, Spanned};
use super::path_match::read_header_name;
use super::suggest;
use super::url::HttpUrl;
use super::warning::{Lints, WarningKind};

/// Which tokens a route accepts, and what it tells clients about them.
#[derive(Clone, Debug)]
pub(crate) struct McpAuthentication {
    /// What happens without a valid token.
    pub(crate) mode: Mode,
    /// The exact value of `iss`, as written.
    pub(crate) issuer: Spanned<String>,
    /// One of these must be in `aud`. Never empty: when the file lists none, it is the resource.
    pub(crate) audiences: Vec<String>,
    /// Where the issuer's keys are.
    pub(crate) jwks: Jwks,
    /// The protected resource metadata.
    pub(crate) resource_metadata: ResourceMetadata,
    /// The claims that must be there. Those that are there are checked in any case.
    pub(crate) required_claims: Vec<RequiredClaim>,
    /// Where the token is in a request.
    pub(crate) authorization_location: HeaderLocation,
    /// Our own authorization server, where a provider is not one that MCP clients can use.
    pub(crate) facade: Option<Box<Facade>>,
    /// Where the policy begins in the file.
    pub(crate) at: Position,
}

/// What happens without a valid token.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Mode {
    /// No token and a bad token are both refused.
    #[default]
    Strict,
    /// No token passes, a bad token is refused.
    Optional,
    /// Everything passes; a bad token counts as none.
    Permissive,
}

/// A claim of [RFC 7519, section 4.1](https://www.rfc-editor.org/rfc/rfc7519#section-4.1) whose presence can be
/// required.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RequiredClaim {
    /// `exp`.
    Exp,
    /// `nbf`.
    Nbf,
    /// `aud`.
    Aud,
    /// `iss`.
    Iss,
    /// `sub`.
    Sub,
}

/// A header and what stands in it before the token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct HeaderLocation {
    /// The header's name in lower case.
    pub(crate) name: String,
    /// What stands before the token, such as `Bearer ` with its space. Maybe empty.
    pub(crate) prefix: String,
}

impl McpAuthentication {
    pub(super) fn read(node: Node, lints: &mut Lints) -> Result<Self, Fault> {
        const KNOWN: [&str; 8] = [
            "mode",
            "issuer",
            "audiences",
            "jwks",
            "jwksUrl",
            "resourceMetadata",
            "jwtValidationOptions",
            "authorizationLocation",
        ];
        let known: Vec<&str> = KNOWN.into_iter().chain(facade::FIELDS).collect();
        let mut fields = Fields::new(node, "mcpAuthentication", &known, &[])?;
        let at = fields.at();
        let mode = fields.text("mode")?.map(|text| Mode::read(&text, lints)).transpose()?.unwrap_or_default();
        let issuer = fields.require("issuer")?.filled_text("issuer")?;
        let provider = facade::take_provider(&mut fields, &issuer)?;
        let jwks = Jwks::read(&mut fields, provider.as_ref(), lints)?;
        let audiences = fields.take("audiences").map(read_audiences).transpose()?;
        let draft = fields.take("resourceMetadata").map(|node| Draft::read(node, lints)).transpose()?;
        let mut draft = draft.unwrap_or_default();
        let (audiences, resource) = reconcile(at, audiences, &mut draft, provider.is_some(), lints)?;
        let listed = draft.authorization_servers.take();
        let facade = match provider {
            None => None,
            Some(provider) => {
                let proxied = IssuerProxy::of(draft.issuer_proxy, listed.as_ref());
                Some(Box::new(Facade::read(&mut fields, provider, &resource, &proxied, lints)?))
            }
        };
        let servers = match (&facade, listed) {
            (Some(facade), listed) => with_facade(facade, listed)?,
            (None, Some(listed)) => listed.value,
            (None, None) => vec![read_issuer_url(&issuer, lints)?],
        };
        if let (None, Some(at)) = (&facade, draft.issuer_proxy) {
            let message = "`agentgateway.dev/issuer-proxy` is not used: clients get `authorizationServers`; with \
                           `provider` this gateway is an authorization server of its own";
            lints.add(WarningKind::IssuerProxy, at, message);
        }
        let resource_metadata = draft.finish(resource, servers);
        let required_claims = match fields.take("jwtValidationOptions") {
            None => vec![RequiredClaim::Exp],
            Some(node) => read_validation_options(node, lints)?,
        };
        let authorization_location = match fields.take("authorizationLocation") {
            None => HeaderLocation::default(),
            Some(node) => HeaderLocation::read(node)?,
        };
        lint_issuer_slash(&issuer, &jwks, lints);
        Ok(Self {
            mode,
            issuer,
            audiences,
            jwks,
            resource_metadata,
            required_claims,
            authorization_location,
            facade,
            at,
        })
    }
}

impl Mode {
    fn read(text: &Spanned<String>, lints: &mut Lints) -> Result<Self, Fault> {
        match text.value.to_ascii_lowercase().as_str() {
            "strict" => Ok(Self::Strict),
            "optional" => Ok(Self::Optional),
            "permissive" => {
                lints.add(
                    WarningKind::PermissiveMode,
                    text.at,
                    "mode `permissive` lets requests with a bad token pass",
                );
                Ok(Self::Permissive)
            }
            _ => {
                let known = ["strict", "optional", "permissive"];
                Err(Fault::unknown_word(text.at, &text.value, "`mode`", &known))
            }
        }
    }
}

impl RequiredClaim {
    const NAMES: [&'static str; 5] = ["exp", "nbf", "aud", "iss", "sub"];

    /// The claim's name in a token.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Exp => "exp",
            Self::Nbf => "nbf",
            Self::Aud => "aud",
            Self::Iss => "iss",
            Self::Sub => "sub",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Exp, Self::Nbf, Self::Aud, Self::Iss, Self::Sub]
            .into_iter()
            .find(|claim| claim.as_str() == name)
    }
}

impl Default for HeaderLocation {
    fn default() -> Self {
        Self { name: "authorization".to_owned(), prefix: "Bearer ".to_owned() }
    }
}

impl HeaderLocation {
    /// Where a token of our own goes: not into a header that means something else.
    pub(super) fn read_outgoing(node: Node) -> Result<Self, Fault> {
        let at = node.at;
        let location = Self::read(node)?;
        let wrong = |e: &dyn std::fmt::Display| Fault::invalid(at, format!("`authorizationLocation`: {e}"));
        let header = location.name.parse().map_err(|e: http::header::InvalidHeaderName| wrong(&e))?;
        check_token_header(&header).map_err(|e| wrong(&e))?;
        Ok(location)
    }

    pub(super) fn read(node: Node) -> Result<Self, Fault> {
        let unsupported = ["queryParameter", "cookie", "expression"];
        let mut fields = Fields::new(node, "authorizationLocation", &["header"], &unsupported)?;
        let header = fields.require("header")?;
        let mut fields = Fields::new(header, "authorizationLocation.header", &["name", "prefix"], &[])?;
        let name = read_header_name(fields.require("name")?, "name")?;
        let prefix = fields.take("prefix").map(|node| node.text("prefix")).transpose()?;
        let odd = |c: char| !(c.is_ascii_graphic() || c == ' ');
        if let Some(prefix) = prefix.as_ref().filter(|prefix| prefix.value.contains(odd)) {
            return Err(Fault::invalid(prefix.at, "`prefix` must be printable ASCII"));
        }
        Ok(Self { name, prefix: prefix.map(|text| text.value).unwrap_or_default() })
    }
}

/// An empty list would accept the issuer's tokens for every other service.
fn read_audiences(node: Node) -> Result<Spanned<Vec<String>>, Fault> {
    let at = node.at;
    let texts = node.texts("audiences")?;
    if texts.is_empty() {
        let message = "`audiences: []` would switch audience validation off, so that a token for any other service \
                       of the issuer passes; leave `audiences` out to use resourceMetadata.resource";
        return Err(Fault::invalid(at, message));
    }
    Ok(Spanned { value: texts.into_iter().map(|text| text.value).collect(), at })
}

/// Audience and resource stand in for each other.
fn reconcile(
    at: Position,
    audiences: Option<Spanned<Vec<String>>>,
    draft: &mut Draft,
    has_facade: bool,
    lints: &mut Lints,
) -> Result<(Vec<String>, HttpUrl), Fault> {
    Ok(match (audiences, draft.resource.take()) {
        (None, None) => {
            let message = "`audiences` or `resourceMetadata.resource` is needed: without them a token for any \
                           other service of the issuer would pass";
            return Err(Fault::new(ConfigErrorKind::MissingField, at, message));
        }
        (None, Some(resource)) => (vec![resource.value.as_str().to_owned()], resource.value),
        (Some(audiences), Some(resource)) => {
            let text = resource.value.as_str();
            // A facade translates the one into the other.
            if !has_facade && !audiences.value.iter().any(|audience| audience == text) {
                let message = format!(
                    "`audiences` does not contain the resource `{text}`, which is what clients ask for"
                );
                lints.add(WarningKind::AudienceNotResource, audiences.at, message);
            }
            (audiences.value, resource.value)
        }
        (Some(audiences), None) => {
            let first = audiences.value.first().map(String::as_str).unwrap_or_default();
            let resource = HttpUrl::parse(first, "audiences", audiences.at).map_err(|_| {
                let message = "`resourceMetadata.resource` is needed when the first audience is not an http or https URL";
                Fault::new(ConfigErrorKind::MissingField, at, message)
            })?;
            let message = format!(
                "`resourceMetadata.resource` is absent, the first audience `{first}` is taken for it"
            );
            lints.add(WarningKind::ResourceFromAudience, audiences.at, message);
            resource.warn_if_plain("audiences", audiences.at, lints);
            (audiences.value, resource)
        }
    })
}

/// The facade is what clients are sent to; others may be listed beside it.
fn with_facade(facade: &Facade, listed: Option<Spanned<Vec<HttpUrl>>>) -> Result<Vec<HttpUrl>, Fault> {
    let issuer = facade.issuer();
    match listed {
        None => Ok(vec![HttpUrl::parse(issuer, "authorizationServer.issuer", facade.at)?]),
        Some(listed) if listed.value.iter().any(|url| url.as_str() == issuer) => Ok(listed.value),
        Some(listed) => {
            let message = format!(
                "`authorizationServers` does not name `{issuer}`, the authorization server that `provider` makes of \
                 this gateway: leave it out, or set `authorizationServer.issuer`"
            );
            Err(Fault::new(ConfigErrorKind::Conflict, listed.at, message))
        }
    }
}

/// An opaque issuer is fine for comparing with `iss`, but nobody can get a token from it.
fn read_issuer_url(issuer: &Spanned<String>, lints: &mut Lints) -> Result<HttpUrl, Fault> {
    let url = HttpUrl::parse(&issuer.value, "issuer", issuer.at).map_err(|_| {
        let found = super::url::quoted(&issuer.value);
        let message = format!(
            "`issuer` must be an http or https URL without resourceMetadata.authorizationServers{found}"
        );
        Fault::invalid(issuer.at, message)
    })?;
    url.warn_if_plain("issuer", issuer.at, lints);
    Ok(url)
}

fn read_validation_options(node: Node, lints: &mut Lints) -> Result<Vec<RequiredClaim>, Fault> {
    let mut fields = Fields::new(node, "jwtValidationOptions", &["requiredClaims"], &[])?;
    let Some(node) = fields.take("requiredClaims") else { return Ok(vec![RequiredClaim::Exp]) };
    let at = node.at;
    let mut claims = Vec::new();
    for name in node.texts("requiredClaims")? {
        match RequiredClaim::from_name(&name.value) {
            Some(claim) if claims.contains(&claim) => {}
            Some(claim) => claims.push(claim),
            None => {
                let known = suggest::list(&RequiredClaim::NAMES);
                let message =
                    format!("requiredClaims `{}` is ignored, only {known} are recognised", name.value);
                lints.add(WarningKind::UnknownClaim, name.at, message);
            }
        }
    }
    if !claims.contains(&RequiredClaim::Exp) {
        let message =
            "`exp` is not required: a token without it stays valid until the signing key is rotated";
        lints.add(WarningKind::ExpirationNotRequired, at, message);
    }
    Ok(claims)
}

/// Auth0's issuer is `https://tenant/`, with a slash; an issuer with a path has none at Keycloak, Okta and Entra.
fn lint_issuer_slash(issuer: &Spanned<String>, jwks: &Jwks, lints: &mut Lints) {
    let (Some(stem), Jwks::Url(jwks)) = (issuer.value.strip_suffix('/'), jwks) else { return };
    let Ok(url) = HttpUrl::parse(&issuer.value, "issuer", issuer.at) else { return };
    let has_path = url.url().path() != "/";
    if has_path && url.url().origin() == jwks.url().origin() && !jwks.as_str().ends_with('/') {
        let message =
            format!("`issuer` ends with a slash and is compared exactly with `iss`; did you mean `{stem}`?");
        lints.add(WarningKind::IssuerSlash, issuer.at, message);
    }
}
