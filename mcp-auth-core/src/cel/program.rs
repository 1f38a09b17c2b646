//! A compiled expression.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::check;
use super::cost;
use super::environment::{DEFAULT_STEPS, Environment, Numbers};
use super::error::{CelError, CelErrorKind, EvalError, EvalErrorKind, Span};
use super::eval::{Machine, Truth};
use super::fast;
use super::op::{Op, OpKind};
use super::parser;
use super::partial::{self, Known, Nothing};
use super::references::{self, References};
use super::types::Type;
use super::value::Value;
use crate::json;

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

    /// The string that [`Environment::numbered_text`] gave this number. `None`, as long as it is not
    /// overridden, sends the expression the long way by names.
    fn text(&self, number: u32) -> Option<&str> {
        let _ = number;
        None
    }

    /// The same for [`Environment::numbered_object`].
    fn object(&self, number: u32) -> Option<json::Object<'_>> {
        let _ = number;
        None
    }
}

/// A compiled expression. Cheap to clone and to share, evaluated any number of times.
#[derive(Clone, Debug)]
pub struct Program(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    source: Arc<str>,
    root: Op,
    span: Span,
    result: Type,
    /// Of the expression as it is written, before constants were folded.
    references: References,
    warnings: Arc<[CelError]>,
    cost: u64,
    numbers: Arc<Numbers>,
}

/// A static member path that an expression reads, such as `mcp.tool.name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Box<[Arc<str>]>);

/// What is left of a predicate when some variables are known; see [`Program::partial`].
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "it is known or it is not")]
pub enum Partial {
    /// The outcome does not depend on anything else.
    Value(Result<bool, EvalError>),
    /// The rest, to be evaluated when the other variables are known.
    Residual(Program),
}

