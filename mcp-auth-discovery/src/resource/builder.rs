//! Making a document of our own.

use url::Url;

use super::lint::{MetadataLint, lint};
use super::localized::{HumanReadable, LocalizedError};
use super::{BearerMethod, ProtectedResourceMetadata};
use crate::Scopes;

/// Builds [`ProtectedResourceMetadata`] for a resource of our own.
#[derive(Clone, Debug)]
#[must_use]
pub struct ProtectedResourceMetadataBuilder {
    metadata: ProtectedResourceMetadata,
    scopes: Scopes,
    methods: Vec<BearerMethod>,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($argument:ident: $type:ty) => $value:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name(mut self, $argument: $type) -> Self {
            self.metadata.$name = Some($value);
            self
        }
    )*};
}

impl ProtectedResourceMetadataBuilder {
    pub(super) fn new(metadata: ProtectedResourceMetadata) -> Self {
        Self { metadata, scopes: Scopes::default(), methods: vec![BearerMethod::Header] }
    }

    /// Adds an authorization server by its issuer identifier, exactly as it publishes it.
    pub fn authorization_server(mut self, issuer: impl Into<String>) -> Self {
        self.metadata.authorization_servers.push(issuer.into());
        self
    }

    /// Sets the scopes to publish. `offline_access` is left out, and is a [lint](Self::lint).
    pub fn scopes_supported(mut self, scopes: &Scopes) -> Self {
        self.scopes = scopes.clone();
        self
    }

    /// Sets the bearer methods as an operator configured them. Only `header` is published, because nothing else
    /// is accepted; the others are [lints](Self::lint).
    pub fn bearer_methods_supported(mut self, methods: impl IntoIterator<Item = BearerMethod>) -> Self {
        self.methods = methods.into_iter().collect();
        self
    }

    setters! {
        /// Sets where the resource publishes its own keys.
        jwks_uri(url: Url) => url;
        /// Sets the JWS algorithms with which the resource signs its responses.
        resource_signing_alg_values_supported(algorithms: Vec<String>) => algorithms;
        /// Sets the name to show to people.
        resource_name(name: impl Into<String>) => name.into();
        /// Sets the page for developers.
        resource_documentation(url: impl Into<String>) => url.into();
        /// Sets the page about how clients may use the data.
        resource_policy_uri(url: impl Into<String>) => url.into();
        /// Sets the page with the terms of service.
        resource_tos_uri(url: impl Into<String>) => url.into();
        /// Says whether tokens may be bound to a client certificate (RFC 8705).
        tls_client_certificate_bound_access_tokens(bound: bool) => bound;
        /// Sets the types of `authorization_details` (RFC 9396).
        authorization_details_types_supported(types: Vec<String>) => types;
        /// Sets the JWS algorithms accepted in DPoP proofs (RFC 9449).
        dpop_signing_alg_values_supported(algorithms: Vec<String>) => algorithms;
        /// Says whether tokens must be bound by DPoP (RFC 9449).
        dpop_bound_access_tokens_required(required: bool) => required;
    }

    /// Adds a text in one language (RFC 9728 §2.1): `resource_name#de`. The member without a tag is for everybody
    /// else.
    ///
    /// ```
    /// use mcp_auth_discovery::resource::HumanReadable;
    /// use mcp_auth_discovery::{ProtectedResourceMetadata, ResourceIdentifier};
    ///
    /// let metadata = ProtectedResourceMetadata::builder(ResourceIdentifier::parse("https://mcp.example.com")?)
    ///     .resource_name("Files")
    ///     .localized(HumanReadable::Name, "de", "Dateien")?
    ///     .build();
    /// assert_eq!(metadata.localized.get(HumanReadable::Name, "DE"), Some("Dateien"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LocalizedError`].
    pub fn localized(
        mut self,
        member: HumanReadable,
        language: &str,
        text: impl Into<String>,
    ) -> Result<Self, LocalizedError> {
        self.metadata.localized.insert(member, language, text.into())?;
        Ok(self)
    }

    /// Warnings about what was configured, including what [`build`](Self::build) leaves out. `audiences` are
    /// those that the resource accepts in tokens.
    pub fn lint(&self, audiences: &[&str]) -> Vec<MetadataLint> {
        let metadata = &self.metadata;
        lint(
            &metadata.resource,
            &metadata.authorization_servers,
            self.methods.iter(),
            self.scopes.iter(),
            audiences,
        )
    }

    /// The document.
    pub fn build(mut self) -> ProtectedResourceMetadata {
        let scopes: Vec<String> = self.scopes.without_offline_access().iter().map(str::to_owned).collect();
        self.metadata.scopes_supported = (!scopes.is_empty()).then_some(scopes);
        self.metadata
    }
}
