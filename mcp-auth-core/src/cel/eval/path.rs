//! Member paths, step by step. What is optional stays on the stack until the end of the path.

use std::sync::Arc;

use super::{Around, Failure, Machine, Outcome, Scope, Slot, no_overload};
use crate::cel::error::{EvalErrorKind, Span};
use crate::cel::op::{Op, Step, StepKind};
use crate::cel::value::Value;

/// What a path has reached.
enum Reached<'a> {
    Plain(Value<'a>),
    Optional(Option<Value<'a>>),
}

impl<'a> From<Value<'a>> for Reached<'a> {
    fn from(value: Value<'a>) -> Self {
        match value {
            Value::Optional(None) => Self::Optional(None),
            Value::Optional(Some(value)) => Self::Optional(Some((*value).clone())),
            value => Self::Plain(value),
        }
    }
}

impl<'a> From<Reached<'a>> for Value<'a> {
    fn from(reached: Reached<'a>) -> Self {
        match reached {
            Reached::Plain(value) => value,
            Reached::Optional(value) => Value::Optional(value.map(Arc::new)),
        }
    }
}

impl<'a> Machine<'a> {
    pub(super) fn path(&self, base: &'a Op, steps: &'a [Step], scope: Around<'_, 'a>) -> Outcome<'a> {
        let mut reached = Reached::from(self.eval(base, scope)?);
        for step in steps {
            reached = self.step(step, reached, scope)?;
        }
        Ok(reached.into())
    }

    fn step(
        &self,
        step: &'a Step,
        reached: Reached<'a>,
        scope: Around<'_, 'a>,
    ) -> Result<Reached<'a>, Failure<'a>> {
        use Reached::{Optional, Plain};
        let span = step.span;
        Ok(match (&step.kind, reached) {
            (StepKind::Field(name), Plain(value)) => match self.select(&value, name, span)? {
                Some(value) => value.into(),
                None => return Err(Failure::named(EvalErrorKind::NoSuchKey, span, name)),
            },
            (StepKind::Field(_) | StepKind::OptionalField(_), Optional(None)) => Optional(None),
            (StepKind::Index(_) | StepKind::OptionalIndex(_), Optional(None)) => Optional(None),
            (StepKind::OptionalField(name), Plain(value))
            | (StepKind::Field(name) | StepKind::OptionalField(name), Optional(Some(value))) => {
                optional(self.select(&value, name, span)?)
            }
            (StepKind::Has(_), Optional(None)) => Plain(Value::Bool(false)),
            (StepKind::Has(name), Plain(value) | Optional(Some(value))) => {
                Plain(Value::Bool(self.select(&value, name, span)?.is_some()))
            }
            (StepKind::Index(index), Plain(value)) => {
                let index = self.eval(index, scope)?;
                match self.index(&value, &index, span)? {
                    Some(found) => found.into(),
                    None if matches!(value, Value::List(_)) => {
                        return Err(Failure::new(EvalErrorKind::IndexOutOfRange, span));
                    }
                    None => return Err(Failure::new(EvalErrorKind::NoSuchKey, span)),
                }
            }
            (StepKind::OptionalIndex(index), Plain(value))
            | (StepKind::Index(index) | StepKind::OptionalIndex(index), Optional(Some(value))) => {
                let index = self.eval(index, scope)?;
                optional(self.index(&value, &index, span)?)
            }
            (StepKind::Call(call), reached) => self.call(call, Some(reached.into()), span, scope)?.into(),
            (StepKind::Macro(m), reached) => Plain(self.comprehension(m, &reached.into(), span, scope)?),
            (StepKind::HasValue, Optional(value)) => Plain(Value::Bool(value.is_some())),
            (StepKind::Value | StepKind::OrValue(_), Optional(Some(value))) => value.into(),
            (StepKind::Value, Optional(None)) => return Err(Failure::new(EvalErrorKind::NoValue, span)),
            (StepKind::OrValue(other), Optional(None)) => self.eval(other, scope)?.into(),
            (StepKind::Or(_), Optional(Some(value))) => Optional(Some(value)),
            (StepKind::Or(other), Optional(None)) => match self.eval(other, scope)?.into() {
                Optional(value) => Optional(value),
                Plain(_) => return Err(no_overload(other.span)),
            },
            (StepKind::OptionalMap { .. }, Optional(None)) => Optional(None),
            (StepKind::OptionalMap { body, flat }, Optional(Some(value))) => {
                let slots = [Slot::Value(value)];
                let result = self.eval(body, Some(&Scope { slots: &slots, outer: scope }))?;
                match (flat, result.into()) {
                    (true, Optional(value)) => Optional(value),
                    (true, Plain(_)) => return Err(no_overload(body.span)),
                    (false, result) => Optional(Some(result.into())),
                }
            }
            (_, Plain(_)) => return Err(no_overload(span)),
        })
    }

    fn select(
        &self,
        value: &Value<'a>,
        name: &'a Arc<str>,
        span: Span,
    ) -> Result<Option<Value<'a>>, Failure<'a>> {
        match value {
            Value::Map(map) => {
                self.charge(map.len() as u64 / 16, span)?;
                Ok(map.get_str(name))
            }
            Value::Struct(object) => object
                .field(name)
                .map_err(|why| Failure { name: Some(name), ..Failure::unreadable(why, span) }),
            _ => Err(no_overload(span)),
        }
    }

    fn index(
        &self,
        value: &Value<'a>,
        index: &Value<'a>,
        span: Span,
    ) -> Result<Option<Value<'a>>, Failure<'a>> {
        Ok(match (value, index) {
            (Value::List(list), _) => {
                self.charge(list.len() as u64 / 16, span)?;
                list_index(index).and_then(|i| list.get(i))
            }
            (Value::Map(map), _) => {
                self.charge(map.len() as u64 / 16, span)?;
                map.get(index)
            }
            (Value::Struct(object), Value::String(name)) => {
                object.field(name).map_err(|why| Failure::unreadable(why, span))?
            }
            (Value::Struct(_), _) => None,
            _ => return Err(no_overload(span)),
        })
    }
}

/// What an optional selection reached. What is optional itself is not wrapped twice.
fn optional(value: Option<Value<'_>>) -> Reached<'_> {
    match value.map(Reached::from) {
        Some(Reached::Plain(value)) => Reached::Optional(Some(value)),
        Some(reached) => reached,
        None => Reached::Optional(None),
    }
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
