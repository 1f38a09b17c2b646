//! What is legal in a set and probably not meant.
//!
//! Found is what can be decided from the text: rules that are constant once constants are folded, comparisons of one
//! name or claim with several literals that cannot all be true (or that always are), rules that say the same, rules
//! whose conditions contain all conditions of another, and allow rules for tools that other rules deny by name. Not
//! found is what depends on what claims mean: that two groups have no member in common, or that nobody has a scope.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use super::block::Join;
use super::context::Context;
use super::item::{Kind, Kinds};
use super::kinds::Asks;
use super::partial::Fixed;
use super::rule::{Effect, Rule, Truth};
use super::set::PolicySet;
use crate::cel::{CelError, Program, Structure};
use crate::mcp::{McpCall, Target};

/// A rule is compared with at most this many others that have a part in common with it.
const MAX_COMPARED: usize = 1_000;

/// Something about a set that a person should look at. `Display` says what and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    rule: Option<usize>,
    kind: FindingKind,
    effect: Option<Effect>,
}

/// What a [`Finding`] is about. Rules are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// The set has no rule: it denies everything.
    NoRule,
    /// All rules are dry runs: nothing is enforced.
    NothingEnforced,
    /// All allow rules are dry runs: what they do not allow is allowed.
    NoAllowEnforced,
    /// The rule is always true.
    AlwaysTrue,
    /// The rule is never true.
    NeverTrue,
    /// The rule fails whatever the request is.
    AlwaysFails,
    /// The rule says what this one says already.
    SameAs(usize),
    /// The rule changes nothing beside this one.
    Shadowed(usize),
    /// What the rule allows, this one denies.
    Overruled(usize),
    /// The rule would deny what is not of this kind, and does not speak of it.
    OneKind(&'static str),
    /// The rule reads items of several kinds and does not ask which is there.
    SeveralKinds,
    /// A part of an expression is doubtful.
    Expression(CelError),
}

impl Finding {
    /// The rule; `None` where it is about the set.
    pub fn rule(&self) -> Option<usize> {
        self.rule
    }

    /// What it is about.
    pub fn kind(&self) -> &FindingKind {
        &self.kind
    }
}

impl FindingKind {
    /// A stable word for logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRule => "no_rule",
            Self::NothingEnforced => "nothing_enforced",
            Self::NoAllowEnforced => "no_allow_enforced",
            Self::AlwaysTrue => "always_true",
            Self::NeverTrue => "never_true",
            Self::AlwaysFails => "always_fails",
            Self::SameAs(_) => "same_as",
            Self::Shadowed(_) => "shadowed",
            Self::Overruled(_) => "overruled",
            Self::OneKind(_) => "one_kind",
            Self::SeveralKinds => "several_kinds",
            Self::Expression(_) => "expression",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Effect::{Allow, Deny, Require};
        use FindingKind as K;
        match (&self.kind, self.effect) {
            (K::NoRule, _) => f.write_str("there is no rule: everything is denied"),
            (K::NothingEnforced, _) => f.write_str("all rules are dry runs: nothing is enforced"),
            (K::NoAllowEnforced, _) => {
                f.write_str("all allow rules are dry runs: what no other rule denies is allowed to everybody")
            }
            (K::OneKind(kind), _) => write!(
                f,
                "speaks of each {kind}, where `has(mcp.{kind})` is true, and of nothing else: to deny everything else, \
                 compare `mcp.method`"
            ),
            (K::SeveralKinds, _) => f.write_str(
                "reads items of several kinds, and an item is of one: it fails, and that denies, unless it asks with \
                 `has(…)`; write a rule for each kind",
            ),
            (K::AlwaysTrue, Some(Deny)) => f.write_str("always true: everything that it speaks of is denied"),
            (K::AlwaysTrue, Some(Allow)) => f.write_str("always true: no other allow rule is needed"),
            (K::AlwaysTrue, _) => f.write_str("always true: it has no effect"),
            (K::NeverTrue, Some(Require)) => {
                f.write_str("never true: everything that it speaks of is denied")
            }
            (K::NeverTrue, _) => f.write_str("never true: it has no effect"),
            (K::AlwaysFails, Some(Allow)) => f.write_str("always fails: it has no effect"),
            (K::AlwaysFails, _) => f.write_str("always fails: everything that it speaks of is denied"),
            (K::SameAs(other), _) => write!(f, "says the same as rule {other}"),
            (K::Shadowed(other), _) => write!(f, "has no effect: rule {other} covers all that it covers"),
            (K::Overruled(other), _) => write!(f, "has no effect: rule {other} denies all that it allows"),
            (K::Expression(error), _) => error.fmt(f),
        }
    }
}

