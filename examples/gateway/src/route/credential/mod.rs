//! From `clientAuth` to what the gateway shows at token endpoints.

pub(super) mod private_key;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mcp_auth_core::crypto::AwsLc;
use mcp_auth_core::jwk::Thumbprint;
use mcp_auth_discovery::Secret;
use mcp_auth_exchange::ClientCredential;
use mcp_auth_exchange::client_auth::{AssertionAudience, AssertionKey};

use crate::config::{Assertion, CertificateHeader, Client, Position, SecretFrom};

/// The client as it authenticates, with what its files hold.
///
/// # Errors
///
/// A place and a sentence, when a file cannot be read or has something else in it.
pub(super) fn open(client: &Client) -> Result<ClientCredential, (Position, String)> {
    match client {
        Client::Secret(_, _, secret) => {
            let secret = secret.open().map_err(|(at, e)| (at, format!("clientSecret: {e}")))?;
            Ok(client.with_secret(secret))
        }
        Client::Key(id, assertion) => Ok(ClientCredential::private_key_jwt(id, key(assertion)?)),
        _ => Ok(client.with_secret(Secret::new(""))),
    }
}

fn key(from: &Assertion) -> Result<AssertionKey, (Position, String)> {
    let opened = |what: &str, file: &SecretFrom| {
        file.open_pem().map_err(|(at, e)| (at, format!("clientAuth.{what}: {e}")))
    };
    let wrong = |e: String| (from.at, format!("clientAuth.signingKey: {e}"));
    let pem = opened("signingKey", &from.key)?;
    let private = private_key::read(&pem, from.algorithm).map_err(wrong)?;
    let signer = private.signer().map_err(wrong)?;
    let audience = match &from.audience {
        None => AssertionAudience::TokenEndpoint,
        Some(audience) => AssertionAudience::Fixed(audience.clone()),
    };
    let mut key = AssertionKey::new(Arc::new(signer), audience);
    if let Some(kid) = &from.kid {
        key = key.kid(kid);
    }
    if let Some((certificate, header)) = &from.certificate {
        let pem = opened("certificate", certificate)?;
        let chain = private.chain(&pem).map_err(|e| (from.at, format!("clientAuth.certificate: {e}")))?;
        key = match (header, chain.first()) {
            (CertificateHeader::X5tS256, Some(own)) => {
                key.x5t_s256(Thumbprint::of_certificate(own, &AwsLc::new()))
            }
            _ => key.x5c(chain.iter().map(|certificate| STANDARD.encode(certificate))),
        };
    }
    Ok(key)
}
