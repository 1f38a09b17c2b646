//! YAML text to a tree in which every key and every value knows its place.
//!
//! serde's derived types would name a place only for what serde-saphyr itself finds wrong: the reason that a value
//! is not allowed, and everything under `untagged` or `flatten`, would have none.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, Location, MergeKeyPolicy};

use super::error::{ConfigErrorKind, Fault, Position};
use super::limits;

/// A value and its place in the file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Spanned<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it is written. For a YAML alias this is the anchor's place, where the text is.
    pub(crate) at: Position,
}

/// A YAML node and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(super) kind: Kind,
    pub(super) at: Position,
}

/// What a [`Node`] is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Null,
    Boolean(bool),
    Integer(i128),
    /// A number that no field takes: with a fraction, infinite, or beyond 128 bits.
    Number,
    Text(String),
    List(Vec<Node>),
    Mapping(Vec<(Spanned<String>, Node)>),
}

/// Parses one YAML document within the [limits].
///
/// # Errors
///
/// When the text is not exactly one YAML document, has a key twice, merges (`<<`), has tags, or exceeds a limit.
pub(crate) fn parse(text: &str) -> Result<Node, Fault> {
    // The YAML library limits the input's length only for readers.
    if text.len() > limits::MAX_CONFIG_BYTES {
        return Err(Fault::too_large());
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: limits::MAX_CONFIG_DEPTH,
            max_nodes: limits::MAX_CONFIG_NODES,
            max_aliases: limits::MAX_ALIASES,
            max_anchors: limits::MAX_ALIASES,
            max_total_scalar_bytes: limits::MAX_CONFIG_BYTES,
            // The second one is an error of its own.
            max_documents: 2,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: limits::MAX_ALIAS_NODES },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        // A merge hides which value wins.
        merge_keys: MergeKeyPolicy::Error,
        reject_unsupported_tags: true,
        strict_booleans: true,
        // Otherwise 33 lines of comment in a row exceed a budget.
        emit_comments: false,
        // A snippet would print the file's lines, secrets among them.
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options::<serde_saphyr::Spanned<Kind>>(text, options)
        .map(Node::from)
        .map_err(|error| from_parser(&error))
}

impl Node {
    /// A text.
    pub(super) fn text(self, field: &str) -> Result<Spanned<String>, Fault> {
        match self.kind {
            Kind::Text(value) => Ok(Spanned { value, at: self.at }),
            other => Err(other.wrong_type(self.at, field, "a string")),
        }
    }

    /// A text that has at least one character other than a space.
    pub(super) fn filled_text(self, field: &str) -> Result<Spanned<String>, Fault> {
        let text = self.text(field)?;
        if text.value.trim().is_empty() {
            return Err(Fault::invalid(text.at, format!("`{field}` must not be empty")));
        }
        Ok(text)
    }

    /// `true` or `false`.
    pub(super) fn boolean(self, field: &str) -> Result<bool, Fault> {
        match self.kind {
            Kind::Boolean(value) => Ok(value),
            other => Err(other.wrong_type(self.at, field, "true or false")),
        }
    }

    /// A TCP port; 0 asks the system for a free one.
    pub(super) fn port(self, field: &str) -> Result<u16, Fault> {
        match self.kind {
            Kind::Integer(value) => u16::try_from(value).map_err(|_| {
                Fault::invalid(self.at, format!("`{field}` must be a port from 0 to 65535, found `{value}`"))
            }),
            other => Err(other.wrong_type(self.at, field, "a port from 0 to 65535")),
        }
    }

    /// A number of things, at least one.
    pub(super) fn count(self, field: &str) -> Result<usize, Fault> {
        match self.kind {
            Kind::Integer(value) => usize::try_from(value).ok().filter(|count| *count > 0).ok_or_else(|| {
                Fault::invalid(self.at, format!("`{field}` must be at least 1, found `{value}`"))
            }),
            other => Err(other.wrong_type(self.at, field, "a number of at least 1")),
        }
    }

    /// The value as JSON, for types that read themselves. A number that no field takes is `null`.
    pub(super) fn into_json(self) -> serde_json::Value {
        use serde_json::Value;
        match self.kind {
            Kind::Null | Kind::Number => Value::Null,
            Kind::Boolean(value) => value.into(),
            Kind::Integer(value) => i64::try_from(value).map_or(Value::Null, Value::from),
            Kind::Text(value) => value.into(),
            Kind::List(items) => items.into_iter().map(Self::into_json).collect(),
            Kind::Mapping(entries) => Value::Object(
                entries.into_iter().map(|(key, value)| (key.value, value.into_json())).collect(),
            ),
        }
    }

