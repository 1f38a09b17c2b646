//! One set at work on one request.

use super::clause::Clause;
use super::context::{Evaluation, Grant};
use super::decision::{DecisionReason as Why, Verdict};
use super::item::Kind;
use super::partial::{Candidates, How, Memo, Plan};
use super::rule::{Effect, Truth};
use super::set::Inner;
use super::settings::Settings;

/// The rules of decisions, over clauses that are asked as they come or past those that cannot decide.
pub(super) struct Judgement<'j> {
    pub(super) set: &'j Inner,
    pub(super) evaluation: Evaluation<'j>,
    /// Dry-run rules are enforced too.
    pub(super) dry_run: bool,
    pub(super) kind: Option<Kind>,
}

/// Past what cannot decide.
struct Way<'j> {
    plan: &'j Plan,
    how: &'j How,
    candidates: Candidates<'j>,
    memo: Memo,
}

/// A clause that decides, and what it came to.
type Found<'c> = Option<(&'c Clause, Truth)>;

impl<'j> Judgement<'j> {
    /// Asks every clause.
    pub(super) fn in_full(&self) -> Verdict {
        self.verdict(
            #[inline(always)]
            |effect| self.find(effect),
        )
    }

    /// Asks what the residual leaves. Kept apart, so that a few rules do not pay for the lists of many.
    #[inline(never)]
    pub(super) fn by(&self, plan: &Plan, how: &How) -> Verdict {
        let candidates = how.residual.candidates(plan, self.evaluation.context);
        let way = Way { plan, how, candidates, memo: Memo::default() };
        self.verdict(|effect| match &how.own {
            None => self.find_among(&way, effect),
            Some(own) => self.find_among_own(&way, own, effect),
        })
    }

    #[inline]
    fn verdict(&self, find: impl Fn(Effect) -> Found<'j>) -> Verdict {
        if let Some((clause, truth)) = find(Effect::Deny) {
            return self.denied(if truth == Truth::Yes {
                Why::DeniedBy(clause.rule)
            } else {
                Why::DenyFailed(clause.rule)
            });
        }
        if let Some((clause, truth)) = find(Effect::Require) {
            return self.denied(if truth == Truth::No {
                Why::RequireFalse(clause.rule)
            } else {
                Why::RequireFailed(clause.rule)
            });
        }
        let reason = match find(Effect::Allow) {
            Some((clause, _)) => Why::AllowedBy(clause.rule),
            None if self.set.has_allow(self.dry_run) => return self.denied(Why::NoAllow),
            None => Why::NothingObjects,
        };
        if !self.set.settings.tool_scopes.is_empty() && !self.has_tool_scopes() {
            return self.denied(Why::MissingScope);
        }
        Verdict::new(true, reason).named(self.set.names_of(reason))
    }

    fn denied(&self, reason: Why) -> Verdict {
        Verdict::denied(reason).named(self.set.names_of(reason))
    }

    /// Whether the outcome ends the search for this effect. A rule that waits lets an item of a list be shown: the
    /// call will be judged with its arguments.
    #[inline]
    fn decides(effect: Effect, truth: Truth) -> bool {
        match effect {
            Effect::Allow => matches!(truth, Truth::Yes | Truth::Waits),
            Effect::Deny => !matches!(truth, Truth::No | Truth::Waits),
            Effect::Require => !matches!(truth, Truth::Yes | Truth::Waits),
        }
    }

    #[inline]
    fn is_enforced(&self, clause: &Clause) -> bool {
        self.dry_run || !clause.dry_run
    }

    #[inline(always)]
    fn find(&self, effect: Effect) -> Found<'j> {
        for clause in self.set.clauses_of(effect) {
            if self.is_enforced(clause) && clause.speaks_of(self.kind) {
                let truth = clause.evaluate(&self.evaluation);
                if Self::decides(effect, truth) {
                    return Some((clause, truth));
                }
            }
        }
        None
    }

    fn find_among(&self, way: &Way<'_>, effect: Effect) -> Found<'j> {
        way.candidates.of(effect).find_map(|entry| {
            let clause = self.set.clauses.get(entry.clause()).filter(|clause| self.is_enforced(clause))?;
            let truth = entry.known().unwrap_or_else(|| self.rest(way, entry.clause()));
            Self::decides(effect, truth).then_some((clause, truth))
        })
    }

    /// The clauses that mention the caller are asked in full, in their places.
    fn find_among_own(&self, way: &Way<'_>, own: &[u32], effect: Effect) -> Found<'j> {
        let mut own = own.iter().map(|index| *index as usize).filter_map(|index| {
            let clause = self.set.clauses.get(index).filter(|clause| clause.effect == effect)?;
            Some((index, clause))
        });
        let mut others = way.candidates.of(effect).peekable();
        let mut mine = own.next();
        loop {
            let (clause, truth) = match (mine, others.peek()) {
                (None, None) => return None,
                (Some((index, clause)), other) if other.is_none_or(|entry| index <= entry.clause()) => {
                    // What the residual says of it is said of others.
                    others.next_if(|entry| entry.clause() == index);
                    mine = own.next();
                    let asked = self.is_enforced(clause) && clause.speaks_of(self.kind);
                    let truth = || clause.evaluate(&self.evaluation);
                    (Some(clause), if asked { Some(truth()) } else { None })
                }
                (_, Some(_)) => {
                    let entry = others.next()?;
                    let clause = self.set.clauses.get(entry.clause());
                    let clause = clause.filter(|clause| self.is_enforced(clause));
                    let rest = |_| entry.known().unwrap_or_else(|| self.rest(way, entry.clause()));
                    (clause, clause.map(rest))
                }
                (Some(_), None) => return None,
            };
            if let (Some(clause), Some(truth)) = (clause, truth)
                && Self::decides(effect, truth)
            {
                return Some((clause, truth));
            }
        }
    }

    /// Evaluates what the residual leaves of a clause.
    fn rest(&self, way: &Way<'_>, clause: usize) -> Truth {
        way.plan.evaluate(clause, &way.how.residual, &self.evaluation, &way.memo)
    }

    /// Whether every scope is granted that is declared for the tool.
    fn has_tool_scopes(&self) -> bool {
        let Settings { hierarchy, tool_scopes, .. } = &self.set.settings;
        let Evaluation { context, grant, .. } = self.evaluation;
        let Some((Kind::Tool, name)) = context.item() else { return true };
        let granted = |scope: &str| match (grant, context.principal()) {
            (Grant::Held, principal) => principal.is_some_and(|p| hierarchy.grants(|| p.scopes(), scope)),
            (Grant::All(_), _) => true,
            (Grant::Only(scopes), _) => scopes.iter().any(|s| **s == *scope),
        };
        tool_scopes.of(name).all(granted)
    }
}
