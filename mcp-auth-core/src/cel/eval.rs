//! The evaluator: walks a program over borrowed values within a budget of steps.

use std::cell::Cell;
use std::cmp::Ordering;
use std::sync::Arc;

use super::ast::{BinaryOp, MacroKind};
use super::error::{EvalError, EvalErrorKind, Span};
use super::functions::{Function, MAX_ARGUMENTS, MAX_OUTPUT_BYTES, concatenate};
use super::program::{Call, Callee, Comprehension, Op, OpKind, Step, StepKind, Variables};
use super::value::{Entries, Map, Order, Shared, Value, same_key};

/// Price of compiling a regular expression that is not a literal.
const PATTERN_STEPS: u64 = 5_000;
/// Bytes of text that cost one step.
const BYTES_PER_STEP: u64 = 64;

type Outcome<'a> = Result<Value<'a>, EvalError>;

/// One evaluation.
pub(super) struct Machine<'a> {
    variables: &'a dyn Variables,
    left: Cell<u64>,
}

/// The variables of the macros around, on the stack of the evaluation.
pub(super) struct Scope<'s, 'a> {
    value: Value<'a>,
    outer: Option<&'s Scope<'s, 'a>>,
}

/// What a macro has gathered so far.
#[derive(Default)]
struct Gathered<'a> {
    decided: bool,
    absorbed: Option<EvalError>,
    count: u64,
    items: Vec<Value<'a>>,
    entries: Vec<(Value<'a>, Value<'a>)>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(variables: &'a dyn Variables, steps: u64) -> Self {
        Self { variables, left: Cell::new(steps) }
    }

    pub(super) fn eval(&self, op: &'a Op, scope: Option<&Scope<'_, 'a>>) -> Outcome<'a> {
        self.charge(1, op.span)?;
        match &op.kind {
            OpKind::Const(value) => Ok(value.reborrow()),
            OpKind::Variable(name) => match self.variables.get(name) {
                Some(value) => Ok(value),
                None => Err(EvalError::named(EvalErrorKind::UnknownVariable, op.span, name)),
            },
            OpKind::Local(depth) => local(*depth, scope).ok_or_else(|| no_overload(op.span)),
            OpKind::Fail(kind, name) => Err(EvalError::named(*kind, op.span, name)),
            OpKind::Path { base, steps } => self.path(base, steps, scope),
            OpKind::List(items) => {
                let items = items.iter().map(|item| self.eval(item, scope));
                Ok(Value::from(items.collect::<Result<Vec<_>, _>>()?))
            }
            OpKind::Map(entries) => self.map(entries, scope),
            OpKind::Not { operand, odd } => match self.eval(operand, scope)? {
                Value::Bool(b) => Ok(Value::Bool(b != *odd)),
                _ => Err(no_overload(op.span)),
            },
            OpKind::Negate { operand, odd } => negate(self.eval(operand, scope)?, *odd, op.span),
            OpKind::Logic { operands, decisive } => self.logic(operands, *decisive, scope),
            OpKind::Chain { first, rest } => self.chain(first, rest, op.span, scope),
            OpKind::Conditional { arms, otherwise } => self.conditional(arms, otherwise, scope),
            OpKind::Call(call) => self.call(call, None, op.span, scope),
        }
    }

    fn path(&self, base: &'a Op, steps: &'a [Step], scope: Option<&Scope<'_, 'a>>) -> Outcome<'a> {
        let mut value = self.eval(base, scope)?;
        for step in steps {
            value = match &step.kind {
                StepKind::Field(name) => match self.select(&value, name, step.span)? {
                    Some(value) => value,
                    None => return Err(EvalError::named(EvalErrorKind::NoSuchKey, step.span, name)),
                },
                StepKind::Has(name) => Value::Bool(self.select(&value, name, step.span)?.is_some()),
                StepKind::Index(index) => {
                    let index = self.eval(index, scope)?;
                    self.index(&value, &index, step.span)?
                }
                StepKind::Call(call) => self.call(call, Some(value), step.span, scope)?,
                StepKind::Macro(m) => self.comprehension(m, &value, step.span, scope)?,
            };
        }
        Ok(value)
    }

    fn select(&self, value: &Value<'a>, name: &str, span: Span) -> Result<Option<Value<'a>>, EvalError> {
        match value {
            Value::Map(map) => {
                self.charge(1 + map.len() as u64 / 16, span)?;
                Ok(map.get_str(name))
            }
            Value::Struct(object) => {
                self.charge(1, span)?;
                Ok(object.field(name))
            }
            _ => Err(no_overload(span)),
        }
    }

    fn index(&self, value: &Value<'a>, index: &Value<'a>, span: Span) -> Outcome<'a> {
        let found = match (value, index) {
            (Value::List(list), _) => {
                self.charge(1 + list.len() as u64 / 16, span)?;
                let item = list_index(index).and_then(|i| list.get(i));
                return item.ok_or_else(|| EvalError::new(EvalErrorKind::IndexOutOfRange, span));
            }
            (Value::Map(map), _) => {
                self.charge(1 + map.len() as u64 / 16, span)?;
                map.get(index)
            }
            (Value::Struct(object), Value::String(name)) => object.field(name),
            (Value::Struct(_), _) => None,
            _ => return Err(no_overload(span)),
        };
        found.ok_or_else(|| EvalError::new(EvalErrorKind::NoSuchKey, span))
    }

    fn map(&self, entries: &'a [(Op, Op)], scope: Option<&Scope<'_, 'a>>) -> Outcome<'a> {
        let mut values: Vec<(Value<'a>, Value<'a>)> = Vec::with_capacity(entries.len());
        for (key_op, value) in entries {
            let key = self.eval(key_op, scope)?;
            let value = self.eval(value, scope)?;
            if !matches!(key, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::String(_)) {
                return Err(EvalError::new(EvalErrorKind::UnsupportedKey, key_op.span));
            }
            self.charge(values.len() as u64 / 8, key_op.span)?;
            if values.iter().any(|(k, _)| same_key(k, &key)) {
                return Err(EvalError::new(EvalErrorKind::DuplicateKey, key_op.span));
            }
            values.push((key, value));
        }
        Ok(Value::Map(Map(Entries::Values(Shared::Owned(values.into())))))
    }

    // === operators ===

    /// `||` and `&&`: one decisive operand decides, whatever the others are, errors included.
    fn logic(&self, operands: &'a [Op], decisive: bool, scope: Option<&Scope<'_, 'a>>) -> Outcome<'a> {
        let mut absorbed = None;
        for operand in operands {
            match self.eval(operand, scope) {
                Ok(Value::Bool(b)) if b == decisive => return Ok(Value::Bool(decisive)),
                Ok(Value::Bool(_)) => {}
                Ok(_) => {
                    absorbed.get_or_insert(no_overload(operand.span));
                }
                Err(error) if error.absorbable() => {
                    absorbed.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        absorbed.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    fn conditional(
        &self,
        arms: &'a [(Op, Op)],
        otherwise: &'a Op,
        scope: Option<&Scope<'_, 'a>>,
    ) -> Outcome<'a> {
        for (condition, value) in arms {
            match self.eval(condition, scope)? {
                Value::Bool(true) => return self.eval(value, scope),
                Value::Bool(false) => {}
                _ => return Err(no_overload(condition.span)),
            }
        }
        self.eval(otherwise, scope)
    }

    fn chain(
        &self,
        first: &'a Op,
        rest: &'a [(BinaryOp, Op)],
        span: Span,
        scope: Option<&Scope<'_, 'a>>,
    ) -> Outcome<'a> {
        let mut left = self.eval(first, scope)?;
        for (op, operand) in rest {
            let right = self.eval(operand, scope)?;
            left = self.binary(*op, &left, &right, span)?;
        }
        Ok(left)
    }

    fn binary(&self, op: BinaryOp, left: &Value<'a>, right: &Value<'a>, span: Span) -> Outcome<'a> {
        let ordered = |accept: fn(Ordering) -> bool| {
            self.charge(text_steps(left).min(text_steps(right)), span)?;
            match left.order(right) {
                Some(Order::Known(order)) => Ok(Value::Bool(accept(order))),
                Some(Order::NotANumber) => Ok(Value::Bool(false)),
                None => Err(no_overload(span)),
            }
        };
        match op {
            BinaryOp::Equal => Ok(Value::Bool(self.equal(left, right, span)?)),
            BinaryOp::NotEqual => Ok(Value::Bool(!self.equal(left, right, span)?)),
            BinaryOp::Less => ordered(Ordering::is_lt),
            BinaryOp::LessEqual => ordered(Ordering::is_le),
            BinaryOp::Greater => ordered(Ordering::is_gt),
            BinaryOp::GreaterEqual => ordered(Ordering::is_ge),
            BinaryOp::In => self.contains(right, left, span),
            BinaryOp::Add => self.add(left, right, span),
            _ => arithmetic(op, left, right).map_err(|kind| EvalError::new(kind, span)),
        }
    }

    fn equal(&self, left: &Value<'a>, right: &Value<'a>, span: Span) -> Result<bool, EvalError> {
        let verdict = left.equals(right, &mut |steps| self.charge(steps, span).is_ok());
        verdict.ok_or_else(|| EvalError::new(EvalErrorKind::BudgetExceeded, span))
    }

    /// `item in container`. A string contains nothing: `"admin" in "not-an-admin"` must not be true.
    fn contains(&self, container: &Value<'a>, item: &Value<'a>, span: Span) -> Outcome<'a> {
        let found = match container {
            Value::List(list) => {
                let mut found = Ok(false);
                list.visit(|candidate| {
                    found = self.equal(item, &candidate, span);
                    matches!(found, Ok(false))
                });
                found?
            }
            Value::Map(map) => {
                self.charge(map.len() as u64 / 16, span)?;
                map.get(item).is_some()
            }
            Value::Struct(object) => item.as_str().is_some_and(|name| object.field(name).is_some()),
            _ => return Err(no_overload(span)),
        };
        Ok(Value::Bool(found))
    }

    fn add(&self, left: &Value<'a>, right: &Value<'a>, span: Span) -> Outcome<'a> {
        let sum = |a: usize, b: usize| {
            let size = a.saturating_add(b);
            if size > MAX_OUTPUT_BYTES {
                return Err(EvalError::new(EvalErrorKind::OutputTooLarge, span));
            }
            self.charge(size as u64 / BYTES_PER_STEP, span).map(|()| size)
        };
        match (left, right) {
            (Value::String(a), Value::String(b)) => {
                let mut text = String::with_capacity(sum(a.len(), b.len())?);
                text.push_str(a);
                text.push_str(b);
                Ok(text.into())
            }
            (Value::Bytes(a), Value::Bytes(b)) => {
                sum(a.len(), b.len())?;
                Ok(Value::Bytes(Shared::Owned([&**a, &**b].concat().into())))
            }
            (Value::List(a), Value::List(b)) => {
                self.charge(a.len().saturating_add(b.len()) as u64, span)?;
                Ok(Value::List(concatenate(a, b)))
            }
            _ => arithmetic(BinaryOp::Add, left, right).map_err(|kind| EvalError::new(kind, span)),
        }
    }

    // === calls ===

    fn call(
        &self,
        call: &'a Call,
        receiver: Option<Value<'a>>,
        span: Span,
        scope: Option<&Scope<'_, 'a>>,
    ) -> Outcome<'a> {
        match &call.callee {
            Callee::Function(function) => self.builtin(*function, call, receiver, span, scope),
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
            Callee::Host(name) => {
                let args = call.args.iter().map(|a| self.eval(a, scope)).collect::<Result<Vec<_>, _>>()?;
                let value = self.variables.call(name, &args);
                value.ok_or_else(|| EvalError::named(EvalErrorKind::UnknownFunction, span, name))
            }
            Callee::Unknown(name) => Err(unknown_function(span, name)),
        }
    }

    fn builtin(
        &self,
        function: Function,
        call: &'a Call,
        receiver: Option<Value<'a>>,
        span: Span,
        scope: Option<&Scope<'_, 'a>>,
    ) -> Outcome<'a> {
        let mut args = [const { Value::Null }; MAX_ARGUMENTS];
        let mut count = 0;
        let evaluated = call.args.iter().map(|a| self.eval(a, scope));
        for value in receiver.map(Ok).into_iter().chain(evaluated) {
            let value = value?;
            let items = if let Value::List(list) = &value { list.len() as u64 } else { 0 };
            self.charge(text_steps(&value) + items / 16, span)?;
            *args.get_mut(count).ok_or_else(|| no_overload(span))? = value;
            count += 1;
        }
        if function == Function::Matches {
            let text = args.first().map_or(0, text_steps);
            self.charge(PATTERN_STEPS + text * 8, span)?;
        }
        let args = args.get(..count).unwrap_or_default();
        let value = function.call(args).map_err(|kind| EvalError::new(kind, span))?;
        let made = if let Value::List(list) = &value { list.len() as u64 } else { text_steps(&value) };
        self.charge(made, span)?;
        Ok(value)
    }

    // === macros ===

    fn comprehension(
        &self,
        m: &'a Comprehension,
        range: &Value<'a>,
        span: Span,
        scope: Option<&Scope<'_, 'a>>,
    ) -> Outcome<'a> {
        let mut gathered = Gathered::default();
        let mut failure = None;
        let mut visit = |first: Value<'a>, second: Value<'a>| {
            let outcome =
                self.charge(1, span).and_then(|()| self.item(m, first, second, span, scope, &mut gathered));
            outcome.unwrap_or_else(|error| {
                failure = Some(error);
                false
            })
        };
        match range {
            Value::List(list) if m.two => {
                let mut index = 0;
                list.visit(|item| {
                    index += 1;
                    visit(Value::Int(index - 1), item)
                });
            }
            Value::List(list) => list.visit(|item| visit(item, Value::Null)),
            Value::Map(map) => map.visit(visit),
            _ => return Err(no_overload(span)),
        }
        if let Some(error) = failure {
            return Err(error);
        }
        let decisive = m.kind == MacroKind::Exists;
        match m.kind {
            MacroKind::All | MacroKind::Exists if gathered.decided => Ok(Value::Bool(decisive)),
            MacroKind::All | MacroKind::Exists => gathered.absorbed.map_or(Ok(Value::Bool(!decisive)), Err),
            MacroKind::ExistsOne => Ok(Value::Bool(gathered.count == 1)),
            MacroKind::Filter | MacroKind::Map => Ok(gathered.items.into()),
            MacroKind::TransformMap => {
                Ok(Value::Map(Map(Entries::Values(Shared::Owned(gathered.entries.into())))))
            }
        }
    }

    /// One round of a macro; `false` when the macro is decided.
    fn item(
        &self,
        m: &'a Comprehension,
        first: Value<'a>,
        second: Value<'a>,
        span: Span,
        scope: Option<&Scope<'_, 'a>>,
        gathered: &mut Gathered<'a>,
    ) -> Result<bool, EvalError> {
        let one = Scope { value: first.clone(), outer: scope };
        let two = Scope { value: second, outer: Some(&one) };
        let inner = Some(if m.two { &two } else { &one });
        let condition = match m.condition.as_ref().map(|c| self.eval(c, inner)) {
            None => true,
            Some(Ok(Value::Bool(b))) => b,
            Some(other) => {
                let error = other.err().unwrap_or_else(|| no_overload(span));
                if error.absorbable() && matches!(m.kind, MacroKind::All | MacroKind::Exists) {
                    gathered.absorbed.get_or_insert(error);
                    return Ok(true);
                }
                return Err(error);
            }
        };
        match m.kind {
            MacroKind::All => gathered.decided |= !condition,
            MacroKind::Exists => gathered.decided |= condition,
            _ if !condition => {}
            MacroKind::ExistsOne => gathered.count += 1,
            MacroKind::Filter => gathered.items.push(first),
            MacroKind::Map | MacroKind::TransformMap => {
                let Some(result) = &m.result else { return Err(no_overload(span)) };
                let value = self.eval(result, inner)?;
                if m.kind == MacroKind::Map {
                    gathered.items.push(value);
                } else {
                    gathered.entries.push((first, value));
                }
            }
        }
        Ok(!gathered.decided)
    }

    fn charge(&self, steps: u64, span: Span) -> Result<(), EvalError> {
        match self.left.get().checked_sub(steps) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                self.left.set(0);
                Err(EvalError::new(EvalErrorKind::BudgetExceeded, span))
            }
        }
    }
}

