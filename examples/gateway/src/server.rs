//! Listening, serving, stopping.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::config::Config;
use crate::intake::{self, Arrival};
use crate::proxy::{BoxBody, BoxError, Connections, full};
use crate::route::{BuildError, Listeners, route};

/// How long a header may take to arrive.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long requests under way may take after a signal to stop.
const DRAIN: Duration = Duration::from_secs(30);

/// A configuration with its services built.
#[derive(Debug)]
pub(crate) struct Gateway {
    binds: Vec<(SocketAddr, Listeners)>,
}

/// A gateway whose sockets are open.
#[derive(Debug)]
pub(crate) struct Bound {
    sockets: Vec<(TcpListener, SocketAddr, Arc<Listeners>)>,
}

impl Gateway {
    /// Builds everything; opens nothing.
    pub(crate) fn new(config: &Config) -> Result<Self, BoxError> {
        let connections = Connections::new()?;
        let mut binds = Vec::new();
        for bind in &config.binds {
            let mut listeners = Listeners::default();
            for listener in &bind.listeners {
                let routes = listener.routes.iter().map(|from| route(&config.file, from, &connections));
                let hostname = listener.hostname.as_ref().map(|h| h.value.as_str());
                listeners.add(hostname, routes.collect::<Result<_, BuildError>>()?);
            }
            binds.push((bind.address, listeners));
        }
        Ok(Self { binds })
    }

    /// Opens the sockets.
    pub(crate) async fn bind(self) -> Result<Bound, BoxError> {
        let mut sockets = Vec::new();
        for (address, listeners) in self.binds {
            let socket =
                TcpListener::bind(address).await.map_err(|e| format!("cannot listen on {address}: {e}"))?;
            let address = socket.local_addr()?;
            sockets.push((socket, address, Arc::new(listeners)));
        }
        Ok(Bound { sockets })
    }
}

impl Bound {
    /// Where it listens.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.sockets.iter().map(|(_, address, _)| *address)
    }

    /// Serves until `stop`, then lets requests under way finish for at most 30 seconds.
    pub(crate) async fn serve(self, stop: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let mut accepting = tokio::task::JoinSet::new();
        let (closing, closed) = tokio::sync::watch::channel(());
        let graceful = Arc::new(std::sync::Mutex::new(Some(graceful)));
        for (socket, _, listeners) in self.sockets {
            accepting.spawn(accept(socket, listeners, graceful.clone(), closed.clone()));
        }
        stop.await;
        drop(closing);
        while accepting.join_next().await.is_some() {}
        let waiting = graceful.lock().map(|mut g| g.take()).unwrap_or_default();
        if let Some(waiting) = waiting
            && tokio::time::timeout(DRAIN, waiting.shutdown()).await.is_err()
        {
            tracing::warn!("requests were still under way after 30 s and are cut");
        }
    }
}

type Graceful = Arc<std::sync::Mutex<Option<GracefulShutdown>>>;

async fn accept(
    socket: TcpListener,
    listeners: Arc<Listeners>,
    graceful: Graceful,
    mut closed: tokio::sync::watch::Receiver<()>,
) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_headers(100);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(64 * 1024);
    loop {
        let (stream, peer) = tokio::select! {
            _ = closed.changed() => return,
            accepted = socket.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, for example: breathe, then go on.
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let _ = stream.set_nodelay(true);
        let Ok(local) = stream.local_addr() else { continue };
        let arrival = Arrival { peer, local };
        let listeners = listeners.clone();
        let service =
            hyper::service::service_fn(move |request| dispatch(listeners.clone(), arrival, request));
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let watched = graceful.lock().ok().and_then(|g| g.as_ref().map(|g| g.watch(connection)));
        if let Some(connection) = watched {
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "connection ended");
                }
            });
        }
    }
}

async fn dispatch(
    listeners: Arc<Listeners>,
    arrival: Arrival,
    mut request: Request<Incoming>,
) -> Result<Response<BoxBody>, Infallible> {
    let host = match intake::take_in(&mut request, arrival) {
        Ok(host) => host,
        Err(refusal) => return Ok(refusal.into_response()),
    };
    match listeners.find(host.as_deref(), &request) {
        Some(service) => service.clone().oneshot(request).await,
        None => {
            let mut response = Response::new(full(r#"{"error":"not_found"}"#));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
                .headers_mut()
                .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
            Ok(response)
        }
    }
}

/// Ctrl-C or SIGTERM.
pub(crate) fn shutdown_signal() -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async {
        let ctrl_c = async {
            let _ = tokio::signal::ctrl_c().await;
        };
        #[cfg(unix)]
        let terminate = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => {
                    signal.recv().await;
                }
                Err(_) => std::future::pending().await,
            }
        };
        #[cfg(not(unix))]
        let terminate = std::future::pending::<()>();
        tokio::select! { () = ctrl_c => {}, () = terminate => {} }
    })
}
