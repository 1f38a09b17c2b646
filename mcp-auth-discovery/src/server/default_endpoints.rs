//! Servers of the first version of MCP authorization, which may have no metadata at all.

use super::AuthorizationServerMetadata;
use crate::ResourceIdentifier;

impl AuthorizationServerMetadata {
    /// The endpoints that a client falls back to where neither the resource nor the origin has metadata: `/authorize`,
    /// `/token` and `/register` at the server's origin (MCP authorization 2025-03-26, "Fallbacks for Servers without
    /// Metadata Discovery"). The issuer is the origin; PKCE is required there, so that `S256` is what counts.
    ///
    /// Later versions of MCP have no such fallback: a client takes it only when every well-known document is absent.
    ///
    /// ```
    /// use mcp_auth_discovery::{AuthorizationServerMetadata, ResourceIdentifier};
    ///
    /// let server = ResourceIdentifier::parse("https://mcp.example.com/files")?;
    /// let metadata = AuthorizationServerMetadata::default_endpoints(&server);
    /// assert_eq!(metadata.issuer, "https://mcp.example.com");
    /// assert_eq!(metadata.token_endpoint.ok_or("none")?.as_str(), "https://mcp.example.com/token");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn default_endpoints(server: &ResourceIdentifier) -> Self {
        let endpoint = |path: &str| {
            let mut url = server.url().clone();
            url.set_path(path);
            url.set_query(None);
            Some(url)
        };
        let mut metadata = Self::new(server.origin().as_str());
        metadata.authorization_endpoint = endpoint("/authorize");
        metadata.token_endpoint = endpoint("/token");
        metadata.registration_endpoint = endpoint("/register");
        // Nothing says which methods the server takes: a public client is what a client without metadata can be.
        metadata.token_endpoint_auth_methods_supported =
            Some(["none", "client_secret_basic", "client_secret_post"].map(str::to_owned).to_vec());
        metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::PkceMetadata;

    #[test]
    fn defaults_stay_at_the_origin_and_are_usable() {
        let server = ResourceIdentifier::parse("http://localhost:3000/a/mcp?x=1").unwrap();
        let metadata = AuthorizationServerMetadata::default_endpoints(&server);
        assert_eq!(metadata.issuer, "http://localhost:3000");
        let flow = metadata.code_flow(PkceMetadata::Required).unwrap();
        assert_eq!(flow.authorization_endpoint.as_str(), "http://localhost:3000/authorize");
        assert_eq!(metadata.registration_endpoint.unwrap().as_str(), "http://localhost:3000/register");
    }
}
