//! Claims of a token that is not ours to verify.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth_core::json::{Document, Limits};
use mcp_auth_core::jwt::Claims;

/// The greatest length of a token that is read, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// What a token's text shows.
pub(in crate::plan) enum Readable {
    /// Nothing: no JWT, or an encrypted one.
    Opaque,
    /// The claims of a JWT.
    Claims(Claims),
    /// A JWT whose claims are not of their types, or whose header cannot be read.
    Broken,
}

impl Readable {
    /// The claims, where there are any.
    pub(in crate::plan) fn claims(&self) -> Option<&Claims> {
        match self {
            Self::Claims(claims) => Some(claims),
            Self::Opaque | Self::Broken => None,
        }
    }
}

/// Reads claims, unverified.
pub(in crate::plan) fn read_claims(token: &str) -> Readable {
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Readable::Opaque;
    };
    if token.len() > MAX_BYTES {
        return Readable::Opaque;
    }
    let header = URL_SAFE_NO_PAD.decode(header).ok();
    let header = header.and_then(|json| Document::parse(&json, &Limits::default()).ok());
    let named = |header: &Document| header.as_object().is_some_and(|members| members.get("alg").is_some());
    if !header.as_ref().is_some_and(named) {
        // Somebody behind may read it all the same.
        return if is_object(payload) { Readable::Broken } else { Readable::Opaque };
    }
    match URL_SAFE_NO_PAD.decode(payload).ok().map(|json| Claims::parse(&json)) {
        Some(Ok(claims)) => Readable::Claims(claims),
        _ => Readable::Broken,
    }
}

/// The header's `typ` of a token that is a JWT.
pub(in crate::plan) fn read_typ(token: &str) -> Option<String> {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    let header = Document::parse(&header, &Limits::default()).ok()?;
    header.as_object()?.get("typ")?.as_str().map(str::to_owned)
}

/// Whether this is JSON's beginning of an object in base64url, padded or not.
fn is_object(part: &str) -> bool {
    let json = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok();
    json.is_some_and(|json| json.trim_ascii_start().starts_with(b"{"))
}
