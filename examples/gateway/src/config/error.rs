//! Why a configuration is refused, and where.

use std::fmt;

use super::limits::MAX_CONFIG_BYTES;
use super::suggest;

/// A refused configuration.
///
/// Displays as `file:line:column: message`; a message quotes the operator's words in backticks, and never a value
/// that may be a secret.
#[derive(Clone, Debug)]
pub(crate) struct ConfigError {
    file: String,
    fault: Fault,
}

/// What kind of mistake a [`ConfigError`] reports.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub(crate) enum ConfigErrorKind {
    /// The file cannot be opened or read, or is not UTF-8.
    Unreadable,
    /// The file is longer, deeper or has more aliases than the limits allow.
    TooLarge,
    /// The text is not one YAML document.
    Syntax,
    /// The same key twice in one mapping, or the same name or address twice in one list.
    Duplicate,
    /// A key that this place does not know.
    UnknownField,
    /// A key that this place needs.
    MissingField,
    /// A value of the wrong type.
    WrongType,
    /// A value of the right type that is not allowed.
    InvalidValue,
    /// Two fields that exclude each other.
    Conflict,
    /// A field or a value of agentgateway that this gateway does not serve.
    Unsupported,
}

/// A line and a column, both counted from 1.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Position {
    /// The line.
    pub(crate) line: u64,
    /// The column, in characters.
    pub(crate) column: u64,
}

/// A [`ConfigError`] before it knows its file.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    kind: ConfigErrorKind,
    at: Option<Position>,
    message: String,
}

impl ConfigError {
    /// What kind of mistake this is.
    pub(crate) fn kind(&self) -> ConfigErrorKind {
        self.fault.kind
    }

    /// Where in the file, if that is known.
    pub(crate) fn at(&self) -> Option<Position> {
        self.fault.at
    }

    /// What is wrong, without the place.
    pub(crate) fn message(&self) -> &str {
        &self.fault.message
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault.at {
            Some(at) => write!(f, "{}:{at}: {}", self.file, self.fault.message),
            None => write!(f, "{}: {}", self.file, self.fault.message),
        }
    }
}

impl std::error::Error for ConfigError {}

impl ConfigErrorKind {
    /// A stable name for logs and metrics.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::TooLarge => "too_large",
            Self::Syntax => "syntax",
            Self::Duplicate => "duplicate",
            Self::UnknownField => "unknown_field",
            Self::MissingField => "missing_field",
            Self::WrongType => "wrong_type",
            Self::InvalidValue => "invalid_value",
            Self::Conflict => "conflict",
            Self::Unsupported => "unsupported",
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Fault {
    /// A fault of `kind` at `at`.
    pub(crate) fn new(kind: ConfigErrorKind, at: Position, message: impl Into<String>) -> Self {
        Self { kind, at: Some(at), message: message.into() }
    }

    /// A fault whose place the YAML parser may not know.
    pub(crate) fn of_parser(kind: ConfigErrorKind, at: Option<Position>, message: impl Into<String>) -> Self {
        Self { kind, at, message: message.into() }
    }

    /// A value of the right type that is not allowed.
    pub(crate) fn invalid(at: Position, message: impl Into<String>) -> Self {
        Self::new(ConfigErrorKind::InvalidValue, at, message)
    }

    /// A key that nobody knows, with the nearest known one.
    pub(crate) fn unknown_field(at: Position, field: &str, what: &str, known: &[&str]) -> Self {
        let hint = suggest::hint(field, known);
        let known = suggest::list(known);
        let message = format!("unknown field `{field}` in {what}{hint} (known fields: {known})");
        Self::new(ConfigErrorKind::UnknownField, at, message)
    }

    /// A word that is none of `known`, with the nearest of them.
    pub(crate) fn unknown_word(at: Position, word: &str, what: &str, known: &[&str]) -> Self {
        let hint = suggest::hint(word, known);
        let known = suggest::list(known);
        Self::invalid(at, format!("unknown value `{word}` for {what}{hint} (known values: {known})"))
    }

    /// A key that `what` needs.
    pub(crate) fn missing(at: Position, field: &str, what: &str) -> Self {
        Self::new(ConfigErrorKind::MissingField, at, format!("missing field `{field}` in {what}"))
    }

    /// A key that agentgateway has and we do not.
    pub(crate) fn unsupported(at: Position, field: &str, what: &str) -> Self {
        Self::new(ConfigErrorKind::Unsupported, at, format!("`{field}` in {what} is not supported yet"))
    }

    /// The file cannot be read.
    pub(crate) fn unreadable(error: &std::io::Error) -> Self {
        Self::of_parser(ConfigErrorKind::Unreadable, None, format!("cannot read the file: {error}"))
    }

    /// The file is not text.
    pub(crate) fn not_utf8() -> Self {
        Self::of_parser(ConfigErrorKind::Unreadable, None, "the file is not UTF-8")
    }

    /// The file is too long.
    pub(crate) fn too_large() -> Self {
        let message = format!("the file is longer than {MAX_CONFIG_BYTES} bytes");
        Self::of_parser(ConfigErrorKind::TooLarge, None, message)
    }

    /// Adds the file.
    pub(crate) fn in_file(self, file: &str) -> ConfigError {
        ConfigError { file: file.to_owned(), fault: self }
    }
}
