//! Tokens that are no longer wanted although they have not expired.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, DefaultHasher};

use crate::principal::Principal;
use crate::time::UnixTime;

// Keys come from the operator; a fixed hasher keeps the value free of randomness.
type Fixed = BuildHasherDefault<DefaultHasher>;

/// A list of revoked tokens and subjects. It is asked at every use of a token, remembered ones included.
///
/// ```
/// use mcp_auth_core::UnixTime;
/// use mcp_auth_core::jwt::Revocations;
///
/// let list = Revocations::default()
///     .token("https://idp.example", "token-4711")
///     .subject("https://idp.example", "mallory", UnixTime::from_secs(1_700_000_000));
/// assert_eq!(list.len(), 2);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    tokens: HashMap<Box<str>, HashSet<Box<str>, Fixed>, Fixed>,
    subjects: HashMap<Box<str>, HashMap<Box<str>, UnixTime, Fixed>, Fixed>,
}

impl Revocations {
    /// Revokes the one token of `issuer` whose `jti` this is.
    #[must_use]
    pub fn token(mut self, issuer: &str, jti: &str) -> Self {
        self.tokens.entry(issuer.into()).or_default().insert(jti.into());
        self
    }

    /// Revokes the tokens of a subject that were issued before `before`, and those that do not say when they
    /// were.
    #[must_use]
    pub fn subject(mut self, issuer: &str, subject: &str, before: UnixTime) -> Self {
        self.subjects.entry(issuer.into()).or_default().insert(subject.into(), before);
        self
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.tokens.values().map(HashSet::len).sum::<usize>()
            + self.subjects.values().map(HashMap::len).sum::<usize>()
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the principal's token is revoked.
    pub fn covers(&self, principal: &Principal) -> bool {
        let claims = principal.claims();
        let jti = || claims.get("jti").and_then(crate::json::Value::as_str);
        let token =
            self.tokens.get(principal.issuer()).is_some_and(|of| jti().is_some_and(|j| of.contains(j)));
        let subject = self.subjects.get(principal.issuer()).and_then(|of| of.get(principal.subject()?));
        token || subject.is_some_and(|before| claims.issued_at().is_none_or(|iat| iat < *before))
    }
}
