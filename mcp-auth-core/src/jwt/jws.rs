//! A signed object in compact form, whatever it is for: a strict header, a key, a signature.

use std::sync::Arc;

use super::compact::{Compact, TokenLimits, decode};
use super::error::{ValidationError, ValidationErrorKind as Kind};
use super::{Algorithm, header::Header};
use crate::json::Object;
use crate::jwk::{Key, KeyMatch, KeySet};

/// A JSON Web Signature (RFC 7515) in compact form, parsed strictly. Nothing in it is to be believed before
/// [`verify`](Self::verify).
///
/// The header must be one JSON object without duplicate members. `crit`, `b64`, `zip` and `enc` are refused;
/// `jku`, `jwk`, `x5u` and `x5c` are never used to find a key. What the object is for (`typ`) is for the caller
/// to check: [`Validator`](super::Validator) does it for access tokens.
///
/// ```
/// use mcp_auth_core::jwt::{Jws, TokenLimits};
///
/// let unsigned = "eyJhbGciOiJub25lIn0.e30.";
/// assert!(Jws::parse(unsigned, TokenLimits::default()).is_err());
/// ```
pub struct Jws<'t> {
    compact: Compact<'t>,
    header: Header,
}

impl<'t> Jws<'t> {
    /// Parses the three parts and the header.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] for anything but a bounded, well-formed object under a known algorithm.
    pub fn parse(token: &'t str, limits: TokenLimits) -> Result<Self, ValidationError> {
        let compact = Compact::split(token, limits)?;
        let header = Header::parse(compact.header)?;
        Ok(Self { compact, header })
    }

    /// The algorithm the header names.
    pub fn algorithm(&self) -> Algorithm {
        self.header.algorithm
    }

    /// The key the header names.
    pub fn kid(&self) -> Option<&str> {
        self.header.kid()
    }

    /// The media type of the object without its `application/` prefix (RFC 7515 §4.1.9).
    pub fn typ(&self) -> Option<&str> {
        self.header.typ()
    }

    /// All header members.
    pub fn header(&self) -> Option<Object<'_>> {
        self.header.members()
    }

    /// The payload's bytes, not verified.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] when the part is not strict base64url.
    pub fn unverified_payload(&self) -> Result<Vec<u8>, ValidationError> {
        decode(self.compact.payload, "payload")
    }

    /// Checks the signature with the one key of `keys` that fits `kid` and `alg`, and returns that key.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] when no key or more than one fits, or the signature is not the key's.
    pub fn verify<'k>(&self, keys: &'k KeySet) -> Result<&'k Arc<Key>, ValidationError> {
        let kid = self.kid();
        let key = match keys.find(kid, self.header.algorithm) {
            KeyMatch::Found(key) => key,
            KeyMatch::Unknown => return Err(Kind::UnknownKey { kid: kid.is_some() }.into()),
            KeyMatch::Ambiguous => return Err(Kind::AmbiguousKey.into()),
        };
        self.verify_with(key)?;
        Ok(key)
    }

    /// As [`verify`](Self::verify); where the header names no key and several fit, the first four are tried.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] when no key fits, or the signature is none of theirs.
    pub fn verify_trying<'k>(&self, keys: &'k KeySet) -> Result<&'k Arc<Key>, ValidationError> {
        if self.kid().is_some() {
            return self.verify(keys);
        }
        let fitting = keys.keys().iter().filter(|key| key.verifier(self.header.algorithm).is_some());
        let mut refused = Kind::UnknownKey { kid: false }.into();
        for key in fitting.take(4) {
            match self.verify_with(key) {
                Ok(()) => return Ok(key),
                Err(e) => refused = e,
            }
        }
        Err(refused)
    }

    /// Checks the signature with one key, whatever `kid` says.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] when the key is not for the algorithm, or the signature is not the key's.
    pub fn verify_with(&self, key: &Key) -> Result<(), ValidationError> {
        let unknown = || Kind::UnknownKey { kid: self.kid().is_some() };
        let verifier = key.verifier(self.header.algorithm).ok_or_else(unknown)?;
        let signature = decode(self.compact.signature, "signature")?;
        verifier.verify(self.compact.signed.as_bytes(), &signature).map_err(|_| Kind::Signature.into())
    }
}

/// No part of the object: it may be a secret.
impl std::fmt::Debug for Jws<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jws").field("algorithm", &self.header.algorithm).finish_non_exhaustive()
    }
}
