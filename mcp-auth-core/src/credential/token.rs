//! The token itself, kept from logs.

/// An access token as it came. `Debug` shows nothing of it.
///
/// Its memory is not wiped: the same bytes stand in buffers of the HTTP server, which does not wipe them either,
/// and wiping costs as much as parsing the claims.
#[derive(Clone)]
pub struct AccessToken(Box<str>);

impl AccessToken {
    /// Keeps a token.
    pub fn new(token: &str) -> Self {
        Self(token.into())
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
