//! Requests over the guarded client of `mcp-auth-tower`: no redirects, bounded in time and size, and URLs that others
//! wrote lead to public addresses only.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use mcp_auth_discovery::{ResourceIdentifier, transport};
use mcp_auth_tower::client::{AddressPolicy, Fetch, FetchRequest, FetchUrl, UrlTrust};
use url::{Origin, Url};

use crate::error::ClientError;

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_BYTES: usize = 1024 * 1024;

/// Sends what the client has to send.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    client: Arc<dyn Fetch>,
    /// The one origin that the operator wrote down.
    configured: Origin,
}

impl HttpClient {
    /// A client for `server`. Where the server is on this machine, its authorization server may be here too.
    pub(crate) fn new(server: &ResourceIdentifier) -> Result<Self, ClientError> {
        let mut learned = AddressPolicy::public_only();
        if transport::is_loopback(server.url()) {
            learned = learned.allow("127.0.0.0/8")?.allow("::1/128")?;
        }
        let client = mcp_auth_tower::client::HttpClient::builder().learned_addresses(learned).build();
        let client = client.map_err(|fault| ClientError::Fetch { url: server.to_string(), fault })?;
        Ok(Self::over(Arc::new(client), server))
    }

    /// The same over any transport.
    pub(crate) fn over(client: Arc<dyn Fetch>, server: &ResourceIdentifier) -> Self {
        Self { client, configured: server.url().origin() }
    }

    /// Gets `url`. Of an answer other than 200 there is no body.
    pub(crate) async fn get(&self, url: &Url) -> Result<Response<Bytes>, ClientError> {
        self.send(url.as_str(), None).await
    }

    /// Posts `request` to its URI.
    pub(crate) async fn post(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ClientError> {
        let url = request.uri().to_string();
        self.send(&url, Some(request)).await
    }

    async fn send(&self, url: &str, post: Option<Request<Bytes>>) -> Result<Response<Bytes>, ClientError> {
        let target = FetchUrl::parse(url).map_err(|fault| ClientError::Url { url: shown(url), fault })?;
        let trust = if target.as_url().origin() == self.configured {
            UrlTrust::Configured
        } else {
            UrlTrust::Learned
        };
        let mut request = FetchRequest::new(target, trust, MAX_BYTES, TIMEOUT);
        if let Some(post) = post {
            request = request.post(post);
        }
        let answer = self.client.fetch(request).await;
        answer.map_err(|fault| ClientError::Fetch { url: shown(url), fault })
    }
}

/// A URL without its query, which may hold codes.
fn shown(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}
