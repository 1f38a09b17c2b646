//! A set of rules.

use std::ops::Range;
use std::sync::Arc;

use super::block::MatchBlock;
use super::clause::Clause;
use super::context::{Context, Evaluation, Grant, SCOPES};
use super::decision::{Decision, DecisionReason as Why, Names, Verdict};
use super::item::Kind;
use super::judgement::Judgement;
use super::levels::{self, Sets};
use super::partial::{How, Plan, Whom};
use super::rule::{Effect, Rule, RuleError};
use super::scope::{ScopeHierarchy, ToolScopes};
use super::settings::Settings;

/// A set of at most this many clauses is evaluated rule by rule: nothing would be gained.
const FEW_CLAUSES: usize = 8;

/// What the residuals of a set may take, unless it is said: 16 MiB.
const DEFAULT_RESIDUAL_BYTES: usize = 16 * 1024 * 1024;

/// Rules that are judged together; see the [module page](crate::policy) for how. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PolicySet(Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    name: Option<Arc<str>>,
    /// What decisions that no rule made are called after.
    names: Option<Arc<Names>>,
    rules: Box<[Rule]>,
    rule_names: Box<[Option<Arc<Names>>]>,
    /// Whether the set or any rule has a name.
    is_named: bool,
    /// Sorted by effect, those of one effect in the order of the rules.
    pub(super) clauses: Box<[Clause]>,
    /// Where the clauses of each effect stand.
    places: [Range<usize>; 3],
    pub(super) settings: Settings,
    is_empty: bool,
    /// Where there are more than a few clauses.
    plan: Option<Arc<Plan>>,
    dry_runs: bool,
    asks_for_scopes: bool,
    /// Whether a rule may look at more of an item than the paths in its text.
    any_kind: bool,
    /// Whether there is an `Allow` that is enforced, and whether there is any.
    allows: (bool, bool),
}

/// Collects rules.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct PolicySetBuilder {
    name: Option<Arc<str>>,
    rules: Vec<Rule>,
    settings: Settings,
    residual_bytes: Option<usize>,
}

impl PolicySet {
    /// Starts a set.
    pub fn builder() -> PolicySetBuilder {
        PolicySetBuilder::default()
    }

    /// Its name, where it has one.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The rules in order.
    pub fn rules(&self) -> &[Rule] {
        &self.0.rules
    }

    /// Whether a rule reads something at, below or above `path`, such as `request.headers`. What no rule reads
    /// need not be given to the [`Context`].
    pub fn reads(&self, path: &str) -> bool {
        self.0.rules.iter().any(|rule| rule.reads(path))
    }

    /// Whether a rule may ask for the arguments of a call. Where none does, nobody has to parse them.
    pub fn needs_arguments(&self) -> bool {
        self.reads("mcp.tool.arguments") || self.reads("mcp.prompt.arguments")
    }

    /// Takes the decision.
    pub fn decide(&self, context: &Context<'_>) -> Decision {
        let verdict = self.verdict(context, &Grant::Held, false, false);
        if verdict.is_allowed() && !self.0.dry_runs {
            return Decision::of(verdict);
        }
        levels::complete(Sets::one(self), context, verdict)
    }

    pub(super) fn has_dry_runs(&self) -> bool {
        self.0.dry_runs
    }

    /// Whether an outcome may turn on the scopes that the token grants.
    pub(super) fn asks_for_scopes(&self) -> bool {
        self.0.asks_for_scopes
    }

