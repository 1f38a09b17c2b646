//! Macros over lists, maps and optional values.

use std::sync::Arc;

use super::{Checker, Frame};
use crate::cel::ast::{Expr, Macro, MacroKind, Variables};
use crate::cel::cost;
use crate::cel::error::{CelError, CelErrorKind, Span};
use crate::cel::op::{Comprehension, StepKind};
use crate::cel::types::Type;

impl Checker<'_> {
    pub(super) fn comprehension(
        &mut self,
        m: &Macro,
        range: &Type,
        span: Span,
    ) -> Result<(Comprehension, Type), CelError> {
        let (first, second) = match range {
            Type::List(item) => (Type::Int, (**item).clone()),
            Type::Map(key, value) => ((**key).clone(), (**value).clone()),
            // Claims of which some are known: their values may be anything.
            Type::Struct(fields) if fields.others().is_some() => (Type::String, Type::Dyn),
            other if other.is_unknown() => (Type::Dyn, Type::Dyn),
            other => {
                let message = || format!("a macro goes over lists and maps, this is {other}");
                self.report(CelErrorKind::Type, span, message)?;
                (Type::Dyn, Type::Dyn)
            }
        };
        let is_list = matches!(range, Type::List(_));
        let mut frame = Frame::default();
        let two = match &m.variables {
            Variables::One(name) => {
                frame.bind(name, if is_list { second.clone() } else { first.clone() }, 0);
                false
            }
            Variables::Two(a, b) => {
                frame.bind(a, first.clone(), 0);
                frame.bind(b, second.clone(), 0);
                true
            }
        };
        self.frames.push(frame);
        let condition = match &m.condition {
            Some(condition) => Some(self.boolean(condition)?),
            None => None,
        };
        let (result, result_type) = match &m.result {
            Some(result) => {
                let (op, of) = self.expr(result)?;
                (Some(op), of)
            }
            None => (None, Type::Dyn),
        };
        self.frames.pop();
        let of = match m.kind {
            MacroKind::All | MacroKind::Exists | MacroKind::ExistsOne => Type::Bool,
            MacroKind::Filter => Type::list(if is_list { second } else { first }),
            MacroKind::Map => Type::list(result_type),
            MacroKind::TransformMap => Type::map(first, result_type),
            MacroKind::TransformMapEntry => match self.types.resolve(&result_type) {
                Type::Map(key, value) => Type::Map(key, value),
                of if of.is_unknown() => Type::map(Type::Dyn, Type::Dyn),
                of => {
                    let span = m.result.as_ref().map_or(span, |r| r.span);
                    self.report(CelErrorKind::Type, span, || format!("expected a map, this is {of}"))?;
                    Type::map(Type::Dyn, Type::Dyn)
                }
            },
        };
        let weight = 1 + condition.iter().chain(&result).map(cost::weight).sum::<u64>();
        Ok((Comprehension { kind: m.kind, two, condition, result, weight }, of))
    }

    pub(super) fn optional_map(
        &mut self,
        variable: &Arc<str>,
        body: &Expr,
        flat: bool,
        of: &Type,
        span: Span,
    ) -> Result<(StepKind, Type), CelError> {
        let inner = match of {
            Type::Optional(inner) => (**inner).clone(),
            of if of.is_unknown() => Type::Dyn,
            of => {
                let name = if flat { "optFlatMap" } else { "optMap" };
                let message = || format!("`{name}` takes an optional value, this is {of}");
                self.report(CelErrorKind::Type, span, message)?;
                Type::Dyn
            }
        };
        let mut frame = Frame::default();
        frame.bind(variable, inner, 0);
        self.frames.push(frame);
        let at = body.span;
        let (body, result) = self.expr(body)?;
        self.frames.pop();
        let result = if flat { self.inner(&result, at)? } else { result };
        Ok((StepKind::OptionalMap { body: Box::new(body), flat }, Type::optional(result)))
    }
}
