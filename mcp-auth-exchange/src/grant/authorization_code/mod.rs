//! The authorization code grant with PKCE (RFC 6749 §4.1, RFC 7636, RFC 8707, RFC 9207).
//!
//! ```text
//!  PkceVerifier ─▶ PkceChallenge ─┐
//!  State ─────────────────────────┴▶ AuthorizationRequest ─▶ url (user agent)
//!                                                             │
//!  AuthorizationCodeRequest ◀─ code ◀─ AuthorizationResponse ◀┘ query of the redirect
//!           │
//!           └▶ http::Request (consumes the verifier: one verifier, one exchange)
//! ```

mod pkce;
mod request;
mod response;
mod state;
mod token;

pub use pkce::{PkceChallenge, PkceError, PkceVerifier};
pub use request::{AuthorizationRequest, AuthorizationRequestError};
pub use response::{
    AuthorizationErrorCode, AuthorizationResponse, AuthorizationResponseError,
    AuthorizationResponseErrorKind, MAX_QUERY_BYTES,
};
pub use state::{MAX_STATE_BYTES, State, StateError};
pub use token::AuthorizationCodeRequest;
