//! What the operator is told.

use std::sync::PoisonError;

use mcp_auth_exchange::Outcome;
use mcp_auth_exchange::cache::CircuitState;

use super::exchanger::Inner;

impl Inner {
    /// Tells the operator, once each time, that an endpoint is left alone or asked again.
    pub(super) fn report_circuits(&self) {
        let mut left_alone = self.left_alone.lock().unwrap_or_else(PoisonError::into_inner);
        for (endpoint, state) in self.desk.circuits() {
            match state {
                CircuitState::Open { until } if !left_alone.contains(&endpoint) => {
                    let secs = until.since(self.clock.now()).as_secs();
                    tracing::warn!(target: "mcp_auth", endpoint, secs, "a token endpoint is left alone: it failed several times in a row, or asked for a pause");
                    left_alone.insert(endpoint);
                }
                CircuitState::Closed if left_alone.remove(&endpoint) => {
                    tracing::info!(target: "mcp_auth", endpoint, "a token endpoint that was left alone answers again");
                }
                _ => {}
            }
        }
    }
}

/// Tells the operator, once per exchange. A diagnosis holds no token and no secret.
pub(super) fn report(plan: &str, outcome: &Outcome) {
    let what = outcome.as_str();
    let Some(diagnosis) = outcome.diagnosis() else {
        let missing: Vec<&str> = outcome.token().into_iter().flat_map(|token| token.missing()).collect();
        let beyond: Vec<&str> = outcome.token().into_iter().flat_map(|token| token.beyond()).collect();
        let other_details = outcome.token().is_some_and(|token| token.has_other_details());
        if missing.is_empty() && beyond.is_empty() && !other_details {
            tracing::debug!(target: "mcp_auth", plan, "token exchanged");
        } else {
            let (missing, beyond) = (missing.join(" "), beyond.join(" "));
            tracing::warn!(target: "mcp_auth", plan, missing, beyond, other_details, "token exchanged, with other scopes or authorization details than were asked for");
        }
        return;
    };
    let id = diagnosis.id();
    match outcome {
        Outcome::Misconfigured(_) | Outcome::Unusable(_) => {
            tracing::error!(target: "mcp_auth", plan, outcome = what, id, reason = %diagnosis, "token not exchanged");
        }
        Outcome::Transient { .. } => {
            tracing::warn!(target: "mcp_auth", plan, outcome = what, id, reason = %diagnosis, "token not exchanged");
        }
        _ => {
            tracing::info!(target: "mcp_auth", plan, outcome = what, id, reason = %diagnosis, "token not exchanged");
        }
    }
    if let Some(words) = diagnosis.provider_text() {
        tracing::debug!(target: "mcp_auth", plan, id, %words, "what the provider said");
    }
}
