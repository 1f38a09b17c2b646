//! From `outbound` to the clients that ask others.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use mcp_auth_tower::client::{AddressPolicy, HttpClient, HttpClientBuilder};
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
        let error = |message: &dyn fmt::Display| wrong(file, ca.at, "caFiles", message);
        for certificate in CertificateDer::pem_slice_iter(&read(ca).map_err(|e| error(&e))?) {
            let certificate = certificate.map_err(|e| error(&e))?;
            roots.add(certificate).map_err(|e| error(&e))?;
        }
    }
    Ok(roots)
}

/// The client for everything but backends and clients' metadata documents, which all routes share.
pub(crate) fn client(file: &Source, from: &config::Outbound) -> Result<Arc<HttpClient>, BuildError> {
    const FIELD: &str = "clientCertificate";
    let learned = networks(file, &from.allow_learned, "allowLearned")?;
    let mut builder = trusting(file, from)?.learned_addresses(learned);
    let error = |at: Position, message: &dyn fmt::Display| wrong(file, at, FIELD, message);
    if let Some((chain, key)) = &from.certificate {
        let chain_pem = read(chain).map_err(|e| error(chain.at, &e))?;
        let key_pem = read(key).map_err(|e| error(key.at, &e))?;
        let set = builder.client_certificate(&chain_pem, &key_pem);
        builder = set.map_err(|e| error(chain.at, &e))?;
    }
    let at = from.certificate.as_ref().map_or(Position { line: 1, column: 1 }, |(chain, _)| chain.at);
    Ok(Arc::new(builder.build().map_err(|e| error(at, &e))?))
}

/// The client for clients' metadata documents. Anybody can send it to a URL of their own: it has no certificate to show,
/// and networks of its own.
pub(crate) fn document_client(file: &Source, from: &config::Outbound) -> Result<Arc<HttpClient>, BuildError> {
    const FIELD: &str = "allowClientDocuments";
    let learned = networks(file, &from.allow_client_documents, FIELD)?;
    let built = trusting(file, from)?.learned_addresses(learned).build();
    Ok(Arc::new(built.map_err(|e| wrong(file, Position { line: 1, column: 1 }, FIELD, &e))?))
}

fn trusting(file: &Source, from: &config::Outbound) -> Result<HttpClientBuilder, BuildError> {
    from.ca_files.iter().try_fold(HttpClient::builder(), |builder, ca| {
        let error = |message: &dyn fmt::Display| wrong(file, ca.at, "caFiles", message);
        builder.certificate_authorities(&read(ca).map_err(|e| error(&e))?).map_err(|e| error(&e))
    })
}

fn networks(file: &Source, from: &[Spanned<String>], field: &str) -> Result<AddressPolicy, BuildError> {
    from.iter().try_fold(AddressPolicy::public_only(), |policy, network| {
        policy.allow(&network.value).map_err(|e| wrong(file, network.at, field, &e))
    })
}

fn wrong(file: &Source, at: Position, field: &str, message: &dyn fmt::Display) -> BuildError {
    BuildError::new(file, at, format_args!("outbound.{field}: {message}"))
}

fn read(path: &Spanned<PathBuf>) -> Result<Vec<u8>, String> {
    let path = &path.value;
    let wrong = |e: std::io::Error| format!("`{}` cannot be read: {e}", path.display());
    // A pipe or a device would not end.
    if !std::fs::metadata(path).map_err(wrong)?.is_file() {
        return Err(format!("`{}` is not a file", path.display()));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_PEM_BYTES + 1).read_to_end(&mut bytes)).map_err(wrong)?;
    if bytes.len() as u64 > MAX_PEM_BYTES {
        return Err(format!("`{}` is longer than {MAX_PEM_BYTES} bytes", path.display()));
    }
    Ok(bytes)
}
