//! From `backendAuth` to an exchange.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderName};
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner};
use mcp_auth_core::jwt::Algorithm;
use mcp_auth_core::policy::Context;
use mcp_auth_core::seal::SealKeyError;
use mcp_auth_exchange::dpop::DpopKey;
use mcp_auth_exchange::grant::Parameters;
use mcp_auth_exchange::plan::{ExchangePlan, ExchangePlans};
use mcp_auth_tower::McpAuthBuilder;
use mcp_auth_tower::client::Fetch;
use mcp_auth_tower::exchange::SharedTokens;
use mcp_auth_tower::exchange::{
    ActorTokenFile, ExchangeLayer, ExchangeSettings, Exchanger, ExchangerBuilder, RequestParameters,
};

use super::build::BuildError;
use super::credential;
use crate::config::{self, Client, Position, Source};
use crate::state::Shared;

/// What the exchanges of all routes share.
#[derive(Debug)]
pub(crate) struct Exchanges {
    fetch: Arc<dyn Fetch>,
    exchanger: OnceLock<Exchanger>,
    /// What has the gateway's certificate.
    certificate: Option<Arc<dyn Fetch>>,
    /// With other replicas.
    tokens: Option<Arc<dyn SharedTokens>>,
    limits: config::ExchangeLimits,
    key: OnceLock<Arc<DpopKey>>,
    /// Each layer, and who may be at its endpoints.
    layers: Mutex<Vec<(ExchangeLayer, Vec<String>)>>,
}

/// Pauses before another try to read metadata: a provider may start after its gateway.
const PAUSES: [u64; 4] = [5, 20, 60, 300];

impl Exchanges {
    /// Providers are asked by what is shared; tokens are shared with other replicas where there is a store for them.
    pub(crate) fn new(shared: &Shared, limits: config::ExchangeLimits) -> Result<Self, SealKeyError> {
        Ok(Self {
            fetch: shared.fetch(),
            exchanger: OnceLock::new(),
            certificate: shared.certificate(),
            tokens: shared.issued_tokens()?,
            limits,
            key: OnceLock::new(),
            layers: Mutex::default(),
        })
    }

    /// Tokens, circuits and connections are those of the whole gateway.
    fn exchanger(&self) -> Result<Exchanger, String> {
        if let Some(exchanger) = self.exchanger.get() {
            return Ok(exchanger.clone());
        }
        let exchanger = self.builder().build().map_err(text)?;
        Ok(self.exchanger.get_or_init(|| exchanger).clone())
    }

    fn builder(&self) -> ExchangerBuilder {
        let mut builder = self.limits.apply(Exchanger::builder().client(self.fetch.clone()));
        if let Some(fetch) = &self.certificate {
            builder = builder.certificate(config::CERTIFICATE, fetch.clone());
        }
        match &self.tokens {
            Some(tokens) => builder.shared_tokens(tokens.clone()),
            None => builder,
        }
    }

    /// Remembers the exchange of a route, to be diagnosed after the start.
    pub(super) fn add(&self, route: &config::Route, layer: &ExchangeLayer) {
        let policies = &route.policies;
        let Some(from) = &policies.backend_auth else { return };
        let legs = from.ways.iter().flat_map(|way| &way.legs).filter_map(|leg| leg.issuer.clone());
        let inbound = policies.mcp_authentication.iter().map(|from| from.issuer.value.clone());
        let mut issuers: Vec<String> = legs.chain(inbound).collect();
        issuers.sort();
        issuers.dedup();
        self.layers.lock().unwrap_or_else(PoisonError::into_inner).push((layer.clone(), issuers));
    }

    /// Asks the providers what they say of themselves, and logs what speaks against the plans. No request waits for it.
    pub(crate) async fn diagnose(&self) {
        let mut layers = std::mem::take(&mut *self.layers.lock().unwrap_or_else(PoisonError::into_inner));
        for pause in PAUSES.map(Some).into_iter().chain([None]) {
            let mut later = Vec::new();
            for (layer, issuers) in layers {
                let issuers: Vec<&str> = issuers.iter().map(String::as_str).collect();
                let report = layer.diagnose(&issuers).await;
                for finding in &report.findings {
                    tracing::warn!(target: "mcp_auth", id = finding.finding.id(), "{finding}");
                }
                for (issuer, reason) in &report.unread {
                    let again = pause.is_some();
                    tracing::info!(target: "mcp_auth", issuer, reason, again, "metadata of a provider was not read");
                }
                if !report.unread.is_empty() {
                    later.push((layer, report.unread.into_iter().map(|(issuer, _)| issuer).collect()));
                }
            }
            layers = later;
            match pause {
                Some(secs) if !layers.is_empty() => tokio::time::sleep(Duration::from_secs(secs)).await,
                _ => return,
            }
        }
    }

