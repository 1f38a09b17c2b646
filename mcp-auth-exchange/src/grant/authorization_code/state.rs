//! The `state` parameter.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use mcp_auth_discovery::Secret;

/// The greatest length of a state, in bytes.
pub const MAX_STATE_BYTES: usize = 4096;

/// The value that ties an authorization response to its request (RFC 6749 §10.12). Redacted in `Debug`.
///
/// Single use is the caller's to record: this crate holds no store.
#[derive(Clone)]
pub struct State(Secret);

/// Why a text is not a state: empty, longer than [`MAX_STATE_BYTES`], or not printable ASCII (RFC 6749
/// Appendix A.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("state is empty, too long or not printable ASCII")]
pub struct StateError;

impl State {
    /// Makes a state of 32 bytes from a cryptographic random source.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads a state, such as a sealed one.
    ///
    /// # Errors
    ///
    /// [`StateError`].
    pub fn parse(text: &str) -> Result<Self, StateError> {
        let printable = text.bytes().all(|b| (0x20..=0x7e).contains(&b));
        if text.is_empty() || text.len() > MAX_STATE_BYTES || !printable {
            return Err(StateError);
        }
        Ok(Self(Secret::new(text)))
    }

    /// The state itself.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether `received` is this state, in constant time for equal lengths.
    #[must_use]
    pub fn matches(&self, received: &str) -> bool {
        self.expose().as_bytes().ct_eq(received.as_bytes()).into()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_compared_whole() {
        let state = State::from_random([1; 32]);
        assert!(state.matches(state.expose()));
        for other in ["", "x", state.expose().get(1..).unwrap(), &format!("{}x", state.expose())] {
            assert!(!state.matches(other));
        }
        assert_eq!(format!("{state:?}"), "State([redacted])");
        for bad in ["", "a\n", "é", &"a".repeat(MAX_STATE_BYTES + 1)] {
            assert_eq!(State::parse(bad).map(|_| ()), Err(StateError));
        }
    }
}
