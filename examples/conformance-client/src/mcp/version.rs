//! Versions of MCP, and what the newer ones put into headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The first version without sessions.
const STATELESS: &str = "2026-07-28";

/// The versions with sessions that this client has.
const WITH_SESSIONS: [&str; 3] = ["2025-11-25", "2025-06-18", "2025-03-26"];

/// A version of MCP, written as its date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProtocolVersion(String);

impl ProtocolVersion {
    pub(crate) fn new(version: &str) -> Self {
        Self(version.to_owned())
    }

    pub(crate) fn newest() -> Self {
        Self::new(STATELESS)
    }

    pub(crate) fn newest_with_sessions() -> Self {
        Self::new("2025-11-25")
    }

    /// What a server may answer to `initialize`.
    pub(crate) fn with_sessions(version: &str) -> Option<Self> {
        WITH_SESSIONS.contains(&version).then(|| Self::new(version))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether every request stands for itself: dates compare as texts.
    pub(crate) fn is_stateless(&self) -> bool {
        self.as_str() >= STATELESS
    }
}

/// A name as a header value (MCP 2026-07-28, "Encoding"): as it is where a header can carry it, else in Base64.
pub(super) fn header_text(name: &str) -> String {
    let plain = name.bytes().all(|b| (0x20..=0x7e).contains(&b)) && name.trim() == name;
    if plain && !name.starts_with("=?base64?") {
        name.to_owned()
    } else {
        format!("=?base64?{}?=", STANDARD.encode(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_decide() {
        assert!(ProtocolVersion::newest().is_stateless());
        assert!(ProtocolVersion::new("2027-01-01").is_stateless());
        assert!(!ProtocolVersion::newest_with_sessions().is_stateless());
        assert!(WITH_SESSIONS.iter().all(|version| !ProtocolVersion::new(version).is_stateless()));
        assert_eq!(ProtocolVersion::with_sessions("2026-07-28"), None);
    }

    #[test]
    fn names_that_no_header_carries_are_encoded() {
        assert_eq!(header_text("read file"), "read file");
        assert_eq!(header_text("é"), "=?base64?w6k=?=");
        assert_eq!(header_text(" a"), "=?base64?IGE=?=");
        assert_eq!(header_text("=?base64?eA==?="), "=?base64?PT9iYXNlNjQ/ZUE9PT89?=");
    }
}