    /// Whether this is a list.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.kind, Kind::List(_))
    }

    /// A list.
    pub(super) fn list(self, field: &str) -> Result<Vec<Self>, Fault> {
        match self.kind {
            Kind::List(items) => Ok(items),
            other => Err(other.wrong_type(self.at, field, "a list")),
        }
    }

    /// A list that is not empty.
    pub(super) fn filled_list(self, field: &str) -> Result<Vec<Self>, Fault> {
        let at = self.at;
        let items = self.list(field)?;
        if items.is_empty() {
            return Err(Fault::invalid(at, format!("`{field}` must not be empty")));
        }
        Ok(items)
    }

    /// A list of texts, none of them empty.
    pub(super) fn texts(self, field: &str) -> Result<Vec<Spanned<String>>, Fault> {
        self.list(field)?.into_iter().map(|item| item.filled_text(field)).collect()
    }

    /// A mapping's entries in the file's order.
    pub(super) fn mapping(self, field: &str) -> Result<Vec<(Spanned<String>, Self)>, Fault> {
        match self.kind {
            Kind::Mapping(entries) => Ok(entries),
            other => Err(other.wrong_type(self.at, field, "a mapping")),
        }
    }
}

impl Kind {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) | Self::Number => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }

    /// Names both types, and not the value: it may be a secret in the wrong place.
    pub(super) fn wrong_type(&self, at: Position, field: &str, expected: &str) -> Fault {
        let message = format!("`{field}` must be {expected}, found {}", self.name());
        Fault::new(ConfigErrorKind::WrongType, at, message)
    }
}

impl From<serde_saphyr::Spanned<Kind>> for Node {
    fn from(spanned: serde_saphyr::Spanned<Kind>) -> Self {
        Self { at: spanned.defined.into(), kind: spanned.value }
    }
}

impl From<Location> for Position {
    fn from(location: Location) -> Self {
        Self { line: location.line(), column: location.column() }
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a scalar, a list or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(Kind::Integer(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Kind, E> {
        Ok(Kind::Integer(value))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Kind, E> {
        Ok(i128::try_from(value).map_or(Kind::Number, Kind::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Kind, E> {
        Ok(Kind::Number)
    }

    fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Kind, E> {
        Ok(Kind::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Kind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<serde_saphyr::Spanned<Kind>>()? {
            items.push(item.into());
        }
        Ok(Kind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Kind, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) =
            access.next_entry::<serde_saphyr::Spanned<String>, serde_saphyr::Spanned<Kind>>()?
        {
            let key = Spanned { at: key.defined.into(), value: key.value };
            entries.push((key, value.into()));
        }
        Ok(Kind::Mapping(entries))
    }
}

/// The parser's errors in our words where theirs speak to a Rust programmer.
fn from_parser(error: &Error) -> Fault {
    let at = error.location().map(Position::from);
    let error = match error.without_snippet() {
        Error::AliasError { error, .. } => error.without_snippet(),
        error => error,
    };
    let (kind, message) = match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            (ConfigErrorKind::Duplicate, format!("duplicate field `{key}`"))
        }
        Error::DuplicateMappingKey { key: None, .. } => {
            (ConfigErrorKind::Duplicate, "duplicate field".to_owned())
        }
        Error::MultipleDocuments { .. } => {
            (ConfigErrorKind::Syntax, "the file holds more than one YAML document".to_owned())
        }
        Error::MergeKeyNotAllowed { .. } => {
            (ConfigErrorKind::Syntax, "YAML merge keys (`<<`) are not allowed".to_owned())
        }
        Error::NullIntoString { .. } => (ConfigErrorKind::Syntax, "a field must have a name".to_owned()),
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            (ConfigErrorKind::Syntax, "an alias must not contain itself".to_owned())
        }
        Error::NonFiniteFloat { .. } => (ConfigErrorKind::Syntax, "a number must be finite".to_owned()),
        Error::Budget { breach, .. } => (ConfigErrorKind::TooLarge, exceeded(breach)),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            (ConfigErrorKind::TooLarge, format!("aliases add more than {} nodes", limits::MAX_ALIAS_NODES))
        }
        _ => (ConfigErrorKind::Syntax, format!("not valid YAML: {}", without_place(error, at))),
    };
    Fault::of_parser(kind, at, message)
}

fn exceeded(breach: &BudgetBreach) -> String {
    match breach {
        BudgetBreach::Depth { .. } => {
            format!("lists and mappings are nested deeper than {}", limits::MAX_CONFIG_DEPTH)
        }
        BudgetBreach::Nodes { .. } => format!("the file has more than {} nodes", limits::MAX_CONFIG_NODES),
        BudgetBreach::Aliases { .. } | BudgetBreach::Anchors { .. } => {
            format!("the file has more than {} aliases or anchors", limits::MAX_ALIASES)
        }
        _ => "the file exceeds a limit of the YAML parser".to_owned(),
    }
}

/// The library ends its messages with the place, which we write in front.
fn without_place(error: &Error, at: Option<Position>) -> String {
    let text = error.to_string();
    let place = at.map(|at| format!(" at line {}, column {}", at.line, at.column)).unwrap_or_default();
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}
