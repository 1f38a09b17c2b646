//! Policy sets on several levels.

use std::collections::BTreeSet;
use std::fmt;

use super::context::{Context, Grant};
use super::decision::{Decision, DecisionReason, Verdict};
use super::set::PolicySet;
use super::step_up;

/// Where in a gateway a policy set is attached, from the outside in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// The whole gateway.
    Gateway,
    /// One listener.
    Listener,
    /// One route.
    Route,
    /// One backend.
    Backend,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gateway => "gateway",
            Self::Listener => "listener",
            Self::Route => "route",
            Self::Backend => "backend",
        })
    }
}

/// Policy sets that must **all** allow. A lower level can narrow what a higher one allows, and never widen it.
///
/// ```
/// use mcp_auth_core::Principal;
/// use mcp_auth_core::mcp::{McpCall, Target};
/// use mcp_auth_core::policy::{Context, Level, PolicyLevels, PolicySet};
///
/// let gateway = PolicySet::builder().allow("jwt.sub != ''")?.build();
/// let route = PolicySet::builder().name("records").allow(r#"mcp.tool.name == "read""#)?.build();
/// let policy = PolicyLevels::new().with(Level::Gateway, gateway).with(Level::Route, route);
///
/// let alice = Principal::danger_from_unverified_claims(br#"{"sub":"alice"}"#)?;
/// let call = McpCall::new("tools/call", Some(Target::Tool("write".into())));
/// let decision = policy.decide(&Context::new(Some(&alice)).call(&call));
/// assert_eq!(decision.to_string(), "denied: no allow rule is true (records, route)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct PolicyLevels {
    sets: Vec<(Option<Level>, PolicySet)>,
}

impl PolicyLevels {
    /// No set yet. As it is, it denies: a policy without any rule is a mistake.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a set, behind those of its level.
    #[must_use]
    pub fn with(mut self, level: Level, set: PolicySet) -> Self {
        let place = self.sets.partition_point(|(l, _)| l.is_none_or(|l| l <= level));
        self.sets.insert(place, (Some(level), set));
        self
    }

    /// These sets, and then those of `inner`. Where either has none, the result denies as that would alone.
    #[must_use]
    pub fn followed_by(&self, inner: &Self) -> Self {
        let nothing = [(None, PolicySet::default())];
        let or_nothing = |sets| if <[_]>::is_empty(sets) { &nothing } else { sets };
        let (outer, inner) = (or_nothing(&self.sets), or_nothing(&inner.sets));
        Self { sets: outer.iter().chain(inner).cloned().collect() }
    }

    /// The sets in the order in which they are asked.
    pub fn sets(&self) -> impl ExactSizeIterator<Item = (Option<Level>, &PolicySet)> {
        self.sets.iter().map(|(level, set)| (*level, set))
    }

    /// Whether a rule of any set reads something at, below or above `path`; see [`PolicySet::reads`].
    pub fn reads(&self, path: &str) -> bool {
        self.sets.iter().any(|(_, set)| set.reads(path))
    }

    /// Every scope that is declared for a tool or that a rule asks for by a literal, `hasScope("mcp:write")`.
    ///
    /// ```
    /// use mcp_auth_core::policy::{PolicyLevels, PolicySet, ToolScopes};
    ///
    /// let policy: PolicyLevels = PolicySet::builder()
    ///     .tool_scopes(ToolScopes::new().tool("write_*", ["mcp:write"]))
    ///     .require(r#"hasScope("mcp:read")"#)?
    ///     .build()
    ///     .into();
    /// assert_eq!(policy.scopes(), ["mcp:read", "mcp:write"].into());
    /// # Ok::<(), mcp_auth_core::policy::RuleError>(())
    /// ```
    pub fn scopes(&self) -> BTreeSet<&str> {
        let mut scopes = BTreeSet::new();
        for (_, set) in &self.sets {
            scopes.extend(set.tool_scopes().all());
            for rule in set.rules() {
                scopes.extend(rule.literal_arguments("hasScope"));
            }
        }
        scopes
    }

    /// Whether a rule of any set asks for the arguments of a call; see [`PolicySet::needs_arguments`].
    pub fn needs_arguments(&self) -> bool {
        self.sets.iter().any(|(_, set)| set.needs_arguments())
    }

    /// As [`PolicySet::decide_in_full`].
    #[doc(hidden)]
    pub fn decide_in_full(&self, context: &Context<'_>) -> Decision {
        decide(Sets { one: None, many: &self.sets, in_full: true }, context)
    }

    /// Takes the decision: that of the first set that denies, or else that of the last.
    pub fn decide(&self, context: &Context<'_>) -> Decision {
        decide(Sets { one: None, many: &self.sets, in_full: false }, context)
    }
}

impl From<PolicySet> for PolicyLevels {
    fn from(set: PolicySet) -> Self {
        Self { sets: vec![(None, set)] }
    }
}

/// Sets to be asked together.
#[derive(Clone, Copy)]
pub(super) struct Sets<'s> {
    one: Option<&'s PolicySet>,
    many: &'s [(Option<Level>, PolicySet)],
    in_full: bool,
}

impl<'s> Sets<'s> {
    pub(super) fn one(set: &'s PolicySet) -> Self {
        Self { one: Some(set), many: &[], in_full: false }
    }

    /// Every rule is evaluated as it is written.
    pub(super) fn in_full(self) -> Self {
        Self { in_full: true, ..self }
    }

    /// The opposite, which is the default.
    pub(super) fn by_residuals(self) -> Self {
        Self { in_full: false, ..self }
    }

    pub(super) fn iter(self) -> impl Iterator<Item = (Option<Level>, &'s PolicySet)> {
        let one = self.one.map(|set| (None, set));
        one.into_iter().chain(self.many.iter().map(|(level, set)| (*level, set)))
    }

    /// `dry_run`: dry-run rules are enforced too.
    pub(super) fn verdict(self, context: &Context<'_>, grant: &Grant<'_>, dry_run: bool) -> Verdict {
        if let Some(set) = self.one {
            return set.verdict(context, grant, dry_run, self.in_full);
        }
        let mut last = Verdict::denied(DecisionReason::EmptySet);
        for (level, set) in self.many {
            last = set.verdict(context, grant, dry_run, self.in_full).at(*level);
            if !last.is_allowed() {
                return last;
            }
        }
        last
    }
}

pub(super) fn decide(sets: Sets<'_>, context: &Context<'_>) -> Decision {
    let verdict = sets.verdict(context, &Grant::Held, false);
    complete(sets, context, verdict)
}

/// What a decision says besides its verdict.
pub(super) fn complete(sets: Sets<'_>, context: &Context<'_>, verdict: Verdict) -> Decision {
    let mut decision = Decision::of(verdict);
    if !decision.is_allowed()
        && let Some(scopes) = step_up::scopes(sets, context)
    {
        decision = decision.with_step_up(scopes);
    }
    if sets.iter().any(|(_, set)| set.has_dry_runs()) {
        decision = decision.with_dry_run(sets.verdict(context, &Grant::Held, true));
    }
    decision
}
