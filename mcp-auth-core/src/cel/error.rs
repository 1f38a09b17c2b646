//! Errors: at load ([`CelError`], for whoever writes policies) and at evaluation ([`EvalError`]).

use std::fmt;
use std::sync::Arc;

/// A range of bytes in an expression's source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        // INVARIANT: sources are at most `MAX_SOURCE_BYTES` long, far below `u32::MAX`.
        let clip = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { start: clip(start), end: clip(end) }
    }

    pub(super) fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }

    /// Offset of the first byte.
    pub fn start(self) -> usize {
        self.start as usize
    }

    /// Offset after the last byte.
    pub fn end(self) -> usize {
        self.end as usize
    }
}

/// Why an expression was refused at load.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct CelError {
    kind: CelErrorKind,
    message: String,
    span: Span,
    line: usize,
    column: usize,
}

/// The kind of a [`CelError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CelErrorKind {
    /// The text is not an expression.
    Syntax,
    /// The text is longer, deeper or has more parts than the limits allow.
    Limit,
    /// Valid in the language, not supported here.
    Unsupported,
    /// A variable that is not declared.
    UnknownVariable,
    /// A function that does not exist.
    UnknownFunction,
    /// A field that a declared structure does not have.
    UnknownField,
    /// A function called with too few or too many arguments.
    ArgumentCount,
    /// An operator or a function applied to a type it does not take.
    Type,
    /// A comparison that can never be true.
    NeverEqual,
    /// A predicate whose result is no boolean.
    NotBoolean,
    /// A map that repeats a key.
    DuplicateKey,
    /// A regular expression that is malformed or too large.
    Pattern,
    /// An expression whose evaluation may take more steps than allowed.
    Cost,
    /// An expression, or a part of one, that fails whatever the variables are.
    AlwaysFails,
}

impl CelError {
    pub(super) fn new(kind: CelErrorKind, span: Span, message: String, source: &str) -> Self {
        let before = source.get(..span.start()).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { kind, message, span, line, column }
    }

    /// The kind of this error.
    pub fn kind(&self) -> CelErrorKind {
        self.kind
    }

    /// The message without its position.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The part of the source that is at fault.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Column in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The message, the line of `source` it is about, and a caret under the fault.
    pub fn render(&self, source: &str) -> String {
        render(&self.to_string(), self.line, self.column, self.span, source)
    }
}

/// Why an evaluation gave no value. Holds no claim values: a kind, a name from the expression, a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvalError {
    kind: EvalErrorKind,
    span: Span,
    name: Option<Arc<str>>,
}

/// The kind of an [`EvalError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EvalErrorKind {
    /// A variable that the caller did not give.
    UnknownVariable,
    /// A function that does not exist, or that the caller declared and did not give.
    UnknownFunction,
    /// A map or structure without the selected key.
    NoSuchKey,
    /// An operator or function applied to types it does not take.
    NoSuchOverload,
    /// Division or modulus by zero.
    DivisionByZero,
    /// A result beyond the range of its type.
    Overflow,
    /// An index outside a list or string, or no integer.
    IndexOutOfRange,
    /// A conversion of a value that has no counterpart in the other type.
    InvalidConversion,
    /// A map built with the same key twice.
    DuplicateKey,
    /// A map key that is neither boolean, integer nor string.
    UnsupportedKey,
    /// A regular expression that is malformed or too large.
    InvalidPattern,
    /// A `format` with an unknown clause or too few arguments.
    InvalidFormat,
    /// An argument outside of what the function is defined for.
    InvalidArgument,
    /// The value of an optional that is absent.
    NoValue,
    /// More steps than the budget allows.
    BudgetExceeded,
    /// A string or list made by the expression is too large.
    OutputTooLarge,
    /// A predicate whose value is no boolean.
    NotBoolean,
    /// A field with several values, or with one that does not have one reading.
    Ambiguous,
    /// A field that will be known later. Wins over other errors where errors are joined by `||`, `&&` and macros.
    NotKnownYet,
}

impl EvalError {
    pub(super) fn new(kind: EvalErrorKind, span: Span) -> Self {
        Self { kind, span, name: None }
    }

