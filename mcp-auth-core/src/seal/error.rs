/// A value cannot be opened. To the outside this is all there is to say; the kind is for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value cannot be opened")]
pub struct SealError {
    kind: SealErrorKind,
}

/// Why a value cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealErrorKind {
    /// Longer than any value that is sealed.
    #[error("sealed value is too long")]
    TooLong,
    /// Not of the form of this version.
    #[error("sealed value is of an unknown version")]
    Version,
    /// Not of the form: not base64url, or too short.
    #[error("sealed value is malformed")]
    Malformed,
    /// Sealed with a key that is not known, or no longer.
    #[error(
        "sealed value names an unknown key; was the key rotated out, or is it another on another replica?"
    )]
    UnknownKey,
    /// Changed, or for another purpose, or bound to other data.
    #[error("sealed value was changed, or is for another purpose or bound to other data")]
    Forged,
    /// Past its end.
    #[error("sealed value has expired")]
    Expired,
}

impl SealError {
    pub(super) const fn new(kind: SealErrorKind) -> Self {
        Self { kind }
    }

    /// Why, for the log.
    pub const fn kind(self) -> SealErrorKind {
        self.kind
    }
}

impl SealErrorKind {
    /// A stable word for logs and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong => "seal_too_long",
            Self::Version => "seal_version",
            Self::Malformed => "seal_malformed",
            Self::UnknownKey => "seal_unknown_key",
            Self::Forged => "seal_forged",
            Self::Expired => "seal_expired",
        }
    }
}

/// A value cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealingFailed {
    /// The content is longer than [`MAX_PLAINTEXT_BYTES`](super::MAX_PLAINTEXT_BYTES), or the bound data than
    /// [`MAX_BOUND_BYTES`](super::MAX_BOUND_BYTES).
    #[error("content or bound data of a sealed value is too long")]
    TooLong,
    /// The cryptographic library refused.
    #[error("the cryptographic library refused to seal")]
    Library,
}
