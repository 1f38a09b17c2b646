//! Reading, changing and ending a registration (RFC 7592 §2).
//!
//! The identifier stays what it was, so that a change is a record in the store, for as long as the registration lasts.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use mcp_auth_core::UnixTime;
use mcp_auth_core::seal::Purpose;
use mcp_auth_discovery::Secret;
use mcp_auth_discovery::registration::{ClientRegistrationResponse, ClientUpdateRequest};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::super::answer::{Answer, ClientLabel, Event};
use super::super::client::{ClientRecord, MAX_CLIENT_ID_BYTES, SealedClient, digest, read_digest};
use super::super::parameters::Parameters;
use super::super::run::{Context, Input, Step};
use super::super::state::ClientDigest;
use super::super::store::{StoreCommand, StoreEntry};
use super::super::{Facade, Refusal};
use super::sealed::TokenContent;
use super::{bearer, check_body, fault, invalid};

pub(super) struct Manage {
    method: Method,
    body: Bytes,
    client_id: String,
    token: Secret,
    content: TokenContent,
    state: State,
}

enum State {
    /// Waits for what the store knows of the client.
    Record(Box<SealedClient>),
    /// Waits until the change is kept.
    Changing(Box<SealedClient>),
    Ending,
    /// Waits for the provider to end its registration.
    EndingUpstream,
    Over,
}

impl Manage {
    pub(super) fn begin(
        facade: &Facade,
        request: &Request<Bytes>,
        context: &Context<'_>,
    ) -> Result<(Self, Step), Box<Answer>> {
        let refused = |refusal| Box::new(Answer::refused(refusal));
        if ![Method::GET, Method::PUT, Method::DELETE].contains(request.method()) {
            return Err(Box::new(Answer::method("POST, GET, PUT, DELETE")));
        }
        if *request.method() == Method::PUT {
            check_body(request).map_err(fault)?;
        }
        let parameters = Parameters::of_query(request).map_err(refused)?;
        // Whatever is wrong, the answer is that the token is not valid (RFC 7592 §2).
        let invalid = || refused(Refusal::RegistrationToken);
        let client_id = parameters.get("client_id").filter(|id| id.len() <= MAX_CLIENT_ID_BYTES);
        let client_id = client_id.ok_or_else(invalid)?.to_owned();
        let token = bearer(request.headers()).ok_or_else(invalid)?;
        let bound = ClientDigest::of(&client_id);
        let content = facade.open(Purpose::RegistrationToken, bound.as_str(), token.expose(), context.now);
        let content = content.ok_or_else(invalid)?;
        let sealed = facade.open(Purpose::ClientId, "", &client_id, context.now).ok_or_else(invalid)?;
        let name = facade.client_record_name(&client_id);
        let manage = Self {
            method: request.method().clone(),
            body: request.body().clone(),
            client_id,
            token,
            content,
            state: State::Record(Box::new(sealed)),
        };
        Ok((manage, Step::Store(StoreCommand::Get { name })))
    }

    pub(super) fn step(
        &mut self,
        facade: &Facade,
        input: Input,
        context: &mut Context<'_>,
    ) -> Result<Step, Box<Answer>> {
        let refused = |refusal| Box::new(Answer::refused(refusal));
        match std::mem::replace(&mut self.state, State::Over) {
            State::Record(sealed) => {
                let record = input.value().map_err(refused)?;
                let name = facade.client_record_name(&self.client_id);
                let open = |text: String| facade.open(Purpose::StoreEntry, &name, &text, context.now);
                let sealed = match record.map(open) {
                    None => sealed,
                    Some(Some(ClientRecord::Replaced(sealed))) => sealed,
                    Some(Some(ClientRecord::Deleted) | None) => {
                        return Err(refused(Refusal::RegistrationToken));
                    }
                };
                self.act(facade, sealed, context)
            }
            State::Changing(sealed) => {
                input.kept().map_err(refused)?;
                Ok(Step::done(self.information(facade, &sealed, Event::RegistrationChanged)))
            }
            State::Ending => {
                input.kept().map_err(refused)?;
                // The client at the provider is of no use to anybody now.
                match self.content.management().and_then(|management| management.delete().ok()) {
                    Some(request) => {
                        self.state = State::EndingUpstream;
                        Ok(Step::send(request))
                    }
                    None => Ok(ended()),
                }
            }
            // Here it has ended, whatever the provider answers.
            State::EndingUpstream => Ok(ended()),
            State::Over => Err(refused(Refusal::Internal)),
        }
    }

    fn act(
        &mut self,
        facade: &Facade,
        mut sealed: Box<SealedClient>,
        context: &mut Context<'_>,
    ) -> Result<Step, Box<Answer>> {
        let refused = |refusal| Box::new(Answer::refused(refusal));
        if self.method == Method::GET {
            return Ok(Step::done(self.information(facade, &sealed, Event::RegistrationRead)));
        }
        context.client = Some(ClientLabel::new(&self.client_id, sealed.name.as_deref()));
        let expires_at = facade.registration_end(&sealed, context.now);
        let record = if self.method == Method::DELETE {
            self.state = State::Ending;
            ClientRecord::Deleted
        } else {
            let rules = &facade.registration.redirect_uris;
            let secret = sealed.proven_secret(&self.body);
            let update = ClientUpdateRequest::parse(&self.body, rules, &self.client_id, secret.as_ref());
            let update = update.map_err(fault)?;
            let metadata = facade.registered_metadata(update.into_metadata()).map_err(fault)?;
            // A secret is given once: only its digest is here.
            if (metadata.token_endpoint_auth_method.as_deref() == Some("none")) != sealed.secret.is_none() {
                return Err(fault(invalid(
                    "a public client cannot become a confidential one, or the reverse",
                )));
            }
            sealed.describe(&metadata);
            self.state = State::Changing(sealed.clone());
            ClientRecord::Replaced(sealed)
        };
        let name = facade.client_record_name(&self.client_id);
        let random = &mut context.random;
        let value =
            facade.seal(Purpose::StoreEntry, &name, &record, Some(expires_at), random).map_err(refused)?;
        // As for a new registration: the store is not there for what would not have been taken then.
        if value.len() > MAX_CLIENT_ID_BYTES {
            return Err(fault(invalid(
                "the metadata is too long: fewer or shorter redirect URIs are needed",
            )));
        }
        Ok(Step::Store(StoreCommand::Put(StoreEntry { name, value, expires_at })))
    }

    /// The client information response (RFC 7592 §3), without the secret, which we do not have.
    fn information(&self, facade: &Facade, sealed: &SealedClient, event: Event) -> Answer {
        let response = ClientRegistrationResponse::new(self.client_id.as_str(), sealed.metadata())
            .client_id_issued_at(UnixTime::from_secs(sealed.issued_at).as_secs())
            .management(facade.management_url(&self.client_id), self.token.clone());
        Answer::unstored(response.to_http_managed(), event)
    }
}

impl SealedClient {
    /// The secret that a request brings along, when it is that of the client (RFC 7592 §2.2): only its digest is here.
    fn proven_secret(&self, body: &[u8]) -> Option<Secret> {
        #[derive(Deserialize)]
        struct Named {
            client_secret: Secret,
        }
        let named: Named = serde_json::from_slice(body).ok()?;
        let held = self.secret.as_deref().and_then(read_digest)?;
        let given = digest(named.client_secret.expose());
        bool::from(given.as_slice().ct_eq(held.as_slice())).then_some(named.client_secret)
    }
}

fn ended() -> Step {
    Step::done(Answer::empty(StatusCode::NO_CONTENT, Event::RegistrationEnded))
}
