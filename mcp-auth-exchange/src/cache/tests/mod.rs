mod breaker;
mod desk;
mod key;
mod shared;

use std::sync::Arc;

use serde_json::json;

use crate::Outcome;
use crate::plan::IssuedToken;
use crate::testing::{Driver, answer, issued_claims, json_response, plan, subject};

/// A token as a plan brings it: usable until 285 s, to be renewed from 228 s.
fn token() -> Arc<IssuedToken> {
    let answered = json_response(200, &answer(&issued_claims()));
    let (outcome, _) = Driver::new(&plan(), subject(), None).through(&[Some(answered)]);
    outcome.token().unwrap().clone()
}

/// An opaque token of so many bytes.
fn token_of(bytes: usize) -> Arc<IssuedToken> {
    let mut body = answer(&issued_claims());
    body["access_token"] = json!("t".repeat(bytes));
    let (outcome, _) = Driver::new(&plan(), subject(), None).through(&[Some(json_response(200, &body))]);
    outcome.token().unwrap().clone()
}

fn failure(status: u16, code: &str) -> Outcome {
    crate::testing::exchange(&plan(), json_response(status, &json!({ "error": code })))
}
