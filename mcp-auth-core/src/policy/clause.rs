//! Rules as they are evaluated: one clause for each expression that decides by itself.

use std::ops::Range;

use super::block::Join;
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
    /// The kinds of items that it reads; none: none in particular, or any.
    pub(super) kinds: Kinds,
}

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
        let kinds = parts.iter().fold(Kinds::NONE, |kinds, e| kinds.union(e.kinds));
        // What may read any kind speaks of everything.
        let kinds = if parts.iter().any(|e| e.any_kind) { Kinds::NONE } else { kinds };
        Self {
            rule: index,
            effect: rule.effect(),
            dry_run: rule.is_dry_run(),
            join: rule.join(),
            expressions: parts.into(),
            kinds,
        }
    }

    /// Whether a `Deny` or `Require` speaks about this kind of item; `None` is a request without an item. An `Allow`
    /// is evaluated as it stands.
    #[inline]
    pub(super) fn speaks_of(&self, kind: Option<Kind>) -> bool {
        self.effect == Effect::Allow
            || self.kinds.is_empty()
            || kind.is_some_and(|kind| self.kinds.contains(kind))
    }

    /// Evaluates it as it was written.
    #[inline]
    pub(super) fn evaluate(&self, variables: &dyn Variables) -> Truth {
        evaluate(self.join, &self.expressions, variables)
    }
}
