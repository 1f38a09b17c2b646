//! Sessions belong to the caller they were opened for.
//!
//! A session id (`Mcp-Session-Id`, MCP up to 2025-11-25) is no credential, but a server lets everybody into a session
//! who knows its id. This layer stands in between: a client never sees the server's own ids, but
//! [sealed values](mcp_auth_core::session) of them, each good for one issuer, subject and client.
//!
//! 1. A session id in an answer is sealed for the caller. One that is no session id (several, not of visible ASCII
//!    characters, longer than 2,048 bytes) makes the answer a 502: without its id the session could not be used, and
//!    with the server's own it could be by everybody.
//! 2. A session id in a request is opened, and the server's own put in its place. One that does not open, another
//!    caller's and a second one are 404, as MCP asks for sessions that do not exist; clients then begin a new one.
//! 3. Requests without a session id pass: whether one is needed is known to the server.
//! 4. A client that comes with a good id gets the same one back wherever the server repeats its own, also after the
//!    key has changed.
//! 5. Requests of versions without sessions (`MCP-Protocol-Version` from 2026-07-28 on) lose the header, and so do the
//!    answers to them. So do all requests lose what a server might read as the same header (`Mcp_Session_Id`).
//! 6. The token counts on every request as before: a session is no authentication.
//!
//! Rules over `mcp.session` see the server's id.
//!
//! # Keys
//!
//! [`SessionLayer::new`] makes a random key. After a restart its ids are unknown, and clients begin anew. Several
//! replicas need one key: [`SessionLayer::with_key`]. To change it without ending sessions, see
//! [rotation](mcp_auth_core::seal#rotation) and [`SessionLayer::previous_key`].
//!
//! ```
//! use mcp_auth_core::seal::SealKey;
//! use mcp_auth_tower::McpAuth;
//!
//! # let file = "mlk8iGVXiNNXFBxqnFPrAwzVx1gM4GBsnHrJXJNtPeI=\n";
//! let auth = McpAuth::builder("https://mcp.example/mcp")?
//!     .issuer("https://idp.example", "https://idp.example/jwks.json")?
//!     .session_key(&SealKey::from_base64(file)?)?
//!     .build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Put it behind [`authenticate`](crate::authenticate), and in front of [`mcp`](crate::mcp), so that no body is read
//! for a session that does not exist.

mod future;
mod layer;
mod service;

pub use future::ResponseFuture;
pub use layer::{SessionConfigError, SessionLayer};
pub use service::Session;
