//! Evaluation of what is known already, leaving a program for the rest.

use super::environment::DEFAULT_STEPS;
use super::error::{EvalErrorKind, Span};
use super::eval::Machine;
use super::op::{Callee, Op, OpKind, Step, StepKind};
use super::program::Variables;
use super::value::Value;

/// Most values and bytes of text in a constant that takes the place of an operation.
const MAX_CONSTANT: usize = 64 * 1024;

/// What is known.
pub(super) struct Known<'k> {
    pub(super) variables: &'k dyn Variables,
    pub(super) roots: &'k [&'k str],
    /// Whether functions of the caller may be called.
    pub(super) host: bool,
}

/// Nothing, for folding constants at load.
pub(super) struct Nothing;

impl Variables for Nothing {
    fn get(&self, _: &str) -> Option<Value<'_>> {
        None
    }
}

/// Operations whose evaluation failed, in the order of the text.
pub(super) type Failures = Vec<(EvalErrorKind, Span)>;

/// The same operation with everything evaluated that depends on nothing but what is known.
///
/// An operation that fails becomes one that fails in the same way, so that `||`, `&&`, `all` and `exists`
/// absorb it as before.
pub(super) fn fold(op: &Op, known: &Known<'_>, failures: &mut Failures) -> Op {
    Folder { known, failures }.fold(op)
}

struct Folder<'f, 'k> {
    known: &'f Known<'k>,
    failures: &'f mut Failures,
}

impl Folder<'_, '_> {
    fn fold(&mut self, op: &Op) -> Op {
        if let OpKind::Fast(_, general) = &op.kind {
            return self.fold(general);
        }
        if matches!(op.kind, OpKind::Const(_) | OpKind::Fail(..) | OpKind::Local(..)) {
            return op.clone();
        }
        if self.is_known(op)
            && let Some(folded) = self.evaluate(op)
        {
            return folded;
        }
        let mut op = self.prefix(op);
        op.children_mut(&mut |child| *child = self.fold(child));
        simplify(op)
    }

    /// Evaluates the beginning of a path where the rest has to wait.
    fn prefix(&mut self, op: &Op) -> Op {
        let OpKind::Path { base, steps } = &op.kind else { return op.clone() };
        if !self.is_known(base) {
            return op.clone();
        }
        let known = steps.iter().take_while(|step| {
            let mut known = !step.kind.calls_unknown(self.known);
            step.kind.children(&mut |child, bound| known = known && self.is_known_inside(child, bound));
            known
        });
        let (head, tail) = steps.split_at(known.count());
        let head = Op::new(OpKind::Path { base: base.clone(), steps: head.into() }, op.span);
        match self.evaluate(&head) {
            Some(folded) if matches!(folded.kind, OpKind::Fail(..)) => folded,
            Some(folded) => Op::new(OpKind::Path { base: Box::new(folded), steps: tail.into() }, op.span),
            None => op.clone(),
        }
    }

    fn evaluate(&mut self, op: &Op) -> Option<Op> {
        let outcome = Machine::new(self.known.variables, DEFAULT_STEPS).eval(op, None);
        match outcome {
            Ok(value) => {
                let mut left = MAX_CONSTANT;
                value.to_static(&mut left).map(|value| Op::constant(value, op.span))
            }
            // A budget is that of one evaluation.
            Err(failure) if !failure.absorbable() => None,
            Err(failure) => {
                self.failures.push((failure.kind(), failure.span()));
                Some(Op::new(OpKind::Fail(failure.kind(), failure.name().cloned()), failure.span()))
            }
        }
    }

    /// Whether the operation depends on nothing else, names of macros around included.
    fn is_known(&self, op: &Op) -> bool {
        self.is_known_inside(op, false)
    }

    /// The same for an operation `inside` of what binds names: these do not count.
    fn is_known_inside(&self, op: &Op, inside: bool) -> bool {
        depends_only_on_known(op, self.known, u32::from(inside))
    }
}

fn depends_only_on_known(op: &Op, known: &Known<'_>, inside: u32) -> bool {
    let here = match &op.kind {
        OpKind::Local(depth, _) => *depth < inside,
        OpKind::Variable(name) => known.has(name),
        OpKind::Call(call) => !call.callee.is_unknown(known),
        OpKind::Path { steps, .. } => !steps.iter().any(|step| step.kind.calls_unknown(known)),
        _ => true,
    };
    let mut all = here;
    op.children(&mut |child, bound| {
        all = all && depends_only_on_known(child, known, inside + u32::from(bound));
    });
    all
}

