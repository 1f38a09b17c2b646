//! From a server's challenge to the authorization server that issues tokens for it.

use std::sync::Arc;

use http::StatusCode;
use mcp_auth_discovery::challenge::ReceivedChallenge;
use mcp_auth_discovery::server::{MetadataCache, MetadataFetchStart, MetadataLife, MetadataSource};
use mcp_auth_discovery::{
    AuthorizationServerMetadata, ProtectedResourceMetadata, ResourceIdentifier, Scopes,
};
use mcp_auth_tower::clock::{Clock as _, SystemClock};
use url::Url;

use super::Authorizer;
use crate::error::ClientError;

/// What is known of the resource and of its authorization server.
#[derive(Clone, Debug)]
pub(super) struct Discovered {
    /// What tokens are asked for.
    pub(super) resource: ResourceIdentifier,
    /// Absent at servers of MCP 2025-03-26.
    resource_metadata: Option<ProtectedResourceMetadata>,
    pub(super) metadata: Arc<AuthorizationServerMetadata>,
}

/// What came of asking for an authorization server's metadata.
enum ServerMetadata {
    Found(Arc<AuthorizationServerMetadata>),
    /// Every well-known URL answered 4xx.
    Absent,
}

impl Discovered {
    /// The scopes to ask for after this challenge.
    pub(super) fn scopes(&self, challenge: Option<&ReceivedChallenge>) -> Result<Scopes, ClientError> {
        let challenged = challenge.and_then(ReceivedChallenge::scopes);
        let resource = self.resource_metadata.as_ref();
        Ok(Scopes::to_request(challenged.as_ref(), resource, &self.metadata, true)?)
    }

    /// Whether the resource takes only tokens that are bound to a key.
    pub(super) fn requires_dpop(&self) -> bool {
        let required = self.resource_metadata.as_ref().and_then(|m| m.dpop_bound_access_tokens_required);
        required == Some(true)
    }
}

impl Authorizer {
    /// Anew for every challenge: a resource may have moved to another authorization server.
    pub(super) async fn discover(
        &self,
        challenge: Option<&ReceivedChallenge>,
    ) -> Result<Discovered, ClientError> {
        let named = challenge.and_then(ReceivedChallenge::resource_metadata);
        let Some(resource_metadata) = self.resource_metadata(named.as_ref()).await? else {
            return self.discover_legacy().await;
        };
        let issuers = &resource_metadata.authorization_servers;
        let known = issuers.iter().find(|issuer| self.settings.credentials.issuer() == Some(issuer.as_str()));
        let issuer = known.or(issuers.first()).ok_or(ClientError::NoAuthorizationServer)?;
        match self.server_metadata(issuer).await? {
            ServerMetadata::Found(metadata) => {
                let resource = resource_metadata.resource.clone();
                Ok(Discovered { resource, resource_metadata: Some(resource_metadata), metadata })
            }
            ServerMetadata::Absent => Err(ClientError::ServerMetadata(format!("{issuer} has none"))),
        }
    }

    /// MCP 2025-03-26: the server is its own authorization server.
    async fn discover_legacy(&self) -> Result<Discovered, ClientError> {
        let metadata = match self.server_metadata(self.server.origin().as_str()).await? {
            ServerMetadata::Found(metadata) => metadata,
            ServerMetadata::Absent => Arc::new(AuthorizationServerMetadata::default_endpoints(&self.server)),
        };
        tracing::info!("no metadata of the resource: its origin is taken for its authorization server");
        Ok(Discovered { resource: self.server.clone(), resource_metadata: None, metadata })
    }

    /// `None` where there is no document at all. One that is about another resource is refused, and ends the search.
    async fn resource_metadata(
        &self,
        named: Option<&Url>,
    ) -> Result<Option<ProtectedResourceMetadata>, ClientError> {
        for location in self.server.metadata_locations(named) {
            let url = location.url.to_string();
            let answer = self.http.get(&location.url).await?;
            match answer.status() {
                StatusCode::OK => {
                    return ProtectedResourceMetadata::parse(answer.body(), &location.expected)
                        .map(Some)
                        .map_err(|fault| ClientError::ResourceMetadata { url, fault });
                }
                status if status.is_client_error() && named.is_none() => {}
                status => {
                    return Err(ClientError::ResourceMetadataStatus { url, status: status.as_u16() });
                }
            }
        }
        Ok(None)
    }

    async fn server_metadata(&self, issuer: &str) -> Result<ServerMetadata, ClientError> {
        let now = SystemClock.now();
        let mut cache = MetadataCache::new(issuer, &MetadataSource::Standard, MetadataLife::default())?;
        let mut absent = true;
        if let MetadataFetchStart::Begin(mut fetch) = cache.begin_fetch(now) {
            while let Some(request) = fetch.next_request() {
                // INVARIANT: the URI was made from a URL.
                let Ok(url) = Url::parse(&request.uri().to_string()) else { break };
                match self.http.get(&url).await {
                    Ok(answer) => {
                        absent &= answer.status().is_client_error();
                        fetch.handle_response(&answer);
                    }
                    Err(error) => {
                        absent = false;
                        fetch.handle_failure(&error.to_string());
                    }
                }
            }
            cache.end_fetch(fetch, 0, now);
        }
        match cache.usable(now) {
            Some(metadata) => Ok(ServerMetadata::Found(metadata.clone())),
            None if absent => Ok(ServerMetadata::Absent),
            None => Err(ClientError::ServerMetadata(cache.status(now).last_error.unwrap_or_default())),
        }
    }
}
