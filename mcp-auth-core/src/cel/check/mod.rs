//! From the tree to a program: resolves names, checks types.
//!
//! Types are reported only where they are known on both sides: a claim is `dyn` and may be anything.

mod calls;
mod macros;
mod names;
mod operators;
mod unify;

use std::sync::Arc;

use super::ast::{Entry, Expr, ExprKind, Item};
use super::environment::Environment;
use super::error::{CelError, CelErrorKind, Span};
use super::op::{self, Op, OpKind};
use super::parser::MAX_DEPTH;
use super::types::Type;
use super::value::{Value, same_key};
use unify::Types;

pub(super) struct Checked {
    pub(super) root: Op,
    pub(super) result: Type,
    pub(super) warnings: Vec<CelError>,
}

/// Not `strict`: what is wrong becomes an operation that fails when it is evaluated.
pub(super) fn check(
    tree: &Expr,
    source: &str,
    environment: &Environment,
    strict: bool,
) -> Result<Checked, CelError> {
    let mut checker = Checker {
        source,
        environment,
        strict,
        frames: Vec::new(),
        types: Types::default(),
        level: 0,
        reach: 0,
        warnings: Vec::new(),
    };
    let (root, result) = checker.expr(tree)?;
    let result = checker.types.finish(&result);
    Ok(Checked { root, result, warnings: checker.warnings })
}

struct Checker<'c> {
    source: &'c str,
    environment: &'c Environment,
    strict: bool,
    /// Names bound by the macros around, the innermost last.
    frames: Vec<Frame>,
    types: Types,
    /// Levels from the value of a name, or from the whole expression, down to here.
    level: usize,
    /// The same for its deepest part so far, values of names included that are evaluated where they are used.
    reach: usize,
    warnings: Vec<CelError>,
}

#[derive(Default)]
struct Frame {
    names: Vec<Bound>,
}

struct Bound {
    name: Arc<str>,
    of: Type,
    reach: usize,
}

impl Frame {
    fn bind(&mut self, name: &Arc<str>, of: Type, reach: usize) {
        self.names.push(Bound { name: Arc::clone(name), of, reach });
    }
}

type Typed = Result<(Op, Type), CelError>;

