//! What the pipeline is made of.

use std::sync::Arc;

use mcp_auth_core::credential::{ClaimHeaders, TokenSource};
use mcp_auth_core::jwt::Issuer;
use mcp_auth_core::policy::{Effect, PolicyLevels, PolicySetBuilder};
use mcp_auth_core::seal::SealKey;
use mcp_auth_discovery::{ProtectedResourceMetadata, ResourceIdentifier, Scopes};
use mcp_auth_exchange::plan::ExchangePlans;

use super::BuildError;
use super::trust::KeysFrom;
use crate::agreement::AgreementLayer;
use crate::audit::{AuditLayer, AuditSink};
use crate::authenticate::{DpopMode, DpopSettings, Mode, RevocationList};
use crate::authorize::MissingScopes;
use crate::clock::{Clock, SystemClock};
use crate::exchange::ExchangeSettings;
use crate::facade::FacadeServer;
use crate::keys::KeyOptions;
use crate::mcp::McpLayer;
use crate::origin::OriginLayer;
use crate::session::SessionLayer;

/// Collects what [`McpAuth`](super::McpAuth) needs.
#[derive(Clone, Debug)]
#[must_use]
pub struct McpAuthBuilder {
    pub(super) resource: ResourceIdentifier,
    pub(super) issuers: Vec<(Issuer, KeysFrom)>,
    pub(super) key_options: KeyOptions,
    pub(super) authorization_servers: Vec<String>,
    pub(super) scopes: Scopes,
    pub(super) metadata: Option<ProtectedResourceMetadata>,
    pub(super) policy: Option<PolicySetBuilder>,
    pub(super) policies: Option<PolicyLevels>,
    pub(super) http_policy: Option<PolicyLevels>,
    pub(super) target: Option<String>,
    pub(super) hide_denied: bool,
    pub(super) max_answer_bytes: Option<usize>,
    pub(super) list_granted_only: bool,
    pub(super) missing_scopes: MissingScopes,
    pub(super) all_scopes: bool,
    pub(super) mode: Mode,
    pub(super) sources: Vec<TokenSource>,
    pub(super) claim_headers: ClaimHeaders,
    pub(super) token_cache_bytes: Option<usize>,
    pub(super) revocations: Option<RevocationList>,
    pub(super) dpop: Option<DpopSettings>,
    pub(super) single_use_bytes: Option<usize>,
    pub(super) certificate_bound: bool,
    pub(super) client_cert_header: bool,
    pub(super) forward: bool,
    pub(super) streams_outlive_tokens: bool,
    pub(super) origin: OriginLayer,
    /// With a random key where none is set.
    pub(super) session: Option<SessionLayer>,
    pub(super) mcp: McpLayer,
    pub(super) agreement: AgreementLayer,
    pub(super) exchange: Option<ExchangeSettings>,
    pub(super) facade: Option<FacadeServer>,
    pub(super) audit: AuditLayer,
    pub(super) clock: Arc<dyn Clock>,
}

