use std::fmt;
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderMap};
use mcp_auth_core::crypto::CryptoProvider;
use mcp_auth_core::jwk::{KeyLife, KeySet, MAX_KEY_SET_BYTES};
use mcp_auth_core::jwt::{Algorithm, Issuer};
use mcp_auth_discovery::MAX_DOCUMENT_BYTES;
use mcp_auth_discovery::server::{KeySetLocator, LocatorRequest};
use url::Url;

use super::{KeyOptions, Keys, KeysError, RemoteKeys};
use crate::client::{Fetch, FetchRequest, FetchUrl, FetchUrlError, UrlTrust, document};

/// Where an issuer's keys are.
#[derive(Clone, Debug)]
pub struct KeySource(Kind);

#[derive(Clone)]
enum Kind {
    Url(FetchUrl),
    Discovered,
    File(PathBuf),
    Inline(Bytes),
}

/// Inline keys are not shown: somebody may have put private ones there.
impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => url.fmt(f),
            Self::Discovered => f.write_str("Discovered"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Inline(_) => f.write_str("Inline"),
        }
    }
}

impl KeySource {
    /// Behind a URL: https, or http to this machine. Http to another machine needs
    /// [`KeyOptions::danger_allow_http`].
    ///
    /// # Errors
    ///
    /// [`FetchUrlError`].
    pub fn url(url: &str) -> Result<Self, FetchUrlError> {
        FetchUrl::danger_http(url).map(|url| Self(Kind::Url(url)))
    }

    /// Behind the `jwks_uri` of the issuer's own metadata (OpenID Connect Discovery, RFC 8414); the issuer's name
    /// is a URL.
    pub fn discovered() -> Self {
        Self(Kind::Discovered)
    }

    /// In a file of at most 512 KiB.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Kind::File(path.into()))
    }

    /// This JSON text.
    pub fn inline(json: impl Into<Bytes>) -> Self {
        Self(Kind::Inline(json.into()))
    }

    pub(crate) fn needs_client(&self) -> bool {
        matches!(self.0, Kind::Url(_) | Kind::Discovered)
    }
}

/// Opens a source: what is local is read now.
pub(super) fn open(issuer: &Issuer, source: KeySource, options: &KeyOptions) -> Result<Keys, KeysError> {
    let name = || issuer.name().to_owned();
    let parser =
        Parser { provider: options.provider.clone(), algorithms: issuer.allowed_algorithms().into() };
    let web = |options: &KeyOptions| -> Result<Web, KeysError> {
        Ok(Web { client: options.make_client()?, timeout: options.timeout, allow_http: options.allow_http })
    };
    let (life, place) = match source.0 {
        Kind::Inline(json) => {
            let set = parser.usable(&json).map_err(|reason| KeysError::Inline { issuer: name(), reason })?;
            return Ok(Keys::Static(Arc::new(set)));
        }
        Kind::File(path) => {
            let file = KeyFile { path: path.clone(), hasher: RandomState::new(), seen: Mutex::new(None) };
            let fault = |reason| KeysError::File { issuer: name(), path, reason };
            let json = read_file(&file.path).map_err(fault.clone())?;
            let set = parser.usable(&json).map_err(fault)?;
            file.is_new(&json);
            let reader = Reader { parser, place: Place::File(Arc::new(file)) };
            let keys = RemoteKeys::new(name(), reader, KeyLife::local(), options);
            keys.begin_with(set);
            return Ok(Keys::Remote(keys));
        }
        Kind::Url(url) => {
            let url = if options.allow_http { Ok(url) } else { url.secure() };
            let url = url.map_err(|reason| KeysError::Url { issuer: name(), reason })?;
            (options.life.clone(), Place::Url(url, web(options)?))
        }
        Kind::Discovered => {
            let new = if options.allow_http { KeySetLocator::insecure_http } else { KeySetLocator::new };
            (options.life.clone(), Place::Discovered(Mutex::new(new(issuer.name())?), web(options)?))
        }
    };
    Ok(Keys::Remote(RemoteKeys::new(name(), Reader { parser, place }, life, options)))
}

/// What one reading of a source brought.
#[derive(Debug)]
pub(super) enum Reading {
    Set(KeySet, Option<Duration>),
    Unchanged,
}

/// Reads a source again and again.
#[derive(Debug)]
pub(super) struct Reader {
    parser: Parser,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Url(FetchUrl, Web),
    Discovered(Mutex<KeySetLocator>, Web),
    File(Arc<KeyFile>),
}

impl Reader {
    /// Reads the source once. The caller bounds the time.
    pub(super) async fn read(&self) -> Result<Reading, String> {
        match &self.place {
            Place::Url(url, web) => {
                let (headers, body) = web.get(url.clone(), UrlTrust::Configured, MAX_KEY_SET_BYTES).await?;
                Ok(Reading::Set(self.parser.usable(&body)?, max_age(&headers)))
            }
            Place::Discovered(locator, web) => self.locate(locator, web).await,
            Place::File(file) => self.look(file).await,
        }
    }

    /// Where it reads, for operators.
    pub(super) fn label(&self) -> String {
        match &self.place {
            Place::Url(url, _) => url.to_string(),
            Place::Discovered(locator, _) => {
                let locator = locator.lock().unwrap_or_else(PoisonError::into_inner);
                let found = locator.jwks_uri().cloned().and_then(|url| FetchUrl::check(url).ok());
                found.map_or("discovery".to_owned(), |url| format!("discovery: {url}"))
            }
            Place::File(file) => format!("file {}", file.path.display()),
        }
    }

