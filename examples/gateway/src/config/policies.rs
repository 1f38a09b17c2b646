//! `policies`: what stands between the client and the backend.

use super::authentication::McpAuthentication;
use super::authorization::Rules;
use super::backend_auth::{BackendAuth, Client, Install};
use super::cors::Cors;
use super::denials::Denials;
use super::error::{Fault, Position};
use super::facade::{Facade, Tokens};
use super::fields::Fields;
use super::node::Node;
use super::timeout::Timeout;
use super::warning::{Lints, WarningKind};

/// The policies of one route. An absent one is not applied, but for `timeout`, which has defaults.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub(crate) struct Policies {
    /// Which browser origins may call.
    pub(crate) cors: Option<Cors>,
    /// Which tokens are accepted, and the metadata that tells clients how to get one.
    pub(crate) mcp_authentication: Option<McpAuthentication>,
    /// Who may do what, besides what the levels above say.
    pub(crate) rules: Rules,
    /// How denials are told.
    pub(crate) denials: Denials,
    /// What the backend is shown in the caller's place.
    pub(crate) backend_auth: Option<BackendAuth>,
    /// How long the backend may take.
    pub(crate) timeout: Timeout,
}

impl Policies {
    pub(super) fn read(node: Node, lints: &mut Lints) -> Result<Self, Fault> {
        let known = [
            "cors",
            "mcpAuthentication",
            "mcpAuthorization",
            "authorization",
            "mcpDenials",
            "backendAuth",
            "timeout",
        ];
        let unsupported = ["jwtAuth", "oidc", "apiKey", "basicAuth", "extAuthz", "localRateLimit"];
        let mut fields = Fields::new(node, "policies", &known, &unsupported)?;
        let mcp_authentication =
            fields.take("mcpAuthentication").map(|node| McpAuthentication::read(node, lints)).transpose()?;
        let backend_auth =
            fields.take("backendAuth").map(|node| BackendAuth::read(node, lints)).transpose()?;
        Ok(Self {
            cors: fields.take("cors").map(|node| Cors::read(node, lints)).transpose()?,
            mcp_authentication,
            rules: Rules::take(&mut fields)?,
            denials: fields.take("mcpDenials").map(Denials::read).transpose()?.unwrap_or_default(),
            backend_auth,
            timeout: fields.take("timeout").map(Timeout::read).transpose()?.unwrap_or_default(),
        })
    }

    /// The first place where a certificate of ours is asked for.
    pub(super) fn certificate_at(&self) -> Option<Position> {
        let facade = self.mcp_authentication.as_ref().and_then(|from| from.facade.as_deref());
        let client = facade.and_then(|facade| facade.client.as_ref());
        let own = client.and_then(Client::certificate_at);
        own.or_else(|| self.backend_auth.as_ref().and_then(BackendAuth::certificate_at))
    }

    /// What needs the rest of the file.
    pub(super) fn resolve(&mut self, install: Option<&Install>, lints: &mut Lints) -> Result<(), Fault> {
        match (&mut self.backend_auth, &self.mcp_authentication) {
            (Some(backend), Some(authentication)) => {
                let own = |facade: &Facade| matches!(facade.tokens, Tokens::Own(_));
                if authentication.facade.as_deref().is_some_and(own) {
                    let message = "the token that is exchanged is one of this gateway's own (`tokens.own`): the token \
                                   endpoint has to trust its issuer";
                    lints.add(WarningKind::Exchange, backend.at, message);
                }
                backend.resolve(install, authentication, lints)
            }
            (Some(backend), None) => {
                let message = "backendAuth needs mcpAuthentication on the same route: only a token that was validated is exchanged";
                Err(Fault::invalid(backend.at, message))
            }
            (None, _) => Ok(()),
        }
    }
}
