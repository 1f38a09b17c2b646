//! Why a document is not used.

use crate::document::DocumentError;
use crate::endpoint::EndpointFault;

/// The greatest length of a name from a document in an error, in characters.
const MAX_NAME_CHARS: usize = 200;

/// Why a document is not the metadata of the expected authorization server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizationServerMetadataError {
    /// Not a document of this kind.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// `issuer` is not identical to the expected identifier (RFC 8414 §3.3): the document must not be used.
    #[error("document is of issuer {got:?}, expected exactly {expected:?} (RFC 8414 §3.3){hint}")]
    IssuerMismatch {
        /// What the document names, shortened.
        got: String,
        /// What it was fetched for.
        expected: String,
        /// The likely cause, or nothing.
        hint: &'static str,
    },
    /// An endpoint to which nobody should be sent.
    #[error("`{member}` {fault}")]
    Endpoint {
        /// The member.
        member: String,
        /// What is wrong with its URL.
        fault: EndpointFault,
    },
}

impl AuthorizationServerMetadataError {
    pub(super) fn issuer_mismatch(got: &str, expected: &str) -> Self {
        let hint = if got.trim_end_matches('/') == expected.trim_end_matches('/') {
            ": they differ in a trailing slash"
        } else {
            ""
        };
        Self::IssuerMismatch { got: short(got), expected: short(expected), hint }
    }

    pub(super) fn endpoint(member: &str, fault: EndpointFault) -> Self {
        Self::Endpoint { member: short(&member.replace(char::is_control, "")), fault }
    }
}

fn short(text: &str) -> String {
    text.chars().take(MAX_NAME_CHARS).collect()
}

/// Why a server cannot be used for the authorization code flow of MCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnusableServer {
    /// The document lacks this endpoint.
    #[error("authorization server metadata lacks `{0}`")]
    Missing(&'static str),
    /// `code_challenge_methods_supported` is absent. A provider that supports PKCE and does not say so needs
    /// [`PkceMetadata::AssumeS256`](crate::provider::PkceMetadata::AssumeS256) in its profile.
    #[error(
        "authorization server metadata lacks `code_challenge_methods_supported`: PKCE is not supported, or the \
         provider does not say so and its profile has to"
    )]
    NoPkce,
    /// `code_challenge_methods_supported` is there without `S256`.
    #[error("`code_challenge_methods_supported` lacks `S256`")]
    NoS256,
    /// `response_types_supported` is there without `code`.
    #[error("`response_types_supported` lacks `code`")]
    NoCode,
    /// `grant_types_supported` is there without `authorization_code`.
    #[error("`grant_types_supported` lacks `authorization_code`")]
    NoCodeGrant,
    /// Requests have to be pushed (RFC 9126), which MCP clients do not do.
    #[error("`require_pushed_authorization_requests` is true, and requests are not pushed here")]
    PushedOnly,
}
