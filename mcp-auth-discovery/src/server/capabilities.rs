//! What the document says that a server can do.

use url::Url;

use super::{AuthorizationServerMetadata, UnusableServer};
use crate::provider::PkceMetadata;

/// What the authorization code flow with PKCE needs of a server, see [`AuthorizationServerMetadata::code_flow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodeFlow<'m> {
    /// Where a user is sent.
    pub authorization_endpoint: &'m Url,
    /// Where the code is exchanged.
    pub token_endpoint: &'m Url,
    /// Whether the answer has to carry `iss` (RFC 9207 §2.4).
    pub requires_response_iss: bool,
}

impl AuthorizationServerMetadata {
    /// The endpoints of the authorization code flow, if the server can be used for it under MCP: PKCE with `S256` is
    /// announced (MCP authorization, "Authorization Code Protection"), or is known of the provider although absent
    /// from its metadata.
    ///
    /// ```
    /// use mcp_auth_discovery::AuthorizationServerMetadata;
    /// use mcp_auth_discovery::provider::PkceMetadata;
    /// use mcp_auth_discovery::server::UnusableServer;
    ///
    /// let text = br#"{"issuer":"https://login.example.com","response_types_supported":["code"],
    ///     "authorization_endpoint":"https://login.example.com/authorize",
    ///     "token_endpoint":"https://login.example.com/token"}"#;
    /// let metadata = AuthorizationServerMetadata::parse(text, "https://login.example.com")?;
    /// assert_eq!(metadata.code_flow(PkceMetadata::Required), Err(UnusableServer::NoPkce));
    /// assert!(metadata.code_flow(PkceMetadata::AssumeS256).is_ok());
    /// # Ok::<(), mcp_auth_discovery::server::AuthorizationServerMetadataError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`UnusableServer`] names the member and the reason.
    pub fn code_flow(&self, pkce: PkceMetadata) -> Result<CodeFlow<'_>, UnusableServer> {
        let missing = UnusableServer::Missing;
        let authorization_endpoint =
            self.authorization_endpoint.as_ref().ok_or(missing("authorization_endpoint"))?;
        let token_endpoint = self.token_endpoint.as_ref().ok_or(missing("token_endpoint"))?;
        match &self.code_challenge_methods_supported {
            None if pkce == PkceMetadata::AssumeS256 => {}
            None => return Err(UnusableServer::NoPkce),
            Some(_) if self.supports_pkce_s256() => {}
            Some(_) => return Err(UnusableServer::NoS256),
        }
        let types = &self.response_types_supported;
        if !types.is_empty() && !types.iter().any(|response_type| response_type == "code") {
            return Err(UnusableServer::NoCode);
        }
        if !self.supports_grant_type("authorization_code") {
            return Err(UnusableServer::NoCodeGrant);
        }
        if self.require_pushed_authorization_requests == Some(true) {
            return Err(UnusableServer::PushedOnly);
        }
        let requires_response_iss = self.requires_response_iss();
        Ok(CodeFlow { authorization_endpoint, token_endpoint, requires_response_iss })
    }

    /// Whether PKCE with `S256` is advertised. When not, an MCP client must not proceed.
    pub fn supports_pkce_s256(&self) -> bool {
        self.code_challenge_methods_supported.iter().flatten().any(|method| method == "S256")
    }

    /// Whether authorization responses must carry `iss` (RFC 9207 §2.4).
    pub fn requires_response_iss(&self) -> bool {
        self.authorization_response_iss_parameter_supported == Some(true)
    }

    /// Whether a grant type is advertised; without the member these are `authorization_code` and `implicit`
    /// (RFC 8414 §2).
    pub fn supports_grant_type(&self, grant_type: &str) -> bool {
        match &self.grant_types_supported {
            Some(list) => list.iter().any(|supported| supported == grant_type),
            None => matches!(grant_type, "authorization_code" | "implicit"),
        }
    }

    /// Whether a client authentication method is advertised for the token endpoint; without the member this is
    /// `client_secret_basic` (RFC 8414 §2).
    pub fn supports_client_authentication(&self, method: &str) -> bool {
        match &self.token_endpoint_auth_methods_supported {
            Some(list) => list.iter().any(|supported| supported == method),
            None => method == "client_secret_basic",
        }
    }

    /// Whether a URL of a client metadata document is accepted as `client_id`.
    pub fn supports_client_metadata_documents(&self) -> bool {
        self.client_id_metadata_document_supported == Some(true)
    }
}
