//! How the facade is set up.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth_core::seal::Sealer;
use mcp_auth_discovery::Scopes;
use mcp_auth_discovery::client_metadata::ClientMetadataPolicy;
use mcp_auth_discovery::facade::{FacadeEndpoint, FacadeMetadata};
use mcp_auth_discovery::provider::Provider;
use mcp_auth_discovery::registration::{RedirectUriError, RedirectUriRules};
use sha2::{Digest, Sha256};
use url::Url;

use super::resources::Resources;
use super::settings::{AccessTokens, Lifetimes, RegistrationRules};
use super::upstream::UpstreamClient;
use super::{Answer, ConsentPolicy, PreRegisteredClient, ProtectedResource, Refusal, Theme, Upstream};
use crate::ClientCredential;
use crate::grant::authorization_code::{AuthorizationRequest, PkceVerifier, State};

/// An authorization server of our own in front of a provider. See the [module page](super).
#[derive(Debug)]
pub struct Facade {
    pub(super) metadata: FacadeMetadata,
    pub(super) callback: Url,
    pub(super) sealer: Sealer,
    pub(super) upstream: Upstream,
    pub(super) resources: Resources,
    /// Scopes that clients may ask for; empty for any.
    pub(super) scopes: Scopes,
    pub(super) offers: Offers,
    pub(super) clients: Vec<PreRegisteredClient>,
    pub(super) registration: RegistrationRules,
    pub(super) consent: ConsentPolicy,
    pub(super) theme: Theme,
    pub(super) tokens: AccessTokens,
    pub(super) lifetimes: Lifetimes,
    /// Whose documents are taken.
    pub(super) documents: ClientMetadataPolicy,
    store_prefix: String,
}

/// What the metadata says that there is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offers {
    pub(super) registration: bool,
    pub(super) documents: bool,
    pub(super) refresh: bool,
}

/// Why a facade cannot be set up like this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FacadeError {
    /// The callback is not a redirect URI that a provider would be given, or an extra parameter cannot be sent.
    #[error("the provider cannot be asked: {0}")]
    Upstream(String),
    /// The shared client has no identifier.
    #[error("the client at the provider has no identifier")]
    AnonymousClient,
    /// Two clients have the same identifier.
    #[error("client `{0}` is configured twice")]
    ClientTwice(String),
    /// An identifier that could be taken for that of a registered client or of a document.
    #[error("client identifier `{0}` is empty, or looks like a URL or a sealed identifier")]
    ClientId(String),
    /// A redirect URI of a configured client is not https or loopback, or of a scheme that runs code, or has a fragment.
    #[error("redirect URI `{uri}` of client `{client_id}`: {fault}")]
    RedirectUri {
        /// Which client.
        client_id: String,
        /// Which redirect URI.
        uri: String,
        /// What is wrong with it.
        fault: RedirectUriError,
    },
    /// A resource is configured twice.
    #[error("resource `{0}` is configured twice")]
    ResourceTwice(String),
}

/// Sets up a [`Facade`].
#[derive(Debug)]
#[must_use]
pub struct FacadeBuilder(Facade);

impl Facade {
    /// Starts with our metadata, the key for sealing, the provider, and the resource that clients mean when they name
    /// none.
    pub fn builder(
        metadata: FacadeMetadata,
        sealer: Sealer,
        upstream: Upstream,
        resource: ProtectedResource,
    ) -> FacadeBuilder {
        let document = metadata.authorization_server(None);
        let offers = Offers {
            registration: document.registration_endpoint.is_some(),
            documents: document.supports_client_metadata_documents(),
            refresh: document.supports_grant_type("refresh_token"),
        };
        let offered = document.scopes_supported.unwrap_or_default();
        let scopes = Scopes::new(&offered).unwrap_or_default();
        // `offline_access` alone names no scope of the resource.
        let any = scopes.clone().without_offline_access().is_empty();
        let hash = Sha256::digest(metadata.issuer().as_str().as_bytes());
        let tag = URL_SAFE_NO_PAD.encode(hash.first_chunk::<9>().copied().unwrap_or_default());
        FacadeBuilder(Facade {
            callback: metadata.url(FacadeEndpoint::Callback),
            metadata,
            sealer,
            upstream,
            resources: Resources(vec![resource]),
            scopes: if any { Scopes::default() } else { scopes },
            offers,
            clients: Vec::new(),
            registration: RegistrationRules::default(),
            consent: ConsentPolicy::default(),
            theme: Theme::default(),
            tokens: AccessTokens::PassThrough,
            lifetimes: Lifetimes::default(),
            documents: ClientMetadataPolicy::default(),
            store_prefix: format!("mcp-auth:facade:1:{tag}"),
        })
    }

    /// Our issuer identifier.
    pub fn issuer(&self) -> &str {
        self.metadata.issuer().as_str()
    }

    /// Our metadata.
    pub fn metadata(&self) -> &FacadeMetadata {
        &self.metadata
    }

    /// Says whose metadata documents are taken; asked at every endpoint, so that clients of a host that is not allowed any
    /// more get no new tokens. Default: everybody's.
    #[must_use]
    pub fn with_client_documents(mut self, policy: ClientMetadataPolicy) -> Self {
        self.documents = policy;
        self
    }

    /// Where the provider sends users back to.
    pub fn callback(&self) -> &Url {
        &self.callback
    }

    /// The provider behind.
    pub fn provider(&self) -> &Provider {
        &self.upstream.provider
    }