impl Checker<'_> {
    fn expr(&mut self, expr: &Expr) -> Typed {
        let outer = self.level;
        self.level += 1;
        let typed = self.kind(expr);
        self.level = outer;
        typed
    }

    fn kind(&mut self, expr: &Expr) -> Typed {
        let span = expr.span;
        let (kind, of) = match &expr.kind {
            ExprKind::Literal(value) => (OpKind::Const(value.clone()), literal_type(value)),
            ExprKind::Ident { .. } | ExprKind::Path { .. } => return self.path(expr),
            ExprKind::Call { name, args } => self.global_call(name, args, span)?,
            ExprKind::List(items) => self.list(items)?,
            ExprKind::Map(entries) => self.map(entries, span)?,
            ExprKind::Let { names, values, body } => self.bindings(names, values, body)?,
            ExprKind::Not { operand, odd } => {
                let operand = Box::new(self.boolean(operand)?);
                (OpKind::Not { operand, odd: *odd }, Type::Bool)
            }
            ExprKind::Negate { operand, odd } => {
                let (op, of) = self.expr(operand)?;
                let of = self.types.resolve(&of);
                if !(matches!(of, Type::Int | Type::Double | Type::Duration) || of.is_unknown()) {
                    self.report(CelErrorKind::Type, span, || format!("`-` does not take {of}"))?;
                }
                (OpKind::Negate { operand: Box::new(op), odd: *odd }, of)
            }
            ExprKind::Or(items) => self.logic(items, true)?,
            ExprKind::And(items) => self.logic(items, false)?,
            ExprKind::Chain { first, rest } => self.chain(first, rest)?,
            ExprKind::Conditional { arms, otherwise } => {
                let (otherwise, mut of) = self.expr(otherwise)?;
                let mut lowered = Vec::with_capacity(arms.len());
                for (condition, value) in arms {
                    let condition = self.boolean(condition)?;
                    let (value, other) = self.expr(value)?;
                    of = self.types.join(of, &other);
                    lowered.push((condition, value));
                }
                (OpKind::Conditional { arms: lowered.into(), otherwise: Box::new(otherwise) }, of)
            }
        };
        Ok((Op { kind, span }, of))
    }

    /// An expression that must give a boolean.
    fn boolean(&mut self, expr: &Expr) -> Result<Op, CelError> {
        let (op, of) = self.expr(expr)?;
        let of = self.types.resolve(&of);
        if !self.types.unify(&of, &Type::Bool) {
            self.report(CelErrorKind::Type, expr.span, || format!("expected a boolean, this is {of}"))?;
        }
        Ok(op)
    }

    /// `cel.bind` and `cel.block`: a value may use those before it.
    fn bindings(
        &mut self,
        names: &[Arc<str>],
        values: &[Expr],
        body: &Expr,
    ) -> Result<(OpKind, Type), CelError> {
        self.frames.push(Frame::default());
        let mut lowered = Vec::with_capacity(values.len());
        let outer = (self.level, self.reach);
        for (name, value) in names.iter().zip(values) {
            (self.level, self.reach) = (0, 0);
            let (op, of) = self.expr(value)?;
            let reach = self.reach.max(value.height);
            // A value is evaluated where it is used, inside of the evaluation of what uses it.
            if reach > MAX_DEPTH {
                let message = format!("values that use each other are nested deeper than {MAX_DEPTH} levels");
                return Err(CelError::new(CelErrorKind::Limit, value.span, message, self.source));
            }
            if let Some(frame) = self.frames.last_mut() {
                frame.bind(name, of, reach);
            }
            lowered.push(op);
        }
        (self.level, self.reach) = outer;
        let (body, of) = self.expr(body)?;
        self.frames.pop();
        Ok((OpKind::Let { values: lowered.into(), body: Box::new(body) }, of))
    }

    // === lists and maps ===

    fn list(&mut self, items: &[Item]) -> Result<(OpKind, Type), CelError> {
        let mut of: Option<Type> = None;
        let mut lowered = Vec::with_capacity(items.len());
        for item in items {
            let (value, mut item_type) = self.expr(&item.value)?;
            if item.optional {
                item_type = self.inner(&item_type, item.value.span)?;
            }
            of = Some(match of {
                Some(known) => self.types.join(known, &item_type),
                None => item_type,
            });
            lowered.push(op::Item { value, optional: item.optional });
        }
        let constants = lowered.iter().map(|i| i.value.as_const().filter(|_| !i.optional).cloned());
        let kind = match constants.collect::<Option<Vec<_>>>() {
            Some(values) => OpKind::Const(values.into()),
            None => OpKind::List(lowered.into()),
        };
        let of = of.unwrap_or_else(|| self.types.fresh());
        Ok((kind, Type::list(of)))
    }

    fn map(&mut self, entries: &[Entry], span: Span) -> Result<(OpKind, Type), CelError> {
        let mut of: Option<(Type, Type)> = None;
        let mut lowered = Vec::with_capacity(entries.len());
        for Entry { key, value, optional } in entries {
            let at = key.span;
            let (key, key_type) = self.expr(key)?;
            let (value_op, mut value_type) = self.expr(value)?;
            if *optional {
                value_type = self.inner(&value_type, value.span)?;
            }
            let key_type = self.types.resolve(&key_type);
            let allowed = matches!(key_type, Type::Bool | Type::Int | Type::Uint | Type::String);
            if !(allowed || key_type.is_unknown()) {
                self.report(CelErrorKind::Type, at, || format!("{key_type} cannot be the key of a map"))?;
            }
            of = Some(match of {
                Some((k, v)) => (self.types.join(k, &key_type), self.types.join(v, &value_type)),
                None => (key_type, value_type),
            });
            lowered.push(op::Entry { key, value: value_op, optional: *optional });
        }
        let (key, value) = of.unwrap_or_else(|| (self.types.fresh(), self.types.fresh()));
        let kind = match self.constant_map(&lowered, span)? {
            Some(values) => OpKind::Const(values.into()),
            None => OpKind::Map(lowered.into()),
        };
        Ok((kind, Type::map(key, value)))
    }

    /// The entries when all are constants and the map has a value.
    fn constant_map(
        &self,
        entries: &[op::Entry],
        span: Span,
    ) -> Result<Option<Vec<(Value<'static>, Value<'static>)>>, CelError> {
        let mut values: Vec<(Value<'static>, Value<'static>)> = Vec::with_capacity(entries.len());
        for op::Entry { key, value, optional } in entries {
            let Some(key) = key.as_const() else { return Ok(None) };
            if values.iter().any(|(k, _)| same_key(k, key)) {
                self.report(CelErrorKind::DuplicateKey, span, || "map repeats a key".to_owned())?;
                return Ok(None);
            }
            let usable = matches!(key, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::String(_));
            match value.as_const() {
                Some(value) if usable && !optional => values.push((key.clone(), value.clone())),
                _ => return Ok(None),
            }
        }
        Ok(Some(values))
    }

    /// The type inside an optional type.
    fn inner(&mut self, of: &Type, span: Span) -> Result<Type, CelError> {
        match self.types.resolve(of) {
            Type::Optional(inner) => Ok((*inner).clone()),
            of if of.is_unknown() => Ok(Type::Dyn),
            of => {
                self.report(CelErrorKind::Type, span, || {
                    format!("`?` takes an optional value, this is {of}")
                })?;
                Ok(Type::Dyn)
            }
        }
    }

    // === errors ===

    fn report(
        &self,
        kind: CelErrorKind,
        span: Span,
        message: impl FnOnce() -> String,
    ) -> Result<(), CelError> {
        if self.strict { Err(CelError::new(kind, span, message(), self.source)) } else { Ok(()) }
    }

    fn warn(&mut self, kind: CelErrorKind, span: Span, message: String) {
        self.warnings.push(CelError::new(kind, span, message, self.source));
    }
}

fn literal_type(value: &Value<'_>) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Uint(_) => Type::Uint,
        Value::Double(_) => Type::Double,
        Value::String(_) => Type::String,
        Value::Bytes(_) => Type::Bytes,
        _ => Type::Dyn,
    }
}

fn suggest(message: String, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("{message}, did you mean `{near}`?"),
        None => message,
    }
}
