//! What a client has to bring.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mcp_auth_core::json::{Document, Limits};

use crate::TokenErrorResponse;

/// The greatest length of a claims request, in bytes; a longer one is not passed on.
const MAX_CLAIMS_BYTES: usize = 4 * 1024;

/// The greatest length of `acr_values`, in bytes.
const MAX_ACR_BYTES: usize = 512;

/// Claims that a token has to have, as the provider asked for them: a JSON object (OpenID Connect Core §5.5; Entra,
/// "Claims challenges"). It goes to the client as it came, since only the client can ask for such a token.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimsChallenge(String);

impl ClaimsChallenge {
    /// Reads a claims request; `None` when it is not a JSON object of at most 4 KiB.
    pub fn parse(json: &str) -> Option<Self> {
        let document =
            Document::parse(json.as_bytes(), &Limits::default().max_bytes(MAX_CLAIMS_BYTES)).ok()?;
        document.as_object()?;
        Some(Self(document.root().to_json()))
    }

    /// The JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The value of `claims` in `WWW-Authenticate: Bearer error="insufficient_claims", claims="…"`.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.0)
    }
}

/// The length only: it may name resources.
impl fmt::Debug for ClaimsChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimsChallenge({} bytes)", self.0.len())
    }
}

/// How a user has to authenticate (RFC 9470 §3).
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepUp {
    /// `acr_values`: authentication context classes, separated by spaces.
    pub acr_values: Option<String>,
    /// `max_age`: how long ago he may have authenticated, in seconds.
    pub max_age_seconds: Option<u64>,
}

/// Without `acr_values`, which are the provider's text.
impl fmt::Debug for StepUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepUp").field("max_age_seconds", &self.max_age_seconds).finish_non_exhaustive()
    }
}

impl StepUp {
    pub(super) fn of(error: &TokenErrorResponse) -> Self {
        // Goes into a quoted string of a header.
        let plain = |b: u8| matches!(b, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        let acr = error.acr_values().filter(|a| a.len() <= MAX_ACR_BYTES && a.bytes().all(plain));
        Self { acr_values: acr.map(str::to_owned), max_age_seconds: error.max_age_seconds() }
    }
}
