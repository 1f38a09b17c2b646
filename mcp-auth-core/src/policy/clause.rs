//! Rules as they are evaluated: one clause for each expression that decides by itself.

use std::collections::BTreeSet;
use std::ops::Range;

use super::block::Join;
use super::context::{Context, Notice};
use super::item::{Kind, Kinds};
use super::rule::{Effect, Expression, Rule, Truth, evaluate};
use crate::cel::Variables;

/// A rule, or one expression of a rule whose expressions decide one by one.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    /// Its rule's place in the set.
    pub(super) rule: usize,
    pub(super) effect: Effect,
    pub(super) dry_run: bool,
    pub(super) join: Join,
    pub(super) expressions: Box<[Expression]>,
    /// The kinds of items that it reads.
    pub(super) kinds: Kinds,
    /// Whether it may ask for what has no one value.
    pub(super) notices: bool,
    /// Where it `notices`: what the item's name decides alone is not asked for anything else.
    pub(super) named: Vec<Named>,
}

/// What a clause comes to wherever an item of this kind has another name than these.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) kind: Kind,
    pub(super) names: BTreeSet<Box<str>>,
    pub(super) otherwise: Truth,
}

/// What may have no one value.
const NOTICED: [&str; 6] = [
    "request.headers",
    "request.query",
    "mcp.session",
    "mcp.protocolVersion",
    "mcp.tool.arguments",
    "mcp.prompt.arguments",
];

impl Clause {
    /// The clauses of all rules, in their order.
    pub(super) fn of(rules: &[Rule]) -> Vec<Self> {
        let mut clauses = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            let count = rule.parts().len();
            if rule.is_list() {
                clauses.extend((0..count).map(|i| Self::new(index, rule, i..i + 1)));
            } else {
                clauses.push(Self::new(index, rule, 0..count));
            }
        }
        clauses
    }

    fn new(index: usize, rule: &Rule, expressions: Range<usize>) -> Self {
        let parts = rule.parts().get(expressions).unwrap_or_default();
        let reads = |path: &str| parts.iter().any(|e| e.program.reads(path));
        let notices = NOTICED.into_iter().any(reads);
        let kinds = parts.iter().fold(Kinds::NONE, |kinds, e| kinds.union(e.kinds));
        let named = match parts {
            [only] if notices => Named::of(only, kinds),
            _ => Vec::new(),
        };
        Self {
            rule: index,
            effect: rule.effect(),
            dry_run: rule.is_dry_run(),
            join: rule.join(),
            expressions: parts.into(),
            kinds,
            notices,
            named,
        }
    }

    /// Whether a `Deny` or `Require` speaks about this kind of item; `None` is a request without an item. An `Allow`
    /// is evaluated as it stands.
    pub(super) fn speaks_of(&self, kind: Option<Kind>) -> bool {
        self.effect == Effect::Allow
            || self.kinds.is_empty()
            || kind.is_some_and(|kind| self.kinds.contains(kind))
    }

    /// Evaluates it as it was written.
    #[inline]
    pub(super) fn evaluate(
        &self,
        context: &Context<'_>,
        variables: &dyn Variables,
        notice: &Notice,
    ) -> Truth {
        if !self.notices {
            return evaluate(self.join, &self.expressions, variables);
        }
        match self.by_name(context) {
            Some(truth) => truth,
            None => self.noticed(evaluate(self.join, &self.expressions, variables), notice),
        }
    }

    /// What the item's name decides alone.
    pub(super) fn by_name(&self, context: &Context<'_>) -> Option<Truth> {
        if self.named.is_empty() {
            return None;
        }
        let (kind, name) = context.item()?;
        let named = self.named.iter().find(|n| n.kind == kind && !n.names.contains(name))?;
        Some(named.otherwise)
    }

    /// The outcome, when something was asked for that has no one value.
    pub(super) fn noticed(&self, truth: Truth, notice: &Notice) -> Truth {
        if !self.notices {
            return truth;
        }
        let (ambiguous, unknown) = (notice.take_ambiguous(), notice.take_unknown());
        match self.effect {
            _ if ambiguous => Truth::Failed,
            _ if !unknown => truth,
            // The call will be judged with its arguments.
            Effect::Deny => Truth::No,
            Effect::Require | Effect::Allow => Truth::Yes,
        }
    }
}

impl Named {
    fn of(expression: &Expression, kinds: Kinds) -> Vec<Self> {
        let mut named = Vec::new();
        for kind in Kind::ALL.into_iter().filter(|kind| kinds.contains(*kind)) {
            for path in kind.name_paths() {
                let program = &expression.program;
                let outside = [(program.admitted(path), Truth::No), (program.excepted(path), Truth::Yes)];
                for (names, otherwise) in outside {
                    if let Some(names) = names {
                        let names = names.into_iter().map(Box::from).collect();
                        named.push(Self { kind, names, otherwise });
                    }
                }
            }
        }
        named
    }
}
