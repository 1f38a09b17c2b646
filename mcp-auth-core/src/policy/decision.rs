//! What was decided, and why.

use std::fmt;

/// The outcome of a policy set, with the rule that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    pub(super) allowed: bool,
    pub(super) reason: DecisionReason,
}

/// Why. Rules are counted from 0 in the order of the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecisionReason {
    /// This `Allow` rule is true.
    AllowedBy(usize),
    /// No rule objects, and the set has no `Allow` rule.
    NothingObjects,
    /// The set has no rule.
    EmptySet,
    /// This `Deny` rule is true.
    DeniedBy(usize),
    /// This `Deny` rule could not be evaluated.
    DenyFailed(usize),
    /// This `Require` rule is false.
    RequireFalse(usize),
    /// This `Require` rule could not be evaluated.
    RequireFailed(usize),
    /// The set has `Allow` rules and none is true.
    NoAllow,
    /// The message's method is not one that rules can speak about.
    UnknownMethod,
    /// Nobody is authenticated, and rules over items do not judge what this is: a list, a stream, or a message of
    /// the protocol itself.
    NoPrincipal,
}

impl Decision {
    /// Denied without asking a rule: the method is unknown.
    pub const UNKNOWN_METHOD: Self = Self { allowed: false, reason: DecisionReason::UnknownMethod };

    /// Denied without asking a rule: nobody is authenticated.
    pub const NO_PRINCIPAL: Self = Self { allowed: false, reason: DecisionReason::NoPrincipal };

    /// Whether the call may go on.
    pub const fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// Why.
    pub const fn reason(&self) -> DecisionReason {
        self.reason
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            DecisionReason::AllowedBy(i) => write!(f, "allowed by rule {i}"),
            DecisionReason::NothingObjects => f.write_str("allowed: no rule objects"),
            DecisionReason::EmptySet => f.write_str("denied: the policy has no rule"),
            DecisionReason::DeniedBy(i) => write!(f, "denied by rule {i}"),
            DecisionReason::DenyFailed(i) => write!(f, "denied: deny rule {i} could not be evaluated"),
            DecisionReason::RequireFalse(i) => write!(f, "denied: rule {i} is required and false"),
            DecisionReason::RequireFailed(i) => {
                write!(f, "denied: rule {i} is required and could not be evaluated")
            }
            DecisionReason::NoAllow => f.write_str("denied: no allow rule is true"),
            DecisionReason::UnknownMethod => f.write_str("denied: unknown method"),
            DecisionReason::NoPrincipal => f.write_str("denied: nobody is authenticated"),
        }
    }
}
