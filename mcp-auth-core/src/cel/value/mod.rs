//! Values: what an expression reads and returns. Claims are wrapped, never copied; a clone never allocates.

use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use super::network::Cidr;
use super::time::{Duration, Timestamp};
use crate::json;

mod collection;
mod compare;

pub(super) use collection::{Entries, Items};
pub use collection::{List, Map};
pub(super) use compare::{Order, same_key};

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
    /// A point in time.
    Timestamp(Timestamp),
    /// A length of time.
    Duration(Duration),
    /// A value that may be absent, as `jwt.?email` gives it.
    Optional(Option<Arc<Value<'a>>>),
    /// An IP address.
    IpAddress(IpAddr),
    /// A range of IP addresses.
    Cidr(Cidr),
}

/// An object of the caller whose fields an expression may read, such as the MCP message of a request.
///
/// A field for which [`field`](Self::field) gives `None` behaves like a missing key of a map: reading it is
/// an error and `has()` is false.
pub trait StructValue: Sync {
    /// The value of the field `name`, when it is there.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] when nobody can say what it is, or whether it is there. Whatever needs it fails, `has()` and
    /// optional selection included; `||` and `&&` absorb that where another operand decides.
    fn field(&self, name: &str) -> Result<Option<Value<'_>>, Unreadable>;
}

/// Why a field of a [`StructValue`] has no value although it may be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unreadable {
    /// It has several values, or one that does not have one reading.
    Ambiguous,
    /// It will be known later.
    NotKnownYet,
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
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Optional(_) => "optional_type",
            Self::IpAddress(_) => "net.IP",
            Self::Cidr(_) => "net.CIDR",
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

    /// The same value with nothing borrowed; `None` for an object of the caller, and when there are more than
    /// `left` values or bytes of text inside.
    pub(super) fn to_static(&self, left: &mut usize) -> Option<Value<'static>> {
        let size = match self {
            Self::String(s) => s.len(),
            Self::Bytes(b) => b.len(),
            _ => 0,
        };
        *left = left.checked_sub(size + 1)?;
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(*b),
            Self::Int(i) => Value::Int(*i),
            Self::Uint(u) => Value::Uint(*u),
            Self::Double(d) => Value::Double(*d),
            Self::String(s) => Value::String(s.to_static()),
            Self::Bytes(b) => Value::Bytes(b.to_static()),
            Self::List(list) => Value::from(list.to_static(left)?),
            Self::Map(map) => Value::from(map.to_static(left)?),
            Self::Struct(_) => return None,
            Self::Type(t) => Value::Type(t),
            Self::Timestamp(t) => Value::Timestamp(*t),
            Self::Duration(d) => Value::Duration(*d),
            Self::Optional(None) => Value::Optional(None),
            Self::Optional(Some(inner)) => Value::Optional(Some(Arc::new(inner.to_static(left)?))),
            Self::IpAddress(a) => Value::IpAddress(*a),
            Self::Cidr(c) => Value::Cidr(*c),
        })
    }

    /// About how many bytes of memory a value holds beside itself, where it borrows nothing.
    pub(super) fn memory_bytes(&self) -> usize {
        let mut total = 0;
        match self {
            Self::String(s) => total += s.len(),
            Self::Bytes(b) => total += b.len(),
            Self::List(list) => list.visit(|item| {
                total += size_of::<Self>() + item.memory_bytes();
                true
            }),
            Self::Map(map) => map.visit(|key, value| {
                total += 2 * size_of::<Self>() + key.memory_bytes() + value.memory_bytes();
                true
            }),
            Self::Optional(Some(inner)) => total += size_of::<Self>() + inner.memory_bytes(),
            _ => {}
        }
        total
    }

    /// Whether `optional.ofNonZeroValue` takes this for nothing.
    pub(super) fn is_zero(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(b) => !b,
            Self::Int(i) => *i == 0,
            Self::Uint(u) => *u == 0,
            Self::Double(d) => *d == 0.0,
            Self::String(s) => s.is_empty(),
            Self::Bytes(b) => b.is_empty(),
            Self::List(l) => l.is_empty(),
            Self::Map(m) => m.is_empty(),
            Self::Duration(d) => d.as_nanos() == 0,
            Self::Optional(o) => o.is_none(),
            _ => false,
        }
    }
}

impl Shared<'_, str> {
    fn to_static(&self) -> Shared<'static, str> {
        Shared::Owned(match self {
            Self::Borrowed(s) => (*s).into(),
            Self::Owned(s) => Arc::clone(s),
        })
    }
}

impl Shared<'_, [u8]> {
    fn to_static(&self) -> Shared<'static, [u8]> {
        Shared::Owned(match self {
            Self::Borrowed(b) => (*b).into(),
            Self::Owned(b) => Arc::clone(b),
        })
    }
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

/// A map. Keys are booleans, integers or strings, and each is there once.
impl<'a> From<Vec<(Value<'a>, Value<'a>)>> for Value<'a> {
    fn from(entries: Vec<(Value<'a>, Value<'a>)>) -> Self {
        Self::Map(Map(Entries::Values(Shared::Owned(entries.into()))))
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Timestamp(value)
    }
}

impl From<Duration> for Value<'_> {
    fn from(value: Duration) -> Self {
        Self::Duration(value)
    }
}

impl From<IpAddr> for Value<'_> {
    fn from(value: IpAddr) -> Self {
        Self::IpAddress(value)
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
