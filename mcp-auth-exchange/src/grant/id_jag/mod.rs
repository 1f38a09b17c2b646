//! Identity Assertion JWT Authorization Grants (draft-ietf-oauth-identity-assertion-authz-grant, MCP's
//! "enterprise-managed authorization"): the user's identity provider says to which servers a client may go for him.
//!
//! ```text
//! client ── ID token ──▶ identity provider          leg 1, RFC 8693: IdJagRequest
//!        ◀── ID-JAG ────
//!        ── ID-JAG ────▶ resource's authorization    leg 2, RFC 7523: IdJagGrant::redeem
//!        ◀ access token  server                      there: IdJagRules::accept
//! ```

mod accept;
mod error;
mod request;
#[cfg(test)]
mod tests;

pub use accept::{IdJag, IdJagRules, UnverifiedIdJag};
pub use error::{IdJagError, IdJagErrorKind};
pub use request::{IdJagGrant, IdJagRequest, NotAnIdJag};

/// `typ` of an ID-JAG.
pub const TYP: &str = "oauth-id-jag+jwt";

/// What an authorization server that takes ID-JAGs has in `authorization_grant_profiles_supported`.
pub const GRANT_PROFILE: &str = "urn:ietf:params:oauth:grant-profile:id-jag";
