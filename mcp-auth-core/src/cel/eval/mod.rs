//! The evaluator: walks a program over borrowed values within a budget of steps.
//!
//! Straight code is bounded by the size of the expression, so that only rounds of macros and the sizes of what
//! is looked at count as steps.

mod comprehension;
mod operators;
mod path;

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use super::error::{EvalError, EvalErrorKind, Span};
use super::functions::{Function, MAX_ARGUMENTS};
use super::op::{Call, Callee, Entry, Item, Op, OpKind};
use super::program::Variables;
use super::value::{Unreadable, Value, same_key};

/// Price of compiling a regular expression that is not a literal.
pub(super) const PATTERN_STEPS: u64 = 5_000;
/// Price of a function of the caller, which mostly looks through a list of claims.
pub(super) const HOST_STEPS: u64 = 16;
/// Bytes of text that cost one step.
const BYTES_PER_STEP: u64 = 64;

type Outcome<'a> = Result<Value<'a>, Failure<'a>>;

/// Why an operation has no value. Borrows from the program, so that failing costs nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure<'a> {
    kind: EvalErrorKind,
    span: Span,
    name: Option<&'a Arc<str>>,
}

/// The outcome of an operation that must give a boolean. After `Failed` the machine holds the failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    Failed,
}

/// One evaluation.
pub(super) struct Machine<'a> {
    variables: &'a dyn Variables,
    left: Cell<u64>,
    failure: Cell<Option<Failure<'a>>>,
}

/// The names bound by the macros around, on the stack of the evaluation.
pub(super) struct Scope<'s, 'a> {
    slots: &'s [Slot<'a>],
    outer: Option<&'s Scope<'s, 'a>>,
}

enum Slot<'a> {
    Value(Value<'a>),
    /// Evaluated when it is first used, in the scope that holds it.
    Lazy(&'a Op, OnceCell<Outcome<'a>>),
}

/// Looked at in the order of the tree, with what is bound around.
pub(super) type Around<'s, 'a> = Option<&'s Scope<'s, 'a>>;

impl<'a> Machine<'a> {
    pub(super) fn new(variables: &'a dyn Variables, steps: u64) -> Self {
        Self { variables, left: Cell::new(steps), failure: Cell::new(None) }
    }

