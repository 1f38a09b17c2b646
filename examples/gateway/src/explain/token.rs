//! Who asks.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use mcp_auth_core::Principal;

use super::Options;
use crate::proxy::BoxError;

/// The longest file with a token or claims, in bytes. A request's header has no room for a longer token.
const MAX_BYTES: u64 = 64 * 1024;

/// What the caller comes with.
pub(super) enum Presented {
    /// No token.
    Nothing,
    /// A token, which is verified.
    Token(Box<str>),
    /// Claims that nobody verified.
    Claims {
        principal: Box<Principal>,
        /// Whether they come from a token.
        of_token: bool,
    },
}

impl Presented {
    /// Reads what the options name. No error repeats what stands in a file.
    pub(super) fn read(options: &Options) -> Result<Self, BoxError> {
        if let Some(path) = &options.claims_file {
            let text = read(path, "--claims-file")?;
            return Ok(Self::Claims {
                principal: claims(text.as_bytes(), "--claims-file")?,
                of_token: false,
            });
        }
        let Some(path) = &options.token_file else { return Ok(Self::Nothing) };
        let text = read(path, "--token-file")?;
        let token = text.trim();
        if token.is_empty() {
            return Err("--token-file: there is no token".into());
        }
        if token.contains(|c: char| !c.is_ascii_graphic()) {
            return Err("--token-file: the token alone is expected, without `Bearer` or anything else".into());
        }
        if options.danger_unverified {
            return Ok(Self::Claims { principal: claims(&payload(token)?, "--token-file")?, of_token: true });
        }
        Ok(Self::Token(token.into()))
    }

    /// The header's value, with what stands before the token.
    pub(super) fn header(&self, prefix: &str) -> Option<HeaderValue> {
        let Self::Token(token) = self else { return None };
        let mut value = HeaderValue::from_str(&format!("{prefix}{token}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

fn read(path: &Path, option: &str) -> Result<String, BoxError> {
    let mut bytes = Vec::new();
    let name = path.display();
    let unreadable = |error: std::io::Error| format!("{option}: cannot read {name}: {error}");
    if path == Path::new("-") {
        stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        File::open(path)
            .map_err(unreadable)?
            .take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("{option}: {name} is longer than {MAX_BYTES} bytes").into());
    }
    String::from_utf8(bytes).map_err(|_| format!("{option}: {name} is not UTF-8").into())
}

/// The claims of a token, as they stand.
fn payload(token: &str) -> Result<Vec<u8>, BoxError> {
    let parts: Vec<&str> = token.split('.').collect();
    let [_, payload, _] = parts.as_slice() else {
        return Err("--token-file: the token is not a JWT: nobody but its issuer knows its claims".into());
    };
    URL_SAFE_NO_PAD.decode(payload).map_err(|_| "--token-file: the token's claims are not base64url".into())
}

fn claims(json: &[u8], option: &str) -> Result<Box<Principal>, BoxError> {
    let principal = Principal::danger_from_unverified_claims(json);
    // The error names members, and what type they have to have.
    principal.map(Box::new).map_err(|error| format!("{option}: {error}").into())
}
