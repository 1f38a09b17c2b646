//! What came of an exchange, and why: typed, so that whoever answers the client cannot confuse a user who has to log
//! in again with a mistake in the configuration.

mod challenge;
mod classify;
mod diagnosis;
mod provider_text;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::plan::IssuedToken;

pub use challenge::{ClaimsChallenge, StepUp};
pub(crate) use classify::{classify, unanswered};
pub use diagnosis::Diagnosis;
pub(crate) use diagnosis::{Facts, NOT_SENT, SUBJECT_EXPIRED};
pub use provider_text::ProviderText;

/// What came of an exchange. None of these is a reason to forward the original token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// A token for the downstream, checked.
    Token(Arc<IssuedToken>),
    /// The provider refuses the user's token: he has to log in again.
    SubjectRefused(Diagnosis),
    /// The user has to consent, or to connect an account, in a browser.
    ConsentRequired(Diagnosis),
    /// The user has to authenticate again, and better (RFC 9470).
    StepUp {
        /// How.
        requirement: StepUp,
        /// Why.
        diagnosis: Diagnosis,
    },
    /// The client has to ask for a token with these claims (Entra, conditional access).
    ClaimsChallenge {
        /// Which.
        claims: ClaimsChallenge,
        /// Why.
        diagnosis: Diagnosis,
    },
    /// The gateway or its client at the provider is set up wrongly. No user can do anything about it.
    Misconfigured(Diagnosis),
    /// The provider answered with something that must not be used: no token, or not the one that was asked for.
    Unusable(Diagnosis),
    /// The provider is down, slow or overloaded.
    Transient {
        /// When to try again at the earliest, where the provider said so.
        retry_after: Option<Duration>,
        /// Why.
        diagnosis: Diagnosis,
    },
}

impl Outcome {
    /// The token, where there is one.
    pub fn token(&self) -> Option<&Arc<IssuedToken>> {
        match self {
            Self::Token(token) => Some(token),
            _ => None,
        }
    }

    /// Why there is no token.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        match self {
            Self::Token(_) => None,
            Self::SubjectRefused(diagnosis)
            | Self::ConsentRequired(diagnosis)
            | Self::StepUp { diagnosis, .. }
            | Self::ClaimsChallenge { diagnosis, .. }
            | Self::Misconfigured(diagnosis)
            | Self::Unusable(diagnosis)
            | Self::Transient { diagnosis, .. } => Some(diagnosis),
        }
    }

    /// A stable name for logs and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::SubjectRefused(_) => "subject_refused",
            Self::ConsentRequired(_) => "consent_required",
            Self::StepUp { .. } => "step_up",
            Self::ClaimsChallenge { .. } => "claims_challenge",
            Self::Misconfigured(_) => "misconfigured",
            Self::Unusable(_) => "unusable",
            Self::Transient { .. } => "transient",
        }
    }

    /// The status to answer the client with, where the answer is no elicitation; `None` for a token.
    pub fn status(&self) -> Option<StatusCode> {
        Some(match self {
            Self::Token(_) => return None,
            Self::SubjectRefused(_) | Self::StepUp { .. } | Self::ClaimsChallenge { .. } => {
                StatusCode::UNAUTHORIZED
            }
            Self::ConsentRequired(_) => StatusCode::FORBIDDEN,
            Self::Misconfigured(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unusable(_) => StatusCode::BAD_GATEWAY,
            Self::Transient { .. } => StatusCode::SERVICE_UNAVAILABLE,
        })
    }
}
