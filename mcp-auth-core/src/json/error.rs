//! What a document may cost, and why one is refused.

/// What a document may cost. Exceeding any of them is an error, never a truncation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Length of the text in bytes. Default: 64 KiB. At most 256 MiB.
    pub max_bytes: usize,
    /// Arrays and objects inside each other. Default: 64. At most 128.
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
#[error("{} at byte {offset}{}", problem.kind(), problem.detail())]
pub struct JsonError {
    problem: Problem,
    offset: usize,
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
    pub(super) fn new(problem: Problem, offset: usize) -> Self {
        Self { problem, offset }
    }

    /// What was wrong.
    pub fn kind(&self) -> JsonErrorKind {
        self.problem.kind()
    }

    /// How many bytes of the text stand before the fault.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

/// What exactly is wrong at one byte of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Utf8,
    ByteOrderMark,
    /// The text ends where a value has to be.
    End,
    Value,
    Name,
    Colon,
    ObjectEnd,
    ArrayEnd,
    /// A string without its closing quote.
    Unclosed,
    Control,
    Escape,
    Surrogate,
    Number,
    Range,
    Trailing,
    Duplicate,
    TooLong,
    TooDeep,
    TooManyNodes,
}

impl Problem {
    fn kind(self) -> JsonErrorKind {
        match self {
            Self::Duplicate => JsonErrorKind::DuplicateMember,
            Self::TooLong => JsonErrorKind::TooLong,
            Self::TooDeep => JsonErrorKind::TooDeep,
            Self::TooManyNodes => JsonErrorKind::TooManyNodes,
            _ => JsonErrorKind::Syntax,
        }
    }

    /// What the kind does not say.
    fn detail(self) -> &'static str {
        match self {
            Self::Utf8 => ": the text is not UTF-8",
            Self::ByteOrderMark => ": the text starts with a byte-order mark; send UTF-8 without one",
            Self::End => ": the text ends where a value is expected",
            Self::Value => ": expected a value",
            Self::Name => ": expected a member name in double quotes",
            Self::Colon => ": expected `:`",
            Self::ObjectEnd => ": expected `,` or `}`",
            Self::ArrayEnd => ": expected `,` or `]`",
            Self::Unclosed => ": the string has no end",
            Self::Control => ": a control character in a string has to be escaped",
            Self::Escape => ": unknown escape in a string",
            Self::Surrogate => ": half of a surrogate pair in a string",
            Self::Number => ": malformed number",
            Self::Range => ": the number is beyond the range of a double, or longer than 1,024 bytes",
            Self::Trailing => ": something follows the document",
            Self::Duplicate | Self::TooLong | Self::TooDeep | Self::TooManyNodes => "",
        }
    }
}