    /// Our client at the provider, where all clients share one.
    pub fn upstream_client(&self) -> Option<&ClientCredential> {
        self.upstream.shared_client()
    }

    /// The resources that tokens are issued for; the first is meant by clients that name none.
    pub fn resources(&self) -> impl Iterator<Item = &ProtectedResource> {
        self.resources.0.iter()
    }

    /// Whether the URL of a metadata document is taken as a client's identifier.
    pub fn takes_client_documents(&self) -> bool {
        self.offers.documents
    }

    /// Our key set (RFC 7517 §5) where tokens are our own, and with it the need for a [`Step::Validate`](super::Step);
    /// `None` where they are the provider's.
    pub fn key_set(&self) -> Option<String> {
        match &self.tokens {
            AccessTokens::PassThrough => None,
            AccessTokens::Own(own) => Some(format!("{{\"keys\":[{}]}}", own.signer.public_jwk(&own.kid))),
        }
    }

    /// A refusal at an endpoint by whoever drives the runs, before one began or instead of its answer: a page where
    /// people look at it, JSON where programs do.
    pub fn refuse(&self, endpoint: FacadeEndpoint, refusal: Refusal) -> Answer {
        match endpoint {
            FacadeEndpoint::Authorize | FacadeEndpoint::Callback => self.error_page(refusal),
            _ => Answer::refused(refusal),
        }
    }

    /// A name in the store, which other facades that share it do not use.
    pub(super) fn store_name(&self, kind: &str, key: &str) -> String {
        format!("{}:{kind}:{key}", self.store_prefix)
    }
}

impl FacadeBuilder {
    /// Adds a resource that tokens are issued for.
    pub fn resource(mut self, resource: ProtectedResource) -> Self {
        self.0.resources.0.push(resource);
        self
    }

    /// Adds a client that the operator registered.
    pub fn client(mut self, client: PreRegisteredClient) -> Self {
        self.0.clients.push(client);
        self
    }

    /// Says who may register.
    pub fn registration(mut self, rules: RegistrationRules) -> Self {
        self.0.registration = rules;
        self
    }

    /// Says which clients users are asked about. Default: every one.
    pub fn consent(mut self, policy: ConsentPolicy) -> Self {
        self.0.consent = policy;
        self
    }

    /// Says what the pages look like.
    pub fn theme(mut self, theme: Theme) -> Self {
        self.0.theme = theme;
        self
    }

    /// Says what clients get as access token. Default: the provider's own.
    pub fn access_tokens(mut self, tokens: AccessTokens) -> Self {
        self.0.tokens = tokens;
        self
    }

    /// Says how long things are good for.
    pub fn lifetimes(mut self, lifetimes: Lifetimes) -> Self {
        self.0.lifetimes = lifetimes;
        self
    }

    /// Checks all of it together.
    ///
    /// # Errors
    ///
    /// [`FacadeError`] names what does not fit.
    pub fn build(self) -> Result<Facade, FacadeError> {
        let facade = self.0;
        let own = &facade.upstream;
        if own.is_shared() && facade.upstream_client_id(&UpstreamClient::Shared).is_err() {
            return Err(FacadeError::AnonymousClient);
        }
        facade.try_upstream_request().map_err(FacadeError::Upstream)?;
        for (at, client) in facade.clients.iter().enumerate() {
            let id = client.client_id();
            if id.is_empty() || id.starts_with("s1.") || id.contains("://") {
                return Err(FacadeError::ClientId(id.to_owned()));
            }
            if facade.clients.iter().skip(at + 1).any(|other| other.client_id() == id) {
                return Err(FacadeError::ClientTwice(id.to_owned()));
            }
            for uri in &client.metadata.redirect_uris {
                let (client_id, named) = (id.to_owned(), uri.clone());
                check_redirect_uri(uri).map_err(|fault| FacadeError::RedirectUri {
                    client_id,
                    uri: named,
                    fault,
                })?;
            }
        }
        let resources = &facade.resources.0;
        for (at, resource) in resources.iter().enumerate() {
            let name = resource.identifier().as_str();
            if resources.iter().skip(at + 1).any(|other| other.identifier().as_str() == name) {
                return Err(FacadeError::ResourceTwice(name.to_owned()));
            }
        }
        Ok(facade)
    }
}

impl Facade {
    /// Whether a request with what is configured can be made at all: found at the start, not at the first login.
    fn try_upstream_request(&self) -> Result<(), String> {
        let metadata_issuer =
            Url::parse(self.upstream.provider.metadata_issuer()).map_err(|e| e.to_string())?;
        let state = State::from_random([0; 32]);
        let challenge = PkceVerifier::from_random([0; 32]).challenge();
        let callback = self.callback.as_str();
        let made = AuthorizationRequest::new(&metadata_issuer, "client", callback, &state, &challenge);
        let made = made.map_err(|e| e.to_string())?;
        self.upstream
            .parameters
            .iter()
            .try_fold(made, |request, (name, value)| request.parameter(name, value))
            .map(|_| ())
            .map_err(|e| e.to_string())
    }
}

/// What an operator writes down may be of any private-use scheme, but goes to no other place than a client's own.
fn check_redirect_uri(uri: &str) -> Result<(), RedirectUriError> {
    let rules = RedirectUriRules::default();
    match Url::parse(uri).map_err(|_| RedirectUriError::Syntax)?.scheme() {
        "https" | "http" => rules.check(uri),
        scheme => rules.allow_private_use_scheme(scheme)?.check(uri),
    }
}
