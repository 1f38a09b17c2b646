//! Secrets: in the configuration itself, or in a file.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use mcp_auth_discovery::Secret;

use super::error::{ConfigErrorKind, Fault, Position};
use super::fields::Fields;
use super::node::{Kind, Node, Spanned};
use super::path_match::one_of;

/// The longest secret that is read, in bytes.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Where a secret is.
#[derive(Clone)]
pub(crate) enum SecretFrom {
    Here(Secret),
    File(Spanned<PathBuf>),
}

impl SecretFrom {
    /// A text, or `{file: …}`.
    pub(super) fn read(node: Node, field: &'static str) -> Result<Self, Fault> {
        if matches!(node.kind, Kind::Mapping(_)) {
            let (_, node) = one_of(node, field, &["file"])?;
            return Ok(Self::File(path(node, field)?));
        }
        Ok(Self::Here(Secret::new(node.filled_text(field)?.value)))
    }

    /// The secret in `field`, or in the file that `file_field` names; one of the two.
    pub(super) fn take(
        fields: &mut Fields,
        field: &'static str,
        file_field: &'static str,
    ) -> Result<Option<Self>, Fault> {
        let at = fields.key_at(file_field);
        match (fields.take(field), fields.take(file_field), at) {
            (Some(_), Some(_), Some(at)) => {
                let message = format!("`{field}` and `{file_field}` are the same thing: give one of them");
                Err(Fault::new(ConfigErrorKind::Conflict, at, message))
            }
            (Some(node), ..) => Self::read(node, field).map(Some),
            (None, Some(node), _) => Ok(Some(Self::File(path(node, file_field)?))),
            (None, None, _) => Ok(None),
        }
    }

    /// The secret itself.
    ///
    /// # Errors
    ///
    /// A place and a sentence, when the file cannot be read or is empty.
    pub(crate) fn open(&self) -> Result<Secret, (Position, String)> {
        match self {
            Self::Here(secret) => Ok(secret.clone()),
            Self::File(path) => open(&path.value).map_err(|message| (path.at, message)),
        }
    }

    /// Whether both are written in the same way, or are both absent.
    pub(super) fn are_same(a: Option<&Self>, b: Option<&Self>) -> bool {
        match (a, b) {
            (Some(Self::Here(a)), Some(Self::Here(b))) => a.expose() == b.expose(),
            (Some(Self::File(a)), Some(Self::File(b))) => a.value == b.value,
            (a, b) => a.is_none() && b.is_none(),
        }
    }
}

/// Not the secret.
impl fmt::Debug for SecretFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here(_) => f.write_str("Here([redacted])"),
            Self::File(path) => f.debug_tuple("File").field(&path.value).finish(),
        }
    }
}

/// The path of a file.
pub(super) fn path(node: Node, field: &str) -> Result<Spanned<PathBuf>, Fault> {
    let text = node.filled_text(field)?;
    Ok(Spanned { value: PathBuf::from(text.value), at: text.at })
}

/// A secret in a file, without the newline at its end.
pub(super) fn open(path: &Path) -> Result<Secret, String> {
    let wrong = |e: std::io::Error| format!("`{}` cannot be read: {e}", path.display());
    // A pipe or a device would not end.
    if !std::fs::metadata(path).map_err(wrong)?.is_file() {
        return Err(format!("`{}` is not a file", path.display()));
    }
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(MAX_SECRET_BYTES).read_to_string(&mut text)).map_err(wrong)?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(format!("`{}` is empty", path.display()));
    }
    Ok(Secret::new(text))
}
