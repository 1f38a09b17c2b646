//! From rules in the file to policy sets on levels, and back to their places in the file.

use std::collections::BTreeSet;
use std::fmt;

use mcp_auth_core::cel::{CelError, Program};
use mcp_auth_core::policy::{
    FindingKind, Level, MatchBlock, PolicyLevels, PolicySet, Rule, RuleError, RuleErrorKind, ToolScopes,
    environment,
};

use super::build::BuildError;
use crate::config::{self, Position, Source, Spanned};

/// The sets that a request passes, from the outside in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Levels {
    http: PolicyLevels,
    mcp: PolicyLevels,
    /// Where the first rules are, for a route that cannot have any.
    at: Option<Position>,
}

/// A compiled set and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Set<'c> {
    /// `authorization` or `mcpAuthorization`.
    pub(crate) name: &'static str,
    /// Its rules as they are written.
    pub(crate) from: &'c config::Authorization,
    pub(crate) compiled: PolicySet,
}

/// What is legal and probably not meant, with its place in the file.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// Where.
    pub(crate) at: Position,
    /// The rule of the set, counted from 0; `None` for the whole set.
    pub(crate) rule: Option<usize>,
    /// A stable word.
    pub(crate) code: &'static str,
    /// What.
    pub(crate) message: String,
    file: String,
}

impl Levels {
    /// Those of a level further in.
    pub(crate) fn with(
        &self,
        level: Level,
        source: &Source,
        rules: &config::Rules,
    ) -> Result<Self, BuildError> {
        let mut levels = self.clone();
        for set in Set::of(source, rules)? {
            let kind = if set.is_mcp() { &mut levels.mcp } else { &mut levels.http };
            *kind = std::mem::take(kind).with(level, set.compiled);
        }
        levels.at = levels.at.or(rules.at());
        Ok(levels)
    }

    /// Where the first rules are, if there are any.
    pub(super) fn at(&self) -> Option<Position> {
        self.at
    }

    /// The sets over every request, if there are any: a policy without a set denies.
    pub(crate) fn http(&self) -> Option<&PolicyLevels> {
        Some(&self.http).filter(|sets| sets.sets().len() > 0)
    }

    /// The scopes that rules ask for.
    pub(super) fn scopes(&self) -> BTreeSet<String> {
        let sets = [&self.http, &self.mcp];
        sets.into_iter().flat_map(PolicyLevels::scopes).map(str::to_owned).collect()
    }

    /// Whether a rule reads which server has an item.
    pub(crate) fn read_targets(&self) -> bool {
        let kinds = ["mcp.tool.target", "mcp.prompt.target", "mcp.resource.target", "mcp.task.target"];
        kinds.iter().any(|path| self.mcp.reads(path) || self.http.reads(path))
    }

    /// The sets over MCP items, if there are any.
    pub(crate) fn mcp(&self) -> Option<&PolicyLevels> {
        Some(&self.mcp).filter(|sets| sets.sets().len() > 0)
    }
}

impl<'c> Set<'c> {
    /// Compiles the sets of one level.
    pub(crate) fn of(source: &Source, rules: &'c config::Rules) -> Result<Vec<Self>, BuildError> {
        let named = [("authorization", &rules.http), ("mcpAuthorization", &rules.mcp)];
        let present = named.into_iter().filter_map(|(name, from)| Some((name, from.as_ref()?)));
        present.map(|(name, from)| Self::compile(source, name, from)).collect()
    }

