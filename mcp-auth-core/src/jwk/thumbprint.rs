//! Thumbprints: a key or a certificate by its digest.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::SkipReason;
use super::material::optional_str;
use crate::crypto::CryptoProvider;
use crate::json::Object;

/// A SHA-256 thumbprint: of a key (RFC 7638) or of a certificate (RFC 8705 §3.1).
///
/// ```
/// use mcp_auth_core::jwk::Thumbprint;
///
/// let text = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
/// let thumbprint = Thumbprint::from_base64url(text).unwrap();
/// assert_eq!(thumbprint.to_base64url(), text);
/// assert_eq!(Thumbprint::from_base64url("AAAA"), None, "not 32 bytes");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// The thumbprint of these 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the form of `jkt` and `x5t#S256`: unpadded base64url of 32 bytes.
    pub fn from_base64url(text: &str) -> Option<Self> {
        if text.len() != 43 {
            return None;
        }
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The form of `jkt` and `x5t#S256`.
    pub fn to_base64url(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The thumbprint of a DER certificate, RFC 8705 §3.1.
    pub fn of_certificate(der: &[u8], provider: &dyn CryptoProvider) -> Self {
        Self(provider.sha256(der))
    }

    /// The thumbprint of a JSON Web Key: the digest of its required members in lexical order, RFC 7638 §3.
    ///
    /// # Errors
    ///
    /// [`SkipReason`] when the key lacks a required member or is of a type that has none here.
    pub fn of_jwk(jwk: Object<'_>, provider: &dyn CryptoProvider) -> Result<Self, SkipReason> {
        let kty = optional_str(jwk, "kty")?.ok_or(SkipReason::Malformed)?;
        let members: &[&str] = match kty {
            "RSA" => &["e", "kty", "n"],
            "EC" => &["crv", "kty", "x", "y"],
            "OKP" => &["crv", "kty", "x"],
            "oct" => return Err(SkipReason::Symmetric),
            _ => return Err(SkipReason::Unsupported),
        };
        let mut text = String::from("{");
        for name in members {
            let value = optional_str(jwk, name)?.ok_or(SkipReason::Malformed)?;
            // Base64url and registered names only, so that nothing needs an escape.
            if !value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
                return Err(SkipReason::Malformed);
            }
            let comma = if text.len() > 1 { "," } else { "" };
            text.push_str(&format!("{comma}\"{name}\":\"{value}\""));
        }
        text.push('}');
        Ok(Self(provider.sha256(text.as_bytes())))
    }
}
