//! A decision as a tree of what was evaluated to what.

use std::fmt;

use super::clause::Clause;
use super::context::{Context, Evaluation, Grant, environment};
use super::decision::Decision;
use super::item::Kind;
use super::levels::{Level, PolicyLevels};
use super::rule::{Effect, Rule, Truth};
use super::set::PolicySet;
use crate::cel::Program;

mod json;
mod node;
#[cfg(test)]
mod tests;
mod text;

use node::Values;
pub use node::{Node, Shown};

/// A decision with every rule and what its parts came to, for a person ([`Display`](fmt::Display)) and for programs
/// ([`to_json`](Self::to_json)).
///
/// Every rule is evaluated, also those behind the one that decided. What is printed here is no secret only where the
/// claims are none: see [`PolicyLevels::explain`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The decision, as [`PolicyLevels::decide`] takes it.
    pub decision: Decision,
    /// What was asked for: method, kind of item and item.
    pub asked: Option<(String, Option<(&'static str, String)>)>,
    /// The sets in the order in which they were asked.
    pub sets: Vec<ExplainedSet>,
}

/// One set of an [`Explanation`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExplainedSet {
    /// Where it is attached.
    pub level: Option<Level>,
    /// Its name.
    pub name: Option<String>,
    /// What it decides by itself.
    pub verdict: super::Verdict,
    /// Its rules in order.
    pub rules: Vec<ExplainedRule>,
    /// The scopes that are declared for the tool, each with whether it is granted.
    pub tool_scopes: Vec<(String, bool)>,
}

/// One rule of an [`ExplainedSet`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExplainedRule {
    /// Its name.
    pub name: Option<String>,
    /// What it means when it is true.
    pub effect: Effect,
    /// Whether it is recorded only.
    pub dry_run: bool,
    /// What it came to; `None` where it does not speak of what is asked for.
    pub outcome: Option<Outcome>,
    /// Its expressions.
    pub expressions: Vec<Node>,
}

/// What a rule came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is true.
    True,
    /// It is false.
    False,
    /// It could not be evaluated.
    Failed,
    /// It turns on arguments that nobody knows before the call.
    Waits,
}

impl Outcome {
    fn of(truth: Truth) -> Self {
        match truth {
            Truth::Yes => Self::True,
            Truth::No => Self::False,
            Truth::Failed | Truth::Exceeded => Self::Failed,
            Truth::Waits => Self::Waits,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::True => "true",
            Self::False => "false",
            Self::Failed => "fails",
            Self::Waits => "known when it is called",
        })
    }
}

impl PolicyLevels {
    /// Takes the decision and tells how it came about.
    ///
    /// Without `show_values` the tree has truth values and errors only, and nothing that stands in claims, headers or
    /// arguments. Slower than a decision: for a person who asks.
    ///
    /// ```
    /// use mcp_auth_core::Principal;
    /// use mcp_auth_core::mcp::{McpCall, Target};
    /// use mcp_auth_core::policy::{Context, PolicyLevels, PolicySet};
    ///
    /// let rule = r#"jwt.sub == "alice" || mcp.tool.name != "write_record""#;
    /// let policy = PolicyLevels::from(PolicySet::builder().require(rule)?.build());
    /// let bob = Principal::danger_from_unverified_claims(br#"{"sub":"bob"}"#)?;
    /// let call = McpCall::new("tools/call", Some(Target::Tool("write_record".into())));
    /// let explanation = policy.explain(&Context::new(Some(&bob)).call(&call), true);
    /// assert_eq!(
    ///     explanation.to_string(),
    ///     r#"denied: rule 0 is required and false
    /// asked: tools/call, tool `write_record`
    ///
    /// require 0: false, and that denies
    ///   jwt.sub == "alice" || mcp.tool.name != "write_record" = false
    ///     jwt.sub == "alice" = false
    ///       jwt.sub = "bob"
    ///     mcp.tool.name != "write_record" = false
    ///       mcp.tool.name = "write_record"
    /// "#
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn explain(&self, context: &Context<'_>, show_values: bool) -> Explanation {
        let values = if show_values { Values::Shown } else { Values::Hidden };
        let item = context.item().map(|(kind, name)| (kind.word(), name.to_owned()));
        Explanation {
            decision: self.decide(context),
            asked: context.method().map(|method| (method.to_owned(), item)),
            sets: self.sets().map(|(level, set)| set.explain(level, context, values)).collect(),
        }
    }
}

impl PolicySet {
    fn explain(&self, level: Option<Level>, context: &Context<'_>, values: Values) -> ExplainedSet {
        let evaluation = Evaluation { context, settings: self.settings(), grant: &Grant::Held };
        let clauses = Clause::of(self.rules());
        let explain = |(index, rule): (usize, &Rule)| {
            let clauses: Vec<&Clause> = clauses.iter().filter(|clause| clause.rule == index).collect();
            explain_rule(rule, &clauses, &evaluation, values)
        };
        let scopes = match context.item() {
            Some((Kind::Tool, name)) => self.tool_scopes().of(name).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let granted = |scope: String| {
            let granted =
                context.principal().is_some_and(|p| self.settings().hierarchy.grants(|| p.scopes(), &scope));
            (scope, granted)
        };
        ExplainedSet {
            level,
            name: self.name().map(str::to_owned),
            verdict: self.verdict(context, &Grant::Held, false, false),
            rules: self.rules().iter().enumerate().map(explain).collect(),
            tool_scopes: scopes.into_iter().map(granted).collect(),
        }
    }
}

fn explain_rule(
    rule: &Rule,
    clauses: &[&Clause],
    evaluation: &Evaluation<'_>,
    values: Values,
) -> ExplainedRule {
    let kind = evaluation.context.item().map(|(kind, _)| kind);
    let asked = clauses.iter().filter(|clause| clause.speaks_of(kind));
    let outcomes: Vec<Truth> = asked.map(|clause| clause.evaluate(evaluation)).collect();
    let outcome = (!outcomes.is_empty()).then(|| Outcome::of(Truth::join(rule.join(), outcomes.into_iter())));
    let expressions = rule.parts().iter().map(|expression| {
        let tree = expression.program.explain(evaluation);
        Node::of(&tree, &expression.program, evaluation, values)
    });
    ExplainedRule {
        name: rule.name().map(str::to_owned),
        effect: rule.effect(),
        dry_run: rule.is_dry_run(),
        outcome,
        expressions: expressions.collect(),
    }
}

/// The value of what a part reads, where it is not in the tree.
fn read(path: &str, evaluation: &Evaluation<'_>, values: Values) -> Option<Node> {
    let program = Program::compile(path, &environment()).ok()?;
    let tree = program.explain(evaluation);
    Some(Node::of(&tree, &program, evaluation, values))
}
