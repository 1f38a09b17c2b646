//! The document about a client.

use url::Url;

use super::ClientIdUrl;
use crate::document::{self, DocumentError};
use crate::registration::{ClientMetadata, RedirectUriRules, RegistrationError, redirect_uri_matches};
use crate::transport;

/// Client authentication without a shared secret (draft §4.1). The first is what a document without the member means.
const METHODS: [&str; 4] = ["none", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"];

/// Members of a JSON Web Key that are nobody else's business (RFC 7518 §6.2.2, §6.3.2, §6.4).
const PRIVATE_KEY_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

/// A document that was checked: what a client says about itself, at the URL that is its `client_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMetadataDocument {
    id: ClientIdUrl,
    metadata: ClientMetadata,
}

/// Why a document is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientDocumentError {
    /// Another status than 200; redirects are not followed (draft §4).
    #[error("client metadata document was answered with status {0}, expected 200")]
    Status(u16),
    /// Neither `application/json` nor `application/…+json`.
    #[error("client metadata document is not application/json")]
    MediaType,
    /// Not a document of this kind.
    #[error("client metadata {0}")]
    Document(#[from] DocumentError),
    /// `client_id` is not the URL of the document, byte for byte (draft §4.1).
    #[error("`client_id` in the client metadata document is not its URL")]
    IdMismatch,
    /// A member is empty that has to say something.
    #[error("`{0}` in the client metadata document is empty")]
    Empty(&'static str),
    /// `client_secret`, `client_secret_expires_at`, or a symmetric or private key: everybody can read it.
    #[error("client metadata document has `{0}`, which everybody can read")]
    SharedSecret(&'static str),
    /// Client authentication by a shared secret, or a method that is not known.
    #[error("`token_endpoint_auth_method` of a client metadata document is `none` or by key or certificate")]
    AuthMethod,
    /// `private_key_jwt` without keys.
    #[error("`private_key_jwt` needs `jwks` or `jwks_uri`")]
    NoKeys,
    /// What would refuse a registration as well.
    #[error(transparent)]
    Metadata(#[from] RegistrationError),
}

impl ClientMetadataDocument {
    /// Reads the document that was fetched from `id`, at most `max_bytes`.
    ///
    /// # Errors
    ///
    /// [`ClientDocumentError`].
    pub fn parse(
        bytes: &[u8],
        id: &ClientIdUrl,
        rules: &RedirectUriRules,
        max_bytes: usize,
    ) -> Result<Self, ClientDocumentError> {
        let required = ["client_id", "client_name", "redirect_uris"];
        let members: serde_json::Map<String, serde_json::Value> =
            document::parse_within(bytes, &required, max_bytes)?;
        if members.get("client_id").and_then(|value| value.as_str()) != Some(id.as_str()) {
            return Err(ClientDocumentError::IdMismatch);
        }
        for secret in ["client_secret", "client_secret_expires_at"] {
            if members.contains_key(secret) {
                return Err(ClientDocumentError::SharedSecret(secret));
            }
        }
        let mut metadata: ClientMetadata = document::parse_within(bytes, &[], max_bytes)?;
        check_authentication(&mut metadata)?;
        if metadata.client_name.as_ref().is_none_or(|name| name.trim().is_empty()) {
            return Err(ClientDocumentError::Empty("client_name"));
        }
        if metadata.redirect_uris.is_empty() {
            return Err(ClientDocumentError::Empty("redirect_uris"));
        }
        metadata.check(rules)?;
        Ok(Self { id: id.clone(), metadata: metadata.with_defaults() })
    }

    /// The `client_id`.
    pub fn id(&self) -> &ClientIdUrl {
        &self.id
    }

    /// What the client says about itself, with the defaults written out. `token_endpoint_auth_method` is `none` where the
    /// document does not say.
    pub fn metadata(&self) -> &ClientMetadata {
        &self.metadata
    }

    /// Whether the redirect URI of a request is one of the document
    /// ([`redirect_uri_matches`]).
    pub fn has_redirect_uri(&self, requested: &str) -> bool {
        self.metadata.redirect_uris.iter().any(|uri| redirect_uri_matches(uri, requested))
    }

    /// Whether every redirect URI is on the user's own machine. Any program there can pretend to be this client: a
    /// consent page says so (MCP authorization, "Localhost Redirect URI Risks").
    pub fn is_loopback_only(&self) -> bool {
        let loopback = |uri: &String| Url::parse(uri).is_ok_and(|url| transport::is_loopback(&url));
        self.metadata.redirect_uris.iter().all(loopback)
    }
}

fn check_authentication(metadata: &mut ClientMetadata) -> Result<(), ClientDocumentError> {
    let [none, private_key_jwt, ..] = METHODS;
    let method = metadata.token_endpoint_auth_method.get_or_insert_with(|| none.to_owned());
    if !METHODS.contains(&method.as_str()) {
        return Err(ClientDocumentError::AuthMethod);
    }
    if method == private_key_jwt && metadata.jwks.is_none() && metadata.jwks_uri.is_none() {
        return Err(ClientDocumentError::NoKeys);
    }
    let keys = metadata.jwks.as_ref().and_then(|jwks| jwks.get("keys")).and_then(|keys| keys.as_array());
    let secret = |key: &serde_json::Value| PRIVATE_KEY_MEMBERS.iter().any(|member| key.get(member).is_some());
    if keys.is_some_and(|keys| keys.iter().any(secret)) {
        return Err(ClientDocumentError::SharedSecret("jwks"));
    }
    Ok(())
}
