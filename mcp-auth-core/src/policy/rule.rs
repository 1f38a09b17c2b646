//! One rule.

use std::fmt;
use std::sync::Arc;

use super::block::{Join, MatchBlock};
use super::context::environment;
use super::item::{Kind, Kinds};
use crate::cel::{CelError, EvalError, EvalErrorKind, Program, Variables};

/// What a true rule means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    join: Join,
    name: Option<Arc<str>>,
    dry_run: bool,
    expressions: Box<[Expression]>,
}

#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub(super) program: Program,
    /// The kinds of items that it reads; none: none in particular.
    pub(super) kinds: Kinds,
    /// Whether it reads `mcp` in a way that is known at evaluation only, so that it may read any kind.
    pub(super) any_kind: bool,
}

/// What evaluating a rule or a part of one came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    Failed,
    /// It turns on what is not known yet, such as the arguments of a call that nobody has made.
    Waits,
    /// A limit was exceeded, which nothing absorbs.
    Exceeded,
}

/// A rule that cannot be used. `Display` shows the expression, the place and the reason.
#[derive(Clone, Debug)]
pub struct RuleError {
    kind: RuleErrorKind,
}

/// Why a rule cannot be used.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RuleErrorKind {
    /// An expression does not compile.
    Expression {
        /// Its place in the block, counted from 0.
        index: usize,
        /// Its text.
        source: String,
        /// What is wrong with it, with the position inside of it.
        error: CelError,
    },
    /// A block without expressions.
    EmptyBlock,
    /// A Deny block of several expressions that does not say how they are joined.
    UnclearBlock,
}

impl RuleError {
    /// Why.
    pub fn kind(&self) -> &RuleErrorKind {
        &self.kind
    }
}

impl From<RuleErrorKind> for RuleError {
    fn from(kind: RuleErrorKind) -> Self {
        Self { kind }
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            RuleErrorKind::Expression { source, error, .. } => {
                write!(f, "rule does not compile: {error}\n{}", error.render(source))
            }
            RuleErrorKind::EmptyBlock => f.write_str("a rule needs at least one expression"),
            RuleErrorKind::UnclearBlock => f.write_str(
                "a deny rule of several expressions needs `match: any` (deny when one is true) or `match: all` (deny \
                 when all are true)",
            ),
        }
    }
}

impl std::error::Error for RuleError {}

impl Rule {
    /// Compiles the expressions of a block, or of a single text, against the [`environment`].
    ///
    /// # Errors
    ///
    /// [`RuleError`] when an expression is malformed, reads what does not exist, or is not a predicate, when there
    /// is none, and when there are several under [`Effect::Deny`] and how they are joined is not said.
    pub fn compile(effect: Effect, block: impl Into<MatchBlock>) -> Result<Self, RuleError> {
        let block = block.into();
        let join = match (block.join, effect, block.expressions.len()) {
            (_, _, 0) => return Err(RuleErrorKind::EmptyBlock.into()),
            (Some(join), ..) => join,
            (None, Effect::Deny, 2..) => return Err(RuleErrorKind::UnclearBlock.into()),
            (None, ..) => Join::All,
        };
        let environment = environment();
        let compile = |(index, source): (usize, String)| {
            let program = Program::compile_predicate(&source, &environment);
            let program = program.map_err(|error| RuleErrorKind::Expression { index, source, error })?;
            let reads = |kind: &Kind| program.mentions().any(|path| path.starts_with(kind.path()));
            let kinds = Kind::ALL.into_iter().filter(reads).collect();
            let any_kind = program.mentions().any(|path| path.segments().eq(["mcp"]));
            Ok(Expression { program, kinds, any_kind })
        };
        let expressions = block.expressions.into_iter().enumerate().map(compile);
        let expressions = expressions.collect::<Result<_, RuleErrorKind>>()?;
        Ok(Self { effect, join, name: block.name.map(Into::into), dry_run: block.dry_run, expressions })
    }

    /// What it means when the rule is true.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// How its expressions are joined.
    pub fn join(&self) -> Join {
        self.join
    }

    /// Its name, where it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether it is evaluated and recorded only.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// The expressions as they were written.
    pub fn expressions(&self) -> impl ExactSizeIterator<Item = &str> {
        self.expressions.iter().map(|e| e.program.source())
    }

    /// An upper bound for the steps of an evaluation; see [`Program::cost`].
    pub fn cost(&self) -> u64 {
        self.expressions.iter().fold(0, |sum: u64, e| sum.saturating_add(e.program.cost()))
    }

    /// Whether something at, below or above `path` (such as `request.headers`) is read.
    pub fn reads(&self, path: &str) -> bool {
        self.expressions.iter().any(|e| e.program.reads(path))
    }

    /// As [`Program::literal_arguments`].
    pub(super) fn literal_arguments(&self, function: &str) -> impl Iterator<Item = &str> {
        self.expressions.iter().flat_map(move |e| e.program.literal_arguments(function))
    }

    pub(super) fn parts(&self) -> &[Expression] {
        &self.expressions
    }

    /// Whether its expressions decide one by one: what is denied by one of several, or required of all.
    pub(super) fn is_list(&self) -> bool {
        matches!((self.effect, self.join), (Effect::Require, Join::All) | (Effect::Deny, Join::Any))
    }
}

impl Truth {
    #[inline]
    pub(super) fn of(outcome: &Result<bool, EvalError>) -> Self {
        match outcome {
            Ok(true) => Self::Yes,
            Ok(false) => Self::No,
            Err(e) if matches!(e.kind(), EvalErrorKind::BudgetExceeded | EvalErrorKind::OutputTooLarge) => {
                Self::Exceeded
            }
            Err(e) if e.kind() == EvalErrorKind::NotKnownYet => Self::Waits,
            Err(_) => Self::Failed,
        }
    }

    /// `&&` and `||` of the language: one decisive operand decides, whatever the others are, limits excepted.
    pub(super) fn join(join: Join, operands: impl Iterator<Item = Self>) -> Self {
        let (decisive, otherwise) = match join {
            Join::All => (Self::No, Self::Yes),
            Join::Any => (Self::Yes, Self::No),
        };
        let mut truth = otherwise;
        for operand in operands {
            match operand {
                operand if operand == decisive || operand == Self::Exceeded => return operand,
                Self::Waits => truth = Self::Waits,
                Self::Failed if truth != Self::Waits => truth = Self::Failed,
                _ => {}
            }
        }
        truth
    }
}

/// Evaluates expressions joined by `join`.
#[inline]
pub(super) fn evaluate(join: Join, expressions: &[Expression], variables: &dyn Variables) -> Truth {
    let one = |e: &Expression| Truth::of(&e.program.evaluate_bool(variables));
    match expressions {
        [only] => one(only),
        several => Truth::join(join, several.iter().map(one)),
    }
}
