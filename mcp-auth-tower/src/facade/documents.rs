//! The metadata documents of clients: fetched with a guard, kept as long as their headers say, one fetch at a time.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Response;
use mcp_auth_core::UnixTime;
use mcp_auth_discovery::client_metadata::{
    ClientIdUrl, ClientMetadataDocument, ClientMetadataPolicy, FetchedClient,
};
use tokio::sync::Semaphore;

use crate::client::{Fetch, FetchRequest, FetchUrl, UrlTrust, document};
use crate::clock::Clock;
use crate::flight::Flights;

/// Documents that are kept, and URLs that are left alone.
const MAX_ENTRIES: usize = 1024;
/// Bytes of kept documents and their URLs.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Fetches at once, and those that wait for their turn.
const CONCURRENT: usize = 16;
const MAX_FLIGHTS: usize = 128;
/// Logins that wait for one document: whoever names a URL that does not answer keeps no more of ours waiting.
const MAX_WAITING: usize = 128;
/// How long a URL is not asked again after a failure. No failure is kept for longer (draft §4.3 wants none kept): this is
/// what keeps one client from making us ask a host as often as it asks us.
const PAUSE: Duration = Duration::from_secs(5);

type Found = Option<Arc<ClientMetadataDocument>>;

/// Fetches and keeps documents.
pub(super) struct ClientDocuments(Arc<Shared>);

struct Shared {
    policy: ClientMetadataPolicy,
    fetch: Arc<dyn Fetch>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
    flights: Flights<Found>,
    turns: Semaphore,
}

#[derive(Default)]
struct Kept {
    entries: HashMap<String, Entry>,
    bytes: usize,
}

struct Entry {
    /// `None`: it is left alone.
    document: Found,
    bytes: usize,
    end: UnixTime,
}

impl ClientDocuments {
    pub(super) fn new(
        policy: ClientMetadataPolicy,
        fetch: Arc<dyn Fetch>,
        timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Shared {
            policy,
            fetch,
            timeout,
            clock,
            kept: Mutex::default(),
            flights: Flights::with_waiting(MAX_FLIGHTS, MAX_WAITING),
            turns: Semaphore::new(CONCURRENT),
        }))
    }

    /// The document at this URL, from memory or from there.
    pub(super) async fn get(&self, id: &ClientIdUrl) -> Found {
        let now = self.0.clock.now();
        if let Some(known) = self.0.lock().get(id.as_str(), now) {
            return known;
        }
        let work = || {
            let (shared, id) = (self.0.clone(), id.clone());
            async move { shared.fetch_once(&id).await }
        };
        self.0.flights.join(id.as_str(), work).await.flatten()
    }

    /// Number of documents that are kept.
    pub(super) fn len(&self) -> usize {
        self.0.lock().entries.values().filter(|entry| entry.document.is_some()).count()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch_once(&self, id: &ClientIdUrl) -> Found {
        // Somebody else may have brought it between the look and the flight.
        let now = self.clock.now();
        if let Some(known) = self.lock().get(id.as_str(), now) {
            return known;
        }
        let brought = self.ask(id).await;
        let now = self.clock.now();
        let name = id.as_str();
        let (document, bytes, lifetime) = match brought {
            Ok((fetched, bytes)) => (Some(Arc::new(fetched.document)), bytes, fetched.lifetime),
            Err(error) => {
                tracing::info!(target: "mcp_auth", client = %id.authority(), %error, "client document not accepted");
                (None, 0, PAUSE)
            }
        };
        let entry = Entry { document: document.clone(), bytes: bytes + name.len(), end: now.plus(lifetime) };
        self.lock().insert(name, entry, now);
        document
    }

    async fn ask(&self, id: &ClientIdUrl) -> Result<(FetchedClient, usize), String> {
        let late = || format!("no turn within {:?}", self.timeout);
        let turn = tokio::time::timeout(self.timeout, self.turns.acquire()).await;
        let _turn = turn.map_err(|_| late())?.map_err(|_| late())?;
        let request = self.policy.request(id).map_err(|e| e.to_string())?;
        // Which schemes an identifier may have was said when it was read.
        let url = FetchUrl::danger_http(&request.uri().to_string()).map_err(|e| e.to_string())?;
        let request = FetchRequest::new(url, UrlTrust::Learned, self.policy.limit(), self.timeout);
        let (headers, body) = document(&*self.fetch, request).await.map_err(|e| e.to_string())?;
        let bytes = body.len();
        let mut response = Response::new(body);
        *response.headers_mut() = headers;
        let fetched = self.policy.read(id, &response).map_err(|e| e.to_string())?;
        Ok((fetched, bytes))
    }
}

impl Kept {
    fn get(&self, name: &str, now: UnixTime) -> Option<Found> {
        let entry = self.entries.get(name).filter(|entry| now < entry.end)?;
        Some(entry.document.clone())
    }

    fn insert(&mut self, name: &str, entry: Entry, now: UnixTime) {
        self.remove(name);
        let fits = |kept: &Self| kept.entries.len() < MAX_ENTRIES && kept.bytes + entry.bytes <= MAX_BYTES;
        if !fits(self) {
            self.entries.retain(|_, entry| now < entry.end);
            self.bytes = self.entries.values().map(|entry| entry.bytes).sum();
        }
        while !fits(self) {
            let soonest = self.entries.iter().min_by_key(|(_, entry)| entry.end);
            let Some(name) = soonest.map(|(name, _)| name.clone()) else { return };
            self.remove(&name);
        }
        self.bytes += entry.bytes;
        self.entries.insert(name.to_owned(), entry);
    }

    fn remove(&mut self, name: &str) {
        if let Some(entry) = self.entries.remove(name) {
            self.bytes -= entry.bytes;
        }
    }
}

impl fmt::Debug for ClientDocuments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = &*self.0;
        f.debug_struct("ClientDocuments")
            .field("policy", &shared.policy)
            .field("fetch", &shared.fetch)
            .field("kept", &self.len())
            .finish_non_exhaustive()
    }
}
