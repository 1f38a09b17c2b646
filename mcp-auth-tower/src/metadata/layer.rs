use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Uri};
use mcp_auth_discovery::ProtectedResourceMetadata;
use mcp_auth_discovery::resource::{MountedResources, ResourceIdentifier};
use mcp_auth_discovery::well_known::OAUTH_PROTECTED_RESOURCE;
use tower_layer::Layer;
use url::Url;

use super::Metadata;
use crate::authority::Place;

/// Puts [`Metadata`] in front of a service.
#[derive(Clone, Debug)]
#[must_use]
pub struct MetadataLayer {
    pub(super) documents: Arc<Documents>,
}

#[derive(Debug)]
pub(super) enum Documents {
    /// Whatever host is asked for: who leads requests here has said that it is this resource.
    One { path: String, json: Bytes },
    /// By host and path; each origin once.
    Mounted { resources: MountedResources, origins: Vec<(Place, Url)> },
}

impl MetadataLayer {
    /// Serves `metadata` of `resource`, also at the root, whatever host a request is for.
    pub fn new(resource: &ResourceIdentifier, metadata: &ProtectedResourceMetadata) -> Self {
        let one = Documents::One { path: resource.metadata_path(), json: metadata.to_json() };
        Self { documents: Arc::new(one) }
    }

    /// Serves the documents of several resources, each at its host and path, and at the root what
    /// [`MountedResources`] says. Requests for other hosts and places pass on. The host is that of the request, which a
    /// proxy in front has to leave as it is; forwarding headers are not read.
    ///
    /// ```
    /// use mcp_auth_discovery::resource::MountedResources;
    /// use mcp_auth_tower::McpAuth;
    /// use mcp_auth_tower::metadata::MetadataLayer;
    /// # async fn mcp() -> &'static str { "" }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let auth = |resource: &str| {
    ///     McpAuth::builder(resource)?.issuer("https://idp.example", "https://idp.example/jwks.json")?.build()
    /// };
    /// let (files, mail) = (auth("https://mcp.example/files")?, auth("https://mcp.example/mail")?);
    /// let mut resources = MountedResources::default();
    /// resources.mount(files.document())?;
    /// resources.mount(mail.document())?;
    /// let app: axum::Router = axum::Router::new()
    ///     .route("/files", axum::routing::any(mcp).layer(files))
    ///     .route("/mail", axum::routing::any(mcp).layer(mail))
    ///     .fallback(async || http::StatusCode::NOT_FOUND)
    ///     .layer(MetadataLayer::mounted(resources));
    /// # Ok(()) }
    /// ```
    pub fn mounted(resources: MountedResources) -> Self {
        let mut origins: Vec<(Place, Url)> = Vec::new();
        for resource in resources.resources() {
            let url = resource.url();
            let known = origins.iter().any(|(_, other)| other.origin() == url.origin());
            if let Some(place) = Place::of(url).filter(|_| !known) {
                origins.push((place, url.clone()));
            }
        }
        Self { documents: Arc::new(Documents::Mounted { resources, origins }) }
    }
}

impl Documents {
    /// The document that a request asks for.
    pub(super) fn find(&self, uri: &Uri, headers: &HeaderMap) -> Option<&Bytes> {
        let path = uri.path();
        // Nearly all requests end here.
        if !path.starts_with(OAUTH_PROTECTED_RESOURCE) {
            return None;
        }
        match self {
            Self::One { path: own, json } => {
                (path == own || path == OAUTH_PROTECTED_RESOURCE).then_some(json)
            }
            Self::Mounted { resources, origins } => {
                let mut here = origins.iter().filter(|(place, _)| place.is_asked(uri, headers));
                // A request that names no host could be for each of several.
                let ((_, origin), None) = (here.next()?, here.next()) else { return None };
                let mut requested = origin.clone();
                requested.set_path(path);
                requested.set_query(uri.query());
                // What the parser would mend is no place of ours.
                if requested.path() == path { resources.document_at(&requested) } else { None }
            }
        }
    }
}

impl<S> Layer<S> for MetadataLayer {
    type Service = Metadata<S>;

    fn layer(&self, inner: S) -> Metadata<S> {
        Metadata { inner, documents: self.documents.clone() }
    }
}
