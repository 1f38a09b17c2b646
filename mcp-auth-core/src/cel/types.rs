//! Static types.

use std::fmt;
use std::sync::Arc;

use super::environment::StructType;

/// A static type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Type {
    /// Known at evaluation only, such as a claim.
    Dyn,
    /// The type of `null`.
    Null,
    /// A boolean.
    Bool,
    /// A signed integer.
    Int,
    /// An unsigned integer.
    Uint,
    /// A floating point number.
    Double,
    /// A string.
    String,
    /// A sequence of bytes.
    Bytes,
    /// A point in time.
    Timestamp,
    /// A length of time.
    Duration,
    /// An IP address, as `ip("10.0.0.1")` gives it.
    IpAddress,
    /// A range of IP addresses, as `cidr("10.0.0.0/8")` gives it.
    Cidr,
    /// A list and the type of its items.
    List(Arc<Type>),
    /// A map and the types of its keys and values.
    Map(Arc<Type>, Arc<Type>),
    /// A value that may be absent, and the type it has when it is there.
    Optional(Arc<Type>),
    /// A structure with declared fields.
    Struct(StructType),
    /// The type of a type.
    Type,
    /// A type of the caller, known by its name and parameters only.
    Opaque(Arc<str>, Arc<[Type]>),
    /// In the declaration of a function: any type, the same wherever the name stands.
    Parameter(Arc<str>),
    /// While checking: not yet known.
    #[doc(hidden)]
    Variable(u32),
}

impl Type {
    /// A list of `item`.
    pub fn list(item: Self) -> Self {
        Self::List(Arc::new(item))
    }

    /// A map from `key` to `value`.
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    /// A value of type `inner` that may be absent.
    pub fn optional(inner: Self) -> Self {
        Self::Optional(Arc::new(inner))
    }

    /// A type of the caller.
    pub fn opaque(name: &str, parameters: &[Self]) -> Self {
        Self::Opaque(name.into(), parameters.into())
    }

    /// A type parameter for the declaration of a function.
    pub fn parameter(name: &str) -> Self {
        Self::Parameter(name.into())
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    /// Whether nothing is known about values of this type.
    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Dyn | Self::Variable(_) | Self::Parameter(_))
    }
}

impl From<StructType> for Type {
    fn from(fields: StructType) -> Self {
        Self::Struct(fields)
    }
}

/// The type as the language names it.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dyn | Self::Variable(_) => "dyn",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::IpAddress => "net.IP",
            Self::Cidr => "net.CIDR",
            Self::Struct(_) => "structure",
            Self::Type => "type",
            Self::Parameter(name) => name,
            Self::List(item) => return write!(f, "list({item})"),
            Self::Map(key, value) => return write!(f, "map({key}, {value})"),
            Self::Optional(inner) => return write!(f, "optional({inner})"),
            Self::Opaque(name, parameters) => {
                f.write_str(name)?;
                for (i, parameter) in parameters.iter().enumerate() {
                    write!(f, "{}{parameter}", if i == 0 { "(" } else { ", " })?;
                }
                return f.write_str(if parameters.is_empty() { "" } else { ")" });
            }
        })
    }
}
