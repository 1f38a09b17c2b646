//! One rule.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use super::context::{Context, Kind, environment};
use crate::cel::{CelError, Program};

/// What a true rule means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// One of them must be true.
    Allow,
    /// None may be true, and none may fail to evaluate.
    Deny,
    /// All must be true.
    Require,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Require => "require",
        })
    }
}

/// A compiled rule.
#[derive(Clone, Debug)]
pub struct Rule {
    effect: Effect,
    program: Program,
    /// The kinds of items that the expression reads; empty: it reads none in particular.
    kinds: Vec<Kind>,
    reads_headers: bool,
}

/// A rule that does not compile. `Display` shows the expression, the place and the reason.
#[derive(Clone, Debug)]
pub struct RuleError {
    source: String,
    error: CelError,
}

impl RuleError {
    /// What is wrong with the expression, with its position inside the expression.
    pub fn expression_error(&self) -> &CelError {
        &self.error
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule does not compile: {}\n{}", self.error, self.error.render(&self.source))
    }
}

impl std::error::Error for RuleError {}

impl Rule {
    /// Compiles an expression against the [`environment`].
    ///
    /// # Errors
    ///
    /// [`RuleError`] when the expression is malformed, reads what does not exist, or is not a predicate.
    pub fn compile(effect: Effect, expression: &str) -> Result<Self, RuleError> {
        let program = Program::compile_predicate(expression, &environment())
            .map_err(|error| RuleError { source: expression.to_owned(), error })?;
        let reads = |kind: &Kind| program.mentions().any(|path| path.starts_with(kind.path()));
        let kinds = Kind::ALL.into_iter().filter(reads).collect();
        let reads_headers = program.reads("request.headers");
        Ok(Self { effect, program, kinds, reads_headers })
    }

    /// What it means when the expression is true.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// The expression as it was written.
    pub fn expression(&self) -> &str {
        self.program.source()
    }

    /// Whether something at, below or above `path` (such as `request.headers`) is read.
    pub fn reads(&self, path: &str) -> bool {
        self.program.reads(path)
    }

    /// `None`: it fails.
    pub(super) fn evaluate(&self, context: &Context<'_>) -> Option<bool> {
        if !self.reads_headers {
            return self.program.evaluate_bool(context).ok();
        }
        let ambiguous = AtomicBool::new(false);
        let outcome = self.program.evaluate_bool(&context.noticing(&ambiguous)).ok();
        outcome.filter(|_| !ambiguous.load(Ordering::Relaxed))
    }

    /// Whether a `Deny` or `Require` speaks about this kind of item; `None` is a request without an item.
    pub(super) fn speaks_of(&self, kind: Option<Kind>) -> bool {
        self.kinds.is_empty() || kind.is_some_and(|kind| self.kinds.contains(&kind))
    }
}
