//! Tokens of this workload, which somebody else puts into files and replaces there (a projected Kubernetes service
//! account token, a SPIFFE JWT-SVID).

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use mcp_auth_exchange::Secret;

/// The longest token that is read, in bytes.
const MAX_TOKEN_BYTES: u64 = 64 * 1024;

/// Files by client.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkloadTokens {
    by_client: HashMap<Box<str>, PathBuf>,
}

impl WorkloadTokens {
    pub(crate) fn insert(&mut self, client_id: &str, path: PathBuf) {
        self.by_client.insert(client_id.into(), path);
    }

    /// A text that differs where the files do.
    pub(crate) fn identity(&self) -> String {
        let mut files: Vec<_> = self.by_client.iter().collect();
        files.sort();
        if files.is_empty() { String::new() } else { format!("{files:?}") }
    }

    pub(crate) fn has(&self, client_id: &str) -> bool {
        self.by_client.contains_key(client_id)
    }

    /// What the file has now. It is read for every exchange: an exchange is a request over the network anyway, and what
    /// was read before may have been replaced.
    pub(crate) async fn read(&self, client_id: &str) -> Option<Secret> {
        let path = self.by_client.get(client_id)?.clone();
        let reading = path.clone();
        let token = match tokio::task::spawn_blocking(move || read(&reading)).await {
            Ok(token) => token,
            Err(_) => Err("reading was abandoned".to_owned()),
        };
        token
            .map_err(|error| {
                let file = path.display();
                tracing::error!(target: "mcp_auth", %file, %error, client = client_id, "no workload token");
            })
            .ok()
    }
}

pub(super) fn read(path: &Path) -> Result<Secret, String> {
    let wrong = |e: std::io::Error| format!("cannot be read: {e}");
    // A pipe or a device would not end.
    if !std::fs::metadata(path).map_err(wrong)?.is_file() {
        return Err("is not a file".to_owned());
    }
    let mut text = String::new();
    let file = File::open(path).map_err(wrong)?;
    file.take(MAX_TOKEN_BYTES + 1).read_to_string(&mut text).map_err(wrong)?;
    if text.len() as u64 > MAX_TOKEN_BYTES {
        return Err(format!("is longer than {MAX_TOKEN_BYTES} bytes"));
    }
    Ok(Secret::new(text))
}
