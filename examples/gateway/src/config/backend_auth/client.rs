//! `clientAuth`: as whom the gateway asks for tokens.

use std::path::PathBuf;

use mcp_auth_discovery::Secret;
use mcp_auth_exchange::{ClientCredential, TokenEndpoint};

use super::super::error::{ConfigErrorKind, Fault, Position};
use super::super::fields::Fields;
use super::super::node::{Node, Spanned};
use super::super::secret::{Form, SecretFrom, path};
use super::super::suggest;
use super::super::warning::Lints;
use super::assertion::{self, Assertion};

/// The gateway's client at a token endpoint.
#[derive(Clone, Debug)]
pub(crate) enum Client {
    /// None: the subject token alone counts.
    Anonymous,
    /// It has no secret.
    Public(String),
    /// It has a secret.
    Secret(String, Method, SecretFrom),
    /// It signs who it is (`privateKeyJwt`).
    Key(String, Box<Assertion>),
    /// It shows the certificate of `outbound.clientCertificate` (`tlsClientAuth`); where that is asked for.
    Certificate(String, Position),
    /// It shows a token that somebody puts into a file (`workloadIdentity`).
    Workload(String, Spanned<PathBuf>),
}

/// How a secret is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Basic,
    /// Not form-encoded.
    BasicRaw,
    Post,
}

/// The one certificate of the gateway, as the transport knows it.
pub(crate) const CERTIFICATE: &str = "outbound.clientCertificate";

/// Each method, and the fields that it has besides `clientId`.
const METHODS: [(&str, &[&str]); 7] = [
    ("clientSecretBasic", &["clientSecret"]),
    ("clientSecretBasicRaw", &["clientSecret"]),
    ("clientSecretPost", &["clientSecret"]),
    ("privateKeyJwt", &assertion::FIELDS),
    ("tlsClientAuth", &[]),
    ("workloadIdentity", &["tokenFile"]),
    ("none", &[]),
];

impl Method {
    /// Whether this client can be sent so.
    pub(super) fn fits(self, client_id: &str) -> Result<Self, &'static str> {
        if self == Self::BasicRaw && client_id.contains(':') {
            return Err(
                "`clientId` with a colon cannot be sent by `clientSecretBasicRaw`: a server reads what is before \
                        it; use `clientSecretBasic` or `clientSecretPost`",
            );
        }
        Ok(self)
    }
}

impl Client {
    pub(in super::super) fn read(node: Node) -> Result<Self, Fault> {
        let mut known = vec!["clientId", "clientSecret", "method", "tokenFile"];
        known.extend(assertion::FIELDS);
        let mut fields = Fields::new(node, "clientAuth", &known, &[])?;
        let Spanned { value: id, at: id_at } = fields.require("clientId")?.filled_text("clientId")?;
        let (at, what) = (fields.at(), fields.what());
        let method = fields.text("method")?;
        let word = method.as_ref().map_or("clientSecretBasic", |method| &method.value);
        let method_at = method.as_ref().map_or(at, |method| method.at);
        let Some((_, own)) = METHODS.iter().find(|(method, _)| *method == word) else {
            return Err(Fault::unknown_word(method_at, word, "`method`", &METHODS.map(|(method, _)| method)));
        };
        for field in known {
            if let Some(at) = fields.key_at(field).filter(|_| field != "clientId" && !own.contains(&field)) {
                let with = METHODS.iter().filter(|(_, fields)| fields.contains(&field));
                let with: Vec<&str> = with.map(|(method, _)| *method).collect();
                let message =
                    format!("`{field}` does not go with `method: {word}`, but with {}", suggest::list(&with));
                return Err(Fault::invalid(at, message));
            }
        }
        let how = match word {
            "privateKeyJwt" => return Ok(Self::Key(id, Box::new(Assertion::read(&mut fields)?))),
            "tlsClientAuth" => return Ok(Self::Certificate(id, method_at)),
            "workloadIdentity" => {
                return Ok(Self::Workload(id, path(fields.require("tokenFile")?, "tokenFile")?));
            }
            "none" => return Ok(Self::Public(id)),
            "clientSecretPost" => Method::Post,
            "clientSecretBasicRaw" => {
                Method::BasicRaw.fits(&id).map_err(|message| Fault::invalid(id_at, message))?
            }
            _ => Method::Basic,
        };
        let secret = fields.take("clientSecret").ok_or_else(|| Fault::missing(at, "clientSecret", what))?;
        Ok(Self::Secret(id, how, SecretFrom::read(secret, "clientSecret", Form::Line)?))
    }

    /// Whether it can be shown at `endpoint`.
    pub(super) fn fits(self, endpoint: &TokenEndpoint) -> Result<Self, Fault> {
        match &self {
            Self::Certificate(_, at) if endpoint.uri().scheme_str() != Some("https") => Err(no_tls(*at)),
            _ => Ok(self),
        }
    }

    /// Warns about what is doubtful in its secret.
    pub(in super::super) fn warn(&self, lints: &mut Lints) {
        if let Self::Secret(_, _, secret) = self {
            secret.warn("clientSecret", lints);
        }
    }

    /// Where a certificate is wanted.
    pub(in super::super) fn certificate_at(&self) -> Option<Position> {
        match self {
            Self::Certificate(_, at) => Some(*at),
            _ => None,
        }
    }

    /// The client as it authenticates, with the secret of its file. A key is not opened: the other credential of the same
    /// method stands for it, with which no request can be made.
    pub(crate) fn with_secret(&self, secret: Secret) -> ClientCredential {
        match self {
            Self::Anonymous => ClientCredential::anonymous(),
            Self::Public(id) => ClientCredential::none(id),
            Self::Secret(id, Method::Basic, _) => ClientCredential::client_secret_basic(id, secret),
            Self::Secret(id, Method::BasicRaw, _) => ClientCredential::client_secret_basic_raw(id, secret),
            Self::Secret(id, Method::Post, _) => ClientCredential::client_secret_post(id, secret),
            Self::Certificate(id, _) => ClientCredential::tls_client_auth(id, CERTIFICATE),
            Self::Key(id, _) | Self::Workload(id, _) => ClientCredential::workload_identity(id),
        }
    }

    pub(super) fn without_secret(&self) -> ClientCredential {
        self.with_secret(Secret::new(""))
    }
}

/// A certificate is asked for at `at`, and the endpoint is plain HTTP.
pub(in super::super) fn no_tls(at: Position) -> Fault {
    Fault::invalid(
        at,
        "`tlsClientAuth` needs a token endpoint with https: over http there is no certificate to show",
    )
}

/// A certificate is asked for at `at`, and the file has none.
pub(in super::super) fn no_certificate(at: Position) -> Fault {
    let message = "`tlsClientAuth` shows the certificate of `outbound.clientCertificate`, which this file does not have: \
                   add `outbound: {clientCertificate: {chainFile: …, keyFile: …}}`";
    Fault::new(ConfigErrorKind::MissingField, at, message)
}