    pub(super) fn variables(&self) -> &'a dyn Variables {
        self.variables
    }

    pub(super) fn eval(&self, op: &'a Op, scope: Around<'_, 'a>) -> Outcome<'a> {
        match &op.kind {
            OpKind::Const(value) => Ok(value.reborrow()),
            OpKind::Variable(name) => match self.variables.get(name) {
                Some(value) => Ok(value),
                None => Err(Failure::named(EvalErrorKind::UnknownVariable, op.span, name)),
            },
            OpKind::Local(depth, index) => self.local(*depth, *index, scope, op.span),
            OpKind::Fail(kind, name) => Err(Failure { kind: *kind, span: op.span, name: name.as_ref() }),
            OpKind::Path { base, steps } => self.path(base, steps, scope),
            OpKind::List(items) => self.list(items, scope),
            OpKind::Map(entries) => self.map(entries, scope),
            OpKind::Let { values, body } => self.bindings(values, body, scope),
            OpKind::Negate { operand, odd } => operators::negate(self.eval(operand, scope)?, *odd, op.span),
            OpKind::Chain { first, rest } => self.chain(first, rest, op.span, scope),
            OpKind::Conditional { arms, otherwise } => self.conditional(arms, otherwise, scope),
            OpKind::Call(call) => self.call(call, None, op.span, scope),
            OpKind::Not { .. } | OpKind::Logic { .. } | OpKind::Fast(..) => match self.test(op, scope) {
                Truth::Yes => Ok(Value::Bool(true)),
                Truth::No => Ok(Value::Bool(false)),
                Truth::Failed => Err(self.failed(op.span)),
            },
        }
    }

    /// Evaluates what must be a boolean.
    pub(super) fn test(&self, op: &'a Op, scope: Around<'_, 'a>) -> Truth {
        match &op.kind {
            OpKind::Fast(fast, general) => match fast.test(self) {
                Some(true) => Truth::Yes,
                Some(false) => Truth::No,
                None => self.test_general(general, scope),
            },
            OpKind::Logic { operands, decisive } => self.logic(operands, *decisive, scope),
            OpKind::Const(Value::Bool(true)) => Truth::Yes,
            OpKind::Const(Value::Bool(false)) => Truth::No,
            _ => self.test_general(op, scope),
        }
    }

    /// The rest of [`test`](Self::test), apart so that the short ways stay short.
    #[inline(never)]
    fn test_general(&self, op: &'a Op, scope: Around<'_, 'a>) -> Truth {
        match &op.kind {
            OpKind::Logic { .. } => return self.test(op, scope),
            OpKind::Not { operand, odd } => {
                return match (self.test(operand, scope), odd) {
                    (Truth::Yes, true) => Truth::No,
                    (Truth::No, true) => Truth::Yes,
                    (truth, _) => truth,
                };
            }
            _ => {}
        }
        let failure = match self.eval(op, scope) {
            Ok(Value::Bool(true)) => return Truth::Yes,
            Ok(Value::Bool(false)) => return Truth::No,
            Ok(_) => no_overload(op.span),
            Err(failure) => failure,
        };
        self.failure.set(Some(failure));
        Truth::Failed
    }

    /// The failure after [`Truth::Failed`].
    pub(super) fn failed(&self, span: Span) -> Failure<'a> {
        self.failure.take().unwrap_or_else(|| no_overload(span))
    }

    /// `||` and `&&`: one decisive operand decides, whatever the others are, errors included.
    fn logic(&self, operands: &'a [Op], decisive: bool, scope: Around<'_, 'a>) -> Truth {
        let decides = if decisive { Truth::Yes } else { Truth::No };
        let mut absorbed = None;
        for operand in operands {
            // Shortcuts are what most rules are made of: no call for them.
            let truth = match &operand.kind {
                OpKind::Fast(fast, general) => match fast.test(self) {
                    Some(b) if b == decisive => return decides,
                    Some(_) => continue,
                    None => self.test_general(general, scope),
                },
                _ => self.test(operand, scope),
            };
            if truth == decides {
                return truth;
            }
            if truth == Truth::Failed {
                let failure = self.failed(operand.span);
                if !failure.absorbable() {
                    self.failure.set(Some(failure));
                    return Truth::Failed;
                }
                absorbed = Some(failure.or_earlier(absorbed));
            }
        }
        if absorbed.is_some() {
            self.failure.set(absorbed);
            return Truth::Failed;
        }
        if decisive { Truth::No } else { Truth::Yes }
    }

    fn conditional(&self, arms: &'a [(Op, Op)], otherwise: &'a Op, scope: Around<'_, 'a>) -> Outcome<'a> {
        for (condition, value) in arms {
            match self.test(condition, scope) {
                Truth::Yes => return self.eval(value, scope),
                Truth::No => {}
                Truth::Failed => return Err(self.failed(condition.span)),
            }
        }
        self.eval(otherwise, scope)
    }

    // === names ===

    fn local(&self, depth: u32, index: u32, scope: Around<'_, 'a>, span: Span) -> Outcome<'a> {
        let mut frame = scope;
        for _ in 0..depth {
            frame = frame.and_then(|f| f.outer);
        }
        let slot = frame.and_then(|f| f.slots.get(index as usize));
        match slot {
            Some(Slot::Value(value)) => Ok(value.clone()),
            Some(Slot::Lazy(op, cell)) => match cell.get() {
                Some(outcome) => outcome.clone(),
                // INVARIANT: a value uses names before its own only, so that it never gets here itself.
                None => cell.get_or_init(|| self.eval(op, frame)).clone(),
            },
            None => Err(no_overload(span)),
        }
    }

    fn bindings(&self, values: &'a [Op], body: &'a Op, scope: Around<'_, 'a>) -> Outcome<'a> {
        if let [value] = values {
            let slots = [Slot::Lazy(value, OnceCell::new())];
            return self.eval(body, Some(&Scope { slots: &slots, outer: scope }));
        }
        let slots: Vec<_> = values.iter().map(|value| Slot::Lazy(value, OnceCell::new())).collect();
        self.eval(body, Some(&Scope { slots: &slots, outer: scope }))
    }

    // === lists and maps ===

    fn list(&self, items: &'a [Item], scope: Around<'_, 'a>) -> Outcome<'a> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            let value = self.eval(&item.value, scope)?;
            match (item.optional, value) {
                (false, value) => values.push(value),
                (true, Value::Optional(Some(value))) => values.push((*value).clone()),
                (true, Value::Optional(None)) => {}
                (true, _) => return Err(no_overload(item.value.span)),
            }
        }
        Ok(values.into())
    }

    fn map(&self, entries: &'a [Entry], scope: Around<'_, 'a>) -> Outcome<'a> {
        let mut values: Vec<(Value<'a>, Value<'a>)> = Vec::with_capacity(entries.len());
        for entry in entries {
            let key = self.eval(&entry.key, scope)?;
            let value = match (entry.optional, self.eval(&entry.value, scope)?) {
                (false, value) => Some(value),
                (true, Value::Optional(value)) => value.map(|value| (*value).clone()),
                (true, _) => return Err(no_overload(entry.value.span)),
            };
            self.check_key(&key, &values, entry.key.span)?;
            if let Some(value) = value {
                values.push((key, value));
            }
        }
        Ok(values.into())
    }

    /// Whether a key may be added to the entries of a map.
    fn check_key(
        &self,
        key: &Value<'a>,
        entries: &[(Value<'a>, Value<'a>)],
        span: Span,
    ) -> Result<(), Failure<'a>> {
        if !matches!(key, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::String(_)) {
            return Err(Failure::new(EvalErrorKind::UnsupportedKey, span));
        }
        self.charge(entries.len() as u64 / 8, span)?;
        if entries.iter().any(|(k, _)| same_key(k, key)) {
            return Err(Failure::new(EvalErrorKind::DuplicateKey, span));
        }
        Ok(())
    }

    // === calls ===

    fn call(
        &self,
        call: &'a Call,
        receiver: Option<Value<'a>>,
        span: Span,
        scope: Around<'_, 'a>,
    ) -> Outcome<'a> {
        match &call.callee {
            Callee::Function(function) => {
                self.arguments(&call.args, receiver, scope, |args| self.built_in(*function, args, span))
            }
            Callee::Pattern(regex) => {
                let text = match (receiver, call.args.first()) {
                    (Some(text), _) => text,
                    (None, Some(text)) => self.eval(text, scope)?,
                    (None, None) => return Err(no_overload(span)),
                };
                let Value::String(text) = &text else { return Err(no_overload(span)) };
                self.charge(1 + text.len() as u64 / 8, span)?;
                Ok(Value::Bool(regex.is_match(text)))
            }
            Callee::Host(name, _) => self.arguments(&call.args, receiver, scope, |args| {
                self.charge(args.iter().map(text_steps).fold(HOST_STEPS, u64::saturating_add), span)?;
                let value = self.variables.call(name, args);
                value.ok_or_else(|| Failure::named(EvalErrorKind::UnknownFunction, span, name))
            }),
            Callee::Unknown(name) => Err(Failure::named(EvalErrorKind::UnknownFunction, span, name)),
        }
    }

    /// Evaluates arguments in order and calls `then` with them. A few do not allocate.
    fn arguments(
        &self,
        args: &'a [Op],
        receiver: Option<Value<'a>>,
        scope: Around<'_, 'a>,
        then: impl FnOnce(&[Value<'a>]) -> Outcome<'a>,
    ) -> Outcome<'a> {
        let evaluated = args.iter().map(|arg| self.eval(arg, scope));
        let mut values = receiver.map(Ok).into_iter().chain(evaluated);
        if args.len() >= MAX_ARGUMENTS {
            return then(&values.collect::<Result<Vec<_>, _>>()?);
        }
        let mut few = [const { Value::Null }; MAX_ARGUMENTS];
        let mut count = 0;
        for (slot, value) in few.iter_mut().zip(&mut values) {
            *slot = value?;
            count += 1;
        }
        then(few.get(..count).unwrap_or_default())
    }

    fn built_in(&self, function: Function, args: &[Value<'a>], span: Span) -> Outcome<'a> {
        let length = |value: &Value<'_>| if let Value::List(list) = value { list.len() as u64 } else { 0 };
        for value in args {
            self.charge(text_steps(value) + length(value) / 16, span)?;
        }
        match (function, args) {
            (Function::Matches, [text, ..]) => self.charge(PATTERN_STEPS + text_steps(text) * 8, span)?,
            (Function::SetContains | Function::SetIntersects, [a, b]) => {
                self.charge(length(a).saturating_mul(length(b)), span)?;
            }
            (Function::SetEquivalent, [a, b]) => {
                self.charge(length(a).saturating_mul(length(b)).saturating_mul(2), span)?;
            }
            (Function::Distinct, [a]) => self.charge(length(a).saturating_mul(length(a)), span)?,
            // A part takes far more memory than the text it is cut from: not to be made before it is paid for.
            (Function::Split, [Value::String(text), Value::String(by), ..])
                if text.matches(&**by).count() as u64 > self.left.get() =>
            {
                return Err(Failure::new(EvalErrorKind::BudgetExceeded, span));
            }
            _ => {}
        }
        let value = function.call(args).map_err(|kind| Failure::new(kind, span))?;
        self.charge(text_steps(&value) + length(&value), span)?;
        Ok(value)
    }

    pub(super) fn charge(&self, steps: u64, span: Span) -> Result<(), Failure<'a>> {
        if self.spend(steps) { Ok(()) } else { Err(Failure::new(EvalErrorKind::BudgetExceeded, span)) }
    }

    /// Takes steps from the budget; `false` when there are not enough.
    pub(super) fn spend(&self, steps: u64) -> bool {
        let left = self.left.get().checked_sub(steps);
        self.left.set(left.unwrap_or(0));
        left.is_some()
    }
}

impl<'a> Failure<'a> {
    fn new(kind: EvalErrorKind, span: Span) -> Self {
        Self { kind, span, name: None }
    }

    fn named(kind: EvalErrorKind, span: Span, name: &'a Arc<str>) -> Self {
        Self { kind, span, name: Some(name) }
    }

    fn unreadable(why: Unreadable, span: Span) -> Self {
        Self::new(
            match why {
                Unreadable::Ambiguous => EvalErrorKind::Ambiguous,
                Unreadable::NotKnownYet => EvalErrorKind::NotKnownYet,
            },
            span,
        )
    }

    /// Which of two failures is told: the first, unless only the second goes away by itself. So that whether
    /// something may still come true does not turn on the order of operands.
    fn or_earlier(self, earlier: Option<Self>) -> Self {
        match earlier {
            Some(earlier) if earlier.waits() || !self.waits() => earlier,
            _ => self,
        }
    }

    fn waits(&self) -> bool {
        self.kind == EvalErrorKind::NotKnownYet
    }

    /// Whether `||`, `&&`, `exists` and `all` may absorb this. A limit is final.
    pub(super) fn absorbable(&self) -> bool {
        !matches!(self.kind, EvalErrorKind::BudgetExceeded | EvalErrorKind::OutputTooLarge)
    }

    pub(super) fn kind(&self) -> EvalErrorKind {
        self.kind
    }

    pub(super) fn span(&self) -> Span {
        self.span
    }

    pub(super) fn name(&self) -> Option<&'a Arc<str>> {
        self.name
    }
}

impl From<Failure<'_>> for EvalError {
    fn from(failure: Failure<'_>) -> Self {
        match failure.name {
            Some(name) => Self::named(failure.kind, failure.span, name),
            None => Self::new(failure.kind, failure.span),
        }
    }
}

fn no_overload<'a>(span: Span) -> Failure<'a> {
    Failure::new(EvalErrorKind::NoSuchOverload, span)
}

pub(super) fn text_steps(value: &Value<'_>) -> u64 {
    let bytes = match value {
        Value::String(s) => s.len(),
        Value::Bytes(b) => b.len(),
        _ => 0,
    };
    bytes as u64 / BYTES_PER_STEP
}
