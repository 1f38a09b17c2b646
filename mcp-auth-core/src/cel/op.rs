//! What the evaluator walks: names resolved, functions found, constants folded, patterns compiled.

use std::sync::Arc;

use regex::Regex;

use super::ast::{BinaryOp, MacroKind};
use super::error::{EvalErrorKind, Span};
use super::fast::Fast;
use super::functions::Function;
use super::value::Value;

#[derive(Clone, Debug)]
pub(super) struct Op {
    pub(super) kind: OpKind,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
pub(super) enum OpKind {
    Const(Value<'static>),
    Variable(Arc<str>),
    /// A name bound by a macro around: how many macros out, which of its names.
    Local(u32, u32),
    /// Evaluation fails here: what only an unchecked program may contain, or what is known to fail.
    Fail(EvalErrorKind, Option<Arc<str>>),
    Path {
        base: Box<Op>,
        steps: Box<[Step]>,
    },
    List(Box<[Item]>),
    Map(Box<[Entry]>),
    /// Values for names of `body`, each evaluated at most once, when it is first used.
    Let {
        values: Box<[Op]>,
        body: Box<Op>,
    },
    Not {
        operand: Box<Op>,
        odd: bool,
    },
    Negate {
        operand: Box<Op>,
        odd: bool,
    },
    /// `||` when `decisive` is true, `&&` when it is false.
    Logic {
        operands: Box<[Op]>,
        decisive: bool,
    },
    Chain {
        first: Box<Op>,
        rest: Box<[(BinaryOp, Op)]>,
    },
    Conditional {
        arms: Box<[(Op, Op)]>,
        otherwise: Box<Op>,
    },
    Call(Call),
    /// A shape with a shortcut. The general operation decides where the shortcut does not apply, so that a
    /// shortcut never has errors of its own.
    Fast(Box<Fast>, Box<Op>),
}

#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) value: Op,
    pub(super) optional: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Op,
    pub(super) value: Op,
    pub(super) optional: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) kind: StepKind,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
pub(super) enum StepKind {
    Field(Arc<str>),
    OptionalField(Arc<str>),
    Has(Arc<str>),
    Index(Op),
    OptionalIndex(Op),
    /// A method; what the path has reached is its first argument.
    Call(Call),
    Macro(Box<Comprehension>),
    OptionalMap {
        body: Box<Op>,
        flat: bool,
    },
    HasValue,
    Value,
    Or(Op),
    OrValue(Op),
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) callee: Callee,
    pub(super) args: Box<[Op]>,
}

#[derive(Clone, Debug)]
pub(super) enum Callee {
    Function(Function),
    /// `matches` with a literal pattern.
    Pattern(Regex),
    /// A function of the caller and the variables it depends on, when that is known.
    Host(Arc<str>, Option<Arc<[Box<str>]>>),
    /// Unchecked programs only.
    Unknown(Arc<str>),
}

#[derive(Clone, Debug)]
pub(super) struct Comprehension {
    pub(super) kind: MacroKind,
    /// Two variables: index and item, or key and value.
    pub(super) two: bool,
    pub(super) condition: Option<Op>,
    pub(super) result: Option<Op>,
    /// Steps that one round costs, known parts only.
    pub(super) weight: u64,
}

impl Op {
    pub(super) fn new(kind: OpKind, span: Span) -> Self {
        Self { kind, span }
    }

    pub(super) fn constant(value: Value<'static>, span: Span) -> Self {
        Self { kind: OpKind::Const(value), span }
    }

    /// Whether this can only be a boolean or fail, and is evaluated by testing it.
    pub(super) fn is_test(&self) -> bool {
        match &self.kind {
            OpKind::Fast(..) | OpKind::Logic { .. } | OpKind::Not { .. } => true,
            OpKind::Const(value) => matches!(value, Value::Bool(_)),
            _ => false,
        }
    }

