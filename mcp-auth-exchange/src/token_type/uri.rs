//! What a token is.

use std::borrow::Cow;
use std::fmt;

/// The greatest length of a token type identifier, in bytes.
const MAX_BYTES: usize = 256;

/// A token type identifier (RFC 8693 §3).
///
/// Identifiers are compared byte for byte. Those of the standards are constants; providers have others, and
/// PingFederate lets an administrator choose any string.
///
/// ```
/// use mcp_auth_exchange::TokenTypeUri;
///
/// assert_eq!(TokenTypeUri::JWT.as_str(), "urn:ietf:params:oauth:token-type:jwt");
/// let own = TokenTypeUri::new("https://acme.example/legacy-token")?;
/// assert!(!own.is_access_token());
/// assert!(TokenTypeUri::new("two words").is_err());
/// # Ok::<(), mcp_auth_exchange::token_type::TokenTypeUriError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TokenTypeUri(Cow<'static, str>);

/// A text that cannot be a token type identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("token type is empty, longer than 256 bytes, or has other characters than visible ASCII")]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to add")]
pub struct TokenTypeUriError;

impl TokenTypeUri {
    /// An OAuth access token of the server that is asked, opaque or not.
    pub const ACCESS_TOKEN: Self = Self::fixed("urn:ietf:params:oauth:token-type:access_token");
    /// An OAuth refresh token of the server that is asked.
    pub const REFRESH_TOKEN: Self = Self::fixed("urn:ietf:params:oauth:token-type:refresh_token");
    /// An ID token (OpenID Connect Core §2).
    pub const ID_TOKEN: Self = Self::fixed("urn:ietf:params:oauth:token-type:id_token");
    /// A SAML 1.1 assertion, base64url-encoded.
    pub const SAML1: Self = Self::fixed("urn:ietf:params:oauth:token-type:saml1");
    /// A SAML 2.0 assertion, base64url-encoded.
    pub const SAML2: Self = Self::fixed("urn:ietf:params:oauth:token-type:saml2");
    /// A JSON Web Token of any kind.
    pub const JWT: Self = Self::fixed("urn:ietf:params:oauth:token-type:jwt");
    /// An Identity Assertion JWT Authorization Grant (draft-ietf-oauth-identity-assertion-authz-grant).
    pub const ID_JAG: Self = Self::fixed("urn:ietf:params:oauth:token-type:id-jag");
    /// What Auth0's Token Vault gives out: another provider's access token.
    pub const AUTH0_FEDERATED_CONNECTION: Self =
        Self::fixed("http://auth0.com/oauth/token-type/federated-connection-access-token");

    const fn fixed(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// Any other identifier.
    ///
    /// # Errors
    ///
    /// [`TokenTypeUriError`] when it is empty, longer than 256 bytes, or not visible ASCII.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Result<Self, TokenTypeUriError> {
        let text = text.into();
        if text.is_empty() || text.len() > MAX_BYTES || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(TokenTypeUriError);
        }
        Ok(Self(text))
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is [`ACCESS_TOKEN`](Self::ACCESS_TOKEN): a token that has to be presented as one, so that
    /// `token_type` cannot be `N_A` (RFC 8693 §2.2.1).
    pub fn is_access_token(&self) -> bool {
        *self == Self::ACCESS_TOKEN
    }
}

impl fmt::Debug for TokenTypeUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TokenTypeUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_070_standard_and_other_types_can_be_said() {
        for known in [TokenTypeUri::ACCESS_TOKEN, TokenTypeUri::JWT, TokenTypeUri::ID_JAG] {
            assert_eq!(TokenTypeUri::new(known.as_str().to_owned()), Ok(known));
        }
        for other in ["urn:zitadel:params:oauth:token-type:user_id", "urn:params:oauth:token-type:jwt", "x"] {
            assert_eq!(TokenTypeUri::new(other).unwrap().to_string(), other);
        }
        for bad in ["", "a b", "a\n", "é", &"a".repeat(257)] {
            assert_eq!(TokenTypeUri::new(bad.to_owned()), Err(TokenTypeUriError), "{bad:?}");
        }
    }
}
