//! The secret under which values are sealed.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::crypto::{CryptoProvider, KeyRefused};

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// Longest secret that [`SealKey::derive`] takes.
const MAX_SECRET_BYTES: usize = 1024;

/// Longest label that [`SealKey::derive`] takes.
const MAX_LABEL_BYTES: usize = 255;

/// A secret of 32 bytes, wiped when it is dropped. `Debug` does not show it.
///
/// Make one with `openssl rand -base64 32`.
#[derive(Clone)]
pub struct SealKey(Zeroizing<[u8; KEY_BYTES]>);

impl SealKey {
    /// A key of 32 random bytes.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A key as people write it: base64 or base64url, with or without padding; white space around it is ignored, as
    /// files end with a line feed.
    ///
    /// ```
    /// use mcp_auth_core::seal::SealKey;
    ///
    /// let key = SealKey::from_base64("mlk8iGVXiNNXFBxqnFPrAwzVx1gM4GBsnHrJXJNtPeI=\n")?;
    /// assert_eq!(format!("{key:?}"), "SealKey([redacted])");
    /// assert!(SealKey::from_base64("c2hvcnQ=").is_err());
    /// # Ok::<(), mcp_auth_core::seal::SealKeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SealKeyError::Base64`], [`SealKeyError::Length`] for any other length, and [`SealKeyError::Placeholder`] for
    /// one byte repeated.
    pub fn from_base64(text: &str) -> Result<Self, SealKeyError> {
        let text = text.trim();
        if text.len() > MAX_SECRET_BYTES {
            return Err(SealKeyError::Length);
        }
        let is_url_safe = text.bytes().any(|b| b == b'-' || b == b'_');
        let alphabet = if is_url_safe { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let decoded = GeneralPurpose::new(alphabet, config).decode(text).map_err(|_| SealKeyError::Base64)?;
        let decoded = Zeroizing::new(decoded);
        let bytes = <&[u8; KEY_BYTES]>::try_from(decoded.as_slice()).map_err(|_| SealKeyError::Length)?;
        let (first, rest) = bytes.split_first().ok_or(SealKeyError::Length)?;
        if rest.iter().all(|byte| byte == first) {
            return Err(SealKeyError::Placeholder);
        }
        Ok(Self::from_bytes(*bytes))
    }

    /// A key made of a longer secret by HKDF with SHA-256 (RFC 5869), for one use of several that share the secret;
    /// `label` names the use. The secret has to be random: no password becomes a key by this.
    ///
    /// # Errors
    ///
    /// [`SealKeyError::Secret`] for a secret of less than 32 or more than 1,024 bytes, or a label of more than 255.
    pub fn derive(secret: &[u8], label: &str, provider: &dyn CryptoProvider) -> Result<Self, SealKeyError> {
        if !(KEY_BYTES..=MAX_SECRET_BYTES).contains(&secret.len()) || label.len() > MAX_LABEL_BYTES {
            return Err(SealKeyError::Secret);
        }
        Ok(Self::from_bytes(provider.hkdf_sha256(secret, b"mcp-auth seal key 1", label.as_bytes())?))
    }

    /// A key made of this one, for one use of several that share it; `label` names the use.
    ///
    /// # Errors
    ///
    /// [`SealKeyError::Secret`] for a label of more than 255 bytes, [`SealKeyError::Backend`].
    pub fn subkey(&self, label: &str, provider: &dyn CryptoProvider) -> Result<Self, SealKeyError> {
        Self::derive(&*self.0, label, provider)
    }

    /// A key of its own for each thing that is done with this one.
    pub(super) fn part(
        &self,
        what: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<Zeroizing<[u8; 32]>, SealKeyError> {
        Ok(Zeroizing::new(provider.hkdf_sha256(&*self.0, b"mcp-auth seal 1", what)?))
    }
}

/// The secret stays one.
impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey([redacted])")
    }
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealKeyError {
    /// Not base64.
    #[error("seal key is not base64; make one with `openssl rand -base64 32`")]
    Base64,
    /// Not 32 bytes.
    #[error("seal key is not of 32 bytes; make one with `openssl rand -base64 32`")]
    Length,
    /// The same byte 32 times: somebody's example.
    #[error("seal key is one byte repeated; make one with `openssl rand -base64 32`")]
    Placeholder,
    /// A secret that is too short or too long to derive a key from, or a label that is too long.
    #[error("secret must have 32 to 1,024 bytes and its label at most 255")]
    Secret,
    /// The key is in the ring already.
    #[error("seal key is given twice")]
    Twice,
    /// More previous keys than [`MAX_PREVIOUS_KEYS`](super::MAX_PREVIOUS_KEYS).
    #[error("more than {} previous seal keys", super::MAX_PREVIOUS_KEYS)]
    TooMany,
    /// The cryptographic backend cannot seal.
    #[error("the cryptographic backend cannot seal: {0}")]
    Backend(#[from] KeyRefused),
}
