//! Which client asks at the token or revocation endpoint (RFC 6749 §2.3, §3.2.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request};
use mcp_auth_discovery::Secret;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::super::client::{Client, Found};
use super::super::parameters::Parameters;
use super::super::run::{Context, Input, Step};
use super::super::store::StoreCommand;
use super::super::{Facade, Refusal};

/// Finds the client of a request and has it prove itself.
pub(in super::super) enum Caller {
    Start(Box<Request<Bytes>>),
    /// Waits for what the store knows of it.
    Record(Parameters, Credentials, Box<Client>),
    Over,
}

pub(in super::super) enum Called {
    Step(Step),
    /// The form, and whose it is.
    By(Parameters, Box<Client>),
}

/// What a request says about its client.
pub(in super::super) struct Credentials {
    client_id: String,
    /// The secret; in a header it may or may not be form-encoded, so that there are two readings of it.
    secrets: Vec<Secret>,
}

impl Caller {
    pub(in super::super) fn new(request: Request<Bytes>) -> Self {
        Self::Start(Box::new(request))
    }

    pub(in super::super) fn step(
        &mut self,
        facade: &Facade,
        input: Input,
        context: &mut Context<'_>,
    ) -> Result<Called, Refusal> {
        match std::mem::replace(self, Self::Over) {
            Self::Start(request) => {
                if *request.method() != Method::POST {
                    return Err(Refusal::Method);
                }
                let form = Parameters::of_form(&request)?;
                let credentials = Credentials::read(&request, &form)?;
                match facade.find_client(&credentials.client_id, context.now) {
                    Found::Unknown => Err(Refusal::UnknownClient),
                    Found::Client(client) => credentials.prove(form, client, context),
                    Found::Document(url) => {
                        credentials.prove(form, Box::new(facade.client_of_url(&url)), context)
                    }
                    Found::Registered(client) => {
                        let name = facade.client_record_name(&client.id);
                        *self = Self::Record(form, credentials, client);
                        Ok(Called::Step(Step::Store(StoreCommand::Get { name })))
                    }
                }
            }
            Self::Record(form, credentials, client) => {
                let client = facade.client_after(*client, input.value()?.as_deref(), context.now)?;
                credentials.prove(form, Box::new(client), context)
            }
            Self::Over => Err(Refusal::Internal),
        }
    }
}

impl Credentials {
    fn read(request: &Request<Bytes>, form: &Parameters) -> Result<Self, Refusal> {
        let mut headers = request.headers().get_all(AUTHORIZATION).iter();
        let in_body = form.get("client_id");
        let body_secret = form.get("client_secret");
        let header = match (headers.next(), headers.next()) {
            (None, _) => {
                let client_id = in_body.ok_or(Refusal::Missing)?.to_owned();
                return Ok(Self { client_id, secrets: body_secret.map(Secret::new).into_iter().collect() });
            }
            (Some(header), None) => header,
            (Some(_), Some(_)) => return Err(Refusal::Repeated),
        };
        // Only one way per request (RFC 6749 §2.3).
        if body_secret.is_some() {
            return Err(Refusal::ClientAuthentication);
        }
        let (id, secret) = header.to_str().ok().and_then(basic).ok_or(Refusal::ClientAuthentication)?;
        let client_id = form_decoded(&id);
        if in_body.is_some_and(|other| other != client_id) {
            return Err(Refusal::ClientAuthentication);
        }
        let secrets = match secret.is_empty() {
            true => Vec::new(),
            false => vec![Secret::new(form_decoded(&secret)), Secret::new(secret.as_str())],
        };
        Ok(Self { client_id, secrets })
    }

    fn prove(
        &self,
        form: Parameters,
        client: Box<Client>,
        context: &mut Context<'_>,
    ) -> Result<Called, Refusal> {
        context.client = Some(client.label());
        let mut proven = match self.secrets.is_empty() {
            true => client.authenticate(None),
            false => Err(Refusal::ClientAuthentication),
        };
        for secret in &self.secrets {
            proven = proven.or_else(|_| client.authenticate(Some(secret.expose())));
        }
        proven.map(|()| Called::By(form, client))
    }
}

/// Identifier and secret of a Basic header (RFC 7617).
fn basic(header: &str) -> Option<(Zeroizing<String>, Zeroizing<String>)> {
    let (scheme, rest) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(rest.trim()).ok()?);
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((Zeroizing::new(id.to_owned()), Zeroizing::new(secret.to_owned())))
}

/// A text as RFC 6749 §2.3.1 has it encoded.
fn form_decoded(text: &str) -> String {
    let pair = Zeroizing::new(format!("v={}", text.replace('&', "%26")));
    form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
