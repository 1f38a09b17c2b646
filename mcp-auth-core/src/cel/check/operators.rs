//! Operators and the types they take.

use super::{Checker, Type};
use crate::cel::ast::{BinaryOp, Expr, Link};
use crate::cel::error::{CelError, CelErrorKind, Span};
use crate::cel::op::OpKind;

impl Checker<'_> {
    pub(super) fn logic(&mut self, items: &[Expr], decisive: bool) -> Result<(OpKind, Type), CelError> {
        // Plain loops on the way down: adapters of iterators cost stack at each level.
        let mut operands = Vec::with_capacity(items.len());
        for item in items {
            operands.push(self.boolean(item)?);
        }
        Ok((OpKind::Logic { operands: operands.into(), decisive }, Type::Bool))
    }

    pub(super) fn chain(&mut self, first: &Expr, rest: &[Link]) -> Result<(OpKind, Type), CelError> {
        let (op, mut left) = self.expr(first)?;
        let mut lowered = Vec::with_capacity(rest.len());
        for link in rest {
            let (operand, right) = self.expr(&link.operand)?;
            left = self.binary(link.op, &left, &right, first.span.to(link.operand.span))?;
            lowered.push((link.op, operand));
        }
        Ok((OpKind::Chain { first: Box::new(op), rest: lowered.into() }, left))
    }

    fn binary(&mut self, op: BinaryOp, left: &Type, right: &Type, span: Span) -> Result<Type, CelError> {
        use BinaryOp::{Equal, Greater, GreaterEqual, In, Less, LessEqual, NotEqual};
        let (left, right) = (self.types.resolve(left), self.types.resolve(right));
        match op {
            Equal | NotEqual => {
                if !self.may_equal(&left, &right) {
                    let message =
                        || format!("`{}` compares {left} with {right}, which are never equal", op.text());
                    self.report(CelErrorKind::NeverEqual, span, message)?;
                }
                Ok(Type::Bool)
            }
            In => {
                self.membership(&left, &right, span)?;
                Ok(Type::Bool)
            }
            Less | LessEqual | Greater | GreaterEqual => {
                let ordered = |t: &Type| {
                    let known = matches!(
                        t,
                        Type::Bool | Type::String | Type::Bytes | Type::Timestamp | Type::Duration
                    );
                    t.is_number() || t.is_unknown() || known
                };
                if !(ordered(&left) && ordered(&right) && self.may_equal(&left, &right)) {
                    self.overload(op, &left, &right, span)?;
                }
                Ok(Type::Bool)
            }
            _ => match self.arithmetic(op, &left, &right) {
                Some(of) => Ok(of),
                None => {
                    self.overload(op, &left, &right, span)?;
                    Ok(Type::Dyn)
                }
            },
        }
    }

    /// The type of the result; `None`: the operator does not take these.
    fn arithmetic(&mut self, op: BinaryOp, left: &Type, right: &Type) -> Option<Type> {
        use BinaryOp::{Add, Modulus, Subtract};
        use Type::{Bytes, Double, Duration, Dyn, Int, List, String, Timestamp, Uint};
        let plain = |of: &Type| match of {
            Int | Uint => true,
            Double => op != Modulus,
            String | Bytes => op == Add,
            _ => false,
        };
        Some(match (left, right) {
            (a, b) if a == b && plain(a) => a.clone(),
            (List(a), List(b)) if op == Add => Type::list(self.types.join((**a).clone(), b)),
            (Timestamp, Duration) if matches!(op, Add | Subtract) => Timestamp,
            (Duration, Timestamp) if op == Add => Timestamp,
            (Duration, Duration) if matches!(op, Add | Subtract) => Duration,
            (Timestamp, Timestamp) if op == Subtract => Duration,
            (a, b) if a.is_unknown() && b.is_unknown() => Dyn,
            (known, other) | (other, known) if other.is_unknown() && plain(known) => known.clone(),
            (List(_), other) | (other, List(_)) if op == Add && other.is_unknown() => Type::list(Dyn),
            (Timestamp, other) if op == Add && other.is_unknown() => Timestamp,
            (other, Timestamp) if op == Add && other.is_unknown() => Timestamp,
            (other, Timestamp) if op == Subtract && other.is_unknown() => Duration,
            (Timestamp | Duration, other) if matches!(op, Add | Subtract) && other.is_unknown() => Dyn,
            (other, Duration) if matches!(op, Add | Subtract) && other.is_unknown() => Dyn,
            _ => return None,
        })
    }

    fn may_equal(&mut self, left: &Type, right: &Type) -> bool {
        (left.is_number() && right.is_number()) || self.types.unify(left, right)
    }

    fn membership(&mut self, item: &Type, container: &Type, span: Span) -> Result<(), CelError> {
        let member = match container {
            Type::List(of) => self.types.resolve(of),
            Type::Map(key, _) => self.types.resolve(key),
            Type::Struct(_) => Type::String,
            other if other.is_unknown() => return Ok(()),
            other => {
                let message = || match other {
                    Type::String => "`in` looks into lists and maps, not strings: use `contains`".to_owned(),
                    other => format!("`in` looks into lists and maps, this is {other}"),
                };
                return self.report(CelErrorKind::Type, span, message);
            }
        };
        if self.may_equal(item, &member) {
            return Ok(());
        }
        let message = || format!("`in` looks for {item} among {member}, which are never equal");
        self.report(CelErrorKind::NeverEqual, span, message)
    }

    fn overload(&self, op: BinaryOp, left: &Type, right: &Type, span: Span) -> Result<(), CelError> {
        self.report(CelErrorKind::Type, span, || format!("`{}` does not take {left} and {right}", op.text()))
    }
}
