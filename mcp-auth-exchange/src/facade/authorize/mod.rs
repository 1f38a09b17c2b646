//! The authorization endpoint: from the client's request to the provider's.
//!
//! ```text
//!  GET ──▶ client? ──▶ redirect URI? ──▶ request ──▶ consent? ──no──┐
//!            │ no          │ no            │ no        │ yes         ▼
//!            ▼             ▼               ▼           ▼       our client at   ──▶ 302 to the provider
//!          page          page         redirect with  page ─ POST ─▶ the provider     with our state
//!                                     `error`, `iss`       │ deny
//!                                                          ▼ redirect with `access_denied`
//! ```
//!
//! Until client and redirect URI are known to belong together nobody is redirected (RFC 6749 §4.1.2.1).

mod request;
mod send;

use bytes::Bytes;
use http::header::ORIGIN;
use http::{Method, Request};
use mcp_auth_core::seal::Purpose;
use mcp_auth_discovery::registration::{ClientRegistrationResponse, MAX_REDIRECT_URI_BYTES};

pub use request::MAX_CLIENT_STATE_BYTES;

use super::answer::{Answer, ReturnAddress};
use super::browser::Browser;
use super::client::{Authentication, Client, Found};
use super::consent::ConsentDigest;
use super::page::ConsentView;
use super::parameters::Parameters;
use super::run::{Context, Input, Step};
use super::state::Pending;
use super::store::StoreCommand;
use super::upstream::UpstreamClient;
use super::{ClientLabel, Facade, Refusal};

/// An answer that ends the run early.
type Early = Box<Answer>;

pub(super) struct Authorize(State);

enum State {
    Start(Request<Bytes>),
    /// Waits for the document of a client, or for what the store knows of it.
    Client(Asked),
    /// Waits for our client at the provider: whether the store has one, its registration, and that it was kept.
    Known(Going),
    Registering(Going),
    Keeping(Going),
    Over,
}

struct Asked {
    parameters: Parameters,
    browser: Browser,
    registered: Option<Box<Client>>,
}

/// A request that may go to the provider.
struct Going {
    pending: Pending,
    browser: Browser,
    after_form: bool,
}

impl Authorize {
    pub(super) fn new(request: Request<Bytes>) -> Self {
        Self(State::Start(request))
    }

    pub(super) fn step(&mut self, facade: &Facade, input: Input, context: &mut Context<'_>) -> Step {
        let state = std::mem::replace(&mut self.0, State::Over);
        let next = match state {
            State::Start(request) => match *request.method() {
                Method::GET => self.read(facade, &request, context),
                Method::POST => self.decided(facade, &request, context),
                _ => Err(Box::new(Answer::method("GET, POST"))),
            },
            State::Client(asked) => self.found(facade, asked, input, context),
            State::Known(going) => self.known(facade, going, input, context),
            State::Registering(going) => self.registered(facade, going, input, context),
            State::Keeping(going) => match input.kept() {
                Ok(()) => facade.send_to_provider(going, context),
                Err(refusal) => Err(going.refused(facade, refusal)),
            },
            State::Over => Err(Box::new(facade.error_page(Refusal::Internal))),
        };
        next.unwrap_or_else(Step::Done)
    }

    fn read(
        &mut self,
        facade: &Facade,
        request: &Request<Bytes>,
        context: &mut Context<'_>,
    ) -> Result<Step, Early> {
        let page = |refusal| Box::new(facade.error_page(refusal));
        let parameters = Parameters::of_query(request).map_err(page)?;
        let browser = Browser::any(facade, request, &mut context.random).map_err(page)?;
        let found = facade.find_client(parameters.required("client_id").map_err(page)?, context.now);
        let mut asked = Asked { parameters, browser, registered: None };
        match found {
            Found::Unknown => Err(page(Refusal::UnknownClient)),
            Found::Client(client) => self.ask(facade, asked, &client, context),
            Found::Registered(client) => {
                let name = facade.client_record_name(&client.id);
                asked.registered = Some(client);
                self.0 = State::Client(asked);
                Ok(Step::Store(StoreCommand::Get { name }))
            }
            Found::Document(url) => {
                self.0 = State::Client(asked);
                Ok(Step::Document(Box::new(url)))
            }
        }
    }

