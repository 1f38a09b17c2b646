//! The registration endpoint (RFC 7591), and the management of registrations (RFC 7592).
//!
//! A registration is not stored: the `client_id` holds it, sealed, so that it survives restarts and is known to every
//! replica. `scope` is not registered: clients register with the scopes of the first challenge and would be held to
//! them at every later step (C13). Where each client gets one at the provider, that is registered first.

mod manage;
mod sealed;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Request};
use mcp_auth_discovery::registration::{
    ClientManagement, ClientMetadata, ClientRegistrationRequest, ClientRegistrationResponse,
    RegistrationError, RegistrationErrorCode, RegistrationFailure,
};
use mcp_auth_discovery::{MAX_DOCUMENT_BYTES, Secret};
use subtle::ConstantTimeEq as _;

use self::manage::Manage;
use super::answer::{Answer, Event};
use super::run::{Context, Input, Step};
use super::upstream::UpstreamClient;
use super::{Facade, Refusal};

pub(super) struct Register(State);

enum State {
    Start(Box<Request<Bytes>>),
    /// Waits for the provider's registration.
    Registering(Box<ClientMetadata>),
    Manage(Box<Manage>),
    Over,
}

/// A client at the provider, and how it is managed there.
struct Upstream {
    client: UpstreamClient,
    management: Option<ClientManagement>,
}

impl Register {
    pub(super) fn new(request: Request<Bytes>) -> Self {
        Self(State::Start(Box::new(request)))
    }

    pub(super) fn step(&mut self, facade: &Facade, input: Input, context: &mut Context<'_>) -> Step {
        let done = match std::mem::replace(&mut self.0, State::Over) {
            State::Start(request) if *request.method() == Method::POST => {
                self.read(facade, &request, context)
            }
            State::Start(request) if facade.registration.is_managed() => {
                let (manage, step) = match Manage::begin(facade, &request, context) {
                    Ok(begun) => begun,
                    Err(answer) => return Step::Done(answer),
                };
                self.0 = State::Manage(Box::new(manage));
                Ok(step)
            }
            State::Start(_) => Err(Box::new(Answer::method("POST"))),
            State::Registering(metadata) => registered(facade, *metadata, input, context),
            State::Manage(mut manage) => {
                let step = manage.step(facade, input, context);
                self.0 = State::Manage(manage);
                step
            }
            State::Over => Err(Box::new(Answer::refused(Refusal::Internal))),
        };
        done.unwrap_or_else(Step::Done)
    }

    fn read(
        &mut self,
        facade: &Facade,
        request: &Request<Bytes>,
        context: &mut Context<'_>,
    ) -> Result<Step, Box<Answer>> {
        let refused = |refusal| Box::new(Answer::refused(refusal));
        if let Some(expected) = &facade.registration.initial_access_token {
            let token = bearer(request.headers()).ok_or_else(|| refused(Refusal::RegistrationToken))?;
            if !bool::from(token.expose().as_bytes().ct_eq(expected.expose().as_bytes())) {
                return Err(refused(Refusal::RegistrationToken));
            }
        }
        check_body(request).map_err(fault)?;
        let parsed = ClientRegistrationRequest::parse(request.body(), &facade.registration.redirect_uris);
        let asked = parsed.map_err(fault)?.into_metadata();
        let scope = asked.scope.clone();
        let metadata = facade.registered_metadata(asked).map_err(fault)?;
        if facade.upstream.is_shared() {
            return facade.register(metadata, None, context).map(Step::done).map_err(fault_or_refused);
        }
        let name = metadata.client_name.as_deref();
        let upstream = facade.upstream_registration(name, scope.as_deref(), context.metadata);
        let upstream = upstream.map_err(refused)?;
        self.0 = State::Registering(Box::new(metadata));
        Ok(Step::send(upstream))
    }
}

/// The provider's answer to the registration.
fn registered(
    facade: &Facade,
    metadata: ClientMetadata,
    input: Input,
    context: &mut Context<'_>,
) -> Result<Step, Box<Answer>> {
    let refused = |refusal| Box::new(Answer::refused(refusal));
    let response = input.response().map_err(refused)?;
    let response = match ClientRegistrationResponse::from_http(&response) {
        Ok(response) => response,
        // The provider sees our callback and the client's name: what it dislikes is the latter, if anything.
        Err(RegistrationFailure::Refused { .. }) => {
            return Err(fault(invalid("the provider does not accept the registration")));
        }
        Err(RegistrationFailure::Status(500..)) => return Err(refused(Refusal::UpstreamUnavailable)),
        Err(_) => return Err(refused(Refusal::UpstreamClient)),
    };
    let client = UpstreamClient::of_response(&response);
    let upstream = Upstream { client, management: ClientManagement::of(&response) };
    facade.register(metadata, Some(upstream), context).map(Step::done).map_err(fault_or_refused)
}

/// Why a registration came to nothing.
enum Unregistered {
    Fault(RegistrationError),
    Refused(Refusal),
}

impl From<Refusal> for Unregistered {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn fault_or_refused(unregistered: Unregistered) -> Box<Answer> {
    match unregistered {
        Unregistered::Fault(error) => fault(error),
        Unregistered::Refused(refusal) => Box::new(Answer::refused(refusal)),
    }
}

fn fault(error: RegistrationError) -> Box<Answer> {
    Box::new(Answer::unstored(error.to_http(), Event::Refused(Refusal::Registration)))
}

fn invalid(description: &'static str) -> RegistrationError {
    RegistrationError::new(RegistrationErrorCode::InvalidClientMetadata, description)
}

fn check_body(request: &Request<Bytes>) -> Result<(), RegistrationError> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(invalid("the body is not application/json"));
    }
    if request.body().len() > MAX_DOCUMENT_BYTES {
        return Err(invalid("the body is too long"));
    }
    Ok(())
}

/// The one bearer token of a request (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(token.trim()))
}
