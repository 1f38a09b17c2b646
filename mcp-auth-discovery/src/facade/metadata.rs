//! The documents of our own server.

use bytes::Bytes;
use url::Url;

use super::endpoint::Paths;
use super::{FacadeEndpoint, FacadeIssuer, FacadePathError};
use crate::server::AuthorizationServerMetadata;
use crate::well_known::OAUTH_AUTHORIZATION_SERVER;
use crate::{ResourceIdentifier, Scopes};

/// What our own authorization server says about itself (RFC 8414, OpenID Connect Discovery).
///
/// Always there: PKCE with `S256` and nothing else, `code` and nothing else, `iss` in every authorization response
/// (RFC 9207), and client authentication by `none`, Basic and post, because clients take either without asking
/// (`mcp-spec.md` §5.5).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct FacadeMetadata {
    pub(super) issuer: FacadeIssuer,
    paths: Paths,
    pub(super) scopes: Scopes,
    pub(super) registration: bool,
    client_metadata_documents: bool,
    pub(super) refresh_tokens: bool,
    grant_types: Vec<String>,
    assertion_algorithms: Vec<String>,
    dpop_algorithms: Vec<String>,
    protected_resources: Vec<String>,
    service_documentation: Option<Url>,
}

impl FacadeMetadata {
    /// Starts with the issuer: registration, client metadata documents and refresh tokens are offered, endpoints are at
    /// their [default paths](FacadeEndpoint).
    pub fn new(issuer: FacadeIssuer) -> Self {
        Self {
            issuer,
            paths: Paths::default(),
            scopes: Scopes::default(),
            registration: true,
            client_metadata_documents: true,
            refresh_tokens: true,
            grant_types: Vec::new(),
            assertion_algorithms: Vec::new(),
            dpop_algorithms: Vec::new(),
            protected_resources: Vec::new(),
            service_documentation: None,
        }
    }

    /// Moves an endpoint to another path below the issuer.
    ///
    /// # Errors
    ///
    /// [`FacadePathError`].
    pub fn path(mut self, endpoint: FacadeEndpoint, path: &str) -> Result<Self, FacadePathError> {
        self.paths.set(endpoint, path)?;
        Ok(self)
    }

    /// Sets the scopes that MCP clients may ask for: the few that they need, not the provider's catalogue, because
    /// some clients ask for all. `openid` and `offline_access` are left out here; the latter is published where
    /// [refresh tokens](Self::refresh_tokens) are offered, and nowhere else (SEP-2207).
    pub fn scopes(mut self, scopes: &Scopes) -> Self {
        self.scopes = scopes.clone().without_offline_access();
        self
    }

    /// Says whether clients may register (RFC 7591). Default: yes.
    pub fn registration(mut self, offered: bool) -> Self {
        self.registration = offered;
        self
    }

    /// Says whether a URL of a client metadata document is taken as `client_id`. Default: yes.
    pub fn client_metadata_documents(mut self, offered: bool) -> Self {
        self.client_metadata_documents = offered;
        self
    }

    /// Says whether refresh tokens are issued. Default: yes, unless the provider says that it has none.
    pub fn refresh_tokens(mut self, offered: bool) -> Self {
        self.refresh_tokens = offered;
        self
    }

    /// Adds a grant type to `authorization_code` and `refresh_token`, such as `client_credentials`.
    pub fn grant_type(mut self, grant_type: impl Into<String>) -> Self {
        self.grant_types.push(grant_type.into());
        self
    }

    /// Offers `private_key_jwt` with these JWS algorithms.
    pub fn private_key_jwt(mut self, algorithms: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.assertion_algorithms = algorithms.into_iter().map(Into::into).collect();
        self
    }

    /// Offers DPoP with these JWS algorithms (RFC 9449 §5.1).
    pub fn dpop(mut self, algorithms: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.dpop_algorithms = algorithms.into_iter().map(Into::into).collect();
        self
    }

    /// Lists a resource that tokens are issued for (RFC 9728 §4).
    pub fn protected_resource(mut self, resource: &ResourceIdentifier) -> Self {
        self.protected_resources.push(resource.as_str().to_owned());
        self
    }

    /// Sets the page for developers.
    pub fn service_documentation(mut self, page: Url) -> Self {
        self.service_documentation = Some(page);
        self
    }

    /// The issuer.
    pub fn issuer(&self) -> &FacadeIssuer {
        &self.issuer
    }

