use std::sync::Arc;

use bytes::Bytes;
use mcp_auth_discovery::ProtectedResourceMetadata;
use mcp_auth_discovery::resource::ResourceIdentifier;
use tower_layer::Layer;

use super::Metadata;

/// Puts [`Metadata`] in front of a service.
#[derive(Clone, Debug)]
#[must_use]
pub struct MetadataLayer {
    pub(super) document: Arc<Document>,
}

#[derive(Debug)]
pub(super) struct Document {
    pub(super) path: String,
    pub(super) json: Bytes,
}

impl MetadataLayer {
    /// Serves `metadata` of `resource`.
    pub fn new(resource: &ResourceIdentifier, metadata: &ProtectedResourceMetadata) -> Self {
        Self { document: Arc::new(Document { path: resource.metadata_path(), json: metadata.to_json() }) }
    }
}

impl<S> Layer<S> for MetadataLayer {
    type Service = Metadata<S>;

    fn layer(&self, inner: S) -> Metadata<S> {
        Metadata { inner, document: self.document.clone() }
    }
}