    /// The key that tokens are bound to: this process's own, so that nobody has to keep it.
    fn key(&self) -> Result<Arc<DpopKey>, String> {
        if let Some(key) = self.key.get() {
            return Ok(key.clone());
        }
        let signer = AwsLcSigner::generate(Algorithm::ES256).map_err(text)?;
        let key = DpopKey::new(Arc::new(signer), &AwsLc::new()).map_err(text)?;
        Ok(self.key.get_or_init(|| Arc::new(key)).clone())
    }
}

/// The parameters that requests have of their own, by the name of the plan.
#[derive(Debug, Default)]
struct OwnParameters(Vec<(String, Vec<config::Expression>)>);

impl RequestParameters for OwnParameters {
    fn parameters(&self, plan: &ExchangePlan, context: &Context<'_>) -> Result<Parameters, String> {
        match self.0.iter().find(|(name, _)| name == plan.name()) {
            Some((_, expressions)) => config::evaluate(expressions, context),
            None => Ok(Parameters::default()),
        }
    }
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

/// Adds the exchange of a route, where it has one.
pub(super) fn exchanged(
    file: &Source,
    route: &config::Route,
    exchanges: &Exchanges,
    auth: McpAuthBuilder,
) -> Result<McpAuthBuilder, BuildError> {
    let Some(from) = &route.policies.backend_auth else { return Ok(auth) };
    let error = |at: Position, message: &dyn fmt::Display| BuildError::new(file, at, message);
    let here = |message: &dyn fmt::Display| error(from.at, message);
    // In logs, and to keep the tokens of two routes apart.
    let name = match &route.name {
        Some(name) => name.clone(),
        None => format!("route at {}", route.at),
    };
    let mut plans = ExchangePlans::new();
    let mut added = OwnParameters::default();
    for (index, way) in from.ways.iter().enumerate() {
        let name = if from.ways.len() == 1 { name.clone() } else { format!("{name} {}", index + 1) };
        let mut wrong = None;
        let plan = way.plan(&name, |leg| {
            let credential = credential::open(&leg.client).map_err(|(at, e)| {
                wrong = Some(at);
                e
            })?;
            let step = leg.with_client(credential);
            Ok(if leg.dpop { step.dpop(exchanges.key()?) } else { step })
        });
        let plan = plan.map_err(|e| error(wrong.unwrap_or(from.at), &e))?;
        if !way.own.is_empty() {
            added.0.push((name, way.own.clone()));
        }
        plans = plans.when(way.selector.clone(), plan);
    }
    let legs = || from.ways.iter().flat_map(|way| &way.legs);
    let mut settings = ExchangeSettings::new(plans);
    let files = legs().filter_map(|leg| match &leg.client {
        Client::Workload(id, path) => Some((id, path)),
        _ => None,
    });
    // A client may have another file on another route.
    let own = files.fold(None, |builder: Option<ExchangerBuilder>, (id, path)| {
        let builder = builder.unwrap_or_else(|| exchanges.builder());
        Some(builder.workload_token_file(id, &path.value))
    });
    settings = settings.exchanger(match own {
        Some(builder) => builder.build().map_err(|e| here(&e))?,
        None => exchanges.exchanger().map_err(|e| here(&e))?,
    });
    if let Some(config::Actor { file: path, token_type, may_act }) = &from.actor {
        let actor = ActorTokenFile::open(&path.value, token_type.clone()).map_err(|e| error(path.at, &e))?;
        settings = settings.actor(Arc::new(actor));
        if *may_act {
            settings = settings.enforce_may_act();
        }
    }
    if !added.0.is_empty() {
        settings = settings.parameters(Arc::new(added));
    }
    if legs().any(|leg| leg.dpop) {
        let [config::Backend::Mcp(targets)] = route.backends.as_slice() else {
            let message = "`dpop` needs a backend `mcp`, whose URL stands in the proofs";
            return Err(here(&message));
        };
        for target in targets {
            settings = settings.downstream(target.url.url().as_str()).map_err(|e| here(&e))?;
        }
    }
    let header: HeaderName = from.location.name.parse().map_err(|e| here(&e))?;
    if header == AUTHORIZATION {
        if from.location.prefix != "Bearer " {
            let message = "backendAuth.authorizationLocation: in `authorization` the prefix is `Bearer `";
            return Err(here(&message));
        }
    } else {
        settings = settings.token_header(header, &from.location.prefix);
    }
    Ok(auth.exchange_with(settings))
}