    fn found(
        &mut self,
        facade: &Facade,
        mut asked: Asked,
        input: Input,
        context: &mut Context<'_>,
    ) -> Result<Step, Early> {
        let page = |refusal| Box::new(facade.error_page(refusal));
        let client = match (asked.registered.take(), input) {
            (Some(client), input) => {
                let record = input.value().map_err(page)?;
                facade.client_after(*client, record.as_deref(), context.now).map_err(page)?
            }
            (None, Input::Document(document)) => {
                let client = facade.client_of_document(&document);
                // Whoever fetched it may have mixed documents up.
                if asked.parameters.get("client_id") != Some(client.id.as_str()) {
                    return Err(page(Refusal::ClientDocument));
                }
                client
            }
            (None, _) => return Err(page(Refusal::ClientDocument)),
        };
        self.ask(facade, asked, &client, context)
    }

    /// The request of a client that is known.
    fn ask(
        &mut self,
        facade: &Facade,
        asked: Asked,
        client: &Client,
        context: &mut Context<'_>,
    ) -> Result<Step, Early> {
        let page = |refusal| Box::new(facade.error_page(refusal));
        context.client = Some(client.label());
        let requested = asked.parameters.required("redirect_uri").map_err(page)?;
        let plain = requested.is_ascii() && requested.len() <= MAX_REDIRECT_URI_BYTES;
        let registered = client.redirect_uri(requested).filter(|_| plain);
        let registered = registered.ok_or_else(|| page(Refusal::RedirectUri))?;

        let state = request::state(&asked.parameters);
        let back =
            ReturnAddress { redirect_uri: requested, state: state.unwrap_or_default(), after_form: false };
        // Anybody may register, and send people here with a request that has a mistake: they are not led on to a site of
        // that client's before they were asked about it (RFC 9700 §4.11.2).
        let led_on = client.is_pre_registered() || !registered.starts_with("https://");
        let refused = |refusal| {
            Box::new(if led_on { back.refused(facade, refusal) } else { facade.error_page(refusal) })
        };
        let state = state.map_err(refused)?;
        if matches!(client.authentication, Authentication::Other) {
            return Err(refused(Refusal::ClientMethod));
        }
        let read = facade.read_authorization_request(&asked.parameters, client, requested, state);
        let mut pending = read.map_err(refused)?;

        let prompts = |prompt: &str| pending.prompts(prompt);
        let scopes = facade.consented_scopes(&pending.scope);
        let consent = ConsentDigest::of(&client.id, registered, &pending.resource, scopes);
        let remembered = registered.starts_with("https://").then_some(consent);
        let given =
            remembered.is_some_and(|consent| facade.has_consented(&asked.browser, consent, context.now));
        if !facade.asks_about(client) || given && !prompts("consent") {
            let going = Going { pending, browser: asked.browser, after_form: false };
            return self.go(facade, going, context);
        }
        if prompts("none") {
            return Err(refused(Refusal::ConsentRequired));
        }
        if let Some(before) = &mut pending.before {
            before.consent = remembered.map(ConsentDigest::to_text);
        }
        let end = context.now.plus(facade.lifetimes.login);
        let bound = &asked.browser.id;
        let ticket = facade.seal(Purpose::ConsentForm, bound, &pending, Some(end), &mut context.random);
        let ticket = ticket.map_err(|_| refused(Refusal::TooLongForProvider))?;
        let view = ConsentView { client, pending: &pending, ticket: &ticket };
        Ok(Step::done(facade.consent_page(&view).remembering(facade, &asked.browser)))
    }