impl McpAuthBuilder {
    pub(super) fn new(resource: ResourceIdentifier) -> Self {
        Self {
            origin: OriginLayer::new(&resource),
            resource,
            issuers: Vec::new(),
            key_options: KeyOptions::new(),
            authorization_servers: Vec::new(),
            scopes: Scopes::default(),
            metadata: None,
            policy: None,
            policies: None,
            http_policy: None,
            target: None,
            hide_denied: false,
            max_answer_bytes: None,
            list_granted_only: false,
            missing_scopes: MissingScopes::default(),
            all_scopes: false,
            mode: Mode::default(),
            sources: Vec::new(),
            claim_headers: ClaimHeaders::new(),
            token_cache_bytes: None,
            revocations: None,
            dpop: None,
            single_use_bytes: None,
            certificate_bound: false,
            client_cert_header: false,
            forward: false,
            streams_outlive_tokens: false,
            session: None,
            mcp: McpLayer::new(),
            agreement: AgreementLayer::new(),
            exchange: None,
            facade: None,
            audit: AuditLayer::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// The resource.
    pub fn resource(&self) -> &ResourceIdentifier {
        &self.resource
    }

    /// Names an authorization server in the metadata. Default: the issuers.
    pub fn authorization_server(mut self, issuer: impl Into<String>) -> Self {
        self.authorization_servers.push(issuer.into());
        self
    }

    /// The scopes that clients ask for, space-separated: shown in challenges and metadata.
    ///
    /// # Errors
    ///
    /// [`BuildError::Scope`].
    pub fn scopes(mut self, scopes: &str) -> Result<Self, BuildError> {
        self.scopes = Scopes::parse(scopes)?.without_offline_access();
        Ok(self)
    }

    /// Replaces the generated metadata document.
    pub fn metadata(mut self, metadata: ProtectedResourceMetadata) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// Adds a rule that must be true for every MCP item.
    ///
    /// # Errors
    ///
    /// [`BuildError::Rule`] when the expression does not compile.
    pub fn require(self, expression: &str) -> Result<Self, BuildError> {
        self.rule(Effect::Require, expression)
    }

    /// Adds a rule of which one must be true.
    ///
    /// # Errors
    ///
    /// [`BuildError::Rule`] when the expression does not compile.
    pub fn allow(self, expression: &str) -> Result<Self, BuildError> {
        self.rule(Effect::Allow, expression)
    }

    /// Adds a rule that must not be true.
    ///
    /// # Errors
    ///
    /// [`BuildError::Rule`] when the expression does not compile.
    pub fn deny(self, expression: &str) -> Result<Self, BuildError> {
        self.rule(Effect::Deny, expression)
    }

    /// Adds a rule over MCP items.
    ///
    /// # Errors
    ///
    /// [`BuildError::Rule`] when the expression does not compile.
    pub fn rule(mut self, effect: Effect, expression: &str) -> Result<Self, BuildError> {
        self.policy = Some(self.policy.take().unwrap_or_default().rule(effect, expression)?);
        Ok(self)
    }

    /// Judges MCP items with `policy`: a set, or several on levels. Rules that are added here one by one
    /// ([`require`](Self::require) and the like) make a set behind it.
    pub fn policy(mut self, policy: impl Into<PolicyLevels>) -> Self {
        self.policies = Some(policy.into());
        self
    }

    /// Judges every HTTP request with `policy`, before the rules over MCP items.
    pub fn http_policy(mut self, policy: impl Into<PolicyLevels>) -> Self {
        self.http_policy = Some(policy.into());
        self
    }

    /// The name of the server behind, for rules over `mcp.tool.target`; see [`AuthorizeLayer::target`].
    ///
    /// [`AuthorizeLayer::target`]: crate::authorize::AuthorizeLayer::target
    pub fn target(mut self, name: &str) -> Self {
        self.target = Some(name.to_owned());
        self
    }

    /// The longest answer that is held to be filtered; see [`AuthorizeLayer::max_answer_bytes`].
    ///
    /// [`AuthorizeLayer::max_answer_bytes`]: crate::authorize::AuthorizeLayer::max_answer_bytes
    pub fn max_answer_bytes(mut self, bytes: usize) -> Self {
        self.max_answer_bytes = Some(bytes);
        self
    }

    /// Makes denied items look like ones that do not exist; see [`AuthorizeLayer::hide_denied`].
    ///
    /// [`AuthorizeLayer::hide_denied`]: crate::authorize::AuthorizeLayer::hide_denied
    pub fn hide_denied(mut self) -> Self {
        self.hide_denied = true;
        self
    }

    /// Leaves out of lists what the token does not grant the scopes for; see [`AuthorizeLayer::list_granted_only`].
    ///
    /// [`AuthorizeLayer::list_granted_only`]: crate::authorize::AuthorizeLayer::list_granted_only
    pub fn list_granted_only(mut self) -> Self {
        self.list_granted_only = true;
        self
    }

    /// How clients are told that scopes are missing; see [`MissingScopes`]. Default: by a challenge.
    pub fn missing_scopes(mut self, how: MissingScopes) -> Self {
        self.missing_scopes = how;
        self
    }

    /// Asks for all scopes at once, when a client connects: those of [`scopes`](Self::scopes), and every scope that
    /// a policy names. For clients that cannot step up; everybody else then asks for more than they need.
    pub fn challenge_all_scopes(mut self) -> Self {
        self.all_scopes = true;
        self
    }

    /// What happens without a good token. Default: [`Mode::Strict`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Adds a place where tokens stand. Default: `Authorization: Bearer` alone. An issuer may have places of its
    /// own ([`Issuer::token_source`]).
    pub fn token_source(mut self, source: TokenSource) -> Self {
        self.sources.push(source);
        self
    }

    /// Sets headers from claims; see [`AuthenticateLayer::claim_headers`].
    ///
    /// [`AuthenticateLayer::claim_headers`]: crate::authenticate::AuthenticateLayer::claim_headers
    pub fn claim_headers(mut self, headers: ClaimHeaders) -> Self {
        self.claim_headers = headers;
        self
    }

    /// Remembers verified tokens in at most `max_bytes`; 0 remembers none. Default: 64 MiB.
    pub fn token_cache_bytes(mut self, max_bytes: usize) -> Self {
        self.token_cache_bytes = Some(max_bytes);
        self
    }

    /// Refuses the tokens on a list that can be replaced at any time.
    pub fn revocations(mut self, list: RevocationList) -> Self {
        self.revocations = Some(list);
        self
    }

    /// Accepts, or requires, DPoP (RFC 9449) for the tokens of all issuers; see [`crate::authenticate::dpop`].
    pub fn dpop(self, mode: DpopMode) -> Self {
        let settings = DpopSettings::new(mode, &self.resource);
        self.dpop_with(settings)
    }

    /// DPoP with settings of its own.
    pub fn dpop_with(mut self, settings: DpopSettings) -> Self {
        self.dpop = Some(settings);
        self
    }

    /// Says in the metadata that tokens may be bound to a client certificate (RFC 8705 §3.3). The server that ends
    /// TLS brings the certificates: [`PeerCertificate`](crate::authenticate::PeerCertificate).
    pub fn certificate_bound_tokens(mut self) -> Self {
        self.certificate_bound = true;
        self
    }

    /// As [`certificate_bound_tokens`](Self::certificate_bound_tokens), with certificates from a proxy in front;
    /// see [`AuthenticateLayer::danger_client_cert_header`].
    ///
    /// [`AuthenticateLayer::danger_client_cert_header`]: crate::authenticate::AuthenticateLayer::danger_client_cert_header
    pub fn danger_client_cert_header(mut self) -> Self {
        self.client_cert_header = true;
        self.certificate_bound_tokens()
    }

    /// Accepts each token once; see [`AuthenticateLayer::single_use_tokens`].
    ///
    /// [`AuthenticateLayer::single_use_tokens`]: crate::authenticate::AuthenticateLayer::single_use_tokens
    pub fn single_use_tokens(mut self, max_bytes: usize) -> Self {
        self.single_use_bytes = Some(max_bytes);
        self
    }

    /// Leaves the token in the request; see [`AuthenticateLayer::forward_token`].
    ///
    /// [`AuthenticateLayer::forward_token`]: crate::authenticate::AuthenticateLayer::forward_token
    pub fn forward_token(mut self) -> Self {
        self.forward = true;
        self
    }

    /// Allows the pages of another origin, as in `https://app.example`, besides the resource's own. A CORS layer
    /// outside needs the same list; see [`origin`](crate::origin).
    ///
    /// # Errors
    ///
    /// [`BuildError::Origin`].
    pub fn allow_origin(mut self, origin: &str) -> Result<Self, BuildError> {
        self.origin = self.origin.allow_origin(origin)?;
        Ok(self)
    }

    /// Allows the pages of every origin; see [`OriginLayer::danger_allow_any_origin`].
    pub fn danger_allow_any_origin(mut self) -> Self {
        self.origin = self.origin.danger_allow_any_origin();
        self
    }

    /// Checks `Host`: it must be the resource's or one of these; see [`OriginLayer::allowed_hosts`].
    ///
    /// # Errors
    ///
    /// [`BuildError::Origin`].
    pub fn allowed_hosts(
        mut self,
        hosts: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, BuildError> {
        self.origin = self.origin.allowed_hosts(hosts)?;
        Ok(self)
    }

    /// Replaces the checks of `Origin` and `Host`, for instance by [`OriginLayer::for_loopback`].
    pub fn origin(mut self, layer: OriginLayer) -> Self {
        self.origin = layer;
        self
    }

    /// Leaves event streams open when their token has expired; see
    /// [`ExpiryLayer::danger_streams_outlive_tokens`].
    ///
    /// [`ExpiryLayer::danger_streams_outlive_tokens`]: crate::expiry::ExpiryLayer::danger_streams_outlive_tokens
    pub fn danger_streams_outlive_tokens(mut self) -> Self {
        self.streams_outlive_tokens = true;
        self
    }

    /// Seals session ids with a key that several replicas share, or that outlives a restart. Default: a random key;
    /// see [`session`](crate::session).
    ///
    /// # Errors
    ///
    /// [`BuildError::Session`].
    pub fn session_key(self, key: &SealKey) -> Result<Self, BuildError> {
        Ok(self.session(SessionLayer::with_key(key)?))
    }

    /// Replaces the layer of session ids, for one that has previous keys too, or for one whose clones share a random
    /// key.
    pub fn session(mut self, layer: SessionLayer) -> Self {
        self.session = Some(layer);
        self
    }

    /// Gives clients the server's own session ids; see [`SessionLayer::danger_pass_ids`].
    pub fn danger_pass_session_ids(self) -> Self {
        self.session(SessionLayer::danger_pass_ids())
    }

    /// Limits of messages.
    pub fn messages(mut self, layer: McpLayer) -> Self {
        self.mcp = layer;
        self
    }

    /// Replaces the check that headers say what bodies say, for one that serves fewer protocol versions. They should
    /// be those of the service behind: they are what a client of another version is told.
    pub fn agreement(mut self, layer: AgreementLayer) -> Self {
        self.agreement = layer;
        self
    }

    /// Exchanges the caller's token for one that is for the service behind, by one plan or by several; see
    /// [`exchange`](crate::exchange). Without this the service gets no token at all.
    pub fn exchange(self, plans: impl Into<ExchangePlans>) -> Self {
        self.exchange_with(ExchangeSettings::new(plans))
    }

    /// Exchanges tokens with settings of its own.
    pub fn exchange_with(mut self, settings: ExchangeSettings) -> Self {
        self.exchange = Some(settings);
        self
    }

    /// Puts an authorization server of our own in front of the provider; see [`facade`](crate::facade). The metadata names
    /// it and not the provider, unless [`authorization_server`](Self::authorization_server) says otherwise. Whose tokens
    /// are accepted is said as ever: the provider's, by [`provider`](Self::provider), where the facade passes them on.
    /// Tokens of its own are accepted without more. It has an audit trail and a clock of its own.
    pub fn facade(mut self, server: FacadeServer) -> Self {
        self.facade = Some(server);
        self
    }

    /// Where the [audit trail](crate::audit) is written. Default: `tracing`.
    pub fn audit(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.audit = AuditLayer::new(sink);
        self
    }

    /// Replaces the clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}
