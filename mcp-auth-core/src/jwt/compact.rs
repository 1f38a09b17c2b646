//! The compact form, RFC 7515 §7.1: three parts, strict base64url, bounded before anything is decoded.

use base64_simd::URL_SAFE_NO_PAD;

use super::error::{ValidationError, ValidationErrorKind as Kind};

/// How much of a token is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenLimits {
    /// Longest token, in bytes. Default 16 KiB.
    pub token_bytes: usize,
    /// Longest header part, in bytes of its base64url form. Default 4 KiB.
    pub header_bytes: usize,
}

impl Default for TokenLimits {
    fn default() -> Self {
        Self { token_bytes: 16 * 1024, header_bytes: 4 * 1024 }
    }
}

impl TokenLimits {
    /// Replaces the longest token, in bytes. A request's header section is bounded too, by the HTTP server.
    #[must_use]
    pub const fn token_bytes(mut self, bytes: usize) -> Self {
        self.token_bytes = bytes;
        self
    }

    /// Replaces the longest header part, in bytes.
    #[must_use]
    pub const fn header_bytes(mut self, bytes: usize) -> Self {
        self.header_bytes = bytes;
        self
    }
}

/// Longest signature part: RSA with 8,192 bits.
const MAX_SIGNATURE_CHARS: usize = 1400;

/// The parts of a token, split but not yet believed.
#[derive(Clone, Copy)]
pub(super) struct Compact<'t> {
    pub(super) header: &'t str,
    pub(super) payload: &'t str,
    pub(super) signature: &'t str,
    /// `header.payload`, what the signature covers.
    pub(super) signed: &'t str,
}

impl<'t> Compact<'t> {
    pub(super) fn split(token: &'t str, limits: TokenLimits) -> Result<Self, ValidationError> {
        if token.len() > limits.token_bytes {
            return Err(Kind::TooLong { bytes: token.len(), limit: limits.token_bytes }.into());
        }
        let mut parts = token.splitn(4, '.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            let dots = token.bytes().filter(|b| *b == b'.').count();
            return Err(Kind::NotCompact { parts: dots + 1 }.into());
        };
        // An empty payload is a payload (RFC 7515 §3): what it is for decides whether it makes sense.
        if header.is_empty() || signature.is_empty() {
            return Err(Kind::EmptyPart.into());
        }
        for (part, limit) in [(header, limits.header_bytes), (signature, MAX_SIGNATURE_CHARS)] {
            if part.len() > limit {
                return Err(Kind::TooLong { bytes: part.len(), limit }.into());
            }
        }
        let signed = token.get(..header.len() + 1 + payload.len()).ok_or(Kind::EmptyPart)?;
        Ok(Self { header, payload, signature, signed })
    }
}

/// Strict base64url (RFC 7515 §2): no padding, no white space, no stray bits at the end.
pub(super) fn decode(part: &str, name: &'static str) -> Result<Vec<u8>, ValidationError> {
    URL_SAFE_NO_PAD.decode_to_vec(part).map_err(|_| Kind::Base64 { part: name }.into())
}
