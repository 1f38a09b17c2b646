//! The MCP message of a request: read once, judged as read, forwarded as it came.
//!
//! 1. `POST` must be uncompressed `application/json` (415), at most 4 MiB (413) within 30 s (408), and exactly
//!    one JSON-RPC message (400). The service gets the same bytes, an
//!    [`McpCall`](mcp_auth_core::mcp::McpCall) extension, and [`CallArguments`](crate::CallArguments) where it has some.
//! 2. `GET` and `DELETE` go through; they carry no message, so a body is refused (400). Other methods: 405.
//! 3. `X-HTTP-Method-Override`, `X-HTTP-Method` and `X-Method-Override` are removed: the service shall not take
//!    the request for another than the one that was judged.
//! 4. Answers that are event streams get `X-Accel-Buffering: no`, unless the service says something else: a proxy in
//!    front shall not collect events.
//!
//! Put it behind [`authenticate`](crate::authenticate): a body is collected only for somebody who is known.

mod batch;
mod body;
mod collect;
mod future;
mod layer;
mod service;

pub use batch::CallBatch;
pub use body::McpBody;
pub(crate) use collect::Collect;
pub use future::ResponseFuture;
pub(crate) use layer::Limits;
pub use layer::{DEFAULT_BODY_TIMEOUT, DEFAULT_MAX_BODY_BYTES, McpLayer};
pub use service::Mcp;