fn local<'a>(depth: usize, mut scope: Option<&Scope<'_, 'a>>) -> Option<Value<'a>> {
    for _ in 0..depth {
        scope = scope?.outer;
    }
    scope.map(|s| s.value.clone())
}

fn no_overload(span: Span) -> EvalError {
    EvalError::new(EvalErrorKind::NoSuchOverload, span)
}

fn unknown_function(span: Span, name: &Arc<str>) -> EvalError {
    EvalError::named(EvalErrorKind::UnknownFunction, span, name)
}

fn text_steps(value: &Value<'_>) -> u64 {
    let bytes = match value {
        Value::String(s) => s.len(),
        Value::Bytes(b) => b.len(),
        _ => 0,
    };
    bytes as u64 / BYTES_PER_STEP
}

/// An integer of any numeric type that can be the index of a list.
fn list_index(index: &Value<'_>) -> Option<usize> {
    match index {
        Value::Int(i) => usize::try_from(*i).ok(),
        Value::Uint(u) => usize::try_from(*u).ok(),
        #[expect(clippy::cast_possible_truncation, reason = "integral and far below the range of usize")]
        #[expect(clippy::cast_sign_loss, reason = "not negative by the guard")]
        Value::Double(d) if *d >= 0.0 && *d < 4_294_967_296.0 && d.fract() == 0.0 => Some(*d as usize),
        _ => None,
    }
}

