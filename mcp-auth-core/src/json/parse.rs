//! Building a [`Document`]: serde_json reads the text, we keep the arena and the bounds.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Data, Document, Node};

/// What a document may cost. Exceeding any of them is an error, never a truncation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Length of the text in bytes. Default: 64 KiB.
    pub max_bytes: usize,
    /// Arrays and objects inside each other. Default: 64. At most 120.
    pub max_depth: usize,
    /// Values and member names together. Default: 4,096.
    pub max_nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 64 * 1024, max_depth: 64, max_nodes: 4096 }
    }
}

impl Limits {
    /// Sets the greatest length of the text, in bytes.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets the greatest number of values and names.
    #[must_use]
    pub fn max_nodes(mut self, nodes: usize) -> Self {
        self.max_nodes = nodes;
        self
    }
}

/// Why a text was not accepted as one JSON document. Never holds any of the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at line {line} column {column}")]
pub struct JsonError {
    kind: JsonErrorKind,
    line: usize,
    column: usize,
}

/// The kinds of [`JsonError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// Not JSON, not UTF-8, or more than one document.
    #[error("invalid JSON")]
    Syntax,
    /// A member name occurs twice in one object.
    #[error("duplicate member")]
    DuplicateMember,
    /// Longer than [`Limits::max_bytes`].
    #[error("document too long")]
    TooLong,
    /// Deeper than [`Limits::max_depth`].
    #[error("nesting too deep")]
    TooDeep,
    /// More values than [`Limits::max_nodes`].
    #[error("too many values")]
    TooManyNodes,
}

impl JsonError {
    /// What was wrong.
    pub fn kind(&self) -> JsonErrorKind {
        self.kind
    }
}

pub(super) fn document(bytes: &[u8], limits: &Limits) -> Result<Document, JsonError> {
    if bytes.len() > limits.max_bytes || u32::try_from(bytes.len()).is_err() {
        return Err(JsonError { kind: JsonErrorKind::TooLong, line: 0, column: 0 });
    }
    let fault = Cell::new(JsonErrorKind::Syntax);
    let mut arena = Arena {
        text: String::with_capacity(bytes.len()),
        nodes: Vec::with_capacity((bytes.len() / 8).min(limits.max_nodes) + 1),
        limits,
        fault: &fault,
    };
    let mut input = serde_json::Deserializer::from_slice(bytes);
    let outcome = Seed { arena: &mut arena, depth: 0 }.deserialize(&mut input).and_then(|()| input.end());
    match outcome {
        Ok(()) => Ok(Document { text: arena.text.into_boxed_str(), nodes: arena.nodes.into_boxed_slice() }),
        Err(e) => Err(JsonError { kind: fault.get(), line: e.line(), column: e.column() }),
    }
}

struct Arena<'l> {
    text: String,
    nodes: Vec<Node>,
    limits: &'l Limits,
    /// serde's errors carry text only; the kind travels beside them.
    fault: &'l Cell<JsonErrorKind>,
}

impl Arena<'_> {
    fn fail<E: serde::de::Error>(&self, kind: JsonErrorKind) -> E {
        self.fault.set(kind);
        E::custom(kind)
    }

    fn position<E: serde::de::Error>(&self) -> Result<u32, E> {
        if self.nodes.len() >= self.limits.max_nodes {
            return Err(self.fail(JsonErrorKind::TooManyNodes));
        }
        u32::try_from(self.nodes.len()).map_err(|_| self.fail(JsonErrorKind::TooManyNodes))
    }

    fn push<E: serde::de::Error>(&mut self, data: Data) -> Result<(), E> {
        let end = self.position::<E>()? + 1;
        self.nodes.push(Node { data, end });
        Ok(())
    }

    fn push_str<E: serde::de::Error>(&mut self, s: &str) -> Result<(), E> {
        let start = self.text.len();
        self.text.push_str(s);
        // INVARIANT: decoded strings are never longer than their JSON text, which fits in u32.
        let (start, end) =
            (u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        self.push(Data::String { start, end })
    }

    /// Opens an array or object; `close` completes it.
    fn open<E: serde::de::Error>(&mut self, depth: usize) -> Result<usize, E> {
        if depth >= self.limits.max_depth {
            return Err(self.fail(JsonErrorKind::TooDeep));
        }
        let at = self.nodes.len();
        self.push(Data::Null)?;
        Ok(at)
    }

    fn close(&mut self, at: usize, data: Data) {
        // INVARIANT: position() kept the length within u32.
        let end = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        if let Some(node) = self.nodes.get_mut(at) {
            *node = Node { data, end };
        }
    }

    /// Whether the object whose members start after node `at` names a member twice.
    fn has_duplicates(&self, at: usize, len: usize) -> bool {
        let names = || {
            let mut i = at + 1;
            std::iter::from_fn(move || {
                let Data::String { start, end } = self.nodes.get(i)?.data else { return None };
                i = self.nodes.get(i + 1)?.end as usize;
                self.text.get(start as usize..end as usize)
            })
            .take(len)
        };
        if len <= 16 {
            return names().enumerate().any(|(i, name)| names().take(i).any(|earlier| earlier == name));
        }
        let mut sorted: Vec<&str> = names().collect();
        sorted.sort_unstable();
        sorted.windows(2).any(|w| matches!(w, [a, b] if a == b))
    }
}

struct Seed<'x, 'l> {
    arena: &'x mut Arena<'l>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.arena.push(Data::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, b: bool) -> Result<(), E> {
        self.arena.push(Data::Bool(b))
    }

    fn visit_i64<E: serde::de::Error>(self, i: i64) -> Result<(), E> {
        self.arena.push(Data::Int(i))
    }

    fn visit_u64<E: serde::de::Error>(self, u: u64) -> Result<(), E> {
        self.arena.push(i64::try_from(u).map_or(Data::Uint(u), Data::Int))
    }

    fn visit_f64<E: serde::de::Error>(self, d: f64) -> Result<(), E> {
        self.arena.push(Data::Double(d))
    }

    fn visit_str<E: serde::de::Error>(self, s: &str) -> Result<(), E> {
        self.arena.push_str(s)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let at = self.arena.open::<A::Error>(self.depth)?;
        let mut len = 0;
        while seq.next_element_seed(Seed { arena: self.arena, depth: self.depth + 1 })?.is_some() {
            len += 1;
        }
        self.arena.close(at, Data::Array { len });
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let at = self.arena.open::<A::Error>(self.depth)?;
        let mut len = 0;
        while map.next_key_seed(Name(self.arena))?.is_some() {
            map.next_value_seed(Seed { arena: self.arena, depth: self.depth + 1 })?;
            len += 1;
        }
        if self.arena.has_duplicates(at, len as usize) {
            return Err(self.arena.fail(JsonErrorKind::DuplicateMember));
        }
        self.arena.close(at, Data::Object { len });
        Ok(())
    }
}

struct Name<'x, 'l>(&'x mut Arena<'l>);

impl<'de> DeserializeSeed<'de> for Name<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E: serde::de::Error>(self, s: &str) -> Result<(), E> {
        self.0.push_str(s)
    }
}
