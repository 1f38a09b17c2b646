//! The target of a request: one spelling of a path, one spelling of a host.
//!
//! A gateway decides on a path and a server behind it serves a path. Where the two read one spelling differently
//! (`//`, `/../`, `%2e`, `;x`, `\`), a check is made on one resource and the work is done on another. So:
//!
//! 1. [`check_path`] accepts a path in its canonical spelling only, and says what is wrong with any other. Nothing is
//!    rewritten: what was judged is, byte for byte, what may be forwarded.
//! 2. [`normalise_host`] gives the one spelling in which hosts are compared: lower case, no port, no dot at the end.
//!
//! ```
//! use mcp_auth_core::request_target::{PathError, check_path, normalise_host};
//!
//! assert_eq!(check_path("/files/caf%C3%A9"), Ok(()));
//! assert_eq!(check_path("/files/../admin"), Err(PathError::DotSegment));
//! assert_eq!(normalise_host("MCP.Example.com.:8443")?, "mcp.example.com");
//! # Ok::<(), mcp_auth_core::request_target::HostError>(())
//! ```
//!
//! Canonical is what [RFC 3986, section 6.2.2](https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2) calls normalised,
//! less what servers are known to disagree about. Letters keep their case and a slash at the end stays: `/a`, `/A` and
//! `/a/` are three paths. An encoded reserved character such as `%40` is data and differs from `@`, as RFC 3986 says;
//! a rule over paths with such characters has to name both.

mod host;
mod path;
#[cfg(test)]
mod tests;

pub use host::{HostError, MAX_HOST_BYTES, normalise_host};
pub use path::{PathError, check_path};
