//! Which pages may call, and under which name: `Origin` and `Host`.
//!
//! 1. A request with an `Origin` comes from a page in a browser. It must be the resource's own origin or one of
//!    [`OriginLayer::allow_origin`], byte for byte as browsers write it; else 403 (MCP, "Security Warning" of the
//!    Streamable HTTP transport). Requests without one come from elsewhere and pass.
//! 2. `null`, which any page can make its browser say, is refused like the others.
//! 3. With [`OriginLayer::allowed_hosts`], the host must be the resource's or one of these; else 403. This is what
//!    stops DNS rebinding, where a page of the attacker calls a server on this machine under the attacker's name and
//!    is of the "own" origin. [`OriginLayer::for_loopback`] does it for servers on this machine.
//! 4. More than one `Origin` or `Host`, a `Host` that is none, and one that differs from the request's target (the
//!    `:authority` of HTTP/2) are 400.
//!
//! `X-Forwarded-Host` and `Forwarded` are not looked at: a client can write them.
//!
//! # With CORS
//!
//! This layer refuses; it answers no preflight and sets no header. Browsers need both from a CORS layer, which stands
//! outside and gets the same list:
//!
//! ```
//! # use mcp_auth_tower::McpAuth;
//! # use tower_http::cors::CorsLayer;
//! # async fn mcp() -> &'static str { "" }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! const PAGES: [&str; 2] = ["https://app.example", "http://localhost:6274"];
//!
//! let mut auth = McpAuth::builder("https://mcp.example/mcp")?
//!     .issuer("https://idp.example", "https://idp.example/jwks.json")?;
//! for page in PAGES {
//!     auth = auth.allow_origin(page)?;
//! }
//! let cors = CorsLayer::new()
//!     .allow_origin(PAGES.map(http::HeaderValue::from_static))
//!     .allow_methods([http::Method::GET, http::Method::POST, http::Method::DELETE])
//!     .allow_headers(
//!         ["authorization", "content-type", "mcp-protocol-version", "mcp-session-id", "mcp-method", "mcp-name"]
//!             .map(http::HeaderName::from_static),
//!     )
//!     .expose_headers(["www-authenticate", "mcp-session-id"].map(http::HeaderName::from_static));
//!
//! let app: axum::Router = axum::Router::new()
//!     .route("/mcp", axum::routing::any(mcp))
//!     .layer(auth.build()?)
//!     .layer(cors);
//! # Ok(()) }
//! ```
//!
//! [`metadata`](crate::metadata) stands outside of this layer: the document is public and readable from every page.

mod layer;
mod rules;
mod service;

pub use layer::OriginLayer;
pub use rules::OriginError;
pub use service::Origin;

pub use crate::future::ResponseFuture;
