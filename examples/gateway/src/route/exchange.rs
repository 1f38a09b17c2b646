//! From `backendAuth` to an exchange.

use std::fmt;
use std::sync::{Arc, OnceLock};

use http::header::{AUTHORIZATION, HeaderName};
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner};
use mcp_auth_core::jwt::Algorithm;
use mcp_auth_discovery::Secret;
use mcp_auth_exchange::dpop::DpopKey;
use mcp_auth_exchange::plan::{ExchangePlans, Step};
use mcp_auth_tower::McpAuthBuilder;
use mcp_auth_tower::exchange::{ActorTokenFile, ExchangeSettings, Exchanger, ExchangerBuilder};

use super::build::BuildError;
use crate::config::{self, Client, Leg, Position, SecretFrom, Source};

/// What the exchanges of all routes share.
#[derive(Debug, Default)]
pub(crate) struct Exchanges {
    exchanger: OnceLock<Exchanger>,
    key: OnceLock<Arc<DpopKey>>,
}

impl Exchanges {
    /// Tokens, circuits and connections are those of the whole gateway.
    fn exchanger(&self) -> Result<Exchanger, String> {
        if let Some(exchanger) = self.exchanger.get() {
            return Ok(exchanger.clone());
        }
        let exchanger = self.builder().build().map_err(text)?;
        Ok(self.exchanger.get_or_init(|| exchanger).clone())
    }

    fn builder(&self) -> ExchangerBuilder {
        Exchanger::builder()
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
    for (index, way) in from.ways.iter().enumerate() {
        let name = if from.ways.len() == 1 { name.clone() } else { format!("{name} {}", index + 1) };
        let plan = way.plan(&name, |leg| step(leg, exchanges)).map_err(|e| here(&e))?;
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
    if let Some((path, token_type)) = &from.actor {
        let actor = ActorTokenFile::open(&path.value, token_type.clone()).map_err(|e| error(path.at, &e))?;
        settings = settings.actor(Arc::new(actor));
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

/// One request, with the client as it authenticates.
fn step(leg: &Leg, exchanges: &Exchanges) -> Result<Step, String> {
    let secret = match &leg.client {
        Client::Secret(_, _, SecretFrom::Here(secret)) => secret.clone(),
        Client::Secret(_, _, SecretFrom::File(path)) => {
            let shown = path.value.display();
            config::read_value(&path.value).map_err(|e| format!("clientSecret: `{shown}` {e}"))?
        }
        _ => Secret::new(""),
    };
    let step = leg.with_client(leg.client.with_secret(secret));
    Ok(if leg.dpop { step.dpop(exchanges.key()?) } else { step })
}
