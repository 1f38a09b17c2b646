//! Scopes of a resource by the names that the provider has for them.

use std::borrow::Cow;

use super::Quirks;
use super::quirks::fill;

/// OpenID Connect Core 1.0 §5.4 and §11: they are no resource's.
const OPENID_CONNECT: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

impl Quirks {
    /// What the provider calls this scope of the resource that it calls `audience`: with the first of the
    /// [prefixes](Self::scope_prefixes). Scopes of OpenID Connect and names with a slash stay as they are: the
    /// latter name a resource already.
    ///
    /// ```
    /// use mcp_auth_discovery::provider::Provider;
    ///
    /// let entra = Provider::entra_v1("11111111-2222-3333-4444-555555555555")?;
    /// let quirks = entra.quirks();
    /// assert_eq!(quirks.scope_at_provider("mcp:read", "api://notes"), "api://notes/mcp:read");
    /// assert_eq!(quirks.scope_at_provider("offline_access", "api://notes"), "offline_access");
    /// assert_eq!(quirks.scope_at_resource("api://notes/mcp:read", "api://notes"), "mcp:read");
    /// # Ok::<(), mcp_auth_discovery::provider::ProviderError>(())
    /// ```
    pub fn scope_at_provider<'s>(&self, scope: &'s str, audience: &str) -> Cow<'s, str> {
        match self.scope_prefixes.first() {
            Some(_) if !is_short(scope) || self.without_prefix(scope, audience).is_some() => scope.into(),
            Some(prefix) => format!("{}{scope}", fill(prefix, audience)).into(),
            None => scope.into(),
        }
    }

    /// The way back: the scope without any of the [prefixes](Self::scope_prefixes). What has none, or is no scope of
    /// the resource without it, stays as it is.
    pub fn scope_at_resource<'s>(&self, scope: &'s str, audience: &str) -> &'s str {
        self.without_prefix(scope, audience).unwrap_or(scope)
    }

    fn without_prefix<'s>(&self, scope: &'s str, audience: &str) -> Option<&'s str> {
        self.scope_prefixes
            .iter()
            .filter_map(|prefix| scope.strip_prefix(&fill(prefix, audience)))
            .find(|rest| is_short(rest))
    }
}

/// Whether a prefix belongs before it.
fn is_short(scope: &str) -> bool {
    !scope.is_empty() && !scope.contains('/') && !OPENID_CONNECT.contains(&scope)
}
