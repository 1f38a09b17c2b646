//! Which operations have a shortcut.

use std::sync::Arc;

use super::{Fast, Number, StaticPath, TextTest, Texts};
use crate::cel::ast::{BinaryOp, MacroKind};
use crate::cel::environment::Numbers;
use crate::cel::functions::Function;
use crate::cel::op::{Call, Callee, Comprehension, Op, OpKind, StepKind};
use crate::cel::value::{Items, List, Shared, Value};

/// Puts shortcuts in front of the shapes that have one.
pub(in crate::cel) fn specialize(op: &mut Op, numbers: &Numbers) {
    op.children_mut(&mut |child| specialize(child, numbers));
    if let OpKind::Logic { operands, decisive } = &mut op.kind {
        if !*decisive {
            *operands = join_guards(std::mem::take(operands));
        }
        // The operands of `||` and `&&` may be evaluated in any order: the cheap ones first.
        operands.sort_by_key(price);
    }
    if let Some(mut fast) = shortcut(op) {
        fast.path_mut().look_up(numbers);
        let span = op.span;
        let general = std::mem::replace(op, Op::constant(Value::Null, span));
        op.kind = OpKind::Fast(Box::new(fast), Box::new(general));
    }
}

/// In which order operands are evaluated.
fn price(op: &Op) -> u8 {
    let OpKind::Fast(fast, _) = &op.kind else { return 3 };
    match &**fast {
        Fast::Member { .. } | Fast::Matches { .. } => 2,
        fast if matches!(fast.path().number, Number::Text(_)) => 0,
        _ => 1,
    }
}

/// `has(p) && test(p)` is `test(p)` wherever the shortcut of the test applies, because `p` is there then.
fn join_guards(operands: Box<[Op]>) -> Box<[Op]> {
    let mut joined: Vec<Op> = Vec::with_capacity(operands.len());
    for operand in operands {
        let guarded = match (joined.last().map(|op| &op.kind), &operand.kind) {
            (Some(OpKind::Fast(guard, _)), OpKind::Fast(test, _)) => match (&**guard, &**test) {
                (Fast::Has { path }, test) => path.same(test.path()),
                _ => false,
            },
            _ => false,
        };
        let guard = if guarded { joined.pop() } else { None };
        joined.push(match (guard, operand) {
            (Some(guard), Op { kind: OpKind::Fast(test, general), span }) => {
                let both = OpKind::Logic { operands: [guard, *general].into(), decisive: false };
                Op::new(OpKind::Fast(test, Box::new(Op::new(both, span))), span)
            }
            (_, operand) => operand,
        });
    }
    joined.into()
}

fn shortcut(op: &Op) -> Option<Fast> {
    match &op.kind {
        OpKind::Chain { first, rest } => match &**rest {
            [(BinaryOp::In, container)] => membership(first, container),
            [(BinaryOp::Equal, other)] => equality(first, other, true),
            [(BinaryOp::NotEqual, other)] => equality(first, other, false),
            _ => None,
        },
        OpKind::Path { base, steps } => {
            let (last, before) = steps.split_last()?;
            last_step(StaticPath::from_parts(base, before)?, &last.kind)
        }
        _ => None,
    }
}

fn equality(a: &Op, b: &Op, equal: bool) -> Option<Fast> {
    let (path, literal) = match (a.as_const(), b.as_const()) {
        (None, Some(literal)) => (StaticPath::of(a)?, literal),
        (Some(literal), None) => (StaticPath::of(b)?, literal),
        _ => return None,
    };
    Some(Fast::Equal { path, text: text(literal)?, equal })
}

fn membership(item: &Op, container: &Op) -> Option<Fast> {
    match (item.as_const(), container.as_const()) {
        (Some(item), None) => {
            Some(Fast::Member { path: StaticPath::of(container)?, texts: Texts::new(vec![text(item)?]) })
        }
        (None, Some(list)) => Some(Fast::OneOf { path: StaticPath::of(item)?, texts: texts(list)? }),
        _ => None,
    }
}

fn last_step(path: StaticPath, step: &StepKind) -> Option<Fast> {
    match step {
        StepKind::Has(name) => {
            let fields = path.fields.iter().chain([name]).cloned().collect();
            Some(Fast::Has { path: StaticPath { fields, ..path } })
        }
        StepKind::Call(Call { callee: Callee::Pattern(pattern), args }) if args.is_empty() => {
            Some(Fast::Matches { path, pattern: pattern.clone() })
        }
        StepKind::Call(Call { callee: Callee::Function(function), args }) => {
            let test = match function {
                Function::StartsWith => TextTest::StartsWith,
                Function::EndsWith => TextTest::EndsWith,
                Function::Contains => TextTest::Contains,
                _ => return None,
            };
            match &**args {
                [literal] => Some(Fast::Text { path, test, text: text(literal.as_const()?)? }),
                _ => None,
            }
        }
        StepKind::Macro(m) => Some(Fast::Member { path, texts: exists_one_of(m)? }),
        _ => None,
    }
}

/// The literals of `exists(x, x == "a")` and `exists(x, x in ["a", "b"])`.
fn exists_one_of(m: &Comprehension) -> Option<Texts> {
    if m.kind != MacroKind::Exists || m.two {
        return None;
    }
    let OpKind::Chain { first, rest } = &m.condition.as_ref()?.kind else { return None };
    let item = |op: &Op| matches!(op.kind, OpKind::Local(0, 0));
    match &**rest {
        [(BinaryOp::Equal, other)] if item(first) => Some(Texts::new(vec![text(other.as_const()?)?])),
        [(BinaryOp::Equal, other)] if item(other) => Some(Texts::new(vec![text(first.as_const()?)?])),
        [(BinaryOp::In, list)] if item(first) => texts(list.as_const()?),
        _ => None,
    }
}

fn text(value: &Value<'static>) -> Option<Arc<str>> {
    match value {
        Value::String(Shared::Owned(text)) => Some(Arc::clone(text)),
        Value::String(Shared::Borrowed(text)) => Some((*text).into()),
        _ => None,
    }
}

fn texts(list: &Value<'static>) -> Option<Texts> {
    let Value::List(List(Items::Values(values))) = list else { return None };
    values.iter().map(text).collect::<Option<Vec<_>>>().map(Texts::new)
}
