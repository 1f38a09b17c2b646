//! Session ids of MCP servers (`Mcp-Session-Id`, up to 2025-11-25), each for the caller it was given to.
//!
//! A session id is no credential, but servers take it for one: whoever knows it is in the session. So a client never
//! learns the server's own id. It gets a [sealed](crate::seal) value of that id and of who it is for, which opens again
//! for the same caller only. Nothing is stored, and every replica with the same key opens it.
//!
//! 1. The caller is issuer, subject and client of the token. A refreshed token is the same caller; another client of
//!    the same user is another, and so is a token that names no client where the first one did.
//! 2. A token that names neither subject nor client is a caller of its own: with the next token the session ends.
//! 3. Callers without a token are one caller, whom nobody with a token can become, nor the reverse. What keeps them
//!    apart is that the ids cannot be guessed.
//! 4. The same id for the same caller makes the same value. Clients may insist on that: the official SDK for Go ends
//!    the connection when a later answer names another id.
//! 5. From 2026-07-28 on MCP has no sessions.

mod caller;
#[cfg(test)]
mod tests;

use http::{HeaderMap, HeaderName, HeaderValue};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::principal::Principal;
use crate::seal::{Purpose, SealErrorKind, SealNonce, Sealer};
use crate::time::UnixTime;

/// The header of session ids.
pub const MCP_SESSION_ID: HeaderName = HeaderName::from_static(NAME);

const NAME: &str = "mcp-session-id";

/// Longest id of a server.
pub const MAX_SESSION_ID_BYTES: usize = 2048;

/// Seals and opens session ids of one resource.
#[derive(Clone, Debug)]
pub struct SessionIds {
    sealer: Sealer,
    resource: Box<str>,
}

/// Why a client's session id is not one of ours for it. Clients are not told: a session that is not theirs does not
/// exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionProblem {
    /// More than one session id in a request.
    #[error("request has more than one Mcp-Session-Id")]
    Several,
    /// Not a value that we sealed for this resource, or with a key that is gone.
    #[error("{0}")]
    Unreadable(SealErrorKind),
    /// A good one, of another caller: somebody knows what only that caller should know.
    #[error("session id was given to another caller")]
    Foreign,
}

impl SessionProblem {
    /// A stable word for logs and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Several => "session_several",
            Self::Unreadable(SealErrorKind::UnknownKey) => "session_unknown_key",
            Self::Unreadable(_) => "session_unreadable",
            Self::Foreign => "session_foreign",
        }
    }
}

/// A server's session id cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionIdError {
    /// More than one session id in an answer.
    #[error("answer has more than one Mcp-Session-Id")]
    Several,
    /// Empty, or not of visible ASCII characters, which MCP asks for.
    #[error("session id is empty or not of visible ASCII characters")]
    Characters,
    /// Longer than [`MAX_SESSION_ID_BYTES`].
    #[error("session id is longer than {MAX_SESSION_ID_BYTES} bytes")]
    TooLong,
    /// The cryptographic library refused.
    #[error("session id cannot be sealed")]
    Sealing,
}

impl SessionIds {
    /// Ids that are sealed with `sealer`, of the resource with this identifier. Another resource's ids do not open.
    pub fn new(sealer: Sealer, resource: &str) -> Self {
        Self { sealer, resource: resource.into() }
    }

    /// What a client gets instead of the server's `id`.
    ///
    /// # Errors
    ///
    /// [`SessionIdError`] when `id` is none.
    pub fn seal(&self, id: &HeaderValue, caller: Option<&Principal>) -> Result<HeaderValue, SessionIdError> {
        let id = id.as_bytes();
        if id.len() > MAX_SESSION_ID_BYTES {
            return Err(SessionIdError::TooLong);
        }
        if id.is_empty() || !id.iter().all(u8::is_ascii_graphic) {
            return Err(SessionIdError::Characters);
        }
        let whose = caller::digest(caller, self.sealer.provider());
        let mut content = Zeroizing::new(Vec::with_capacity(whose.len() + id.len()));
        content.extend_from_slice(&whose);
        content.extend_from_slice(id);
        let bound_to = [self.resource.as_bytes()];
        let sealed = self.sealer.seal(Purpose::Session, &bound_to, &content, None, SealNonce::Derived);
        let text = sealed.map_err(|_| SessionIdError::Sealing)?;
        secret_value(text.as_bytes()).ok_or(SessionIdError::Sealing)
    }

