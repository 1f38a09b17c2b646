//! Secrets: in the configuration itself, in a file, or in an environment variable.

mod check;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use mcp_auth_discovery::Secret;

pub(super) use self::check::{Form, checked};
use self::check::{is_variable, names_variable};
use super::error::{ConfigErrorKind, Fault, Position};
use super::fields::Fields;
use super::node::{Kind, Node, Spanned};
use super::path_match::one_of;
use super::warning::{Lints, WarningKind};

/// Where a secret is.
#[derive(Clone)]
pub(crate) enum SecretFrom {
    Here(Spanned<Secret>),
    File(Spanned<PathBuf>),
    /// The name of an environment variable.
    Env(Spanned<String>),
}

impl SecretFrom {
    /// A text, `{file: …}` or `{env: …}`.
    pub(super) fn read(node: Node, field: &'static str, form: Form) -> Result<Self, Fault> {
        if matches!(node.kind, Kind::Mapping(_)) {
            let (key, node) = one_of(node, field, &["file", "env"])?;
            if key.value == "file" {
                return Ok(Self::File(path(node, field)?));
            }
            let name = node.filled_text(field)?;
            if !is_variable(&name.value) {
                // Not quoted: it may be the secret itself.
                let message = format!(
                    "`{field}`: `env` must be the name of an environment variable: letters, digits and `_`, without `$`"
                );
                return Err(Fault::invalid(name.at, message));
            }
            return Ok(Self::Env(name));
        }
        let text = node.filled_text(field)?;
        if names_variable(&text.value) {
            let message = format!(
                "`{field}` has the form of an environment variable, which is not expanded here: write `{field}: {{env: \
                 NAME}}`; a secret that is this text itself goes into a file: `{field}: {{file: PATH}}`"
            );
            return Err(Fault::invalid(text.at, message));
        }
        let secret = checked(&text.value, form)
            .map_err(|wrong| Fault::invalid(text.at, format!("`{field}` {wrong}")))?;
        Ok(Self::Here(Spanned { value: secret, at: text.at }))
    }

    /// The secret in `field`, or in the file that `file_field` names; one of the two.
    pub(super) fn take(
        fields: &mut Fields,
        field: &'static str,
        file_field: &'static str,
        form: Form,
    ) -> Result<Option<Self>, Fault> {
        let at = fields.key_at(file_field);
        match (fields.take(field), fields.take(file_field), at) {
            (Some(_), Some(_), Some(at)) => {
                let message = format!("`{field}` and `{file_field}` are the same thing: give one of them");
                Err(Fault::new(ConfigErrorKind::Conflict, at, message))
            }
            (Some(node), ..) => Self::read(node, field, form).map(Some),
            (None, Some(node), _) => Ok(Some(Self::File(path(node, file_field)?))),
            (None, None, _) => Ok(None),
        }
    }

    /// The secret itself, in one line.
    ///
    /// # Errors
    ///
    /// A place and a sentence, when it is not there, or cannot be a secret.
    pub(crate) fn open(&self) -> Result<Secret, (Position, String)> {
        self.open_as(Form::Line)
    }

    /// The same for text in PEM.
    pub(crate) fn open_pem(&self) -> Result<Secret, (Position, String)> {
        self.open_as(Form::Pem)
    }

    fn open_as(&self, form: Form) -> Result<Secret, (Position, String)> {
        match self {
            Self::Here(secret) => Ok(secret.value.clone()),
            Self::File(path) => open(&path.value, form).map_err(|message| (path.at, message)),
            Self::Env(name) => variable(&name.value, std::env::var_os(&name.value), form)
                .map_err(|message| (name.at, message)),
        }
    }

    /// Warns about spaces at its ends, where it can be looked at now.
    pub(super) fn warn(&self, field: &str, lints: &mut Lints) {
        let Ok(secret) = self.open() else { return };
        if secret.expose().trim() != secret.expose() {
            let message = format!(
                "the secret of `{field}` begins or ends with white space, which is sent as a part of it: take it out if \
                 it came there by mistake"
            );
            lints.add(WarningKind::SecretSpace, self.at(), message);
        }
    }

    fn at(&self) -> Position {
        match self {
            Self::Here(secret) => secret.at,
            Self::File(path) => path.at,
            Self::Env(name) => name.at,
        }
    }

    /// Whether both are written in the same way, or are both absent.
    pub(super) fn are_same(a: Option<&Self>, b: Option<&Self>) -> bool {
        match (a, b) {
            (Some(Self::Here(a)), Some(Self::Here(b))) => a.value.expose() == b.value.expose(),
            (Some(Self::File(a)), Some(Self::File(b))) => a.value == b.value,
            (Some(Self::Env(a)), Some(Self::Env(b))) => a.value == b.value,
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
            Self::Env(name) => f.debug_tuple("Env").field(&name.value).finish(),
        }
    }
}

/// The path of a file.
pub(super) fn path(node: Node, field: &str) -> Result<Spanned<PathBuf>, Fault> {
    let text = node.filled_text(field)?;
    Ok(Spanned { value: PathBuf::from(text.value), at: text.at })
}

/// A secret in a file, without the one newline at its end.
pub(super) fn open(path: &Path, form: Form) -> Result<Secret, String> {
    let wrong = |e: std::io::Error| format!("`{}` cannot be read: {e}", path.display());
    // A pipe or a device would not end.
    if !std::fs::metadata(path).map_err(wrong)?.is_file() {
        return Err(format!("`{}` is not a file", path.display()));
    }
    let mut text = String::new();
    // One byte more than the longest with its newline shows that it is too long.
    let limit = form.max_bytes() as u64 + 3;
    File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text)).map_err(wrong)?;
    let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    checked(line, form).map_err(|wrong| format!("`{}` {wrong}", path.display()))
}

/// A secret in an environment variable.
fn variable(name: &str, value: Option<OsString>, form: Form) -> Result<Secret, String> {
    let Some(value) = value else {
        return Err(format!("the environment variable `{name}` is not set"));
    };
    let text =
        value.into_string().map_err(|_| format!("the environment variable `{name}` is not UTF-8 text"))?;
    checked(&text, form).map_err(|wrong| format!("the environment variable `{name}` {wrong}"))
}
