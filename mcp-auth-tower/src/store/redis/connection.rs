//! The connection, which whoever needs Redis shares.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mcp_auth_discovery::Secret;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{
    Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo as _, ProtocolVersion,
    RedisError, ServerErrorKind, TlsCertificates, Value,
};
use tokio::sync::OnceCell;

use crate::store::StoreError;

/// The oldest version that has `SET … NX GET`.
const OLDEST_MAJOR: u32 = 7;

/// A connection to Redis that is made with the first command, and made again when it breaks. Clones share it.
#[derive(Clone)]
pub struct RedisConnection(Arc<Shared>);

struct Shared {
    client: Client,
    /// Without user and password.
    shown: String,
    timeout: Duration,
    manager: OnceCell<ConnectionManager>,
    /// Whether the server is known to be one that can be used.
    inspected: AtomicBool,
}

/// Sets up a [`RedisConnection`].
#[must_use]
pub struct RedisConnectionBuilder {
    info: ConnectionInfo,
    user: Option<String>,
    password: Option<Secret>,
    ca: Option<Vec<u8>>,
    timeout: Duration,
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisServer {
    /// Its version, such as `7.2.4`.
    pub version: String,
    /// Its `maxmemory-policy`, when it may drop entries that have not expired: what was used could be used again.
    pub evicts: Option<String>,
}

impl RedisConnection {
    /// Starts with a URL: `redis://`, `rediss://` for TLS, or `unix://`, with the number of the database as its path.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unusable`] when it is not such a URL.
    pub fn builder(url: &str) -> Result<RedisConnectionBuilder, StoreError> {
        let unusable = || {
            // The URL may hold a password: nothing of it is repeated.
            StoreError::Unusable(
                "its address is not a URL such as `redis://host:6379` or `rediss://host:6379/0`".into(),
            )
        };
        let info = url.into_connection_info().map_err(|_| unusable())?;
        let timeout = Duration::from_secs(1);
        Ok(RedisConnectionBuilder { info, user: None, password: None, ca: None, timeout })
    }

    /// Asks the server what it is, so that a mistake shows at the start.
    ///
    /// # Errors
    ///
    /// [`StoreError`], [`Unusable`](StoreError::Unusable) for a version that is too old.
    pub async fn check(&self) -> Result<RedisServer, StoreError> {
        let info = self.ask(redis::cmd("INFO")).await?;
        let text = match &info {
            Value::VerbatimString { text, .. } => text.as_str(),
            Value::BulkString(bytes) => std::str::from_utf8(bytes).map_err(|_| StoreError::Answer)?,
            _ => return Err(StoreError::Answer),
        };
        let server = RedisServer::read(text).ok_or(StoreError::Answer)?;
        let major = server.version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_none_or(|major| major < OLDEST_MAJOR) {
            let version = &server.version;
            return Err(StoreError::Unusable(format!(
                "it is Redis {version}, and Redis {OLDEST_MAJOR}.0 or newer is needed (`SET … NX GET`)"
            )));
        }
        if !self.0.inspected.swap(true, Ordering::Relaxed)
            && let Some(policy) = &server.evicts
        {
            let store = &self.0.shown;
            tracing::warn!(
                target: "mcp_auth", %store, policy,
                "Redis may drop entries that have not expired, so that codes could be used twice: set \
                 `maxmemory-policy noeviction`"
            );
        }
        Ok(server)
    }

    /// Sends one command, to a server that is known to be one that can be used.
    pub(crate) async fn run(&self, command: Cmd) -> Result<Value, StoreError> {
        if !self.0.inspected.load(Ordering::Relaxed) {
            match self.check().await {
                Ok(_) => {}
                // It may not be asked; then it is taken at the operator's word.
                Err(StoreError::Refused(_)) => self.0.inspected.store(true, Ordering::Relaxed),
                Err(error) => return Err(error),
            }
        }
        self.ask(command).await
    }

    async fn ask(&self, command: Cmd) -> Result<Value, StoreError> {
        let shared = &self.0;
        let asked = async {
            // Made here and not before: it has tasks, which need a runtime.
            let manager = shared.manager.get_or_try_init(|| async { shared.manager() }).await?;
            manager.clone().send_packed_command(&command).await
        };
        // The connection's own time limits are those of one connection and one answer.
        match tokio::time::timeout(shared.timeout * 2, asked).await {
            Ok(Ok(Value::ServerError(error))) => Err(fault(&error.into(), shared.timeout)),
            Ok(answer) => answer.map_err(|error| fault(&error, shared.timeout)),
            Err(_) => Err(StoreError::Timeout(shared.timeout * 2)),
        }
    }
}

impl Shared {
    fn manager(&self) -> Result<ConnectionManager, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout));
        ConnectionManager::new_lazy_with_config(self.client.clone(), config)
    }
}