impl PolicySet {
    /// What is legal in this set and probably not meant, in the order of its rules.
    pub fn findings(&self) -> Vec<Finding> {
        let rules = self.rules();
        let about_set = |kind| vec![Finding { rule: None, kind, effect: None }];
        if rules.is_empty() {
            return if self.tool_scopes().is_empty() { about_set(FindingKind::NoRule) } else { Vec::new() };
        }
        let mut findings = Vec::new();
        if rules.iter().all(Rule::is_dry_run) {
            findings = about_set(FindingKind::NothingEnforced);
        } else if only_dry_runs(rules) {
            findings = about_set(FindingKind::NoAllowEnforced);
        }
        let logics: Vec<Logic> = rules.iter().map(Logic::of).collect();
        let (known, asks) = (Known::of(rules, &logics), Asks::new());
        for (index, (rule, logic)) in rules.iter().zip(&logics).enumerate() {
            let mut add = |kind| {
                findings.push(Finding { rule: Some(index), kind, effect: Some(rule.effect()) });
            };
            for expression in rule.parts() {
                expression.program.warnings().iter().cloned().map(FindingKind::Expression).for_each(&mut add);
            }
            asks.about(rule).into_iter().for_each(&mut add);
            match logic.constant {
                Some(Truth::Yes) => add(FindingKind::AlwaysTrue),
                Some(Truth::No) => add(FindingKind::NeverTrue),
                Some(_) => add(FindingKind::AlwaysFails),
                None => known.about(index, rule, logic).into_iter().for_each(add),
            }
        }
        findings
    }
}

/// Whether there are allow rules and none is enforced.
fn only_dry_runs(rules: &[Rule]) -> bool {
    let mut allows = rules.iter().filter(|rule| rule.effect() == Effect::Allow).peekable();
    allows.peek().is_some() && allows.all(Rule::is_dry_run)
}

/// A rule as a disjunction of conjunctions of parts, each named by what it does.
struct Logic {
    /// Parts of the conjunctions; a part that is itself joined is one part.
    ways: Vec<BTreeSet<String>>,
    constant: Option<Truth>,
    /// The kinds of items that it reads.
    kinds: Kinds,
    /// Whether it can be true for items of one of these kinds only.
    only: Kinds,
}

impl Logic {
    fn of(rule: &Rule) -> Self {
        let programs = || rule.parts().iter().map(|e| &e.program);
        let structures = programs().map(Program::structure).collect();
        let whole = match rule.join() {
            Join::All => Structure::All(structures),
            Join::Any => Structure::Any(structures),
        };
        let known: Option<Vec<Truth>> = programs().map(constant).collect();
        let constant = known.map(|known| Truth::join(rule.join(), known.into_iter()));
        let kinds = rule.parts().iter().fold(Kinds::NONE, |kinds, e| kinds.union(e.kinds));
        let needs = |kind: &Kind| {
            let needs = |path: &&str| programs().all(|program| program.admitted(path).is_some());
            kind.name_paths().iter().any(needs)
        };
        let only = Kind::ALL.into_iter().filter(needs).collect();
        Self { ways: ways(&whole), constant, kinds, only }
    }

    /// Whether a `Deny` or `Require` of this logic speaks of everything of which the other one can be true, or speaks.
    fn reaches(&self, other: &Self, effect: Effect) -> bool {
        let reached = if effect == Effect::Allow { other.only } else { other.kinds };
        self.kinds.is_empty()
            || (!reached.is_empty()
                && Kind::ALL.into_iter().all(|k| !reached.contains(k) || self.kinds.contains(k)))
    }

    /// Whether it is true wherever the other is.
    fn follows_from(&self, other: &Self) -> bool {
        other.ways.iter().all(|way| self.ways.iter().any(|own| own.is_subset(way)))
    }
}

fn ways(structure: &Structure) -> Vec<BTreeSet<String>> {
    match structure {
        Structure::Any(parts) => parts.iter().flat_map(ways).collect(),
        Structure::All(parts) if parts.len() == 1 => parts.iter().flat_map(ways).collect(),
        other => {
            let mut parts = BTreeSet::new();
            conjuncts(other, &mut parts);
            vec![parts]
        }
    }
}

fn conjuncts(structure: &Structure, out: &mut BTreeSet<String>) {
    match structure {
        Structure::All(parts) => parts.iter().for_each(|part| conjuncts(part, out)),
        Structure::Any(parts) if parts.len() == 1 => parts.iter().for_each(|part| conjuncts(part, out)),
        other => {
            out.insert(name(other));
        }
    }
}

