//! `authorization` and `mcpAuthorization`: CEL rules. They are compiled elsewhere.

use super::error::{Fault, Position};
use super::fields::Fields;
use super::node::{Kind, Node, Spanned};
use super::path_match::one_of;

/// The rules of one policy.
#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    /// The rules in the file's order. Never empty.
    pub(crate) rules: Vec<Rule>,
    /// Where the policy begins in the file.
    pub(crate) at: Position,
}

/// One rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Rule {
    /// What the rule does when its expression is true.
    pub(crate) effect: Effect,
    /// The source of the CEL expression, with its place: an error of the compiler is shown there.
    pub(crate) expression: Spanned<String>,
}

/// What a [`Rule`] does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effect {
    /// One true allow rule lets the request through, if nothing else stops it.
    Allow,
    /// One true deny rule stops the request.
    Deny,
    /// One require rule that is not true stops the request.
    Require,
}

impl Authorization {
    pub(super) fn read(node: Node, what: &'static str) -> Result<Self, Fault> {
        let mut fields = Fields::new(node, what, &["rules"], &[])?;
        let at = fields.at();
        let rules = fields.require("rules")?;
        let place = rules.at;
        let rules = rules.list("rules")?;
        if rules.is_empty() {
            let message =
                format!("`rules` of {what} must not be empty: to allow everything, leave {what} out");
            return Err(Fault::invalid(place, message));
        }
        let rules = rules.into_iter().map(Rule::read).collect::<Result<_, _>>()?;
        Ok(Self { rules, at })
    }
}

impl Rule {
    fn read(node: Node) -> Result<Self, Fault> {
        let (effect, expression) = match node.kind {
            Kind::Text(_) => (Effect::Allow, node.filled_text("rules")?),
            Kind::Mapping(_) => {
                let (key, node) = one_of(node, "a rule", &["allow", "deny", "require"])?;
                let effect = match key.value.as_str() {
                    "allow" => Effect::Allow,
                    "deny" => Effect::Deny,
                    _ => Effect::Require,
                };
                (effect, node.filled_text(&key.value)?)
            }
            other => return Err(other.wrong_type(node.at, "rules", "a list of CEL expressions")),
        };
        Ok(Self { effect, expression })
    }
}
