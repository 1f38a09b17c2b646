use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::AddressPolicy;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Connects over TCP to addresses that a policy allows.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    tcp: HttpConnector<GuardedResolver>,
    policy: Arc<AddressPolicy>,
}

/// Resolves names, and lets through what the policy allows.
#[derive(Clone, Debug)]
pub(super) struct GuardedResolver {
    names: Arc<dyn Resolve>,
    policy: Arc<AddressPolicy>,
}

/// From a name to addresses.
pub(super) trait Resolve: Send + Sync + fmt::Debug {
    fn resolve(&self, name: Name) -> BoxFuture<io::Result<Vec<SocketAddr>>>;
}

/// The system's resolver.
#[derive(Debug)]
pub(super) struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> BoxFuture<io::Result<Vec<SocketAddr>>> {
        let found = GaiResolver::new().call(name);
        Box::pin(async move { Ok(found.await?.collect()) })
    }
}

impl Guard {
    pub(super) fn new(policy: AddressPolicy, names: Arc<dyn Resolve>, timeout: Duration) -> Self {
        let policy = Arc::new(policy);
        let mut tcp = HttpConnector::new_with_resolver(GuardedResolver { names, policy: policy.clone() });
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(timeout));
        Self { tcp, policy }
    }
}

impl Service<Uri> for Guard {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = BoxFuture<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // The connector does not ask its resolver about addresses that are written out.
        let host = uri.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = host.parse::<IpAddr>()
            && let Err(refused) = self.policy.check(address)
        {
            return Box::pin(std::future::ready(Err(refused.into())));
        }
        let stream = self.tcp.call(uri);
        Box::pin(async move { Ok(stream.await?) })
    }
}

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = BoxFuture<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (found, policy) = (self.names.resolve(name), self.policy.clone());
        Box::pin(async move {
            let mut addresses = found.await?;
            let mut refused = None;
            addresses.retain(|address| policy.check(address.ip()).map_err(|e| refused = Some(e)).is_ok());
            match refused {
                Some(refused) if addresses.is_empty() => Err(refused.into()),
                _ => Ok(addresses.into_iter()),
            }
        })
    }
}
