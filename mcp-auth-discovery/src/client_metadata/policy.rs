//! What an operator decides about documents of clients.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};

use super::{ClientDocumentError, ClientIdError, ClientIdUrl, ClientMetadataDocument};
use crate::document::MAX_DOCUMENT_BYTES;
use crate::freshness;
use crate::registration::RedirectUriRules;

/// What the draft recommends as the greatest length, in bytes (§6.6).
const MAX_BYTES: usize = 5 * 1024;

/// Whose documents are accepted, which redirect URIs they may have, and how long they are kept.
///
/// ```
/// use mcp_auth_discovery::client_metadata::{ClientIdError, ClientIdUrl, ClientMetadataPolicy};
///
/// let policy = ClientMetadataPolicy::default().allow_host("claude.ai").allow_subdomains_of("example.com");
/// let check = |id: &str| ClientIdUrl::parse(id).and_then(|id| policy.check(&id));
/// assert_eq!(check("https://claude.ai/oauth/client"), Ok(()));
/// assert_eq!(check("https://app.example.com/client"), Ok(()));
/// assert_eq!(check("https://badexample.com/client"), Err(ClientIdError::HostNotAllowed));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMetadataPolicy {
    hosts: Vec<Host>,
    redirect_uris: RedirectUriRules,
    max_bytes: usize,
    min_lifetime: Duration,
    max_lifetime: Duration,
    default_lifetime: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Exactly(String),
    /// With a dot before it.
    Below(String),
}

/// A document that was fetched and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchedClient {
    /// The document.
    pub document: ClientMetadataDocument,
    /// How long it may be kept.
    pub lifetime: Duration,
}

impl Default for ClientMetadataPolicy {
    /// Documents of every host, of at most 5 KiB, with the default [`RedirectUriRules`], kept for 5 minutes to 24 hours
    /// as their headers say and for an hour when they do not.
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            redirect_uris: RedirectUriRules::default(),
            max_bytes: MAX_BYTES,
            min_lifetime: Duration::from_secs(300),
            max_lifetime: Duration::from_secs(24 * 3600),
            default_lifetime: Duration::from_secs(3600),
        }
    }
}

impl ClientMetadataPolicy {
    /// Allows documents of this host, on any port. Documents of hosts that are not allowed are refused then.
    #[must_use]
    pub fn allow_host(mut self, host: &str) -> Self {
        self.hosts.push(Host::Exactly(host.to_ascii_lowercase()));
        self
    }

    /// Allows documents of every host below this domain, and not of the domain itself.
    #[must_use]
    pub fn allow_subdomains_of(mut self, domain: &str) -> Self {
        self.hosts.push(Host::Below(format!(".{}", domain.to_ascii_lowercase())));
        self
    }

    /// Says which redirect URIs are acceptable.
    #[must_use]
    pub fn redirect_uris(mut self, rules: RedirectUriRules) -> Self {
        self.redirect_uris = rules;
        self
    }

    /// Says how long a document may be, in bytes, at most [`MAX_DOCUMENT_BYTES`]. Default: 5 KiB, the draft's
    /// recommendation.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes.min(MAX_DOCUMENT_BYTES);
        self
    }

    /// Says within which bounds the headers of an answer choose how long it is kept. Default: 5 minutes to 24 hours.
    #[must_use]
    pub fn lifetime(mut self, least: Duration, most: Duration) -> Self {
        (self.min_lifetime, self.max_lifetime) = (least.min(most), most);
        self
    }

    /// The greatest length of a document, in bytes: whoever fetches stops reading there.
    pub fn limit(&self) -> usize {
        self.max_bytes
    }

    /// Whether documents of this host are accepted.
    ///
    /// # Errors
    ///
    /// [`ClientIdError::HostNotAllowed`].
    pub fn check(&self, id: &ClientIdUrl) -> Result<(), ClientIdError> {
        let host = id.host();
        let allowed = self.hosts.iter().any(|allowed| match allowed {
            Host::Exactly(name) => name == host,
            Host::Below(suffix) => host.ends_with(suffix.as_str()),
        });
        if self.hosts.is_empty() || allowed { Ok(()) } else { Err(ClientIdError::HostNotAllowed) }
    }

    /// The request for the document.
    ///
    /// # Errors
    ///
    /// [`ClientIdError::HostNotAllowed`]: nothing is fetched then; [`ClientIdError::NotAUrl`] for a URL that is not the
    /// URI of a request.
    pub fn request(&self, id: &ClientIdUrl) -> Result<Request<Bytes>, ClientIdError> {
        self.check(id)?;
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = Uri::try_from(id.as_str()).map_err(|_| ClientIdError::NotAUrl)?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        Ok(request)
    }

    /// Reads the answer.
    ///
    /// # Errors
    ///
    /// [`ClientDocumentError`]: the answer is not kept (draft §4.3).
    pub fn read(
        &self,
        id: &ClientIdUrl,
        response: &Response<Bytes>,
    ) -> Result<FetchedClient, ClientDocumentError> {
        if response.status() != StatusCode::OK {
            return Err(ClientDocumentError::Status(response.status().as_u16()));
        }
        if !is_json(response.headers()) {
            return Err(ClientDocumentError::MediaType);
        }
        let document =
            ClientMetadataDocument::parse(response.body(), id, &self.redirect_uris, self.max_bytes)?;
        let said = freshness::lifetime(response.headers()).unwrap_or(self.default_lifetime);
        Ok(FetchedClient { document, lifetime: said.clamp(self.min_lifetime, self.max_lifetime) })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(CONTENT_TYPE).map(HeaderValue::to_str) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.starts_with("application/") && essence.ends_with("+json")
}
