//! When to stop.

use std::future::Future;

/// Ctrl-C or SIGTERM, from this call on: one that comes before the future is polled is not lost.
#[cfg(unix)]
pub(crate) fn shutdown_signal() -> impl Future<Output = ()> + Send + use<> {
    use tokio::signal::unix::{SignalKind, signal};

    let listen =
        |kind| signal(kind).inspect_err(|error| tracing::error!(%error, ?kind, "signal not handled"));
    let (interrupt, terminate) = (listen(SignalKind::interrupt()), listen(SignalKind::terminate()));
    let received = |signal: std::io::Result<tokio::signal::unix::Signal>| async {
        match signal {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    async move {
        tokio::select! { () = received(interrupt) => {}, () = received(terminate) => {} }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(crate) fn shutdown_signal() -> impl Future<Output = ()> + Send + use<> {
    async {
        let _ = tokio::signal::ctrl_c().await;
    }
}
