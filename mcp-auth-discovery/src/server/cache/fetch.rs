use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use url::Url;

use crate::freshness;
use crate::server::AuthorizationServerMetadata;

/// One fetch of a document: the requests to make, and the duty to give it back with
/// [`MetadataCache::end_fetch`](super::MetadataCache::end_fetch). It is not `Clone`, and ending takes it.
///
/// It asks each well-known URL at most once, until one answers 200 with the document of the issuer. Redirects are not
/// followed: they count as failures, as does everything but 200.
#[derive(Debug)]
#[must_use]
pub struct MetadataFetch {
    pub(super) number: u64,
    pub(super) issuer: Arc<str>,
    pub(super) insecure_http: bool,
    pub(super) urls: Vec<Url>,
    pub(super) asked: usize,
    pub(super) found: Option<Found>,
    pub(super) errors: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Found {
    pub(super) metadata: Arc<AuthorizationServerMetadata>,
    pub(super) lifetime: Option<Duration>,
    /// Which URL it was.
    pub(super) index: usize,
}

impl MetadataFetch {
    /// The number of the fetch, counted from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What to ask for now; `None` when the fetch has come to its end.
    pub fn next_request(&self) -> Option<Request<Bytes>> {
        if self.found.is_some() {
            return None;
        }
        let url = self.urls.get(self.asked)?;
        let mut request = Request::new(Bytes::new());
        // A URL that is not the URI of a request would be asked for as `/` without a host, which no client can send.
        *request.uri_mut() = Uri::try_from(url.as_str()).unwrap_or_default();
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        Some(request)
    }

    /// Takes the answer. At most [`MAX_DOCUMENT_BYTES`](crate::MAX_DOCUMENT_BYTES) of its body are read.
    pub fn handle_response(&mut self, response: &Response<Bytes>) {
        if response.status() != StatusCode::OK {
            return self.handle_failure(&format!("status {}", response.status().as_u16()));
        }
        let parse = if self.insecure_http {
            AuthorizationServerMetadata::parse_insecure_http
        } else {
            AuthorizationServerMetadata::parse
        };
        match parse(response.body(), &self.issuer) {
            Ok(metadata) if self.next_request().is_some() => {
                let lifetime = freshness::lifetime(response.headers());
                self.found = Some(Found { metadata: Arc::new(metadata), lifetime, index: self.asked });
            }
            Ok(_) => {}
            Err(error) => self.handle_failure(&error.to_string()),
        }
    }

    /// Takes why there was no answer.
    pub fn handle_failure(&mut self, error: &str) {
        if self.found.is_some() {
            return;
        }
        if let Some(url) = self.urls.get(self.asked) {
            self.errors.push(format!("{url}: {error}"));
            self.asked += 1;
        }
    }
}
