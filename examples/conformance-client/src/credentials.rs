//! What the client was given to prove who it is, or on whose behalf it acts.

use std::fmt;
use std::sync::Arc;

use mcp_auth_core::crypto::{AwsLcSigner, KeyRefused};
use mcp_auth_core::jwt::Algorithm;
use mcp_auth_discovery::{AuthorizationServerMetadata, Secret};
use mcp_auth_exchange::ClientCredential;
use mcp_auth_exchange::client_auth::{AssertionAudience, AssertionKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;

use crate::error::ClientError;

/// Credentials as the operator (or the conformance suite, as its context) writes them: what is there says which kind of
/// client this is.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Credentials {
    /// A client that was registered before.
    client_id: Option<String>,
    client_secret: Option<Secret>,
    /// A key in PKCS #8, as PEM, and the algorithm of its signatures.
    private_key_pem: Option<Secret>,
    signing_algorithm: Option<String>,
    /// The authorization server that knows this client.
    issuer: Option<String>,

    /// Workload identity: a token that the platform gave to this workload.
    #[serde(rename = "valid_jwt")]
    workload_token: Option<Secret>,

    /// Enterprise-managed authorization: the user's ID token, and the client and token endpoint at his identity
    /// provider.
    idp_id_token: Option<Secret>,
    idp_client_id: Option<String>,
    idp_token_endpoint: Option<url::Url>,
}

/// The way to a token that the credentials ask for.
pub(crate) enum Way<'a> {
    /// The user logs in; without a user the client speaks for itself.
    UserOrClient,
    /// The workload's token is the assertion (RFC 7523, MCP SEP-1933).
    Workload { token: &'a Secret, client_id: &'a str },
    /// The user's ID token becomes an ID-JAG (MCP "Enterprise-Managed Authorization").
    Enterprise { id_token: &'a Secret, client_id: &'a str, token_endpoint: &'a url::Url },
}

impl Credentials {
    pub(crate) fn parse(json: &str) -> Result<Self, ClientError> {
        serde_json::from_str(json).map_err(ClientError::Credentials)
    }

    pub(crate) fn way(&self) -> Way<'_> {
        if let (Some(id_token), Some(client_id), Some(token_endpoint)) =
            (&self.idp_id_token, &self.idp_client_id, &self.idp_token_endpoint)
        {
            return Way::Enterprise { id_token, client_id, token_endpoint };
        }
        match (&self.workload_token, &self.client_id) {
            (Some(token), Some(client_id)) => Way::Workload { token, client_id },
            _ => Way::UserOrClient,
        }
    }

    /// The authorization server that the credentials are for, where that was written down.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The client that was registered before, if any.
    pub(crate) fn pre_registered(
        &self,
        server: &AuthorizationServerMetadata,
    ) -> Result<Option<ClientCredential>, ClientError> {
        let Some(client_id) = &self.client_id else { return Ok(None) };
        if let Some(issuer) = &self.issuer
            && *issuer != server.issuer
        {
            let (configured, named) = (issuer.clone(), server.issuer.clone());
            return Err(ClientError::OtherIssuer { configured, named });
        }
        Ok(Some(match &self.private_key_pem {
            Some(pem) => {
                let signer = self.signer(pem)?;
                // What RFC 7523bis asks for: the issuer, so that an assertion is good for one server.
                let audience = AssertionAudience::Fixed(server.issuer.clone());
                ClientCredential::private_key_jwt(client_id, AssertionKey::new(Arc::new(signer), audience))
            }
            None => ClientCredential::for_server(client_id, self.client_secret.clone(), None, server)?,
        }))
    }

    fn signer(&self, pem: &Secret) -> Result<AwsLcSigner, ClientError> {
        let name = self.signing_algorithm.as_deref().unwrap_or("ES256");
        let algorithm = Algorithm::from_name(name).ok_or(KeyRefused::Algorithm)?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.expose().as_bytes())
            .map_err(|error| ClientError::PrivateKey(error.to_string()))?;
        Ok(AwsLcSigner::from_pkcs8(algorithm, der.secret_pkcs8_der())?)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}
