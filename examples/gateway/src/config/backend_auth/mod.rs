//! `backendAuth`: what the gateway shows to the backend in the caller's place.
//!
//! Four ways to say it, of which a policy has one:
//!
//! - `oauthTokenExchange`, one request, as agentgateway writes it;
//! - `crossAppAccess`, an ID-JAG and its redemption at another server, as agentgateway writes it;
//! - `tokenExchange`, the block of `spec.backend.tokenExchange`;
//! - `byCaller`, ours: a list of these, each for some callers.

mod assertion;
mod client;
mod cross_app;
mod endpoint;
mod exchange;
mod issued;
mod parameters;
mod profile;
mod secrets;
mod takes;
#[cfg(test)]
mod tests;
mod token_exchange;

use std::collections::HashMap;
use std::path::PathBuf;

use mcp_auth_exchange::plan::{ExchangePlan, Selector, Step};
use mcp_auth_exchange::{ClientCredential, TokenTypeUri};

pub(crate) use assertion::{Assertion, CertificateHeader};
pub(crate) use client::{CERTIFICATE, Client, Method};
pub(super) use client::{no_certificate, no_tls};
pub(crate) use parameters::{Expression, evaluate};
pub(super) use token_exchange::Install;

use self::issued::Issued;
use self::token_exchange::TokenExchange;
use super::authentication::{HeaderLocation, McpAuthentication};
use super::error::{ConfigErrorKind, Fault, Position};
use super::fields::Fields;
use super::node::{Kind, Node, Spanned};
use super::suggest;
use super::warning::{Lints, WarningKind};

/// What the gateway shows to the backend: a token that the caller's was exchanged for.
#[derive(Clone, Debug)]
pub(crate) struct BackendAuth {
    /// How it is got, for whom. The first that fits counts. Never empty.
    pub(crate) ways: Vec<Way>,
    /// Where the issued token goes.
    pub(crate) location: HeaderLocation,
    /// Who acts for the caller.
    pub(crate) actor: Option<Actor>,
    /// Where the policy begins in the file.
    pub(crate) at: Position,
}

/// Who acts for the caller.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    /// Where his token is.
    pub(crate) file: Spanned<PathBuf>,
    pub(crate) token_type: TokenTypeUri,
    /// Whether the caller's token has to let him act.
    pub(crate) may_act: bool,
}

/// How a token is got for some callers.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// For whom.
    pub(crate) selector: Selector,
    /// The requests, one after the other. Empty while `block` is not resolved.
    pub(crate) legs: Vec<Leg>,
    /// What each request adds to the first leg.
    pub(crate) own: Vec<Expression>,
    issued: Issued,
    /// `spec.backend.tokenExchange`, until it meets what is set for the whole gateway.
    block: Option<TokenExchange>,
    at: Position,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Leg {
    /// All but the client's credential.
    step: Step,
    /// As whom the gateway asks.
    pub(crate) client: Client,
    /// Who is at its endpoint, where the file says so: what he says of himself is looked at after the start.
    pub(crate) issuer: Option<String>,
    /// Whether the token is to be bound to a key of the gateway (RFC 9449).
    pub(crate) dpop: bool,
    /// Where the file says that its server wants to know who acts.
    needs_actor: Option<Position>,
}

/// What one of the ways says, read.
struct Read {
    legs: Vec<Leg>,
    block: Option<TokenExchange>,
    issued: Issued,
    location: Option<HeaderLocation>,
    actor: Option<Actor>,
    own: Vec<Expression>,
}

const WAYS: [&str; 3] = ["oauthTokenExchange", "crossAppAccess", "tokenExchange"];

