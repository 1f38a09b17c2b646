//! Scopes: which imply which, and which a tool needs.

use std::collections::{BTreeMap, BTreeSet};

/// Which scopes contain which others.
///
/// A token that grants a scope is taken to grant what that scope implies, directly or through others.
///
/// ```
/// use mcp_auth_core::policy::ScopeHierarchy;
///
/// let hierarchy = ScopeHierarchy::new([("mcp:admin", &["mcp:write"][..]), ("mcp:write", &["mcp:read"])])?;
/// assert!(hierarchy.grants(|| ["mcp:admin"].into_iter(), "mcp:read"));
/// assert!(!hierarchy.grants(|| ["mcp:read"].into_iter(), "mcp:write"));
/// # Ok::<(), mcp_auth_core::policy::ScopeCycle>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ScopeHierarchy {
    /// By scope: the other scopes that contain it, in order.
    containing: BTreeMap<Box<str>, Box<[Box<str>]>>,
}

/// A scope that implies itself through others: which of them is the greater one cannot be said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scope `{0}` implies itself through others; a hierarchy has no circles")]
pub struct ScopeCycle(pub Box<str>);

impl ScopeHierarchy {
    /// Each scope with those that it implies. A scope named twice implies what both say.
    ///
    /// # Errors
    ///
    /// [`ScopeCycle`] when a scope implies itself.
    pub fn new<'s, I, J>(implications: I) -> Result<Self, ScopeCycle>
    where
        I: IntoIterator<Item = (&'s str, J)>,
        J: IntoIterator<Item: AsRef<str>>,
    {
        let mut direct: BTreeMap<Box<str>, BTreeSet<Box<str>>> = BTreeMap::new();
        for (scope, implied) in implications {
            for implied in implied {
                direct.entry(implied.as_ref().into()).or_default().insert(scope.into());
            }
        }
        let mut containing = BTreeMap::new();
        for scope in direct.keys() {
            let mut above = BTreeSet::new();
            let mut next: Vec<&str> = vec![scope];
            while let Some(here) = next.pop() {
                for parent in direct.get(here).into_iter().flatten() {
                    if parent == scope {
                        return Err(ScopeCycle(scope.clone()));
                    }
                    if above.insert(parent.clone()) {
                        next.push(parent);
                    }
                }
            }
            containing.insert(scope.clone(), above.into_iter().collect());
        }
        Ok(Self { containing })
    }

    /// Whether one of the scopes that are held is `scope` or contains it.
    pub fn grants<'h, I: Iterator<Item = &'h str>>(&self, held: impl Fn() -> I, scope: &str) -> bool {
        if held().any(|s| s == scope) {
            return true;
        }
        let Some(containing) = self.containing.get(scope) else { return false };
        held().any(|s| containing.binary_search_by(|c| (**c).cmp(s)).is_ok())
    }
}

/// The scopes that tools need, by name or pattern.
///
/// All entries that match a tool count. A declared scope is a condition beside the rules: a token without it is
/// refused, with a challenge that names all scopes of the operation.
///
/// ```
/// use mcp_auth_core::policy::ToolScopes;
///
/// let scopes = ToolScopes::new().tool("*", ["mcp:read"]).tool("write_*", ["mcp:write"]);
/// assert_eq!(scopes.of("write_record").collect::<Vec<_>>(), ["mcp:read", "mcp:write"]);
/// assert_eq!(scopes.of("list_records").collect::<Vec<_>>(), ["mcp:read"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ToolScopes {
    exact: BTreeMap<Box<str>, Vec<Box<str>>>,
    /// In the order they were declared; `*` stands for any text.
    patterns: Vec<(Box<str>, Vec<Box<str>>)>,
}

impl ToolScopes {
    /// No tool needs a scope.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares scopes that a tool needs. `*` in the name stands for any text, also none.
    #[must_use]
    pub fn tool<I>(mut self, name: &str, scopes: I) -> Self
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let scopes = scopes.into_iter().map(|s| Box::from(s.as_ref()));
        if name.contains('*') {
            self.patterns.push((name.into(), scopes.collect()));
        } else {
            self.exact.entry(name.into()).or_default().extend(scopes);
        }
        self
    }

    /// Whether no tool needs a scope.
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.patterns.is_empty()
    }

    /// All scopes that any tool needs.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        let patterns = self.patterns.iter().map(|(_, scopes)| scopes);
        patterns.chain(self.exact.values()).flatten().map(AsRef::as_ref)
    }

    /// All scopes that a tool needs, those of patterns first, each possibly more than once.
    pub fn of(&self, tool: &str) -> impl Iterator<Item = &str> {
        let patterns = self.patterns.iter().filter(move |(pattern, _)| matches(pattern, tool));
        let scopes = patterns.map(|(_, scopes)| scopes).chain(self.exact.get(tool));
        scopes.flatten().map(AsRef::as_ref)
    }
}

/// Linear in the name for each `*`: after one, the nearest place where the rest fits is as good as any.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(first) else { return false };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return name.ends_with(piece);
        }
        let Some((_, after)) = name.split_once(piece) else { return false };
        name = after;
    }
    false
}
