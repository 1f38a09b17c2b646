//! What the tests share: a gateway on real sockets, a backend that remembers, requests written by hand.

use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing_subscriber::fmt::MakeWriter;

use crate::config;
use crate::proxy::{BoxBody, full};
use crate::server::Gateway;

/// A gateway that listens.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Running {
    /// Starts the configuration `text`, which has one bind.
    pub(crate) async fn start(text: &str) -> Self {
        let (config, _) = config::parse(text, "test.yaml").unwrap_or_else(|error| panic!("{error}"));
        let gateway = Gateway::new(&config).unwrap().bind().await.unwrap();
        let address = gateway.addresses().next().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(gateway.serve(async move {
            let _ = stopped.await;
        }));
        Self { address, stop: Some(stop), served }
    }

    /// Tells the gateway to stop; the future ends when it has.
    pub(crate) fn stop(mut self) -> impl Future<Output = ()> {
        self.stop.take().unwrap().send(()).unwrap();
        async { self.served.await.unwrap() }
    }

    /// Sends `request` as it is and reads until the gateway closes.
    pub(crate) async fn raw(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_ref()).await.unwrap();
        read_to_end(&mut stream).await
    }

    /// The status of a GET, `target` as it is.
    pub(crate) async fn get(&self, host: &str, target: &str) -> u16 {
        status(&self.raw(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await)
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// What is left to read until the other side closes; a reset counts as that.
pub(crate) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // What should end and does not fails a test instead of stopping it.
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the connection is not closed: {}", String::from_utf8_lossy(&answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of an answer, 0 when there was none.
pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// A request that reached a backend.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Seen {
    /// All values of a header.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }
}

/// A backend that remembers what reached it.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Upstream {
    /// Answers everything with 200 and its `name`.
    pub(crate) async fn start(name: &'static str) -> Self {
        Self::answering(move || async move { Response::new(full(name)) }).await
    }

    pub(crate) async fn answering<F, A>(answer: F) -> Self
    where
        F: Fn() -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response<BoxBody>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (record, answer) = (record.clone(), answer.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (record, answer) = (record.clone(), answer.clone());
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.unwrap();
                        record.lock().unwrap().push(Seen {
                            method: parts.method.to_string(),
                            target: parts.uri.to_string(),
                            headers: parts.headers,
                            trailers: body.trailers().cloned(),
                            body: body.to_bytes(),
                        });
                        Ok::<_, Infallible>(answer().await)
                    }
                });
                tokio::spawn(async move {
                    let mut connection = auto::Builder::new(TokioExecutor::new());
                    // A full request and what the gateway adds.
                    connection.http1().max_headers(200);
                    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, seen }
    }

    /// What reached it since it was asked last.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    /// The only request that reached it since it was asked last.
    pub(crate) fn only(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }
}

/// A `mcpAuthentication` that nobody has a token for, indented by ten spaces.
pub(crate) const LOCKED: &str = r#"
          issuer: https://idp.example
          jwks: {url: "https://127.0.0.1:9/jwks"}
          resourceMetadata: {resource: "https://locked.example/mcp"}"#;

/// A configuration with one route to `upstream` for everything, without authentication; `bind` adds fields to the bind.
pub(crate) fn open(upstream: &Upstream, bind: &str) -> String {
    format!(
        "binds:\n- port: 0\n{bind}  listeners:\n  - routes:\n    - backends: [{{host: '{}'}}]\n",
        upstream.address
    )
}

/// A folder of its own for each test, removed at its end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mcp-auth-gateway-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Writes a file, and tells its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Everything that is logged.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Takes all levels of this thread, on which the test's runtime runs.
    pub(crate) fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        // While there is only one subscriber, `tracing` asks the thread that reaches a callsite first whether anybody wants
        // its events: another test's, which has none. So each thread has one.
        static EVERYWHERE: Once = Once::new();
        EVERYWHERE.call_once(|| {
            let all =
                tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(std::io::sink);
            tracing::subscriber::set_global_default(all.finish()).expect("the only global one");
        });
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .with_ansi(false)
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}
