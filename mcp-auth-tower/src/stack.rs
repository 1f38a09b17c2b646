//! The paved path: every layer in its order. The only place that knows the order.

use std::path::PathBuf;
use std::sync::Arc;

use mcp_auth_core::credential::{ClaimHeaders, TokenSource};
use mcp_auth_core::jwt::{Issuer, IssuerConfigError, Validator};
use mcp_auth_core::policy::{Effect, PolicyLevels, PolicySetBuilder, RuleError};
use mcp_auth_discovery::provider::Provider;
use mcp_auth_discovery::resource::ResourceError;
use mcp_auth_discovery::scope::ScopeError;
use mcp_auth_discovery::{ProtectedResourceMetadata, ResourceIdentifier, Scopes};
use tower_layer::Layer;

use crate::audit::{Audit, AuditLayer, AuditSink};
use crate::authenticate::{
    Authenticate, AuthenticateLayer, DpopConfigError, DpopMode, DpopSettings, Introspection, Mode,
    RevocationList,
};
use crate::authorize::{Authorize, AuthorizeLayer};
use crate::clock::{Clock, SystemClock};
use crate::expiry::{Expiry, ExpiryLayer};
use crate::keys::{KeyOptions, KeySource, Keys, KeysError};
use crate::mcp::{Mcp, McpLayer};
use crate::metadata::{Metadata, MetadataLayer};
use crate::origin::{Origin, OriginError, OriginLayer};

/// The whole pipeline as one [`Layer`]; see the [crate page](crate) for an example.
#[derive(Clone, Debug)]
#[must_use]
pub struct McpAuth {
    metadata: MetadataLayer,
    audit: AuditLayer,
    origin: OriginLayer,
    authenticate: AuthenticateLayer,
    expiry: ExpiryLayer,
    mcp: McpLayer,
    authorize: AuthorizeLayer,
}

/// A service behind [`McpAuth`].
pub type McpAuthService<S> = Metadata<Audit<Origin<Authenticate<Expiry<Mcp<Authorize<S>>>>>>>;

/// Collects what [`McpAuth`] needs.
#[derive(Clone, Debug)]
#[must_use]
pub struct McpAuthBuilder {
    resource: ResourceIdentifier,
    issuers: Vec<(Issuer, KeysFrom)>,
    key_options: KeyOptions,
    authorization_servers: Vec<String>,
    scopes: Scopes,
    metadata: Option<ProtectedResourceMetadata>,
    policy: Option<PolicySetBuilder>,
    policies: Option<PolicyLevels>,
    http_policy: Option<PolicyLevels>,
    mode: Mode,
    sources: Vec<TokenSource>,
    claim_headers: ClaimHeaders,
    token_cache_bytes: Option<usize>,
    revocations: Option<RevocationList>,
    dpop: Option<DpopSettings>,
    single_use_bytes: Option<usize>,
    certificate_bound: bool,
    client_cert_header: bool,
    forward: bool,
    streams_outlive_tokens: bool,
    origin: OriginLayer,
    mcp: McpLayer,
    audit: AuditLayer,
    clock: Arc<dyn Clock>,
}

#[derive(Clone, Debug)]
enum KeysFrom {
    Source(KeySource),
    Keys(Keys),
}

