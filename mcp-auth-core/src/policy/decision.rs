//! What was decided, and why.

use std::fmt;
use std::sync::Arc;

use super::levels::Level;

/// The outcome of policy sets, with the rule that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    verdict: Verdict,
    /// What few decisions have.
    more: Option<Box<More>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct More {
    dry_run: Option<Verdict>,
    step_up: Option<Vec<Box<str>>>,
}

/// One outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    allowed: bool,
    reason: DecisionReason,
    level: Option<Level>,
    /// Where set or rule have a name.
    names: Option<Arc<Names>>,
}

/// What an operator calls a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) set: Option<Arc<str>>,
    pub(super) rule: Option<Arc<str>>,
}

/// Why. Rules are counted from 0 in the order of their set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecisionReason {
    /// This `Allow` rule is true.
    AllowedBy(usize),
    /// No rule objects, and the set has no `Allow` rule.
    NothingObjects,
    /// The set has no rule, or there is no set.
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
    /// The rules allow it, and the token lacks a scope that is declared for the tool.
    MissingScope,
    /// The message's method is not one that rules can speak about.
    UnknownMethod,
    /// Nobody is authenticated, and rules over items do not judge what this is: a list, a stream, or a message of
    /// the protocol itself.
    NoPrincipal,
}

impl Decision {
    /// Denied without asking a rule: the method is unknown.
    pub const UNKNOWN_METHOD: Self = Self::of(Verdict::denied(DecisionReason::UnknownMethod));

    /// Denied without asking a rule: nobody is authenticated.
    pub const NO_PRINCIPAL: Self = Self::of(Verdict::denied(DecisionReason::NoPrincipal));

    pub(super) const fn of(verdict: Verdict) -> Self {
        Self { verdict, more: None }
    }

    /// Remembers what the outcome would be if all rules were enforced, where that is another.
    pub(super) fn with_dry_run(mut self, verdict: Verdict) -> Self {
        if verdict.allowed != self.verdict.allowed {
            self.more.get_or_insert_default().dry_run = Some(verdict);
        }
        self
    }

    pub(super) fn with_step_up(mut self, scopes: Vec<Box<str>>) -> Self {
        self.more.get_or_insert_default().step_up = Some(scopes);
        self
    }

    /// Whether the call may go on.
    pub const fn is_allowed(&self) -> bool {
        self.verdict.allowed
    }

    /// Why.
    pub const fn reason(&self) -> DecisionReason {
        self.verdict.reason
    }

    /// The outcome with the names of the rule that made it.
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// What the outcome would be if dry-run rules were enforced too; `None` where it would be the same.
    pub fn dry_run(&self) -> Option<&Verdict> {
        self.more.as_ref()?.dry_run.as_ref()
    }

    /// All scopes that the operation needs, where it is denied only because scopes are missing: the challenge is
    /// `insufficient_scope` with these (RFC 6750 §3.1, and MCP's step-up). `None` where another token of this caller
    /// would not help, and where nobody is authenticated.
    pub fn step_up(&self) -> Option<&[Box<str>]> {
        self.more.as_ref()?.step_up.as_deref()
    }
}

impl Verdict {
    pub(super) const fn new(allowed: bool, reason: DecisionReason) -> Self {
        Self { allowed, reason, level: None, names: None }
    }

    pub(super) const fn denied(reason: DecisionReason) -> Self {
        Self::new(false, reason)
    }

    pub(super) fn named(mut self, names: Option<Arc<Names>>) -> Self {
        self.names = names;
        self
    }

    pub(super) fn at(mut self, level: Option<Level>) -> Self {
        self.level = level;
        self
    }

    /// Whether it allows.
    pub const fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// Why.
    pub const fn reason(&self) -> DecisionReason {
        self.reason
    }

    /// The level of the set that decided, where sets have levels.
    pub const fn level(&self) -> Option<Level> {
        self.level
    }

    /// The name of the set that decided.
    pub fn set_name(&self) -> Option<&str> {
        self.names.as_ref()?.set.as_deref()
    }

    /// The name of the rule that decided.
    pub fn rule_name(&self) -> Option<&str> {
        self.names.as_ref()?.rule.as_deref()
    }
}

impl DecisionReason {
    /// The rule that decided, counted from 0 in the order of its set.
    pub const fn rule(self) -> Option<usize> {
        match self {
            Self::AllowedBy(i)
            | Self::DeniedBy(i)
            | Self::DenyFailed(i)
            | Self::RequireFalse(i)
            | Self::RequireFailed(i) => Some(i),
            Self::NothingObjects
            | Self::EmptySet
            | Self::NoAllow
            | Self::MissingScope
            | Self::UnknownMethod
            | Self::NoPrincipal => None,
        }
    }

    /// A stable word for logs and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AllowedBy(_) => "allowed_by",
            Self::NothingObjects => "nothing_objects",
            Self::EmptySet => "empty_set",
            Self::DeniedBy(_) => "denied_by",
            Self::DenyFailed(_) => "deny_failed",
            Self::RequireFalse(_) => "require_false",
            Self::RequireFailed(_) => "require_failed",
            Self::NoAllow => "no_allow",
            Self::MissingScope => "missing_scope",
            Self::UnknownMethod => "unknown_method",
            Self::NoPrincipal => "no_principal",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.verdict.fmt(f)?;
        match self.dry_run() {
            Some(verdict) => write!(f, "; with the dry-run rules {verdict}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Verdict {
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
            DecisionReason::MissingScope => f.write_str("denied: a scope that the tool needs is not granted"),
            DecisionReason::UnknownMethod => f.write_str("denied: unknown method"),
            DecisionReason::NoPrincipal => f.write_str("denied: nobody is authenticated"),
        }?;
        let mut mark = " (";
        let mut more = |f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>| {
            write!(f, "{}{text}", std::mem::replace(&mut mark, ", "))
        };
        if let Some(name) = self.rule_name() {
            more(f, format_args!("`{name}`"))?;
        }
        if let Some(set) = self.set_name() {
            more(f, format_args!("{set}"))?;
        }
        if let Some(level) = self.level {
            more(f, format_args!("{level}"))?;
        }
        f.write_str(if mark == ", " { ")" } else { "" })
    }
}
