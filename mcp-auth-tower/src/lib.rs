//! Authorization for the Model Context Protocol as tower layers.
//!
//! Wrap any service that speaks MCP over HTTP. Requests without a good token get a challenge that MCP clients
//! follow; the others reach the service with an [`Authenticated`] extension, calls that the policy denies do
//! not reach it, and lists are shown without what the caller may not use.
//!
//! ```
//! use mcp_auth_tower::McpAuth;
//! # async fn mcp() -> &'static str { "" }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = McpAuth::builder("https://mcp.example/mcp")?
//!     .issuer("https://idp.example", "https://idp.example/jwks.json")?
//!     .require(r#"jwt.sub == "alice" || mcp.tool.name != "write_record""#)?
//!     .build()?;
//! let app: axum::Router = axum::Router::new().route("/mcp", axum::routing::any(mcp)).layer(auth);
//! # Ok(()) }
//! ```
//!
//! # The layers
//!
//! ```text
//!  request ─▶ Metadata ─▶ Audit ─▶ Origin ─▶ Authenticate ─▶ Expiry ─▶ Session ─▶ Mcp ─▶ Agree ─▶ Authorize ─▶ Exchange ─▶ service
//!             RFC 9728    record   → 403     token → 401       │       id → 404   body   headers  decision    its token     │
//!                                                              │          │              → 400    → 403       → 401…503     │
//!  client  ◀────────────────────────────── end of streams ◀────┴─ sealed ─┴──────────────────── list filter ◀───────────────┘
//! ```
//!
//! In front of all stands [`Facade`](facade::Facade), where an authorization server of our own is wanted.
//! Each works alone ([`facade`], [`metadata`], [`audit`], [`origin`], [`authenticate`], [`expiry`], [`session`], [`mcp`],
//! [`agreement`], [`authorize`], [`exchange`]); [`McpAuth`] puts them in order. Every layer passes its service's error type through; a refusal is a response and
//! carries its [`Rejection`] as an extension.
//!
//! # Bounds
//!
//! | layer | of the service | of the request body | of the response body |
//! |---|---|---|---|
//! | [`Facade`](facade::Facade) | any | `Body<Data = Bytes> + Send + 'static` | any |
//! | [`Metadata`](metadata::Metadata), [`Origin`](origin::Origin) | any | any | `Body<Data = Bytes>` |
//! | [`Audit`](audit::Audit) | any | any | any |
//! | [`Authenticate`](authenticate::Authenticate) | `Clone + Send + 'static`, future `Send` | `Send + 'static` | `Body<Data = Bytes>` |
//! | [`Expiry`](expiry::Expiry) | any | any | `Body<Data = Bytes>` |
//! | [`Session`](session::Session) | any | any | `Body<Data = Bytes>` |
//! | [`Mcp`](mcp::Mcp) | `Clone`, takes [`McpBody<B>`](mcp::McpBody) | `Body<Data = Bytes>` | `Body<Data = Bytes>` |
//! | [`Agree`](agreement::Agree) | any | any | `Body<Data = Bytes>` |
//! | [`Authorize`](authorize::Authorize) | any | any | `Body<Data = Bytes>` |
//! | [`Exchange`](exchange::Exchange) | `Clone + Send + 'static`, future `Send`, takes [`McpBody<B>`](mcp::McpBody) | `Body<Data = Bytes> + Send + 'static` | `'static` |
//! | [`RequestAuthenticated`](istio::RequestAuthenticated) | any | any | any |

pub mod agreement;
pub mod audit;
pub mod authenticate;
pub mod authorize;
pub mod client;
pub mod clock;
pub mod exchange;
pub mod expiry;
pub mod facade;
pub mod istio;
pub mod keys;
pub mod mcp;
pub mod metadata;
pub mod origin;
pub mod session;
pub mod store;

mod authority;
mod body;
mod event_stream;
mod extension;
mod flight;
mod future;
mod messages;
mod random;
mod rejection;
mod stack;
#[cfg(test)]
mod test;

pub use body::ResponseBody;
pub use extension::{Authenticated, CallArguments, Connection, RequestFacts};
pub use messages::FilteredBody;
pub use rejection::{Rejection, RejectionReason};
pub use stack::{BuildError, McpAuth, McpAuthBuilder, McpAuthService};
