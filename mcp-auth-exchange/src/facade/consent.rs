//! Whether a user has to be asked, and what a browser remembers of the answers.
//!
//! Users are asked before they are sent to the provider, once per client, redirect URI, resource and set of scopes (attack row 111,
//! MCP security best practices "Confused Deputy Problem"). Who the user is shows only after the login, so that
//! consent belongs to the browser: a sealed cookie that no other browser can use.
//!
//! Consent to a client whose redirect URI is on the user's machine is not remembered: every program there can pretend to
//! be that client (RFC 8252 §8.6).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth_core::UnixTime;
use mcp_auth_core::seal::Purpose;
use sha2::{Digest, Sha256};

use super::browser::Browser;
use super::client::{Client, Origin};
use super::{Facade, RandomBytes, Refusal};

/// The most consents that one browser remembers; the oldest goes first. They fit into a cookie of 4 KiB.
const MAX_CONSENTS: usize = 32;

const DIGEST_BYTES: usize = 32;
const ENTRY_BYTES: usize = DIGEST_BYTES + 8;

/// Which clients users are asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConsentPolicy {
    /// Every client but those of the [first party](super::PreRegisteredClient::first_party).
    #[default]
    EveryClient,
    /// Those that share our client at the provider, and those of metadata documents. With registered upstream clients
    /// ([`Upstream::registered`](super::Upstream::registered)) it is left to the provider to ask about the others: it
    /// sees one client each, and our callback instead of the client's redirect URI.
    SharedUpstreamClient,
}

/// What one consent is about, as it is remembered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ConsentDigest([u8; DIGEST_BYTES]);

impl ConsentDigest {
    pub(super) fn of(client_id: &str, redirect_uri: &str, resource: &str, mut scopes: Vec<&str>) -> Self {
        scopes.sort_unstable();
        let mut hash = Sha256::new();
        for part in [client_id, redirect_uri, resource].into_iter().chain(scopes) {
            // Each with its length, so that no two lists are the same bytes.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().into())
    }

    pub(super) fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(Self(URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?))
    }
}

impl Facade {
    /// What a consent gives: the scopes that the client gets, and those that the operator adds for the provider, since it
    /// is the user's access that is given. The page shows them, and they are what is remembered.
    pub(super) fn consented_scopes<'s>(&'s self, scope: &'s str) -> Vec<&'s str> {
        let asked = scope.split(' ').filter(|scope| !scope.is_empty());
        let mut scopes: Vec<&str> = Vec::new();
        for scope in asked.chain(self.upstream.scope.iter()) {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }

    /// Whether users are asked about this client at all.
    pub(super) fn asks_about(&self, client: &Client) -> bool {
        match (&client.origin, self.consent) {
            (Origin::PreRegistered { first_party: true }, _) => false,
            (Origin::Document { .. }, _) | (_, ConsentPolicy::EveryClient) => true,
            (_, ConsentPolicy::SharedUpstreamClient) => self.upstream.is_shared(),
        }
    }

    /// Whether this browser has consented.
    pub(super) fn has_consented(&self, browser: &Browser, consent: ConsentDigest, now: UnixTime) -> bool {
        self.consents(browser, now).iter().any(|(known, _)| *known == consent)
    }

    /// The sealed consents of this browser with one more.
    pub(super) fn with_consent(
        &self,
        browser: &Browser,
        consent: ConsentDigest,
        now: UnixTime,
        random: &mut RandomBytes,
    ) -> Result<String, Refusal> {
        let end = now.plus(self.lifetimes.consent);
        let known = self.consents(browser, now).into_iter().filter(|(known, _)| *known != consent);
        let all: Vec<_> = known.chain([(consent, end)]).collect();
        let newest = all.iter().skip(all.len().saturating_sub(MAX_CONSENTS));
        let mut bytes = Vec::with_capacity(MAX_CONSENTS * ENTRY_BYTES);
        for (consent, end) in newest {
            bytes.extend_from_slice(&consent.0);
            bytes.extend_from_slice(&end.as_secs().to_be_bytes());
        }
        self.seal_bytes(Purpose::Consent, &browser.id, &bytes, Some(end), random)
    }

    /// What a browser remembers, oldest first; nothing, when it is not of our making.
    fn consents(&self, browser: &Browser, now: UnixTime) -> Vec<(ConsentDigest, UnixTime)> {
        let sealed = browser.consents.as_deref();
        let opened = sealed.and_then(|text| self.open_bytes(Purpose::Consent, &browser.id, text, now));
        let Some(bytes) = opened else { return Vec::new() };
        let entries = bytes.chunks_exact(ENTRY_BYTES).filter_map(|entry| {
            let (digest, end) = entry.split_first_chunk::<DIGEST_BYTES>()?;
            Some((ConsentDigest(*digest), UnixTime::from_secs(u64::from_be_bytes(end.try_into().ok()?))))
        });
        entries.filter(|(_, end)| now < *end).collect()
    }
}