    fn compile(
        source: &Source,
        name: &'static str,
        from: &'c config::Authorization,
    ) -> Result<Self, BuildError> {
        let mut set = PolicySet::builder().name(name).scope_hierarchy(from.scope_hierarchy.clone());
        for rule in &from.rules {
            let texts = rule.expressions.iter().map(|expression| expression.value.as_str());
            let mut block = MatchBlock::new(texts);
            if let Some(join) = rule.join {
                block = block.join(join);
            }
            if let Some(name) = &rule.name {
                block = block.name(name.as_str());
            }
            if rule.dry_run {
                block = block.dry_run();
            }
            let refused = |e: RuleError| refused(source, rule, e.kind(), &e);
            let compiled = Rule::compile(rule.effect, block.clone()).map_err(refused)?;
            if let Some(nothing) = PROVIDED_BY_NOTHING.iter().find(|variable| compiled.reads(variable)) {
                let message =
                    format!("nothing in this gateway provides `{nothing}`: the rule would always fail");
                return Err(BuildError::new(source, rule.at, message));
            }
            set = set.block(rule.effect, block).map_err(refused)?;
        }
        if let Some(claims) = &from.group_claims {
            set = set.group_claims(claims);
        }
        let scopes = from.tool_scopes.iter();
        let scopes = scopes.fold(ToolScopes::new(), |all, one| all.tool(&one.tool, &one.scopes));
        Ok(Self { name, from, compiled: set.tool_scopes(scopes).build() })
    }

    fn is_mcp(&self) -> bool {
        self.name == "mcpAuthorization"
    }

    /// What in it is probably not meant.
    pub(crate) fn findings(&self, source: &Source) -> Vec<Finding> {
        let found = self.compiled.findings();
        let place = |found: mcp_auth_core::policy::Finding| {
            let rule = found.rule().and_then(|index| Some((index, self.from.rules.get(index)?)));
            let (at, message) = match (found.kind(), rule) {
                (FindingKind::Expression(error), Some((_, rule))) => {
                    (warned_at(source, rule, error), error.message().to_owned())
                }
                (_, Some((_, rule))) => (rule.at, found.to_string()),
                (_, None) => (self.from.at, found.to_string()),
            };
            let name = rule.and_then(|(_, rule)| rule.name.as_ref());
            let name = name.map(|name| format!(" (`{name}`)")).unwrap_or_default();
            let message = match rule {
                Some((index, _)) => format!("rule {index}{name} of {}: {message}", self.name),
                None => format!("{}: {message}", self.name),
            };
            let (rule, code) = (found.rule(), found.kind().code());
            Finding { at, rule, code, message, file: source.name().to_owned() }
        };
        found.into_iter().map(place).collect()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: warning: {} [{}]", self.file, self.at, self.message, self.code)
    }
}

/// The place of what does not compile, and the line with a caret.
fn refused(
    source: &Source,
    rule: &config::Rule,
    kind: &RuleErrorKind,
    whole: &dyn fmt::Display,
) -> BuildError {
    if let RuleErrorKind::Expression { index, error, .. } = kind
        && let Some(expression) = rule.expressions.get(*index)
    {
        let at = source.locate(expression, error.line(), error.column());
        let snippet = snippet(expression, error, at);
        let message = format_args!("rule does not compile: {}\n{snippet}", error.message());
        return BuildError::new(source, at.unwrap_or(expression.at), message);
    }
    BuildError::new(source, rule.at, whole)
}

/// The line of an expression with a caret under the fault, under the number that it has in the file.
fn snippet(expression: &Spanned<String>, error: &CelError, at: Option<Position>) -> String {
    let text = expression.value.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let fault = expression.value.get(error.span().start()..error.span().end()).unwrap_or_default();
    let width = fault.lines().next().unwrap_or_default().chars().count().max(1);
    let margin = at.map(|at| at.line.to_string()).unwrap_or_default();
    let (pad, lead) = (margin.len(), error.column().saturating_sub(1));
    format!("{margin} | {text}\n{:pad$} | {:lead$}{:^<width$}", "", "", "")
}

/// Variables of rules that a service which embeds the layers can provide, and this gateway does not.
const PROVIDED_BY_NOTHING: [&str; 3] = ["apiKey", "basicAuth", "extauthz"];

/// Where in the file a warning about one of the rule's expressions belongs.
fn warned_at(source: &Source, rule: &config::Rule, error: &CelError) -> Position {
    let environment = environment();
    let about = |expression: &&Spanned<String>| {
        Program::compile_predicate(&expression.value, &environment)
            .is_ok_and(|program| program.warnings().contains(error))
    };
    let expression = rule.expressions.iter().find(about);
    let place = |expression: &Spanned<String>| {
        source.locate(expression, error.line(), error.column()).unwrap_or(expression.at)
    };
    expression.map_or(rule.at, place)
}
