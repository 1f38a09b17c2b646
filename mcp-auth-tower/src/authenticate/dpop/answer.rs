//! What DPoP adds to responses: its line of the challenge, and nonces.

use std::sync::Arc;

use http::header::{CACHE_CONTROL, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use mcp_auth_core::dpop::ProofErrorKind;
use mcp_auth_discovery::challenge::TokenProblem;

use crate::authenticate::judge::Shared;
use crate::rejection::{Rejection, RejectionReason, token_problem};

const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// What is done with the response of the service behind.
#[derive(Debug)]
pub(in crate::authenticate) struct After {
    pub(in crate::authenticate) shared: Arc<Shared>,
    pub(in crate::authenticate) new_nonce: bool,
}

impl After {
    pub(in crate::authenticate) fn apply<B>(self, response: &mut Response<B>) {
        if self.new_nonce {
            self.shared.give_nonce(response);
            // RFC 9449 §8.2: a stored response would give the nonce out again.
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        self.shared.challenge_for_dpop(response);
    }
}

impl Shared {
    /// Completes a refusal with 401, our own or of a layer behind, by the line that says that proofs are accepted.
    pub(in crate::authenticate) fn challenge_for_dpop<B>(&self, response: &mut Response<B>) {
        let Some(dpop) = self.dpop.as_ref().filter(|_| response.status() == StatusCode::UNAUTHORIZED) else {
            return;
        };
        let Some(rejection) = response.extensions().get::<Arc<Rejection>>() else { return };
        let mut challenge = dpop.challenge.clone();
        if let Some(context) = &self.challenge {
            challenge = challenge.resource_metadata(&context.resource.metadata_url());
        }
        let mut alone = false;
        let challenge = match rejection.reason() {
            RejectionReason::Proof(e) if e.wants_nonce() => {
                alone = true;
                challenge.use_nonce()
            }
            RejectionReason::Proof(e) if *e.kind() == ProofErrorKind::Required => {
                challenge.invalid_token(TokenProblem::Binding)
            }
            RejectionReason::Proof(e) => challenge.invalid_proof(e.client_text()),
            RejectionReason::InvalidToken(e) => challenge.invalid_token(token_problem(e)),
            RejectionReason::TokenUsed => challenge.invalid_token(TokenProblem::Used),
            _ => challenge,
        };
        if alone {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge.header_value());
        } else {
            response.headers_mut().append(WWW_AUTHENTICATE, challenge.header_value());
        }
        self.give_nonce(response);
    }

    fn give_nonce<B>(&self, response: &mut Response<B>) {
        let nonce = self.dpop.as_ref().and_then(|dpop| dpop.nonce(self.clock.now()));
        if let Some(value) = nonce.and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
            response.headers_mut().insert(DPOP_NONCE, value);
        }
    }
}
