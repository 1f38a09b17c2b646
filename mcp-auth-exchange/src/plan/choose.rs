//! Which plan for whom.

use std::sync::Arc;

use mcp_auth_core::Principal;
use mcp_auth_core::json::Value;

use super::ExchangePlan;

/// For whom a plan is: all that is set has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Selector {
    issuer: Option<String>,
    claims: Vec<(String, String)>,
}

impl Selector {
    /// Everybody.
    pub fn any() -> Self {
        Self::default()
    }

    /// Subjects of this issuer, compared byte for byte.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Subjects with this value in a claim: a string that equals it, or an array with such a string.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.claims.push((name.into(), value.into()));
        self
    }

    /// The issuer whose subjects these are; `None`: of any.
    pub fn wanted_issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The claims that are looked at, with the value that each has to have.
    pub fn wanted_claims(&self) -> impl Iterator<Item = (&str, &str)> {
        self.claims.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether this is one of them.
    pub fn fits(&self, principal: &Principal) -> bool {
        let holds = |(name, wanted): &(String, String)| match principal.claims().get(name) {
            Some(Value::String(text)) => text == wanted,
            Some(Value::Array(items)) => items.iter().any(|item| item.as_str() == Some(wanted)),
            _ => false,
        };
        self.issuer.as_deref().is_none_or(|issuer| issuer == principal.issuer())
            && self.claims.iter().all(holds)
    }
}

/// The plans of a route. The first whose selector fits is taken; where none fits, there is no token, and the request
/// ends there. Two routes, or two issuers on one route, may go to different providers.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ExchangePlans {
    plans: Vec<(Selector, Arc<ExchangePlan>)>,
}

/// One plan for everybody.
impl From<ExchangePlan> for ExchangePlans {
    fn from(plan: ExchangePlan) -> Self {
        Self::new().otherwise(plan)
    }
}

impl ExchangePlans {
    /// No plan yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a plan for some.
    pub fn when(mut self, selector: Selector, plan: ExchangePlan) -> Self {
        self.plans.push((selector, Arc::new(plan)));
        self
    }

    /// Adds a plan for subjects of an issuer.
    pub fn for_issuer(self, issuer: impl Into<String>, plan: ExchangePlan) -> Self {
        self.when(Selector::any().issuer(issuer), plan)
    }

    /// Adds a plan for everybody else.
    pub fn otherwise(self, plan: ExchangePlan) -> Self {
        self.when(Selector::any(), plan)
    }

    /// The plan for this caller.
    pub fn choose(&self, principal: &Principal) -> Option<&Arc<ExchangePlan>> {
        self.plans.iter().find(|(selector, _)| selector.fits(principal)).map(|(_, plan)| plan)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Selector, &Arc<ExchangePlan>)> {
        self.plans.iter().map(|(selector, plan)| (selector, plan))
    }
}
