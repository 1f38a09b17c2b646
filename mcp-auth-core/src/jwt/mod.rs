//! JSON Web Tokens: strict parsing, issuer first, then key, then claims.
//!
//! ```text
//! token ─▶ Unverified (bounded parse) ─▶ issuer by `iss` ─▶ key by `kid` and `alg` ─▶ signature ─▶ claims ─▶ Principal
//! ```

mod algorithm;
mod claims;
mod compact;
mod error;
mod header;
mod issuer;
#[cfg(test)]
mod tests;
mod validator;

pub use algorithm::Algorithm;
pub use claims::Claims;
pub use compact::MAX_TOKEN_BYTES;
pub use error::{ClientText, ValidationError, ValidationErrorKind};
pub use issuer::{Issuer, IssuerConfigError, RequiredClaim};
pub use validator::{IssuerId, Unverified, Validator};
