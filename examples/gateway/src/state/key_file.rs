//! A key in a file: 32 bytes in base64, for the owner alone.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mcp_auth_core::seal::SealKey;

/// Longer than any key with white space around it.
const MAX_BYTES: u64 = 4096;

/// The key in a file; `None` where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<SealKey>, String> {
    let wrong = |error: std::io::Error| format!("`{}` cannot be read: {error}", path.display());
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(error)),
    };
    // A pipe or a device would not end.
    if !metadata.is_file() {
        return Err(format!("`{}` is not a file", path.display()));
    }
    warn_if_open(path, &metadata);
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text)).map_err(wrong)?;
    SealKey::from_base64(&text).map(Some).map_err(|error| format!("`{}`: {error}", path.display()))
}

/// Makes a key and its file. Whoever reads the file meanwhile sees none or the whole one; the key of a file that somebody
/// else made first is taken as it is.
pub(super) fn create(path: &Path) -> Result<SealKey, String> {
    let wrong = |error: std::io::Error| {
        format!("`{}` cannot be made: {error}; `openssl rand -base64 32` makes one", path.display())
    };
    let text = format!("{}\n", STANDARD.encode(random()?));
    let beside = beside(path)?;
    let written = write_new(&beside, &text).and_then(|()| std::fs::hard_link(&beside, path));
    let removed = std::fs::remove_file(&beside);
    match written {
        Ok(()) => removed.map_err(wrong)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(wrong(error)),
    }
    tracing::info!(target: "mcp_auth_gateway", file = %path.display(), "key file made: keep it, and keep it secret");
    read(path)?.ok_or_else(|| format!("`{}` is gone", path.display()))
}

/// 32 random bytes.
pub(super) fn random() -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "the system gave no random bytes for a key".to_owned())?;
    Ok(bytes)
}

/// A name in the same folder that nobody else has.
fn beside(path: &Path) -> Result<PathBuf, String> {
    let name = path.file_name().ok_or_else(|| format!("`{}` is not the name of a file", path.display()))?;
    let mut new = std::ffi::OsString::from(".");
    new.push(name);
    new.push(format!(".{}", URL_SAFE_NO_PAD.encode(random()?)));
    Ok(path.with_file_name(new))
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn warn_if_open(path: &Path, metadata: &std::fs::Metadata) {
    use std::os::unix::fs::PermissionsExt as _;
    if metadata.permissions().mode() & 0o007 != 0 {
        let file = path.display();
        tracing::warn!(target: "mcp_auth_gateway", %file, "everybody on this machine can read or write the key file");
    }
}

#[cfg(not(unix))]
fn warn_if_open(_: &Path, _: &std::fs::Metadata) {}
