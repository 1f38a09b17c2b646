//! `oauthTokenExchange`: one request.

use mcp_auth_discovery::Scopes;
use mcp_auth_exchange::plan::Step;
use mcp_auth_exchange::{AuthorizationDetails, Resource, TokenTypeUri};

use super::super::authentication::HeaderLocation;
use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::node::{Node, Spanned};
use super::super::secret::path;
use super::super::warning::Lints;
use super::issued::Issued;
use super::takes::{self, Overrides};
use super::{Actor, Client, Leg, Read, endpoint, parameters, profile};

pub(super) fn read(node: Node, lints: &mut Lints) -> Result<Read, Fault> {
    const KNOWN: [&str; 19] = [
        "host",
        "path",
        "policies",
        endpoint::DANGER,
        "provider",
        "issuer",
        "grantType",
        "actorToken",
        "audiences",
        "resources",
        "scopes",
        "authorizationDetails",
        "connection",
        "loginHint",
        "clientAuth",
        "additionalParams",
        "dpop",
        "cache",
        "authorizationLocation",
    ];
    let known = [KNOWN.as_slice(), takes::FIELDS.as_slice()].concat();
    let mut fields = Fields::new(node, "oauthTokenExchange", &known, &["service", "backend"])?;
    let endpoint = endpoint::read(&mut fields, lints)?;
    let at_endpoint = endpoint.clone();
    let mut parameters = match fields.take("additionalParams") {
        None => parameters::Read::default(),
        Some(node) => parameters::read(node, lints)?,
    };
    // How agentgateway writes Entra's on-behalf-of flow.
    let on_behalf_of = |(name, value): &(Spanned<String>, String)| {
        name.value == "requested_token_use" && value == "on_behalf_of"
    };
    let entra = parameters.fixed.iter().any(on_behalf_of);
    parameters.fixed.retain(|parameter| !on_behalf_of(parameter));
    let profile = profile::read(&mut fields, entra)?;
    let overrides = Overrides::read(&mut fields)?;
    let profile = overrides.apply(profile);
    let client = fields.take("clientAuth").map(Client::read).transpose()?.unwrap_or(Client::Anonymous);
    let client = client.fits(&endpoint)?;
    let actor = fields.take("actorToken").map(read_actor).transpose()?;
    let mut step = Step::new(profile, endpoint, client.without_secret());
    if let Some(node) = fields.take("audiences") {
        step = node.texts("audiences")?.into_iter().fold(step, |step, text| step.audience(text.value));
    }
    step = with_resources(step, &mut fields)?;
    if let Some(scopes) = scopes(&mut fields, "scopes")? {
        step = step.scope(&scopes);
    }
    if let Some(text) = fields.text("authorizationDetails")? {
        let details = AuthorizationDetails::parse(&text.value);
        let wrong = |e| Fault::invalid(text.at, format!("`authorizationDetails`: {e}"));
        step = step.authorization_details(details.map_err(wrong)?);
    }
    if let Some(connection) = fields.text("connection")? {
        step = step.connection(connection.value);
    }
    if let Some(hint) = fields.text("loginHint")? {
        step = step.login_hint(hint.value);
    }
    for (name, value) in parameters.fixed {
        let wrong = |e| Fault::invalid(name.at, format!("`additionalParams`: {e}"));
        step = step.parameter(&name.value, &value).map_err(wrong)?;
    }
    let issuer = fields.take("issuer").map(|node| endpoint::read_issuer(node, &at_endpoint)).transpose()?;
    let dpop = fields.take("dpop").map(|node| node.boolean("dpop")).transpose()?.unwrap_or(false);
    let issued =
        fields.take("cache").map(|node| Issued::read_cache(node, lints)).transpose()?.unwrap_or_default();
    let location = fields.take("authorizationLocation").map(HeaderLocation::read_outgoing).transpose()?;
    let needs_actor = overrides.needs_actor();
    let legs = vec![Leg { step, client, issuer, dpop, needs_actor }];
    Ok(Read { legs, block: None, issued, location, actor, own: parameters.own })
}

/// `resources` (RFC 8707).
pub(super) fn with_resources(step: Step, fields: &mut Fields) -> Result<Step, Fault> {
    let Some(node) = fields.take("resources") else { return Ok(step) };
    node.texts("resources")?.into_iter().try_fold(step, |step, text| {
        let wrong = |e| Fault::invalid(text.at, format!("`resources`: {e}"));
        Ok(step.resource(Resource::parse(&text.value).map_err(wrong)?))
    })
}

/// A list of scopes; `None` where it is not written.
pub(super) fn scopes(fields: &mut Fields, field: &'static str) -> Result<Option<Scopes>, Fault> {
    let Some(node) = fields.take(field) else { return Ok(None) };
    let at = node.at;
    let texts: Vec<String> = node.texts(field)?.into_iter().map(|text| text.value).collect();
    let scopes = Scopes::new(&texts).map_err(|e| Fault::invalid(at, format!("`{field}`: {e}")))?;
    Ok(Some(scopes))
}

/// agentgateway takes the actor's token from an expression; here it stands in a file, which is followed.
pub(super) fn read_actor(node: Node) -> Result<Actor, Fault> {
    let known = ["file", "tokenType", "enforceMayAct"];
    let mut fields = Fields::new(node, "actorToken", &known, &["source"])?;
    let file = path(fields.require("file")?, "actorToken.file")?;
    let token_type = match fields.take("tokenType") {
        None => TokenTypeUri::ACCESS_TOKEN,
        Some(node) => profile::token_type(node, "tokenType")?,
    };
    let may_act = fields.take("enforceMayAct").map(|node| node.boolean("enforceMayAct")).transpose()?;
    Ok(Actor { file, token_type, may_act: may_act.unwrap_or(false) })
}
