//! `outbound`: how the gateway itself asks others. An extension to agentgateway's shape.

use std::path::PathBuf;

use super::error::Fault;
use super::exchange_limits::ExchangeLimits;
use super::fields::Fields;
use super::node::{Node, Spanned};
use super::secret::path;

/// How the gateway asks providers, backends and whoever publishes keys and documents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbound {
    /// Certificate authorities to trust besides those of Mozilla's list, in PEM.
    pub(crate) ca_files: Vec<Spanned<PathBuf>>,
    /// What providers are shown that ask for a certificate: a chain and its key, in PEM.
    pub(crate) certificate: Option<(Spanned<PathBuf>, Spanned<PathBuf>)>,
    /// Networks to which URLs may lead that a provider's documents name (key sets, endpoints), though they are not
    /// public.
    pub(crate) allow_learned: Vec<Spanned<String>>,
    /// Networks from which clients' metadata documents are fetched, though they are not public. Whoever asks writes
    /// these URLs.
    pub(crate) allow_client_documents: Vec<Spanned<String>>,
    /// What exchanges of tokens may take.
    pub(crate) exchanges: ExchangeLimits,
}

impl Outbound {
    pub(super) fn read(node: Node) -> Result<Self, Fault> {
        let known = ["caFiles", "clientCertificate", "allowLearned", "allowClientDocuments", "exchanges"];
        let mut fields = Fields::new(node, "outbound", &known, &[])?;
        let ca_files = match fields.take("caFiles") {
            None => Vec::new(),
            Some(node) => {
                let nodes = node.filled_list("caFiles")?.into_iter();
                nodes.map(|node| path(node, "caFiles")).collect::<Result<_, _>>()?
            }
        };
        let certificate = match fields.take("clientCertificate") {
            None => None,
            Some(node) => {
                let mut fields = Fields::new(node, "clientCertificate", &["chainFile", "keyFile"], &[])?;
                let chain = path(fields.require("chainFile")?, "chainFile")?;
                Some((chain, path(fields.require("keyFile")?, "keyFile")?))
            }
        };
        let mut networks = |field: &str| match fields.take(field) {
            None => Ok(Vec::new()),
            Some(node) => node.texts(field),
        };
        Ok(Self {
            ca_files,
            certificate,
            allow_learned: networks("allowLearned")?,
            allow_client_documents: networks("allowClientDocuments")?,
            exchanges: fields.take("exchanges").map(ExchangeLimits::read).transpose()?.unwrap_or_default(),
        })
    }
}
