//! Macros over the items of a list or the entries of a map.

use super::{Around, Failure, Machine, Outcome, Scope, Slot, Truth, no_overload};
use crate::cel::ast::MacroKind;
use crate::cel::error::Span;
use crate::cel::op::Comprehension;
use crate::cel::value::Value;

/// What a macro has gathered so far.
#[derive(Default)]
struct Gathered<'a> {
    decided: bool,
    absorbed: Option<Failure<'a>>,
    count: u64,
    items: Vec<Value<'a>>,
    entries: Vec<(Value<'a>, Value<'a>)>,
}

impl<'a> Machine<'a> {
    pub(super) fn comprehension(
        &self,
        m: &'a Comprehension,
        range: &Value<'a>,
        span: Span,
        scope: Around<'_, 'a>,
    ) -> Outcome<'a> {
        let mut gathered = Gathered::default();
        let mut failure = None;
        let mut visit = |first: Value<'a>, second: Value<'a>| {
            let outcome = self
                .charge(m.weight, span)
                .and_then(|()| self.round(m, first, second, span, scope, &mut gathered));
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
            MacroKind::TransformMap | MacroKind::TransformMapEntry => Ok(gathered.entries.into()),
        }
    }

    /// One round of a macro; `false` when the macro is decided.
    fn round(
        &self,
        m: &'a Comprehension,
        first: Value<'a>,
        second: Value<'a>,
        span: Span,
        scope: Around<'_, 'a>,
        gathered: &mut Gathered<'a>,
    ) -> Result<bool, Failure<'a>> {
        let keep = matches!(m.kind, MacroKind::Filter | MacroKind::TransformMap).then(|| first.clone());
        let slots = [Slot::Value(first), Slot::Value(second)];
        let slots = if m.two { &slots } else { slots.get(..1).unwrap_or_default() };
        let within = Scope { slots, outer: scope };
        let inner = Some(&within);
        let condition = match &m.condition {
            None => true,
            Some(condition) => match self.test(condition, inner) {
                Truth::Yes => true,
                Truth::No => false,
                Truth::Failed => {
                    let failure = self.failed(condition.span);
                    if failure.absorbable() && matches!(m.kind, MacroKind::All | MacroKind::Exists) {
                        gathered.absorbed = Some(failure.or_earlier(gathered.absorbed));
                        return Ok(true);
                    }
                    return Err(failure);
                }
            },
        };
        match (m.kind, keep) {
            (MacroKind::All, _) => gathered.decided |= !condition,
            (MacroKind::Exists, _) => gathered.decided |= condition,
            _ if !condition => {}
            (MacroKind::ExistsOne, _) => gathered.count += 1,
            (MacroKind::Filter, Some(first)) => gathered.items.push(first),
            (kind, first) => {
                let Some(result) = &m.result else { return Err(no_overload(span)) };
                let value = self.eval(result, inner)?;
                match (kind, first, value) {
                    (MacroKind::TransformMap, Some(key), value) => gathered.entries.push((key, value)),
                    (MacroKind::TransformMapEntry, _, Value::Map(map)) => {
                        let mut verdict = Ok(());
                        map.visit(|key, value| {
                            verdict = self.check_key(&key, &gathered.entries, result.span);
                            gathered.entries.push((key, value));
                            verdict.is_ok()
                        });
                        verdict?;
                    }
                    (MacroKind::TransformMapEntry, ..) => return Err(no_overload(result.span)),
                    (_, _, value) => gathered.items.push(value),
                }
            }
        }
        Ok(!gathered.decided)
    }
}
