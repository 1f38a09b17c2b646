//! What our own server is called.

use mcp_auth_discovery::facade::FacadeIssuer;

use super::super::error::{Fault, Position};
use super::super::fields::Fields;
use super::super::node::Spanned;
use super::super::url::HttpUrl;
use super::super::warning::{Lints, WarningKind};

/// The issuer-proxy shape of `resourceMetadata`: `agentgateway.dev/issuer-proxy` beside `authorizationServers`.
#[derive(Debug, Default)]
pub(in super::super) struct IssuerProxy {
    /// The first of `authorizationServers`, when the vendor's key is written.
    pub(in super::super) server: Option<Spanned<HttpUrl>>,
}

impl IssuerProxy {
    pub(in super::super) fn of(key: Option<Position>, listed: Option<&Spanned<Vec<HttpUrl>>>) -> Self {
        let first = listed.and_then(|listed| Some((listed.value.first()?.clone(), listed.at)));
        Self { server: key.and(first).map(|(value, at)| Spanned { value, at }) }
    }
}

/// `issuer`; in the issuer-proxy shape the authorization server that is listed, else the origin of the resource.
pub(super) fn read(
    fields: &mut Fields,
    resource: &HttpUrl,
    proxied: &IssuerProxy,
    provider_at: Position,
    lints: &mut Lints,
) -> Result<FacadeIssuer, Fault> {
    let (text, at, field) = match (fields.text("issuer")?, &proxied.server) {
        (Some(text), _) => (text.value, text.at, "authorizationServer.issuer"),
        (None, Some(server)) => {
            (server.value.as_str().to_owned(), server.at, "resourceMetadata.authorizationServers")
        }
        (None, None) => {
            let origin = resource.url().origin().ascii_serialization();
            let issuer = FacadeIssuer::parse(&origin).map_err(|e| {
                let message = format!(
                    "`provider` makes the origin of the resource, `{origin}`, an authorization server, and its {e}; \
                     `authorizationServer.issuer` can say another one"
                );
                Fault::invalid(provider_at, message)
            })?;
            return Ok(issuer);
        }
    };
    let issuer = FacadeIssuer::with_path(&text).map_err(|e| Fault::invalid(at, format!("`{field}`: {e}")))?;
    if issuer.has_path() {
        let message = format!("`{text}` has a path: some clients do not find the metadata of such an issuer");
        lints.add(WarningKind::FacadeIssuer, at, message);
    }
    Ok(issuer)
}
