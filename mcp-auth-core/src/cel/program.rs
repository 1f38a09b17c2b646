//! A compiled expression: names and functions resolved, constants folded, patterns compiled.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use regex::Regex;

use super::ast::{BinaryOp, MacroKind};
use super::check;
use super::error::{CelError, CelErrorKind, EvalError, EvalErrorKind, Span};
use super::eval::Machine;
use super::functions::Function;
use super::parser;
use super::types::{Environment, Type};
use super::value::Value;

/// Steps an evaluation may take unless the caller says otherwise. A step is a node, an item looked at, or
/// about 64 bytes of text read or made.
pub const DEFAULT_STEPS: u64 = 100_000;

/// Where a program finds its variables, and functions declared in the [`Environment`].
pub trait Variables {
    /// The variable `name`; `None` is an error where the expression needs it.
    fn get(&self, name: &str) -> Option<Value<'_>>;

    /// Evaluates a function declared with [`Environment::function`]; `None` is an error. Gives `None` unless
    /// overridden.
    fn call<'a>(&'a self, name: &str, args: &[Value<'a>]) -> Option<Value<'a>> {
        let _ = (name, args);
        None
    }
}

/// A compiled expression. Cheap to share behind an `Arc`, evaluated any number of times.
#[derive(Clone, Debug)]
pub struct Program {
    source: Box<str>,
    root: Op,
    result: Type,
    mentions: BTreeSet<Path>,
}

/// A static member path that an expression reads, such as `mcp.tool.name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Box<[Arc<str>]>);

impl Program {
    /// Parses and checks `source` against the names and types of `environment`.
    ///
    /// # Errors
    ///
    /// [`CelError`] when the text is no expression, is beyond the limits, mentions unknown variables,
    /// functions or fields, or can only fail.
    pub fn compile(source: &str, environment: &Environment) -> Result<Self, CelError> {
        Self::build(source, environment, true)
    }

    /// Like [`compile`](Self::compile), for an expression that must give a boolean.
    ///
    /// # Errors
    ///
    /// As [`compile`](Self::compile), and when the result is known to be no boolean.
    pub fn compile_predicate(source: &str, environment: &Environment) -> Result<Self, CelError> {
        let program = Self::compile(source, environment)?;
        if program.result.may_be(&Type::Bool) {
            return Ok(program);
        }
        let message = format!("result must be a boolean, this is {}", program.result);
        Err(CelError::new(CelErrorKind::NotBoolean, program.root.span, message, source))
    }

    /// Without the check: what it would refuse is an error of the evaluation, if it is reached.
    #[cfg(test)]
    pub(super) fn compile_unchecked(source: &str, environment: &Environment) -> Result<Self, CelError> {
        Self::build(source, environment, false)
    }

    fn build(source: &str, environment: &Environment, strict: bool) -> Result<Self, CelError> {
        let tree = parser::parse(source)?;
        let checked = check::check(&tree, source, environment, strict)?;
        Ok(Self {
            source: source.into(),
            root: checked.root,
            result: checked.result,
            mentions: checked.mentions,
        })
    }

    /// The text this was compiled from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The type of the result as far as it is known at load.
    pub fn result_type(&self) -> &Type {
        &self.result
    }

    /// The static member paths that are read, without duplicates, in order. Where a path goes on in a way
    /// known only at evaluation (`mcp[jwt.kind]`), the known beginning is given (`mcp`).
    pub fn mentions(&self) -> impl Iterator<Item = &Path> {
        self.mentions.iter()
    }

    /// Whether anything at, below or above `path` (such as `mcp.tool`) is read. Above counts, because
    /// reading `mcp` as a whole reads `mcp.tool`.
    pub fn reads(&self, path: &str) -> bool {
        self.mentions.iter().any(|p| p.segments().zip(path.split('.')).all(|(a, b)| a == b))
    }

    /// Evaluates within [`DEFAULT_STEPS`].
    ///
    /// # Errors
    ///
    /// [`EvalError`] when the expression has no value for these variables.
    pub fn evaluate<'a>(&'a self, variables: &'a dyn Variables) -> Result<Value<'a>, EvalError> {
        self.evaluate_within(variables, DEFAULT_STEPS)
    }

