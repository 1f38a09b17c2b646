//! Protocol versions, and the two eras that they belong to.
//!
//! Until 2025-11-25 a session is opened with `initialize` ([`Era::Legacy`]); since 2026-07-28 each request says in
//! `_meta` which version it speaks ([`Era::Modern`]). A request is modern when its `_meta` or its
//! `MCP-Protocol-Version` header says so: who leaves one of the two out, or names an old version in one of them, is
//! still held to the modern rules, and fails them ([`Agreement`](super::Agreement)).

use std::fmt;

use http::HeaderMap;

use super::agreement::{AgreementError, protocol_version_header};

/// A published version of the Model Context Protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProtocolVersion {
    /// 2024-11-05: HTTP+SSE. Sessions over Streamable HTTP may still negotiate it.
    V2024_11_05,
    /// 2025-03-26: Streamable HTTP, batches. What a request without a version header is taken for.
    V2025_03_26,
    /// 2025-06-18: no batches, the version header.
    V2025_06_18,
    /// 2025-11-25: tasks.
    V2025_11_25,
    /// 2026-07-28: no sessions, each request for itself.
    V2026_07_28,
}

/// How a request says which protocol it speaks (MCP 2026-07-28, Versioning).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the specification has these two")]
pub enum Era {
    /// 2025-11-25 and before: a session, opened with `initialize`.
    Legacy,
    /// 2026-07-28 and later: in `_meta` of each request.
    Modern,
}

impl ProtocolVersion {
    /// All of them, oldest first.
    pub const ALL: [Self; 5] =
        [Self::V2024_11_05, Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25, Self::V2026_07_28];

    /// The version of this name; `None` for what is none.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == name)
    }

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The era it belongs to.
    pub const fn era(self) -> Era {
        match self {
            Self::V2024_11_05 | Self::V2025_03_26 | Self::V2025_06_18 | Self::V2025_11_25 => Era::Legacy,
            Self::V2026_07_28 => Era::Modern,
        }
    }

    /// Whether one body may hold several messages. 2025-06-18 has removed that.
    pub const fn accepts_batches(self) -> bool {
        matches!(self, Self::V2024_11_05 | Self::V2025_03_26)
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Era {
    /// The era of a version's name. What is no version that we know is modern, unless it is a date before 2026-07-28:
    /// the modern rules are the stricter ones.
    pub fn of_version(name: &str) -> Self {
        match ProtocolVersion::parse(name) {
            Some(version) => version.era(),
            None if is_date(name) && name < ProtocolVersion::V2026_07_28.as_str() => Self::Legacy,
            None => Self::Modern,
        }
    }

    /// The era that the headers of a request without a body tell: modern `GET` and `DELETE` do not exist, and are
    /// answered with 405.
    ///
    /// # Errors
    ///
    /// [`AgreementError`] when there are several `MCP-Protocol-Version` headers, or one that is no text.
    pub fn of_headers(headers: &HeaderMap) -> Result<Self, AgreementError> {
        Ok(protocol_version_header(headers)?.map_or(Self::Legacy, Self::of_version))
    }
}

fn is_date(name: &str) -> bool {
    let shape =
        |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    name.len() == 10 && name.bytes().enumerate().all(shape)
}
