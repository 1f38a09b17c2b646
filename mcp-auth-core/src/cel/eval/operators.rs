//! Operators on values.

use std::cmp::Ordering;

use super::{Around, Failure, Machine, Outcome, no_overload, text_steps};
use crate::cel::ast::BinaryOp;
use crate::cel::error::{EvalErrorKind, Span};
use crate::cel::functions::{MAX_OUTPUT_BYTES, concatenate};
use crate::cel::op::Op;
use crate::cel::value::{Order, Shared, Value};

impl<'a> Machine<'a> {
    pub(super) fn chain(
        &self,
        first: &'a Op,
        rest: &'a [(BinaryOp, Op)],
        span: Span,
        scope: Around<'_, 'a>,
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
            _ => arithmetic(op, left, right).map_err(|kind| Failure::new(kind, span)),
        }
    }

    fn equal(&self, left: &Value<'a>, right: &Value<'a>, span: Span) -> Result<bool, Failure<'a>> {
        let verdict = left.equals(right, &mut |steps| self.spend(steps));
        verdict.ok_or_else(|| Failure::new(EvalErrorKind::BudgetExceeded, span))
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
            Value::Struct(object) => match item.as_str().map(|name| object.field(name)) {
                None | Some(Ok(None)) => false,
                Some(Ok(Some(_))) => true,
                Some(Err(why)) => return Err(Failure::unreadable(why, span)),
            },
            _ => return Err(no_overload(span)),
        };
        Ok(Value::Bool(found))
    }

    fn add(&self, left: &Value<'a>, right: &Value<'a>, span: Span) -> Outcome<'a> {
        let sum = |a: usize, b: usize| {
            let size = a.saturating_add(b);
            if size > MAX_OUTPUT_BYTES {
                return Err(Failure::new(EvalErrorKind::OutputTooLarge, span));
            }
            self.charge(size as u64 / super::BYTES_PER_STEP, span).map(|()| size)
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
            _ => arithmetic(BinaryOp::Add, left, right).map_err(|kind| Failure::new(kind, span)),
        }
    }
}

pub(super) fn negate<'a>(value: Value<'a>, odd: bool, span: Span) -> Outcome<'a> {
    match value {
        Value::Int(_) | Value::Double(_) | Value::Duration(_) if !odd => Ok(value),
        Value::Int(i) => {
            i.checked_neg().map(Value::Int).ok_or_else(|| Failure::new(EvalErrorKind::Overflow, span))
        }
        Value::Double(d) => Ok(Value::Double(-d)),
        Value::Duration(d) => d.negated().map(Value::Duration).map_err(|kind| Failure::new(kind, span)),
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
        _ => return time(op, left, right),
    };
    result.ok_or(EvalErrorKind::Overflow)
}

fn time<'a>(op: BinaryOp, left: &Value<'a>, right: &Value<'a>) -> Result<Value<'a>, EvalErrorKind> {
    use BinaryOp::{Add, Subtract};
    use Value::{Duration as D, Timestamp as T};
    match (left, op, right) {
        (T(t), Add, D(d)) | (D(d), Add, T(t)) => t.plus(*d).map(T),
        (T(t), Subtract, D(d)) => t.minus(*d).map(T),
        (T(a), Subtract, T(b)) => a.since(*b).map(D),
        (D(a), Add, D(b)) => a.plus(*b).map(D),
        (D(a), Subtract, D(b)) => a.minus(*b).map(D),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}
