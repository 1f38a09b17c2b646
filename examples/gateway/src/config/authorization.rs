//! `authorization` and `mcpAuthorization`: rules in CEL, and what belongs to them. They are compiled elsewhere.

use mcp_auth_core::policy::{Effect, Join, ScopeHierarchy};

use super::error::{ConfigErrorKind, Fault, Position};
use super::fields::Fields;
use super::node::{Kind, Node, Spanned};
use super::scopes::{self, ToolScope};
use super::suggest;

/// The policies over requests that every level has: the file, a listener, a route.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// Rules over each HTTP request.
    pub(crate) http: Option<Authorization>,
    /// Rules over each MCP call and each listed item.
    pub(crate) mcp: Option<Authorization>,
}

/// The rules of one policy.
#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    /// The rules in the file's order. Empty only where tools need scopes.
    pub(crate) rules: Vec<Rule>,
    /// The scopes that tools need, in the file's order.
    pub(crate) tool_scopes: Vec<ToolScope>,
    /// Which scopes contain which others.
    pub(crate) scope_hierarchy: ScopeHierarchy,
    /// The claims that `inGroup` looks in, where the file says so.
    pub(crate) group_claims: Option<Vec<String>>,
    /// Where the policy begins in the file.
    pub(crate) at: Position,
}

/// One rule.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// What decisions call it.
    pub(crate) name: Option<String>,
    /// What the rule does when it is true.
    pub(crate) effect: Effect,
    /// The sources of its CEL expressions with their places. Never empty.
    pub(crate) expressions: Vec<Spanned<String>>,
    /// How several expressions are joined, where the file says so.
    pub(crate) join: Option<Join>,
    /// Whether it is recorded only.
    pub(crate) dry_run: bool,
    /// Where the rule begins in the file.
    pub(crate) at: Position,
}

impl Rules {
    /// The fields that hold them.
    pub(super) const FIELDS: [&str; 2] = ["authorization", "mcpAuthorization"];

    pub(super) fn take(fields: &mut Fields) -> Result<Self, Fault> {
        let [http, mcp] = Self::FIELDS;
        let mut read =
            |what: &'static str| fields.take(what).map(|node| Authorization::read(node, what)).transpose();
        Ok(Self { http: read(http)?, mcp: read(mcp)? })
    }

    /// Reads a level that has nothing else.
    pub(super) fn read(node: Node, what: &'static str, unsupported: &[&str]) -> Result<Self, Fault> {
        Self::take(&mut Fields::new(node, what, &Self::FIELDS, unsupported)?)
    }

    /// Where the first of them begins, if there are any.
    pub(crate) fn at(&self) -> Option<Position> {
        self.http.iter().chain(&self.mcp).map(|policy| policy.at).min()
    }
}

impl Authorization {
    fn read(node: Node, what: &'static str) -> Result<Self, Fault> {
        const KNOWN: [&str; 4] = ["rules", "scopeHierarchy", "groupClaims", "toolScopes"];
        // Only the rules over items know which tool is called.
        let known = if what == "mcpAuthorization" { &KNOWN[..] } else { KNOWN.split_at(3).0 };
        let mut fields = Fields::new(node, what, known, &[])?;
        let at = fields.at();
        let tool_scopes = fields.take("toolScopes").map(scopes::read_tools).transpose()?.unwrap_or_default();
        let rules = match fields.take("rules") {
            None if !tool_scopes.is_empty() => Vec::new(),
            None => return Err(Fault::missing(at, "rules", what)),
            Some(node) => read_rules(node, what)?,
        };
        let scope_hierarchy = fields.take("scopeHierarchy").map(scopes::read_hierarchy).transpose()?;
        let group_claims = fields.take("groupClaims").map(read_claims).transpose()?;
        Ok(Self {
            rules,
            tool_scopes,
            scope_hierarchy: scope_hierarchy.unwrap_or_default(),
            group_claims,
            at,
        })
    }
}

fn read_rules(node: Node, what: &str) -> Result<Vec<Rule>, Fault> {
    let at = node.at;
    let nodes = node.list("rules")?;
    if nodes.is_empty() {
        let message = format!("`rules` of {what} must not be empty: to allow everything, leave {what} out");
        return Err(Fault::invalid(at, message));
    }
    let mut rules: Vec<Rule> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let rule = Rule::read(node)?;
        if rule.name.is_some() && rules.iter().any(|earlier| earlier.name == rule.name) {
            let name = rule.name.unwrap_or_default();
            let message = format!("two rules of {what} have the name `{name}`");
            return Err(Fault::new(ConfigErrorKind::Duplicate, rule.at, message));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn read_claims(node: Node) -> Result<Vec<String>, Fault> {
    let at = node.at;
    let claims = node.texts("groupClaims")?;
    if claims.is_empty() {
        return Err(Fault::invalid(at, "`groupClaims` must not be empty: leave it out for `groups`"));
    }
    Ok(claims.into_iter().map(|claim| claim.value).collect())
}

impl Rule {
    const EFFECTS: [&str; 3] = ["allow", "deny", "require"];

    fn read(node: Node) -> Result<Self, Fault> {
        let at = node.at;
        match node.kind {
            Kind::Text(_) => {
                let expressions = vec![node.filled_text("rules")?];
                Ok(Self { name: None, effect: Effect::Allow, expressions, join: None, dry_run: false, at })
            }
            Kind::Mapping(_) => Self::read_mapping(node),
            other => Err(other.wrong_type(at, "rules", "a list of CEL expressions")),
        }
    }

    fn read_mapping(node: Node) -> Result<Self, Fault> {
        let known = ["allow", "deny", "require", "name", "dryRun"];
        let mut fields = Fields::new(node, "a rule", &known, &[])?;
        let at = fields.at();
        let mut effects = Self::EFFECTS.iter().filter_map(|name| fields.take(name).map(|node| (*name, node)));
        let (Some((effect, node)), None) = (effects.next(), effects.next()) else {
            let effects = suggest::list(&Self::EFFECTS);
            return Err(Fault::invalid(at, format!("a rule must have exactly one of {effects}")));
        };
        drop(effects);
        let (expressions, join) = read_block(effect, node)?;
        Ok(Self {
            name: fields.text("name")?.map(|name| name.value),
            effect: match effect {
                "allow" => Effect::Allow,
                "deny" => Effect::Deny,
                _ => Effect::Require,
            },
            expressions,
            join,
            dry_run: fields.take("dryRun").map(|node| node.boolean("dryRun")).transpose()?.unwrap_or(false),
            at,
        })
    }
}

/// One expression, or several with how they are joined.
fn read_block(effect: &'static str, node: Node) -> Result<(Vec<Spanned<String>>, Option<Join>), Fault> {
    match node.kind {
        Kind::Mapping(_) => {
            let mut fields = Fields::new(node, effect, &["matchExpressions", "match"], &[])?;
            let join = match fields.text("match")? {
                None => None,
                Some(word) if word.value == "all" => Some(Join::All),
                Some(word) if word.value == "any" => Some(Join::Any),
                Some(word) => {
                    return Err(Fault::unknown_word(word.at, &word.value, "`match`", &["all", "any"]));
                }
            };
            let expressions = fields.require("matchExpressions")?.filled_list("matchExpressions")?;
            let read = |node: Node| node.filled_text("matchExpressions");
            Ok((expressions.into_iter().map(read).collect::<Result<_, _>>()?, join))
        }
        Kind::Text(_) => Ok((vec![node.filled_text(effect)?], None)),
        other => {
            let expected = "a CEL expression, or a mapping with `matchExpressions`";
            Err(other.wrong_type(node.at, effect, expected))
        }
    }
}