    /// Where an endpoint is.
    pub fn url(&self, endpoint: FacadeEndpoint) -> Url {
        self.issuer.below(self.paths.of(endpoint))
    }

    /// Which endpoint is at a path of a request. The path is compared as it stands.
    pub fn endpoint_at(&self, path: &str) -> Option<FacadeEndpoint> {
        let base = self.issuer.below("");
        self.paths.at(path.strip_prefix(base.path().trim_end_matches('/'))?)
    }

    /// The document of RFC 8414. `upstream` is what is known of the provider, if anything: of ours it takes away what the
    /// provider says that it cannot do.
    pub fn authorization_server(
        &self,
        upstream: Option<&AuthorizationServerMetadata>,
    ) -> AuthorizationServerMetadata {
        let list = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect::<Vec<String>>();
        let some = |items: &[String]| (!items.is_empty()).then(|| items.to_vec());
        let refresh = self.refreshes(upstream);
        let mut methods = list(&["none", "client_secret_basic", "client_secret_post"]);
        if !self.assertion_algorithms.is_empty() {
            methods.push("private_key_jwt".to_owned());
        }
        let mut grant_types = list(&["authorization_code"]);
        grant_types.extend(refresh.then(|| "refresh_token".to_owned()));
        grant_types.extend(self.grant_types.iter().cloned());
        let mut scopes: Vec<String> =
            self.scopes.iter().filter(|scope| *scope != "openid").map(str::to_owned).collect();
        scopes.extend(refresh.then(|| "offline_access".to_owned()));

        let mut metadata = AuthorizationServerMetadata::new(self.issuer.as_str());
        metadata.authorization_endpoint = Some(self.url(FacadeEndpoint::Authorize));
        metadata.token_endpoint = Some(self.url(FacadeEndpoint::Token));
        metadata.jwks_uri = Some(self.url(FacadeEndpoint::Keys));
        metadata.registration_endpoint = self.registration.then(|| self.url(FacadeEndpoint::Register));
        metadata.revocation_endpoint = Some(self.url(FacadeEndpoint::Revoke));
        metadata.scopes_supported = some(&scopes);
        metadata.response_modes_supported = Some(list(&["query"]));
        metadata.grant_types_supported = Some(grant_types);
        metadata.revocation_endpoint_auth_methods_supported = Some(methods.clone());
        metadata.token_endpoint_auth_methods_supported = Some(methods);
        metadata.token_endpoint_auth_signing_alg_values_supported = some(&self.assertion_algorithms);
        metadata.authorization_response_iss_parameter_supported = Some(true);
        metadata.client_id_metadata_document_supported = Some(self.client_metadata_documents);
        metadata.dpop_signing_alg_values_supported = some(&self.dpop_algorithms);
        metadata.protected_resources = some(&self.protected_resources);
        metadata.service_documentation = self.service_documentation.as_ref().map(Url::to_string);
        metadata
    }

    /// The document of OpenID Connect Discovery, for clients that look only there: the same, with the members that are
    /// required in it. No ID tokens are issued, so that `openid` is no scope.
    pub fn openid_configuration(
        &self,
        upstream: Option<&AuthorizationServerMetadata>,
    ) -> AuthorizationServerMetadata {
        let mut metadata = self.authorization_server(upstream);
        metadata.subject_types_supported = Some(vec!["public".to_owned()]);
        metadata.id_token_signing_alg_values_supported = Some(vec!["RS256".to_owned()]);
        metadata
    }

    /// The document that stands at this URL, as JSON. `None` is a 404: at paths that belong to another issuer clients
    /// take what they find for that issuer's (codex#40885).
    pub fn document_at(
        &self,
        requested: &Url,
        upstream: Option<&AuthorizationServerMetadata>,
    ) -> Option<Bytes> {
        let found = self.issuer.metadata_urls().find(|url| url == requested)?;
        let oauth = found.path().starts_with(OAUTH_AUTHORIZATION_SERVER);
        let document =
            if oauth { self.authorization_server(upstream) } else { self.openid_configuration(upstream) };
        Some(document.to_json())
    }

    pub(super) fn refreshes(&self, upstream: Option<&AuthorizationServerMetadata>) -> bool {
        let without = |upstream: &AuthorizationServerMetadata| {
            upstream.grant_types_supported.is_some() && !upstream.supports_grant_type("refresh_token")
        };
        self.refresh_tokens && !upstream.is_some_and(without)
    }
}
