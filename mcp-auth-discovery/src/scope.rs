//! Scope tokens (RFC 6749 §3.3).

use std::fmt;

use crate::{AuthorizationServerMetadata, ProtectedResourceMetadata};

/// The greatest length of one scope string, in bytes.
pub const MAX_SCOPE_BYTES: usize = 4096;

/// The greatest number of scope tokens in one set.
pub const MAX_SCOPE_TOKENS: usize = 128;

const OFFLINE_ACCESS: &str = "offline_access";

/// A set of scope tokens in the order in which they were given, without repetitions (RFC 6749 §3.3).
///
/// Every token is made of `%x21 / %x23-5B / %x5D-7E`, so that it can stand in a quoted string, a form and a
/// header without escapes.
///
/// ```
/// use mcp_auth_discovery::Scopes;
///
/// let scopes = Scopes::parse("mcp:read mcp:write mcp:read")?;
/// assert_eq!(scopes.to_string(), "mcp:read mcp:write");
/// assert!(Scopes::new(["has space"]).is_err());
/// # Ok::<(), mcp_auth_discovery::scope::ScopeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    tokens: Vec<String>,
}

/// Why a text is not a set of scope tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// An empty token, or a character outside of RFC 6749 §3.3.
    #[error("scope token is empty or has a character that RFC 6749 does not allow")]
    Token,
    /// More than [`MAX_SCOPE_BYTES`] or [`MAX_SCOPE_TOKENS`].
    #[error("too many scopes")]
    TooMany,
}

impl Scopes {
    /// Collects scope tokens.
    ///
    /// # Errors
    ///
    /// [`ScopeError`] when a token is empty or has a character that RFC 6749 §3.3 does not allow, or when
    /// there are more than [`MAX_SCOPE_TOKENS`] or [`MAX_SCOPE_BYTES`].
    pub fn new<I>(tokens: I) -> Result<Self, ScopeError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut set = Self::default();
        let mut bytes = 0;
        for token in tokens {
            let token = token.as_ref();
            if token.is_empty() || !token.bytes().all(is_scope_byte) {
                return Err(ScopeError::Token);
            }
            if set.contains(token) {
                continue;
            }
            bytes += token.len() + 1;
            if bytes > MAX_SCOPE_BYTES || set.tokens.len() >= MAX_SCOPE_TOKENS {
                return Err(ScopeError::TooMany);
            }
            set.tokens.push(token.to_owned());
        }
        Ok(set)
    }

    /// Reads the value of a `scope` parameter: tokens separated by spaces. The empty text is the empty set.
    ///
    /// # Errors
    ///
    /// As [`Scopes::new`]. Leading, trailing and doubled spaces are tolerated, other white space is not.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        Self::new(text.split(' ').filter(|token| !token.is_empty()))
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether exactly this token is in the set (case-sensitive).
    pub fn contains(&self, token: &str) -> bool {
        self.tokens.iter().any(|t| t == token)
    }

    /// The tokens in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.tokens.iter().map(String::as_str)
    }

    /// Whether every token of `others` is in the set. Hierarchies of scopes are the server's to know.
    pub fn contains_all(&self, others: &Self) -> bool {
        others.iter().all(|token| self.contains(token))
    }

    /// The tokens of both, ours first: what a client asks for when a token with these scopes was not enough (MCP
    /// authorization 2026-07-28, "Step-Up Authorization Flow", SEP-2350).
    ///
    /// # Errors
    ///
    /// [`ScopeError::TooMany`].
    pub fn union(&self, others: &Self) -> Result<Self, ScopeError> {
        Self::new(self.iter().chain(others.iter()))
    }

    /// What an MCP client asks for (MCP authorization 2026-07-28, "Scope Selection Strategy"): the scopes of the
    /// challenge, else all that the resource's metadata names, else none; and `offline_access` where the authorization
    /// server names it, for a client that wants a refresh token (SEP-2207).
    ///
    /// ```
    /// use mcp_auth_discovery::{AuthorizationServerMetadata, ProtectedResourceMetadata, ResourceIdentifier, Scopes};
    ///
    /// let resource = ResourceIdentifier::parse("https://mcp.example.com/mcp")?;
    /// let metadata = ProtectedResourceMetadata::builder(resource).scopes_supported(&Scopes::parse("a b")?).build();
    /// let mut server = AuthorizationServerMetadata::new("https://login.example.com");
    /// assert_eq!(Scopes::to_request(None, Some(&metadata), &server, true)?.to_string(), "a b");
    /// server.scopes_supported = Some(vec!["offline_access".to_owned()]);
    /// let challenged = Scopes::parse("c")?;
    /// let scopes = Scopes::to_request(Some(&challenged), Some(&metadata), &server, true)?;
    /// assert_eq!(scopes.to_string(), "c offline_access");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ScopeError`] when the metadata names what is no scope token, or too many.
    pub fn to_request(
        challenged: Option<&Self>,
        resource: Option<&ProtectedResourceMetadata>,
        server: &AuthorizationServerMetadata,
        wants_refresh_token: bool,
    ) -> Result<Self, ScopeError> {
        let named = || resource.and_then(|resource| resource.scopes_supported.as_deref()).unwrap_or_default();
        let scopes = challenged.cloned().map_or_else(|| Self::new(named()), Ok)?;
        let offered = server.scopes_supported.iter().flatten().any(|scope| scope == OFFLINE_ACCESS);
        if wants_refresh_token && offered { scopes.union(&Self::new([OFFLINE_ACCESS])?) } else { Ok(scopes) }
    }

    /// The set without `offline_access`: a server never asks for refresh tokens on behalf of the client
    /// (MCP authorization, SEP-2207).
    #[must_use]
    pub fn without_offline_access(mut self) -> Self {
        self.tokens.retain(|token| token != OFFLINE_ACCESS);
        self
    }
}

