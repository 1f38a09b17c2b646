//! Values: what an expression reads and returns. Claims are wrapped, never copied; a clone never allocates.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::json;

/// A value of the expression language.
///
/// `Debug` prints the kind and never the content, because values are mostly somebody's claims.
#[derive(Clone)]
#[non_exhaustive]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer, written `1u`.
    Uint(u64),
    /// A floating point number.
    Double(f64),
    /// A string.
    String(Shared<'a, str>),
    /// A sequence of bytes.
    Bytes(Shared<'a, [u8]>),
    /// A list.
    List(List<'a>),
    /// A map.
    Map(Map<'a>),
    /// An object of the caller: its fields are read one by one, it cannot be iterated.
    Struct(&'a dyn StructValue),
    /// A type, as `type(1)` and `int` give it.
    Type(&'static str),
}

/// An object of the caller whose fields an expression may read, such as the MCP message of a request.
///
/// A field for which [`field`](Self::field) gives `None` behaves like a missing key of a map: reading it is
/// an error and `has()` is false.
pub trait StructValue: Sync {
    /// The value of the field `name`, when it is there.
    fn field(&self, name: &str) -> Option<Value<'_>>;
}

/// Borrowed from the caller, or made during evaluation and shared.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way to hold it")]
pub enum Shared<'a, T: ?Sized> {
    /// Borrowed from claims, from the caller or from the program.
    Borrowed(&'a T),
    /// Made during evaluation.
    Owned(Arc<T>),
}

/// A list: a JSON array as it is, or values.
#[derive(Clone)]
pub struct List<'a>(pub(super) Items<'a>);

#[derive(Clone)]
pub(super) enum Items<'a> {
    Json(json::Array<'a>),
    Values(Shared<'a, [Value<'a>]>),
}

/// A map: a JSON object as it is, or entries.
#[derive(Clone)]
pub struct Map<'a>(pub(super) Entries<'a>);

#[derive(Clone)]
pub(super) enum Entries<'a> {
    Json(json::Object<'a>),
    Values(Shared<'a, [(Value<'a>, Value<'a>)]>),
}

impl<'a> Value<'a> {
    /// The name of this value's type in the expression language. A [`Struct`](Self::Struct) is a `map`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) | Self::Struct(_) => "map",
            Self::Type(_) => "type",
        }
    }

    /// The boolean, when this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The string, when this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(s) => Some(s),
            _ => None,
        }
    }

    /// The same value, borrowed from this one, so that constants of a program need no reference count.
    pub(super) fn reborrow(&'a self) -> Self {
        match self {
            Self::String(s) => Self::String(Shared::Borrowed(s)),
            Self::Bytes(b) => Self::Bytes(Shared::Borrowed(b)),
            Self::List(List(Items::Values(v))) => Self::List(List(Items::Values(Shared::Borrowed(v)))),
            Self::Map(Map(Entries::Values(v))) => Self::Map(Map(Entries::Values(Shared::Borrowed(v)))),
            other => other.clone(),
        }
    }

    /// Equality of the language: numbers compare by value across types, everything else of different types
    /// is unequal. `steps` counts the comparisons made, `None` when it ran out.
    pub(super) fn equals(&self, other: &Self, steps: &mut dyn FnMut(u64) -> bool) -> Option<bool> {
        if !steps(1) {
            return None;
        }
        Some(match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::String(a), Self::String(b)) => {
                return (a.len() != b.len() || steps(a.len() as u64 / 64)).then(|| **a == **b);
            }
            (Self::Bytes(a), Self::Bytes(b)) => {
                return (a.len() != b.len() || steps(a.len() as u64 / 64)).then(|| **a == **b);
            }
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::Struct(a), Self::Struct(b)) => std::ptr::addr_eq(*a, *b),
            (Self::List(a), Self::List(b)) => return a.equals(b, steps),
            (Self::Map(a), Self::Map(b)) => return a.equals(b, steps),
            (a, b) => compare_numbers(a, b) == Some(Ordering::Equal),
        })
    }

    /// Order of the language, or `None` when there is none between these two.
    pub(super) fn order(&self, other: &Self) -> Option<Order> {
        Some(match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Order::Known(a.cmp(b)),
            (Self::String(a), Self::String(b)) => Order::Known((**a).cmp(&**b)),
            (Self::Bytes(a), Self::Bytes(b)) => Order::Known((**a).cmp(&**b)),
            (a, b) if a.is_number() && b.is_number() => {
                compare_numbers(a, b).map_or(Order::NotANumber, Order::Known)
            }
            _ => return None,
        })
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Uint(_) | Self::Double(_))
    }
}

