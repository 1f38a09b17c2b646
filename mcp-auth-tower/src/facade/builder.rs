//! What the server is made of.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mcp_auth_core::jwt::{IssuerConfigError, Validator};
use mcp_auth_discovery::client_metadata::ClientMetadataPolicy;
use mcp_auth_discovery::server::{LocatorError, MetadataLife, MetadataSource};
use mcp_auth_exchange::facade::Facade;
use tokio::sync::Semaphore;
use url::Url;

use super::FacadeServer;
use super::documents::ClientDocuments;
use super::drive::Driver;
use super::limits::{FacadeLimits, Limiter};
use super::places::Places;
use super::provider::ProviderMetadata;
use super::server::Inner;
use crate::audit::{AuditSink, TracingSink};
use crate::authenticate::AuthenticateLayer;
use crate::client::{Fetch, FetchError, HttpClient};
use crate::clock::{Clock, SystemClock};
use crate::exchange::WorkloadTokens;
use crate::keys::{KeyOptions, KeySource, Keys, KeysError};
use crate::mcp::Limits;
use crate::store::{LocalStore, Store};

/// Requests at work at once; what comes then gets 503.
pub(super) const MAX_UNDER_WAY: usize = 512;
/// Of logins and registrations, which may have to wait for somebody else's server: they leave the others their place.
pub(super) const MAX_LOGINS_UNDER_WAY: usize = 256;
/// Longest body of a request.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Builds a [`FacadeServer`].
#[derive(Debug)]
#[must_use]
pub struct FacadeServerBuilder {
    facade: Facade,
    store: Option<Arc<dyn Store>>,
    fetch: Option<Arc<dyn Fetch>>,
    document_fetch: Option<Arc<dyn Fetch>>,
    documents: ClientMetadataPolicy,
    life: MetadataLife,
    validator: Option<AuthenticateLayer>,
    certificates: HashMap<Arc<str>, Arc<dyn Fetch>>,
    workload: WorkloadTokens,
    limits: FacadeLimits,
    audit: Arc<dyn AuditSink>,
    body_timeout: Duration,
    timeout: Duration,
    any_host: bool,
    clock: Arc<dyn Clock>,
}

/// Why the server cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FacadeServerError {
    /// There is no HTTP client, and the default one cannot be made.
    #[error("HTTP client: {0}")]
    Client(FetchError),
    /// The provider's metadata cannot be asked for.
    #[error("the provider's metadata: {0}")]
    Metadata(#[from] LocatorError),
    /// The provider's tokens cannot be validated, which is needed where tokens of our own stand for them.
    #[error("validation of the provider's tokens: {0}")]
    Validator(#[from] IssuerConfigError),
    /// The provider's keys cannot be had.
    #[error("validation of the provider's tokens: {0}")]
    Keys(#[from] KeysError),
    /// Our client at the provider has a certificate, and no HTTP client has it.
    #[error(
        "our client at the provider authenticates by the certificate `{0}`, which no HTTP client has: give one by `certificate`"
    )]
    Certificate(String),
    /// Our client at the provider authenticates by a token of this workload, and no file holds one.
    #[error(
        "our client `{0}` at the provider authenticates by a token of this workload: name its file by `workload_token_file`"
    )]
    WorkloadToken(String),
}

impl FacadeServerBuilder {
    pub(super) fn new(facade: Facade) -> Self {
        Self {
            facade,
            store: None,
            fetch: None,
            document_fetch: None,
            documents: ClientMetadataPolicy::default(),
            life: MetadataLife::default(),
            validator: None,
            certificates: HashMap::new(),
            workload: WorkloadTokens::default(),
            limits: FacadeLimits::default(),
            audit: Arc::new(TracingSink),
            body_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(10),
            any_host: false,
            clock: Arc::new(SystemClock),
        }
    }

    /// Where it is recorded what was used. Default: a [`LocalStore`], for one instance.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// What carries requests to the provider, and for documents of clients. Default: an [`HttpClient`].
    pub fn client(mut self, client: Arc<dyn Fetch>) -> Self {
        self.fetch = Some(client);
        self
    }

    /// What fetches the documents of clients, for one with other address policies: their URLs come from whoever asks.
    /// Default: that of [`client`](Self::client).
    pub fn client_document_client(mut self, client: Arc<dyn Fetch>) -> Self {
        self.document_fetch = Some(client);
        self
    }

    /// Whose metadata documents are accepted, how long they may be and how long they are kept. Default: of every host,
    /// at public addresses, 5 KiB.
    pub fn client_documents(mut self, policy: ClientMetadataPolicy) -> Self {
        self.documents = policy;
        self
    }

    /// How long the provider's metadata is used.
    pub fn metadata_life(mut self, life: MetadataLife) -> Self {
        self.life = life;
        self
    }

    /// What validates the provider's tokens where ours stand for them. It takes them from `Authorization: Bearer`.
    /// Default: the provider's issuer and keys by its preset, for the audiences that the facade's resources have there.
    pub fn validator(mut self, layer: AuthenticateLayer) -> Self {
        self.validator = Some(layer);
        self
    }

    /// The HTTP client whose connections have this certificate, for
    /// [`ClientCredential::tls_client_auth`](mcp_auth_exchange::ClientCredential::tls_client_auth).
    pub fn certificate(mut self, name: impl Into<Arc<str>>, client: Arc<dyn Fetch>) -> Self {
        self.certificates.insert(name.into(), client);
        self
    }