    async fn locate(&self, locator: &Mutex<KeySetLocator>, web: &Web) -> Result<Reading, String> {
        // Locked step by step: when time runs out, the locator knows where. There is one reading at a time.
        let lock = || locator.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = None;
        lock().begin();
        loop {
            // Not in the `match` below, whose lock would live as long as the answer takes.
            let next = match lock().next_request() {
                None => break,
                Some(LocatorRequest::Metadata(url)) => Next::Metadata(url.clone()),
                Some(LocatorRequest::KeySet(url)) => Next::KeySet(url.clone()),
            };
            match next {
                Next::Metadata(url) => {
                    let answer = match FetchUrl::check(url) {
                        Ok(url) => web.get(url, UrlTrust::Configured, MAX_DOCUMENT_BYTES).await,
                        Err(e) => Err(e.to_string()),
                    };
                    lock().metadata(answer.as_ref().map(|(_, body)| &**body).map_err(Clone::clone));
                }
                Next::KeySet(url) => {
                    let trust = trust_in(&url, lock().issuer());
                    let answer = self.key_set(url, trust, web).await;
                    lock().key_set(answer.map(|reading| found = Some(reading)));
                }
            }
        }
        let error = lock().error();
        found.ok_or_else(|| error.unwrap_or_else(|| "no key set was found".to_owned()))
    }

    async fn key_set(&self, url: Url, trust: UrlTrust, web: &Web) -> Result<Reading, String> {
        let url = FetchUrl::check(url).and_then(|url| if web.allow_http { Ok(url) } else { url.secure() });
        let url = url.map_err(|e| format!("`jwks_uri` {e}"))?;
        let shown = url.to_string();
        let answer = web.get(url, trust, MAX_KEY_SET_BYTES).await;
        let reading = answer
            .and_then(|(headers, body)| Ok(Reading::Set(self.parser.usable(&body)?, max_age(&headers))));
        reading.map_err(|e| format!("{shown}: {e}"))
    }

    async fn look(&self, file: &Arc<KeyFile>) -> Result<Reading, String> {
        let reading = file.clone();
        let json = tokio::task::spawn_blocking(move || read_file(&reading.path)).await;
        let json = json.map_err(|_| "reading was abandoned".to_owned())??;
        if !file.is_new(&json) {
            return Ok(Reading::Unchanged);
        }
        let set = self.parser.usable(&json);
        if set.is_err() {
            // Not seen: the error is to be told until the file is mended.
            file.forget();
        }
        Ok(Reading::Set(set?, None))
    }
}

enum Next {
    Metadata(Url),
    KeySet(Url),
}

/// A URL of the origin that the operator wrote is as good as the operator's own.
fn trust_in(url: &Url, issuer: &str) -> UrlTrust {
    match Url::parse(issuer) {
        Ok(issuer) if issuer.origin() == url.origin() => UrlTrust::Configured,
        _ => UrlTrust::Learned,
    }
}

#[derive(Debug)]
struct Web {
    client: Arc<dyn Fetch>,
    timeout: Duration,
    allow_http: bool,
}

impl Web {
    async fn get(&self, url: FetchUrl, trust: UrlTrust, limit: usize) -> Result<(HeaderMap, Bytes), String> {
        let request = FetchRequest::new(url, trust, limit, self.timeout);
        document(&*self.client, request).await.map_err(|e| e.to_string())
    }
}

#[derive(Clone, Debug)]
struct Parser {
    provider: Arc<dyn CryptoProvider>,
    algorithms: Vec<Algorithm>,
}

impl Parser {
    /// A set with at least one key that can be used.
    fn usable(&self, json: &[u8]) -> Result<KeySet, String> {
        let set = KeySet::parse(json, &*self.provider, &self.algorithms).map_err(|e| e.to_string())?;
        if set.is_empty() {
            let why: Vec<String> = set.skipped().iter().take(5).map(|s| s.reason.to_string()).collect();
            let why = if why.is_empty() { "it is empty".to_owned() } else { why.join("; ") };
            return Err(format!("key set has no usable key ({why})"));
        }
        Ok(set)
    }
}

/// A file, and a digest of what was last read from it. The content is compared and not the time of change,
/// which images and mounts set as they like.
#[derive(Debug)]
struct KeyFile {
    path: PathBuf,
    hasher: RandomState,
    seen: Mutex<Option<u64>>,
}

impl KeyFile {
    fn is_new(&self, content: &[u8]) -> bool {
        let digest = Some(self.hasher.hash_one(content));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *seen, digest) != digest
    }

    fn forget(&self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let wrong = |e: std::io::Error| format!("cannot be read: {e}");
    // A pipe or a device would not end.
    if !std::fs::metadata(path).map_err(wrong)?.is_file() {
        return Err("is not a file".to_owned());
    }
    let mut json = Vec::new();
    let limit = u64::try_from(MAX_KEY_SET_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).and_then(|file| file.take(limit).read_to_end(&mut json)).map_err(wrong)?;
    Ok(json)
}

/// `max-age` of `Cache-Control`, RFC 9111 §5.2.2.1.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives =
        headers.get_all(CACHE_CONTROL).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    directives
        .filter_map(|d| d.trim().split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("max-age"))
        .and_then(|(_, secs)| secs.trim_matches('"').parse().ok())
        .map(Duration::from_secs)
}
