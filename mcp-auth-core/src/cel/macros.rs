//! Calls that are not calls: macros by name and number of arguments.

use std::sync::Arc;

use super::ast::{Expr, ExprKind, Macro, MacroKind, StepKind, Variables};
use super::error::Span;
use super::value::Value;

/// Where and why a macro was refused.
pub(super) type Refused = (Span, String);

/// Names of all macros, for suggestions.
pub(super) const NAMES: [&str; 12] = [
    "has",
    "all",
    "exists",
    "exists_one",
    "existsOne",
    "filter",
    "map",
    "transformList",
    "transformMap",
    "transformMapEntry",
    "optMap",
    "optFlatMap",
];

/// What `.name(args)` is: a macro or a method.
pub(super) fn method(name: Arc<str>, args: Vec<Expr>, span: Span) -> Result<StepKind, Refused> {
    if let ("optMap" | "optFlatMap", 2) = (&*name, args.len()) {
        let flat = &*name == "optFlatMap";
        let mut args = args.into_iter();
        let variable = variable(args.next(), span)?;
        let Some(body) = args.next().map(Box::new) else { return Err((span, String::new())) };
        return Ok(StepKind::OptionalMap { variable, body, flat });
    }
    match kind(&name, args.len()) {
        Some((kind, two)) => comprehension(kind, two, args, span),
        None => Ok(StepKind::Call { name, args }),
    }
}

/// Whether calls on this may be macros: the name `cel`.
pub(super) fn is_namespace(base: &Expr) -> bool {
    matches!(&base.kind, ExprKind::Ident { name, rooted: false } if &**name == "cel")
}

/// What `cel.name(args)` is, when it is a macro.
pub(super) fn namespaced(name: &str, args: &[Expr], span: Span) -> Result<Option<ExprKind>, Refused> {
    let ident = |name: String| Some(ExprKind::Ident { name: name.into(), rooted: false });
    Ok(match (name, args) {
        ("bind", [first, value, body]) => Some(ExprKind::Let {
            names: vec![variable(Some(first.clone()), span)?],
            values: vec![value.clone()],
            body: Box::new(body.clone()),
        }),
        ("block", [Expr { kind: ExprKind::List(items), .. }, body]) if items.iter().all(|i| !i.optional) => {
            Some(ExprKind::Let {
                names: (0..items.len()).map(|i| index_name(i as u64).into()).collect(),
                values: items.iter().map(|item| item.value.clone()).collect(),
                body: Box::new(body.clone()),
            })
        }
        ("block", _) => return Err((span, "`cel.block` takes a list of values and a result".to_owned())),
        ("index", [index]) => match number(index) {
            Some(index) => ident(index_name(index)),
            None => return Err((span, "`cel.index` takes a number such as `cel.index(0)`".to_owned())),
        },
        ("iterVar" | "accuVar", [depth, unique]) => match (number(depth), number(unique)) {
            (Some(depth), Some(unique)) => ident(format!("@{name}:{depth}:{unique}")),
            _ => return Err((span, format!("`cel.{name}` takes two numbers"))),
        },
        _ => None,
    })
}

/// No name that can be written begins with `@`.
fn index_name(index: u64) -> String {
    format!("@index:{index}")
}

fn number(expr: &Expr) -> Option<u64> {
    match &expr.kind {
        ExprKind::Literal(Value::Int(n)) => u64::try_from(*n).ok(),
        _ => None,
    }
}

/// The macro of this name and number of arguments, and whether it names two variables.
fn kind(name: &str, args: usize) -> Option<(MacroKind, bool)> {
    Some(match (name, args) {
        ("all", 2 | 3) => (MacroKind::All, args == 3),
        ("exists", 2 | 3) => (MacroKind::Exists, args == 3),
        ("exists_one" | "existsOne", 2 | 3) => (MacroKind::ExistsOne, args == 3),
        ("filter", 2) => (MacroKind::Filter, false),
        ("map", 2 | 3) => (MacroKind::Map, false),
        ("transformList", 3 | 4) => (MacroKind::Map, true),
        ("transformMap", 3 | 4) => (MacroKind::TransformMap, true),
        ("transformMapEntry", 3 | 4) => (MacroKind::TransformMapEntry, true),
        _ => return None,
    })
}

fn comprehension(kind: MacroKind, two: bool, args: Vec<Expr>, span: Span) -> Result<StepKind, Refused> {
    let mut args = args.into_iter();
    let first = variable(args.next(), span)?;
    let variables =
        if two { Variables::Two(first, variable(args.next(), span)?) } else { Variables::One(first) };
    if matches!(&variables, Variables::Two(a, b) if a == b) {
        return Err((span, "the two variables of a macro must differ".to_owned()));
    }
    let (condition, result) = match (kind, args.next(), args.next()) {
        (MacroKind::Map | MacroKind::TransformMap | MacroKind::TransformMapEntry, result, None) => {
            (None, result)
        }
        (_, condition, result) => (condition, result),
    };
    Ok(StepKind::Macro(Box::new(Macro { kind, variables, condition, result })))
}

fn variable(expr: Option<Expr>, span: Span) -> Result<Arc<str>, Refused> {
    match expr {
        Some(Expr { kind: ExprKind::Ident { name, rooted: false }, .. }) => Ok(name),
        other => {
            let span = other.map_or(span, |e| e.span);
            Err((span, "expected the name of a variable for the macro".to_owned()))
        }
    }
}