impl BackendAuth {
    pub(super) fn read(node: Node, lints: &mut Lints) -> Result<Self, Fault> {
        let unsupported =
            ["passthrough", "key", "gcp", "aws", "azure", "copilot", "jwtSign", "credentials", "oauth"];
        let known = [
            "oauthTokenExchange",
            "crossAppAccess",
            "tokenExchange",
            "issuedToken",
            "byCaller",
            "authorizationLocation",
            "actorToken",
        ];
        refuse_shared(&node)?;
        let mut fields = Fields::new(node, "backendAuth", &known, &unsupported)?;
        let at = fields.at();
        let Some(list) = fields.take("byCaller") else {
            for only_there in ["authorizationLocation", "actorToken"] {
                if let Some(at) = fields.key_at(only_there) {
                    let message = format!("`{only_there}` of backendAuth goes with `byCaller`");
                    return Err(Fault::invalid(at, message));
                }
            }
            let read = Read::of(&mut fields, lints)?;
            let location = read.location.unwrap_or_default();
            let (legs, own, block, issued) = (read.legs, read.own, read.block, read.issued);
            let ways = vec![Way { selector: Selector::any(), legs, own, issued, block, at }];
            return Ok(Self { ways, location, actor: read.actor, at });
        };
        for beside in WAYS.into_iter().chain(["issuedToken"]) {
            if let Some(at) = fields.key_at(beside) {
                let message = format!("`{beside}` cannot stand beside `byCaller`: it goes into its entries");
                return Err(Fault::new(ConfigErrorKind::Conflict, at, message));
            }
        }
        let location = fields.take("authorizationLocation").map(HeaderLocation::read_outgoing).transpose()?;
        let actor = fields.take("actorToken").map(exchange::read_actor).transpose()?;
        let entries = list.filled_list("byCaller")?.into_iter();
        let ways = entries.map(|entry| Way::read(entry, lints)).collect::<Result<Vec<_>, _>>()?;
        if let Some(way) = ways.iter().rev().skip(1).find(|way| way.selector == Selector::any()) {
            let message = "an entry without `when` is for everybody: it can only be the last one";
            return Err(Fault::invalid(way.at, message));
        }
        Ok(Self { ways, location: location.unwrap_or_default(), actor, at })
    }

    /// What needs the rest of the file: the settings for the whole gateway, and whose tokens are accepted. What is
    /// doubtful is a warning; what cannot work is an error.
    pub(super) fn resolve(
        &mut self,
        install: Option<&Install>,
        accepted: &McpAuthentication,
        lints: &mut Lints,
    ) -> Result<(), Fault> {
        let actor = self.actor.is_some();
        for way in &mut self.ways {
            if let Some(issuer) = way.selector.wanted_issuer().filter(|i| *i != accepted.issuer.value) {
                let message = format!(
                    "`issuer` `{issuer}` is not the one whose tokens this route accepts, `{}`: nobody would get here",
                    accepted.issuer.value
                );
                return Err(Fault::invalid(way.at, message));
            }
            if let Some(block) = way.block.take() {
                way.legs = vec![block.resolve(install, lints)?];
            }
            if let Some(at) = way.legs.iter().find_map(|leg| leg.needs_actor).filter(|_| !actor) {
                return Err(Fault::missing(
                    at,
                    "actorToken",
                    "backendAuth with `takes.actorToken: required`",
                ));
            }
            way.legs.iter().for_each(|leg| leg.client.warn(lints));
            let audiences: Vec<&str> = accepted.audiences.iter().map(String::as_str).collect();
            let plan = way.plan("backendAuth", |leg| Ok(leg.without_secret()));
            let plan = plan.map_err(|e| Fault::invalid(way.at, e))?;
            for finding in plan.findings(&audiences) {
                lints.add(WarningKind::Exchange, way.at, finding.text());
            }
        }
        self.one_file_per_client()
    }

    /// A route finds a workload's token by its client.
    fn one_file_per_client(&self) -> Result<(), Fault> {
        let mut files: HashMap<&str, &Spanned<PathBuf>> = HashMap::new();
        for leg in self.ways.iter().flat_map(|way| &way.legs) {
            let Client::Workload(id, file) = &leg.client else { continue };
            let first = *files.entry(id).or_insert(file);
            if first.value != file.value {
                let message = format!(
                    "`tokenFile` of the client `{id}` is another one at {}: on one route a client has one file",
                    first.at
                );
                return Err(Fault::new(ConfigErrorKind::Conflict, file.at, message));
            }
        }
        Ok(())
    }

    /// The first place where a certificate is asked for.
    pub(super) fn certificate_at(&self) -> Option<Position> {
        self.ways.iter().flat_map(|way| &way.legs).find_map(|leg| leg.client.certificate_at())
    }

    /// Where tokens are got, for whom.
    pub(crate) fn outline(&self) -> Vec<String> {
        self.ways.iter().map(Way::outline).collect()
    }
}

