//! Names and member paths.

use std::sync::Arc;

use super::{Checker, Typed, suggest};
use crate::cel::ast::{Expr, ExprKind, Step, StepKind};
use crate::cel::error::{CelError, CelErrorKind, EvalErrorKind, Span, nearest};
use crate::cel::functions::signature::SIGNATURES;
use crate::cel::op::{self, Op, OpKind};
use crate::cel::types::Type;
use crate::cel::value::Value;

/// The names of types, which are values.
const TYPE_NAMES: [&str; 15] = [
    "bool",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "list",
    "map",
    "null_type",
    "type",
    "optional_type",
    "google.protobuf.Timestamp",
    "google.protobuf.Duration",
    "net.IP",
    "net.CIDR",
];

/// What the beginning of a path means.
struct Root {
    op: Op,
    of: Type,
    /// How many steps it used up.
    taken: usize,
}

impl Checker<'_> {
    pub(super) fn path(&mut self, expr: &Expr) -> Typed {
        let (base, steps): (&Expr, &[Step]) = match &expr.kind {
            ExprKind::Path { base, steps } => (base, steps),
            _ => (expr, &[]),
        };
        let Root { op: mut root, mut of, taken } = match &base.kind {
            ExprKind::Ident { name, rooted } => self.name(name, *rooted, steps, base.span)?,
            _ => {
                let (op, of) = self.expr(base)?;
                Root { op, of, taken: 0 }
            }
        };
        let mut lowered = Vec::with_capacity(steps.len());
        for step in steps.iter().skip(taken) {
            let (kind, next) = self.step(step, &of, root.span)?;
            of = next;
            lowered.push(op::Step { kind, span: step.span });
        }
        if !lowered.is_empty() {
            root = Op { kind: OpKind::Path { base: Box::new(root), steps: lowered.into() }, span: expr.span };
        }
        Ok((root, of))
    }

    /// Resolves the beginning of a path: a macro's variable, a function in a namespace (`math.abs(x)`), a
    /// declared variable (the longest declared name with dots wins), or a type.
    fn name(&mut self, name: &Arc<str>, rooted: bool, steps: &[Step], span: Span) -> Result<Root, CelError> {
        if !rooted && let Some((op, of)) = self.local(name, span) {
            return Ok(Root { op, of, taken: 0 });
        }
        let mut dotted = name.to_string();
        let mut prefixes = vec![(dotted.clone(), span)];
        let mut end = span;
        for (i, step) in steps.iter().enumerate() {
            let (StepKind::Field(segment) | StepKind::Call { name: segment, .. }) = &step.kind else { break };
            dotted.push('.');
            dotted.push_str(segment);
            end = end.to(step.span);
            if let StepKind::Call { args, .. } = &step.kind {
                let function = self.environment.candidates(&dotted, rooted).find(|c| self.is_function(c));
                if let Some(function) = function {
                    let (kind, of) = self.global_call(&function.into(), args, end)?;
                    return Ok(Root { op: Op { kind, span: end }, of, taken: i + 1 });
                }
                break;
            }
            prefixes.push((dotted.clone(), end));
        }
        for (taken, (prefix, span)) in prefixes.iter().enumerate().rev() {
            for candidate in self.environment.candidates(prefix, rooted) {
                if let Some(of) = self.environment.variable_type(&candidate) {
                    let kind = OpKind::Variable(candidate.into());
                    return Ok(Root { op: Op { kind, span: *span }, of: of.clone(), taken });
                }
                if let Some(known) = TYPE_NAMES.iter().find(|t| **t == candidate) {
                    let kind = OpKind::Const(Value::Type(known));
                    return Ok(Root { op: Op { kind, span: *span }, of: Type::Type, taken });
                }
            }
        }
        if matches!(steps.get(prefixes.len() - 1), Some(Step { kind: StepKind::Call { .. }, .. }))
            && is_namespace(name)
        {
            self.unknown_function(&dotted, end)?;
        }
        let locals = self.frames.iter().flat_map(|f| f.names.iter().map(|b| &*b.name));
        let candidates = self.environment.variable_names().chain(locals);
        self.report(CelErrorKind::UnknownVariable, span, || {
            suggest(format!("unknown variable `{}`", readable(name)), nearest(name, candidates))
        })?;
        let kind = OpKind::Fail(EvalErrorKind::UnknownVariable, Some(Arc::clone(name)));
        Ok(Root { op: Op { kind, span }, of: Type::Dyn, taken: 0 })
    }

    fn local(&mut self, name: &Arc<str>, span: Span) -> Option<(Op, Type)> {
        let (depth, index, bound) = self.frames.iter().rev().enumerate().find_map(|(depth, frame)| {
            let index = frame.names.iter().rposition(|b| b.name == *name)?;
            Some((depth, index, frame.names.get(index)?))
        })?;
        self.reach = self.reach.max(self.level + bound.reach);
        let kind = OpKind::Local(u32::try_from(depth).ok()?, u32::try_from(index).ok()?);
        Some((Op { kind, span }, bound.of.clone()))
    }

    /// One step and the type after it.
    fn step(&mut self, step: &Step, of: &Type, receiver: Span) -> Result<(op::StepKind, Type), CelError> {
        let span = receiver.to(step.span);
        let of = self.types.resolve(of);
        let (within, optional) = match &of {
            Type::Optional(inner) => (self.types.resolve(inner), true),
            other => (other.clone(), false),
        };
        let wrap = |of: Type, wanted: bool| if wanted { Type::optional(of) } else { of };
        Ok(match &step.kind {
            StepKind::Field(name) => {
                let next = self.field(name, &within, step.span)?;
                (op::StepKind::Field(Arc::clone(name)), wrap(next, optional))
            }
            StepKind::OptionalField(name) => {
                let next = self.field(name, &within, step.span)?;
                (op::StepKind::OptionalField(Arc::clone(name)), Type::optional(next))
            }
            StepKind::Has(name) => {
                self.field(name, &within, step.span)?;
                (op::StepKind::Has(Arc::clone(name)), Type::Bool)
            }
            StepKind::Index(index) => {
                let (index, next) = self.index(index, &within)?;
                (op::StepKind::Index(index), wrap(next, optional))
            }
            StepKind::OptionalIndex(index) => {
                let (index, next) = self.index(index, &within)?;
                (op::StepKind::OptionalIndex(index), Type::optional(next))
            }
            StepKind::Call { name, args } => self.method_call(name, &of, args, span)?,
            StepKind::Macro(m) => {
                let (comprehension, next) = self.comprehension(m, &of, span)?;
                (op::StepKind::Macro(Box::new(comprehension)), next)
            }
            StepKind::OptionalMap { variable, body, flat } => {
                self.optional_map(variable, body, *flat, &of, span)?
            }
        })
    }

    fn field(&mut self, name: &Arc<str>, of: &Type, span: Span) -> Result<Type, CelError> {
        match of {
            of if of.is_unknown() => Ok(Type::Dyn),
            Type::Map(key, value) if self.types.unify(key, &Type::String) => Ok((**value).clone()),
            Type::Struct(fields) => match (fields.get(name), fields.others()) {
                (Some(field), _) => Ok(field.clone()),
                (None, Some(others)) => {
                    if let Some(near) = nearest(name, fields.names()) {
                        let message = format!("`{name}` is not a known field, did you mean `{near}`?");
                        self.warn(CelErrorKind::UnknownField, span, message);
                    }
                    Ok(others.clone())
                }
                (None, None) => {
                    let message =
                        || suggest(format!("unknown field `{name}`"), nearest(name, fields.names()));
                    self.report(CelErrorKind::UnknownField, span, message)?;
                    Ok(Type::Dyn)
                }
            },
            other => {
                let message = || format!("cannot read the field `{name}` of {other}");
                self.report(CelErrorKind::Type, span, message)?;
                Ok(Type::Dyn)
            }
        }
    }

    fn index(&mut self, index: &Expr, of: &Type) -> Typed {
        let (op, index_type) = self.expr(index)?;
        let index_type = self.types.resolve(&index_type);
        let name = match op.as_const() {
            Some(Value::String(name)) => Some(Arc::from(&**name)),
            _ => None,
        };
        let (fits, next) = match (of, &name) {
            (of, _) if of.is_unknown() => (true, Type::Dyn),
            (Type::List(item), _) => (index_type.is_number() || index_type.is_unknown(), (**item).clone()),
            (Type::Map(key, value), _) => {
                let key = self.types.resolve(key);
                let numbers = index_type.is_number() && key.is_number();
                (numbers || self.types.unify(&index_type, &key), (**value).clone())
            }
            (Type::Struct(_), Some(name)) => (true, self.field(name, of, index.span)?),
            (Type::Struct(_), None) => (index_type == Type::String || index_type.is_unknown(), Type::Dyn),
            _ => (false, Type::Dyn),
        };
        if !fits {
            let message = || format!("{of} cannot be indexed by {index_type}");
            self.report(CelErrorKind::Type, index.span, message)?;
        }
        Ok((op, next))
    }
}

/// Whether functions of the language begin with this name and a dot.
fn is_namespace(name: &str) -> bool {
    SIGNATURES.iter().any(|s| s.name.split_once('.').is_some_and(|(namespace, _)| namespace == name))
}

/// Names of `cel.block` are stored as nobody can write them.
fn readable(name: &str) -> String {
    match name.strip_prefix("@index:") {
        Some(index) => format!("cel.index({index})"),
        None => name.to_owned(),
    }
}
