//! The answer for people and for programs.

use std::fmt;

use serde_json::{Value, json};

use super::ask::{Asked, Caller};
use super::find::Place;
use crate::proxy::BoxError;

/// What is verified of a token, or not.
const CHECKS: [&str; 4] = ["signature", "issuer", "audience", "times"];

/// The answer with its route.
#[derive(Debug)]
pub(crate) struct Report<'r> {
    pub(super) file: &'r str,
    pub(super) place: &'r Place<'r>,
    pub(super) asked: &'r Asked,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Asked { request, caller, refusal, explanation, is_list } = self.asked;
        writeln!(f, "{}: {}", self.place, printable(request))?;
        if !self.place.takes_it {
            writeln!(f, "note: the gateway does not send such a request to this route")?;
        }
        writeln!(f, "caller: {caller}")?;
        match refusal {
            None => writeln!(f, "answer: that of the backend; the request is passed on")?,
            Some(refusal) => {
                write!(f, "answer: {} {}", refusal.status.as_u16(), refusal.code)?;
                // Rules have more to say below.
                let told = explanation.as_ref().map(|explanation| explanation.decision.to_string());
                if told.as_ref() != Some(&refusal.reason) {
                    write!(f, ": {}", printable(&refusal.reason))?;
                }
                writeln!(f)?;
                if let Some(challenge) = &refusal.challenge {
                    writeln!(f, "  WWW-Authenticate: {}", printable(challenge))?;
                }
                if !refusal.body.is_empty() {
                    writeln!(f, "  {}", printable(&refusal.body))?;
                }
            }
        }
        if *is_list {
            writeln!(f, "its items are judged one by one: ask with --tool, --prompt or --resource")?;
        }
        match explanation {
            Some(explanation) => write!(f, "\n{}", explanation.to_string().trim_end()),
            None => write!(f, "no rule was asked"),
        }
    }
}

impl Report<'_> {
    pub(super) fn to_json(&self) -> Result<Value, BoxError> {
        let Asked { request, caller, refusal, explanation, is_list } = self.asked;
        let explanation: Option<Value> = explanation
            .as_ref()
            .map(|explanation| serde_json::from_str(&explanation.to_json()))
            .transpose()?;
        let place = self.place;
        Ok(json!({
            "file": self.file,
            "route": {
                "name": place.route.name,
                "listener": place.listener.name,
                "bind": place.bind.address.to_string(),
                "line": place.route.at.line,
                "column": place.route.at.column,
                "takesRequest": place.takes_it,
            },
            "request": request,
            "caller": caller.to_json(),
            "allowed": self.asked.is_allowed(),
            "answer": refusal.as_ref().map(|refusal| json!({
                "status": refusal.status.as_u16(),
                "code": refusal.code,
                "reason": refusal.reason,
                "wwwAuthenticate": refusal.challenge,
                "body": refusal.body,
            })),
            "list": is_list,
            "explanation": explanation,
        }))
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first @ .., last] = CHECKS;
        let checks = format!("{} and {last}", first.join(", "));
        match self {
            Self::Verified(issuer) => write!(f, "has a token of {issuer}; {checks} are verified"),
            Self::Unverified { of_token: true } => {
                write!(
                    f,
                    "NOT VERIFIED: {checks} of the token were not checked; its claims are taken as they stand"
                )
            }
            Self::Unverified { of_token: false } => {
                write!(f, "NOT VERIFIED: there is no token; the claims of the file are taken as they stand")
            }
            Self::Nobody { despite_token: true } => f.write_str("nobody: the token is refused"),
            Self::Nobody { despite_token: false } => f.write_str("nobody: there is no token"),
        }
    }
}

impl Caller {
    fn to_json(&self) -> Value {
        let (kind, issuer) = match self {
            Self::Verified(issuer) => ("verified", Some(issuer)),
            Self::Unverified { of_token: true } => ("unverified_token", None),
            Self::Unverified { of_token: false } => ("unverified_claims", None),
            Self::Nobody { despite_token: true } => ("refused_token", None),
            Self::Nobody { despite_token: false } => ("no_token", None),
        };
        let not_verified = if matches!(self, Self::Unverified { .. }) { &CHECKS[..] } else { &[] };
        json!({ "kind": kind, "issuer": issuer, "notVerified": not_verified })
    }
}

/// Without control characters, which a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}
