//! Several resources of one server, each with its document.

use bytes::Bytes;
use url::Url;

use super::{ProtectedResourceMetadata, ResourceIdentifier};
use crate::well_known::OAUTH_PROTECTED_RESOURCE;

/// The documents of all resources that one server mounts: one per path (RFC 9728 §3.1), and one at the root for
/// clients that look only there (MCP authorization, "Protected Resource Metadata Discovery Requirements").
///
/// At the root stands the document of the resource that is mounted there. Without one it is the document of the
/// [chosen](Self::root) resource, or of the only one of that origin; a client that compares `resource` with the root
/// (RFC 9728 §3.3) refuses it, as it would a 404. Several resources and no choice are a 404.
///
/// ```
/// use mcp_auth_discovery::resource::MountedResources;
/// use mcp_auth_discovery::{ProtectedResourceMetadata, ResourceIdentifier};
/// use url::Url;
///
/// let mut mounted = MountedResources::default();
/// for path in ["/files", "/mail"] {
///     let resource = ResourceIdentifier::parse(&format!("https://mcp.example.com{path}"))?;
///     mounted.mount(&ProtectedResourceMetadata::builder(resource).build())?;
/// }
/// let at = |url: &str| mounted.document_at(&Url::parse(url).unwrap()).is_some();
/// assert!(at("https://mcp.example.com/.well-known/oauth-protected-resource/mail"));
/// assert!(!at("https://mcp.example.com/.well-known/oauth-protected-resource"));
/// assert!(!at("https://other.example.com/.well-known/oauth-protected-resource/mail"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MountedResources {
    documents: Vec<Mounted>,
    roots: Vec<Url>,
}

#[derive(Clone, Debug)]
struct Mounted {
    resource: ResourceIdentifier,
    at: Url,
    json: Bytes,
}

/// Why a resource cannot be mounted or chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MountError {
    /// Two resources whose documents would stand at the same URL, such as `/mcp` and `/mcp/`.
    #[error("`{0}` and `{1}` have their metadata at the same URL: mount one of them")]
    SamePlace(String, String),
    /// The chosen resource is not mounted.
    #[error("`{0}` is not mounted")]
    NotMounted(String),
}

impl MountedResources {
    /// Adds a resource with its document.
    ///
    /// # Errors
    ///
    /// [`MountError::SamePlace`].
    pub fn mount(&mut self, metadata: &ProtectedResourceMetadata) -> Result<(), MountError> {
        let resource = metadata.resource.clone();
        let at = resource.metadata_url();
        if let Some(other) = self.documents.iter().find(|mounted| mounted.at == at) {
            return Err(MountError::SamePlace(other.resource.to_string(), resource.to_string()));
        }
        self.documents.push(Mounted { resource, at, json: metadata.to_json() });
        Ok(())
    }

    /// Chooses the resource whose document also stands at the root of its origin.
    ///
    /// # Errors
    ///
    /// [`MountError::NotMounted`].
    pub fn root(&mut self, resource: &ResourceIdentifier) -> Result<(), MountError> {
        let Some(mounted) = self.documents.iter().find(|mounted| mounted.resource == *resource) else {
            return Err(MountError::NotMounted(resource.to_string()));
        };
        self.roots.retain(|root| root.origin() != mounted.at.origin());
        self.roots.push(mounted.at.clone());
        Ok(())
    }

    /// The document that stands at exactly this URL, as JSON. `None` is a 404.
    pub fn document_at(&self, requested: &Url) -> Option<&Bytes> {
        let exact = self.documents.iter().find(|mounted| mounted.at == *requested);
        exact.or_else(|| self.root_of(requested)).map(|mounted| &mounted.json)
    }

    /// The mounted resources, in the order of mounting.
    pub fn resources(&self) -> impl Iterator<Item = &ResourceIdentifier> {
        self.documents.iter().map(|mounted| &mounted.resource)
    }

    fn root_of(&self, requested: &Url) -> Option<&Mounted> {
        if requested.path() != OAUTH_PROTECTED_RESOURCE || requested.query().is_some() {
            return None;
        }
        let mut here = self.documents.iter().filter(|mounted| mounted.at.origin() == requested.origin());
        match self.roots.iter().find(|root| root.origin() == requested.origin()) {
            Some(root) => here.find(|mounted| mounted.at == *root),
            None => {
                let only = here.next()?;
                here.next().is_none().then_some(only)
            }
        }
    }
}
