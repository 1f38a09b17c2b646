//! What a token endpoint answers (RFC 6749 §5).
//!
//! An answer is a [`TokenResponse`], or a [`TokenResponseError`] whose [kind](TokenResponseErrorKind) says whose
//! fault it was. Nothing of the body is in the text of an error.

mod error;
mod success;
#[cfg(test)]
mod tests;

pub use error::{TokenErrorCode, TokenErrorResponse, TokenResponseError, TokenResponseErrorKind};
pub(crate) use success::{JsonAnswerError, read_json};
pub use success::{MAX_RESPONSE_BYTES, TokenResponse};
