//! Secrets as Kubernetes mounts them: a folder for each, a file for each key.

use std::collections::BTreeMap;
use std::path::Path;

use mcp_auth_discovery::Secret;

use super::super::error::Fault;
use super::super::node::Spanned;
use super::super::secret::{Form, SecretFrom, checked, open};

/// The greatest number of keys of a Secret.
const MAX_KEYS: usize = 64;

/// One Secret.
#[derive(Debug)]
pub(super) struct Values {
    name: Spanned<String>,
    by_key: BTreeMap<String, Secret>,
}

impl Values {
    /// Reads the Secret `name` below `folder`.
    pub(super) fn read(folder: &Path, name: &Spanned<String>) -> Result<Self, Fault> {
        let wrong = |what: String| Fault::invalid(name.at, format!("Secret `{}`: {what}", name.value));
        // INVARIANT: a name cannot lead out of the folder.
        if !is_name(&name.value) {
            return Err(wrong("is not a name that Kubernetes allows".to_owned()));
        }
        let folder = folder.join(&name.value);
        let unreadable = |e: std::io::Error| wrong(format!("`{}` cannot be read: {e}", folder.display()));
        let mut by_key = BTreeMap::new();
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            if by_key.len() > MAX_KEYS {
                return Err(wrong(format!("has more than {MAX_KEYS} keys")));
            }
            let entry = entry.map_err(unreadable)?;
            let key = entry.file_name().to_string_lossy().into_owned();
            // Kubernetes keeps versions of the whole in such folders.
            if key.starts_with("..") {
                continue;
            }
            let value = open(&entry.path(), Form::Pem).map_err(|e| wrong(format!("key `{key}`: {e}")))?;
            by_key.insert(key, value);
        }
        Ok(Self { name: name.clone(), by_key })
    }

    /// The value of a key, which has to be there.
    pub(super) fn require(&self, key: &str) -> Result<&Secret, Fault> {
        let value = self.by_key.get(key).ok_or_else(|| {
            let there: Vec<&str> = self.by_key.keys().map(String::as_str).collect();
            self.wrong(&format!("has no key `{key}`; it has `{}`", there.join("`, `")))
        })?;
        // Others may have lines, such as a certificate that nobody asks for.
        checked(value.expose(), Form::Line)
            .map_err(|wrong| self.wrong(&format!("has a key `{key}` that {wrong}")))?;
        Ok(value)
    }

    /// A secret that has to be there, in one line.
    pub(super) fn secret(&self, key: &str) -> Result<SecretFrom, Fault> {
        Ok(SecretFrom::Here(Spanned { value: self.require(key)?.clone(), at: self.name.at }))
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Secret> {
        self.by_key.get(key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.by_key.keys().map(String::as_str)
    }

    /// Something is wrong with it. `what` says no value.
    pub(super) fn wrong(&self, what: &str) -> Fault {
        Fault::invalid(self.name.at, format!("Secret `{}` {what}", self.name.value))
    }
}

/// A DNS subdomain name (RFC 1123), as Kubernetes names Secrets.
fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !label.is_empty() && label.bytes().all(inside) && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}
