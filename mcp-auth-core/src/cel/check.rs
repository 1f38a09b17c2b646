//! From the tree to a program: resolves names, checks types, folds constant lists and maps.
//!
//! Types are reported only where they are known on both sides: a claim is `dyn` and may be anything.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ast::{BinaryOp, Expr, ExprKind, Link, Macro, MacroKind, Step, StepKind, Variables};
use super::error::{CelError, CelErrorKind, EvalErrorKind, Span, nearest};
use super::functions::{self, Function};
use super::program::{self, Call, Callee, Comprehension, Op, OpKind, Path};
use super::types::{Environment, Type};
use super::value::{Entries, Map, Shared, Value, same_key};

/// The names of types, which are values.
const TYPE_NAMES: [&str; 10] =
    ["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type"];

pub(super) struct Checked {
    pub(super) root: Op,
    pub(super) result: Type,
    pub(super) mentions: BTreeSet<Path>,
}

/// Not `strict`: what is wrong becomes an operation that fails when it is evaluated.
pub(super) fn check(
    tree: &Expr,
    source: &str,
    environment: &Environment,
    strict: bool,
) -> Result<Checked, CelError> {
    let mut checker = Checker { source, environment, strict, locals: Vec::new(), mentions: BTreeSet::new() };
    let (root, result) = checker.expr(tree)?;
    Ok(Checked { root, result, mentions: checker.mentions })
}

struct Checker<'c> {
    source: &'c str,
    environment: &'c Environment,
    strict: bool,
    /// Variables of the macros around, the innermost last.
    locals: Vec<(Arc<str>, Type)>,
    mentions: BTreeSet<Path>,
}

type Typed = Result<(Op, Type), CelError>;

