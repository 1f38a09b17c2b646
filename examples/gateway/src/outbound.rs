//! From `outbound` to the one client that asks others.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use mcp_auth_tower::client::{AddressPolicy, HttpClient};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::config::{self, Position, Source, Spanned};
use crate::route::BuildError;

/// The longest PEM file that is read, in bytes: the authorities of a whole operating system are 250 KB.
const MAX_PEM_BYTES: u64 = 4 * 1024 * 1024;

/// The authorities that backends are trusted by: Mozilla's, and those of the file.
pub(crate) fn authorities(file: &Source, from: &config::Outbound) -> Result<RootCertStore, BuildError> {
    let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    for ca in &from.ca_files {
        let error = |message: &dyn std::fmt::Display| {
            BuildError::new(file, ca.at, format_args!("outbound.caFiles: {message}"))
        };
        for certificate in CertificateDer::pem_slice_iter(&read(ca).map_err(|e| error(&e))?) {
            let certificate = certificate.map_err(|e| error(&e))?;
            roots.add(certificate).map_err(|e| error(&e))?;
        }
    }
    Ok(roots)
}

/// The client for everything but backends, which all routes share.
pub(crate) fn client(file: &Source, from: &config::Outbound) -> Result<Arc<HttpClient>, BuildError> {
    let error = |at: Position, field: &str, message: &dyn std::fmt::Display| {
        BuildError::new(file, at, format_args!("outbound.{field}: {message}"))
    };
    let mut builder = HttpClient::builder();
    for ca in &from.ca_files {
        let pem = read(ca).map_err(|e| error(ca.at, "caFiles", &e))?;
        builder = builder.certificate_authorities(&pem).map_err(|e| error(ca.at, "caFiles", &e))?;
    }
    if let Some((chain, key)) = &from.certificate {
        let field = "clientCertificate";
        let chain_pem = read(chain).map_err(|e| error(chain.at, field, &e))?;
        let key_pem = read(key).map_err(|e| error(key.at, field, &e))?;
        let set = builder.client_certificate(&chain_pem, &key_pem);
        builder = set.map_err(|e| error(chain.at, field, &e))?;
    }
    let learned = from.allow_learned.iter().try_fold(AddressPolicy::public_only(), |policy, network| {
        policy.allow(&network.value).map_err(|e| error(network.at, "allowLearned", &e))
    })?;
    let at = from.certificate.as_ref().map_or(Position { line: 1, column: 1 }, |(chain, _)| chain.at);
    let client =
        builder.learned_addresses(learned).build().map_err(|e| error(at, "clientCertificate", &e))?;
    Ok(Arc::new(client))
}

fn read(path: &Spanned<PathBuf>) -> Result<Vec<u8>, String> {
    let path = &path.value;
    let wrong = |e: std::io::Error| format!("`{}` cannot be read: {e}", path.display());
    // A pipe or a device would not end.
    if !std::fs::metadata(path).map_err(wrong)?.is_file() {
        return Err(format!("`{}` is not a file", path.display()));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_PEM_BYTES).read_to_end(&mut bytes)).map_err(wrong)?;
    Ok(bytes)
}
