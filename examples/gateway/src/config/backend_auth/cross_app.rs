//! `crossAppAccess`: an ID-JAG of the users' identity provider, redeemed at the server of the resource
//! (draft-ietf-oauth-identity-assertion-authz-grant).

use mcp_auth_discovery::Scopes;
use mcp_auth_exchange::TokenEndpoint;
use mcp_auth_exchange::plan::Step;
use mcp_auth_exchange::provider::ExchangeProfile;

use super::super::authentication::HeaderLocation;
use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::node::Node;
use super::super::warning::Lints;
use super::issued::Issued;
use super::{Client, Leg, Read, endpoint, exchange, profile};

pub(super) fn read(node: Node, lints: &mut Lints) -> Result<Read, Fault> {
    let known = [
        "identityProvider",
        "resourceAuthorizationServer",
        "audience",
        "resources",
        "scopes",
        "accessTokenScopes",
        "subjectToken",
        "dpop",
        "cache",
        "authorizationLocation",
    ];
    let mut fields = Fields::new(node, "crossAppAccess", &known, &[])?;
    let (idp, idp_client) = server(fields.require("identityProvider")?, "identityProvider", lints)?;
    let place = "resourceAuthorizationServer";
    let (server, client) = server(fields.require(place)?, place, lints)?;
    let mut issuer = ExchangeProfile::id_jag_issuer();
    if let Some(node) = fields.take("subjectToken") {
        issuer = profile::subject_token(node, issuer)?;
    }
    let audience = fields.require("audience")?.filled_text("audience")?;
    let mut first = Step::new(issuer, idp, idp_client.without_secret()).audience(&audience.value);
    first = exchange::with_resources(first, &mut fields)?;
    let scopes = exchange::scopes(&mut fields, "scopes")?;
    if let Some(scopes) = &scopes {
        first = first.scope(scopes);
    }
    let mut second = Step::new(ExchangeProfile::jwt_bearer(), server, client.without_secret());
    // As agentgateway reads it: not written, those of the ID-JAG; an empty list, none is sent.
    let asked: Option<Scopes> = exchange::scopes(&mut fields, "accessTokenScopes")?.or(scopes);
    if let Some(scopes) = asked {
        second = second.scope(&scopes);
    }
    let dpop = fields.take("dpop").map(|node| node.boolean("dpop")).transpose()?.unwrap_or(false);
    let issued = fields.take("cache").map(Issued::read_cache).transpose()?.unwrap_or_default();
    let location = fields.take("authorizationLocation").map(HeaderLocation::read_outgoing).transpose()?;
    let legs = vec![
        Leg { step: first, client: idp_client, issuer: None, dpop: false },
        Leg { step: second, client, issuer: Some(audience.value), dpop },
    ];
    Ok(Read { legs, block: None, issued, location, actor: None, own: Vec::new() })
}

fn server(node: Node, what: &'static str, lints: &mut Lints) -> Result<(TokenEndpoint, Client), Fault> {
    let known = ["host", "path", "policies", endpoint::DANGER, "clientAuth"];
    let mut fields = Fields::new(node, what, &known, &["service", "backend"])?;
    let endpoint = endpoint::read(&mut fields, lints)?;
    let client = Client::read(fields.require("clientAuth")?)?.fits(&endpoint)?;
    Ok((endpoint, client))
}
