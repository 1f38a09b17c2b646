//! An explanation for programs.

use serde_json::{Map, Value, json};

use super::node::{Node, Shown};
use super::{ExplainedRule, ExplainedSet, Explanation};
use crate::policy::decision::Verdict;

impl Explanation {
    /// The explanation as JSON.
    ///
    /// | member | what |
    /// |---|---|
    /// | `allowed`, `reason`, `rule`, `ruleName`, `set`, `level` | the decision and what made it |
    /// | `dryRun` | the same, as it would be with dry-run rules, where that differs; else `null` |
    /// | `scopes` | all scopes that the operation needs, where they alone are missing; else `null` |
    /// | `asked` | `method`, `kind`, `item` |
    /// | `sets` | each with `rules`: `effect`, `name`, `dryRun`, `outcome` (`null`: does not speak of this), `expressions` |
    ///
    /// An expression and each of its `parts` has a `text`, and a `value`, or `hidden` with the type of one that is not
    /// shown, or an `error`.
    pub fn to_json(&self) -> String {
        let mut out = verdict(self.decision.verdict());
        let (method, item) = match &self.asked {
            Some((method, item)) => (Some(method), item.as_ref()),
            None => (None, None),
        };
        let asked = json!({
            "method": method,
            "kind": item.map(|(kind, _)| kind),
            "item": item.map(|(_, name)| name),
        });
        out.insert("dryRun".into(), self.decision.dry_run().map(verdict).into());
        out.insert("scopes".into(), json!(self.decision.step_up()));
        out.insert("asked".into(), asked);
        out.insert("sets".into(), self.sets.iter().map(set).collect());
        Value::Object(out).to_string()
    }
}

fn verdict(verdict: &Verdict) -> Map<String, Value> {
    let members = [
        ("allowed", verdict.is_allowed().into()),
        ("reason", verdict.reason().code().into()),
        ("rule", verdict.reason().rule().into()),
        ("ruleName", verdict.rule_name().into()),
        ("set", verdict.set_name().into()),
        ("level", verdict.level().map(|level| level.to_string()).into()),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn set(set: &ExplainedSet) -> Value {
    let scopes = set.tool_scopes.iter().map(|(scope, granted)| json!({ "scope": scope, "granted": granted }));
    json!({
        "level": set.level.map(|level| level.to_string()),
        "name": set.name,
        "verdict": Value::Object(verdict(&set.verdict)),
        "rules": set.rules.iter().map(rule).collect::<Value>(),
        "toolScopes": scopes.collect::<Value>(),
    })
}

fn rule(rule: &ExplainedRule) -> Value {
    json!({
        "effect": rule.effect.to_string(),
        "name": rule.name,
        "dryRun": rule.dry_run,
        "outcome": rule.outcome.map(|outcome| outcome.to_string()),
        "expressions": rule.expressions.iter().map(node).collect::<Value>(),
    })
}

fn node(part: &Node) -> Value {
    let (member, outcome) = match &part.outcome {
        Ok(Shown::Bool(b)) => ("value", (*b).into()),
        Ok(Shown::Value(value)) => ("value", value.clone()),
        Ok(Shown::Hidden(of)) => ("hidden", (*of).into()),
        Err(error) => ("error", error.as_str().into()),
    };
    json!({ "text": part.text, "parts": part.parts.iter().map(node).collect::<Value>(), member: outcome })
}