impl Program {
    /// Parses and checks `source` against the names and types of `environment`.
    ///
    /// # Errors
    ///
    /// [`CelError`] when the text is no expression, is beyond the limits, mentions unknown variables,
    /// functions or fields, compares what can never be equal, or may cost more than the environment allows.
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
        if program.0.result == Type::Bool || program.0.result.is_unknown() {
            return Ok(program);
        }
        let message = format!("result must be a boolean, this is {}", program.0.result);
        Err(CelError::new(CelErrorKind::NotBoolean, program.0.span, message, source))
    }

    /// Without the check: what it would refuse is an error of the evaluation, if it is reached. For programs
    /// that run the conformance tests of the language, which ask for it.
    ///
    /// # Errors
    ///
    /// [`CelError`] when the text is no expression or is beyond the limits.
    #[doc(hidden)]
    pub fn compile_unchecked(source: &str, environment: &Environment) -> Result<Self, CelError> {
        Self::build(source, environment, false)
    }

    fn build(source: &str, environment: &Environment, strict: bool) -> Result<Self, CelError> {
        let tree = parser::parse(source)?;
        let checked = check::check(&tree, source, environment, strict)?;
        let mut warnings = checked.warnings;
        let mut failures = Vec::new();
        let nothing = Known { variables: &Nothing, roots: &[], host: false };
        let mut root = partial::fold(&checked.root, &nothing, &mut failures);
        for (kind, span) in failures {
            let message = format!("this always fails: {}", EvalError::new(kind, span));
            warnings.push(CelError::new(CelErrorKind::AlwaysFails, span, message, source));
        }
        let (cost, worst) = cost::estimate(&root);
        if cost > environment.cost_limit() {
            let span = worst.map_or(root.span, |worst| worst.span);
            let message = format!(
                "expression may take {cost} steps, the limit is {}; a list or map of unknown size counts as {} items",
                environment.cost_limit(),
                cost::ASSUMED_ITEMS,
            );
            return Err(CelError::new(CelErrorKind::Cost, span, message, source));
        }
        fast::specialize(&mut root, environment.numbers());
        Ok(Self(Arc::new(Compiled {
            source: source.into(),
            span: checked.root.span,
            references: references::references(&checked.root),
            root,
            result: checked.result,
            warnings: warnings.into(),
            cost,
            numbers: Arc::clone(environment.numbers()),
        })))
    }

    /// The text this was compiled from.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The type of its value, as far as it is known at load.
    pub fn result_type(&self) -> &Type {
        &self.0.result
    }

    /// What is allowed and probably not meant: a field that is nearly written like a known one, a part that
    /// always fails.
    pub fn warnings(&self) -> &[CelError] {
        &self.0.warnings
    }

    /// An upper bound for the steps of an evaluation, where lists and maps whose size is not known at load
    /// have at most 100 items.
    pub fn cost(&self) -> u64 {
        self.0.cost
    }

    /// The outcome, when it is known at load that it is always the same, error or not.
    pub fn constant(&self) -> Option<Result<bool, EvalError>> {
        match &self.0.root.kind {
            OpKind::Const(_) | OpKind::Fail(..) => Some(self.evaluate_bool(&Nothing)),
            _ => None,
        }
    }

    // === what it reads ===

    /// The static member paths that are read, without duplicates, in order. Where a path goes on in a way
    /// known only at evaluation (`mcp[jwt.kind]`), the known beginning is given (`mcp`). For a function of
    /// the caller, the variables it was declared to depend on.
    pub fn mentions(&self) -> impl Iterator<Item = &Path> {
        self.0.references.paths.iter()
    }

    /// Whether anything at, below or above `path` (such as `mcp.tool`) is read. Above counts, because
    /// reading `mcp` as a whole reads `mcp.tool`.
    pub fn reads(&self, path: &str) -> bool {
        self.0.references.paths.iter().any(|p| p.segments().zip(path.split('.')).all(|(a, b)| a == b))
    }

    /// The literals that the function `name`, declared by the caller, is called with as its only argument. Calls with
    /// anything else are not among them.
    pub fn literal_arguments(&self, name: &str) -> BTreeSet<&str> {
        references::literal_arguments(&self.0.root, name)
    }

    /// Whether no other variables than `roots` matter, functions of the caller included.
    pub fn depends_only_on(&self, roots: &[&str]) -> bool {
        !self.0.references.unknown && self.0.references.paths.iter().all(|path| roots.contains(&path.root()))
    }

    /// The strings that `path` must be one of: where `path` (such as `mcp.tool.name`) is any other string, the
    /// expression is false, and does not fail. `None` where nothing can be said.
    pub fn admitted(&self, path: &str) -> Option<BTreeSet<&str>> {
        references::outside(&self.0.root, path, false)
    }

    /// The strings that are exceptions at `path`: where it is any other string, the expression is true, and does not
    /// fail. `None` where nothing can be said.
    pub fn excepted(&self, path: &str) -> Option<BTreeSet<&str>> {
        references::outside(&self.0.root, path, true)
    }

    // === evaluation ===

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
        Machine::new(variables, steps).eval(&self.0.root, None).map_err(EvalError::from)
    }

    /// Evaluates a predicate within [`DEFAULT_STEPS`].
    ///
    /// # Errors
    ///
    /// As [`evaluate`](Self::evaluate); [`EvalErrorKind::NotBoolean`] when the value is no boolean.
    pub fn evaluate_bool(&self, variables: &dyn Variables) -> Result<bool, EvalError> {
        let machine = Machine::new(variables, DEFAULT_STEPS);
        match machine.test(&self.0.root, None) {
            Truth::Yes => Ok(true),
            Truth::No => Ok(false),
            Truth::Failed => self.failed(&machine, variables),
        }
    }

    /// Why there is no boolean. What may be of another type is evaluated again, to tell that from an operator that
    /// does not take its operands.
    #[cold]
    fn failed(&self, machine: &Machine<'_>, variables: &dyn Variables) -> Result<bool, EvalError> {
        let root = &self.0.root;
        if root.is_test() {
            return Err(machine.failed(root.span).into());
        }
        match self.evaluate(variables)? {
            Value::Bool(b) => Ok(b),
            _ => Err(EvalError::new(EvalErrorKind::NotBoolean, root.span)),
        }
    }

    /// Evaluates everything that depends on nothing but the variables `roots`, which `known` gives.
    ///
    /// Evaluating the residual with all variables has the outcome that evaluating the whole has: the same
    /// value, or an error where the whole has one.
    ///
    /// ```
    /// use mcp_auth_core::cel::{Environment, Partial, Program, Type, Value};
    /// use mcp_auth_core::json::{Document, Limits};
    ///
    /// let environment = Environment::new().variable("jwt", Type::Dyn).variable("tool", Type::String);
    /// let rule = r#"jwt.sub == "alice" || tool != "write_record""#;
    /// let rule = Program::compile_predicate(rule, &environment)?;
    ///
    /// let alice = Document::parse(br#"{"sub":"alice"}"#, &Limits::default())?;
    /// let known = [("jwt", Value::from(alice.root()))];
    /// assert!(matches!(rule.partial(&known, &["jwt"]), Partial::Value(Ok(true))));
    ///
    /// let bob = Document::parse(br#"{"sub":"bob"}"#, &Limits::default())?;
    /// let known = [("jwt", Value::from(bob.root()))];
    /// let Partial::Residual(rest) = rule.partial(&known, &["jwt"]) else { unreachable!() };
    /// assert!(rest.depends_only_on(&["tool"]));
    /// assert_eq!(rest.evaluate_bool(&[("tool", "read_record".into())]), Ok(true));
    /// assert_eq!(rest.evaluate_bool(&[("tool", "write_record".into())]), Ok(false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn partial(&self, known: &dyn Variables, roots: &[&str]) -> Partial {
        let known = Known { variables: known, roots, host: true };
        let mut root = partial::fold(&self.0.root, &known, &mut Vec::new());
        fast::specialize(&mut root, &self.0.numbers);
        let residual = self.with_root(root, self.0.span);
        match residual.constant() {
            Some(outcome) => Partial::Value(outcome),
            None => Partial::Residual(residual),
        }
    }

    pub(super) fn root(&self) -> &Op {
        &self.0.root
    }

    /// A program of the same source and environment that does something else.
    pub(super) fn with_root(&self, root: Op, span: Span) -> Self {
        Self(Arc::new(Compiled {
            source: Arc::clone(&self.0.source),
            span,
            references: references::references(&root),
            root,
            result: self.0.result.clone(),
            warnings: Arc::clone(&self.0.warnings),
            cost: self.0.cost,
            numbers: Arc::clone(&self.0.numbers),
        }))
    }

    /// About how many bytes of memory this program holds, its source not counted.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Compiled>() + self.0.root.memory_bytes()
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