/// The outcome of comparing two values of comparable types.
pub(super) enum Order {
    Known(Ordering),
    /// One of them is NaN: every order is false.
    NotANumber,
}

impl<'a> List<'a> {
    /// Number of items.
    pub fn len(&self) -> usize {
        match &self.0 {
            Items::Json(a) => a.len(),
            Items::Values(v) => v.len(),
        }
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at `index`.
    pub fn get(&self, index: usize) -> Option<Value<'a>> {
        match &self.0 {
            Items::Json(a) => a.get(index).map(Value::from),
            Items::Values(v) => v.get(index).cloned(),
        }
    }

    /// Calls `visit` with each item in order until it gives `false`.
    pub fn visit(&self, mut visit: impl FnMut(Value<'a>) -> bool) {
        match &self.0 {
            Items::Json(a) => {
                let _stopped = a.iter().all(|v| visit(v.into()));
            }
            Items::Values(v) => {
                let _stopped = v.iter().all(|v| visit(v.clone()));
            }
        }
    }

    fn equals(&self, other: &Self, steps: &mut dyn FnMut(u64) -> bool) -> Option<bool> {
        if self.len() != other.len() {
            return Some(false);
        }
        let (mut index, mut verdict) = (0, Some(true));
        self.visit(|item| {
            let Some(pair) = other.get(index) else { return false };
            index += 1;
            verdict = item.equals(&pair, steps);
            verdict == Some(true)
        });
        verdict
    }
}

impl<'a> Map<'a> {
    /// Number of entries.
    pub fn len(&self) -> usize {
        match &self.0 {
            Entries::Json(o) => o.len(),
            Entries::Values(v) => v.len(),
        }
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value under the string key `name`.
    pub fn get_str(&self, name: &str) -> Option<Value<'a>> {
        match &self.0 {
            Entries::Json(o) => o.get(name).map(Value::from),
            Entries::Values(v) => {
                v.iter().find(|(k, _)| k.as_str() == Some(name)).map(|(_, value)| value.clone())
            }
        }
    }

