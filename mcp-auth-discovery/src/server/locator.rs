use url::Url;

use super::AuthorizationServerMetadata;
use crate::{transport, well_known};

/// Finds an issuer's key set through its metadata, as a state machine without IO.
///
/// ```text
///           known address                fails                    another address
///  begin ─────────────────▶ key set ─────────────▶ metadata … ─────────────────────▶ key set ──▶ end
///     └───── none yet ───────────────────────────────▲  │ no document is good
///                                                       └──▶ end
/// ```
///
/// One run makes at most one request for each well-known URL and two for key sets. OpenID Connect's own path is
/// asked first, then the two of RFC 8414, and in later runs the one that answered. A document is used only when
/// its `issuer` is the configured one byte for byte (RFC 8414 §3.3).
///
/// ```
/// use mcp_auth_discovery::server::{KeySetLocator, LocatorRequest};
///
/// let mut locator = KeySetLocator::new("https://idp.example")?;
/// locator.begin();
/// let Some(LocatorRequest::Metadata(url)) = locator.next_request() else { panic!() };
/// assert_eq!(url.as_str(), "https://idp.example/.well-known/openid-configuration");
/// locator.metadata(Ok(br#"{"issuer":"https://idp.example","jwks_uri":"https://idp.example/keys"}"#));
/// let Some(LocatorRequest::KeySet(url)) = locator.next_request() else { panic!() };
/// assert_eq!(url.as_str(), "https://idp.example/keys");
/// locator.key_set(Ok(()));
/// assert!(locator.next_request().is_none() && locator.error().is_none());
/// # Ok::<(), mcp_auth_discovery::server::LocatorError>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeySetLocator {
    issuer: String,
    insecure_http: bool,
    /// The one that answered last comes first.
    documents: Vec<Url>,
    jwks_uri: Option<Url>,
    step: Step,
    /// The address that failed in this run: it is not asked twice.
    refused: Option<Url>,
    errors: Vec<String>,
}

#[derive(Clone, Debug)]
enum Step {
    /// Asks for the key set at the address that a document of an earlier run gave.
    Known,
    /// Asks for the document at this place of the list.
    Document(usize),
    /// Asks for the key set at the address that a document of this run gave.
    Located,
    End,
}

/// The next request of a [`KeySetLocator`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver has to handle each")]
pub enum LocatorRequest<'l> {
    /// A metadata document; answer with [`KeySetLocator::metadata`].
    Metadata(&'l Url),
    /// The key set; answer with [`KeySetLocator::key_set`].
    KeySet(&'l Url),
}

/// Why metadata and keys cannot be discovered from an issuer's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocatorError {
    /// Only a URL has a well-known path.
    #[error(
        "issuer `{0}` is not an absolute URL: its metadata cannot be discovered, give the addresses that stand in it"
    )]
    NotAUrl(String),
    /// Keys over plain HTTP can be replaced by anyone on the way.
    #[error("issuer `{0}` is not https (http is taken from this machine only)")]
    Insecure(String),
    /// RFC 8414 §2 forbids a query and a fragment; a user or password would be sent and logged.
    #[error("the issuer's URL has a query, a fragment, or a user")]
    Extra,
}

impl KeySetLocator {
    /// A locator for an issuer whose name is an https URL, or http on a loopback host.
    ///
    /// # Errors
    ///
    /// [`LocatorError`].
    pub fn new(issuer: &str) -> Result<Self, LocatorError> {
        Self::build(issuer, false)
    }

    /// As [`new`](Self::new), and takes `http` of any host, for the issuer and for the addresses in its document:
    /// whoever is on the way can replace the keys. For closed networks.
    ///
    /// # Errors
    ///
    /// [`LocatorError`].
    pub fn insecure_http(issuer: &str) -> Result<Self, LocatorError> {
        Self::build(issuer, true)
    }

    fn build(issuer: &str, insecure_http: bool) -> Result<Self, LocatorError> {
        let url = issuer_url(issuer, insecure_http)?;
        // OpenID Connect's own path comes last there, and is the one that nearly every provider has.
        let mut documents: Vec<Url> = well_known::authorization_server_urls(&url).collect();
        documents.reverse();
        Ok(Self {
            issuer: issuer.to_owned(),
            insecure_http,
            documents,
            jwks_uri: None,
            step: Step::End,
            refused: None,
            errors: Vec::new(),
        })
    }

