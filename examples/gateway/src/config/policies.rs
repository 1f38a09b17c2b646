//! `policies`: what stands between the client and the backend.

use super::authentication::McpAuthentication;
use super::authorization::Authorization;
use super::cors::Cors;
use super::error::Fault;
use super::fields::Fields;
use super::node::Node;
use super::timeout::Timeout;
use super::warning::Lints;

/// The policies of one route. An absent one is not applied, but for `timeout`, which has defaults.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub(crate) struct Policies {
    /// Which browser origins may call.
    pub(crate) cors: Option<Cors>,
    /// Which tokens are accepted, and the metadata that tells clients how to get one.
    pub(crate) mcp_authentication: Option<McpAuthentication>,
    /// Rules over each MCP call and each listed item.
    pub(crate) mcp_authorization: Option<Authorization>,
    /// Rules over each HTTP request.
    pub(crate) authorization: Option<Authorization>,
    /// How long the backend may take.
    pub(crate) timeout: Timeout,
}

impl Policies {
    pub(super) fn read(node: Node, lints: &mut Lints) -> Result<Self, Fault> {
        let known = ["cors", "mcpAuthentication", "mcpAuthorization", "authorization", "timeout"];
        let unsupported =
            ["jwtAuth", "oidc", "apiKey", "basicAuth", "extAuthz", "backendAuth", "localRateLimit"];
        let mut fields = Fields::new(node, "policies", &known, &unsupported)?;
        let rules = |node: Option<Node>, what| node.map(|node| Authorization::read(node, what)).transpose();
        Ok(Self {
            cors: fields.take("cors").map(|node| Cors::read(node, lints)).transpose()?,
            mcp_authentication: fields
                .take("mcpAuthentication")
                .map(|node| McpAuthentication::read(node, lints))
                .transpose()?,
            mcp_authorization: rules(fields.take("mcpAuthorization"), "mcpAuthorization")?,
            authorization: rules(fields.take("authorization"), "authorization")?,
            timeout: fields.take("timeout").map(Timeout::read).transpose()?.unwrap_or_default(),
        })
    }
}
