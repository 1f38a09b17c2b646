//! Agreement: headers of a request that say what its body says, or the request is refused.
//!
//! Proxies on the way decide by `Mcp-Method`, `Mcp-Name` and `Mcp-Param-*`; servers by the body. The rules, and what
//! each refusal is answered with, are those of [`mcp_auth_core::mcp::Agreement`].
//!
//! 1. A message is checked before anybody behind sees it, a batch as a whole.
//! 2. `GET` and `DELETE` whose `MCP-Protocol-Version` is of 2026-07-28 or later are 405: that version has neither.
//! 3. Which arguments a tool mirrors in `Mcp-Param-*` (`x-mcp-header` in its input schema) is learned from the lists of
//!    tools that pass, within 1 MiB. A tool that was never listed here is not checked for them; the service has to do
//!    that in any case. An answer to `tools/list` of more than 8 MiB is not passed on.
//!
//! Needs no authentication. Put it behind [`Mcp`](crate::mcp::Mcp), which reads the message: without it every request
//! but `GET` and `DELETE` is a 500. Behind it stands an [`Era`](mcp_auth_core::mcp::Era) extension.
//!
//! ```
//! use mcp_auth_tower::agreement::AgreementLayer;
//! use mcp_auth_tower::mcp::McpLayer;
//! # async fn mcp() -> &'static str { "" }
//!
//! let app: axum::Router = axum::Router::new()
//!     .route("/mcp", axum::routing::any(mcp))
//!     .layer(tower::ServiceBuilder::new().layer(McpLayer::new()).layer(AgreementLayer::new()));
//! ```

mod future;
mod layer;
mod learn;
mod service;

pub use future::ResponseFuture;
pub use layer::AgreementLayer;
pub use service::Agree;
