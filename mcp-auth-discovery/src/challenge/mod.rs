//! `WWW-Authenticate`: how a refusal tells a client what to do next.
//!
//! 1. `Bearer`, one scheme per header line (several official SDKs read only the first scheme of a line).
//! 2. Parameters in the order `resource_metadata`, `scope`, `error`, `error_description` (SDKs take the first
//!    `scope=` that they find anywhere).
//! 3. No `error` when there was no token (RFC 6750 §3.1).
//! 4. Descriptions are fixed texts per kind: nothing that the client sent comes back.
//! 5. `offline_access` is never asked for (SEP-2207).
//! 6. Where DPoP is accepted, a DPoP line follows the Bearer line. `use_dpop_nonce` comes alone.
//!
//! [`Challenge`] and [`DpopChallenge`] write, [`Challenges`] reads.
//!
//! ```
//! use mcp_auth_discovery::Scopes;
//! use mcp_auth_discovery::challenge::{Challenge, Challenges};
//! use url::Url;
//!
//! let metadata = Url::parse("https://mcp.example.com/.well-known/oauth-protected-resource/mcp")?;
//! let refusal = Challenge::insufficient_scope(&Scopes::parse("files:read files:write")?).resource_metadata(&metadata);
//! assert_eq!(refusal.status(), 403);
//!
//! let read = Challenges::parse(&refusal.header_value())?;
//! let bearer = read.bearer().ok_or("no bearer challenge")?;
//! assert_eq!(bearer.parameter("scope"), Some("files:read files:write"));
//! assert_eq!(bearer.parameter("error"), Some("insufficient_scope"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bearer;
mod dpop;
mod parse;
#[cfg(test)]
mod tests;

pub use bearer::{Challenge, RequestProblem, TokenProblem};
pub use dpop::DpopChallenge;
pub use parse::{
    Challenges, ChallengesError, MAX_CHALLENGE_BYTES, MAX_CHALLENGES, MAX_PARAMETERS, ReceivedChallenge,
};
