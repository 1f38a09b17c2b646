//! An evaluation as a tree: what was evaluated to what.

use super::ast::BinaryOp;
use super::environment::DEFAULT_STEPS;
use super::error::{EvalError, Span};
use super::eval::Machine;
use super::op::{Op, OpKind};
use super::program::Program;
use super::program::Variables;
use super::value::Value;

/// One part of an expression, what it was evaluated to, and why.
///
/// Parts that were not evaluated, because an earlier one decided, are not in the tree. `Debug` shows no values.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation<'a> {
    /// Where the part stands in [`Program::source`].
    pub span: Span,
    /// Its value, or why it has none.
    pub outcome: Result<Value<'a>, EvalError>,
    /// The parts that its value comes from, in the order of the text; without literals.
    pub parts: Vec<Explanation<'a>>,
}

impl Program {
    /// Evaluates like [`evaluate`](Self::evaluate) and tells how the outcome came about: through `||`, `&&`, `!`,
    /// `? :` and comparisons down to what was read.
    ///
    /// Slower than an evaluation, for a person who asks. A value may be a claim: who shows it decides whether it
    /// may be seen.
    pub fn explain<'a>(&'a self, variables: &'a dyn Variables) -> Explanation<'a> {
        explain(variables, self.root())
    }
}

/// Every part has the steps of an evaluation for itself, or looking at the parts would exceed what the whole has.
fn explain<'a>(variables: &'a dyn Variables, op: &'a Op) -> Explanation<'a> {
    let op = general(op);
    let mut parts = Vec::new();
    let mut add = |part: &'a Op| {
        let part = explain(variables, part);
        let truth = part.outcome.as_ref().ok().and_then(Value::as_bool);
        parts.push(part);
        truth
    };
    match &op.kind {
        OpKind::Logic { operands, decisive } => {
            // As a person reads it, whatever order is fastest.
            let mut operands: Vec<_> = operands.iter().flat_map(joined).collect();
            operands.sort_by_key(|operand| operand.span.start());
            for operand in operands {
                if add(operand) == Some(*decisive) {
                    break;
                }
            }
        }
        OpKind::Not { operand, .. } => {
            add(operand);
        }
        OpKind::Conditional { arms, otherwise } => {
            let mut taken = Some(&**otherwise);
            for (condition, value) in arms {
                match add(condition) {
                    Some(false) => continue,
                    Some(true) => taken = Some(value),
                    None => taken = None,
                }
                break;
            }
            if let Some(value) = taken {
                add(value);
            }
        }
        OpKind::Chain { first, rest } if rest.iter().all(|(op, _)| compares(*op)) => {
            for operand in std::iter::once(&**first).chain(rest.iter().map(|(_, operand)| operand)) {
                if operand.as_const().is_none() {
                    add(operand);
                }
            }
        }
        _ => {}
    }
    let outcome = Machine::new(variables, DEFAULT_STEPS).eval(op, None).map_err(EvalError::from);
    Explanation { span: op.span, outcome, parts }
}

/// The operands that share a shortcut, such as `has(p)` and a test of `p`; most stand alone.
fn joined(op: &Op) -> &[Op] {
    match &op.kind {
        OpKind::Fast(_, general) => match &general.kind {
            OpKind::Logic { operands, .. } => operands,
            _ => std::slice::from_ref(op),
        },
        _ => std::slice::from_ref(op),
    }
}

/// The operation behind a shortcut.
fn general(op: &Op) -> &Op {
    match &op.kind {
        OpKind::Fast(_, general) => general,
        _ => op,
    }
}

fn compares(op: BinaryOp) -> bool {
    use BinaryOp::{Equal, Greater, GreaterEqual, In, Less, LessEqual, NotEqual};
    matches!(op, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | In)
}
