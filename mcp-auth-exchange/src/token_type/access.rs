//! How a token is presented.

use std::fmt;

/// A token type (RFC 6749 §7.1), read without regard to case (RFC 6749 §5.1).
///
/// ```
/// use mcp_auth_exchange::TokenType;
///
/// assert_eq!(TokenType::parse("BEARER"), Some(TokenType::Bearer));
/// assert_eq!(TokenType::parse("dpop"), Some(TokenType::DPoP));
/// assert_eq!(TokenType::parse("N_A"), Some(TokenType::NotApplicable));
/// assert_eq!(TokenType::parse(""), None);
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenType {
    /// `Bearer` (RFC 6750).
    Bearer,
    /// `DPoP`: bound to a key (RFC 9449).
    DPoP,
    /// `N_A`: the token is not an access token, such as an ID-JAG (RFC 8693 §2.2.1).
    NotApplicable,
    /// Any other type, in lower case. A client must not use such a token (RFC 6749 §7.1).
    Other(String),
}

/// The greatest length of a token type, in bytes.
const MAX_TOKEN_TYPE_BYTES: usize = 256;

impl TokenType {
    /// Reads a token type; `None` when it is empty, longer than 256 bytes, or not visible ASCII.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > MAX_TOKEN_TYPE_BYTES || !text.bytes().all(|b| b.is_ascii_graphic())
        {
            return None;
        }
        let text = text.to_ascii_lowercase();
        Some(match text.as_str() {
            "bearer" => Self::Bearer,
            "dpop" => Self::DPoP,
            "n_a" => Self::NotApplicable,
            _ => Self::Other(text),
        })
    }

    /// The type as standards write it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Bearer => "Bearer",
            Self::DPoP => "DPoP",
            Self::NotApplicable => "N_A",
            Self::Other(text) => text,
        }
    }
}

/// Another type is the server's text: its length only.
impl fmt::Debug for TokenType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(text) => write!(f, "Other({} bytes)", text.len()),
            known => f.write_str(known.as_str()),
        }
    }
}

impl fmt::Display for TokenType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_and_odd_texts_are_refused() {
        for text in ["bearer", "Bearer", "bEARER"] {
            assert_eq!(TokenType::parse(text), Some(TokenType::Bearer));
        }
        for text in ["bearer", "dpop", "n_a", "mac"] {
            let parsed = TokenType::parse(text).unwrap();
            assert_eq!(TokenType::parse(parsed.as_str()), Some(parsed));
        }
        for text in ["", " bearer", "bear\ner", "bearér", &"a".repeat(257)] {
            assert_eq!(TokenType::parse(text), None, "{text:?}");
        }
    }
}