    pub(super) fn named(kind: EvalErrorKind, span: Span, name: &Arc<str>) -> Self {
        Self { kind, span, name: Some(Arc::clone(name)) }
    }

    /// The kind of this error.
    pub fn kind(&self) -> EvalErrorKind {
        self.kind
    }

    /// The part of the source whose evaluation failed.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The variable, function or field that is missing, as the expression writes it.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The message, the line of `source` it is about, and a caret under the fault.
    pub fn render(&self, source: &str) -> String {
        let before = source.get(..self.span.start()).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        render(&format!("{line}:{column}: {self}"), line, column, self.span, source)
    }
}

impl EvalErrorKind {
    /// A stable code for logs and metrics.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownVariable => "unknown_variable",
            Self::UnknownFunction => "unknown_function",
            Self::NoSuchKey => "no_such_key",
            Self::NoSuchOverload => "no_such_overload",
            Self::DivisionByZero => "division_by_zero",
            Self::Overflow => "overflow",
            Self::IndexOutOfRange => "index_out_of_range",
            Self::InvalidConversion => "invalid_conversion",
            Self::DuplicateKey => "duplicate_key",
            Self::UnsupportedKey => "unsupported_key",
            Self::InvalidPattern => "invalid_pattern",
            Self::InvalidFormat => "invalid_format",
            Self::InvalidArgument => "invalid_argument",
            Self::NoValue => "no_value",
            Self::BudgetExceeded => "budget_exceeded",
            Self::OutputTooLarge => "output_too_large",
            Self::NotBoolean => "not_boolean",
            Self::Ambiguous => "ambiguous",
            Self::NotKnownYet => "not_known_yet",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::UnknownVariable => "no such variable",
            Self::UnknownFunction => "no such function",
            Self::NoSuchKey => "no such key",
            Self::NoSuchOverload => "operation not defined for these types",
            Self::DivisionByZero => "division by zero",
            Self::Overflow => "number out of range",
            Self::IndexOutOfRange => "index out of range",
            Self::InvalidConversion => "value cannot be converted",
            Self::DuplicateKey => "map repeats a key",
            Self::UnsupportedKey => "map key must be a boolean, an integer or a string",
            Self::InvalidFormat => "format has an unknown clause or too few arguments",
            Self::InvalidArgument => "argument is outside of what the function takes",
            Self::NoValue => "optional value is absent",
            Self::InvalidPattern => "regular expression is malformed or too large",
            Self::BudgetExceeded => "evaluation took too many steps",
            Self::OutputTooLarge => "result is too large",
            Self::NotBoolean => "result is not a boolean",
            Self::Ambiguous => "ambiguous value",
            Self::NotKnownYet => "value not known yet",
        }
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.text())?;
        match &self.name {
            Some(name) => write!(f, " `{name}`"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for EvalError {}

fn render(message: &str, line: usize, column: usize, span: Span, source: &str) -> String {
    let text = source.lines().nth(line - 1).unwrap_or_default();
    let marked = source.get(span.start()..span.end()).unwrap_or_default();
    let width = marked.lines().next().unwrap_or_default().chars().count().max(1);
    let margin = line.to_string();
    format!(
        "{message}\n{margin} | {text}\n{:pad$} | {:lead$}{:^<width$}",
        "",
        "",
        "",
        pad = margin.len(),
        lead = column.saturating_sub(1),
    )
}

/// The candidate nearest to `name`, when it is near enough to be what was meant.
pub(super) fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    candidates
        .filter(|c| *c != name)
        .map(|c| (edit_distance(name, c), c))
        .filter(|(d, _)| *d <= allowed)
        .min()
        .map(|(_, c)| c)
}

/// Number of insertions, deletions, replacements and swaps of neighbours (ASCII case is free).
fn edit_distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().map(|c| c.to_ascii_lowercase()).take(64).collect();
    let b: Vec<char> = b.chars().map(|c| c.to_ascii_lowercase()).take(64).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |r: &[usize], k: usize| r.get(k).copied().unwrap_or(usize::MAX - 1);
            let mut best =
                (at(&above, j) + usize::from(x != y)).min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(0)
}
