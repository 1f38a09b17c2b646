//! Signed metadata (RFC 9728 §2.2).

use base64_simd::URL_SAFE_NO_PAD;
use serde::Serialize;

use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{Signer, SigningFailed};

use super::ProtectedResourceMetadata;
use crate::document;

/// `typ` of the JWT. RFC 9728 names none; with one of its own nobody takes the JWT for an access token (RFC 8725
/// §3.11).
const TYP: &str = "oauth-protected-resource+jwt";

/// Why metadata was not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignMetadataError {
    /// A key shared with every reader proves nothing.
    #[error("metadata is signed with an asymmetric algorithm, and this key is a shared secret")]
    SharedSecret,
    /// The library refused to sign.
    #[error(transparent)]
    Signing(#[from] SigningFailed),
}

#[derive(Serialize)]
struct Header<'h> {
    typ: &'h str,
    alg: &'h str,
    kid: &'h str,
}

#[derive(Serialize)]
struct Claims<'c> {
    iss: &'c str,
    iat: u64,
    #[serde(flatten)]
    metadata: &'c ProtectedResourceMetadata,
}

impl ProtectedResourceMetadata {
    /// Adds `signed_metadata`: this document as the claims of a JWT of `issuer`, who attests to it (RFC 9728 §2.2).
    /// The key is one that readers find by `kid` where they trust that issuer; it is not a key of access tokens.
    ///
    /// What is changed afterwards is not signed; signing again replaces the signature.
    ///
    /// ```
    /// use mcp_auth_core::UnixTime;
    /// use mcp_auth_core::crypto::AwsLcSigner;
    /// use mcp_auth_core::jwt::Algorithm;
    /// use mcp_auth_discovery::{ProtectedResourceMetadata, ResourceIdentifier};
    ///
    /// let signer = AwsLcSigner::generate(Algorithm::ES256)?;
    /// let metadata = ProtectedResourceMetadata::builder(ResourceIdentifier::parse("https://mcp.example.com/mcp")?)
    ///     .authorization_server("https://login.example.com")
    ///     .build()
    ///     .sign("https://mcp.example.com", "k1", &signer, UnixTime::from_secs(1_790_000_000))?;
    /// assert_eq!(metadata.signed_metadata.as_deref().map(|jwt| jwt.split('.').count()), Some(3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SignMetadataError`].
    pub fn sign(
        mut self,
        issuer: &str,
        kid: &str,
        signer: &dyn Signer,
        now: UnixTime,
    ) -> Result<Self, SignMetadataError> {
        let algorithm = signer.algorithm();
        if algorithm.is_symmetric() {
            return Err(SignMetadataError::SharedSecret);
        }
        // RFC 9728 §2.2: `signed_metadata` SHOULD NOT appear as a claim.
        self.signed_metadata = None;
        let header = document::to_json(&Header { typ: TYP, alg: algorithm.name(), kid });
        let claims = document::to_json(&Claims { iss: issuer, iat: now.as_secs(), metadata: &self });
        let mut jwt = URL_SAFE_NO_PAD.encode_to_string(&header);
        jwt.push('.');
        jwt.push_str(&URL_SAFE_NO_PAD.encode_to_string(&claims));
        let signature = signer.sign(jwt.as_bytes())?;
        jwt.push('.');
        jwt.push_str(&URL_SAFE_NO_PAD.encode_to_string(&signature));
        self.signed_metadata = Some(jwt);
        Ok(self)
    }
}
