//! From an answer without a token to whose turn it is.

use std::time::Duration;

use http::StatusCode;

use super::{ClaimsChallenge, Diagnosis, Facts, Outcome, ProviderText, StepUp};
use crate::provider::{ErrorClass, ExchangeProfile};
use crate::response::TokenResponseErrorKind as Kind;
use crate::{TokenErrorCode, TokenErrorResponse, TokenResponseError};

/// The longest `Retry-After` that is believed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// Reads an answer without a token. `secrets` are what the request had and no text may have.
pub(crate) fn classify(
    profile: &ExchangeProfile,
    facts: &Facts,
    error: &TokenResponseError,
    secrets: &[&str],
) -> Outcome {
    let status = error.status().as_u16();
    let known = error.refusal().map(|r| r.code().as_known_str());
    let words = error.refusal().and_then(TokenErrorResponse::description);
    let words = words.map(|words| ProviderText::new(words, secrets));
    let say = |id, advice: &str| Diagnosis::new(id, advice, facts).answer(status, known, words.clone());
    let transient =
        |id, advice| Outcome::Transient { retry_after: retry_after(error), diagnosis: say(id, advice) };

    if error.is_transient() || error.status() == StatusCode::REQUEST_TIMEOUT {
        return transient("unavailable", "{provider} is down, overloaded or in maintenance");
    }
    let Some(refusal) = error.refusal() else { return no_oauth_answer(error, say) };
    if let Some(claims) = claims(refusal) {
        let diagnosis = say("claims", "{provider} asks for claims that the user's token does not have");
        return Outcome::ClaimsChallenge { claims, diagnosis };
    }
    let Some(rule) = profile.error_rules().find(|rule| rule.fits(error.status(), refusal)) else {
        return Outcome::Misconfigured(say(
            "unknown_error",
            "{provider} refused with an error that has no rule",
        ));
    };
    // What a later step sends is the step before's: a new login of the user brings the same again.
    if rule.class() == ErrorClass::SubjectRefused && facts.step > 1 {
        return Outcome::Misconfigured(say(
            "chain_refused",
            "{provider} refuses what the step before brought, not the user's login: check that it trusts that server, \
             the audience it was issued for, and the type `{type}`; it may also be used up, or already expired",
        ));
    }
    let diagnosis = say(rule.id(), rule.advice());
    match rule.class() {
        ErrorClass::SubjectRefused => Outcome::SubjectRefused(diagnosis),
        ErrorClass::ConsentRequired => Outcome::ConsentRequired(diagnosis),
        ErrorClass::StepUp => Outcome::StepUp { requirement: StepUp::of(refusal), diagnosis },
        ErrorClass::Misconfigured => Outcome::Misconfigured(diagnosis),
        ErrorClass::Transient => Outcome::Transient { retry_after: retry_after(error), diagnosis },
    }
}

/// No answer came: refused, cut off, or too slow.
pub(crate) fn unanswered(facts: &Facts, cause: Option<&str>) -> Outcome {
    let diagnosis = match cause {
        None => Diagnosis::new("unreachable", "no answer: not reachable, cut off, or too slow", facts),
        Some(cause) => Diagnosis::new("unreachable", "no answer", facts).because(cause),
    };
    Outcome::Transient { retry_after: None, diagnosis }
}

/// Only where an interaction is meant: a `claims` beside another error is not a challenge.
fn claims(refusal: &TokenErrorResponse) -> Option<ClaimsChallenge> {
    let code = refusal.code();
    let meant = matches!(code, TokenErrorCode::InteractionRequired | TokenErrorCode::InvalidGrant)
        || code.as_str() == "insufficient_claims";
    refusal.claims().filter(|_| meant).and_then(ClaimsChallenge::parse)
}

fn retry_after(error: &TokenResponseError) -> Option<Duration> {
    error.retry_after_seconds().map(|s| Duration::from_secs(s.into()).min(MAX_RETRY_AFTER))
}

fn no_oauth_answer(error: &TokenResponseError, say: impl Fn(&'static str, &str) -> Diagnosis) -> Outcome {
    let status = error.status();
    if status == StatusCode::OK {
        return Outcome::Unusable(match error.kind() {
            Kind::Member(member) => {
                say("no_token", &format!("the answer is no token response: member `{member}`"))
            }
            Kind::TooLarge => say("too_large", "the answer is larger than 64 KiB, or nested too deeply"),
            _ => say("no_json", "the answer is not JSON: is this the token endpoint?"),
        });
    }
    Outcome::Misconfigured(match status.as_u16() {
        300..=399 => {
            say("redirect", "the endpoint redirects, which is not followed: configure its final URL")
        }
        404 | 405 | 410 => say("no_endpoint", "there is no token endpoint at this URL"),
        401 | 403 => say(
            "blocked",
            "refused without an OAuth error: a proxy or firewall before the endpoint, or not the token endpoint",
        ),
        413 | 431 => {
            say("request_too_large", "the request is too large for the endpoint: the tokens are too long")
        }
        _ => say("no_oauth_answer", "the answer is not OAuth: is this the token endpoint?"),
    })
}
