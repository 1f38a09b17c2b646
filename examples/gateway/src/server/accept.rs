//! Connections: how many, how long, and how they end.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::Socket;
use super::dispatch::dispatch;
use crate::config;
use crate::intake::{Arrival, MAX_HEADER_BYTES, MAX_HEADERS};

/// After a signal to stop: how long nobody may have connected until the socket is closed, and then how long idle
/// connections may begin a request that was on its way.
const LAST_CONNECTION: Duration = Duration::from_millis(5);
const LAST_REQUEST: Duration = Duration::from_millis(250);

type Builder = auto::Builder<TokioExecutor>;

impl Socket {
    /// Accepts connections until `stopped`, then waits for those that have a request under way.
    pub(super) async fn serve(self, mut stopped: watch::Receiver<()>) {
        let builder = builder(&self.limits);
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        let mut refusals = Refusals::default();
        loop {
            let accepted = tokio::select! {
                _ = stopped.changed() => break,
                Some(ended) = connections.join_next() => {
                    log_panic(ended);
                    continue;
                }
                accepted = self.socket.accept() => accepted,
            };
            while let Some(ended) = connections.try_join_next() {
                log_panic(ended);
            }
            match accepted {
                Ok(_) if connections.len() >= self.limits.max => refusals.add(self.address, self.limits.max),
                Ok((stream, peer)) => {
                    if let Some(connection) = self.connection(&builder, &graceful, stream, peer) {
                        connections.spawn(connection);
                    }
                }
                Err(error) => {
                    // Out of file descriptors, for example: breathe, then go on.
                    tracing::warn!(%error, address = %self.address, "accept failed");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        // Who has connected by now may have sent a request: closing the socket would reset them.
        // Where they never stop coming, the socket is closed all the same.
        let closing = Instant::now();
        while let Ok(Ok((stream, peer))) = tokio::time::timeout(LAST_CONNECTION, self.socket.accept()).await {
            if connections.len() >= self.limits.max || closing.elapsed() > LAST_REQUEST {
                break;
            }
            if let Some(connection) = self.connection(&builder, &graceful, stream, peer) {
                connections.spawn(connection);
            }
        }
        // From here on the system refuses new connections.
        drop(self.socket);
        tokio::time::sleep(LAST_REQUEST).await;
        let drain = self.limits.drain_timeout;
        if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
            while connections.try_join_next().is_some() {}
            let cut = connections.len();
            tracing::warn!(address = %self.address, "{cut} connection(s) still had a request under way after {drain:?} and are cut");
        }
    }

    fn connection(
        &self,
        builder: &Builder,
        graceful: &GracefulShutdown,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        // Fails for a connection that is closed already.
        let arrival = Arrival { peer, local: stream.local_addr().ok()? };
        let _ = stream.set_nodelay(true);
        let asked = Arc::new(AtomicBool::new(false));
        let (listeners, proxies, seen) = (self.listeners.clone(), self.proxies.clone(), asked.clone());
        let service = service_fn(move |request| {
            seen.store(true, Ordering::Relaxed);
            let (listeners, proxies) = (listeners.clone(), proxies.clone());
            async move { dispatch(listeners, &proxies, arrival, request).await }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        let header_timeout = self.limits.header_timeout;
        Some(async move {
            let mut connection = pin!(connection);
            // hyper-util's own timers start only when it knows whether this is HTTP/1.1 or HTTP/2.
            let ended = match tokio::time::timeout(header_timeout, &mut connection).await {
                Ok(ended) => ended,
                Err(_) if asked.load(Ordering::Relaxed) => connection.await,
                Err(_) => {
                    tracing::debug!(%peer, "no request in time, connection closed");
                    return;
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%peer, %error, "connection ended");
            }
        })
    }
}

fn builder(limits: &config::ConnectionLimits) -> Builder {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.http2_keepalive_interval)
        .keep_alive_timeout(limits.http2_keepalive_timeout)
        .max_concurrent_streams(100)
        .max_header_list_size(u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX));
    builder
}

fn log_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task failed");
    }
}

/// Connections above the limit: said at once, then at most every ten seconds with their number.
#[derive(Debug, Default)]
struct Refusals {
    since: u64,
    said: Option<Instant>,
}

impl Refusals {
    fn add(&mut self, address: SocketAddr, max: usize) {
        self.since += 1;
        if self.said.is_none_or(|said| said.elapsed() >= Duration::from_secs(10)) {
            tracing::warn!(%address, refused = self.since, "connection limit reached: {max} are open, new ones are closed");
            *self = Self { since: 0, said: Some(Instant::now()) };
        }
    }
}
