//! A set of rules.

use super::context::Context;
use super::decision::{Decision, DecisionReason as Why};
use super::rule::{Effect, Rule, RuleError};

/// Rules that are judged together; see the [module page](crate::policy) for how.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    rules: Vec<Rule>,
}

/// Collects rules.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct PolicySetBuilder {
    rules: Vec<Rule>,
}

impl PolicySet {
    /// Starts a set.
    pub fn builder() -> PolicySetBuilder {
        PolicySetBuilder::default()
    }

    /// The rules in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether a rule reads something at, below or above `path`, such as `request.headers`. What no rule reads
    /// need not be given to the [`Context`].
    pub fn reads(&self, path: &str) -> bool {
        self.rules.iter().any(|rule| rule.reads(path))
    }

    /// Takes the decision.
    pub fn decide(&self, context: &Context<'_>) -> Decision {
        let denied = |reason| Decision { allowed: false, reason };
        if self.rules.is_empty() {
            return denied(Why::EmptySet);
        }
        let kind = context.item_kind();
        let of = |effect| self.rules.iter().enumerate().filter(move |(_, rule)| rule.effect() == effect);
        for (i, rule) in of(Effect::Deny).filter(|(_, rule)| rule.speaks_of(kind)) {
            match rule.evaluate(context) {
                Some(false) => {}
                Some(true) => return denied(Why::DeniedBy(i)),
                None => return denied(Why::DenyFailed(i)),
            }
        }
        for (i, rule) in of(Effect::Require).filter(|(_, rule)| rule.speaks_of(kind)) {
            match rule.evaluate(context) {
                Some(true) => {}
                Some(false) => return denied(Why::RequireFalse(i)),
                None => return denied(Why::RequireFailed(i)),
            }
        }
        let mut any_allow = false;
        for (i, rule) in of(Effect::Allow) {
            any_allow = true;
            if rule.evaluate(context) == Some(true) {
                return Decision { allowed: true, reason: Why::AllowedBy(i) };
            }
        }
        if any_allow { denied(Why::NoAllow) } else { Decision { allowed: true, reason: Why::NothingObjects } }
    }
}

impl PolicySetBuilder {
    /// Adds an `Allow` rule.
    ///
    /// # Errors
    ///
    /// [`RuleError`] when the expression does not compile.
    pub fn allow(self, expression: &str) -> Result<Self, RuleError> {
        self.rule(Effect::Allow, expression)
    }

    /// Adds a `Deny` rule.
    ///
    /// # Errors
    ///
    /// [`RuleError`] when the expression does not compile.
    pub fn deny(self, expression: &str) -> Result<Self, RuleError> {
        self.rule(Effect::Deny, expression)
    }

    /// Adds a `Require` rule.
    ///
    /// # Errors
    ///
    /// [`RuleError`] when the expression does not compile.
    pub fn require(self, expression: &str) -> Result<Self, RuleError> {
        self.rule(Effect::Require, expression)
    }

    /// Adds a rule of any effect.
    ///
    /// # Errors
    ///
    /// [`RuleError`] when the expression does not compile.
    pub fn rule(mut self, effect: Effect, expression: &str) -> Result<Self, RuleError> {
        self.rules.push(Rule::compile(effect, expression)?);
        Ok(self)
    }

    /// The set.
    pub fn build(self) -> PolicySet {
        PolicySet { rules: self.rules }
    }
}