/// Why the pipeline cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The resource is not an absolute https URL (or http on this machine) without fragment.
    #[error("resource: {0}")]
    Resource(#[from] ResourceError),
    /// An issuer cannot be used.
    #[error(transparent)]
    Issuer(#[from] IssuerConfigError),
    /// An issuer's keys cannot be had from where they are said to be.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A scope has characters that RFC 6749 §3.3 does not allow.
    #[error("scopes: {0}")]
    Scope(#[from] ScopeError),
    /// An origin or host that is allowed is none.
    #[error("allowed origins and hosts: {0}")]
    Origin(#[from] OriginError),
    /// A rule does not compile.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// DPoP cannot be done as it is set up.
    #[error(transparent)]
    Dpop(#[from] DpopConfigError),
}

impl McpAuth {
    /// Starts with the resource: the URL that clients use, which is also the audience of their tokens
    /// (RFC 8707, RFC 9728 §1.2).
    ///
    /// # Errors
    ///
    /// [`BuildError::Resource`] when `resource` is not an https URL, or http on this machine.
    pub fn builder(resource: &str) -> Result<McpAuthBuilder, BuildError> {
        Ok(Self::builder_for(ResourceIdentifier::parse(resource)?))
    }

    /// Starts with a resource that was checked before.
    pub fn builder_for(resource: ResourceIdentifier) -> McpAuthBuilder {
        McpAuthBuilder {
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
            mcp: McpLayer::new(),
            audit: AuditLayer::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// The authentication layer, whose keys have a status to show.
    pub fn authenticate(&self) -> &AuthenticateLayer {
        &self.authenticate
    }
}

impl McpAuthBuilder {
    /// The resource.
    pub fn resource(&self) -> &ResourceIdentifier {
        &self.resource
    }

    /// Trusts tokens that `issuer` made for the resource, checked with the keys at `keys_uri`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Keys`] when `keys_uri` is not an absolute http or https URL, or has a user, a password or a
    /// fragment. [`build`](Self::build) refuses http to another machine; see [`KeyOptions::danger_allow_http`].
    pub fn issuer(self, issuer: &str, keys_uri: &str) -> Result<Self, BuildError> {
        let issuer = self.for_resource(issuer);
        self.issuer_with(issuer, keys_uri)
    }

    /// As [`issuer`](Self::issuer), with settings of the issuer's own.
    ///
    /// # Errors
    ///
    /// As [`issuer`](Self::issuer).
    pub fn issuer_with(self, issuer: Issuer, keys_uri: &str) -> Result<Self, BuildError> {
        match KeySource::url(keys_uri) {
            Ok(source) => Ok(self.issuer_from(issuer, source)),
            Err(reason) => Err(KeysError::Url { issuer: issuer.name().to_owned(), reason }.into()),
        }
    }

    /// Trusts tokens that `issuer` made for the resource; where its keys are stands in its metadata (OpenID
    /// Connect Discovery, RFC 8414). The name has to be an https URL, or http to this machine, and equal the
    /// document's `issuer` exactly.
    pub fn issuer_discovered(self, issuer: &str) -> Self {
        let issuer = self.for_resource(issuer);
        self.issuer_from(issuer, KeySource::discovered())
    }

    /// Trusts tokens that `issuer` made for the resource, checked with the keys in a file.
    /// [`build`](Self::build) reads it; later changes of the file are followed.
    pub fn issuer_keys_file(self, issuer: &str, path: impl Into<PathBuf>) -> Self {
        let issuer = self.for_resource(issuer);
        self.issuer_from(issuer, KeySource::file(path))
    }

    /// Trusts an issuer with settings of its own, with keys from any source.
    pub fn issuer_from(mut self, issuer: Issuer, keys: KeySource) -> Self {
        self.issuers.push((issuer, KeysFrom::Source(keys)));
        self
    }

    /// Trusts an issuer whose keys the caller brings.
    pub fn issuer_keys(mut self, issuer: Issuer, keys: Keys) -> Self {
        self.issuers.push((issuer, KeysFrom::Keys(keys)));
        self
    }

    /// How keys are fetched and how long they live: times, rate, HTTP client. The clock is that of the builder.
    pub fn key_options(mut self, options: KeyOptions) -> Self {
        self.key_options = options;
        self
    }

    /// Trusts an issuer that is asked about each of its tokens, opaque ones included (RFC 7662).
    pub fn issuer_introspected(self, issuer: Issuer, introspection: Introspection) -> Self {
        self.issuer_keys(issuer, Keys::Introspection(Arc::new(introspection)))
    }

    /// Trusts a provider by its preset, for tokens that it made for `audience`
    /// ([`ProviderKind::audience_hint`](mcp_auth_discovery::provider::ProviderKind::audience_hint)). A provider whose
    /// address of keys is not known is asked for it, as by [`issuer_discovered`](Self::issuer_discovered).
    ///
    /// # Errors
    ///
    /// As [`issuer`](Self::issuer).
    pub fn provider(self, provider: &Provider, audience: &str) -> Result<Self, BuildError> {
        let issuer = provider.trust(audience);
        match provider.jwks_uri() {
            Some(keys_uri) => self.issuer_with(issuer, keys_uri),
            None => Ok(self.issuer_from(issuer, KeySource::discovered())),
        }
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
    pub fn danger_client_cert_header(mut self) -> Self {
        self.client_cert_header = true;
        self.certificate_bound_tokens()
    }

    /// Accepts each token once; see [`AuthenticateLayer::single_use_tokens`].
    pub fn single_use_tokens(mut self, max_bytes: usize) -> Self {
        self.single_use_bytes = Some(max_bytes);
        self
    }

    /// Leaves the token in the request; see [`AuthenticateLayer::forward_token`].
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
    pub fn danger_streams_outlive_tokens(mut self) -> Self {
        self.streams_outlive_tokens = true;
        self
    }

    /// Limits of messages.
    pub fn messages(mut self, layer: McpLayer) -> Self {
        self.mcp = layer;
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

    /// Builds the pipeline. Files are read; nothing is fetched: keys come with the first request that needs them.
    ///
    /// # Errors
    ///
    /// [`BuildError::Issuer`] when there is no issuer or one cannot be used, [`BuildError::Keys`] when its keys
    /// cannot be had.
    pub fn build(self) -> Result<McpAuth, BuildError> {
        let mut options = self.key_options.clock(self.clock.clone());
        let mut issuers = Vec::new();
        let mut keys = Vec::new();
        for (issuer, from) in self.issuers {
            keys.push(match from {
                KeysFrom::Keys(keys) => keys,
                KeysFrom::Source(source) => {
                    if source.needs_client() {
                        options = options.with_client().map_err(KeysError::Client)?;
                    }
                    Keys::new(&issuer, source, &options)?
                }
            });
            issuers.push(issuer);
        }
        let mut servers = self.authorization_servers;
        if servers.is_empty() {
            servers = issuers.iter().map(|i| i.name().to_owned()).collect();
        }
        let validator = Validator::new(issuers)?;
        let metadata = self.metadata.unwrap_or_else(|| {
            let mut builder =
                ProtectedResourceMetadata::builder(self.resource.clone()).scopes_supported(&self.scopes);
            for server in servers {
                builder = builder.authorization_server(server);
            }
            if let Some(dpop) = &self.dpop {
                builder = dpop.describe(&validator, builder);
            }
            if self.certificate_bound {
                builder = builder.tls_client_certificate_bound_access_tokens(true);
            }
            builder.build()
        });
        let mut expiry = ExpiryLayer::new().clock(self.clock.clone());
        if self.streams_outlive_tokens {
            expiry = expiry.danger_streams_outlive_tokens();
        }
        // INVARIANT: one entry of keys was pushed for each issuer.
        let authenticate =
            AuthenticateLayer::new(validator, keys).ok_or(BuildError::Issuer(IssuerConfigError::NoIssuer))?;
        let mut authenticate = authenticate
            .mode(self.mode)
            .claim_headers(self.claim_headers)
            .challenge(self.resource.clone(), self.scopes.clone())
            .clock(self.clock.clone());
        if !self.sources.is_empty() {
            authenticate = authenticate.token_sources(&self.sources);
        }
        if let Some(bytes) = self.token_cache_bytes {
            authenticate = authenticate.token_cache_bytes(bytes);
        }
        if let Some(list) = self.revocations {
            authenticate = authenticate.revocations(list);
        }
        if let Some(dpop) = self.dpop {
            authenticate = authenticate.dpop(dpop)?;
        }
        if let Some(bytes) = self.single_use_bytes {
            authenticate = authenticate.single_use_tokens(bytes);
        }
        if self.client_cert_header {
            authenticate = authenticate.danger_client_cert_header();
        }
        if self.forward {
            authenticate = authenticate.forward_token();
        }
        let mut authorize =
            AuthorizeLayer::new().challenge(self.resource.clone(), self.scopes).clock(self.clock);
        let own = self.policy.map(|policy| PolicyLevels::from(policy.build()));
        let policy = match (self.policies, own) {
            (Some(policies), Some(own)) => Some(policies.followed_by(&own)),
            (policies, own) => policies.or(own),
        };
        if let Some(policy) = policy {
            authorize = authorize.mcp(policy);
        }
        if let Some(policy) = self.http_policy {
            authorize = authorize.http(policy);
        }
        Ok(McpAuth {
            metadata: MetadataLayer::new(&self.resource, &metadata),
            audit: self.audit,
            origin: self.origin,
            authenticate,
            expiry,
            mcp: self.mcp,
            authorize,
        })
    }
}

impl McpAuthBuilder {
    fn for_resource(&self, issuer: &str) -> Issuer {
        Issuer::new(issuer).audience(self.resource.as_str())
    }
}

impl<S> Layer<S> for McpAuth {
    type Service = McpAuthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let judged = self.mcp.layer(self.authorize.layer(inner));
        let authenticated = self.authenticate.layer(self.expiry.layer(judged));
        self.metadata.layer(self.audit.layer(self.origin.layer(authenticated)))
    }
}
