mod flight;
mod outage;
mod readiness;
mod sockets;
mod sources;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{AwsLcSigner, Signer as _};
use mcp_auth_core::jwk::{KeyMatch, KeySet};
use mcp_auth_core::jwt::{Algorithm, Issuer};

use super::*;
use crate::clock::Clock;

const RESOURCE: &str = "https://mcp.example/mcp";
const NOW: u64 = 1_700_000_000;

fn issuer(name: &str) -> Issuer {
    Issuer::new(name).audience(RESOURCE)
}

fn remote(keys: &Keys) -> &RemoteKeys {
    let Keys::Remote(remote) = keys else { panic!("not remote") };
    remote
}

/// A key set with new keys of these names.
fn jwks(kids: &[&str]) -> String {
    let keys: Vec<_> =
        kids.iter().map(|kid| AwsLcSigner::generate(Algorithm::ES256).unwrap().public_jwk(kid)).collect();
    format!("{{\"keys\":[{}]}}", keys.join(","))
}

fn has(keys: Option<Arc<KeySet>>, kid: &str) -> bool {
    keys.is_some_and(|set| matches!(set.find(Some(kid), Algorithm::ES256), KeyMatch::Found(_)))
}

/// A clock that goes when it is told to.
#[derive(Debug)]
struct HandClock(AtomicU64);

impl HandClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(NOW)))
    }

    fn advance(&self, secs: u64) {
        self.0.fetch_add(secs, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// A clock that goes with tokio's, which a test may pause.
#[derive(Debug)]
struct TokioClock(tokio::time::Instant);

impl TokioClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(tokio::time::Instant::now()))
    }
}

impl Clock for TokioClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(NOW).plus(self.0.elapsed())
    }
}

/// Lets every task go on until all of them wait.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

const SECOND: Duration = Duration::from_secs(1);
