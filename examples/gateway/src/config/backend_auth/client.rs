//! `clientAuth`: as whom the gateway asks for tokens.

use std::path::PathBuf;

use mcp_auth_discovery::Secret;
use mcp_auth_exchange::ClientCredential;

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::node::{Node, Spanned};
use super::super::secret::{SecretFrom, path};

/// The gateway's client at a token endpoint.
#[derive(Clone, Debug)]
pub(crate) enum Client {
    /// None: the subject token alone counts.
    Anonymous,
    /// It has no secret.
    Public(String),
    /// It has a secret.
    Secret(String, Method, SecretFrom),
    /// It shows a token that somebody puts into a file (`workloadIdentity`).
    Workload(String, Spanned<PathBuf>),
}

/// How a secret is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Basic,
    Post,
}

impl Client {
    pub(in super::super) fn read(node: Node) -> Result<Self, Fault> {
        let known = ["clientId", "clientSecret", "method", "tokenFile"];
        let unsupported =
            ["signingKey", "certificate", "certificateHeader", "alg", "kid", "assertionAudience"];
        let mut fields = Fields::new(node, "clientAuth", &known, &unsupported)?;
        let id = fields.require("clientId")?.filled_text("clientId")?.value;
        let (at, what) = (fields.at(), fields.what());
        let method = fields.text("method")?;
        let (secret, file) = (fields.take("clientSecret"), fields.take("tokenFile"));
        let word = method.as_ref().map_or("clientSecretBasic", |method| &method.value);
        let how = match word {
            "clientSecretBasic" => Method::Basic,
            "clientSecretPost" => Method::Post,
            "none" if secret.is_none() && file.is_none() => return Ok(Self::Public(id)),
            "workloadIdentity" if secret.is_none() => {
                let file = file.ok_or_else(|| Fault::missing(at, "tokenFile", what))?;
                return Ok(Self::Workload(id, path(file, "tokenFile")?));
            }
            "none" | "workloadIdentity" => {
                return Err(Fault::invalid(at, format!("`clientAuth` with `{word}` has no secret")));
            }
            "privateKeyJwt" => return Err(Fault::unsupported(at, "privateKeyJwt", what)),
            other => {
                let known = ["clientSecretBasic", "clientSecretPost", "workloadIdentity", "none"];
                let at = method.as_ref().map_or(at, |method| method.at);
                return Err(Fault::unknown_word(at, other, "`method`", &known));
            }
        };
        if file.is_some() {
            return Err(Fault::invalid(at, "`tokenFile` goes with `method: workloadIdentity`"));
        }
        let secret = secret.ok_or_else(|| Fault::missing(at, "clientSecret", what))?;
        Ok(Self::Secret(id, how, SecretFrom::read(secret, "clientSecret")?))
    }

    /// The client as it authenticates.
    pub(crate) fn with_secret(&self, secret: Secret) -> ClientCredential {
        match self {
            Self::Anonymous => ClientCredential::anonymous(),
            Self::Public(id) => ClientCredential::none(id),
            Self::Secret(id, Method::Basic, _) => ClientCredential::client_secret_basic(id, secret),
            Self::Secret(id, Method::Post, _) => ClientCredential::client_secret_post(id, secret),
            Self::Workload(id, _) => ClientCredential::workload_identity(id),
        }
    }

    pub(super) fn without_secret(&self) -> ClientCredential {
        self.with_secret(Secret::new(""))
    }
}
