//! What a plan brought, after the checks.

mod check;
mod id_jag;
mod readable;
mod scopes;

use std::fmt;

use http::HeaderValue;
use mcp_auth_core::UnixTime;
use mcp_auth_core::jwk::Thumbprint;
use mcp_auth_discovery::Secret;
use subtle::ConstantTimeEq as _;

pub(super) use check::{Check, Life, Refusal, is_bound_to, is_wanted};
pub(super) use id_jag::IdJagCheck;
pub(super) use readable::{Readable, read_claims};
pub(super) use scopes::{GRAPH, OPENID, ScopeNames};

/// How a token is presented to the downstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presentation {
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer,
    /// `Authorization: DPoP …` with a proof by this key for each request (RFC 9449 §7.1).
    DPoP(Thumbprint),
}

/// A token for the downstream. Only the checks of a plan make one.
#[derive(Clone)]
pub struct IssuedToken {
    pub(crate) token: Secret,
    pub(crate) presentation: Presentation,
    pub(crate) scope: Option<String>,
    pub(crate) missing: Vec<String>,
    pub(crate) beyond: Vec<String>,
    pub(crate) other_details: bool,
    pub(crate) issued_at: UnixTime,
    pub(crate) usable_until: UnixTime,
    pub(crate) refresh_at: UnixTime,
}

impl IssuedToken {
    /// The token. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        self.token.expose()
    }

    /// Whether the other one is the same token, whatever is known of it besides. Takes the same time whatever differs.
    pub fn is_same(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }

    /// How it is presented.
    pub fn presentation(&self) -> Presentation {
        self.presentation
    }

    /// The value of `Authorization` for the downstream, marked sensitive.
    pub fn authorization(&self) -> HeaderValue {
        let scheme = match self.presentation {
            Presentation::Bearer => "Bearer",
            Presentation::DPoP(_) => "DPoP",
        };
        // INVARIANT: a token is visible ASCII, as `TokenResponse` made sure; the fallback opens nothing.
        let mut value = HeaderValue::from_str(&format!("{scheme} {}", self.token.expose()))
            .unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        value.set_sensitive(true);
        value
    }

    /// Its scope, where the answer or the token said.
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// Scopes that were asked for and not granted.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.missing.iter().map(String::as_str)
    }

    /// Scopes that were granted and not asked for.
    pub fn beyond(&self) -> impl Iterator<Item = &str> {
        self.beyond.iter().map(String::as_str)
    }

    /// Whether `authorization_details` were asked for, and the answer has other ones or none (RFC 9396 §7): a server that
    /// does not know them issues a token without them.
    pub fn has_other_details(&self) -> bool {
        self.other_details
    }

    /// When it was issued.
    pub fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// The first second in which it is not used any more: before its own end, and not after the subject's
    /// and the actor's.
    pub fn usable_until(&self) -> UnixTime {
        self.usable_until
    }

    /// From when on the next one is to be got, while this one is still used; [`usable_until`](Self::usable_until)
    /// where the next one could not be used for longer.
    pub fn refresh_at(&self) -> UnixTime {
        self.refresh_at
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        let lists = self.missing.iter().chain(&self.beyond).map(|s| s.len() + size_of::<String>());
        size_of::<Self>()
            + self.token.expose().len()
            + self.scope.as_ref().map_or(0, String::len)
            + lists.sum::<usize>()
    }
}

/// Without its scope, which is the provider's text.
impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken")
            .field("presentation", &self.presentation)
            .field("usable_until", &self.usable_until)
            .finish_non_exhaustive()
    }
}
