//! Calls: which function, which of its forms.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Checker, suggest};
use crate::cel::ast::Expr;
use crate::cel::environment::HostFunction;
use crate::cel::error::{CelError, CelErrorKind, EvalErrorKind, Span, nearest};
use crate::cel::functions::signature::{self, SIGNATURES, Signature};
use crate::cel::functions::{self, Function};
use crate::cel::macros;
use crate::cel::op::{Call, Callee, Op, OpKind, StepKind};
use crate::cel::types::Type;
use crate::cel::value::Value;

/// Parameters and result of one form of a function.
type Form = (Vec<Type>, Type);

impl Checker<'_> {
    /// Whether `name` can be called without a receiver.
    pub(super) fn is_function(&self, name: &str) -> bool {
        let built_in = signature::find(name).is_some_and(|s| s.overloads.iter().any(|o| !o.method));
        built_in || self.environment.host_function(name).is_some()
    }

    pub(super) fn global_call(
        &mut self,
        name: &Arc<str>,
        args: &[Expr],
        span: Span,
    ) -> Result<(OpKind, Type), CelError> {
        let (ops, types) = self.arguments(args)?;
        let found = self.environment.candidates(name, false).find(|c| self.is_function(c));
        let fail = |name| (OpKind::Fail(EvalErrorKind::UnknownFunction, Some(name)), Type::Dyn);
        let Some(found) = found else {
            if signature::find(name).is_some() {
                let message = || format!("`{name}` is called on a value: `value.{name}(...)`");
                self.report(CelErrorKind::UnknownFunction, span, message)?;
            } else {
                self.unknown_function(name, span)?;
            }
            return Ok(fail(Arc::clone(name)));
        };
        if let Some(signature) = signature::find(&found) {
            let of = self.built_in_form(signature, &types, false, span)?;
            let callee = self.callee(signature.function, types.len(), ops.last(), span)?;
            let args = arguments_for(&callee, ops);
            return Ok((OpKind::Call(Call { callee, args: args.into() }), of));
        }
        let Some(forms) = self.environment.host_function(&found) else { return Ok(fail(Arc::clone(name))) };
        let of = self.host_form(&found, forms, &types, span)?;
        let roots = forms.iter().try_fold(Vec::new(), |mut all, form| {
            all.extend(form.roots.as_ref()?.iter().cloned());
            Some(all)
        });
        let callee = Callee::Host(found.into(), roots.map(Into::into));
        Ok((OpKind::Call(Call { callee, args: ops.into() }), of))
    }

    pub(super) fn method_call(
        &mut self,
        name: &Arc<str>,
        receiver: &Type,
        args: &[Expr],
        span: Span,
    ) -> Result<(StepKind, Type), CelError> {
        let (mut ops, mut types) = self.arguments(args)?;
        let signature = signature::find(name).filter(|s| s.overloads.iter().any(|o| o.method));
        let Some(signature) = signature else {
            if self.is_function(name) {
                let message = || format!("`{name}` is not called on a value: `{name}(...)`");
                self.report(CelErrorKind::UnknownFunction, span, message)?;
            } else {
                self.unknown_function(name, span)?;
            }
            let call = Call { callee: Callee::Unknown(Arc::clone(name)), args: ops.into() };
            return Ok((StepKind::Call(call), Type::Dyn));
        };
        types.insert(0, receiver.clone());
        let of = self.built_in_form(signature, &types, true, span)?;
        let step = match (signature.function, ops.len()) {
            (Function::HasValue, 0) => StepKind::HasValue,
            (Function::ValueOf, 0) => StepKind::Value,
            (Function::Or | Function::OrValue, 1) => match ops.pop() {
                Some(other) if signature.function == Function::Or => StepKind::Or(other),
                Some(other) => StepKind::OrValue(other),
                None => StepKind::Value,
            },
            _ => {
                let callee = self.callee(signature.function, types.len(), ops.last(), span)?;
                let args = arguments_for(&callee, ops);
                StepKind::Call(Call { callee, args: args.into() })
            }
        };
        Ok((step, of))
    }

    /// A literal pattern is compiled here and now.
    fn callee(
        &self,
        function: Function,
        count: usize,
        last: Option<&Op>,
        span: Span,
    ) -> Result<Callee, CelError> {
        if let (Function::Matches, 2, Some(Value::String(text))) =
            (function, count, last.and_then(Op::as_const))
        {
            match functions::pattern(text) {
                Ok(regex) => return Ok(Callee::Pattern(regex)),
                Err(reason) => self.report(CelErrorKind::Pattern, span, || reason)?,
            }
        }
        Ok(Callee::Function(function))
    }

    fn arguments(&mut self, args: &[Expr]) -> Result<(Vec<Op>, Vec<Type>), CelError> {
        let (mut ops, mut types) = (Vec::with_capacity(args.len()), Vec::with_capacity(args.len()));
        for arg in args {
            let (op, of) = self.expr(arg)?;
            ops.push(op);
            types.push(of);
        }
        Ok((ops, types))
    }

    // === forms ===

    /// The result of a function of the language. With `method` the first of `types` is the receiver's.
    fn built_in_form(
        &mut self,
        signature: &Signature,
        types: &[Type],
        method: bool,
        span: Span,
    ) -> Result<Type, CelError> {
        // Any number of numbers.
        if matches!(signature.function, Function::Greatest | Function::Least) && types.len() > 2 {
            let types: Vec<_> = types.iter().map(|t| self.types.resolve(t)).collect();
            return match types.iter().position(|t| !(t.is_number() || t.is_unknown())) {
                Some(i) => {
                    let of = types.get(i).unwrap_or(&Type::Dyn);
                    let message =
                        || format!("argument {} of `{}` is {of}, not a number", i + 1, signature.name);
                    self.report(CelErrorKind::Type, span, message)?;
                    Ok(Type::Dyn)
                }
                None => {
                    Ok(types.first().filter(|t| types.iter().all(|o| o == *t)).cloned().unwrap_or(Type::Dyn))
                }
            };
        }
        let mut forms = Vec::new();
        for overload in signature.overloads.iter().filter(|o| o.method == method) {
            let (a, b) = (self.types.fresh(), self.types.fresh());
            let parameters = overload.parameters.iter().map(|p| p.instantiate(&a, &b)).collect();
            forms.push((parameters, overload.result.instantiate(&a, &b)));
        }
        self.form(signature.name, &forms, types, method, span)
    }

    fn host_form(
        &mut self,
        name: &str,
        functions: &[HostFunction],
        types: &[Type],
        span: Span,
    ) -> Result<Type, CelError> {
        let mut forms = Vec::new();
        for function in functions {
            let mut names = BTreeMap::new();
            let parameters = function.parameters.iter().map(|p| self.instantiate(p, &mut names)).collect();
            forms.push((parameters, self.instantiate(&function.result, &mut names)));
        }
        self.form(name, &forms, types, false, span)
    }

    /// A declared type with a variable for each of its parameters.
    fn instantiate(&mut self, of: &Type, names: &mut BTreeMap<Arc<str>, Type>) -> Type {
        match of {
            Type::Parameter(name) => {
                names.entry(Arc::clone(name)).or_insert_with(|| self.types.fresh()).clone()
            }
            Type::List(item) => Type::list(self.instantiate(item, names)),
            Type::Optional(inner) => Type::optional(self.instantiate(inner, names)),
            Type::Map(key, value) => Type::map(self.instantiate(key, names), self.instantiate(value, names)),
            Type::Opaque(name, parameters) => Type::Opaque(
                Arc::clone(name),
                parameters.iter().map(|p| self.instantiate(p, names)).collect(),
            ),
            other => other.clone(),
        }
    }

    /// The result of the forms that take these arguments: `dyn` when several do that differ in it.
    fn form(
        &mut self,
        name: &str,
        forms: &[Form],
        types: &[Type],
        method: bool,
        span: Span,
    ) -> Result<Type, CelError> {
        let mut result: Option<Type> = None;
        for (parameters, of) in forms {
            if parameters.len() != types.len() || !self.types.unify_all(types.iter().zip(parameters)) {
                continue;
            }
            let of = self.types.resolve(of);
            result = Some(match result {
                Some(known) if known != of => Type::Dyn,
                _ => of,
            });
        }
        match result {
            Some(of) => Ok(of),
            None => {
                let (kind, message) = self.no_form(name, forms, types, usize::from(method));
                self.report(kind, span, || message)?;
                Ok(Type::Dyn)
            }
        }
    }

    /// Why no form takes these arguments.
    fn no_form(
        &mut self,
        name: &str,
        forms: &[Form],
        types: &[Type],
        receiver: usize,
    ) -> (CelErrorKind, String) {
        let counts = || forms.iter().map(|(parameters, _)| parameters.len().saturating_sub(receiver));
        if !forms.iter().any(|(parameters, _)| parameters.len() == types.len()) {
            let (least, most) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
            let given = types.len().saturating_sub(receiver);
            return (CelErrorKind::ArgumentCount, count_message(name, least, most, given));
        }
        // The form that goes furthest is the one that was meant.
        let mut worst = 0;
        let mut expected: Vec<String> = Vec::new();
        for (parameters, _) in forms.iter().filter(|(p, _)| p.len() == types.len()) {
            let failed = types.iter().zip(parameters).position(|(of, p)| !self.types.unify(of, p));
            let Some(failed) = failed else { continue };
            if failed > worst {
                worst = failed;
                expected.clear();
            }
            let parameter =
                parameters.get(failed).map(|p| self.types.finish(p).to_string()).unwrap_or_default();
            if failed == worst && !expected.contains(&parameter) {
                expected.push(parameter);
            }
        }
        let of = types.get(worst).map_or(Type::Dyn, |of| self.types.finish(of));
        let message = match (worst + 1).checked_sub(receiver) {
            Some(n) if n > 0 => format!("argument {n} of `{name}` is {of}, not {}", expected.join(" or ")),
            _ => format!("`{name}` cannot be called on {of}"),
        };
        (CelErrorKind::Type, message)
    }

    pub(super) fn unknown_function(&self, name: &str, span: Span) -> Result<(), CelError> {
        if macros::NAMES.contains(&name) {
            let message = || format!("wrong arguments for the macro `{name}`");
            return self.report(CelErrorKind::ArgumentCount, span, message);
        }
        let names = SIGNATURES.iter().map(|s| s.name).chain(macros::NAMES);
        let candidates = names.chain(self.environment.function_names());
        self.report(CelErrorKind::UnknownFunction, span, || {
            suggest(format!("unknown function `{name}`"), nearest(name, candidates))
        })
    }
}

/// A compiled pattern is no longer an argument.
fn arguments_for(callee: &Callee, mut args: Vec<Op>) -> Vec<Op> {
    if matches!(callee, Callee::Pattern(_)) {
        args.pop();
    }
    args
}

fn count_message(name: &str, least: usize, most: usize, given: usize) -> String {
    let plural = if most == 1 { "" } else { "s" };
    if least == most {
        format!("`{name}` takes {least} argument{plural}, {given} given")
    } else {
        format!("`{name}` takes {least} to {most} arguments, {given} given")
    }
}
