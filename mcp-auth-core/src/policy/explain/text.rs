//! An explanation for people.

use std::fmt;

use super::node::{Node, Shown};
use super::{ExplainedRule, ExplainedSet, Explanation, Outcome};
use crate::policy::rule::Effect;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.decision)?;
        match &self.asked {
            Some((method, Some((kind, name)))) => {
                writeln!(f, "asked: {method}, {kind} `{}`", printable(name))?
            }
            Some((method, None)) => writeln!(f, "asked: {}", printable(method))?,
            None => writeln!(f, "asked: no MCP message")?,
        }
        if let Some(scopes) = self.decision.step_up() {
            writeln!(f, "a token with these scopes would be enough: {}", scopes.join(" "))?;
        }
        self.sets.iter().try_for_each(|set| write!(f, "\n{set}"))
    }
}

impl fmt::Display for ExplainedSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.level) {
            (Some(name), Some(level)) => writeln!(f, "{name}, {level}: {}", self.verdict)?,
            (Some(name), None) => writeln!(f, "{name}: {}", self.verdict)?,
            (None, Some(level)) => writeln!(f, "{level}: {}", self.verdict)?,
            (None, None) => {}
        }
        for (index, rule) in self.rules.iter().enumerate() {
            rule.fmt(index, f)?;
        }
        for (scope, granted) in &self.tool_scopes {
            writeln!(f, "scope {scope} for this tool: {}", if *granted { "granted" } else { "missing" })?;
        }
        Ok(())
    }
}

impl ExplainedRule {
    fn fmt(&self, index: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {index}", self.effect)?;
        if let Some(name) = &self.name {
            write!(f, " `{name}`")?;
        }
        let dry_run = if self.dry_run { " (dry run)" } else { "" };
        match self.outcome {
            None => return writeln!(f, "{dry_run}: does not speak of this"),
            Some(outcome) => writeln!(f, "{dry_run}: {outcome}{}", self.consequence(outcome))?,
        }
        self.expressions.iter().try_for_each(|node| node.fmt(1, f))
    }

    fn consequence(&self, outcome: Outcome) -> &'static str {
        match (self.effect, outcome) {
            _ if self.dry_run => "",
            (Effect::Deny, Outcome::True | Outcome::Failed) => ", and that denies",
            (Effect::Require, Outcome::False | Outcome::Failed) => ", and that denies",
            (Effect::Allow, Outcome::True) => ", and that allows",
            _ => "",
        }
    }
}

impl Node {
    fn fmt(&self, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One line for each part, however it is written.
        let text: Vec<&str> = self.text.split_whitespace().collect();
        write!(f, "{:indent$}{} ", "", printable(&text.join(" ")), indent = depth * 2)?;
        match &self.outcome {
            Ok(Shown::Bool(b)) => writeln!(f, "= {b}")?,
            Ok(Shown::Value(value)) => writeln!(f, "= {}", printable(&value.to_string()))?,
            Ok(Shown::Hidden(of)) => writeln!(f, "= ({of}, not shown)")?,
            Err(error) => writeln!(f, "fails: {}", printable(error))?,
        }
        self.parts.iter().try_for_each(|part| part.fmt(depth + 1, f))
    }
}

/// Without control characters, which a terminal would obey.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}
