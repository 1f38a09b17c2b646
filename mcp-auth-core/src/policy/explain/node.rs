//! Parts of expressions and what they came to.

use super::read;
use crate::cel::{Explanation, Program, Value};
use crate::policy::context::Evaluation;

/// Longest text of a value that is shown.
const MAX_VALUE_CHARS: usize = 200;
/// Most items of a list or map that are shown.
const MAX_ITEMS: usize = 20;
/// Most items of all lists and maps of a value that are shown: one that holds another twice, many times over, is small.
const MAX_ALL_ITEMS: usize = 1_000;

/// One part of an expression.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Node {
    /// The part as it is written.
    pub text: String,
    /// What it came to, or why it failed.
    pub outcome: Result<Shown, String>,
    /// The parts that this comes from. What was not looked at, because an earlier part decided, is not here.
    pub parts: Vec<Node>,
}

/// A value to be shown.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Shown {
    /// A boolean.
    Bool(bool),
    /// Any other value, as JSON.
    Value(serde_json::Value),
    /// A value of this type that is not shown.
    Hidden(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Values {
    Shown,
    Hidden,
}

impl Node {
    pub(super) fn of(
        tree: &Explanation<'_>,
        program: &Program,
        evaluation: &Evaluation<'_>,
        values: Values,
    ) -> Self {
        let text = slice(program.source(), tree.span.start(), tree.span.end());
        let outcome = match &tree.outcome {
            Ok(Value::Bool(b)) => Ok(Shown::Bool(*b)),
            Ok(value) if values == Values::Hidden => Ok(Shown::Hidden(value.type_name())),
            Ok(value) => Ok(Shown::Value(json(value, &mut { MAX_ALL_ITEMS }))),
            Err(error) => Err(error.to_string()),
        };
        let mut parts: Vec<Self> =
            tree.parts.iter().map(|part| Self::of(part, program, evaluation, values)).collect();
        // Macros and functions are one part: what they read is shown all the same.
        if parts.is_empty() && text.contains('(') {
            let paths = program.mentions().map(ToString::to_string);
            let within = paths.filter(|path| path.contains('.') && mentions(&text, path));
            parts.extend(within.filter_map(|path| read(&path, evaluation, values)));
        }
        Self { text, outcome, parts }
    }
}

/// Whether `path` stands in the text, and not as the beginning or end of another one.
fn mentions(text: &str, path: &str) -> bool {
    let of_a_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(path).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + path.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(|c| of_a_name(c) || c == '.') && !after.is_some_and(of_a_name)
    })
}

/// The part of the source, with the parentheses that the span leaves out.
fn slice(source: &str, mut start: usize, mut end: usize) -> String {
    let marks = parentheses(source);
    loop {
        let inside = |at: usize| (start..end).contains(&at);
        let crossing = marks.iter().find(|(open, close)| inside(*open) != inside(*close));
        let Some((open, close)) = crossing else { break };
        (start, end) = (start.min(*open), end.max(close + 1));
    }
    source.get(start..end).unwrap_or(source).trim().to_owned()
}

/// The places of parentheses that belong together, outside of strings.
fn parentheses(source: &str) -> Vec<(usize, usize)> {
    let (mut open, mut pairs) = (Vec::new(), Vec::new());
    let mut quote = None;
    let mut bytes = source.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(_), b'\\') => {
                bytes.next();
            }
            (Some(end), byte) if byte == end => quote = None,
            (None, b'(' | b'[' | b'{') => open.push(at),
            (None, b')' | b']' | b'}') => pairs.extend(open.pop().map(|open| (open, at))),
            _ => {}
        }
    }
    pairs
}

/// A value as JSON, of which `left` items may still be shown; what JSON has no word for is a text.
fn json(value: &Value<'_>, left: &mut usize) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(b) => (*b).into(),
        Value::Int(i) => (*i).into(),
        Value::Uint(u) => (*u).into(),
        Value::Double(d) => (*d).into(),
        Value::String(text) => cut(text).into(),
        Value::List(list) => {
            let mut items = Vec::new();
            list.visit(|item| {
                let shown = is_shown(items.len(), left);
                items.push(if shown { json(&item, left) } else { "…".into() });
                shown
            });
            items.into()
        }
        Value::Map(map) => {
            let mut members = serde_json::Map::new();
            map.visit(|key, value| {
                let shown = is_shown(members.len(), left);
                let (name, value) = if shown {
                    let name = key.as_str().map_or_else(|| json(&key, left).to_string(), cut);
                    (name, json(&value, left))
                } else {
                    ("…".to_owned(), serde_json::Value::Null)
                };
                members.insert(name, value);
                shown
            });
            members.into()
        }
        Value::IpAddress(address) => address.to_string().into(),
        Value::Timestamp(time) => format!("{} s since 1970", time.seconds()).into(),
        Value::Optional(inner) => inner.as_ref().map_or(serde_json::Value::Null, |inner| json(inner, left)),
        other => format!("({})", other.type_name()).into(),
    }
}

/// Whether one more item is shown, behind so many of its list.
fn is_shown(before: usize, left: &mut usize) -> bool {
    let shown = before < MAX_ITEMS && *left > 0;
    *left = left.saturating_sub(1);
    shown
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
