//! Does what a run asks for, step by step.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use mcp_auth_discovery::facade::FacadeEndpoint;
use mcp_auth_discovery::registration::ClientRegistrationResponse;
use mcp_auth_discovery::{AuthorizationServerMetadata, Secret};
use mcp_auth_exchange::client_auth::ClientCertificate;
use mcp_auth_exchange::facade::{
    Answer, Context, Facade, Input, RandomBytes, Refusal, Run, Step, StoreCommand,
};
use mcp_auth_exchange::response::{MAX_RESPONSE_BYTES, TokenErrorCode, TokenErrorResponse, TokenResponse};
use url::Url;

use super::documents::ClientDocuments;
use super::provider::ProviderMetadata;
use crate::authenticate::AuthenticateLayer;
use crate::client::{Fetch, FetchError, FetchRequest, FetchUrl, UrlTrust};
use crate::clock::Clock;
use crate::exchange::WorkloadTokens;
use crate::random;
use crate::store::{Store, StoreError};

/// Time for one command of the store.
const STORE_TIMEOUT: Duration = Duration::from_secs(3);

/// What runs are given, and what does their steps.
pub(super) struct Driver {
    pub(super) facade: Arc<Facade>,
    pub(super) store: Arc<dyn Store>,
    pub(super) provider: ProviderMetadata,
    /// `None` where no documents are taken.
    pub(super) documents: Option<ClientDocuments>,
    /// Judges the provider's tokens, where ours stand for them.
    pub(super) validator: Option<AuthenticateLayer>,
    pub(super) fetch: Arc<dyn Fetch>,
    pub(super) certificates: HashMap<Arc<str>, Arc<dyn Fetch>>,
    pub(super) workload: WorkloadTokens,
    /// Origins that the operator wrote, or that belong to the provider by its preset.
    pub(super) origins: Vec<url::Origin>,
    pub(super) timeout: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

impl Driver {
    pub(super) async fn drive(&self, endpoint: FacadeEndpoint, mut run: Run) -> Answer {
        // Only our keys need nothing of the provider.
        let metadata = match endpoint {
            FacadeEndpoint::Keys => None,
            _ => self.provider.wait().await,
        };
        let workload_token = match endpoint {
            FacadeEndpoint::Callback | FacadeEndpoint::Token | FacadeEndpoint::Revoke => {
                self.workload_token().await
            }
            _ => None,
        };
        let mut input = Input::Start;
        loop {
            let Ok(random) = random::bytes() else {
                tracing::error!(target: "mcp_auth", "the system gave no random bytes: nobody can log in");
                return self.facade.refuse(endpoint, Refusal::Internal);
            };
            let context = self.context(random, metadata.as_deref(), workload_token.as_ref());
            input = match run.step(input, context) {
                Step::Done(answer) => return *answer,
                Step::Store(command) => self.store(command).await,
                Step::Send(request) => {
                    let answer = self.send(*request, metadata.as_deref()).await;
                    answer.map_or(Input::Failed, Input::Answered)
                }
                Step::Document(id) => match &self.documents {
                    Some(documents) => match documents.get(&id).await {
                        Some(document) => Input::Document(Box::new((*document).clone())),
                        None => Input::Failed,
                    },
                    None => Input::Failed,
                },
                Step::Validate(token) => self.validate(&token).await,
                Step::Wait(duration) => {
                    tokio::time::sleep(duration).await;
                    Input::Waited
                }
            };
        }
    }

