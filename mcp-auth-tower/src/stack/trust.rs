//! Whose tokens are accepted, and where the keys come from.

use std::path::PathBuf;
use std::sync::Arc;

use mcp_auth_core::jwt::Issuer;
use mcp_auth_discovery::provider::Provider;

use super::{BuildError, McpAuthBuilder};
use crate::authenticate::Introspection;
use crate::keys::{KeyOptions, KeySource, Keys, KeysError};

#[derive(Clone, Debug)]
pub(super) enum KeysFrom {
    Source(KeySource),
    Keys(Keys),
}

impl McpAuthBuilder {
    /// Trusts tokens that `issuer` made for the resource, checked with the keys at `keys_uri`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Keys`] when `keys_uri` is not an absolute http or https URL, or has a user, a password or a
    /// fragment. [`build`](Self::build) refuses http to another machine; see [`KeyOptions::danger_allow_http`].
    pub fn issuer(self, issuer: &str, keys_uri: &str) -> Result<Self, BuildError> {
        let issuer = self.for_resource(issuer);
        self.issuer_with(issuer, keys_uri)
    }

    /// As [`issuer`](Self::issuer), with settings of the issuer's own.
    ///
    /// # Errors
    ///
    /// As [`issuer`](Self::issuer).
    pub fn issuer_with(self, issuer: Issuer, keys_uri: &str) -> Result<Self, BuildError> {
        match KeySource::url(keys_uri) {
            Ok(source) => Ok(self.issuer_from(issuer, source)),
            Err(reason) => Err(KeysError::Url { issuer: issuer.name().to_owned(), reason }.into()),
        }
    }

    /// Trusts tokens that `issuer` made for the resource; where its keys are stands in its metadata (OpenID
    /// Connect Discovery, RFC 8414). The name has to be an https URL, or http to this machine, and equal the
    /// document's `issuer` exactly.
    pub fn issuer_discovered(self, issuer: &str) -> Self {
        let issuer = self.for_resource(issuer);
        self.issuer_from(issuer, KeySource::discovered())
    }

    /// Trusts tokens that `issuer` made for the resource, checked with the keys in a file.
    /// [`build`](Self::build) reads it; later changes of the file are followed.
    pub fn issuer_keys_file(self, issuer: &str, path: impl Into<PathBuf>) -> Self {
        let issuer = self.for_resource(issuer);
        self.issuer_from(issuer, KeySource::file(path))
    }

    /// Trusts an issuer with settings of its own, with keys from any source.
    pub fn issuer_from(mut self, issuer: Issuer, keys: KeySource) -> Self {
        self.issuers.push((issuer, KeysFrom::Source(keys)));
        self
    }

    /// Trusts an issuer whose keys the caller brings.
    pub fn issuer_keys(mut self, issuer: Issuer, keys: Keys) -> Self {
        self.issuers.push((issuer, KeysFrom::Keys(keys)));
        self
    }

    /// How keys are fetched and how long they live: times, rate, HTTP client. The clock is that of the builder.
    pub fn key_options(mut self, options: KeyOptions) -> Self {
        self.key_options = options;
        self
    }

    /// Trusts an issuer that is asked about each of its tokens, opaque ones included (RFC 7662).
    pub fn issuer_introspected(self, issuer: Issuer, introspection: Introspection) -> Self {
        self.issuer_keys(issuer, Keys::Introspection(Arc::new(introspection)))
    }

    /// Trusts a provider by its preset, for tokens that it made for `audience`
    /// ([`ProviderKind::audience_hint`](mcp_auth_discovery::provider::ProviderKind::audience_hint)). A provider whose
    /// address of keys is not known is asked for it, as by [`issuer_discovered`](Self::issuer_discovered).
    ///
    /// # Errors
    ///
    /// As [`issuer`](Self::issuer).
    pub fn provider(self, provider: &Provider, audience: &str) -> Result<Self, BuildError> {
        let issuer = provider.trust(audience);
        match provider.jwks_uri() {
            Some(keys_uri) => self.issuer_with(issuer, keys_uri),
            None => Ok(self.issuer_from(issuer, KeySource::discovered())),
        }
    }

    fn for_resource(&self, issuer: &str) -> Issuer {
        Issuer::new(issuer).audience(self.resource.as_str())
    }
}
