//! The OAuth client side of MCP: from a refusal to a token.
//!
//! ```text
//!  401, 403 ─▶ challenge ─▶ discovery ─▶ client ─▶ grant ─▶ token ─▶ the request once more
//!              attempts     discovery    registration  grants   held     proof
//!              (here)                                  login
//! ```

mod attempts;
mod discovery;
mod grants;
mod held;
mod login;
mod proof;
mod registration;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use mcp_auth_discovery::challenge::{Challenges, ReceivedChallenge};
use mcp_auth_discovery::{ResourceIdentifier, Scopes};
use mcp_auth_exchange::ClientCredential;
use mcp_auth_tower::clock::{Clock as _, SystemClock};

pub(crate) use self::attempts::Attempts;
use self::discovery::Discovered;
use self::held::HeldToken;
use self::proof::Prover;
use crate::credentials::Credentials;
use crate::error::ClientError;
use crate::http_client::HttpClient;

/// What the operator decides.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where authorization responses are sent.
    pub(crate) redirect_uri: String,
    /// The URL of the client's metadata document, which is its identifier where servers take it.
    pub(crate) client_metadata_url: Option<String>,
    /// What the client was given.
    pub(crate) credentials: Credentials,
}

/// Gets and holds the token for one server.
#[derive(Debug)]
pub(crate) struct Authorizer {
    server: ResourceIdentifier,
    settings: Arc<Settings>,
    http: HttpClient,
    /// By issuer: credentials of one authorization server are never shown to another (SEP-2352).
    clients: HashMap<String, ClientCredential>,
    token: Option<HeldToken>,
    prover: Prover,
}

impl Authorizer {
    pub(crate) fn new(server: ResourceIdentifier, settings: Settings, http: HttpClient) -> Self {
        let (clients, prover) = (HashMap::new(), Prover::default());
        Self { server, settings: Arc::new(settings), http, clients, token: None, prover }
    }

    /// Adds the token to a request, and a proof to a token that needs one.
    pub(crate) fn present(&self, request: &mut Request<Bytes>) -> Result<(), ClientError> {
        let Some(token) = &self.token else { return Ok(()) };
        let scheme = if token.is_bound() { "DPoP" } else { "Bearer" };
        let value = format!("{scheme} {}", token.access_token().expose());
        let mut value = HeaderValue::try_from(value).map_err(|_| ClientError::TokenHeader)?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
        if token.is_bound() {
            self.prover.add_proof(request, Some(token.access_token()))?;
        }
        Ok(())
    }

    /// Takes the nonce that any answer of the server may bring for the next proof (RFC 9449 §8.2).
    pub(crate) fn keep_nonce(&self, headers: &HeaderMap) {
        if self.token.as_ref().is_some_and(HeldToken::is_bound) {
            self.prover.keep(&self.server, headers);
        }
    }

    /// Gets a new token ahead of the next request when the old one is about to end and can be refreshed. When the
    /// authorization server cannot be reached, the old one is used as long as it lives.
    pub(crate) async fn keep_fresh(&mut self) {
        if let Some(old) = self.token.take_if(|token| token.ends_soon(SystemClock.now()))
            && let Err(error) = self.refresh_or_forget(old).await
        {
            tracing::warn!("not refreshed: {error}");
        }
    }

    /// Takes a refusal (401 or 403), and gets what the server asks for. After `Ok` the request is worth another try.
    pub(crate) async fn satisfy(
        &mut self,
        refusal: &Response<Bytes>,
        attempts: &mut Attempts,
    ) -> Result<(), ClientError> {
        let challenges = Challenges::parse_all(refusal.headers().get_all(WWW_AUTHENTICATE))?;
        let bound = self.token.as_ref().is_some_and(HeldToken::is_bound);
        let challenge = match bound {
            true => challenges.dpop().or(challenges.bearer()),
            false => challenges.bearer().or(challenges.dpop()),
        };
        if refusal.status() == StatusCode::FORBIDDEN {
            return self.step_up(challenge, attempts).await;
        }
        if bound && challenge.and_then(ReceivedChallenge::error) == Some("use_dpop_nonce") {
            return attempts.nonce(refusal.headers());
        }
        attempts.login()?;
        let discovered = self.discover(challenge).await?;
        let mut scopes = discovered.scopes(challenge)?;
        if let Some(old) = self.token.take().filter(|token| token.is_from(&discovered.metadata.issuer)) {
            scopes = scopes.union(old.scopes())?;
            self.refresh_or_forget(old).await?;
            if self.token.is_some() {
                return Ok(());
            }
        }
        let dpop = challenges.bearer().is_none() && challenges.dpop().is_some();
        self.obtain(&discovered, scopes, dpop).await
    }

    /// 403 with `insufficient_scope`: a token with what we had and what is missing (SEP-2350).
    async fn step_up(
        &mut self,
        challenge: Option<&ReceivedChallenge>,
        attempts: &mut Attempts,
    ) -> Result<(), ClientError> {
        let challenge = challenge.filter(|challenge| challenge.error() == Some("insufficient_scope"));
        let Some(challenge) = challenge else { return Err(ClientError::Forbidden("403".to_owned())) };
        let asked = challenge.scopes().ok_or_else(|| ClientError::Forbidden("without a scope".to_owned()))?;
        let (had, dpop) = match &self.token {
            Some(token) => (token.scopes().clone(), token.is_bound()),
            None => (Scopes::default(), false),
        };
        // The same again would bring the same again.
        if had.contains_all(&asked) {
            return Err(ClientError::ScopeNotGranted(asked.to_string()));
        }
        attempts.step_up(&asked)?;
        let discovered = self.discover(Some(challenge)).await?;
        self.obtain(&discovered, had.union(&asked)?, dpop).await
    }

    async fn obtain(
        &mut self,
        discovered: &Discovered,
        scopes: Scopes,
        dpop: bool,
    ) -> Result<(), ClientError> {
        let dpop = dpop || discovered.requires_dpop();
        if dpop {
            self.prover.prepare(&discovered.metadata)?;
        }
        tracing::info!(issuer = discovered.metadata.issuer, %scopes, dpop, "asking for a token");
        let (response, client) = self.grant(discovered, &scopes, dpop).await?;
        self.check_type(&response, dpop)?;
        self.token = Some(HeldToken::new(&response, discovered, client, scopes, SystemClock.now()));
        Ok(())
    }
}