    fn context<'c>(
        &self,
        random: [u8; mcp_auth_exchange::facade::RANDOM_BYTES],
        metadata: Option<&'c AuthorizationServerMetadata>,
        workload_token: Option<&'c Secret>,
    ) -> Context<'c> {
        let mut context = Context::new(self.clock.now(), RandomBytes::new(random));
        if let Some(metadata) = metadata {
            context = context.metadata(metadata);
        }
        if let Some(token) = workload_token {
            context = context.workload_token(token);
        }
        context
    }

    async fn workload_token(&self) -> Option<Secret> {
        let client = self.facade.upstream_client().filter(|client| client.wants_workload_token())?;
        self.workload.read(client.client_id()?).await
    }

    async fn store(&self, command: StoreCommand) -> Input {
        let asked = self.store.execute(command, self.clock.now());
        let done = match tokio::time::timeout(STORE_TIMEOUT, asked).await {
            Ok(done) => done,
            Err(_) => Err(StoreError::Timeout(STORE_TIMEOUT)),
        };
        done.map_or_else(
            |error| {
                tracing::error!(target: "mcp_auth", %error, "nothing can be recorded: requests get 503");
                Input::Failed
            },
            Input::Stored,
        )
    }

    async fn send(
        &self,
        request: Request<Bytes>,
        metadata: Option<&AuthorizationServerMetadata>,
    ) -> Option<Response<Bytes>> {
        // The endpoint was checked when the metadata was read.
        let url = match FetchUrl::parse(&request.uri().to_string()) {
            Ok(url) => url,
            Err(error) => {
                tracing::error!(target: "mcp_auth", %error, "the provider names an endpoint that is not asked");
                return None;
            }
        };
        match self.fetch(url.clone(), request).await {
            Ok(response) if response.body().len() <= MAX_RESPONSE_BYTES => {
                report(&url, metadata, &response);
                Some(response)
            }
            Ok(_) => {
                tracing::warn!(target: "mcp_auth", endpoint = %url, "the provider's answer is too long");
                None
            }
            Err(error) => {
                tracing::warn!(target: "mcp_auth", endpoint = %url, %error, "no answer from the provider");
                None
            }
        }
    }

    async fn fetch(&self, url: FetchUrl, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        let fetch = match request.extensions().get::<ClientCertificate>() {
            None => &self.fetch,
            // INVARIANT: the builder looked for it; without it nothing is sent.
            Some(name) => self
                .certificates
                .get(&name.0)
                .ok_or_else(|| FetchError::Connect(format!("no client has the certificate `{}`", name.0)))?,
        };
        let trust = self.trust_in(url.as_url());
        let request = FetchRequest::new(url, trust, MAX_RESPONSE_BYTES, self.timeout).message(request);
        let answer = tokio::time::timeout(self.timeout, fetch.fetch(request)).await;
        answer.unwrap_or(Err(FetchError::Timeout(self.timeout)))
    }

    /// A URL of an origin that the operator wrote is as good as the operator's own; the others stood in a document.
    fn trust_in(&self, url: &Url) -> UrlTrust {
        if self.origins.contains(&url.origin()) { UrlTrust::Configured } else { UrlTrust::Learned }
    }

    async fn validate(&self, token: &Secret) -> Input {
        // INVARIANT: there is one where tokens are our own.
        let Some(validator) = &self.validator else { return Input::Failed };
        match validator.validate(token.expose()).await {
            Ok(principal) => Input::Validated(principal),
            Err(rejection) => {
                let (code, reason) = (rejection.code(), rejection.reason());
                tracing::warn!(target: "mcp_auth", code, ?reason, "the provider's token is not accepted here");
                Input::Failed
            }
        }
    }
}

/// Tells the operator what the provider refuses: clients and people read only that it did.
fn report(to: &FetchUrl, metadata: Option<&AuthorizationServerMetadata>, answer: &Response<Bytes>) {
    if answer.status().is_success() {
        return;
    }
    let registration = metadata.and_then(|metadata| metadata.registration_endpoint.as_ref());
    if registration.is_some_and(|endpoint| endpoint == to.as_url()) {
        if let Err(error) = ClientRegistrationResponse::from_http(answer) {
            tracing::warn!(target: "mcp_auth", endpoint = %to, %error, "the provider does not register a client");
        }
        return;
    }
    let Err(error) = TokenResponse::from_http(answer) else { return };
    match error.refusal().map(TokenErrorResponse::code) {
        // Sessions end, and clients come with what is over.
        Some(TokenErrorCode::InvalidGrant) => {
            tracing::info!(target: "mcp_auth", endpoint = %to, %error, "the provider refuses a grant");
        }
        _ => {
            tracing::warn!(target: "mcp_auth", endpoint = %to, %error, "the provider refuses a request of ours")
        }
    }
}
