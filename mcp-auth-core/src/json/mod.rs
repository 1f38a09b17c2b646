//! JSON from outside, read once into a flat arena.
//!
//! A [`Document`] owns two allocations whatever the document's size: the text of all strings, and a flat list
//! of nodes. [`Value`] borrows from it and is `Copy`, so that a policy reads claims without allocating.
//! Parsing refuses what two parsers could read differently: duplicate members at any level, a second
//! document, a byte-order mark, lone surrogates, numbers beyond `f64`, and anything past the [`Limits`].
//!
//! ```
//! use mcp_auth_core::json::{Document, Limits, Value};
//!
//! let claims = Document::parse(br#"{"sub":"alice","groups":["readers"]}"#, &Limits::default())?;
//! let Value::Object(root) = claims.root() else { unreachable!() };
//! assert_eq!(root.get("sub"), Some(Value::String("alice")));
//! assert!(Document::parse(br#"{"sub":"alice","s\u0075b":"root"}"#, &Limits::default()).is_err());
//! # Ok::<(), mcp_auth_core::json::JsonError>(())
//! ```

mod parse;
#[cfg(test)]
mod tests;

pub use parse::{JsonError, JsonErrorKind, Limits};

/// A parsed JSON document: strings in one buffer, structure in one list.
#[derive(Clone)]
pub struct Document {
    text: Box<str>,
    nodes: Box<[Node]>,
}

/// One value of a [`Document`], borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "JSON will not grow another kind of value")]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer that fits in `i64`.
    Int(i64),
    /// An integer above `i64::MAX` that fits in `u64`.
    Uint(u64),
    /// Any other number.
    Double(f64),
    /// A string, escapes decoded.
    String(&'a str),
    /// An array.
    Array(Array<'a>),
    /// An object; its names are unique.
    Object(Object<'a>),
}

/// A borrowed JSON array.
#[derive(Clone, Copy)]
pub struct Array<'a> {
    items: Cursor<'a>,
    len: usize,
}

/// A borrowed JSON object. Names are unique, order is the document's.
#[derive(Clone, Copy)]
pub struct Object<'a> {
    members: Cursor<'a>,
    len: usize,
}

impl Document {
    /// Parses exactly one JSON document.
    ///
    /// # Errors
    ///
    /// [`JsonError`] when the text is not one JSON document in UTF-8, repeats a member name in an object at
    /// any level, or exceeds `limits`.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, JsonError> {
        parse::document(bytes, limits)
    }

    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        self.cursor_all().value().unwrap_or(Value::Null)
    }

    /// The outermost value when it is an object.
    pub fn as_object(&self) -> Option<Object<'_>> {
        match self.root() {
            Value::Object(o) => Some(o),
            _ => None,
        }
    }

    /// How many bytes of memory this document holds.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.text.len() + size_of_val(&*self.nodes)
    }

    fn cursor_all(&self) -> Cursor<'_> {
        Cursor { text: &self.text, all: &self.nodes, at: 0, end: self.nodes.len() }
    }
}

/// Structure only, never values: claims and arguments are somebody's data.
impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").field("nodes", &self.nodes.len()).finish_non_exhaustive()
    }
}

impl<'a> Value<'a> {
    /// The string, when this is one.
    pub fn as_str(self) -> Option<&'a str> {
        match self {
            Self::String(s) => Some(s),
            _ => None,
        }
    }

    /// The object, when this is one.
    pub fn as_object(self) -> Option<Object<'a>> {
        match self {
            Self::Object(o) => Some(o),
            _ => None,
        }
    }

    /// The array, when this is one.
    pub fn as_array(self) -> Option<Array<'a>> {
        match self {
            Self::Array(a) => Some(a),
            _ => None,
        }
    }

    /// The value as compact JSON text.
    pub fn to_json(self) -> String {
        fn tree(value: Value<'_>) -> serde_json::Value {
            match value {
                Value::Null => serde_json::Value::Null,
                Value::Bool(b) => b.into(),
                Value::Int(i) => i.into(),
                Value::Uint(u) => u.into(),
                Value::Double(d) => d.into(),
                Value::String(s) => s.into(),
                Value::Array(a) => a.iter().map(tree).collect(),
                Value::Object(o) => o.iter().map(|(n, v)| (n.to_owned(), tree(v))).collect(),
            }
        }
        // The document's depth bounds the recursion.
        tree(self).to_string()
    }

    /// What kind of value this is, in the words of RFC 8259.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) | Self::Uint(_) | Self::Double(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

impl<'a> Array<'a> {
    /// Number of items.
    pub fn len(self) -> usize {
        self.len
    }

    /// Whether there are no items.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The items in order.
    pub fn iter(self) -> impl Iterator<Item = Value<'a>> + Clone {
        self.items
    }

    /// The item at `index`. Linear: items are not of one size.
    pub fn get(self, index: usize) -> Option<Value<'a>> {
        if index >= self.len { None } else { self.iter().nth(index) }
    }
}

impl<'a> Object<'a> {
    /// Number of members.
    pub fn len(self) -> usize {
        self.len
    }

    /// Whether there are no members.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The members in the document's order.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Value<'a>)> + Clone {
        Members(self.members)
    }

    /// The value of the member called exactly `name`.
    pub fn get(self, name: &str) -> Option<Value<'a>> {
        self.iter().find(|(n, _)| *n == name).map(|(_, v)| v)
    }
}

impl PartialEq for Array<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

/// Objects are equal when they have the same members, in any order.
impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().all(|(n, v)| other.get(n) == Some(v))
    }
}

impl std::fmt::Debug for Array<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl std::fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

// === the arena ===

/// 16 bytes. `end` is the index after this node's last descendant, so that a sibling is one step away.
#[derive(Clone, Copy)]
struct Node {
    data: Data,
    end: u32,
}

#[derive(Clone, Copy)]
enum Data {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String { start: u32, end: u32 },
    Array { len: u32 },
    Object { len: u32 },
}

/// A run of sibling nodes: `at` is the next one, `end` the index after the last descendant of the last one.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    text: &'a str,
    all: &'a [Node],
    at: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    fn value(&self) -> Option<Value<'a>> {
        if self.at >= self.end {
            return None;
        }
        let node = self.all.get(self.at)?;
        let inner = Cursor { at: self.at + 1, end: node.end as usize, ..*self };
        Some(match node.data {
            Data::Null => Value::Null,
            Data::Bool(b) => Value::Bool(b),
            Data::Int(i) => Value::Int(i),
            Data::Uint(u) => Value::Uint(u),
            Data::Double(d) => Value::Double(d),
            Data::String { start, end } => Value::String(self.text.get(start as usize..end as usize)?),
            Data::Array { len } => Value::Array(Array { items: inner, len: len as usize }),
            Data::Object { len } => Value::Object(Object { members: inner, len: len as usize }),
        })
    }
}

impl<'a> Iterator for Cursor<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let value = self.value()?;
        self.at = self.all.get(self.at)?.end as usize;
        Some(value)
    }
}

#[derive(Clone, Copy)]
struct Members<'a>(Cursor<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let name = self.0.next()?.as_str()?;
        Some((name, self.0.next()?))
    }
}
