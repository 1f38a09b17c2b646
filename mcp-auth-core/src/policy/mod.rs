//! Policies: rules in CEL, sets of them on several levels, and decisions that name their reason.
//!
//! # How a decision is taken
//!
//! 1. A set without any rule denies: an empty set is a mistake.
//! 2. Any `Deny` that is true **or fails to evaluate** denies.
//! 3. Every `Require` must be true.
//! 4. Where there is any `Allow`, one must be true.
//! 5. The token must grant every scope that is declared for the tool ([`ToolScopes`]).
//! 6. Of several sets ([`PolicyLevels`]) all must allow: a lower level narrows and never widens.
//!
//! An `Allow` or `Require` that fails to evaluate is not true. A `Deny` or `Require` that reads `mcp.tool`,
//! `mcp.prompt`, `mcp.resource` or `mcp.task` applies to items of the kinds it reads; an `Allow` is evaluated
//! as it stands. A rule of several expressions ([`MatchBlock`]) is joined by `all` unless it says `any`; under `Deny` it
//! has to say which. What is required of all, or denied by any, decides one by one. Dry-run rules are recorded, in
//! [`Decision::dry_run`], and decide nothing.
//!
//! A denial that scopes alone would turn names all scopes that the operation needs: [`Decision::step_up`].
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
//!
//! # The variables of a rule
//!
//! | variable | type | what |
//! |---|---|---|
//! | `jwt` | claims | those of the verified token; absent without one. `iss`, `sub`, `jti`, `client_id`, `azp` are strings; any other claim may be anything |
//! | `mcp.method` | string | the JSON-RPC method; absent where the request is not an MCP message |
//! | `mcp.session` | string | the header `Mcp-Session-Id` |
//! | `mcp.protocolVersion` | string | what `_meta` says, or else the header `MCP-Protocol-Version` |
//! | `mcp.tool.name`, `mcp.prompt.name` | string | the tool or prompt; `mcp.tool` is absent for other items |
//! | `mcp.tool.arguments`, `mcp.prompt.arguments` | map | the arguments of the call; absent where it has none |
//! | `mcp.resource.uri`, `mcp.resource.name` | string | the resource, twice the same |
//! | `mcp.task.id` | string | the task |
//! | `mcp.tool.target`, and so on | string | the server behind a gateway that has the item |
//! | `request.method`, `request.path` | string | the HTTP request, path without query |
//! | `request.scheme` | string | `https` or `http` |
//! | `request.host` | string | the host in lower case, without port and without a dot at its end |
//! | `request.headers["name"]` | string | the header, its name in any case; absent where the request has none |
//! | `request.query["name"]` | string | the parameter, decoded; absent where the request has none |
//! | `source.address`, `source.port` | `net.IP`, int | the other end of the connection |
//! | `source.identity` | string | its workload, as the certificate proves it: `spiffe://…` |
//! | `destination.address`, `destination.port` | `net.IP`, int | where the client connected to |
//! | `apiKey` | map | what is known of the API key |
//! | `basicAuth.username` | string | the user of HTTP basic authentication |
//! | `extauthz` | map | what an external authorization service said |
//! | `now` | timestamp | the time, in whole seconds |
//! | `hasScope("s")` | bool | whether the token grants the scope, directly or through a [`ScopeHierarchy`] |
//! | `inGroup("g")` | bool | whether `groups` lists it ([`PolicySetBuilder::group_claims`]) |
//! | `hasAudience("a")` | bool | whether the token is for it, whichever form `aud` has |
//! | `pathMatches(path, "/a/*")` | bool | `*` is one segment, `**` at the end any number; fails on a path that is not in its [one spelling](crate::request_target) |
//!
//! A rule that reads what is absent **fails**, which never opens anything; `has(…)` asks first. For an item of a list,
//! `mcp` is the call that the item would become, and `request` the request for the list. Its arguments are not known
//! yet: a rule that turns on them does not hide the item, and decides when the call comes.
//!
//! A header or parameter that occurs more than once, or that is not UTF-8, has no one value: a rule that needs it
//! fails, also one that asks whether it is there. So do arguments that cannot be read in one way only. As with every
//! failure, `||` and `&&` absorb that where another operand decides, in either order. Headers and query can be read
//! and asked for (`"x" in request.headers`), not iterated.

mod block;
mod clause;
mod context;
mod decision;
mod explain;
mod finding;
mod item;
mod judgement;
mod kinds;
mod levels;
mod listing;
mod partial;
mod rule;
mod scope;
mod set;
mod settings;
mod step_up;
#[cfg(test)]
mod tests;

pub use block::{Join, MatchBlock};
pub use context::{Context, environment};
pub use decision::{Decision, DecisionReason, Verdict};
pub use explain::{ExplainedRule, ExplainedSet, Explanation, Node, Outcome, Shown};
pub use finding::{Finding, FindingKind};
pub use levels::{Level, PolicyLevels};
pub use listing::Listing;
pub use rule::{Effect, Rule, RuleError, RuleErrorKind};
pub use scope::{ScopeCycle, ScopeHierarchy, ToolScopes};
pub use set::{PolicySet, PolicySetBuilder};

pub(crate) use partial::Known;
use settings::Settings;
