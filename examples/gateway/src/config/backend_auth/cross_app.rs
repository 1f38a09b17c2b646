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
use super::takes::Overrides;
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
    let idp = Server::read(fields.require("identityProvider")?, &IDENTITY_PROVIDER, lints)?;
    let server = Server::read(fields.require("resourceAuthorizationServer")?, &RESOURCE_SERVER, lints)?;
    let mut issuer = idp.overrides.apply(ExchangeProfile::id_jag_issuer());
    if let Some(uri) = fields.take("subjectToken").map(profile::subject_token).transpose()?.flatten() {
        issuer = issuer.takes_subject_token(uri);
    }
    if idp.pairwise {
        issuer = issuer.keeps_subject_in(None);
    }
    let audience = fields.require("audience")?.filled_text("audience")?;
    let mut first = Step::new(issuer, idp.endpoint, idp.client.without_secret()).audience(&audience.value);
    first = exchange::with_resources(first, &mut fields)?;
    let scopes = exchange::scopes(&mut fields, "scopes")?;
    if let Some(scopes) = &scopes {
        first = first.scope(scopes);
    }
    let redeems = server.overrides.apply(ExchangeProfile::jwt_bearer());
    let mut second = Step::new(redeems, server.endpoint, server.client.without_secret());
    // As agentgateway reads it: not written, those of the ID-JAG; an empty list, none is sent.
    let asked: Option<Scopes> = exchange::scopes(&mut fields, "accessTokenScopes")?.or(scopes);
    if let Some(scopes) = asked {
        second = second.scope(&scopes);
    }
    let dpop = fields.take("dpop").map(|node| node.boolean("dpop")).transpose()?.unwrap_or(false);
    let issued =
        fields.take("cache").map(|node| Issued::read_cache(node, lints)).transpose()?.unwrap_or_default();
    let location = fields.take("authorizationLocation").map(HeaderLocation::read_outgoing).transpose()?;
    let legs = vec![
        Leg { step: first, client: idp.client, issuer: None, dpop: false, needs_actor: None },
        Leg { step: second, client: server.client, issuer: Some(audience.value), dpop, needs_actor: None },
    ];
    Ok(Read { legs, block: None, issued, location, actor: None, own: Vec::new() })
}

/// One of the two servers.
struct Server {
    endpoint: TokenEndpoint,
    client: Client,
    overrides: Overrides,
    /// Whether each client knows users by other names, so that an ID-JAG has another `sub` than the ID token.
    pairwise: bool,
}

/// What can be said of each.
struct Role {
    name: &'static str,
    parameters: &'static [&'static str],
    own: &'static [&'static str],
    /// Whether it sees the user's own token.
    user: bool,
}

const IDENTITY_PROVIDER: Role = Role {
    name: "identityProvider",
    parameters: &["resource", "scope"],
    own: &["pairwiseSubjects"],
    user: true,
};

const RESOURCE_SERVER: Role =
    Role { name: "resourceAuthorizationServer", parameters: &["scope"], own: &[], user: false };

impl Server {
    fn read(node: Node, role: &Role, lints: &mut Lints) -> Result<Self, Fault> {
        let known = ["host", "path", "policies", endpoint::DANGER, "clientAuth", "takes", "errors"];
        let known = [known.as_slice(), role.own].concat();
        let mut fields = Fields::new(node, role.name, &known, &["service", "backend"])?;
        let endpoint = endpoint::read(&mut fields, lints)?;
        let client = Client::read(fields.require("clientAuth")?)?.fits(&endpoint)?;
        let overrides = Overrides::of_leg(&mut fields, role.parameters, role.user)?;
        let pairwise =
            fields.take("pairwiseSubjects").map(|node| node.boolean("pairwiseSubjects")).transpose()?;
        Ok(Self { endpoint, client, overrides, pairwise: pairwise.unwrap_or(false) })
    }
}
