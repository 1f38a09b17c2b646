use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use mcp_auth_core::policy::PolicyLevels;

use super::layer::Shared;

/// Replaces the rules of a layer in service, and of every service that it has been put in front of.
///
/// Each request is judged by the rules of one moment, those over requests and those over MCP items together; a stream
/// that is open goes on under the rules that it was opened under.
///
/// ```
/// use mcp_auth_core::policy::{PolicySet, RuleError};
/// use mcp_auth_tower::authorize::{AuthorizeLayer, Policies};
///
/// let rules = |text: &str| -> Result<Policies, RuleError> {
///     Ok(Policies { mcp: Some(PolicySet::builder().require(text)?.build().into()), ..Policies::default() })
/// };
/// let layer = AuthorizeLayer::new().policies(rules(r#"jwt.sub == "alice""#)?);
/// let handle = layer.handle();
/// assert!(handle.try_replace(|| rules("jwt.sub ==")).is_err(), "alice's rule stays");
/// handle.replace(rules(r#"jwt.sub == "bob""#)?);
/// # Ok::<(), RuleError>(())
/// ```
#[derive(Clone)]
pub struct PolicyHandle(pub(super) Arc<ArcSwap<Shared>>);

/// The rules of a layer.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "what is replaced has to be said in full")]
pub struct Policies {
    /// Over every request; `None`: no rules.
    pub http: Option<PolicyLevels>,
    /// Over MCP items; `None`: no rules.
    pub mcp: Option<PolicyLevels>,
}

impl PolicyHandle {
    /// Replaces all rules at once.
    pub fn replace(&self, policies: Policies) {
        self.0.rcu(|shared| {
            let mut shared = Shared::clone(shared);
            shared.set(policies.http.clone(), policies.mcp.clone());
            shared
        });
    }

    /// Replaces all rules by those that `load` gives. Where it fails the old ones stay, and the failure is logged at
    /// `ERROR`.
    ///
    /// # Errors
    ///
    /// Those of `load`.
    pub fn try_replace<E: fmt::Display>(&self, load: impl FnOnce() -> Result<Policies, E>) -> Result<(), E> {
        match load() {
            Ok(policies) => {
                self.replace(policies);
                Ok(())
            }
            Err(error) => {
                tracing::error!(target: "mcp_auth", %error, "new rules cannot be used; the old ones stay");
                Err(error)
            }
        }
    }
}

impl fmt::Debug for PolicyHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PolicyHandle")
    }
}
