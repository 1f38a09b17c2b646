//! What a route does when an exchange needs the user.

use std::str::FromStr;

use crate::Outcome;

/// `spec.backend.tokenExchange.mode` of agentgateway: what a route does when an exchange needs the user. In no mode is
/// the original token forwarded.
///
/// ```
/// use mcp_auth_exchange::plan::ExchangeMode;
///
/// assert_eq!("ExchangeOnly".parse(), Ok(ExchangeMode::ExchangeOnly));
/// assert!("ElicitationOnly".parse::<ExchangeMode>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExchangeMode {
    /// Exchanges, and where the user has to consent, asks him to (elicitation).
    #[default]
    ExchangeThenElicit,
    /// Exchanges, and refuses the request where that fails.
    ExchangeOnly,
}

/// Not a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeModeError {
    /// `ElicitationOnly` needs no exchange at all, and there is no elicitation without one yet.
    #[error("mode `ElicitationOnly` is not supported yet: leave `mode` out, or say `ExchangeOnly`")]
    ElicitationOnly,
    /// Anything else.
    #[error("mode is neither absent nor `ExchangeOnly`")]
    Unknown,
}

impl ExchangeMode {
    /// Whether the user is asked after this outcome, by a URL that he opens.
    pub fn elicits(self, outcome: &Outcome) -> bool {
        self == Self::ExchangeThenElicit && matches!(outcome, Outcome::ConsentRequired(_))
    }
}

impl FromStr for ExchangeMode {
    type Err = ExchangeModeError;

    fn from_str(text: &str) -> Result<Self, ExchangeModeError> {
        match text {
            "ExchangeOnly" => Ok(Self::ExchangeOnly),
            "ElicitationOnly" => Err(ExchangeModeError::ElicitationOnly),
            _ => Err(ExchangeModeError::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{answer, exchange, issued_claims, json_response, plan};

    #[test]
    fn row_045_and_082_the_default_elicits_and_exchange_only_does_not() {
        let consent = exchange(&plan(), json_response(400, &json!({"error": "consent_required"})));
        assert!(ExchangeMode::default().elicits(&consent));
        assert!(!ExchangeMode::ExchangeOnly.elicits(&consent));
        for (status, body) in [
            (400, json!({"error": "invalid_grant"})),
            (401, json!({"error": "invalid_client"})),
            (503, json!({})),
            (200, answer(&issued_claims())),
        ] {
            assert!(
                !ExchangeMode::default().elicits(&exchange(&plan(), json_response(status, &body))),
                "{body}"
            );
        }
        assert_eq!("exchangeonly".parse::<ExchangeMode>(), Err(ExchangeModeError::Unknown));
    }
}