    /// Evaluates within a number of steps.
    ///
    /// # Errors
    ///
    /// As [`evaluate`](Self::evaluate); [`EvalErrorKind::BudgetExceeded`] past `steps`.
    pub fn evaluate_within<'a>(
        &'a self,
        variables: &'a dyn Variables,
        steps: u64,
    ) -> Result<Value<'a>, EvalError> {
        Machine::new(variables, steps).eval(&self.root, None)
    }

    /// Evaluates a predicate within [`DEFAULT_STEPS`].
    ///
    /// # Errors
    ///
    /// As [`evaluate`](Self::evaluate); [`EvalErrorKind::NotBoolean`] when the value is no boolean.
    pub fn evaluate_bool(&self, variables: &dyn Variables) -> Result<bool, EvalError> {
        match self.evaluate(variables)? {
            Value::Bool(b) => Ok(b),
            _ => Err(EvalError::new(EvalErrorKind::NotBoolean, self.root.span)),
        }
    }
}

impl Path {
    pub(super) fn new(segments: Vec<Arc<str>>) -> Self {
        Self(segments.into())
    }

    /// The names along the path, the variable first.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// The variable.
    pub fn root(&self) -> &str {
        self.0.first().map_or("", AsRef::as_ref)
    }

    /// Whether this is `path` or below it: `mcp.tool.name` is below `mcp.tool` and not below `mcp.to`.
    pub fn starts_with(&self, path: &str) -> bool {
        let mut own = self.segments();
        path.split('.').all(|segment| own.next() == Some(segment))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.segments().enumerate() {
            f.write_str(if i > 0 { "." } else { "" })?;
            f.write_str(segment)?;
        }
        Ok(())
    }
}

/// A few variables by name, for tests and examples.
impl<const N: usize> Variables for [(&str, Value<'_>); N] {
    fn get(&self, name: &str) -> Option<Value<'_>> {
        self.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone())
    }
}

// === what the evaluator walks ===

#[derive(Clone, Debug)]
pub(super) struct Op {
    pub(super) kind: OpKind,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
pub(super) enum OpKind {
    Const(Value<'static>),
    Variable(Arc<str>),
    /// A macro's variable, counted from the innermost.
    Local(usize),
    /// Something that only an unchecked program may contain.
    Fail(EvalErrorKind, Arc<str>),
    Path {
        base: Box<Op>,
        steps: Box<[Step]>,
    },
    List(Box<[Op]>),
    Map(Box<[(Op, Op)]>),
    Not {
        operand: Box<Op>,
        odd: bool,
    },
    Negate {
        operand: Box<Op>,
        odd: bool,
    },
    /// `||` when `decisive` is true, `&&` when it is false.
    Logic {
        operands: Box<[Op]>,
        decisive: bool,
    },
    Chain {
        first: Box<Op>,
        rest: Box<[(BinaryOp, Op)]>,
    },
    Conditional {
        arms: Box<[(Op, Op)]>,
        otherwise: Box<Op>,
    },
    Call(Call),
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) kind: StepKind,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
pub(super) enum StepKind {
    Field(Arc<str>),
    Has(Arc<str>),
    Index(Op),
    /// A method; what the path has reached is its first argument.
    Call(Call),
    Macro(Box<Comprehension>),
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) callee: Callee,
    pub(super) args: Box<[Op]>,
}

#[derive(Clone, Debug)]
pub(super) enum Callee {
    Function(Function),
    /// `matches` with a literal pattern.
    Pattern(Regex),
    Host(Arc<str>),
    /// Unchecked programs only.
    Unknown(Arc<str>),
}

#[derive(Clone, Debug)]
pub(super) struct Comprehension {
    pub(super) kind: MacroKind,
    /// Two variables: index and item, or key and value.
    pub(super) two: bool,
    pub(super) condition: Option<Op>,
    pub(super) result: Option<Op>,
}
