//! Why there is no downstream credential, and what the client is told.

use std::time::Duration;

use http::StatusCode;
use mcp_auth_discovery::challenge::{Challenge, RequestProblem, TokenProblem};
use mcp_auth_exchange::Outcome;
use mcp_auth_exchange::plan::MayActError;

use crate::rejection::rpc;

/// Why a request went no further on an exchange route.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the answer's table has to be complete; a new refusal is a new answer"
)]
pub enum ExchangeRefusal {
    /// No plan is for this caller: 403.
    NoPlan,
    /// The principal came without the token that it was made of: 500.
    NoSubjectToken,
    /// The plan takes an actor's token, and there is none: 500.
    NoActorToken,
    /// The caller's token does not let the actor act for him (RFC 8693 §4.4 `may_act`): 403.
    ActorNotAllowed(MayActError),
    /// What the request has to add to the exchange cannot be made of it: 403.
    NoParameters,
    /// The caller's token stands in the target of the request, too, where it would be passed on: 400.
    TokenInTarget,
    /// There is no token: by its outcome.
    NoToken(Outcome),
    /// No exchange ended in time: 503.
    NoAnswer,
    /// Too many exchanges are under way at this provider, and none of them ended while this one might wait, or too
    /// many wait: 503. The provider was not asked.
    Overloaded,
    /// No proof could be signed for the issued token: 500.
    Proof,
    /// The service refused the issued token: 502.
    RefusedDownstream,
}

/// What a client is told.
pub(crate) struct ClientAnswer {
    pub(crate) status: StatusCode,
    /// With a body that says the same; otherwise the body is `message`.
    pub(crate) challenge: Option<Challenge>,
    pub(crate) message: String,
    pub(crate) retry_after: Option<Duration>,
}

/// `Retry-After` where nobody named a time.
const RETRY_AFTER: Duration = Duration::from_secs(5);

impl ExchangeRefusal {
    /// A stable word for logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPlan => "exchange_no_plan",
            Self::NoSubjectToken => "exchange_no_subject_token",
            Self::NoActorToken => "exchange_no_actor_token",
            Self::ActorNotAllowed(_) => "exchange_actor_not_allowed",
            Self::NoParameters => "exchange_no_parameters",
            Self::TokenInTarget => "exchange_token_in_target",
            Self::NoAnswer => "exchange_no_answer",
            Self::Overloaded => "exchange_overloaded",
            Self::Proof => "exchange_proof",
            Self::RefusedDownstream => "exchange_refused_downstream",
            Self::NoToken(outcome) => match outcome {
                Outcome::SubjectRefused(_) => "exchange_subject_refused",
                Outcome::ConsentRequired(_) => "exchange_consent_required",
                Outcome::StepUp { .. } => "exchange_step_up",
                Outcome::ClaimsChallenge { .. } => "exchange_claims_challenge",
                Outcome::Misconfigured(_) => "exchange_misconfigured",
                Outcome::Transient { .. } => "exchange_transient",
                // A token is no refusal, and what comes later is used by nobody before it has a row here.
                _ => "exchange_unusable",
            },
        }
    }

    /// The stable name of the diagnosis, where a provider was asked.
    pub fn diagnosis(&self) -> Option<&'static str> {
        match self {
            Self::NoToken(outcome) => outcome.diagnosis().map(|diagnosis| diagnosis.id()),
            _ => None,
        }
    }

    /// The answer. `id` is the JSON-RPC id of the request, as JSON text. All texts are ours.
    pub(crate) fn answer(&self, id: Option<&str>) -> ClientAnswer {
        let said = |status, code, text| ClientAnswer {
            status,
            challenge: None,
            message: rpc(id, code, text),
            retry_after: None,
        };
        let challenged = |challenge: Challenge| ClientAnswer {
            status: challenge.status(),
            challenge: Some(challenge),
            message: String::new(),
            retry_after: None,
        };
        let later = |after: Option<Duration>| ClientAnswer {
            retry_after: Some(after.unwrap_or(RETRY_AFTER)),
            ..said(StatusCode::SERVICE_UNAVAILABLE, -32603, "try again later")
        };
        let internal = || said(StatusCode::INTERNAL_SERVER_ERROR, -32603, "internal error");
        let unusable = || {
            said(
                StatusCode::BAD_GATEWAY,
                -32603,
                "there is no access to the server behind this one right now",
            )
        };
        match self {
            Self::NoPlan | Self::ActorNotAllowed(_) | Self::NoParameters => {
                said(StatusCode::FORBIDDEN, -32003, "not allowed")
            }
            Self::NoSubjectToken | Self::NoActorToken | Self::Proof => internal(),
            Self::TokenInTarget => {
                challenged(Challenge::invalid_request(RequestProblem::MultipleCredentials))
            }
            Self::NoAnswer | Self::Overloaded => later(None),
            Self::RefusedDownstream => unusable(),
            Self::NoToken(outcome) => match outcome {
                Outcome::SubjectRefused(_) => challenged(Challenge::invalid_token(TokenProblem::Invalid)),
                Outcome::StepUp { requirement, .. } => {
                    challenged(Challenge::insufficient_user_authentication(
                        requirement.acr_values.as_deref(),
                        requirement.max_age_seconds,
                    ))
                }
                Outcome::ClaimsChallenge { claims, .. } => {
                    challenged(Challenge::insufficient_claims(claims.to_base64()))
                }
                Outcome::ConsentRequired(_) => {
                    let text = "the user has to consent at the identity provider first";
                    said(StatusCode::FORBIDDEN, -32003, text)
                }
                Outcome::Misconfigured(_) => internal(),
                Outcome::Transient { retry_after, .. } => later(*retry_after),
                _ => unusable(),
            },
        }
    }
}
