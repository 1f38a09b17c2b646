//! The compact form, RFC 7515 §7.1: three parts, strict base64url, bounded before anything is decoded.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::{ValidationError, ValidationErrorKind as Kind};

/// Longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Longest header part, in bytes of its base64url form.
const MAX_HEADER_BYTES: usize = 4 * 1024;

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
    pub(super) fn split(token: &'t str) -> Result<Self, ValidationError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Kind::TooLong { bytes: token.len(), limit: MAX_TOKEN_BYTES }.into());
        }
        let mut parts = token.splitn(4, '.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            let dots = token.bytes().filter(|b| *b == b'.').count();
            return Err(Kind::NotCompact { parts: dots + 1 }.into());
        };
        if header.is_empty() || payload.is_empty() || signature.is_empty() {
            return Err(Kind::EmptyPart.into());
        }
        if header.len() > MAX_HEADER_BYTES {
            return Err(Kind::TooLong { bytes: header.len(), limit: MAX_HEADER_BYTES }.into());
        }
        let signed = token.get(..header.len() + 1 + payload.len()).ok_or(Kind::EmptyPart)?;
        Ok(Self { header, payload, signature, signed })
    }
}

/// Strict base64url (RFC 7515 §2): no padding, no white space, no stray bits at the end.
pub(super) fn decode(part: &str, name: &'static str) -> Result<Vec<u8>, ValidationError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Kind::Base64 { part: name }.into())
}
