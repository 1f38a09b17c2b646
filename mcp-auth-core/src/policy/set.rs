//! A set of rules.

use std::sync::Arc;

use super::block::MatchBlock;
use super::clause::Clause;
use super::context::{Context, Evaluation, Grant, Notice, SCOPES};
use super::decision::{Decision, DecisionReason as Why, Names, Verdict};
use super::item::Kind;
use super::levels::{self, Sets};
use super::rule::{Effect, Rule, RuleError, Truth};
use super::scope::{ScopeHierarchy, ToolScopes};
use super::settings::Settings;

/// Rules that are judged together; see the [module page](crate::policy) for how. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PolicySet(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: Option<Arc<str>>,
    /// What decisions that no rule made are called after.
    names: Option<Arc<Names>>,
    rules: Box<[Rule]>,
    rule_names: Box<[Option<Arc<Names>>]>,
    clauses: Box<[Clause]>,
    settings: Settings,
    dry_runs: bool,
    notices: bool,
    asks_for_scopes: bool,
}

/// Collects rules.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct PolicySetBuilder {
    name: Option<Arc<str>>,
    rules: Vec<Rule>,
    settings: Settings,
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
        levels::decide(Sets::one(self), context)
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

    pub(super) fn verdict(&self, context: &Context<'_>, grant: Grant<'_>, dry_run: bool) -> Verdict {
        let inner = &*self.0;
        if inner.rules.is_empty() && inner.settings.tool_scopes.is_empty() {
            return Verdict::denied(Why::EmptySet).named(inner.names.clone());
        }
        let notice = Notice::default();
        let noticing;
        let context = if inner.notices {
            noticing = context.noticing(&notice);
            &noticing
        } else {
            context
        };
        let evaluation = Evaluation { context, settings: &inner.settings, grant };
        Judgement { inner, evaluation, notice: &notice, dry_run }.verdict()
    }
}

/// One set at work on one request.
struct Judgement<'j> {
    inner: &'j Inner,
    evaluation: Evaluation<'j>,
    notice: &'j Notice,
    /// Dry-run rules are enforced too.
    dry_run: bool,
}

impl Judgement<'_> {
    fn verdict(&self) -> Verdict {
        let by = |reason: Why| self.named(Verdict::denied(reason));
        if let Some((rule, truth)) = self.find(Effect::Deny, |truth| truth != Truth::No) {
            return by(if truth == Truth::Yes { Why::DeniedBy(rule) } else { Why::DenyFailed(rule) });
        }
        if let Some((rule, truth)) = self.find(Effect::Require, |truth| truth != Truth::Yes) {
            return by(if truth == Truth::No { Why::RequireFalse(rule) } else { Why::RequireFailed(rule) });
        }
        let any_allow = |clause: &Clause| clause.effect == Effect::Allow && self.is_enforced(clause);
        let reason = match self.find(Effect::Allow, |truth| truth == Truth::Yes) {
            Some((rule, _)) => Why::AllowedBy(rule),
            None if self.inner.clauses.iter().any(any_allow) => return by(Why::NoAllow),
            None => Why::NothingObjects,
        };
        if !self.has_tool_scopes() {
            return by(Why::MissingScope);
        }
        self.named(Verdict::new(true, reason))
    }

    fn named(&self, verdict: Verdict) -> Verdict {
        let names = match verdict.reason().rule() {
            Some(rule) => self.inner.rule_names.get(rule).and_then(Option::as_ref),
            None => self.inner.names.as_ref(),
        };
        verdict.named(names.cloned())
    }

    fn is_enforced(&self, clause: &Clause) -> bool {
        self.dry_run || !clause.dry_run
    }

    /// The first rule of this effect whose outcome is looked for.
    fn find(&self, effect: Effect, wanted: impl Fn(Truth) -> bool) -> Option<(usize, Truth)> {
        let kind = self.evaluation.context.item().map(|(kind, _)| kind);
        let clauses = self.inner.clauses.iter().filter(|clause| clause.effect == effect);
        for clause in clauses.filter(|clause| self.is_enforced(clause) && clause.speaks_of(kind)) {
            let Evaluation { context, .. } = self.evaluation;
            let truth = clause.evaluate(&self.inner.rules, context, &self.evaluation, self.notice);
            if wanted(truth) {
                return Some((clause.rule, truth));
            }
        }
        None
    }

    /// Whether every scope is granted that is declared for the tool.
    fn has_tool_scopes(&self) -> bool {
        let Settings { hierarchy, tool_scopes, .. } = &self.inner.settings;
        let Evaluation { context, grant, .. } = self.evaluation;
        let Some((Kind::Tool, name)) = context.item().filter(|_| !tool_scopes.is_empty()) else {
            return true;
        };
        let granted = |scope: &str| match (grant, context.principal()) {
            (Grant::Held, principal) => principal.is_some_and(|p| hierarchy.grants(|| p.scopes(), scope)),
            (Grant::All(_), _) => true,
            (Grant::Only(scopes), _) => scopes.iter().any(|s| **s == *scope),
        };
        tool_scopes.of(name).all(granted)
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

    /// The set.
    pub fn build(self) -> PolicySet {
        let Self { name, rules, settings } = self;
        let clauses: Box<[Clause]> = Clause::of(&rules).into();
        let names = |rule: Option<Arc<str>>| {
            (name.is_some() || rule.is_some()).then(|| Arc::new(Names { set: name.clone(), rule }))
        };
        let rule_names = rules.iter().map(|rule| names(rule.name().map(Into::into))).collect();
        PolicySet(Arc::new(Inner {
            names: names(None),
            rule_names,
            dry_runs: rules.iter().any(Rule::is_dry_run),
            notices: clauses.iter().any(|clause| clause.notices),
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
