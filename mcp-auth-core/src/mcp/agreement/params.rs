//! `Mcp-Param-*` against the arguments of a call (Streamable HTTP, Custom Headers from Tool Parameters).

use std::borrow::Cow;

use http::HeaderMap;

use super::super::look_alike::looks_like;
use super::super::peek::MAX_DEPTH;
use super::super::tool_headers::{ParamHeader, ParamType, ToolHeaders};
use super::super::version::Era;
use super::error::AgreementError;
use super::value::{NAME, decoded, single};
use crate::json::{Problem, Scanner};

pub(super) fn check(
    headers: &HeaderMap,
    era: Era,
    declared: &ToolHeaders,
    arguments: Option<&[u8]>,
) -> Result<(), AgreementError> {
    let params = declared.params();
    let values = match (params, arguments) {
        ([], _) => return Ok(()),
        (params, None) => vec![Value::Absent; params.len()],
        (params, Some(arguments)) => values(params, arguments)?,
    };
    for (param, value) in params.iter().zip(&values) {
        let header = &param.header;
        match (single(headers, header)?, value) {
            (None, Value::Absent) => {}
            (Some(_), Value::Absent) => return Err(AgreementError::unexpected(header)),
            (None, _) if era == Era::Legacy => {}
            (None, _) => return Err(AgreementError::missing(header, None)),
            (Some(_), Value::Other) => {
                return Err(AgreementError::argument(header, "is no string, integer or boolean"));
            }
            (Some(text), value) => {
                if !value.is(&decoded(text, header)?, param.kind) {
                    return Err(AgreementError::mismatch(header, None, None));
                }
            }
        }
    }
    Ok(())
}

/// What stands at a declared path.
#[derive(Clone)]
enum Value<'a> {
    /// Nothing, or null.
    Absent,
    Text(Cow<'a, str>),
    Number(&'a str),
    Bool(bool),
    /// An array or object.
    Other,
}

impl Value<'_> {
    fn is(&self, header: &str, declared: ParamType) -> bool {
        match self {
            Self::Text(text) => text == header,
            Self::Bool(value) => header == if *value { "true" } else { "false" },
            // Numbers that say the same count as equal: 42 and 42.0.
            Self::Number(spelled) if declared == ParamType::Integer => {
                integer(spelled).is_some_and(|value| integer(header) == Some(value))
            }
            Self::Number(spelled) => *spelled == header,
            Self::Absent | Self::Other => false,
        }
    }
}

/// Beyond this, doubles skip integers (Streamable HTTP, Schema Extension).
const MAX_SAFE: i64 = (1 << 53) - 1;

/// The value of a decimal spelling that is whole and safe: what is behind the point may only be zeros. `None` for any
/// other, exponents included.
fn integer(spelled: &str) -> Option<i64> {
    let (whole, fraction) = spelled.split_once('.').unwrap_or((spelled, "0"));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if fraction.is_empty() || !fraction.bytes().all(|b| b == b'0') {
        return None;
    }
    whole.parse::<i64>().ok().filter(|value| value.unsigned_abs() <= MAX_SAFE.unsigned_abs())
}

/// The values of all declared parameters, in one pass over the arguments.
fn values<'a>(params: &[ParamHeader], arguments: &'a [u8]) -> Result<Vec<Value<'a>>, AgreementError> {
    let mut search = Search { params, found: vec![None; params.len()] };
    let text = simdutf8::basic::from_utf8(arguments).map_err(|_| search.doubt(0, UNREADABLE))?;
    let mut scanner = Scanner::new(text);
    let all: Vec<usize> = (0..params.len()).collect();
    search.value(&mut scanner, 0, &all).and_then(|()| Ok(scanner.end()?)).map_err(|fault| match fault {
        Fault::Json => search.doubt(0, UNREADABLE),
        Fault::Doubt(at) => search.doubt(at, "stands there twice, or beside a member that looks like it"),
    })?;
    Ok(search.found.into_iter().map(|value| value.unwrap_or(Value::Absent)).collect())
}

const UNREADABLE: &str = "cannot be read";

struct Search<'p, 'a> {
    params: &'p [ParamHeader],
    found: Vec<Option<Value<'a>>>,
}

enum Fault {
    Json,
    /// Readers could differ about the value of this parameter.
    Doubt(usize),
}

impl From<Problem> for Fault {
    fn from(_: Problem) -> Self {
        Self::Json
    }
}

impl<'p, 'a> Search<'p, 'a> {
    /// The value that comes is what the `active` parameters have reached after `depth` steps of their paths.
    fn value(&mut self, scanner: &mut Scanner<'a>, depth: usize, active: &[usize]) -> Result<(), Fault> {
        let first = scanner.next();
        let start = scanner.at();
        let deeper: Vec<usize> = active.iter().copied().filter(|&at| self.path(at).len() > depth).collect();
        if first == b'{' && !deeper.is_empty() {
            self.object(scanner, depth, &deeper)?;
        } else {
            scanner.skip(MAX_DEPTH)?;
        }
        let here: Vec<usize> = active.iter().copied().filter(|&at| self.path(at).len() == depth).collect();
        if here.is_empty() {
            return Ok(());
        }
        let spelled = scanner.since(start)?;
        let value = match first {
            b'n' => Value::Absent,
            b't' => Value::Bool(true),
            b'f' => Value::Bool(false),
            b'{' | b'[' => Value::Other,
            b'"' => {
                let mut string = Scanner::new(spelled);
                let span = string.string()?;
                Value::Text(string.decode(span)?)
            }
            _ => Value::Number(spelled),
        };
        for at in here {
            if let Some(slot) = self.found.get_mut(at) {
                *slot = Some(value.clone());
            }
        }
        Ok(())
    }

    /// `INVARIANT:` paths are no longer than [`MAX_DEPTH`] steps, so this recurses no deeper.
    fn object(&mut self, scanner: &mut Scanner<'a>, depth: usize, active: &[usize]) -> Result<(), Fault> {
        let params = self.params;
        let step =
            |at: usize| params.get(at).and_then(|param| param.path.get(depth)).map_or("", |step| &**step);
        let mut seen = vec![false; params.len()];
        scanner.object(|scanner, name| {
            let mut matching = Vec::new();
            for &at in active {
                if step(at) == name {
                    match seen.get_mut(at) {
                        Some(seen) if !*seen => *seen = true,
                        _ => return Err(Fault::Doubt(at)),
                    }
                    matching.push(at);
                } else if looks_like(&name, &[step(at)]) && !active.iter().any(|&other| step(other) == name) {
                    return Err(Fault::Doubt(at));
                }
            }
            if matching.is_empty() {
                Ok(scanner.skip(MAX_DEPTH)?)
            } else {
                self.value(scanner, depth + 1, &matching)
            }
        })
    }

    fn path(&self, at: usize) -> &'p [Box<str>] {
        self.params.get(at).map_or(&[], |param| &param.path)
    }

    fn doubt(&self, at: usize, why: &str) -> AgreementError {
        AgreementError::argument(self.params.get(at).map_or(&NAME, |param| &param.header), why)
    }
}
