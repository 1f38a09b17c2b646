//! Several expressions that make one rule.

use std::fmt;

/// How the expressions of a [`MatchBlock`] are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way to join")]
pub enum Join {
    /// As by `&&`: the block is true when all expressions are.
    All,
    /// As by `||`: the block is true when one expression is.
    Any,
}

/// The expressions of one rule, with how they are joined, a name, and whether the rule is enforced.
///
/// Several expressions are joined by [`Join::All`] under Allow and Require, which is what Kubernetes resources with
/// `matchExpressions` document. Under Deny a block of several expressions has to say which is meant: documents and
/// running systems differ there, and either guess opens something.
///
/// ```
/// use mcp_auth_core::policy::{Effect, Join, MatchBlock, PolicySet};
///
/// let tools = ["mcp.tool.name == \"drop\"", "mcp.tool.name == \"purge\""];
/// let policy = PolicySet::builder()
///     .block(Effect::Deny, MatchBlock::new(tools).join(Join::Any).name("no-deletion"))?
///     .allow("true")?
///     .build();
/// assert!(PolicySet::builder().block(Effect::Deny, MatchBlock::new(tools)).is_err());
/// # let _ = policy;
/// # Ok::<(), mcp_auth_core::policy::RuleError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct MatchBlock {
    pub(super) expressions: Vec<String>,
    pub(super) join: Option<Join>,
    pub(super) name: Option<String>,
    pub(super) dry_run: bool,
}

impl MatchBlock {
    /// A block of these expressions.
    pub fn new<I: IntoIterator<Item: Into<String>>>(expressions: I) -> Self {
        let expressions = expressions.into_iter().map(Into::into).collect();
        Self { expressions, join: None, name: None, dry_run: false }
    }

    /// Says how the expressions are joined.
    pub fn join(mut self, join: Join) -> Self {
        self.join = Some(join);
        self
    }

    /// Names the rule in decisions and explanations.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The rule is evaluated and recorded, and decides nothing.
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }
}

impl From<&str> for MatchBlock {
    fn from(expression: &str) -> Self {
        Self::new([expression])
    }
}

impl fmt::Display for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Any => "any",
        })
    }
}
