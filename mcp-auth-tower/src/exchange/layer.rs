use std::sync::Arc;

use http::Extensions;
use http::request::Parts;
use mcp_auth_core::Principal;
use mcp_auth_core::dpop::TargetUri;
use mcp_auth_core::mcp::McpCall;
use mcp_auth_core::policy::Context;
use mcp_auth_discovery::{ResourceIdentifier, Scopes};
use mcp_auth_exchange::plan::{ExchangePlan, ExchangePlans, Subject};
use tower_layer::Layer;

use super::exchanger::Asking;
use super::settings::{Inbound, Place};
use super::{
    ActorTokens, Exchange, ExchangeConfigError, ExchangeRefusal, ExchangeSettings, Exchanger,
    RequestParameters, WorkloadTokens, check_token_header,
};
use crate::body::ResponseBody;
use crate::client::FetchUrl;
use crate::extension::Authenticated;
use crate::rejection::{ChallengeContext, Rejection, RejectionReason};

/// Puts [`Exchange`] in front of a service.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ExchangeLayer {
    /// `None`: requests go on as they are.
    shared: Option<Arc<Shared>>,
}

#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) plans: ExchangePlans,
    pub(super) exchanger: Exchanger,
    pub(super) tenant: Arc<str>,
    pub(super) place: Place,
    pub(super) downstream: Option<Downstream>,
    pub(super) actor: Option<Arc<dyn ActorTokens>>,
    pub(super) may_act: bool,
    pub(super) parameters: Option<Arc<dyn RequestParameters>>,
    pub(super) inbound: Vec<Inbound>,
    pub(super) challenge: Option<Arc<ChallengeContext>>,
    pub(super) workload: Arc<WorkloadTokens>,
}

/// Where the service is called, for proofs.
#[derive(Clone, Debug)]
pub(super) struct Downstream {
    pub(super) target: TargetUri,
    /// By which its nonces are remembered, apart from those of token endpoints.
    pub(super) origin: Box<str>,
}

impl Downstream {
    fn new(target: TargetUri) -> Self {
        let origin = url::Url::parse(target.as_str()).map(|url| url.origin().ascii_serialization());
        Self { origin: format!("downstream {}", origin.unwrap_or_default()).into(), target }
    }
}

impl ExchangeLayer {
    /// A layer that exchanges as `settings` say.
    ///
    /// # Errors
    ///
    /// [`ExchangeConfigError`].
    pub fn new(settings: ExchangeSettings) -> Result<Self, ExchangeConfigError> {
        let exchanger = match settings.exchanger {
            Some(exchanger) => exchanger,
            None => Exchanger::builder().build()?,
        };
        check_token_header(&settings.place.header)?;
        // Who the gateway is at the provider goes into the key of what it got there.
        let files = settings.workload.identity();
        let tenant =
            if files.is_empty() { settings.tenant } else { format!("{} {files}", settings.tenant).into() };
        let shared = Shared {
            plans: settings.plans,
            exchanger,
            tenant,
            place: settings.place,
            downstream: settings.downstream.map(Downstream::new),
            actor: settings.actor,
            may_act: settings.may_act,
            parameters: settings.parameters,
            inbound: settings.inbound,
            challenge: None,
            workload: Arc::new(settings.workload),
        };
        if shared.plans.iter().next().is_none() {
            return Err(ExchangeConfigError::NoPlan);
        }
        shared.plans.iter().try_for_each(|(_, plan)| shared.check(plan))?;
        Ok(Self { shared: Some(Arc::new(shared)) })
    }

    /// Names the resource's metadata and scopes in challenges (RFC 9728 §5.1).
    pub fn challenge(mut self, resource: ResourceIdentifier, scopes: Scopes) -> Self {
        if let Some(shared) = &mut self.shared {
            Arc::make_mut(shared).challenge = Some(Arc::new(ChallengeContext { resource, scopes }));
        }
        self
    }

    /// What its exchanges share, for status pages; `None` where nothing is exchanged.
    pub fn exchanger(&self) -> Option<&Exchanger> {
        self.shared.as_deref().map(|shared| &shared.exchanger)
    }

    pub(super) fn shared(&self) -> Option<&Shared> {
        self.shared.as_deref()
    }
}

impl<S> Layer<S> for ExchangeLayer {
    type Service = Exchange<S>;

    fn layer(&self, inner: S) -> Exchange<S> {
        Exchange { inner, shared: self.shared.clone() }
    }
}

