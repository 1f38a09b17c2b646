//! An authorization server of ours as `check` shows it.

use std::fmt;
use std::time::Duration;

use mcp_auth_discovery::facade::FacadeEndpoint;
use mcp_auth_exchange::facade::ConsentPolicy;
use mcp_auth_tower::facade::FacadeServer;
use serde::Serialize;

use crate::config::{self, Client, Config, Store, Tokens};
use crate::route::Facades;
use crate::telemetry::complain;

/// How long a provider's metadata is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// An authorization server, and what it offers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Server {
    pub(crate) issuer: String,
    pub(crate) provider: &'static str,
    pub(crate) provider_issuer: String,
    /// Who we are at the provider.
    pub(crate) client: String,
    pub(crate) resources: Vec<String>,
    pub(crate) metadata: String,
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    pub(crate) revocation_endpoint: String,
    pub(crate) jwks_uri: String,
    /// `None`: clients cannot register.
    pub(crate) registration_endpoint: Option<String>,
    /// The redirect URI of our client at the provider.
    pub(crate) callback: String,
    pub(crate) registration: &'static str,
    pub(crate) client_metadata_documents: bool,
    pub(crate) configured_clients: usize,
    pub(crate) consent: &'static str,
    pub(crate) tokens: &'static str,
    pub(crate) keys: String,
    pub(crate) store: &'static str,
    /// What may go wrong with this provider. `None`: it was not asked.
    pub(crate) findings: Option<Vec<String>>,
}

impl Server {
    /// All of a file.
    pub(crate) fn all(config: &Config, facades: &Facades) -> Vec<Self> {
        let routes = config.binds.iter().flat_map(|bind| &bind.listeners).flat_map(|l| &l.routes);
        let written: Vec<&config::Facade> = routes
            .filter_map(|route| route.policies.mcp_authentication.as_ref()?.facade.as_deref())
            .collect();
        facades
            .iter()
            .filter_map(|server| {
                let from = written.iter().find(|facade| facade.issuer() == server.issuer())?;
                Some(Self::of(config, from, server))
            })
            .collect()
    }

    fn of(config: &Config, from: &config::Facade, server: &FacadeServer) -> Self {
        let facade = server.facade();
        let at = |endpoint| facade.metadata().url(endpoint).to_string();
        let document = facade.metadata().authorization_server(None);
        let metadata = facade.metadata().issuer().metadata_urls().next();
        Self {
            issuer: server.issuer().to_owned(),
            provider: facade.provider().kind().name(),
            provider_issuer: facade.provider().issuer().to_owned(),
            client: match &from.client {
                None => "one for each client, registered there".to_owned(),
                Some(Client::Anonymous) => "none".to_owned(),
                Some(Client::Public(id)) => format!("`{id}`, without a secret, for all clients"),
                Some(Client::Secret(id, ..)) => format!("`{id}`, for all clients"),
                Some(Client::Key(id, _)) => format!("`{id}`, by assertions that it signs, for all clients"),
                Some(Client::Certificate(id, _)) => format!("`{id}`, by its certificate, for all clients"),
                Some(Client::Workload(id, _)) => format!("`{id}`, by the workload's token, for all clients"),
            },
            resources: facade.resources().map(|r| r.identifier().as_str().to_owned()).collect(),
            metadata: metadata.map(|url| url.to_string()).unwrap_or_default(),
            authorization_endpoint: at(FacadeEndpoint::Authorize),
            token_endpoint: at(FacadeEndpoint::Token),
            revocation_endpoint: at(FacadeEndpoint::Revoke),
            jwks_uri: at(FacadeEndpoint::Keys),
            registration_endpoint: document.registration_endpoint.map(|url| url.to_string()),
            callback: facade.callback().to_string(),
            registration: match &from.registration {
                None => "no",
                Some(rules) if rules.initial_access_token.is_some() => "with an initial access token",
                Some(_) => "open",
            },
            client_metadata_documents: facade.takes_client_documents(),
            configured_clients: from.clients.len(),
            consent: match from.consent {
                ConsentPolicy::SharedUpstreamClient => "where our client at the provider is shared",
                _ => "every client",
            },
            tokens: match from.tokens {
                Tokens::PassThrough => "the provider's",
                Tokens::Own(_) => "our own",
            },
            keys: match config.state.key_files.as_slice() {
                [] => "of this process alone".to_owned(),
                [first] => first.value.display().to_string(),
                [first, rest @ ..] => format!("{}, and {} that open", first.value.display(), rest.len()),
            },
            store: match config.state.store {
                Store::Memory => "memory",
                Store::Redis(_) => "Redis",
            },
            findings: None,
        }
    }

    /// Writes to the log what is offered.
    pub(crate) fn log(&self) {
        tracing::info!(
            target: "mcp_auth_gateway",
            issuer = self.issuer,
            provider = self.provider,
            provider_issuer = self.provider_issuer,
            client = self.client,
            registration = self.registration,
            client_metadata_documents = self.client_metadata_documents,
            tokens = self.tokens,
            keys = self.keys,
            store = self.store,
            "authorization server"
        );
    }

    /// Asks each provider for its metadata, and notes what may go wrong with it. Says what it does meanwhile.
    pub(super) async fn ask_all(servers: &mut [Self], facades: &Facades) {
        for (this, server) in servers.iter_mut().zip(facades.iter()) {
            complain(format_args!("asking {} for its metadata", this.provider_issuer));
            this.findings = Some(ask(server).await);
        }
    }
}

async fn ask(server: &FacadeServer) -> Vec<String> {
    let settled = async {
        loop {
            server.prefetch();
            let status = server.status();
            if let Some(error) = status.metadata.last_error {
                return vec![format!("the provider's metadata cannot be had: {error}")];
            }
            if status.metadata.fetched_at.is_some() {
                return status.findings;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let late = || vec![format!("the provider's metadata was not there after {PATIENCE:?}")];
    tokio::time::timeout(PATIENCE, settled).await.unwrap_or_else(|_| late())
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "authorization server {}, in front of {} {}",
            self.issuer, self.provider, self.provider_issuer
        )?;
        writeln!(f, "  for {}", self.resources.join(", "))?;
        writeln!(f, "  metadata {}", self.metadata)?;
        writeln!(f, "  authorize {}", self.authorization_endpoint)?;
        writeln!(f, "  token {}", self.token_endpoint)?;
        writeln!(f, "  revoke {}", self.revocation_endpoint)?;
        writeln!(f, "  keys {}", self.jwks_uri)?;
        if let Some(register) = &self.registration_endpoint {
            writeln!(f, "  register {register} ({})", self.registration)?;
        }
        let documents = if self.client_metadata_documents { "yes" } else { "no" };
        writeln!(
            f,
            "  client metadata documents {documents}, configured clients {}",
            self.configured_clients
        )?;
        writeln!(f, "  our client at the provider: {}; its redirect URI is {}", self.client, self.callback)?;
        writeln!(f, "  consent {}; tokens are {}", self.consent, self.tokens)?;
        writeln!(f, "  sealed with the key {}; store {}", self.keys, self.store)?;
        match self.findings.as_deref() {
            None => writeln!(f, "  the provider was not asked (`--ask-providers` does)"),
            Some([]) => writeln!(f, "  the provider's metadata is as it should be"),
            Some(findings) => findings.iter().try_for_each(|finding| writeln!(f, "  warning: {finding}")),
        }
    }
}
