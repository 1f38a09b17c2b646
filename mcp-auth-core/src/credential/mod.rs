//! Where the token is: exactly one, from exactly the configured place; and what is said about the caller to the
//! service behind.
//!
//! RFC 6750 §2 lets a request carry a token by one method only. Two tokens are a malformed request (400), never
//! a choice: two components that choose differently is how a check is passed with one token and the work is
//! done with another.

mod claim_headers;
pub(crate) mod query;
mod source;
mod sources;
#[cfg(test)]
mod tests;
mod token;

pub use claim_headers::{ClaimHeaderError, ClaimHeaders};
pub(crate) use claim_headers::{remove_foreign, same_name};
pub use source::{Scheme, TokenSource};
pub use sources::{Credential, TokenSources};
pub use token::AccessToken;

/// Why a request's credential could not be read. All of them are RFC 6750 §3.1 `invalid_request` (400),
/// except [`CredentialError::OtherScheme`], which is no credential for us (401).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// More than one place has a token, one place has several, or a header holds a list.
    #[error("more than one credential in the request")]
    Multiple,
    /// The value is not `scheme SP token`.
    #[error("malformed credential")]
    Malformed,
    /// The header carries a credential of another scheme, such as Basic.
    #[error("credential of an authentication scheme that is not accepted here")]
    OtherScheme,
}
