//! Where a provider departs from what MCP clients send and expect.

use serde::Deserialize;

use super::rows::{RowQuirks, RowResource};
use crate::ResourceIdentifier;

/// What a facade has to do differently for a provider.
///
/// ```
/// use mcp_auth_discovery::ResourceIdentifier;
/// use mcp_auth_discovery::provider::{Provider, Registration};
///
/// let entra = Provider::entra_v2("11111111-2222-3333-4444-555555555555")?;
/// let quirks = entra.quirks();
/// assert_eq!(quirks.registration, Registration::PreRegistered);
///
/// // Entra refuses `resource` (AADSTS9010010): the target stands in the scope.
/// let resource = ResourceIdentifier::parse("https://mcp.example.com/mcp")?;
/// assert!(quirks.resource.translate(&resource, "app-id").resource.is_none());
/// assert_eq!(quirks.default_scopes_for("app-id"), ["app-id/.default"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Quirks {
    /// What becomes of the client's `resource` (RFC 8707).
    pub resource: ResourceHandling,
    /// Whether the metadata says that PKCE is supported.
    pub pkce: PkceMetadata,
    /// How a client of ours becomes known to the provider.
    pub registration: Registration,
    /// Whether authorization responses carry `iss` (RFC 9207). `None`: as the metadata says.
    pub response_iss: Option<bool>,
    /// Scopes to ask for when the client names none; `{audience}` is replaced by the audience.
    pub default_scopes: Vec<String>,
    /// What stands before the scopes of a resource at the provider, such as `{audience}/`: the first is put there on the
    /// way to the provider, each is taken off on the way back. Empty: the provider has the same names as clients.
    /// `{audience}` is replaced by the audience.
    pub scope_prefixes: Vec<String>,
    /// Whether `scope` is left out of registrations. Clients register with the scopes of the first challenge, and a
    /// strict server then refuses every later step-up with `invalid_scope`.
    pub drop_registration_scope: bool,
}

/// What becomes of the client's `resource` (RFC 8707) on its way to the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ResourceHandling {
    /// It is passed on: the provider knows it, or ignores it.
    #[default]
    Keep,
    /// It is left out: the provider refuses it, and has the audience from elsewhere.
    Strip,
    /// It is replaced by the parameter `audience` with the configured audience.
    Audience,
    /// It is replaced by a scope, in which `{audience}` stands for the configured audience.
    Scope(String),
}

/// Whether the provider's metadata says that PKCE is supported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum PkceMetadata {
    /// It does; without `S256` the server is not used (MCP authorization, "Authorization Code Protection").
    #[default]
    Required,
    /// It supports `S256` and does not say so. A document that lists other methods only is still refused.
    AssumeS256,
}

/// How a client of ours becomes known to the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Registration {
    /// Each registration is passed on to the `registration_endpoint` of its metadata (RFC 7591).
    #[default]
    Proxied,
    /// The operator registered one client; every registration here shares it, with consent for each.
    PreRegistered,
    /// There is none here.
    None,
}

/// What is sent to the provider instead of the client's `resource`: each that is there is one parameter, the scope is
/// added to the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TranslatedResource {
    /// `resource` (RFC 8707).
    pub resource: Option<String>,
    /// `audience`.
    pub audience: Option<String>,
    /// One more scope.
    pub scope: Option<String>,
}

impl ResourceHandling {
    /// What is sent for `resource`; `audience` is what the provider calls it.
    pub fn translate(&self, resource: &ResourceIdentifier, audience: &str) -> TranslatedResource {
        let nothing = TranslatedResource::default();
        match self {
            Self::Keep => TranslatedResource { resource: Some(resource.as_str().to_owned()), ..nothing },
            Self::Strip => nothing,
            Self::Audience => TranslatedResource { audience: Some(audience.to_owned()), ..nothing },
            Self::Scope(template) => TranslatedResource { scope: Some(fill(template, audience)), ..nothing },
        }
    }
}

impl Quirks {
    pub(super) fn of(row: &RowQuirks) -> Self {
        Self {
            resource: match row.resource {
                RowResource::Keep => ResourceHandling::Keep,
                RowResource::Strip => ResourceHandling::Strip,
                RowResource::Audience => ResourceHandling::Audience,
                RowResource::Scope(template) => ResourceHandling::Scope(template.to_owned()),
            },
            pkce: row.pkce,
            registration: row.registration,
            response_iss: row.response_iss,
            default_scopes: row.default_scopes.iter().map(|&scope| scope.to_owned()).collect(),
            scope_prefixes: row.scope_prefixes.iter().map(|&prefix| prefix.to_owned()).collect(),
            drop_registration_scope: true,
        }
    }

    /// [`default_scopes`](Self::default_scopes) for an audience.
    pub fn default_scopes_for(&self, audience: &str) -> Vec<String> {
        self.default_scopes.iter().map(|scope| fill(scope, audience)).collect()
    }
}

/// What a provider that follows the standards needs: nothing but registrations without `scope`.
impl Default for Quirks {
    fn default() -> Self {
        Self {
            resource: ResourceHandling::Keep,
            pkce: PkceMetadata::Required,
            registration: Registration::Proxied,
            response_iss: None,
            default_scopes: Vec::new(),
            scope_prefixes: Vec::new(),
            drop_registration_scope: true,
        }
    }
}

pub(super) fn fill(template: &str, audience: &str) -> String {
    template.replace("{audience}", audience)
}