fn name(structure: &Structure) -> String {
    let list = |sign: &str, parts: &[Structure]| {
        let parts: Vec<_> = parts.iter().map(name).collect();
        format!("({})", parts.join(sign))
    };
    match structure {
        Structure::All(parts) => list(" && ", parts),
        Structure::Any(parts) => list(" || ", parts),
        Structure::Not(inner) => format!("!{}", name(inner)),
        Structure::Part(program) => program.fingerprint(),
    }
}

/// What an expression always comes to, once constants are folded, or because it compares one text with several.
fn constant(program: &Program) -> Option<Truth> {
    if let Some(outcome) = program.constant() {
        return Some(Truth::of(&outcome));
    }
    program.mentions().find_map(|path| {
        let words = path.to_string();
        let none = |set: Option<BTreeSet<&str>>| set.is_some_and(|set| set.is_empty());
        if none(program.admitted(&words)) {
            Some(Truth::No)
        } else {
            none(program.excepted(&words)).then_some(Truth::Yes)
        }
    })
}

/// The rules that are enforced, by what they say.
struct Known<'r> {
    logics: &'r [Logic],
    /// By effect and part.
    by_part: HashMap<(Effect, &'r str), Vec<usize>, Fixed>,
    /// Tools that a rule denies by their name alone.
    denied: HashMap<Box<str>, usize, Fixed>,
}

impl<'r> Known<'r> {
    fn of(rules: &'r [Rule], logics: &'r [Logic]) -> Self {
        let mut known = Self { logics, by_part: HashMap::default(), denied: HashMap::default() };
        for (index, (rule, logic)) in
            rules.iter().zip(logics).enumerate().filter(|(_, (r, _))| !r.is_dry_run())
        {
            for part in logic.ways.iter().flatten() {
                known.by_part.entry((rule.effect(), part)).or_default().push(index);
            }
            for tool in denied_tools(rule) {
                known.denied.entry(tool).or_insert(index);
            }
        }
        known
    }

    fn about(&self, index: usize, rule: &Rule, logic: &Logic) -> Option<FindingKind> {
        let effect = rule.effect();
        // Of several that say the same the first one counts.
        let mut others = self.close(effect, logic).filter(|other| *other != index);
        let covering = others.find_map(|other| {
            let known = self.logics.get(other)?;
            let (wider, narrower) = (known.follows_from(logic), logic.follows_from(known));
            let reaches = effect == Effect::Allow || known.reaches(logic, effect);
            match (wider && narrower, if effect == Effect::Require { narrower } else { wider }) {
                (true, _) => (reaches && other < index).then_some(FindingKind::SameAs(other)),
                (false, true) => reaches.then_some(FindingKind::Shadowed(other)),
                (false, false) => None,
            }
        });
        if covering.is_some() || effect != Effect::Allow {
            return covering;
        }
        let mut denials = self.close(Effect::Deny, logic);
        let denial = denials.find(|other| {
            self.logics.get(*other).is_some_and(|o| o.follows_from(logic) && o.reaches(logic, Effect::Allow))
        });
        denial.or_else(|| self.denied_by_name(rule)).map(FindingKind::Overruled)
    }

    /// The rules of an effect that have a part in common with this one.
    fn close<'k>(&'k self, effect: Effect, logic: &'k Logic) -> impl Iterator<Item = usize> + 'k {
        let parts = logic.ways.iter().flatten();
        parts
            .filter_map(move |part| self.by_part.get(&(effect, part.as_str())))
            .flatten()
            .copied()
            .take(MAX_COMPARED)
    }

    /// The rule that denies the tools that this one is about.
    fn denied_by_name(&self, rule: &Rule) -> Option<usize> {
        let [only] = rule.parts() else { return None };
        let tools = only.program.admitted("mcp.tool.name").filter(|tools| !tools.is_empty())?;
        let denying: Option<Vec<usize>> = tools.iter().map(|tool| self.denied.get(*tool).copied()).collect();
        denying?.first().copied()
    }
}

/// The tools that a rule denies to everybody.
fn denied_tools(rule: &Rule) -> Vec<Box<str>> {
    const PATH: &str = "mcp.tool.name";
    let [only] = rule.parts() else { return Vec::new() };
    let program = &only.program;
    if !program.mentions().all(|path| path.to_string() == PATH) {
        return Vec::new();
    }
    let (named, denies) = match rule.effect() {
        Effect::Deny => (program.admitted(PATH), Ok(true)),
        Effect::Require => (program.excepted(PATH), Ok(false)),
        Effect::Allow => return Vec::new(),
    };
    let is_denied = |tool: &&str| {
        let call = McpCall::new("tools/call", Some(Target::Tool((*tool).into())));
        program.evaluate_bool(&Context::new(None).call(&call)) == denies
    };
    named.into_iter().flatten().filter(is_denied).map(Box::from).collect()
}
