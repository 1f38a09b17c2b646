//! The Common Expression Language, for authorization rules.
//!
//! An expression is compiled once against an [`Environment`] that declares what it may mention, and
//! evaluated many times over claims as they were parsed and over structures that the caller lends.
//!
//! ```
//! use mcp_auth_core::cel::{Environment, Program, StructType, StructValue, Type, Unreadable, Value};
//! use mcp_auth_core::json::{Document, Limits};
//!
//! let named = StructType::new().field("name", Type::String);
//! let mcp = StructType::new().field("method", Type::String).field("tool", named);
//! let environment = Environment::new().variable("jwt", Type::Dyn).variable("mcp", mcp);
//!
//! struct Tool<'a>(&'a str);
//! impl StructValue for Tool<'_> {
//!     fn field(&self, name: &str) -> Result<Option<Value<'_>>, Unreadable> {
//!         Ok((name == "name").then(|| self.0.into()))
//!     }
//! }
//! struct Mcp<'a> {
//!     method: &'a str,
//!     tool: Option<Tool<'a>>,
//! }
//! impl StructValue for Mcp<'_> {
//!     fn field(&self, name: &str) -> Result<Option<Value<'_>>, Unreadable> {
//!         Ok(match name {
//!             "method" => Some(self.method.into()),
//!             "tool" => self.tool.as_ref().map(|tool| Value::Struct(tool)),
//!             _ => None,
//!         })
//!     }
//! }
//!
//! let claims = Document::parse(br#"{"sub":"bob","groups":["mcp-readers"]}"#, &Limits::default())?;
//! let call = Mcp { method: "tools/call", tool: Some(Tool("write_record")) };
//! let variables = [("jwt", Value::from(claims.root())), ("mcp", Value::Struct(&call))];
//!
//! let readers = r#"jwt.groups.exists(g, g == "mcp-readers")"#;
//! let readers = Program::compile_predicate(readers, &environment)?;
//! assert_eq!(readers.evaluate_bool(&variables), Ok(true));
//!
//! let writers = r#"jwt.sub == "alice@acme.io" || mcp.tool.name != "write_record""#;
//! let writers = Program::compile_predicate(writers, &environment)?;
//! assert_eq!(writers.evaluate_bool(&variables), Ok(false));
//! assert!(writers.reads("mcp.tool"));
//!
//! let typo = Program::compile_predicate("jwtt.admin", &environment).unwrap_err();
//! assert_eq!(typo.to_string(), "1:1: unknown variable `jwtt`, did you mean `jwt`?");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What holds
//!
//! - The meaning is that of the language definition and its conformance tests: `&&`, `||`, `all` and
//!   `exists` absorb errors when another operand decides; values of different types are unequal, ordering
//!   them is an error; numbers compare by value; `in` looks into lists and maps and never into strings;
//!   integers do not wrap; a missing key is an error that `has()` asks about.
//! - Reading, comparing, `in`, `exists` and the tests on strings do not allocate.
//! - Everything is bounded: [`MAX_SOURCE_BYTES`], [`MAX_DEPTH`], [`MAX_NODES`] and the
//!   [cost](Program::cost) at load; [`DEFAULT_STEPS`], [`MAX_OUTPUT_BYTES`], [`MAX_PATTERN_BYTES`] at
//!   evaluation. A limit is final: nothing absorbs it. Regular expressions run in linear time.
//! - Errors at load have a position and a suggestion. Errors at evaluation never hold a claim's value.
//!
//! # What is there
//!
//! | | |
//! |---|---|
//! | macros | `has`, `all`, `exists`, `exists_one`, `map`, `filter`, each with one variable; `all`, `exists`, `existsOne`, `transformList`, `transformMap`, `transformMapEntry` with two; `cel.bind`, `cel.block` |
//! | optional values | `a.?b`, `a[?b]`, `[?a]`, `{?k: a}`, `optional.of`, `.none`, `.ofNonZeroValue`, `.unwrap`, `hasValue`, `value`, `or`, `orValue`, `optMap`, `optFlatMap` |
//! | times | `timestamp`, `duration`, their arithmetic, `getFullYear` and the like with a time zone (names need the feature `time-zones`) |
//! | strings | `charAt`, `format`, `indexOf`, `join`, `lastIndexOf`, `lowerAscii`, `replace`, `reverse`, `split`, `substring`, `trim`, `upperAscii`, `strings.quote` |
//! | numbers | `math.greatest`, `least`, `ceil`, `floor`, `round`, `trunc`, `sqrt`, `abs`, `sign`, `isNaN`, `isInf`, `isFinite`, `bitAnd`, `bitOr`, `bitXor`, `bitNot`, `bitShiftLeft`, `bitShiftRight` |
//! | network | `ip`, `cidr`, `isIP`, `isCIDR`, `ip.isCanonical`, `family`, `isLoopback` and the like, `containsIP`, `containsCIDR`, `masked`, `prefixLength` |
//! | others | `base64.encode`, `base64.decode`, `sets.contains`, `sets.intersects`, `sets.equivalent`, `distinct` |
//!
//! # What is absent
//!
//! Messages of Protocol Buffers (`Type{...}`), their enums and wrappers.

mod ast;
mod check;
mod cost;
mod environment;
mod error;
mod eval;
mod explain;
mod fast;
mod functions;
mod lexer;
mod macros;
mod network;
mod op;
mod parser;
mod partial;
mod program;
mod references;
mod structure;
#[cfg(test)]
mod tests;
mod time;
mod types;
mod value;

pub use cost::ASSUMED_ITEMS;
pub use environment::{DEFAULT_STEPS, Environment, StructType};
pub use error::{CelError, CelErrorKind, EvalError, EvalErrorKind, Span};
pub use explain::Explanation;
pub use functions::{MAX_OUTPUT_BYTES, MAX_PATTERN_BYTES};
pub use network::Cidr;
pub use parser::{MAX_DEPTH, MAX_NODES, MAX_SOURCE_BYTES};
pub use program::{Partial, Path, Program, Variables};
pub use structure::Structure;
pub use time::{Duration, Timestamp};
pub use types::Type;
pub use value::{List, Map, Shared, StructValue, Unreadable, Value};