    /// The user's decision, from our form in this browser.
    fn decided(
        &mut self,
        facade: &Facade,
        request: &Request<Bytes>,
        context: &mut Context<'_>,
    ) -> Result<Step, Early> {
        let page = |refusal| Box::new(facade.error_page(refusal));
        if facade.is_cross_site(request) {
            return Err(page(Refusal::CrossSite));
        }
        let form = Parameters::of_form(request).map_err(page)?;
        let mut browser = Browser::known(facade, request).ok_or_else(|| page(Refusal::ConsentForm))?;
        let ticket = form.required("ticket").map_err(page)?;
        let pending: Option<Pending> = facade.open(Purpose::ConsentForm, &browser.id, ticket, context.now);
        let pending = pending.ok_or_else(|| page(Refusal::ConsentForm))?;
        let name = pending.before.as_ref().and_then(|before| before.client_name.as_deref());
        context.client = Some(ClientLabel::new(&pending.label, name));
        match form.get("decision") {
            Some("allow") => {
                let before = pending.before.as_ref();
                let consent =
                    before.and_then(|before| before.consent.as_deref()).and_then(ConsentDigest::parse);
                if let Some(consent) = consent {
                    let sealed = facade.with_consent(&browser, consent, context.now, &mut context.random);
                    browser.consents = Some(sealed.map_err(page)?);
                }
                self.go(facade, Going { pending, browser, after_form: true }, context)
            }
            Some("deny") => Err(Box::new(pending.back(true).refused(facade, Refusal::Denied))),
            _ => Err(page(Refusal::ConsentForm)),
        }
    }

    /// Finds our client at the provider, then sends the user there.
    fn go(&mut self, facade: &Facade, going: Going, context: &mut Context<'_>) -> Result<Step, Early> {
        if going.pending.upstream.is_some() {
            return facade.send_to_provider(going, context);
        }
        let name = facade.upstream_record_name(&going.pending.client);
        self.0 = State::Known(going);
        Ok(Step::Store(StoreCommand::Get { name }))
    }

    fn known(
        &mut self,
        facade: &Facade,
        mut going: Going,
        input: Input,
        context: &mut Context<'_>,
    ) -> Result<Step, Early> {
        let record = input.value().map_err(|refusal| going.refused(facade, refusal))?;
        let name = facade.upstream_record_name(&going.pending.client);
        let open = |text: String| facade.open(Purpose::StoreEntry, &name, &text, context.now);
        going.pending.upstream = record.and_then(open);
        if going.pending.upstream.is_some() {
            return facade.send_to_provider(going, context);
        }
        let name = going.pending.before.as_ref().and_then(|before| before.client_name.as_deref());
        let request = facade.upstream_registration(name, Some(&going.pending.scope), context.metadata);
        let request = request.map_err(|refusal| going.refused(facade, refusal))?;
        self.0 = State::Registering(going);
        Ok(Step::send(request))
    }

    fn registered(
        &mut self,
        facade: &Facade,
        mut going: Going,
        input: Input,
        context: &mut Context<'_>,
    ) -> Result<Step, Early> {
        let response = input.response().map_err(|refusal| going.refused(facade, refusal))?;
        let response = ClientRegistrationResponse::from_http(&response);
        let response = response.map_err(|_| going.refused(facade, Refusal::UpstreamClient))?;
        let upstream = UpstreamClient::of_response(&response);
        let entry = facade.upstream_record(&going.pending.client, &upstream, &response, context);
        going.pending.upstream = Some(upstream);
        let entry = entry.map_err(|refusal| going.refused(facade, refusal))?;
        self.0 = State::Keeping(going);
        Ok(Step::Store(StoreCommand::Put(entry)))
    }
}

impl Going {
    fn refused(&self, facade: &Facade, refusal: Refusal) -> Early {
        Box::new(self.pending.back(self.after_form).refused(facade, refusal))
    }
}

impl Pending {
    pub(super) fn back(&self, after_form: bool) -> ReturnAddress<'_> {
        ReturnAddress { redirect_uri: &self.redirect_uri, state: self.state.as_deref(), after_form }
    }

    /// Whether the client's `prompt` has this value.
    fn prompts(&self, value: &str) -> bool {
        let passed_on = self.before.iter().flat_map(|before| &before.passed_on);
        passed_on.filter(|(name, _)| name == "prompt").any(|(_, all)| all.split(' ').any(|one| one == value))
    }
}

impl Facade {
    /// Whether a browser says that a form comes from elsewhere. The form's seal is what counts; this is a second lock.
    fn is_cross_site(&self, request: &Request<Bytes>) -> bool {
        let header = |name: &str| request.headers().get(name).map(|value| value.as_bytes());
        let own = self.callback.origin().ascii_serialization();
        header("sec-fetch-site").is_some_and(|site| site != b"same-origin")
            || header(ORIGIN.as_str()).is_some_and(|origin| origin != own.as_bytes())
    }
}