    pub(super) fn tool_scopes(&self) -> &ToolScopes {
        &self.0.settings.tool_scopes
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Takes the decision by evaluating every rule as it is written, which is what [`decide`](Self::decide) has to
    /// come to. For tests that hold the two against each other. Which scopes a challenge asks for is found in one way
    /// only.
    #[doc(hidden)]
    pub fn decide_in_full(&self, context: &Context<'_>) -> Decision {
        levels::decide(Sets::one(self).in_full(), context)
    }

    #[cfg(test)]
    pub(super) fn plan(&self) -> Option<&Arc<Plan>> {
        self.0.plan.as_ref()
    }

    /// How many residuals are held: what is left of the rules for callers whose claims have the same outcomes.
    pub fn residuals(&self) -> usize {
        self.0.plan.as_ref().map_or(0, |plan| plan.held().0)
    }

    /// Bytes that the residuals take.
    pub fn residual_bytes(&self) -> u64 {
        self.0.plan.as_ref().map_or(0, |plan| plan.held().1)
    }

    /// `in_full`: without residuals.
    #[inline]
    pub(super) fn verdict(
        &self,
        context: &Context<'_>,
        grant: &Grant<'_>,
        dry_run: bool,
        in_full: bool,
    ) -> Verdict {
        match &self.0.plan {
            Some(plan) if !in_full => {
                let how = self.how_by(plan, context, grant);
                self.verdict_by(context, grant, dry_run, Some(&how))
            }
            _ => self.verdict_by(context, grant, dry_run, None),
        }
    }

    /// How the caller is judged; `None`: rule by rule.
    pub(super) fn how(&self, context: &Context<'_>, grant: &Grant<'_>) -> Option<How> {
        Some(self.how_by(self.0.plan.as_ref()?, context, grant))
    }

    fn how_by(&self, plan: &Arc<Plan>, context: &Context<'_>, grant: &Grant<'_>) -> How {
        let whom = match grant {
            Grant::Held => Whom::Himself,
            Grant::All(None) => Whom::WithEveryScope,
            // What is asked for has to be asked for, and what is granted changes from one time to the next.
            Grant::All(Some(_)) | Grant::Only(_) => return plan.in_general(),
        };
        plan.how(&self.0.clauses, &self.0.settings, context.principal(), whom)
    }

    /// Whether an item of this name comes to what all items of its kind come to that no rule mentions.
    pub(super) fn is_unmentioned(&self, how: &How, kind: Kind, name: &str) -> bool {
        let Some(plan) = &self.0.plan else { return false };
        let scoped = kind == Kind::Tool && !self.0.settings.tool_scopes.is_empty();
        !scoped
            && !self.0.any_kind
            && !how.in_full
            && how.own.is_none()
            && how.residual.is_settled(kind)
            && !how.residual.mentions(plan, kind, name)
    }

    #[inline]
    pub(super) fn verdict_by(
        &self,
        context: &Context<'_>,
        grant: &Grant<'_>,
        dry_run: bool,
        how: Option<&How>,
    ) -> Verdict {
        let inner = &*self.0;
        if inner.is_empty {
            return Verdict::denied(Why::EmptySet).named(inner.names.clone());
        }
        let evaluation = Evaluation { context, settings: &inner.settings, grant };
        let kind = context.item().map(|(kind, _)| kind);
        let judgement = Judgement { set: inner, evaluation, dry_run, kind };
        match (&inner.plan, how) {
            (Some(plan), Some(how)) if !how.in_full => judgement.by(plan, how),
            _ => judgement.in_full(),
        }
    }
}

impl Inner {
    #[inline]
    pub(super) fn clauses_of(&self, effect: Effect) -> &[Clause] {
        let [allow, deny, require] = &self.places;
        let place = match effect {
            Effect::Allow => allow,
            Effect::Deny => deny,
            Effect::Require => require,
        };
        self.clauses.get(place.start..place.end).unwrap_or_default()
    }

    /// Whether there is an `Allow`, those of dry runs included or not.
    pub(super) fn has_allow(&self, dry_run: bool) -> bool {
        let (enforced, any) = self.allows;
        enforced || (any && dry_run)
    }

    /// What the rule of a decision, or else the set, is called.
    #[inline]
    pub(super) fn names_of(&self, reason: Why) -> Option<Arc<Names>> {
        if !self.is_named {
            return None;
        }
        match reason.rule() {
            Some(rule) => self.rule_names.get(rule).cloned().flatten(),
            None => self.names.clone(),
        }
    }
}

impl PolicySetBuilder {
    /// Names the set in decisions and explanations.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds an `Allow` rule.
    ///
    /// # Errors
    ///
    /// [`RuleError`] when the expression does not compile.
    pub fn allow(self, expression: &str) -> Result<Self, RuleError> {
        self.rule(Effect::Allow, expression)
    }

