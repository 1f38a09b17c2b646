//! `method: privateKeyJwt`: with what the gateway signs who it is (RFC 7523 §2.2).

use mcp_auth_core::jwt::Algorithm;

use super::super::error::{Fault, Position};
use super::super::fields::Fields;
use super::super::node::Spanned;
use super::super::secret::{Form, SecretFrom};

/// A private key, and what the assertions that it signs say. Nothing is opened yet.
#[derive(Clone, Debug)]
pub(crate) struct Assertion {
    /// The private key in PEM.
    pub(crate) key: SecretFrom,
    /// Where `clientAuth` is written.
    pub(crate) at: Position,
    /// How it signs. `None`: as its type has it.
    pub(crate) algorithm: Option<Algorithm>,
    /// The name of the key.
    pub(crate) kid: Option<String>,
    /// Its certificate, and how the header names it.
    pub(crate) certificate: Option<(SecretFrom, CertificateHeader)>,
    /// For whom assertions are. `None`: for the token endpoint that the request goes to.
    pub(crate) audience: Option<String>,
}

/// How the header of an assertion names the certificate of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CertificateHeader {
    /// The chain itself.
    X5c,
    /// The thumbprint.
    X5tS256,
}

/// The fields of `clientAuth` that are about this.
pub(super) const FIELDS: [&str; 8] = [
    "signingKey",
    "signingKeyFile",
    "certificate",
    "certificateFile",
    "certificateHeader",
    "alg",
    "kid",
    "assertionAudience",
];

const ALGORITHMS: [Algorithm; 10] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::ES512,
    Algorithm::EdDSA,
];

impl Assertion {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        let at = fields.at();
        let key = SecretFrom::take(fields, "signingKey", "signingKeyFile", Form::Pem)?
            .ok_or_else(|| Fault::missing(at, "signingKey", "clientAuth with `method: privateKeyJwt`"))?;
        let header_at = fields.key_at("certificateHeader");
        let certificate = SecretFrom::take(fields, "certificate", "certificateFile", Form::Pem)?;
        let header =
            fields.text("certificateHeader")?.map(|word| CertificateHeader::read(&word)).transpose()?;
        let certificate = match (certificate, header, header_at) {
            (Some(certificate), header, _) => {
                Some((certificate, header.unwrap_or(CertificateHeader::X5tS256)))
            }
            (None, Some(_), Some(at)) => {
                return Err(Fault::missing(at, "certificate", "clientAuth with `certificateHeader`"));
            }
            (None, ..) => None,
        };
        Ok(Self {
            key,
            at,
            algorithm: fields.text("alg")?.map(|word| algorithm(&word)).transpose()?,
            kid: fields.text("kid")?.map(|text| text.value),
            certificate,
            audience: fields.text("assertionAudience")?.map(|text| text.value),
        })
    }

    /// Whether both are written in the same way.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let certificate = |of: &Self| of.certificate.as_ref().map(|(from, _)| from.clone());
        let header = |of: &Self| of.certificate.as_ref().map(|(_, header)| *header);
        SecretFrom::are_same(Some(&self.key), Some(&other.key))
            && SecretFrom::are_same(certificate(self).as_ref(), certificate(other).as_ref())
            && header(self) == header(other)
            && self.algorithm == other.algorithm
            && self.kid == other.kid
            && self.audience == other.audience
    }
}

impl CertificateHeader {
    fn read(word: &Spanned<String>) -> Result<Self, Fault> {
        match word.value.as_str() {
            "x5c" => Ok(Self::X5c),
            "x5t#S256" => Ok(Self::X5tS256),
            other => Err(Fault::unknown_word(word.at, other, "`certificateHeader`", &["x5c", "x5t#S256"])),
        }
    }
}

fn algorithm(word: &Spanned<String>) -> Result<Algorithm, Fault> {
    let found = ALGORITHMS.into_iter().find(|algorithm| algorithm.name() == word.value);
    found.ok_or_else(|| Fault::unknown_word(word.at, &word.value, "`alg`", &ALGORITHMS.map(Algorithm::name)))
}
