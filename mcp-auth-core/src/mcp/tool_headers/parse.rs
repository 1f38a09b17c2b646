//! Finding `x-mcp-header` in a schema.

use std::borrow::Cow;

use http::header::HeaderName;

use super::super::peek::MAX_DEPTH;
use super::{MAX_PARAM_HEADERS, ParamHeader, ParamType, ToolHeadersError};
use crate::json::{Problem, Scanner};

const KEYWORD: &str = "x-mcp-header";
const PREFIX: &str = "mcp-param-";

/// Keywords whose value is a schema, or an array of them.
const SCHEMAS: [&str; 14] = [
    "items",
    "prefixItems",
    "contains",
    "additionalProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
    "propertyNames",
    "oneOf",
    "anyOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
];

/// Keywords whose value is an object of schemas by name.
const NAMED_SCHEMAS: [&str; 4] = ["patternProperties", "dependentSchemas", "$defs", "definitions"];

impl From<Problem> for ToolHeadersError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::TooDeep => Self::TooMany,
            _ => Self::Unreadable,
        }
    }
}

pub(super) fn tool(tool: &[u8]) -> Result<Vec<ParamHeader>, ToolHeadersError> {
    // Most tools declare nothing. What has the keyword has it as it is, or with an escape in it.
    if !(contains(tool, KEYWORD.as_bytes()) || contains(tool, b"\\u")) {
        return Ok(Vec::new());
    }
    let text = simdutf8::basic::from_utf8(tool).map_err(|_| ToolHeadersError::Unreadable)?;
    let mut search = Search { found: Vec::new(), path: Vec::new(), doubt: false };
    let mut scanner = Scanner::new(text);
    let mut seen = false;
    scanner.object(|scanner, name| match &*name {
        "inputSchema" => {
            search.doubt |= std::mem::replace(&mut seen, true);
            search.schema(scanner, true, 0)
        }
        _ => Ok(scanner.skip(MAX_DEPTH)?),
    })?;
    scanner.end()?;
    if search.doubt && !search.found.is_empty() {
        Err(ToolHeadersError::Unreadable)
    } else {
        Ok(search.found)
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(text, word).is_some()
}

struct Search<'t> {
    found: Vec<ParamHeader>,
    path: Vec<Cow<'t, str>>,
    /// A member that decides stands twice somewhere.
    doubt: bool,
}

/// What of one schema decides.
#[derive(Default)]
struct Own<'t> {
    header: Option<Option<Cow<'t, str>>>,
    kind: Option<Option<ParamType>>,
    properties: bool,
}

impl<'t> Search<'t> {
    /// A schema; `reachable` where only `properties` have led to it.
    fn schema(
        &mut self,
        scanner: &mut Scanner<'t>,
        reachable: bool,
        depth: usize,
    ) -> Result<(), ToolHeadersError> {
        if depth > MAX_DEPTH {
            return Err(ToolHeadersError::TooMany);
        }
        if scanner.next() != b'{' {
            // `true`, `false`, or what is no schema.
            return Ok(scanner.skip(MAX_DEPTH)?);
        }
        let mut own = Own::default();
        scanner.object(|scanner, name| match &*name {
            KEYWORD => {
                let value = text(scanner)?;
                self.doubt |= own.header.replace(value).is_some();
                Ok(())
            }
            "type" => {
                let kind = text(scanner)?.and_then(|kind| param_type(&kind));
                self.doubt |= own.kind.replace(kind).is_some();
                Ok(())
            }
            "properties" => {
                self.doubt |= std::mem::replace(&mut own.properties, true);
                self.named(scanner, reachable, depth)
            }
            keyword if SCHEMAS.contains(&keyword) => self.unreachable(scanner, depth),
            keyword if NAMED_SCHEMAS.contains(&keyword) => self.named(scanner, false, depth),
            _ => Ok(scanner.skip(MAX_DEPTH)?),
        })?;
        match own.header {
            None => Ok(()),
            Some(_) if !reachable || self.path.is_empty() => Err(ToolHeadersError::Unreachable),
            Some(name) => self.declare(name.as_deref(), own.kind.flatten()),
        }
    }

    /// An object of schemas by name.
    fn named(
        &mut self,
        scanner: &mut Scanner<'t>,
        reachable: bool,
        depth: usize,
    ) -> Result<(), ToolHeadersError> {
        if scanner.next() != b'{' {
            return Ok(scanner.skip(MAX_DEPTH)?);
        }
        scanner.object(|scanner, name| {
            self.path.push(name);
            let outcome = self.schema(scanner, reachable, depth + 1);
            self.path.pop();
            outcome
        })
    }

    /// A schema, or an array of them, that a call's arguments do not lead to by names alone.
    fn unreachable(&mut self, scanner: &mut Scanner<'t>, depth: usize) -> Result<(), ToolHeadersError> {
        if scanner.next() == b'[' {
            scanner.array(|scanner| self.schema(scanner, false, depth + 1))
        } else {
            self.schema(scanner, false, depth + 1)
        }
    }

    fn declare(&mut self, name: Option<&str>, kind: Option<ParamType>) -> Result<(), ToolHeadersError> {
        let name = name.filter(|name| is_token(name)).ok_or(ToolHeadersError::Name)?;
        let header = HeaderName::from_bytes(format!("{PREFIX}{name}").as_bytes())
            .map_err(|_| ToolHeadersError::Name)?;
        let kind = kind.ok_or(ToolHeadersError::Type)?;
        // Names of headers have no case, and `HeaderName` is in lower case.
        if self.found.iter().any(|param| param.header == header) {
            return Err(ToolHeadersError::Duplicate);
        }
        if self.found.len() >= MAX_PARAM_HEADERS {
            return Err(ToolHeadersError::TooMany);
        }
        let path = self.path.iter().map(|step| Box::from(&**step)).collect();
        self.found.push(ParamHeader { header, path, kind });
        Ok(())
    }
}

/// The string that comes; `None` for any other value.
fn text<'t>(scanner: &mut Scanner<'t>) -> Result<Option<Cow<'t, str>>, Problem> {
    if scanner.next() != b'"' {
        scanner.skip(MAX_DEPTH)?;
        return Ok(None);
    }
    let span = scanner.string()?;
    scanner.decode(span).map(Some)
}

fn param_type(name: &str) -> Option<ParamType> {
    match name {
        "string" => Some(ParamType::String),
        "integer" => Some(ParamType::Integer),
        "boolean" => Some(ParamType::Boolean),
        _ => None,
    }
}

/// `1*tchar` (RFC 9110 §5.6.2).
fn is_token(name: &str) -> bool {
    let tchar = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(tchar)
}
