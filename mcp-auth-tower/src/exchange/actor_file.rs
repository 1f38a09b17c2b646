//! An actor's token in a file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mcp_auth_exchange::plan::ActorToken;
use mcp_auth_exchange::{Secret, TokenTypeUri};
use tokio::runtime::Handle;

use super::ActorTokens;
use super::workload::read;

/// How old what was read may be.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A token of this gateway or of an agent that somebody puts into a file and replaces there, such as a projected
/// Kubernetes service account token. It is looked for again every 10 seconds, besides the requests; until then, and
/// while it cannot be read, the token that was there before is used, which ends when it says.
///
/// ```no_run
/// use mcp_auth_exchange::TokenTypeUri;
/// use mcp_auth_tower::exchange::ActorTokenFile;
///
/// let actor = ActorTokenFile::open("/var/run/secrets/tokens/sts", TokenTypeUri::JWT)?;
/// # let _ = actor;
/// # Ok::<(), mcp_auth_tower::exchange::ActorTokenFileError>(())
/// ```
#[derive(Clone)]
pub struct ActorTokenFile(Arc<Shared>);

struct Shared {
    path: PathBuf,
    token_type: TokenTypeUri,
    kept: Mutex<Kept>,
}

struct Kept {
    token: ActorToken,
    text: Secret,
    looked: Instant,
}

/// The file cannot be read, or holds no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the actor's token in `{path}` {reason}")]
#[non_exhaustive]
pub struct ActorTokenFileError {
    /// The file.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

impl ActorTokenFile {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// [`ActorTokenFileError`] when there is no token in it now.
    pub fn open(path: impl Into<PathBuf>, token_type: TokenTypeUri) -> Result<Self, ActorTokenFileError> {
        let path = path.into();
        let text = text_of(&path)
            .map_err(|reason| ActorTokenFileError { path: path.display().to_string(), reason })?;
        let token = ActorToken::new(text.clone(), token_type.clone());
        let kept = Mutex::new(Kept { token, text, looked: Instant::now() });
        Ok(Self(Arc::new(Shared { path, token_type, kept })))
    }

    #[cfg(test)]
    pub(crate) fn looked_long_ago(&self) {
        let long_ago = Instant::now().checked_sub(LOOK_EVERY);
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner).looked = long_ago.unwrap();
    }
}

impl ActorTokens for ActorTokenFile {
    fn current(&self) -> Option<ActorToken> {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.looked.elapsed() >= LOOK_EVERY
            && let Ok(runtime) = Handle::try_current()
        {
            // One look at a time: the next one is due after this.
            kept.looked = Instant::now();
            let shared = self.0.clone();
            runtime.spawn_blocking(move || shared.look());
        }
        Some(kept.token.clone())
    }
}

impl Shared {
    fn look(&self) {
        match text_of(&self.path) {
            Ok(text) => {
                let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
                if text.expose() != kept.text.expose() {
                    kept.token = ActorToken::new(text.clone(), self.token_type.clone());
                    kept.text = text;
                }
            }
            Err(reason) => {
                let file = self.path.display();
                tracing::error!(target: "mcp_auth", %file, reason, "the actor's token was not read again");
            }
        }
    }
}

/// Files end with a newline.
fn text_of(path: &Path) -> Result<Secret, String> {
    let text = read(path)?;
    let token = text.expose().trim_ascii();
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("is not the text of a token".to_owned());
    }
    Ok(Secret::new(token))
}

/// Without the token.
impl fmt::Debug for ActorTokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ActorTokenFile").field(&self.0.path).finish()
    }
}