impl RedisConnectionBuilder {
    /// Logs in as this user (Redis' access control lists). Default: that of the URL, or `default`.
    pub fn user(mut self, name: &str) -> Self {
        self.user = Some(name.to_owned());
        self
    }

    /// Logs in with this password. Default: that of the URL.
    pub fn password(mut self, password: &Secret) -> Self {
        self.password = Some(password.clone());
        self
    }

    /// Trusts the certificate authorities of this PEM text, and no others, for `rediss://`. Default: those of Mozilla's
    /// list.
    pub fn certificate_authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca = Some(pem.into());
        self
    }

    /// Time for connecting, and for one answer. Default: 1 second.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Prepares the connection. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unusable`] when TLS cannot be set up like this.
    pub fn build(self) -> Result<RedisConnection, StoreError> {
        // The newer protocol tells at once when a connection breaks, and not with the next command.
        let mut settings = self.info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        if let Some(user) = self.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password.expose());
        }
        let info = self.info.set_redis_settings(settings);
        let shown = info.addr().to_string();
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            // The crate takes the provider of the process, and panics when there is none and two to choose from. Where
            // there is one, this changes nothing.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let client = match self.ca {
            None => Client::open(info),
            Some(pem) => {
                Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert: Some(pem) })
            }
        };
        let client =
            client.map_err(|error| StoreError::Unusable(format!("{shown}: {}", error.category())))?;
        Ok(RedisConnection(Arc::new(Shared {
            client,
            shown,
            timeout: self.timeout,
            manager: OnceCell::new(),
            inspected: AtomicBool::new(false),
        })))
    }
}

impl RedisServer {
    /// Reads what `INFO` answers.
    fn read(info: &str) -> Option<Self> {
        let field = |name: &str| {
            let mut lines = info.lines().filter_map(|line| line.split_once(':'));
            lines.find(|(known, _)| *known == name).map(|(_, value)| value.trim())
        };
        let bounded = field("maxmemory").is_some_and(|bytes| bytes != "0");
        let evicts = field("maxmemory_policy").filter(|policy| bounded && *policy != "noeviction");
        Some(Self { version: field("redis_version")?.to_owned(), evicts: evicts.map(str::to_owned) })
    }
}

/// What went wrong, for the operator. The texts are the server's and the system's; no command is in them.
fn fault(error: &RedisError, timeout: Duration) -> StoreError {
    let text: String = error.to_string().chars().filter(|c| !c.is_control()).take(300).collect();
    match (error.code(), error.kind()) {
        (Some("OOM"), _) => StoreError::Full,
        (Some("NOAUTH" | "WRONGPASS" | "NOPERM"), _)
        | (_, ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm)) => {
            StoreError::Refused(text)
        }
        (
            _,
            ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask | ServerErrorKind::CrossSlot),
        ) => StoreError::Unusable(
            "it is a node of a cluster: give a single server, or a proxy in front".into(),
        ),
        (_, ErrorKind::Server(ServerErrorKind::ReadOnly)) => {
            StoreError::Unavailable("it is a replica and takes no writes: give the primary".into())
        }
        (_, ErrorKind::RESP3NotSupported | ErrorKind::Server(ServerErrorKind::ResponseError)) => {
            StoreError::Unusable(format!("it answers `{text}`: Redis {OLDEST_MAJOR}.0 or newer is needed"))
        }
        (_, ErrorKind::Parse | ErrorKind::UnexpectedReturnType) => StoreError::Answer,
        _ if error.is_timeout() => StoreError::Timeout(timeout),
        _ => StoreError::Unavailable(text),
    }
}

/// Without user and password.
impl fmt::Debug for RedisConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConnection").field("address", &self.0.shown).finish_non_exhaustive()
    }
}

/// Without user and password.
impl fmt::Debug for RedisConnectionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.info.addr().to_string();
        f.debug_struct("RedisConnectionBuilder").field("address", &address).finish_non_exhaustive()
    }
}
