//! Policies: rules in CEL, sets of them, and decisions that name their reason.
//!
//! # How a decision is taken
//!
//! 1. A set without any rule denies: an empty set is a mistake.
//! 2. Any `Deny` that is true **or fails to evaluate** denies.
//! 3. Every `Require` must be true.
//! 4. Where there is any `Allow`, one must be true.
//!
//! An `Allow` or `Require` that fails to evaluate is not true. A `Deny` or `Require` that reads `mcp.tool`,
//! `mcp.prompt`, `mcp.resource` or `mcp.task` applies to items of the kinds it reads; an `Allow` is evaluated
//! as it stands.
//!
//! ```
//! use mcp_auth_core::Principal;
//! use mcp_auth_core::mcp::{McpCall, Target};
//! use mcp_auth_core::policy::{Context, PolicySet};
//!
//! let policy = PolicySet::builder()
//!     .require(r#"jwt.groups.exists(g, g == "mcp-readers")"#)?
//!     .require(r#"jwt.sub == "alice" || mcp.tool.name != "write_record""#)?
//!     .build();
//!
//! let bob = Principal::danger_from_unverified_claims(br#"{"sub":"bob","groups":["mcp-readers"]}"#)?;
//! let decide = |tool: &str| {
//!     let call = McpCall::new("tools/call", Some(Target::Tool(tool.into())));
//!     policy.decide(&Context::new(Some(&bob)).call(&call))
//! };
//! assert!(decide("read_record").is_allowed());
//! assert!(!decide("write_record").is_allowed());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod context;
mod decision;
mod rule;
mod set;
#[cfg(test)]
mod tests;

pub use context::{Context, environment};
pub use decision::{Decision, DecisionReason};
pub use rule::{Effect, Rule, RuleError};
pub use set::{PolicySet, PolicySetBuilder};