/// The tokens joined by one space.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, token) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

fn is_scope_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_136_any_scope_token_is_a_scope() {
        for token in ["email", "read:all", "mcp:invoke", "api://app/.default", "!", "~"] {
            assert!(Scopes::new([token]).unwrap().contains(token));
        }
    }

    #[test]
    fn tokens_outside_of_the_grammar_are_refused() {
        for token in ["", " ", "a b", "a\"", "a\\", "a\r\nb", "\u{7f}", "é"] {
            assert_eq!(Scopes::new([token]), Err(ScopeError::Token), "{token:?}");
        }
        assert_eq!(Scopes::parse("a\tb"), Err(ScopeError::Token));
    }

    #[test]
    fn sets_are_bounded() {
        let many = (0..=MAX_SCOPE_TOKENS).map(|i| i.to_string());
        assert_eq!(Scopes::new(many), Err(ScopeError::TooMany));
        assert_eq!(Scopes::new(["x".repeat(MAX_SCOPE_BYTES)]), Err(ScopeError::TooMany));
    }

    #[test]
    fn order_is_kept_and_repetitions_are_not() {
        let scopes = Scopes::parse("  b a  b offline_access ").unwrap();
        assert_eq!(scopes.to_string(), "b a offline_access");
        assert_eq!(scopes.without_offline_access().to_string(), "b a");
        assert!(Scopes::parse("").unwrap().is_empty());
    }

    #[test]
    fn a_step_up_asks_for_what_it_had_and_what_is_missing() {
        let had = Scopes::parse("a b").unwrap();
        let asked = had.union(&Scopes::parse("b c").unwrap()).unwrap();
        assert_eq!(asked.to_string(), "a b c");
        assert!(asked.contains_all(&had) && !had.contains_all(&asked));
        assert!(had.contains_all(&Scopes::default()));
        let half = Scopes::new((0..MAX_SCOPE_TOKENS).map(|i| i.to_string())).unwrap();
        assert_eq!(half.union(&had), Err(ScopeError::TooMany));
    }

    #[test]
    fn a_client_asks_for_what_it_was_told_to() {
        let resource = crate::ResourceIdentifier::parse("https://h/mcp").unwrap();
        let mut metadata = ProtectedResourceMetadata::builder(resource).build();
        let mut server = AuthorizationServerMetadata::new("https://as");
        type Named<'a> = Option<&'a ProtectedResourceMetadata>;
        fn ask(
            challenged: Option<&str>,
            resource: Named<'_>,
            server: &AuthorizationServerMetadata,
            refresh: bool,
        ) -> Result<String, ScopeError> {
            let challenged = challenged.map(|text| Scopes::parse(text).unwrap());
            Scopes::to_request(challenged.as_ref(), resource, server, refresh)
                .map(|scopes| scopes.to_string())
        }
        assert_eq!(ask(None, Some(&metadata), &server, true).unwrap(), "");
        metadata.scopes_supported = Some(vec!["a".into(), "b".into()]);
        assert_eq!(ask(None, Some(&metadata), &server, true).unwrap(), "a b");
        assert_eq!(ask(None, None, &server, true).unwrap(), "");
        assert_eq!(ask(Some("c"), Some(&metadata), &server, true).unwrap(), "c");
        // What the authorization server names is not what the resource needs.
        server.scopes_supported = Some(vec!["x".into(), OFFLINE_ACCESS.into()]);
        assert_eq!(ask(Some("c"), Some(&metadata), &server, true).unwrap(), "c offline_access");
        assert_eq!(ask(Some("c"), Some(&metadata), &server, false).unwrap(), "c");
        metadata.scopes_supported = Some(vec!["a b".into()]);
        assert_eq!(ask(None, Some(&metadata), &server, true), Err(ScopeError::Token));
    }
}
