//! The Common Expression Language, for authorization rules.
//!
//! An expression is compiled once against an [`Environment`] that declares what it may mention, and
//! evaluated many times over claims as they were parsed and over structures that the caller lends.
//!
//! ```
//! use mcp_auth_core::cel::{Environment, Program, StructType, StructValue, Type, Value};
//! use mcp_auth_core::json::{Document, Limits};
//!
//! let named = StructType::new().field("name", Type::String);
//! let mcp = StructType::new().field("method", Type::String).field("tool", named);
//! let environment = Environment::new().variable("jwt", Type::Dyn).variable("mcp", mcp);
//!
//! struct Tool<'a>(&'a str);
//! impl StructValue for Tool<'_> {
//!     fn field(&self, name: &str) -> Option<Value<'_>> {
//!         (name == "name").then(|| self.0.into())
//!     }
//! }
//! struct Mcp<'a> {
//!     method: &'a str,
//!     tool: Option<Tool<'a>>,
//! }
//! impl StructValue for Mcp<'_> {
//!     fn field(&self, name: &str) -> Option<Value<'_>> {
//!         match name {
//!             "method" => Some(self.method.into()),
//!             "tool" => self.tool.as_ref().map(|tool| Value::Struct(tool)),
//!             _ => None,
//!         }
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
//! - Everything is bounded: [`MAX_SOURCE_BYTES`], [`MAX_DEPTH`], [`MAX_NODES`] at load; [`DEFAULT_STEPS`],
//!   [`MAX_OUTPUT_BYTES`], [`MAX_PATTERN_BYTES`] at evaluation. A limit is final: nothing absorbs it.
//! - Errors at load have a position and a suggestion. Errors at evaluation never hold a claim's value.
//!
//! # What is absent
//!
//! Timestamps and durations, messages (`Type{...}`), enums, optional values (`a.?b`), and the extension
//! functions that are not in this list: `charAt`, `indexOf`, `join`, `lastIndexOf`, `lowerAscii`, `replace`,
//! `reverse`, `split`, `substring`, `trim`, `upperAscii`, and the macros with two variables
//! (`exists(i, v, ..)`, `transformList`, `transformMap`).

mod ast;
mod check;
#[cfg(test)]
mod conformance_tests;
mod error;
mod eval;
mod functions;
mod lexer;
mod parser;
mod program;
#[cfg(test)]
mod tests;
mod types;
mod value;

pub use error::{CelError, CelErrorKind, EvalError, EvalErrorKind, Span};
pub use functions::{MAX_OUTPUT_BYTES, MAX_PATTERN_BYTES};
pub use parser::{MAX_DEPTH, MAX_NODES, MAX_SOURCE_BYTES};
pub use program::{DEFAULT_STEPS, Path, Program, Variables};
pub use types::{Environment, StructType, Type};
pub use value::{List, Map, Shared, StructValue, Value};
