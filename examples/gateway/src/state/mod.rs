//! What all of a gateway shares: keys in files and a store, which outlive a restart, and the clients that ask others.

mod key_file;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use mcp_auth_core::crypto::AwsLc;
use mcp_auth_core::seal::{SealKey, SealKeyError, Sealer};
use mcp_auth_tower::client::Fetch;
use mcp_auth_tower::exchange::SharedTokens;
use mcp_auth_tower::session::{SessionConfigError, SessionLayer};
use mcp_auth_tower::store::Store;

use crate::config::{Config, Source, State};
use crate::outbound;
use crate::route::BuildError;

/// What is sealed with the key of the file. Each use has a key of its own, made of that one.
const SESSIONS: &str = "mcp-auth-gateway sessions";
const FACADE: &str = "mcp-auth-gateway authorization server";
const ISSUED: &str = "mcp-auth-gateway issued tokens";

/// What all of a gateway shares.
#[derive(Debug)]
pub(crate) struct Shared {
    fetch: Arc<dyn Fetch>,
    /// Whether it has a certificate to show.
    certified: bool,
    document_fetch: Arc<dyn Fetch>,
    /// The first seals, all open. Never empty.
    keys: Vec<SealKey>,
    /// Whether the keys are those of files, which other replicas have, too.
    from_files: bool,
    store: store::Named,
}

/// What happens to a key file that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It is made, for the one gateway that runs with this configuration.
    Create,
    /// Nothing is written; a key of this process alone takes its place.
    Pretend,
}

impl Shared {
    /// Reads the key files, and sets the store up without connecting to it.
    pub(crate) fn open(config: &Config, missing: Missing) -> Result<Self, BuildError> {
        let (file, state) = (&config.file, &config.state);
        let fetch = outbound::client(file, &config.outbound)?;
        let document_fetch = outbound::document_client(file, &config.outbound)?;
        let from_files = !state.key_files.is_empty();
        let certified = config.outbound.certificate.is_some();
        let (keys, store) = (keys(file, state, missing)?, store::of(file, state)?);
        Ok(Self { fetch, certified, document_fetch, keys, from_files, store })
    }

    /// What asks providers, and whoever publishes keys.
    pub(crate) fn fetch(&self) -> Arc<dyn Fetch> {
        self.fetch.clone()
    }

    /// The same, where it has a certificate to show.
    pub(crate) fn certificate(&self) -> Option<Arc<dyn Fetch>> {
        self.certified.then(|| self.fetch.clone())
    }

    /// What fetches clients' metadata documents, whose URLs are written by whoever asks.
    pub(crate) fn document_fetch(&self) -> Arc<dyn Fetch> {
        self.document_fetch.clone()
    }

    /// Where it is recorded what was used.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        self.store.store.clone()
    }

    /// What is wrong with the store, if anything.
    pub(crate) async fn store_fault(&self) -> Option<String> {
        self.store.fault().await
    }

    /// Session ids that clients may keep over a restart, where a key file is.
    pub(crate) fn session(&self) -> Result<SessionLayer, SessionConfigError> {
        let keys = self.keys_for(SESSIONS)?;
        let (first, rest) = keys.split_first().ok_or(SessionConfigError::Randomness)?;
        rest.iter().try_fold(SessionLayer::with_key(first)?, SessionLayer::previous_key)
    }

    /// What an authorization server of ours gives to clients to keep.
    pub(crate) fn facade_sealer(&self) -> Result<Sealer, SealKeyError> {
        self.sealer(FACADE)
    }

    /// Where replicas share the tokens that callers' were exchanged for; `None` where there is no such store, or where
    /// nobody else could open what is in it.
    pub(crate) fn issued_tokens(&self) -> Result<Option<Arc<dyn SharedTokens>>, SealKeyError> {
        if !self.from_files {
            return Ok(None);
        }
        Ok(self.store.issued_tokens(self.sealer(ISSUED)?))
    }

    fn sealer(&self, label: &str) -> Result<Sealer, SealKeyError> {
        let keys = self.keys_for(label)?;
        let (first, rest) = keys.split_first().ok_or(SealKeyError::Length)?;
        rest.iter().try_fold(Sealer::new(first, Arc::new(AwsLc::new()))?, Sealer::previous)
    }

    fn keys_for(&self, label: &str) -> Result<Vec<SealKey>, SealKeyError> {
        self.keys.iter().map(|key| key.subkey(label, &AwsLc::new())).collect()
    }
}

fn keys(file: &Source, state: &State, missing: Missing) -> Result<Vec<SealKey>, BuildError> {
    if state.key_files.is_empty() {
        let at = crate::config::Position { line: 1, column: 1 };
        let key = key_file::random().map_err(|e| BuildError::new(file, at, e))?;
        return Ok(vec![SealKey::from_bytes(key)]);
    }
    let mut keys = Vec::new();
    for (index, path) in state.key_files.iter().enumerate() {
        // A key that is to open what it sealed before cannot be made now; and of replicas each would make its own.
        let may_be_made = index == 0 && !state.replicated;
        let key = match key_file::read(&path.value) {
            Ok(None) if may_be_made && missing == Missing::Create => key_file::create(&path.value),
            Ok(None) if may_be_made => key_file::random().map(SealKey::from_bytes),
            Ok(None) if state.replicated => Err(format!(
                "`{}` is not there, and with several replicas none is made: `openssl rand -base64 32` makes one for all",
                path.value.display()
            )),
            Ok(None) => {
                Err(format!("`{}` is not there: only the first key file is made", path.value.display()))
            }
            Ok(Some(key)) => Ok(key),
            Err(error) => Err(error),
        };
        keys.push(key.map_err(|e| BuildError::new(file, path.at, format_args!("state.keyFile: {e}")))?);
    }
    Ok(keys)
}
