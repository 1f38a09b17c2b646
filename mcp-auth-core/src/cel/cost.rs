//! How many steps an evaluation may take, before it is made.

use super::ast::{BinaryOp, MacroKind};
use super::error::Span;
use super::eval::{HOST_STEPS, PATTERN_STEPS};
use super::functions::Function;
use super::op::{Call, Callee, Op, OpKind, Step, StepKind};
use super::value::Value;

/// Items that a list or map is taken to have when that is not known before evaluation.
pub const ASSUMED_ITEMS: u64 = 100;
/// Steps that reading a text of unknown length is taken to cost.
const ASSUMED_TEXT: u64 = 4;

/// Number of operations of straight code: rounds of macros count on their own.
pub(super) fn weight(op: &Op) -> u64 {
    let mut total = 1;
    let mut add = |child: &Op, _| total += weight(child);
    match &op.kind {
        OpKind::Path { base, steps } => {
            add(base, false);
            let straight = steps.iter().filter(|step| !matches!(step.kind, StepKind::Macro(_)));
            straight.for_each(|step| step.kind.children(&mut add));
        }
        _ => op.children(&mut add),
    }
    total
}

/// An estimate of one operation.
#[derive(Clone, Copy)]
struct Estimate {
    steps: u64,
    /// Items of the value, when it is a list or map.
    items: u64,
}

/// The most expensive macro, to point at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worst {
    pub(super) steps: u64,
    pub(super) span: Span,
}

/// Most steps that `op` takes where lists of unknown size have [`ASSUMED_ITEMS`], and its dearest macro.
pub(super) fn estimate(op: &Op) -> (u64, Option<Worst>) {
    let mut estimator = Estimator { frames: Vec::new(), worst: None };
    let steps = estimator.op(op).steps;
    (steps, estimator.worst)
}

struct Estimator {
    /// Items of what the names of the macros around stand for.
    frames: Vec<Vec<u64>>,
    worst: Option<Worst>,
}

impl Estimator {
    fn op(&mut self, op: &Op) -> Estimate {
        let unknown = |steps: u64| Estimate { steps, items: ASSUMED_ITEMS };
        match &op.kind {
            OpKind::Const(value) => Estimate { steps: 1, items: items(value) },
            OpKind::Variable(_) | OpKind::Fail(..) => unknown(1),
            OpKind::Local(depth, index) => {
                let frame = self.frames.iter().rev().nth(*depth as usize);
                let known = frame.and_then(|frame| frame.get(*index as usize)).copied();
                Estimate { steps: 1, items: known.unwrap_or(ASSUMED_ITEMS) }
            }
            OpKind::Path { base, steps } => {
                steps.iter().fold(self.op(base), |reached, step| self.step(step, reached))
            }
            OpKind::List(list) => {
                let steps = self.sum(list.iter().map(|item| &item.value));
                Estimate { steps, items: list.len() as u64 }
            }
            OpKind::Map(entries) => {
                let count = entries.len() as u64;
                let steps = self.sum(entries.iter().flat_map(|e| [&e.key, &e.value]));
                Estimate { steps: steps.saturating_add(count.saturating_mul(count) / 8), items: count }
            }
            OpKind::Let { values, body } => {
                self.frames.push(Vec::new());
                let mut steps = 1_u64;
                for value in values {
                    let estimate = self.op(value);
                    steps = steps.saturating_add(estimate.steps);
                    if let Some(frame) = self.frames.last_mut() {
                        frame.push(estimate.items);
                    }
                }
                let body = self.op(body);
                self.frames.pop();
                Estimate { steps: steps.saturating_add(body.steps), items: body.items }
            }
            OpKind::Not { operand, .. } | OpKind::Negate { operand, .. } => self.op(operand).plus(1),
            OpKind::Logic { operands, .. } => unknown(self.sum(operands)),
            OpKind::Chain { first, rest } => {
                let mut total = self.op(first);
                for (op, operand) in rest {
                    let operand = self.op(operand);
                    let (extra, items) = match op {
                        BinaryOp::In => (operand.items, 0),
                        BinaryOp::Add => (ASSUMED_TEXT, total.items.saturating_add(operand.items)),
                        _ => (ASSUMED_TEXT, ASSUMED_ITEMS),
                    };
                    total = Estimate { steps: total.plus(operand.steps).plus(extra).steps, items };
                }
                total
            }
            OpKind::Conditional { arms, otherwise } => {
                let mut total = self.op(otherwise);
                for (condition, value) in arms {
                    let (condition, value) = (self.op(condition), self.op(value));
                    total = total.plus(condition.steps).plus(value.steps);
                    total.items = total.items.max(value.items);
                }
                total
            }
            OpKind::Call(call) => self.call(call, None),
            OpKind::Fast(_, general) => self.op(general),
        }
    }

