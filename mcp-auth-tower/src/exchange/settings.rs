use std::path::PathBuf;
use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderName};
use mcp_auth_core::dpop::{TargetUri, TargetUriError};
use mcp_auth_core::jwt::Issuer;
use mcp_auth_exchange::plan::ExchangePlans;

use super::{ActorTokens, Exchanger, RequestParameters, WorkloadTokens};

/// What an [`ExchangeLayer`](super::ExchangeLayer) does.
///
/// Default: an [`Exchanger`] of its own, and the issued token in `Authorization`.
#[derive(Clone, Debug)]
#[must_use]
pub struct ExchangeSettings {
    pub(super) plans: ExchangePlans,
    pub(super) exchanger: Option<Exchanger>,
    pub(super) tenant: Arc<str>,
    pub(super) place: Place,
    pub(super) downstream: Option<TargetUri>,
    pub(super) actor: Option<Arc<dyn ActorTokens>>,
    pub(super) may_act: bool,
    pub(super) parameters: Option<Arc<dyn RequestParameters>>,
    pub(super) inbound: Vec<Inbound>,
    pub(super) workload: WorkloadTokens,
}

/// Whose tokens are accepted, and for which audiences.
#[derive(Clone, Debug)]
pub(super) struct Inbound {
    pub(super) issuer: String,
    pub(super) audiences: Vec<String>,
}

/// Where the issued token goes.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) header: HeaderName,
    pub(super) prefix: Box<str>,
}

impl Place {
    pub(super) fn is_authorization(&self) -> bool {
        self.header == AUTHORIZATION
    }
}

impl ExchangeSettings {
    /// Exchanges by these plans: one [`ExchangePlan`](mcp_auth_exchange::plan::ExchangePlan), or several by issuer and
    /// claims.
    pub fn new(plans: impl Into<ExchangePlans>) -> Self {
        Self {
            plans: plans.into(),
            exchanger: None,
            tenant: "".into(),
            place: Place { header: AUTHORIZATION, prefix: "".into() },
            downstream: None,
            actor: None,
            may_act: false,
            parameters: None,
            inbound: Vec::new(),
            workload: WorkloadTokens::default(),
        }
    }

    /// Shares tokens, circuits and connections with other layers.
    pub fn exchanger(mut self, exchanger: Exchanger) -> Self {
        self.exchanger = Some(exchanger);
        self
    }

    /// Keeps the tokens of this layer apart from those of others that share its [`Exchanger`], where the plans are the
    /// same. Default: empty.
    pub fn tenant(mut self, tenant: impl Into<Arc<str>>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Where this workload's own token is, for a client of this layer's plans; it goes before that of the
    /// [`Exchanger`] ([`ExchangerBuilder::workload_token_file`](super::ExchangerBuilder::workload_token_file)). Tokens
    /// that were got with different files are kept apart.
    pub fn workload_token_file(mut self, client_id: &str, path: impl Into<PathBuf>) -> Self {
        self.workload.insert(client_id, path.into());
        self
    }

    /// Puts the issued token into another header than `Authorization`, behind `prefix`, such as `Bearer ` with its
    /// space, or nothing. What the client sends under that name is removed, and `Authorization` too.
    ///
    /// A header that means something to who passes messages on, such as `TE` or `Mcp-Session-Id`, is an error when the
    /// layer is made: [`check_token_header`](super::check_token_header).
    pub fn token_header(mut self, header: HeaderName, prefix: &str) -> Self {
        self.place = Place { header, prefix: prefix.into() };
        self
    }

    /// The URL that the service is called at, which proofs of possession name (RFC 9449 §4.2 `htu`). Needed where a
    /// plan asks for tokens that are bound to a DPoP key: what is in front of the service may be called by another name
    /// than the service itself.
    ///
    /// # Errors
    ///
    /// [`TargetUriError`].
    pub fn downstream(mut self, url: &str) -> Result<Self, TargetUriError> {
        self.downstream = Some(TargetUri::parse(url)?);
        Ok(self)
    }

    /// Sends an actor's token with the subject's, where a plan takes one (delegation).
    pub fn actor(mut self, tokens: Arc<dyn ActorTokens>) -> Self {
        self.actor = Some(tokens);
        self
    }

    /// Lets the actor act only for callers whose token says so in `may_act` (RFC 8693 §4.4), see
    /// [`Subject::permits`](mcp_auth_exchange::plan::Subject::permits). Others are refused (403), and no provider is
    /// asked.
    pub fn enforce_may_act(mut self) -> Self {
        self.may_act = true;
        self
    }

    /// Adds parameters that each request has of its own.
    pub fn parameters(mut self, parameters: Arc<dyn RequestParameters>) -> Self {
        self.parameters = Some(parameters);
        self
    }

    /// Fills in what was left open.
    pub(crate) fn complete<E>(
        mut self,
        issuers: &[Issuer],
        exchanger: impl FnOnce() -> Result<Exchanger, E>,
    ) -> Result<Self, E> {
        if self.inbound.is_empty() {
            for issuer in issuers {
                self = self.inbound_audiences(issuer.name(), issuer.audiences());
            }
        }
        if self.exchanger.is_none() {
            self.exchanger = Some(exchanger()?);
        }
        Ok(self)
    }

    /// Which audiences are accepted of callers' tokens of an issuer, for
    /// [`findings`](super::ExchangeLayer::findings). [`McpAuth`](crate::McpAuth) knows them.
    pub fn inbound_audiences(
        mut self,
        issuer: impl Into<String>,
        audiences: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let audiences = audiences.into_iter().map(Into::into).collect();
        self.inbound.push(Inbound { issuer: issuer.into(), audiences });
        self
    }
}
