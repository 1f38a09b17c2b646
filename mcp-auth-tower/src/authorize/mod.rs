//! Authorization: decisions on calls, and lists without what the caller may not use.
//!
//! 1. The HTTP set, where there is one, judges every request.
//! 2. The MCP set judges calls, reads, gets, completions, subscriptions and tasks. Lifecycle messages, list
//!    requests, `GET` and `DELETE` need a principal and go through; a method of which nothing is known does not.
//!    Both sets read `request.*` of the HTTP request at hand.
//! 3. Denied: 403 with a JSON-RPC error, or 401 with a challenge when nobody was authenticated. Where nothing but
//!    scopes is missing, the 403 carries a challenge `insufficient_scope` with all scopes that the call needs, those
//!    of both sets; [`MissingScopes`] has another way for clients that cannot step up. An unknown method is answered
//!    with -32601, and with [`hide_denied`](AuthorizeLayer::hide_denied) a denied item looks like one that does not
//!    exist. The service is not called.
//! 4. Answers to list requests, event streams, and every answer of a version with sessions, in which the answer to
//!    another request may come, are filtered whatever their status: each item is judged as the call it would become.
//!    Of 2026-07-28 also those to `resources/read`, which say how long who may keep them. An answer that cannot be
//!    read or is longer than 8 MiB is a 502 (or an error in its place or in the stream), never passed on.
//!
//! The arguments of a call are parsed only where a rule asks for them. `source`, `destination` and `request.scheme` come
//! from a [`Connection`](crate::Connection) that the server puts into the request.
//!
//! Where a rule reads `request.path`, a path that is not in its [one spelling](mcp_auth_core::request_target) is a 400:
//! the service could take it for another.
//!
//! Without an [`Authenticated`](crate::Authenticated) extension every request is refused: 500. With an MCP set,
//! so is every request but `GET` and `DELETE` without an [`McpCall`](mcp_auth_core::mcp::McpCall) extension: put
//! [`McpLayer`](crate::mcp::McpLayer) in front.

mod batch;
mod denial;
mod future;
mod handle;
mod http;
mod judge;
mod layer;
mod service;

pub use denial::MissingScopes;
pub use future::ResponseFuture;
pub use handle::{Policies, PolicyHandle};
pub use layer::AuthorizeLayer;
pub use service::Authorize;