    /// The value under `key`; numbers match by value whatever their type.
    pub fn get(&self, key: &Value<'_>) -> Option<Value<'a>> {
        if let Value::String(s) = key {
            return self.get_str(s);
        }
        match &self.0 {
            Entries::Json(_) => None,
            Entries::Values(v) => v.iter().find(|(k, _)| same_key(k, key)).map(|(_, value)| value.clone()),
        }
    }

    /// Calls `visit` with each key and value until it gives `false`.
    pub fn visit(&self, mut visit: impl FnMut(Value<'a>, Value<'a>) -> bool) {
        match &self.0 {
            Entries::Json(o) => {
                let _stopped =
                    o.iter().all(|(k, v)| visit(Value::String(Shared::Borrowed(k)), Value::from(v)));
            }
            Entries::Values(v) => {
                let _stopped = v.iter().all(|(k, v)| visit(k.clone(), v.clone()));
            }
        }
    }

    fn equals(&self, other: &Self, steps: &mut dyn FnMut(u64) -> bool) -> Option<bool> {
        if self.len() != other.len() {
            return Some(false);
        }
        let mut verdict = Some(true);
        self.visit(|key, value| {
            // A lookup is linear in the other map.
            if !steps(other.len() as u64 / 8) {
                verdict = None;
                return false;
            }
            verdict = match other.get(&key) {
                Some(pair) => value.equals(&pair, steps),
                None => Some(false),
            };
            verdict == Some(true)
        });
        verdict
    }
}

/// Whether two map keys are the same key.
pub(super) fn same_key(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => **a == **b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (a, b) => compare_numbers(a, b) == Some(Ordering::Equal),
    }
}

/// Comparison of two numbers of any type; `None` for NaN and for values that are no numbers. An integer is
/// compared with a double as a double, rounded, as the conformance tests have it.
fn compare_numbers(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    Some(match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Uint(a), Value::Uint(b)) => a.cmp(b),
        (Value::Double(a), Value::Double(b)) => return a.partial_cmp(b),
        (Value::Int(a), Value::Uint(b)) => i128::from(*a).cmp(&i128::from(*b)),
        (Value::Uint(a), Value::Int(b)) => i128::from(*a).cmp(&i128::from(*b)),
        (Value::Int(a), Value::Double(b)) => return (*a as f64).partial_cmp(b),
        (Value::Uint(a), Value::Double(b)) => return (*a as f64).partial_cmp(b),
        (Value::Double(a), Value::Int(b)) => return a.partial_cmp(&(*b as f64)),
        (Value::Double(a), Value::Uint(b)) => return a.partial_cmp(&(*b as f64)),
        _ => return None,
    })
}

// === conversions ===

impl<T: ?Sized> Deref for Shared<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Borrowed(t) => t,
            Self::Owned(t) => t,
        }
    }
}

impl<T: ?Sized> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        match self {
            Self::Borrowed(t) => Self::Borrowed(t),
            Self::Owned(t) => Self::Owned(Arc::clone(t)),
        }
    }
}

/// Claims: objects and arrays are wrapped as they are.
impl<'a> From<json::Value<'a>> for Value<'a> {
    fn from(value: json::Value<'a>) -> Self {
        match value {
            json::Value::Null => Self::Null,
            json::Value::Bool(b) => Self::Bool(b),
            json::Value::Int(i) => Self::Int(i),
            json::Value::Uint(u) => Self::Uint(u),
            json::Value::Double(d) => Self::Double(d),
            json::Value::String(s) => Self::String(Shared::Borrowed(s)),
            json::Value::Array(a) => Self::List(List(Items::Json(a))),
            json::Value::Object(o) => Self::Map(Map(Entries::Json(o))),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::String(Shared::Borrowed(value))
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Self::String(Shared::Owned(value.into()))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(Shared::Borrowed(value))
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Value<'_> {
    fn from(value: u64) -> Self {
        Self::Uint(value)
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl<'a> From<&'a [Value<'a>]> for Value<'a> {
    fn from(value: &'a [Value<'a>]) -> Self {
        Self::List(List(Items::Values(Shared::Borrowed(value))))
    }
}

impl<'a> From<Vec<Value<'a>>> for Value<'a> {
    fn from(value: Vec<Value<'a>>) -> Self {
        Self::List(List(Items::Values(Shared::Owned(value.into()))))
    }
}

/// A list of strings, for instance scopes.
impl<'a> FromIterator<&'a str> for Value<'a> {
    fn from_iter<I: IntoIterator<Item = &'a str>>(items: I) -> Self {
        Self::from(items.into_iter().map(Value::from).collect::<Vec<_>>())
    }
}

impl<'a> From<&'a dyn StructValue> for Value<'a> {
    fn from(value: &'a dyn StructValue) -> Self {
        Self::Struct(value)
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.type_name())
    }
}

impl fmt::Debug for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "List({})", self.len())
    }
}

impl fmt::Debug for Map<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Map({})", self.len())
    }
}