impl Known<'_> {
    fn has(&self, variable: &str) -> bool {
        let root = variable.split('.').next().unwrap_or(variable);
        self.roots.contains(&root)
    }
}

impl Callee {
    fn is_unknown(&self, known: &Known<'_>) -> bool {
        match self {
            Self::Host(_, Some(roots)) => !known.host || !roots.iter().all(|root| known.has(root)),
            Self::Host(_, None) => true,
            _ => false,
        }
    }
}

impl StepKind {
    fn calls_unknown(&self, known: &Known<'_>) -> bool {
        matches!(self, Self::Call(call) if call.callee.is_unknown(known))
    }
}

/// What is decided by operands that are known.
fn simplify(op: Op) -> Op {
    let span = op.span;
    match op.kind {
        OpKind::Logic { operands, decisive } => logic(operands.into_vec(), decisive, span),
        OpKind::Not { operand, odd } => match operand.kind {
            OpKind::Const(Value::Bool(b)) => Op::constant(Value::Bool(b != odd), span),
            OpKind::Fail(..) => *operand,
            _ => Op::new(OpKind::Not { operand, odd }, span),
        },
        OpKind::Conditional { arms, otherwise } => conditional(arms.into_vec(), *otherwise, span),
        OpKind::Path { base, .. } if matches!(base.kind, OpKind::Fail(..)) => *base,
        OpKind::Negate { operand, .. } if matches!(operand.kind, OpKind::Fail(..)) => *operand,
        OpKind::Chain { first, .. } if matches!(first.kind, OpKind::Fail(..)) => *first,
        kind => Op::new(kind, span),
    }
}

fn logic(operands: Vec<Op>, decisive: bool, span: Span) -> Op {
    let mut left = Vec::with_capacity(operands.len());
    for operand in operands {
        match operand.kind {
            OpKind::Const(Value::Bool(b)) if b == decisive => return Op::constant(Value::Bool(b), span),
            OpKind::Const(Value::Bool(_)) => {}
            OpKind::Const(_) => {
                left.push(Op::new(OpKind::Fail(EvalErrorKind::NoSuchOverload, None), operand.span));
            }
            _ => left.push(operand),
        }
    }
    if left.is_empty() {
        return Op::constant(Value::Bool(!decisive), span);
    }
    let fails = |op: &Op| matches!(op.kind, OpKind::Fail(..));
    if left.iter().all(fails) || (left.len() == 1 && left.first().is_some_and(is_boolean)) {
        left.truncate(1);
        if let Some(only) = left.pop() {
            return only;
        }
    }
    Op::new(OpKind::Logic { operands: left.into(), decisive }, span)
}

/// Whether the operation can only be a boolean or fail.
fn is_boolean(op: &Op) -> bool {
    use super::ast::BinaryOp::{Equal, Greater, GreaterEqual, In, Less, LessEqual, NotEqual};
    match &op.kind {
        OpKind::Logic { .. } | OpKind::Not { .. } => true,
        OpKind::Chain { rest, .. } => rest.last().is_some_and(|(op, _)| {
            matches!(op, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | In)
        }),
        OpKind::Path { steps, .. } => steps.last().is_some_and(|Step { kind, .. }| {
            use super::ast::MacroKind::{All, Exists, ExistsOne};
            match kind {
                StepKind::Has(_) => true,
                StepKind::Macro(m) => matches!(m.kind, All | Exists | ExistsOne),
                _ => false,
            }
        }),
        _ => false,
    }
}

fn conditional(arms: Vec<(Op, Op)>, mut otherwise: Op, span: Span) -> Op {
    let mut left = Vec::with_capacity(arms.len());
    for (condition, value) in arms {
        match condition.kind {
            OpKind::Const(Value::Bool(false)) => {}
            OpKind::Const(Value::Bool(true)) => {
                otherwise = value;
                break;
            }
            OpKind::Const(_) => {
                otherwise = Op::new(OpKind::Fail(EvalErrorKind::NoSuchOverload, None), condition.span);
                break;
            }
            OpKind::Fail(..) => {
                otherwise = condition;
                break;
            }
            _ => left.push((condition, value)),
        }
    }
    if left.is_empty() {
        return otherwise;
    }
    Op::new(OpKind::Conditional { arms: left.into(), otherwise: Box::new(otherwise) }, span)
}
