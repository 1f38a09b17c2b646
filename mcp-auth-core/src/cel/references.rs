//! What a program reads, found in its operations.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::fast::Fast;
use super::op::{Call, Callee, Op, OpKind, StepKind};
use super::program::Path;
use super::value::Value;

/// What a program depends on.
#[derive(Clone, Debug, Default)]
pub(super) struct References {
    pub(super) paths: BTreeSet<Path>,
    /// Calls a function of the caller of which nothing is known.
    pub(super) unknown: bool,
}

pub(super) fn references(op: &Op) -> References {
    let mut references = References::default();
    references.collect(op);
    references
}

impl References {
    fn collect(&mut self, op: &Op) {
        match &op.kind {
            OpKind::Variable(name) => self.insert(name, std::iter::empty()),
            OpKind::Path { base, steps } => {
                if let OpKind::Variable(name) = &base.kind {
                    self.insert(name, steps.iter().map_while(|step| step.kind.static_name()));
                } else {
                    self.collect(base);
                }
                for step in steps {
                    if let StepKind::Call(call) = &step.kind {
                        self.call(call);
                    }
                    step.kind.children(&mut |child, _| self.collect(child));
                }
                return;
            }
            OpKind::Call(call) => self.call(call),
            _ => {}
        }
        op.children(&mut |child, _| self.collect(child));
    }

    fn call(&mut self, call: &Call) {
        match &call.callee {
            Callee::Host(_, Some(roots)) => {
                roots.iter().for_each(|root| self.insert(root, std::iter::empty()));
            }
            Callee::Host(_, None) => self.unknown = true,
            _ => {}
        }
    }

    fn insert(&mut self, variable: &str, fields: impl Iterator<Item = Arc<str>>) {
        self.paths.insert(Path::new(variable.split('.').map(Arc::from).chain(fields).collect()));
    }
}

impl StepKind {
    /// The name that this step selects, when it is a fixed one.
    pub(super) fn static_name(&self) -> Option<Arc<str>> {
        match self {
            Self::Field(name) | Self::OptionalField(name) | Self::Has(name) => Some(Arc::clone(name)),
            Self::Index(index) | Self::OptionalIndex(index) => match index.as_const() {
                Some(Value::String(name)) => Some(Arc::from(&**name)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether this step asks or gives an optional value, instead of reading.
    pub(super) fn is_optional(&self) -> bool {
        matches!(self, Self::OptionalField(_) | Self::OptionalIndex(_) | Self::Has(_))
    }
}

/// The strings that a function of the caller is called with.
pub(super) fn literal_arguments<'o>(op: &'o Op, name: &str) -> BTreeSet<&'o str> {
    fn of_call<'o>(call: &'o Call, name: &str, found: &mut BTreeSet<&'o str>) {
        if let (Callee::Host(callee, _), [argument]) = (&call.callee, &*call.args)
            && **callee == *name
            && let Some(Value::String(text)) = argument.as_const()
        {
            found.insert(text);
        }
    }
    fn walk<'o>(op: &'o Op, name: &str, found: &mut BTreeSet<&'o str>) {
        match &op.kind {
            OpKind::Call(call) => of_call(call, name, found),
            OpKind::Path { steps, .. } => {
                for step in steps {
                    if let StepKind::Call(call) = &step.kind {
                        of_call(call, name, found);
                    }
                }
            }
            _ => {}
        }
        op.children(&mut |child, _| walk(child, name, found));
    }
    let mut found = BTreeSet::new();
    walk(op, name, &mut found);
    found
}

/// The strings outside of which every string at `path` makes the program `truth`.
pub(super) fn outside<'o>(op: &'o Op, path: &str, truth: bool) -> Option<BTreeSet<&'o str>> {
    match &op.kind {
        OpKind::Const(Value::Bool(b)) if *b == truth => Some(BTreeSet::new()),
        OpKind::Fast(fast, _) => match &**fast {
            Fast::Equal { path: own, text, equal } if *equal != truth && own.is(path) => {
                Some([&**text].into())
            }
            Fast::OneOf { path: own, texts } if !truth && own.is(path) => {
                Some(texts.iter().map(AsRef::as_ref).collect())
            }
            _ => None,
        },
        OpKind::Not { operand, odd } => outside(operand, path, truth != *odd),
        // One operand is enough.
        OpKind::Logic { operands, decisive } if *decisive == truth => {
            let sets = operands.iter().filter_map(|op| outside(op, path, truth));
            sets.reduce(|a, b| a.intersection(&b).copied().collect())
        }
        OpKind::Logic { operands, .. } => {
            let mut all = BTreeSet::new();
            for operand in operands {
                all.extend(outside(operand, path, truth)?);
            }
            Some(all)
        }
        _ => None,
    }
}