    /// Adds a `Deny` rule.
    ///
    /// # Errors
    ///
    /// [`RuleError`] when the expression does not compile.
    pub fn deny(self, expression: &str) -> Result<Self, RuleError> {
        self.rule(Effect::Deny, expression)
    }

    /// Adds a `Require` rule.
    ///
    /// # Errors
    ///
    /// [`RuleError`] when the expression does not compile.
    pub fn require(self, expression: &str) -> Result<Self, RuleError> {
        self.rule(Effect::Require, expression)
    }

    /// Adds a rule of any effect.
    ///
    /// # Errors
    ///
    /// [`RuleError`] when the expression does not compile.
    pub fn rule(self, effect: Effect, expression: &str) -> Result<Self, RuleError> {
        self.block(effect, expression.into())
    }

    /// Adds a rule of several expressions, with a name, or one that is not enforced.
    ///
    /// # Errors
    ///
    /// As [`Rule::compile`].
    pub fn block(mut self, effect: Effect, block: MatchBlock) -> Result<Self, RuleError> {
        self.rules.push(Rule::compile(effect, block)?);
        Ok(self)
    }

    /// Which scopes contain which others, for `hasScope` and for the scopes of tools.
    pub fn scope_hierarchy(mut self, hierarchy: ScopeHierarchy) -> Self {
        self.settings.hierarchy = hierarchy;
        self
    }

    /// The scopes that tools need, beside the rules.
    pub fn tool_scopes(mut self, scopes: ToolScopes) -> Self {
        self.settings.tool_scopes = scopes;
        self
    }

    /// The claims in which `inGroup` looks: each a string, or a list of strings. Default: `groups`.
    pub fn group_claims<I: IntoIterator<Item: AsRef<str>>>(mut self, claims: I) -> Self {
        self.settings.group_claims = Some(claims.into_iter().map(|c| c.as_ref().into()).collect());
        self
    }

    /// What the residuals of the set may take: what is left of it for callers with the same outcomes. Those that were
    /// not used for longest go first. Default: 16 MiB.
    pub fn residual_bytes(mut self, max_bytes: usize) -> Self {
        self.residual_bytes = Some(max_bytes);
        self
    }

    /// The set.
    pub fn build(self) -> PolicySet {
        let Self { name, rules, settings, residual_bytes } = self;
        let mut clauses: Box<[Clause]> = Clause::of(&rules).into();
        clauses.sort_by_key(|clause| clause.effect);
        let places = [Effect::Allow, Effect::Deny, Effect::Require].map(|effect| {
            let start = clauses.partition_point(|clause| clause.effect < effect);
            start..clauses.partition_point(|clause| clause.effect <= effect)
        });
        let names = |rule: Option<Arc<str>>| {
            (name.is_some() || rule.is_some()).then(|| Arc::new(Names { set: name.clone(), rule }))
        };
        let rule_names = rules.iter().map(|rule| names(rule.name().map(Into::into))).collect();
        let residual_bytes = residual_bytes.unwrap_or(DEFAULT_RESIDUAL_BYTES);
        let many = clauses.len() > FEW_CLAUSES;
        let plan = many.then(|| Arc::new(Plan::new(&clauses, residual_bytes)));
        let allow = |enforced: bool| {
            clauses.iter().any(|clause| clause.effect == Effect::Allow && !(enforced && clause.dry_run))
        };
        PolicySet(Arc::new(Inner {
            plan,
            places,
            is_empty: rules.is_empty() && settings.tool_scopes.is_empty(),
            allows: (allow(true), allow(false)),
            names: names(None),
            is_named: name.is_some() || rules.iter().any(|rule| rule.name().is_some()),
            rule_names,
            dry_runs: rules.iter().any(Rule::is_dry_run),
            any_kind: rules.iter().flat_map(Rule::parts).any(|e| e.any_kind),
            asks_for_scopes: !settings.tool_scopes.is_empty() || rules.iter().any(|rule| rule.reads(SCOPES)),
            name,
            rules: rules.into(),
            clauses,
            settings,
        }))
    }
}

impl Default for PolicySet {
    /// A set without rules, which denies.
    fn default() -> Self {
        Self::builder().build()
    }
}