impl Shared {
    /// Whether a plan can be run with what is there.
    fn check(&self, plan: &ExchangePlan) -> Result<(), ExchangeConfigError> {
        let name = || plan.name().to_owned();
        for step in plan.steps() {
            if let Err(reason) = FetchUrl::danger_http(&step.endpoint().uri().to_string()) {
                return Err(ExchangeConfigError::Endpoint { plan: name(), reason });
            }
            let (client, parts) = (step.client(), &self.exchanger.0);
            let id = client.client_id().unwrap_or_default();
            if client.wants_workload_token() && !(self.workload.has(id) || parts.workload.has(id)) {
                return Err(ExchangeConfigError::WorkloadToken { plan: name(), client: id.to_owned() });
            }
            if let Some(certificate) = client.certificate().filter(|c| !parts.certificates.contains_key(&c.0))
            {
                return Err(ExchangeConfigError::Certificate {
                    plan: name(),
                    certificate: certificate.0.clone(),
                });
            }
        }
        if self.may_act && self.actor.is_none() {
            return Err(ExchangeConfigError::MayAct { plan: name() });
        }
        // Without this it would be impersonation where delegation was meant.
        if self.actor.is_some() && !plan.takes_actor() {
            return Err(ExchangeConfigError::Actor { plan: name() });
        }
        if plan.steps().last().is_some_and(|step| step.dpop_key().is_some()) {
            if self.downstream.is_none() {
                return Err(ExchangeConfigError::Downstream { plan: name() });
            }
            if !self.place.is_authorization() {
                let header = self.place.header.to_string();
                return Err(ExchangeConfigError::DpopHeader { plan: name(), header });
            }
        }
        Ok(())
    }

    /// Takes the caller's credential out of a request, and says what is to be asked for it. Whatever comes of it, the
    /// request has no credential any more.
    pub(super) fn enter(&self, head: &mut Parts) -> Result<Asking, RejectionReason> {
        let Some(who) = head.extensions.get::<Authenticated>() else {
            tracing::error!(target: "mcp_auth", "no Authenticated extension: put Authenticate in front of Exchange");
            return Err(RejectionReason::NotAuthenticated);
        };
        let principal = who.shared().ok_or(RejectionReason::MissingToken)?;
        self.strip(head, principal.token().map(|token| token.expose()))?;
        let plan = self.plans.choose(&principal).ok_or(ExchangeRefusal::NoPlan)?.clone();
        let mut subject = Subject::of(principal).ok_or(ExchangeRefusal::NoSubjectToken)?;
        let actor = match &self.actor {
            Some(actor) if plan.takes_actor() => Some(actor.current().ok_or(ExchangeRefusal::NoActorToken)?),
            _ => None,
        };
        if let Some(actor) = actor.as_ref().filter(|_| self.may_act) {
            subject.permits(actor).map_err(|reason| {
                tracing::info!(target: "mcp_auth", plan = plan.name(), %reason, "token not exchanged");
                ExchangeRefusal::ActorNotAllowed(reason)
            })?;
        }
        if let Some(parameters) = &self.parameters {
            let own =
                parameters.parameters(&plan, &context(head, subject.principal())).map_err(|reason| {
                    tracing::info!(target: "mcp_auth", plan = plan.name(), reason, "token not exchanged");
                    ExchangeRefusal::NoParameters
                })?;
            subject = subject.with_parameters(own);
        }
        let key = plan.cache_key(&self.tenant, &subject, actor.as_ref());
        Ok(Asking { plan, subject, actor, key, workload: self.workload.clone() })
    }

    pub(super) fn refuse<B>(
        &self,
        reason: impl Into<RejectionReason>,
        extensions: &Extensions,
    ) -> http::Response<ResponseBody<B>> {
        let rejection = Rejection::new(reason.into()).of(extensions);
        tracing::debug!(target: "mcp_auth", code = rejection.code(), "request refused");
        let id = rejection.call().and_then(|call| call.id.clone());
        rejection.into_response(self.challenge.as_deref(), id.as_deref())
    }
}

/// What expressions see: the request as it is by now, without credentials.
fn context<'c>(head: &'c Parts, principal: &'c Principal) -> Context<'c> {
    let context = Context::new(Some(principal))
        .request(head.method.as_str(), head.uri.path(), None)
        .headers(&head.headers)
        .query(head.uri.query().unwrap_or_default());
    match head.extensions.get::<McpCall>() {
        Some(call) => context.call(call),
        None => context,
    }
}

impl From<ExchangeRefusal> for RejectionReason {
    fn from(refusal: ExchangeRefusal) -> Self {
        Self::Exchange(refusal)
    }
}
