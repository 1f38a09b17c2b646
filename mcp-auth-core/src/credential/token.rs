//! The token itself, kept from logs.

use zeroize::Zeroizing;

/// An access token as it came. `Debug` shows nothing of it, and its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct AccessToken(Zeroizing<Box<str>>);

impl AccessToken {
    /// Keeps a token.
    pub fn new(token: &str) -> Self {
        Self(Zeroizing::new(token.into()))
    }

    /// The token, to be sent and never to be shown.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessToken([redacted])")
    }
}