impl Way {
    fn read(node: Node, lints: &mut Lints) -> Result<Self, Fault> {
        let known = ["when", "oauthTokenExchange", "crossAppAccess", "tokenExchange", "issuedToken"];
        let mut fields = Fields::new(node, "byCaller", &known, &[])?;
        let at = fields.at();
        let selector = fields.take("when").map(read_selector).transpose()?.unwrap_or_default();
        let Read { legs, block, issued, location, actor, own } = Read::of(&mut fields, lints)?;
        if location.is_some() || actor.is_some() {
            let message = "`authorizationLocation` and `actorToken` are the same for all callers: they go beside `byCaller`";
            return Err(Fault::invalid(at, message));
        }
        Ok(Self { selector, legs, own, issued, block, at })
    }

    /// The plan, with each step as `complete` makes it.
    pub(crate) fn plan(
        &self,
        name: &str,
        complete: impl FnMut(&Leg) -> Result<Step, String>,
    ) -> Result<ExchangePlan, String> {
        let steps = self.legs.iter().map(complete).collect::<Result<Vec<_>, _>>()?;
        Ok(self.issued.apply(ExchangePlan::new(name, steps).map_err(|e| e.to_string())?))
    }

    fn outline(&self) -> String {
        let endpoints: Vec<String> =
            self.legs.iter().map(|leg| leg.step.endpoint().uri().to_string()).collect();
        let mut text = endpoints.join(", then ");
        if self.selector != Selector::any() {
            let issuer = self.selector.wanted_issuer().map(|issuer| format!("issuer {issuer}"));
            let claims = self.selector.wanted_claims().map(|(name, value)| format!("{name} {value}"));
            let who: Vec<String> = issuer.into_iter().chain(claims).collect();
            text.push_str(&format!(" for callers with {}", who.join(" and ")));
        }
        text
    }
}

impl Leg {
    /// The step, with the client as it authenticates.
    pub(crate) fn with_client(&self, client: ClientCredential) -> Step {
        self.step.clone().with_client(client)
    }

    fn without_secret(&self) -> Step {
        self.with_client(self.client.without_secret())
    }
}

impl Read {
    fn of(fields: &mut Fields, lints: &mut Lints) -> Result<Self, Fault> {
        let at = fields.at();
        let issued = fields.take("issuedToken").map(Issued::read).transpose()?.unwrap_or_default();
        let written: Vec<&str> = WAYS.into_iter().filter(|way| fields.key_at(way).is_some()).collect();
        let nodes = WAYS.map(|way| fields.take(way));
        let mut read = match (written.as_slice(), nodes) {
            ([_], [Some(node), _, _]) => exchange::read(node, lints)?,
            ([_], [_, Some(node), _]) => cross_app::read(node, lints)?,
            ([_], [_, _, Some(node)]) => {
                let block = Some(TokenExchange::read(node)?);
                let (legs, own, issued) = (Vec::new(), Vec::new(), Issued::default());
                Self { legs, block, issued, location: None, actor: None, own }
            }
            _ => {
                let message = format!("{} needs exactly one of {}", fields.what(), suggest::list(&WAYS));
                return Err(Fault::new(ConfigErrorKind::Conflict, at, message));
            }
        };
        read.issued = read.issued.or(issued);
        Ok(read)
    }
}

/// `key` of agentgateway: the server behind would not know who calls, or believe a header that says so.
fn refuse_shared(node: &Node) -> Result<(), Fault> {
    let Kind::Mapping(entries) = &node.kind else { return Ok(()) };
    let Some((key, _)) = entries.iter().find(|(key, _)| key.value == "key") else { return Ok(()) };
    let message = "`key` in backendAuth is one token for all callers, by which the server behind cannot tell them apart: a \
                   header that names the user (x-on-behalf-of) is no proof of him; write `oauthTokenExchange`, which \
                   gets a token for each";
    Err(Fault::new(ConfigErrorKind::Unsupported, key.at, message))
}

/// `when`: an issuer, and values of claims.
fn read_selector(node: Node) -> Result<Selector, Fault> {
    let mut fields = Fields::new(node, "when", &["issuer", "claims"], &[])?;
    let mut selector = Selector::any();
    if let Some(issuer) = fields.text("issuer")? {
        selector = selector.issuer(issuer.value);
    }
    if let Some(node) = fields.take("claims") {
        for (name, value) in node.mapping("claims")? {
            selector = selector.claim(name.value, value.filled_text("claims")?.value);
        }
    }
    if selector == Selector::any() {
        return Err(Fault::invalid(fields.at(), "`when` needs `issuer` or `claims`"));
    }
    Ok(selector)
}