    fn step(&mut self, step: &Step, reached: Estimate) -> Estimate {
        let next = |steps: u64| Estimate { steps, items: ASSUMED_ITEMS };
        match &step.kind {
            StepKind::Field(_) | StepKind::OptionalField(_) | StepKind::Has(_) => next(reached.plus(1).steps),
            StepKind::HasValue | StepKind::Value => reached.plus(1),
            StepKind::Index(op) | StepKind::OptionalIndex(op) => {
                let index = self.op(op).steps;
                next(reached.plus(index).plus(1 + reached.items / 16).steps)
            }
            StepKind::Or(op) | StepKind::OrValue(op) => {
                let other = self.op(op);
                let total = reached.plus(other.steps);
                Estimate { items: reached.items.max(other.items), ..total }
            }
            StepKind::OptionalMap { body, .. } => {
                self.frames.push(vec![ASSUMED_ITEMS]);
                let body = self.op(body);
                self.frames.pop();
                Estimate { items: body.items, ..reached.plus(body.steps) }
            }
            StepKind::Call(call) => self.call(call, Some(reached)),
            StepKind::Macro(m) => {
                self.frames.push(vec![ASSUMED_ITEMS, ASSUMED_ITEMS]);
                let round = self.sum(m.condition.iter().chain(&m.result));
                self.frames.pop();
                let rounds = reached.items.saturating_mul(round);
                if self.worst.is_none_or(|worst| worst.steps < rounds) {
                    self.worst = Some(Worst { steps: rounds, span: step.span });
                }
                let items = match m.kind {
                    MacroKind::All | MacroKind::Exists | MacroKind::ExistsOne => ASSUMED_ITEMS,
                    _ => reached.items,
                };
                Estimate { steps: reached.plus(rounds).steps, items }
            }
        }
    }

    fn call(&mut self, call: &Call, receiver: Option<Estimate>) -> Estimate {
        let given = receiver.into_iter();
        let args: Vec<Estimate> = given.chain(call.args.iter().map(|arg| self.op(arg))).collect();
        let steps = args.iter().fold(1 + ASSUMED_TEXT, |sum: u64, arg| sum.saturating_add(arg.steps));
        let product = args.iter().fold(1, |product: u64, arg| product.saturating_mul(arg.items));
        let most = args.iter().map(|arg| arg.items).max().unwrap_or(0);
        let (extra, items) = match &call.callee {
            Callee::Function(Function::Matches) => (PATTERN_STEPS, 0),
            Callee::Function(Function::SetContains | Function::SetIntersects) => (product, 0),
            Callee::Function(Function::SetEquivalent) => (product.saturating_mul(2), 0),
            Callee::Function(Function::Distinct) => (most.saturating_mul(most), most),
            Callee::Function(Function::Join | Function::Format) => (most, 0),
            Callee::Function(Function::OptionalOf | Function::OptionalOfNonZero) => (0, most),
            Callee::Host(..) => (HOST_STEPS, ASSUMED_ITEMS),
            _ => (0, ASSUMED_ITEMS),
        };
        Estimate { steps: steps.saturating_add(extra), items }
    }

    fn sum<'o>(&mut self, ops: impl IntoIterator<Item = &'o Op>) -> u64 {
        ops.into_iter().fold(1, |sum: u64, op| sum.saturating_add(self.op(op).steps))
    }
}

impl Estimate {
    fn plus(self, steps: u64) -> Self {
        Self { steps: self.steps.saturating_add(steps), ..self }
    }
}

fn items(value: &Value<'_>) -> u64 {
    match value {
        Value::List(list) => list.len() as u64,
        Value::Map(map) => map.len() as u64,
        _ => ASSUMED_ITEMS,
    }
}
