//! Listening, serving, stopping.

mod accept;
mod dispatch;
mod linger;
mod signal;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use mcp_auth_core::policy::Level;
use mcp_auth_tower::facade::FacadeServer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub(crate) use linger::RequestBody;
pub(crate) use signal::shutdown_signal;

use crate::config::{self, Config};
use crate::intake::TrustedProxies;
use crate::outbound;
use crate::proxy::{BoxError, Connections};
use crate::route::{BuildError, Exchanges, Facades, Levels, Listeners, RouteService, route};
use crate::state::{Missing, Shared};

/// A configuration with its services built.
#[derive(Debug)]
pub(crate) struct Gateway {
    binds: Vec<(SocketAddr, Listeners<RouteService>, Arc<TrustedProxies>, config::ConnectionLimits)>,
    exchanges: Exchanges,
    facades: Facades,
    shared: Shared,
}

/// A gateway whose sockets are open.
#[derive(Debug)]
pub(crate) struct Bound {
    sockets: Vec<Socket>,
    exchanges: Exchanges,
    facades: Facades,
    shared: Shared,
}

/// An open socket and what is behind it.
#[derive(Debug)]
struct Socket {
    socket: TcpListener,
    address: SocketAddr,
    listeners: Arc<Listeners<RouteService>>,
    proxies: Arc<TrustedProxies>,
    limits: config::ConnectionLimits,
}

impl Gateway {
    /// Builds everything; opens no socket. Makes the key file, where one is named and is not there.
    pub(crate) fn new(config: &Config) -> Result<Self, BoxError> {
        Self::build(config, Missing::Create)
    }

    /// Builds everything to see whether it can be built: nothing is written.
    pub(crate) fn check(config: &Config) -> Result<Self, BoxError> {
        Self::build(config, Missing::Pretend)
    }

    /// Its authorization servers.
    pub(crate) fn facades(&self) -> &Facades {
        &self.facades
    }

    fn build(config: &Config, missing: Missing) -> Result<Self, BoxError> {
        let file = &config.file;
        let connections = Connections::new(outbound::authorities(file, &config.outbound)?)?;
        let outer = Levels::default().with(Level::Gateway, file, &config.rules)?;
        let shared = Shared::open(config, missing)?;
        let session = shared.session()?;
        let facades = Facades::build(config, &shared)?;
        let exchanges = Exchanges::new(&shared, config.outbound.exchanges)?;
        let mut binds = Vec::new();
        for bind in &config.binds {
            let mut listeners = Listeners::default();
            for listener in &bind.listeners {
                let outer = outer.with(Level::Listener, file, &listener.rules)?;
                let routes = listener.routes.iter().map(|from| {
                    let rules = outer.with(Level::Route, file, &from.policies.rules)?;
                    route(file, from, &rules, &connections, &session, &exchanges, &facades)
                });
                let hostname = listener.hostname.as_ref().map(|h| h.value.as_str());
                listeners.add(hostname, facades.front(listener), routes.collect::<Result<_, BuildError>>()?);
            }
            binds.push((bind.address, listeners, Arc::new(bind.proxies.clone()), bind.connections));
        }
        Ok(Self { binds, exchanges, facades, shared })
    }

    /// Opens the sockets.
    pub(crate) async fn bind(self) -> Result<Bound, BoxError> {
        let mut sockets = Vec::new();
        for (address, listeners, proxies, limits) in self.binds {
            let socket =
                TcpListener::bind(address).await.map_err(|e| format!("cannot listen on {address}: {e}"))?;
            let address = socket.local_addr()?;
            sockets.push(Socket { socket, address, listeners: Arc::new(listeners), proxies, limits });
        }
        Ok(Bound { sockets, exchanges: self.exchanges, facades: self.facades, shared: self.shared })
    }
}

impl Bound {
    /// Where it listens.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.sockets.iter().map(|socket| socket.address)
    }

    /// Serves until `stop`, then lets requests under way finish for as long as each bind says.
    pub(crate) async fn serve(self, stop: impl Future<Output = ()>) {
        let (stopping, stopped) = watch::channel(());
        let exchanges = self.exchanges;
        let diagnosis = tokio::spawn(async move { exchanges.diagnose().await });
        let mut accepting = JoinSet::new();
        self.facades.iter().for_each(FacadeServer::prefetch);
        let shared = self.shared;
        // Nobody waits for it: the store may be there later.
        tokio::spawn(async move {
            if let Some(fault) = shared.store_fault().await {
                tracing::warn!(target: "mcp_auth_gateway", %fault, "state.store cannot be used: logins will fail");
            }
        });
        for socket in self.sockets {
            accepting.spawn(socket.serve(stopped.clone()));
        }
        stop.await;
        drop(stopping);
        diagnosis.abort();
        while accepting.join_next().await.is_some() {}
    }
}
