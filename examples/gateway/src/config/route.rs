//! `routes`: what a request must look like, what it must satisfy, and where it goes.

use super::authentication::McpAuthentication;
use super::backend::Backend;
use super::error::{Fault, Position};
use super::fields::Fields;
use super::node::Node;
use super::path_match::{PathMatch, RouteMatch};
use super::policies::Policies;
use super::warning::{Lints, WarningKind};

/// One route.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// A name for logs.
    pub(crate) name: Option<String>,
    /// The host of its listener.
    pub(super) host: Option<String>,
    /// One of these must match. Empty matches every request.
    pub(crate) matches: Vec<RouteMatch>,
    /// What stands between the client and the backend.
    pub(crate) policies: Policies,
    /// Where a request goes. Never empty.
    pub(crate) backends: Vec<Backend>,
    /// Where the route begins in the file.
    pub(crate) at: Position,
}

impl Route {
    pub(super) fn read(node: Node, lints: &mut Lints) -> Result<Self, Fault> {
        let known = ["name", "matches", "policies", "backends"];
        let unsupported = ["hostnames", "ruleName", "namespace", "gateways"];
        let mut fields = Fields::new(node, "routes", &known, &unsupported)?;
        let at = fields.at();
        let name = fields.text("name")?.map(|text| text.value);
        let matches = match fields.take("matches") {
            None => Vec::new(),
            Some(node) => {
                node.list("matches")?.into_iter().map(RouteMatch::read).collect::<Result<_, _>>()?
            }
        };
        let policies = match fields.take("policies") {
            None => Policies::default(),
            Some(node) => Policies::read(node, lints)?,
        };
        let backends = fields.require("backends")?.filled_list("backends")?;
        let backends = backends.into_iter().map(Backend::read).collect::<Result<_, _>>()?;
        if let Some(authentication) = &policies.mcp_authentication {
            lint_well_known(authentication, &matches, lints);
        }
        Ok(Self { name, host: None, matches, policies, backends, at })
    }
}

impl Route {
    /// The name, or else what the route is: its host and its first path. The same in files that differ elsewhere.
    pub(crate) fn title(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let path = match self.matches.first().map(|one| &one.path) {
            None => "/",
            Some(PathMatch::Exact(path) | PathMatch::Prefix(path)) => path,
            Some(PathMatch::Regex(regex)) => &regex.value,
        };
        format!("route {}{path}", self.host.as_deref().unwrap_or_default())
    }
}

/// agentgateway serves the metadata only when the route matches its path; we serve it always.
fn lint_well_known(authentication: &McpAuthentication, matches: &[RouteMatch], lints: &mut Lints) {
    let path = authentication.resource_metadata.well_known_path();
    let covers = |one: &RouteMatch| {
        one.headers.is_empty()
            && one.method.as_deref().is_none_or(|method| method == "GET")
            && one.path.covers(&path)
    };
    let regex = |one: &RouteMatch| matches!(one.path, PathMatch::Regex(_));
    if !matches.is_empty() && !matches.iter().any(|one| covers(one) || regex(one)) {
        let message = format!("no match of this route covers `{path}`, it is served anyway");
        lints.add(WarningKind::WellKnownNotMatched, authentication.at, message);
    }
}