    /// The issuer's name.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where the keys are, by the last good document.
    pub fn jwks_uri(&self) -> Option<&Url> {
        self.jwks_uri.as_ref()
    }

    /// Begins a run. When the last one was given up in the middle, what it waited for comes last in this one.
    pub fn begin(&mut self) {
        self.errors.clear();
        if let Step::Document(index) = self.step
            && let Some(from) = self.documents.get_mut(index..)
        {
            from.rotate_left(1);
        }
        let refused = self.refused.take().is_some();
        self.step = match (&self.step, &self.jwks_uri) {
            (Step::End, Some(_)) => Step::Known,
            // The documents hung. After an address that failed they are asked once more, without it.
            (Step::Document(_), Some(_)) if !refused => Step::Known,
            _ => Step::Document(0),
        };
    }

    /// What to ask for now; `None` when the run has ended.
    pub fn next_request(&self) -> Option<LocatorRequest<'_>> {
        match self.step {
            Step::Known | Step::Located => self.jwks_uri.as_ref().map(LocatorRequest::KeySet),
            Step::Document(index) => self.documents.get(index).map(LocatorRequest::Metadata),
            Step::End => None,
        }
    }

    /// Why the run that has ended brought no key set; `None` when it did.
    pub fn error(&self) -> Option<String> {
        (!self.errors.is_empty()).then(|| self.errors.join("; "))
    }

    /// Takes the document, or why it could not be fetched. At most
    /// [`MAX_DOCUMENT_BYTES`](crate::MAX_DOCUMENT_BYTES) are read.
    pub fn metadata(&mut self, answer: Result<&[u8], String>) {
        let Step::Document(index) = self.step else { return };
        match answer.and_then(|bytes| self.read(bytes)) {
            Ok(found) => {
                if let Some(ahead) = self.documents.get_mut(..=index) {
                    ahead.rotate_right(1);
                }
                let again = self.refused.as_ref() == Some(&found);
                self.step = if again { Step::End } else { Step::Located };
                self.jwks_uri = Some(found);
            }
            Err(error) => {
                let at = self.documents.get(index).map(Url::as_str).unwrap_or_default();
                self.errors.push(format!("{at}: {error}"));
                let next = index + 1;
                self.step = if next < self.documents.len() { Step::Document(next) } else { Step::End };
            }
        }
    }

    /// Takes whether the key set was fetched and could be used.
    pub fn key_set(&mut self, answer: Result<(), String>) {
        match (answer, &self.step) {
            (_, Step::Document(_) | Step::End) => {}
            (Ok(()), Step::Known | Step::Located) => {
                self.errors.clear();
                self.step = Step::End;
            }
            (Err(error), Step::Known) => {
                self.errors.push(error);
                self.refused = self.jwks_uri.clone();
                self.step = Step::Document(0);
            }
            (Err(error), Step::Located) => {
                self.errors.push(error);
                self.step = Step::End;
            }
        }
    }

    fn read(&self, bytes: &[u8]) -> Result<Url, String> {
        let parse = if self.insecure_http {
            AuthorizationServerMetadata::parse_insecure_http
        } else {
            AuthorizationServerMetadata::parse
        };
        let metadata = parse(bytes, &self.issuer).map_err(|error| error.to_string())?;
        metadata.jwks_uri.ok_or_else(|| "document has no `jwks_uri`".to_owned())
    }
}

/// An issuer identifier as the URL that it is, if metadata can be looked for there.
pub(super) fn issuer_url(issuer: &str, insecure_http: bool) -> Result<Url, LocatorError> {
    let not_a_url = || LocatorError::NotAUrl(issuer.to_owned());
    if transport::is_ambiguous(issuer) {
        return Err(not_a_url());
    }
    let url = Url::parse(issuer).map_err(|_| not_a_url())?;
    if transport::has_userinfo(&url) || url.query().is_some() || url.fragment().is_some() {
        return Err(LocatorError::Extra);
    }
    if !(transport::is_secure(&url) || insecure_http && url.scheme() == "http") {
        return Err(LocatorError::Insecure(issuer.to_owned()));
    }
    Ok(url)
}
