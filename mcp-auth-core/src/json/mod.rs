//! JSON from outside, read once into a flat list.
//!
//! A [`Document`] owns two allocations whatever the document's size: the text, and a list of nodes of eight bytes
//! that point into it. [`Value`] borrows from it and is `Copy`, so that a policy reads claims without allocating.
//! Parsing refuses what two parsers could read differently: duplicate members at any level, a second
//! document, a byte-order mark, lone surrogates, numbers beyond `f64` or of more than 1,024 bytes, and anything past
//! the [`Limits`].
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

mod build;
mod error;
mod inside;
mod levels;
mod names;
mod node;
mod number;
mod scan;
mod sink;
mod string;
#[cfg(test)]
mod tests;

pub(crate) use error::Problem;
pub use error::{JsonError, JsonErrorKind, Limits};
pub(crate) use scan::Scanner;

use inside::{Container, Members};
use node::{Kind, Node};

/// A parsed JSON document: its text, and the structure in one list.
#[derive(Clone)]
pub struct Document {
    /// Escapes are decoded: what stands between strings is not JSON any more.
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
    /// Any other number, `-0` included.
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
pub struct Array<'a>(Container<'a>);

/// A borrowed JSON object. Names are unique, order is the document's.
#[derive(Clone, Copy)]
pub struct Object<'a>(Container<'a>);

/// Where a value stands in its document, for what is looked for again and again.
#[derive(Clone, Copy)]
pub(crate) struct Place(usize);

impl Document {
    /// Parses exactly one JSON document.
    ///
    /// # Errors
    ///
    /// [`JsonError`] when the text is not one JSON document in UTF-8, repeats a member name in an object at
    /// any level, or exceeds `limits`.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, JsonError> {
        if bytes.len() > limits.max_bytes {
            return Err(JsonError::new(Problem::TooLong, limits.max_bytes));
        }
        Self::parse_vec(bytes.to_vec(), limits)
    }

    /// Like [`parse`](Self::parse), on a buffer that the document keeps: strings stay where they are. A buffer with
    /// spare capacity is shrunk.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_vec(bytes: Vec<u8>, limits: &Limits) -> Result<Self, JsonError> {
        build::document(bytes, limits)
    }

    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        self.value(0).unwrap_or(Value::Null)
    }

    /// The outermost value when it is an object.
    pub fn as_object(&self) -> Option<Object<'_>> {
        matches!(self.nodes.first()?.kind(), Kind::Object)
            .then_some(Object(Container { document: self, at: 0 }))
    }

    /// How many bytes of memory this document holds.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.text.len() + size_of_val(&*self.nodes)
    }

    /// The string at a place in this document.
    #[inline]
    pub(crate) fn str_at(&self, place: Place) -> Option<&str> {
        let node = *self.nodes.get(place.0)?;
        if matches!(node.kind(), Kind::String | Kind::Escaped) { self.text.get(node.range()) } else { None }
    }

    #[inline]
    fn value(&self, at: usize) -> Option<Value<'_>> {
        let node = *self.nodes.get(at)?;
        let container = Container { document: self, at };
        match node.kind() {
            Kind::Null => Some(Value::Null),
            Kind::Bool(b) => Some(Value::Bool(b)),
            Kind::Small(i) => Some(Value::Int(i)),
            Kind::Spelled => number::value(self.text.get(node.range())?),
            // No escapes are left once a document exists.
            Kind::String | Kind::Escaped => self.text.get(node.range()).map(Value::String),
            Kind::Array => Some(Value::Array(Array(container))),
            Kind::Object => Some(Value::Object(Object(container))),
        }
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
        self.0.node().map_or(0, Node::count)
    }

    /// Whether there are no items.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The items in order.
    pub fn iter(self) -> impl Iterator<Item = Value<'a>> + Clone {
        self.0.inside()
    }

    /// The item at `index`. Linear: items are not of one size.
    pub fn get(self, index: usize) -> Option<Value<'a>> {
        if index >= self.len() { None } else { self.iter().nth(index) }
    }
}

impl<'a> Object<'a> {
    /// Number of members.
    pub fn len(self) -> usize {
        self.0.node().map_or(0, Node::count)
    }

    /// Whether there are no members.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The members in the document's order.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Value<'a>)> + Clone {
        Members(self.0.inside())
    }

    /// The value of the member called exactly `name`.
    pub fn get(self, name: &str) -> Option<Value<'a>> {
        self.0.document.value(self.place(name)?.0)
    }

    /// Where the value of the member called exactly `name` stands.
    #[inline]
    pub(crate) fn place(self, name: &str) -> Option<Place> {
        let Container { document, at } = self.0;
        let text = document.text.as_bytes();
        let all = document.nodes.get(..self.0.node()?.index())?;
        let mut rest = all.get(at + 1..)?;
        while let [node, value, tail @ ..] = rest {
            if node.is_string_of(name.len()) && text.get(node.range())? == name.as_bytes() {
                return Some(Place(all.len() - tail.len() - 1));
            }
            rest = if value.is_container() { all.get(value.index()..)? } else { tail };
        }
        None
    }
}

impl PartialEq for Array<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

/// Objects are equal when they have the same members, in any order.
impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(n, v)| other.get(n) == Some(v))
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