impl Checker<'_> {
    fn expr(&mut self, expr: &Expr) -> Typed {
        let span = expr.span;
        let (kind, of) = match &expr.kind {
            ExprKind::Literal(value) => (OpKind::Const(value.clone()), literal_type(value)),
            ExprKind::Ident { .. } | ExprKind::Path { .. } => return self.path(expr),
            ExprKind::Call { name, args } => self.global_call(name, args, span)?,
            ExprKind::List(items) => self.list(items)?,
            ExprKind::Map(entries) => self.map(entries, span)?,
            ExprKind::Not { operand, odd } => {
                let operand = Box::new(self.boolean(operand)?);
                (OpKind::Not { operand, odd: *odd }, Type::Bool)
            }
            ExprKind::Negate { operand, odd } => {
                let (op, of) = self.expr(operand)?;
                if !matches!(of, Type::Int | Type::Double | Type::Dyn) {
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
                    of = of.join(&other);
                    lowered.push((condition, value));
                }
                (OpKind::Conditional { arms: lowered.into(), otherwise: Box::new(otherwise) }, of)
            }
        };
        Ok((Op { kind, span }, of))
    }

    // === operators ===

    fn boolean(&mut self, expr: &Expr) -> Result<Op, CelError> {
        let (op, of) = self.expr(expr)?;
        if !of.may_be(&Type::Bool) {
            self.report(CelErrorKind::Type, expr.span, || format!("expected a boolean, this is {of}"))?;
        }
        Ok(op)
    }

    fn logic(&mut self, items: &[Expr], decisive: bool) -> Result<(OpKind, Type), CelError> {
        let operands = items.iter().map(|e| self.boolean(e)).collect::<Result<_, _>>()?;
        Ok((OpKind::Logic { operands, decisive }, Type::Bool))
    }

    fn chain(&mut self, first: &Expr, rest: &[Link]) -> Result<(OpKind, Type), CelError> {
        let (op, mut left) = self.expr(first)?;
        let mut lowered = Vec::with_capacity(rest.len());
        for link in rest {
            let (operand, right) = self.expr(&link.operand)?;
            left = self.binary(link.op, left, right, first.span.to(link.operand.span))?;
            lowered.push((link.op, operand));
        }
        Ok((OpKind::Chain { first: Box::new(op), rest: lowered.into() }, left))
    }

    fn binary(&self, op: BinaryOp, left: Type, right: Type, span: Span) -> Result<Type, CelError> {
        use BinaryOp::{Add, Equal, In, Modulus, NotEqual};
        let unknown = left == Type::Dyn || right == Type::Dyn;
        match op {
            Equal | NotEqual => {
                if !left.may_equal(&right) {
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
            BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual => {
                let ordered = |t: &Type| {
                    t.is_number() || matches!(t, Type::Dyn | Type::Bool | Type::String | Type::Bytes)
                };
                if !(ordered(&left) && ordered(&right) && left.may_equal(&right)) {
                    self.overload(op, &left, &right, span)?;
                }
                Ok(Type::Bool)
            }
            _ => {
                let takes = |t: &Type| match t {
                    Type::Dyn | Type::Int | Type::Uint => true,
                    Type::Double => op != Modulus,
                    Type::String | Type::Bytes | Type::List(_) => op == Add,
                    _ => false,
                };
                if !(takes(&left) && takes(&right) && left.may_be(&right)) {
                    self.overload(op, &left, &right, span)?;
                }
                Ok(match (left, right) {
                    (Type::List(a), Type::List(b)) if a != b => Type::list(Type::Dyn),
                    (Type::Dyn, known) | (known, _) if !unknown => known,
                    _ => Type::Dyn,
                })
            }
        }
    }

    fn membership(&self, item: &Type, container: &Type, span: Span) -> Result<(), CelError> {
        let member = match container {
            Type::Dyn => return Ok(()),
            Type::List(of) => &**of,
            Type::Map(key, _) => &**key,
            Type::Struct(_) => &Type::String,
            other => {
                let message = || match other {
                    Type::String => "`in` looks into lists and maps, not strings: use `contains`".to_owned(),
                    other => format!("`in` looks into lists and maps, this is {other}"),
                };
                return self.report(CelErrorKind::Type, span, message);
            }
        };
        if item.may_equal(member) {
            return Ok(());
        }
        let message = || format!("`in` looks for {item} among {member}, which are never equal");
        self.report(CelErrorKind::NeverEqual, span, message)
    }

    fn overload(&self, op: BinaryOp, left: &Type, right: &Type, span: Span) -> Result<(), CelError> {
        self.report(CelErrorKind::Type, span, || format!("`{}` does not take {left} and {right}", op.text()))
    }

    // === lists and maps ===

    fn list(&mut self, items: &[Expr]) -> Result<(OpKind, Type), CelError> {
        let mut of = None;
        let mut lowered = Vec::with_capacity(items.len());
        for item in items {
            let (op, item) = self.expr(item)?;
            of = Some(of.map_or(item.clone(), |known: Type| known.join(&item)));
            lowered.push(op);
        }
        let constants: Option<Vec<_>> = lowered.iter().map(constant).collect();
        let kind = match constants {
            Some(values) => OpKind::Const(values.into()),
            None => OpKind::List(lowered.into()),
        };
        Ok((kind, Type::list(of.unwrap_or(Type::Dyn))))
    }

    fn map(&mut self, entries: &[(Expr, Expr)], span: Span) -> Result<(OpKind, Type), CelError> {
        let mut of: Option<(Type, Type)> = None;
        let mut lowered = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let at = key.span;
            let (key, key_type) = self.expr(key)?;
            let (value, value_type) = self.expr(value)?;
            if !matches!(key_type, Type::Dyn | Type::Bool | Type::Int | Type::Uint | Type::String) {
                self.report(CelErrorKind::Type, at, || format!("{key_type} cannot be the key of a map"))?;
            }
            of = Some(match of {
                Some((k, v)) => (k.join(&key_type), v.join(&value_type)),
                None => (key_type, value_type),
            });
            lowered.push((key, value));
        }
        let (key, value) = of.unwrap_or((Type::Dyn, Type::Dyn));
        let kind = match self.constant_map(&lowered, span)? {
            Some(values) => OpKind::Const(Value::Map(Map(Entries::Values(Shared::Owned(values.into()))))),
            None => OpKind::Map(lowered.into()),
        };
        Ok((kind, Type::map(key, value)))
    }

    /// The entries when all are constants and the map has a value.
    fn constant_map(
        &self,
        entries: &[(Op, Op)],
        span: Span,
    ) -> Result<Option<Vec<(Value<'static>, Value<'static>)>>, CelError> {
        let mut values: Vec<(Value<'static>, Value<'static>)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let Some(key) = constant(key) else { return Ok(None) };
            if values.iter().any(|(k, _)| same_key(k, &key)) {
                self.report(CelErrorKind::DuplicateKey, span, || "map repeats a key".to_owned())?;
                return Ok(None);
            }
            match constant(value) {
                Some(value)
                    if matches!(key, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::String(_)) =>
                {
                    values.push((key, value));
                }
                _ => return Ok(None),
            }
        }
        Ok(Some(values))
    }

    // === names and paths ===

    fn path(&mut self, expr: &Expr) -> Typed {
        let (base, steps): (&Expr, &[Step]) = match &expr.kind {
            ExprKind::Path { base, steps } => (base, steps),
            _ => (expr, &[]),
        };
        let mut known = Vec::new();
        let mut taken = 0;
        let (mut root, mut of) = match &base.kind {
            ExprKind::Ident { name, rooted } => {
                self.name(name, *rooted, steps, base.span, &mut known, &mut taken)?
            }
            _ => self.expr(base)?,
        };
        let mut lowered = Vec::with_capacity(steps.len());
        let mut open = !known.is_empty();
        for step in steps.iter().skip(taken) {
            let (kind, next, segment) = self.step(step, of, root.span)?;
            match segment {
                Some(segment) if open => known.push(segment),
                _ => open = false,
            }
            of = next;
            lowered.push(program::Step { kind, span: step.span });
        }
        if !known.is_empty() {
            self.mentions.insert(Path::new(known));
        }
        if !lowered.is_empty() {
            root = Op { kind: OpKind::Path { base: Box::new(root), steps: lowered.into() }, span: expr.span };
        }
        Ok((root, of))
    }

    /// Resolves the beginning of a path: a macro's variable, a declared variable (the longest declared name
    /// with dots wins), or a type. `known` gets its segments, `taken` the number of steps it used up.
    fn name(
        &mut self,
        name: &Arc<str>,
        rooted: bool,
        steps: &[Step],
        span: Span,
        known: &mut Vec<Arc<str>>,
        taken: &mut usize,
    ) -> Typed {
        let local = self.locals.iter().rev().enumerate().find(|(_, (n, _))| n == name && !rooted);
        if let Some((depth, (_, of))) = local {
            return Ok((Op { kind: OpKind::Local(depth), span }, of.clone()));
        }
        let fields = steps.iter().map_while(|s| match &s.kind {
            StepKind::Field(f) => Some((f, s.span)),
            _ => None,
        });
        let (mut dotted, mut end) = (name.to_string(), span);
        let mut best = self.environment.variable_type(name).map(|t| (Arc::clone(name), t, 0, span));
        for (i, (field, at)) in fields.enumerate() {
            dotted.push('.');
            dotted.push_str(field);
            end = end.to(at);
            if let Some(of) = self.environment.variable_type(&dotted) {
                best = Some((dotted.as_str().into(), of, i + 1, end));
            }
        }
        if let Some((found, of, used, span)) = best {
            *taken = used;
            known.extend(found.split('.').map(Arc::from));
            return Ok((Op { kind: OpKind::Variable(found), span }, of.clone()));
        }
        if let Some(known) = TYPE_NAMES.iter().find(|t| **t == &**name) {
            return Ok((Op { kind: OpKind::Const(Value::Type(known)), span }, Type::Type));
        }
        let locals = self.locals.iter().map(|(n, _)| &**n);
        let candidates = self.environment.variable_names().chain(locals);
        self.report(CelErrorKind::UnknownVariable, span, || {
            suggest(format!("unknown variable `{name}`"), nearest(name, candidates))
        })?;
        let kind = OpKind::Fail(EvalErrorKind::UnknownVariable, Arc::clone(name));
        Ok((Op { kind, span }, Type::Dyn))
    }

    /// One step, the type after it, and its name when it selects a fixed one.
    fn step(
        &mut self,
        step: &Step,
        of: Type,
        receiver: Span,
    ) -> Result<(program::StepKind, Type, Option<Arc<str>>), CelError> {
        let span = receiver.to(step.span);
        Ok(match &step.kind {
            StepKind::Field(name) => {
                let next = self.field(name, &of, step.span)?;
                (program::StepKind::Field(Arc::clone(name)), next, Some(Arc::clone(name)))
            }
            StepKind::Has(name) => {
                self.field(name, &of, step.span)?;
                (program::StepKind::Has(Arc::clone(name)), Type::Bool, Some(Arc::clone(name)))
            }
            StepKind::Index(index) => {
                let (op, index_type) = self.expr(index)?;
                let segment = match constant(&op) {
                    Some(Value::String(s)) => Some(Arc::from(&*s)),
                    _ => None,
                };
                let next = self.index(&of, &index_type, segment.as_ref(), index.span)?;
                (program::StepKind::Index(op), next, segment)
            }
            StepKind::Call { name, args } => {
                let (call, next) = self.method_call(name, of, args, span)?;
                (program::StepKind::Call(call), next, None)
            }
            StepKind::Macro(m) => {
                let (comprehension, next) = self.comprehension(m, &of, span)?;
                (program::StepKind::Macro(Box::new(comprehension)), next, None)
            }
        })
    }

    fn field(&self, name: &str, of: &Type, span: Span) -> Result<Type, CelError> {
        match of {
            Type::Dyn => Ok(Type::Dyn),
            Type::Map(key, value) if key.may_be(&Type::String) => Ok((**value).clone()),
            Type::Struct(fields) => match fields.get(name) {
                Some(field) => Ok(field.clone()),
                None => {
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

    fn index(&self, of: &Type, index: &Type, name: Option<&Arc<str>>, span: Span) -> Result<Type, CelError> {
        let (fits, next) = match (of, name) {
            (Type::Dyn, _) => (true, Type::Dyn),
            (Type::List(item), _) => (index.is_number() || *index == Type::Dyn, (**item).clone()),
            (Type::Map(key, value), _) => (index.may_equal(key), (**value).clone()),
            (Type::Struct(_), Some(name)) => (true, self.field(name, of, span)?),
            (Type::Struct(_), None) => (index.may_be(&Type::String), Type::Dyn),
            _ => (false, Type::Dyn),
        };
        if !fits {
            self.report(CelErrorKind::Type, span, || format!("{of} cannot be indexed by {index}"))?;
        }
        Ok(next)
    }

    // === calls ===

    fn global_call(
        &mut self,
        name: &Arc<str>,
        args: &[Expr],
        span: Span,
    ) -> Result<(OpKind, Type), CelError> {
        let (ops, types) = self.arguments(args)?;
        match Function::named(name) {
            Some(function) if function.signature().global => {
                let (call, of) = self.builtin(function, name, ops, &types, span)?;
                Ok((OpKind::Call(call), of))
            }
            Some(_) => {
                let message = || format!("`{name}` is called on a value: `value.{name}(...)`");
                self.report(CelErrorKind::UnknownFunction, span, message)?;
                Ok((OpKind::Fail(EvalErrorKind::UnknownFunction, Arc::clone(name)), Type::Dyn))
            }
            None => self.host_call(name, ops, &types, span),
        }
    }

    fn host_call(
        &self,
        name: &Arc<str>,
        args: Vec<Op>,
        types: &[Type],
        span: Span,
    ) -> Result<(OpKind, Type), CelError> {
        let Some(function) = self.environment.host_function(name) else {
            self.unknown_function(name, span)?;
            return Ok((OpKind::Fail(EvalErrorKind::UnknownFunction, Arc::clone(name)), Type::Dyn));
        };
        let wanted = function.parameters.len();
        if wanted != types.len() {
            self.report(CelErrorKind::ArgumentCount, span, || {
                count_message(name, wanted, wanted, types.len())
            })?;
        }
        for (i, (parameter, of)) in function.parameters.iter().zip(types).enumerate() {
            if !of.may_be(parameter) {
                let message = || format!("argument {} of `{name}` is {of}, not {parameter}", i + 1);
                self.report(CelErrorKind::Type, span, message)?;
            }
        }
        let call = Call { callee: Callee::Host(Arc::clone(name)), args: args.into() };
        Ok((OpKind::Call(call), function.result.clone()))
    }

    fn method_call(
        &mut self,
        name: &Arc<str>,
        receiver: Type,
        args: &[Expr],
        span: Span,
    ) -> Result<(Call, Type), CelError> {
        let (ops, mut types) = self.arguments(args)?;
        if let Some(function) = Function::named(name).filter(|f| f.signature().method) {
            types.insert(0, receiver);
            return self.builtin(function, name, ops, &types, span);
        }
        self.unknown_function(name, span)?;
        Ok((Call { callee: Callee::Unknown(Arc::clone(name)), args: ops.into() }, Type::Dyn))
    }

    /// `types` holds the receiver as well, `args` does not.
    fn builtin(
        &self,
        function: Function,
        name: &str,
        mut args: Vec<Op>,
        types: &[Type],
        span: Span,
    ) -> Result<(Call, Type), CelError> {
        let signature = function.signature();
        let receiver = types.len() - args.len();
        let most = signature.parameters.len();
        if types.len() < signature.required || types.len() > most {
            let message = || {
                count_message(name, signature.required - receiver, most - receiver, types.len() - receiver)
            };
            self.report(CelErrorKind::ArgumentCount, span, message)?;
        }
        for (i, (parameter, of)) in signature.parameters.iter().zip(types).enumerate() {
            if !parameter.accepts(of) {
                let message = || match (i + 1).checked_sub(receiver) {
                    Some(n) if n > 0 => format!("argument {n} of `{name}` cannot be {of}"),
                    _ => format!("`{name}` cannot be called on {of}"),
                };
                self.report(CelErrorKind::Type, span, message)?;
            }
        }
        let mut callee = Callee::Function(function);
        if let (Function::Matches, 2, Some(Value::String(text))) =
            (function, types.len(), args.last().and_then(constant))
        {
            match functions::pattern(&text) {
                Some(regex) => {
                    args.pop();
                    callee = Callee::Pattern(regex);
                }
                None => {
                    let message = || "regular expression is malformed or too large".to_owned();
                    self.report(CelErrorKind::Pattern, span, message)?;
                }
            }
        }
        Ok((Call { callee, args: args.into() }, signature.result))
    }

    fn arguments(&mut self, args: &[Expr]) -> Result<(Vec<Op>, Vec<Type>), CelError> {
        args.iter()
            .map(|a| self.expr(a))
            .collect::<Result<Vec<_>, _>>()
            .map(|typed| typed.into_iter().unzip())
    }

    fn unknown_function(&self, name: &str, span: Span) -> Result<(), CelError> {
        if matches!(name, "timestamp" | "duration") {
            let message = || format!("`{name}` is not supported: there are no timestamps and durations yet");
            return self.report(CelErrorKind::Unsupported, span, message);
        }
        let macros = ["has", "all", "exists", "exists_one", "filter", "map"];
        if macros.contains(&name) {
            let message = || format!("wrong arguments for the macro `{name}`");
            return self.report(CelErrorKind::ArgumentCount, span, message);
        }
        let names = functions::NAMES.iter().map(|(n, _)| *n).chain(macros);
        let candidates = names.chain(self.environment.function_names());
        self.report(CelErrorKind::UnknownFunction, span, || {
            suggest(format!("unknown function `{name}`"), nearest(name, candidates))
        })
    }

    fn comprehension(
        &mut self,
        m: &Macro,
        range: &Type,
        span: Span,
    ) -> Result<(Comprehension, Type), CelError> {
        let (first, second) = match range {
            Type::Dyn => (Type::Dyn, Type::Dyn),
            Type::List(item) => (Type::Int, (**item).clone()),
            Type::Map(key, value) => ((**key).clone(), (**value).clone()),
            other => {
                let message = || format!("a macro goes over lists and maps, this is {other}");
                self.report(CelErrorKind::Type, span, message)?;
                (Type::Dyn, Type::Dyn)
            }
        };
        let outside = self.locals.len();
        let two = match &m.variables {
            Variables::One(name) => {
                let of = if matches!(range, Type::List(_)) { second.clone() } else { first.clone() };
                self.locals.push((Arc::clone(name), of));
                false
            }
            Variables::Two(a, b) => {
                self.locals.extend([(Arc::clone(a), first.clone()), (Arc::clone(b), second.clone())]);
                true
            }
        };
        let condition = m.condition.as_ref().map(|c| self.boolean(c)).transpose()?;
        let result = m.result.as_ref().map(|r| self.expr(r)).transpose()?;
        self.locals.truncate(outside);
        let (result, result_type) = result.unzip();
        let of = match m.kind {
            MacroKind::All | MacroKind::Exists | MacroKind::ExistsOne => Type::Bool,
            MacroKind::Filter if matches!(range, Type::List(_)) => Type::list(second),
            MacroKind::Filter => Type::list(first),
            MacroKind::Map => Type::list(result_type.unwrap_or(Type::Dyn)),
            MacroKind::TransformMap => Type::map(first, result_type.unwrap_or(Type::Dyn)),
        };
        Ok((Comprehension { kind: m.kind, two, condition, result }, of))
    }

    fn report(
        &self,
        kind: CelErrorKind,
        span: Span,
        message: impl FnOnce() -> String,
    ) -> Result<(), CelError> {
        if self.strict { Err(CelError::new(kind, span, message(), self.source)) } else { Ok(()) }
    }
}

fn constant(op: &Op) -> Option<Value<'static>> {
    match &op.kind {
        OpKind::Const(value) => Some(value.clone()),
        _ => None,
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

fn count_message(name: &str, least: usize, most: usize, given: usize) -> String {
    let plural = if most == 1 { "" } else { "s" };
    if least == most {
        format!("`{name}` takes {least} argument{plural}, {given} given")
    } else {
        format!("`{name}` takes {least} to {most} arguments, {given} given")
    }
}
