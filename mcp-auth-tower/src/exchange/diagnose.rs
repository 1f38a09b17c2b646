//! What authorization servers say of themselves against the plans, asked once.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use mcp_auth_core::UnixTime;
use mcp_auth_discovery::server::{
    MetadataCache, MetadataFetch, MetadataFetchStart, MetadataLife, MetadataSource,
};
use mcp_auth_discovery::{AuthorizationServerMetadata, MAX_DOCUMENT_BYTES};
use url::Url;

use super::{ExchangeLayer, Exchanger, PlanFinding};
use crate::client::{Fetch, FetchRequest, FetchUrl, UrlTrust, document};

/// Time for one document.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What came of asking authorization servers for their metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetadataReport {
    /// What they say against the plans.
    pub findings: Vec<PlanFinding>,
    /// Issuers whose metadata could not be read, each with the reason.
    pub unread: Vec<(String, String)>,
}

impl ExchangeLayer {
    /// Asks those of these issuers for their metadata at whose origin a plan has a step, and says what it says against
    /// that step: a grant that is not switched on, a client authentication that is not taken, and more. Nothing is
    /// exchanged, and nothing waits for it: call it once after the start, besides the requests.
    ///
    /// What the plans themselves say is in [`findings`](Self::findings).
    pub async fn diagnose(&self, issuers: &[&str]) -> MetadataReport {
        let mut report = MetadataReport::default();
        let Some(exchanger) = self.exchanger() else { return report };
        let mut servers = Vec::new();
        for issuer in issuers.iter().filter(|issuer| self.has_step_at(issuer)) {
            match exchanger.server_metadata(issuer).await {
                Ok(server) => servers.push(server),
                Err(reason) => report.unread.push(((*issuer).to_owned(), reason)),
            }
        }
        report.findings = self.findings_of_metadata(&servers);
        report
    }

    fn has_step_at(&self, issuer: &str) -> bool {
        let Ok(issuer) = Url::parse(issuer) else { return false };
        let plans = self.shared().into_iter().flat_map(|shared| shared.plans.iter());
        plans.flat_map(|(_, plan)| plan.steps()).any(|step| {
            let endpoint = Url::parse(&step.endpoint().uri().to_string());
            endpoint.is_ok_and(|endpoint| endpoint.origin() == issuer.origin())
        })
    }
}

impl Exchanger {
    /// The metadata of the authorization server `issuer` (RFC 8414, OpenID Connect Discovery), for
    /// [`ExchangeLayer::findings_with_metadata`] and
    /// [`ExchangePlan::findings_with_metadata`](mcp_auth_exchange::plan::ExchangePlan::findings_with_metadata). It is
    /// asked for each time.
    ///
    /// # Errors
    ///
    /// Why it could not be read, in a sentence for operators.
    pub async fn server_metadata(&self, issuer: &str) -> Result<AuthorizationServerMetadata, String> {
        metadata(issuer, &*self.0.fetch).await
    }
}

async fn metadata(issuer: &str, client: &dyn Fetch) -> Result<AuthorizationServerMetadata, String> {
    // An issuer in plain http was written by the operator, and nothing secret is asked for.
    let new = if issuer.starts_with("http://") { MetadataCache::insecure_http } else { MetadataCache::new };
    let mut cache =
        new(issuer, &MetadataSource::Standard, MetadataLife::default()).map_err(|e| e.to_string())?;
    // INVARIANT: a new cache lets the first fetch begin; the time and the random number are for those after it.
    let start = UnixTime::from_secs(1_000_000_000);
    let MetadataFetchStart::Begin(mut fetch) = cache.begin_fetch(start) else {
        return Err("no fetch could begin".to_owned());
    };
    while let Some(request) = fetch.next_request() {
        ask(&mut fetch, &request.uri().to_string(), client).await;
    }
    cache.end_fetch(fetch, 0, start);
    match cache.usable(start) {
        Some(metadata) => Ok(AuthorizationServerMetadata::clone(metadata)),
        None => Err(cache.status(start).last_error.unwrap_or_default()),
    }
}

async fn ask(fetch: &mut MetadataFetch, url: &str, client: &dyn Fetch) {
    let request = FetchUrl::danger_http(url)
        .map(|url| FetchRequest::new(url, UrlTrust::Configured, MAX_DOCUMENT_BYTES, TIMEOUT));
    let answer = match request {
        Ok(request) => document(client, request).await.map_err(|e| e.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match answer {
        Ok((_, body)) => fetch.handle_response(&Response::<Bytes>::new(body)),
        Err(error) => fetch.handle_failure(&error),
    }
}