    /// Where this workload's own token is, for a client at the provider with
    /// [`ClientCredential::workload_identity`](mcp_auth_exchange::ClientCredential::workload_identity). The file is
    /// read each time.
    pub fn workload_token_file(mut self, client_id: &str, path: impl Into<PathBuf>) -> Self {
        self.workload.insert(client_id, path.into());
        self
    }

    /// How often one address may register and log in.
    pub fn limits(mut self, limits: FacadeLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Where the [audit trail](crate::audit) is written. Default: `tracing`.
    pub fn audit(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.audit = sink;
        self
    }

    /// Time for a request's body to come. Default: 10 seconds.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// Time for one request to the provider. Default: 10 seconds, and never over 15: a refresh token is held for
    /// [`LEASE`](mcp_auth_exchange::facade::LEASE) while the provider is asked. Documents, those of clients and the
    /// provider's, have 5 seconds at most.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.min(Duration::from_secs(15));
        self
    }

    /// Answers whatever host a request is for, and not only that of the issuer: for a proxy in front that changes
    /// `Host`. Dangerous where other names lead here: their documents would be those of our issuer.
    pub fn danger_any_host(mut self) -> Self {
        self.any_host = true;
        self
    }

    /// Replaces the clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Builds it. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// [`FacadeServerError`].
    pub fn build(self) -> Result<FacadeServer, FacadeServerError> {
        let facade = Arc::new(self.facade.with_client_documents(self.documents.clone()));
        let fetch = match self.fetch {
            Some(fetch) => fetch,
            None => Arc::new(HttpClient::new().map_err(FacadeServerError::Client)?),
        };
        if let Some(client) = facade.upstream_client() {
            let id = client.client_id().unwrap_or_default();
            if client.wants_workload_token() && !self.workload.has(id) {
                return Err(FacadeServerError::WorkloadToken(id.to_owned()));
            }
            if let Some(name) = client.certificate().filter(|c| !self.certificates.contains_key(&c.0)) {
                return Err(FacadeServerError::Certificate(name.0.to_string()));
            }
        }
        let validator = match self.validator {
            Some(validator) => Some(validator),
            None if facade.key_set().is_none() => None,
            None => Some(validator(&facade, &fetch, &self.clock)?),
        };
        // A user or a client waits for these.
        let short = self.timeout.min(Duration::from_secs(5));
        let documents = facade.takes_client_documents().then(|| {
            let fetch = self.document_fetch.unwrap_or_else(|| fetch.clone());
            ClientDocuments::new(self.documents, fetch, short, self.clock.clone())
        });
        let provider =
            ProviderMetadata::new(facade.clone(), self.life, fetch.clone(), short, self.clock.clone())?;
        let places = Places::of(&facade, self.any_host);
        let driver = Driver {
            origins: origins(&facade),
            facade,
            store: self.store.unwrap_or_else(|| Arc::new(LocalStore::default())),
            provider,
            documents,
            validator,
            fetch,
            certificates: self.certificates,
            workload: self.workload,
            timeout: self.timeout,
            clock: self.clock,
        };
        Ok(FacadeServer(Arc::new(Inner {
            driver: Arc::new(driver),
            limiter: Limiter::new(self.limits),
            audit: self.audit,
            slots: Arc::new(Semaphore::new(MAX_UNDER_WAY)),
            login_slots: Arc::new(Semaphore::new(MAX_LOGINS_UNDER_WAY)),
            body: Limits { bytes: MAX_BODY_BYTES, time: self.body_timeout },
            deadline: Duration::from_secs(60),
            places,
        })))
    }
}

/// Judges the provider's tokens by its preset.
fn validator(
    facade: &Facade,
    fetch: &Arc<dyn Fetch>,
    clock: &Arc<dyn Clock>,
) -> Result<AuthenticateLayer, FacadeServerError> {
    let provider = facade.provider();
    let mut audiences = facade.resources().map(|resource| resource.provider_audience());
    let first = audiences.next().unwrap_or_default();
    let issuer = audiences.fold(provider.trust(first), |issuer, audience| issuer.audience(audience));
    let source = match provider.jwks_uri() {
        Some(url) => KeySource::url(url)
            .map_err(|reason| KeysError::Url { issuer: issuer.name().to_owned(), reason })?,
        None => KeySource::discovered(),
    };
    let options = KeyOptions::new().client(fetch.clone()).clock(clock.clone());
    let keys = Keys::new(&issuer, source, &options)?;
    let layer = AuthenticateLayer::new(Validator::new(vec![issuer])?, vec![keys]);
    // INVARIANT: one issuer, one entry of keys.
    Ok(layer.ok_or(IssuerConfigError::NoIssuer)?.clock(clock.clone()))
}

/// The origins that the operator chose with the provider.
fn origins(facade: &Facade) -> Vec<url::Origin> {
    let provider = facade.provider();
    let written = [
        Some(provider.issuer()),
        Some(provider.metadata_issuer()),
        provider.jwks_uri(),
        provider.authorization_endpoint(),
        provider.token_endpoint(),
    ];
    let mut origins: Vec<url::Origin> = written
        .into_iter()
        .flatten()
        .filter_map(|text| Url::parse(text).ok())
        .map(|url| url.origin())
        .collect();
    if let MetadataSource::Url(url) = provider.metadata_source() {
        origins.push(url.origin());
    }
    origins
}
