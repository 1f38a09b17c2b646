//! DPoP (RFC 9449): the key that tokens are bound to, and the proofs for requests.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Uri};
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner};
use mcp_auth_core::dpop::TargetUri;
use mcp_auth_core::jwt::Algorithm;
use mcp_auth_discovery::{AuthorizationServerMetadata, ResourceIdentifier, Secret};
use mcp_auth_exchange::dpop::{DpopKey, NonceMemory, ProofRequest};
use mcp_auth_tower::clock::{Clock as _, SystemClock};

use crate::auth::login::random_text;
use crate::error::ClientError;

const ALGORITHM: Algorithm = Algorithm::ES256;

/// Proves possession of one key per run of the client.
#[derive(Debug, Default)]
pub(super) struct Prover {
    key: Option<DpopKey>,
    nonces: NonceMemory,
}

impl Prover {
    /// Makes the key, where the authorization server takes proofs of its kind.
    pub(super) fn prepare(&mut self, server: &AuthorizationServerMetadata) -> Result<(), ClientError> {
        let algorithms = server.dpop_signing_alg_values_supported.as_ref();
        if algorithms.is_some_and(|names| !names.iter().any(|name| name == ALGORITHM.name())) {
            return Err(ClientError::DpopAlgorithm(ALGORITHM.name()));
        }
        if self.key.is_none() {
            self.key = Some(DpopKey::new(Arc::new(AwsLcSigner::generate(ALGORITHM)?), &AwsLc::new())?);
        }
        Ok(())
    }

    /// Adds a proof for this very request, with the nonce that its server gave last.
    pub(super) fn add_proof(
        &self,
        request: &mut Request<Bytes>,
        token: Option<&Secret>,
    ) -> Result<(), ClientError> {
        let Some(key) = &self.key else { return Ok(()) };
        let target = TargetUri::parse(&request.uri().to_string())?;
        let nonce = self.nonces.get(&origin(request.uri()));
        let jti = random_text()?;
        let mut proof = ProofRequest::new(request.method().as_str(), &target, &jti).nonce(nonce.as_ref());
        if let Some(token) = token {
            proof = proof.token(token.expose());
        }
        let proof = key.proof(&proof, SystemClock.now())?;
        request.headers_mut().insert("dpop", proof);
        Ok(())
    }

    /// Keeps the nonce that the MCP server gave.
    pub(super) fn keep(&self, server: &ResourceIdentifier, headers: &HeaderMap) {
        self.nonces.keep(server.origin().as_str(), headers);
    }

    /// Keeps the nonce that the server at `uri` gave.
    pub(super) fn keep_for(&self, uri: &Uri, headers: &HeaderMap) {
        self.nonces.keep(&origin(uri), headers);
    }
}

fn origin(uri: &Uri) -> String {
    format!("{}://{}", uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", |a| a.as_str()))
}