    /// The value, when it is known.
    pub(super) fn as_const(&self) -> Option<&Value<'static>> {
        match &self.kind {
            OpKind::Const(value) => Some(value),
            _ => None,
        }
    }

    /// Calls `visit` with each operation directly below this one; `true`: inside of what binds names.
    pub(super) fn children<'o>(&'o self, visit: &mut dyn FnMut(&'o Self, bool)) {
        match &self.kind {
            OpKind::Const(_) | OpKind::Variable(_) | OpKind::Local(..) | OpKind::Fail(..) => {}
            OpKind::Path { base, steps } => {
                visit(base, false);
                steps.iter().for_each(|step| step.kind.children(visit));
            }
            OpKind::List(items) => items.iter().for_each(|item| visit(&item.value, false)),
            OpKind::Map(entries) => entries.iter().for_each(|entry| {
                visit(&entry.key, false);
                visit(&entry.value, false);
            }),
            OpKind::Let { values, body } => {
                values.iter().for_each(|value| visit(value, true));
                visit(body, true);
            }
            OpKind::Not { operand, .. } | OpKind::Negate { operand, .. } => visit(operand, false),
            OpKind::Logic { operands, .. } => operands.iter().for_each(|op| visit(op, false)),
            OpKind::Chain { first, rest } => {
                visit(first, false);
                rest.iter().for_each(|(_, op)| visit(op, false));
            }
            OpKind::Conditional { arms, otherwise } => {
                arms.iter().for_each(|(condition, value)| {
                    visit(condition, false);
                    visit(value, false);
                });
                visit(otherwise, false);
            }
            OpKind::Call(call) => call.args.iter().for_each(|arg| visit(arg, false)),
            OpKind::Fast(_, general) => visit(general, false),
        }
    }

    /// The same, to change them.
    pub(super) fn children_mut(&mut self, visit: &mut dyn FnMut(&mut Self)) {
        match &mut self.kind {
            OpKind::Const(_) | OpKind::Variable(_) | OpKind::Local(..) | OpKind::Fail(..) => {}
            OpKind::Path { base, steps } => {
                visit(base);
                steps.iter_mut().for_each(|step| step.kind.children_mut(visit));
            }
            OpKind::List(items) => items.iter_mut().for_each(|item| visit(&mut item.value)),
            OpKind::Map(entries) => entries.iter_mut().for_each(|entry| {
                visit(&mut entry.key);
                visit(&mut entry.value);
            }),
            OpKind::Let { values, body } => {
                values.iter_mut().for_each(&mut *visit);
                visit(body);
            }
            OpKind::Not { operand, .. } | OpKind::Negate { operand, .. } => visit(operand),
            OpKind::Logic { operands, .. } => operands.iter_mut().for_each(visit),
            OpKind::Chain { first, rest } => {
                visit(first);
                rest.iter_mut().for_each(|(_, op)| visit(op));
            }
            OpKind::Conditional { arms, otherwise } => {
                arms.iter_mut().for_each(|(condition, value)| {
                    visit(condition);
                    visit(value);
                });
                visit(otherwise);
            }
            OpKind::Call(call) => call.args.iter_mut().for_each(visit),
            OpKind::Fast(_, general) => visit(general),
        }
    }

    /// About how many bytes of memory this operation holds beside itself.
    pub(super) fn memory_bytes(&self) -> usize {
        let own = match &self.kind {
            OpKind::Const(value) => value.memory_bytes(),
            OpKind::Path { steps, .. } => steps.len() * size_of::<Step>(),
            _ => 0,
        };
        let mut below = 0;
        self.children(&mut |child, _| below += size_of::<Self>() + child.memory_bytes());
        own + below
    }
}

impl StepKind {
    pub(super) fn children<'o>(&'o self, visit: &mut dyn FnMut(&'o Op, bool)) {
        match self {
            Self::Field(_) | Self::OptionalField(_) | Self::Has(_) | Self::HasValue | Self::Value => {}
            Self::Index(op) | Self::OptionalIndex(op) | Self::Or(op) | Self::OrValue(op) => visit(op, false),
            Self::Call(call) => call.args.iter().for_each(|arg| visit(arg, false)),
            Self::OptionalMap { body, .. } => visit(body, true),
            Self::Macro(m) => {
                m.condition.iter().for_each(|op| visit(op, true));
                m.result.iter().for_each(|op| visit(op, true));
            }
        }
    }

    fn children_mut(&mut self, visit: &mut dyn FnMut(&mut Op)) {
        match self {
            Self::Field(_) | Self::OptionalField(_) | Self::Has(_) | Self::HasValue | Self::Value => {}
            Self::Index(op) | Self::OptionalIndex(op) | Self::Or(op) | Self::OrValue(op) => visit(op),
            Self::Call(call) => call.args.iter_mut().for_each(visit),
            Self::OptionalMap { body, .. } => visit(body),
            Self::Macro(m) => {
                m.condition.iter_mut().for_each(&mut *visit);
                m.result.iter_mut().for_each(visit);
            }
        }
    }
}
