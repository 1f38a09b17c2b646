//! JSON Web Tokens: strict parsing, issuer first, then key, then claims.
//!
//! ```text
//! token ─▶ Unverified (bounded parse) ─▶ issuer by `iss` ─▶ key by `kid` and `alg` ─▶ signature ─▶ claims ─▶ Principal
//! ```

mod algorithm;
mod cache;
mod claims;
mod compact;
mod confirmation;
mod error;
mod header;
mod issuer;
mod jws;
mod revocation;
mod tenant;
#[cfg(test)]
mod tests;
mod validator;

pub use algorithm::Algorithm;
pub use cache::TokenCache;
pub use claims::Claims;
pub use compact::TokenLimits;
pub use confirmation::{Confirmation, Possession};
pub use error::{ClientText, ValidationError, ValidationErrorKind};
pub use issuer::{Issuer, IssuerConfigError, RequiredClaim};
pub use jws::Jws;
pub use revocation::Revocations;
pub use validator::{Checks, IssuerId, Unverified, Validator};