    /// The server's id for what a client sent.
    ///
    /// # Errors
    ///
    /// [`SessionProblem`] when `value` is not one of ours for this caller.
    pub fn open(
        &self,
        value: &HeaderValue,
        caller: Option<&Principal>,
    ) -> Result<HeaderValue, SessionProblem> {
        const MALFORMED: SessionProblem = SessionProblem::Unreadable(SealErrorKind::Malformed);
        let text = value.to_str().map_err(|_| MALFORMED)?;
        let bound_to = [self.resource.as_bytes()];
        // These have no end; one that had would be past it.
        let opened = self.sealer.open(Purpose::Session, &bound_to, text, UnixTime::from_secs(u64::MAX));
        let content = opened.map_err(|e| SessionProblem::Unreadable(e.kind()))?;
        let (whose, id) = content.split_first_chunk::<32>().ok_or(MALFORMED)?;
        let caller = caller::digest(caller, self.sealer.provider());
        if !bool::from(caller.ct_eq(whose)) {
            return Err(SessionProblem::Foreign);
        }
        secret_value(id).ok_or(MALFORMED)
    }
}

/// Removes headers that servers in the tradition of CGI would take for a session id: they read `_` as `-`.
pub fn remove_look_alikes(headers: &mut HeaderMap) {
    let is_look_alike = |name: &&HeaderName| {
        let name = name.as_str();
        name.len() == NAME.len()
            && name != NAME
            && name.bytes().zip(NAME.bytes()).all(|(a, b)| a == b || (a, b) == (b'_', b'-'))
    };
    while let Some(name) = headers.keys().find(is_look_alike).cloned() {
        headers.remove(name);
    }
}

/// The one session id of a request, where it has one.
///
/// # Errors
///
/// [`SessionProblem::Several`].
pub fn requested_session(headers: &HeaderMap) -> Result<Option<&HeaderValue>, SessionProblem> {
    at_most_one(headers).map_err(|()| SessionProblem::Several)
}

/// The one session id of a server's answer, where it has one.
///
/// # Errors
///
/// [`SessionIdError::Several`].
pub fn answered_session(headers: &HeaderMap) -> Result<Option<&HeaderValue>, SessionIdError> {
    at_most_one(headers).map_err(|()| SessionIdError::Several)
}

fn at_most_one(headers: &HeaderMap) -> Result<Option<&HeaderValue>, ()> {
    let mut all = headers.get_all(MCP_SESSION_ID).iter();
    let first = all.next();
    if all.next().is_some() { Err(()) } else { Ok(first) }
}

/// Whether a request is of a version that has sessions: whether its `MCP-Protocol-Version` is absent, before
/// 2026-07-28 or not a version.
pub fn has_sessions(headers: &HeaderMap) -> bool {
    const FIRST_WITHOUT: &[u8] = b"2026-07-28";
    let is_modern = |version: &[u8]| {
        // Versions are dates and compare as text.
        let is_date = version.len() == FIRST_WITHOUT.len()
            && version.iter().zip(FIRST_WITHOUT).all(|(b, like)| match like {
                b'-' => *b == b'-',
                _ => b.is_ascii_digit(),
            });
        is_date && version >= FIRST_WITHOUT
    };
    let mut versions = headers.get_all("mcp-protocol-version").iter().peekable();
    versions.peek().is_none() || !versions.all(|version| is_modern(version.as_bytes()))
}

/// `Debug` of a request does not show it.
fn secret_value(bytes: &[u8]) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(bytes).ok()?;
    value.set_sensitive(true);
    Some(value)
}
