//! What an expression may mention: names of variables and functions with their types.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

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
    /// A list and the type of its items.
    List(Arc<Type>),
    /// A map and the types of its keys and values.
    Map(Arc<Type>, Arc<Type>),
    /// A structure with declared fields.
    Struct(StructType),
    /// The type of a type.
    Type,
}

/// A structure's fields and their types. Reading any other field is an error at load.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StructType(Arc<BTreeMap<Box<str>, Type>>);

/// The variables and functions that expressions may use.
///
/// ```
/// use mcp_auth_core::cel::{Environment, StructType, Type};
///
/// let tool = StructType::new().field("name", Type::String);
/// let mcp = StructType::new().field("method", Type::String).field("tool", tool);
/// let environment = Environment::new().variable("jwt", Type::Dyn).variable("mcp", mcp);
/// # let _ = environment;
/// ```
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<Box<str>, Type>,
    functions: BTreeMap<Box<str>, HostFunction>,
}

/// A function that the caller evaluates.
#[derive(Clone, Debug)]
pub(super) struct HostFunction {
    pub(super) parameters: Vec<Type>,
    pub(super) result: Type,
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

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    /// Whether a value of this type can be a value of `other`.
    pub(super) fn may_be(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dyn, _) | (_, Self::Dyn) => true,
            (Self::List(_), Self::List(_)) => true,
            (Self::Map(..) | Self::Struct(_), Self::Map(..) | Self::Struct(_)) => true,
            (a, b) => a == b,
        }
    }

    /// Whether values of these types can be equal.
    pub(super) fn may_equal(&self, other: &Self) -> bool {
        self.may_be(other) || (self.is_number() && other.is_number())
    }

    /// The type of something that is either of two types.
    pub(super) fn join(self, other: &Self) -> Self {
        if self == *other { self } else { Self::Dyn }
    }
}

impl From<StructType> for Type {
    fn from(fields: StructType) -> Self {
        Self::Struct(fields)
    }
}

impl StructType {
    /// A structure without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the field `name`.
    #[must_use]
    pub fn field(mut self, name: &str, field: impl Into<Type>) -> Self {
        Arc::make_mut(&mut self.0).insert(name.into(), field.into());
        self
    }

    pub(super) fn get(&self, name: &str) -> Option<&Type> {
        self.0.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(AsRef::as_ref)
    }
}

impl Environment {
    /// Nothing but literals and the functions of the language.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares the variable `name`. A name with dots (`a.b`) stands for that path as a whole.
    #[must_use]
    pub fn variable(mut self, name: &str, variable: impl Into<Type>) -> Self {
        self.variables.insert(name.into(), variable.into());
        self
    }

    /// Declares a function that [`Variables::call`](super::Variables::call) evaluates. Functions of the
    /// language cannot be replaced: their names win.
    #[must_use]
    pub fn function(mut self, name: &str, parameters: &[Type], result: Type) -> Self {
        self.functions.insert(name.into(), HostFunction { parameters: parameters.to_vec(), result });
        self
    }

    pub(super) fn variable_type(&self, name: &str) -> Option<&Type> {
        self.variables.get(name)
    }

    pub(super) fn variable_names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(AsRef::as_ref)
    }

    pub(super) fn host_function(&self, name: &str) -> Option<&HostFunction> {
        self.functions.get(name)
    }

    pub(super) fn function_names(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(AsRef::as_ref)
    }
}

/// The type as the language names it.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dyn => "dyn",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::List(_) => "list",
            Self::Map(..) => "map",
            Self::Struct(_) => "structure",
            Self::Type => "type",
        })
    }
}
