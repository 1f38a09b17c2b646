//! Types of tokens: how one is presented ([`TokenType`], RFC 6749 §7.1), and what one is ([`TokenTypeUri`],
//! RFC 8693 §3).

mod access;
mod uri;

pub use access::TokenType;
pub use uri::{TokenTypeUri, TokenTypeUriError};