fn negate<'a>(value: Value<'a>, odd: bool, span: Span) -> Outcome<'a> {
    match value {
        Value::Int(_) | Value::Double(_) if !odd => Ok(value),
        Value::Int(i) => {
            i.checked_neg().map(Value::Int).ok_or_else(|| EvalError::new(EvalErrorKind::Overflow, span))
        }
        Value::Double(d) => Ok(Value::Double(-d)),
        _ => Err(no_overload(span)),
    }
}

fn arithmetic<'a>(op: BinaryOp, left: &Value<'a>, right: &Value<'a>) -> Result<Value<'a>, EvalErrorKind> {
    use BinaryOp::{Add, Divide, Modulus, Multiply, Subtract};
    let divides = matches!(op, Divide | Modulus);
    let result = match (left, right) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) if divides => {
            return Err(EvalErrorKind::DivisionByZero);
        }
        (Value::Int(a), Value::Int(b)) => match op {
            Add => a.checked_add(*b),
            Subtract => a.checked_sub(*b),
            Multiply => a.checked_mul(*b),
            Divide => a.checked_div(*b),
            Modulus => a.checked_rem(*b),
            _ => return Err(EvalErrorKind::NoSuchOverload),
        }
        .map(Value::Int),
        (Value::Uint(a), Value::Uint(b)) => match op {
            Add => a.checked_add(*b),
            Subtract => a.checked_sub(*b),
            Multiply => a.checked_mul(*b),
            Divide => a.checked_div(*b),
            Modulus => a.checked_rem(*b),
            _ => return Err(EvalErrorKind::NoSuchOverload),
        }
        .map(Value::Uint),
        (Value::Double(a), Value::Double(b)) => Some(Value::Double(match op {
            Add => a + b,
            Subtract => a - b,
            Multiply => a * b,
            Divide => a / b,
            _ => return Err(EvalErrorKind::NoSuchOverload),
        })),
        _ => return Err(EvalErrorKind::NoSuchOverload),
    };
    result.ok_or(EvalErrorKind::Overflow)
}
