//! `tokenExchange`: the block of `spec.backend.tokenExchange`, and what is set for the whole gateway
//! (`tokenExchange` of agentgateway's Helm values).
//!
//! | written | what is exchanged where |
//! |---|---|
//! | `entra` | on behalf of the user, at the tenant's endpoint |
//! | `elicitation.secretName` | RFC 8693, at `access_token_url` of that Secret |
//! | neither | the same with the Secret of `oidc.secretName` for the whole gateway |
//! | `elicitation.secretName: ""`, or no such Secret | at a token service of our own, which is not there yet: refused |
//!
//! A block without a server that it can exchange at does not load. It is never "off" with the caller's token going
//! through.

use std::path::PathBuf;

use mcp_auth_discovery::provider::{Provider, ProviderKind};
use mcp_auth_discovery::{Scopes, Secret};
use mcp_auth_exchange::plan::{ExchangeMode, ExchangeModeError, Step};
use mcp_auth_exchange::provider::ExchangeProfile;
use mcp_auth_exchange::{Resource, TokenEndpoint};

use super::super::error::{ConfigErrorKind, Fault, Position};
use super::super::fields::Fields;
use super::super::node::{Node, Spanned};
use super::super::secret::path;
use super::super::suggest;
use super::super::url::HttpUrl;
use super::super::warning::{Lints, WarningKind};
use super::secrets::Values;
use super::takes::{self, Overrides};
use super::{Client, Leg, Method, endpoint, profile};

/// The block.
#[derive(Clone, Debug)]
pub(super) struct TokenExchange {
    mode: ExchangeMode,
    by: By,
    method: Method,
    audiences: Vec<String>,
    resources: Vec<Resource>,
    overrides: Overrides,
    /// Whether the Secret's endpoint may be http on another machine.
    danger_plain_http: bool,
    at: Position,
}

/// With what is exchanged.
#[derive(Clone, Debug)]
enum By {
    Entra(Entra),
    /// An OAuth Secret of its own.
    Secret(Spanned<String>),
    /// That of the whole gateway.
    Default,
    /// `secretName` is empty.
    Off,
}

#[derive(Clone, Debug)]
struct Entra {
    endpoint: TokenEndpoint,
    client_id: String,
    scope: Scopes,
    secret: Spanned<String>,
    key: String,
}

/// What is set for the whole gateway.
#[derive(Clone, Debug)]
pub(crate) struct Install {
    enabled: bool,
    /// The folder in which Secrets are.
    secrets: Option<PathBuf>,
    default_secret: Option<Spanned<String>>,
    elicits: bool,
    at: Position,
}

impl Install {
    pub(in super::super) fn read(node: Node) -> Result<Self, Fault> {
        let known = ["enabled", "secrets", "oidc", "elicitation"];
        // They are about a token service of our own.
        let unsupported =
            ["issuer", "tokenExpiration", "subjectValidator", "actorValidator", "apiValidator", "port"];
        let mut fields = Fields::new(node, "tokenExchange of the file", &known, &unsupported)?;
        let at = fields.at();
        let enabled = fields.require("enabled")?.boolean("enabled")?;
        let secrets = fields.take("secrets").map(|node| path(node, "secrets")).transpose()?;
        let name = |node: Option<Node>, what| match node {
            None => Ok(None),
            Some(node) => {
                let mut fields = Fields::new(node, what, &["secretName"], &[])?;
                fields.require("secretName")?.text("secretName").map(Some)
            }
        };
        let elicitation = name(fields.take("elicitation"), "elicitation")?;
        if let Some(name) = elicitation.as_ref().filter(|name| !name.value.is_empty()) {
            let message = "`elicitation.secretName` of the whole gateway can be empty alone (off): the default Secret \
                           is `oidc.secretName`";
            return Err(Fault::new(ConfigErrorKind::Unsupported, name.at, message));
        }
        Ok(Self {
            enabled,
            secrets: secrets.map(|path| path.value),
            default_secret: name(fields.take("oidc"), "oidc")?.filled(),
            elicits: elicitation.is_none(),
            at,
        })
    }
}

impl TokenExchange {
    pub(super) fn read(node: Node) -> Result<Self, Fault> {
        // All but the first three are ours.
        let known =
            ["mode", "entra", "elicitation", "audiences", "resources", "clientAuthMethod", endpoint::DANGER];
        let known = [known.as_slice(), takes::FIELDS.as_slice()].concat();
        let mut fields = Fields::new(node, "tokenExchange", &known, &[])?;
        let at = fields.at();
        let mode = fields.text("mode")?.map(|text| read_mode(&text)).transpose()?.unwrap_or_default();
        let by = match (fields.take("entra"), fields.take("elicitation")) {
            (Some(_), Some(_)) => {
                let message = "`entra` and `elicitation` exclude each other: `entra` has its own client";
                return Err(Fault::new(ConfigErrorKind::Conflict, at, message));
            }
            (Some(node), None) => By::Entra(Entra::read(node)?),
            (None, Some(node)) => {
                let mut fields = Fields::new(node, "elicitation", &["secretName"], &[])?;
                match Some(fields.require("secretName")?.text("secretName")?).filled() {
                    Some(name) => By::Secret(name),
                    None => By::Off,
                }
            }
            (None, None) => By::Default,
        };
        let method = match fields.text("clientAuthMethod")? {
            None => Method::Post,
            Some(text) => match text.value.as_str() {
                "clientSecretPost" => Method::Post,
                "clientSecretBasic" => Method::Basic,
                "clientSecretBasicRaw" => Method::BasicRaw,
                other => {
                    let known = ["clientSecretPost", "clientSecretBasic", "clientSecretBasicRaw"];
                    return Err(Fault::unknown_word(text.at, other, "`clientAuthMethod`", &known));
                }
            },
        };
        let texts = |node: Option<Node>, field| match node {
            None => Ok(Vec::new()),
            Some(node) => node.texts(field),
        };
        let audiences = texts(fields.take("audiences"), "audiences")?.into_iter().map(|text| text.value);
        let resources = texts(fields.take("resources"), "resources")?.into_iter().map(|text| {
            let wrong = |e| Fault::invalid(text.at, format!("`resources`: {e}"));
            Resource::parse(&text.value).map_err(wrong)
        });
        let danger = fields.take(endpoint::DANGER).map(|node| node.boolean(endpoint::DANGER)).transpose()?;
        Ok(Self {
            mode,
            by,
            method,
            overrides: Overrides::read(&mut fields)?,
            danger_plain_http: danger.unwrap_or(false),
            audiences: audiences.collect(),
            resources: resources.collect::<Result<_, Fault>>()?,
            at,
        })
    }

    /// The request that it stands for.
    pub(super) fn resolve(&self, install: Option<&Install>, lints: &mut Lints) -> Result<Leg, Fault> {
        let nowhere = |message: String| Fault::new(ConfigErrorKind::Conflict, self.at, message);
        let install = match install {
            Some(install) if install.enabled => install,
            Some(install) => {
                let message = format!(
                    "`backendAuth.tokenExchange` is written, and `tokenExchange.enabled` of the file is false ({}): \
                     nothing would be exchanged; switch it on, or take this block out",
                    install.at
                );
                return Err(nowhere(message));
            }
            None => {
                let message = "`backendAuth.tokenExchange` needs `tokenExchange: {enabled: true, secrets: FOLDER}` at \
                               the top of the file: it says that tokens are exchanged, and where Secrets are";
                return Err(nowhere(message.to_owned()));
            }
        };
        if self.mode == ExchangeMode::ExchangeThenElicit && install.elicits {
            let message = "without `mode: ExchangeOnly` a user who has to consent first is asked to; elicitation is \
                           not there yet, and he gets 403";
            lints.add(WarningKind::Exchange, self.at, message);
        }
        let folder = || {
            install.secrets.as_deref().ok_or_else(|| {
                Fault::missing(
                    install.at,
                    "secrets",
                    "tokenExchange of the file: the folder in which Secrets are",
                )
            })
        };
        let leg = match (&self.by, &install.default_secret) {
            (By::Entra(entra), _) => entra.leg(&Values::read(folder()?, &entra.secret)?, self)?,
            (By::Secret(name), _) | (By::Default, Some(name)) => {
                let values = Values::read(folder()?, name)?;
                from_secret(&values, name, self, lints)?
            }
            (By::Off, _) => {
                let message = "`elicitation.secretName` is empty, which means off: what is left is a token service of \
                               our own, which is not there yet; name a Secret, or take `elicitation` out";
                return Err(nowhere(message.to_owned()));
            }
            (By::Default, _) => {
                let message = "there is no server to exchange at: no `entra`, no `elicitation.secretName`, and no \
                               `oidc.secretName` for the whole gateway; a token service of our own is not there yet";
                return Err(nowhere(message.to_owned()));
            }
        };
        let step = self.audiences.iter().fold(leg.step, |step, audience| step.audience(audience));
        let step = self.resources.iter().fold(step, |step, resource| step.resource(resource.clone()));
        Ok(Leg { step, ..leg })
    }
}

fn read_mode(text: &Spanned<String>) -> Result<ExchangeMode, Fault> {
    text.value.parse().map_err(|error| match error {
        ExchangeModeError::ElicitationOnly => {
            Fault::new(ConfigErrorKind::Unsupported, text.at, error.to_string())
        }
        _ => Fault::unknown_word(text.at, &text.value, "`mode`", &["ExchangeOnly"]),
    })
}

impl Entra {
    fn read(node: Node) -> Result<Self, Fault> {
        let known = ["tenantId", "clientId", "scope", "clientSecretRef"];
        let mut fields = Fields::new(node, "entra", &known, &[])?;
        let tenant = uuid(fields.require("tenantId")?, "tenantId")?;
        let client_id = uuid(fields.require("clientId")?, "clientId")?.value;
        let text = fields.require("scope")?.filled_text("scope")?;
        let scope =
            Scopes::parse(&text.value).map_err(|e| Fault::invalid(text.at, format!("`scope`: {e}")))?;
        let mut secret =
            Fields::new(fields.require("clientSecretRef")?, "clientSecretRef", &["name", "key"], &[])?;
        let wrong = |e: &dyn std::fmt::Display| Fault::invalid(tenant.at, format!("`tenantId`: {e}"));
        let provider = Provider::entra_v2(&tenant.value).map_err(|e| wrong(&e))?;
        // INVARIANT: the preset has one.
        let endpoint = provider.token_endpoint().unwrap_or_default();
        let endpoint = HttpUrl::parse(endpoint, "tenantId", tenant.at)?;
        Ok(Self {
            endpoint: TokenEndpoint::new(endpoint.url()).map_err(|e| wrong(&e))?,
            client_id,
            scope,
            secret: secret.require("name")?.filled_text("name")?,
            key: secret.require("key")?.filled_text("key")?.value,
        })
    }

    fn leg(&self, values: &Values, block: &TokenExchange) -> Result<Leg, Fault> {
        let client = Client::Secret(self.client_id.clone(), block.method, values.secret(&self.key)?);
        let profile = block.overrides.apply(ExchangeProfile::of(ProviderKind::EntraV2));
        let step = Step::new(profile, self.endpoint.clone(), client.without_secret()).scope(&self.scope);
        let needs_actor = block.overrides.needs_actor();
        Ok(Leg { step, client, issuer: None, dpop: false, needs_actor })
    }
}

/// An OAuth Secret: client, endpoints and scopes of a provider.
fn from_secret(
    values: &Values,
    name: &Spanned<String>,
    block: &TokenExchange,
    lints: &mut Lints,
) -> Result<Leg, Fault> {
    const KNOWN: [&str; 8] = [
        "type",
        "app_id",
        "client_id",
        "client_secret",
        "authorize_url",
        "access_token_url",
        "scopes",
        "redirect_uri",
    ];
    if values.get("type").map(Secret::expose) != Some("oauth") {
        return Err(values.wrong("is not an OAuth Secret: its key `type` has to be `oauth`"));
    }
    for key in values.keys() {
        if !KNOWN.contains(&key) {
            let (hint, known) = (suggest::hint(key, &KNOWN), suggest::list(&KNOWN));
            return Err(values.wrong(&format!("has an unknown key `{key}`{hint} (known keys: {known})")));
        }
    }
    let url = |key: &'static str| {
        let value = values.require(key)?;
        // Without the text: somebody may have swapped two keys.
        let wrong = || values.wrong(&format!("has a key `{key}` that is no http or https URL"));
        HttpUrl::parse(value.expose(), key, name.at).map_err(|_| wrong())
    };
    let endpoint = url("access_token_url")?;
    endpoint::refuse_plain(&endpoint, "access_token_url", name.at, block.danger_plain_http, lints)?;
    for key in ["authorize_url", "redirect_uri"] {
        if values.get(key).is_some() {
            // For consent: looked at now, so that it is right when it is needed.
            url(key)?;
        }
    }
    let endpoint = TokenEndpoint::insecure_http(endpoint.url())
        .map_err(|e| values.wrong(&format!("has a key `access_token_url` that cannot be used: {e}")))?;
    let label = values.get("app_id").map(Secret::expose).unwrap_or_default();
    if label == "entra" {
        return Err(values.wrong("has `app_id` `entra`: Entra has a block of its own, `tokenExchange.entra`"));
    }
    // A label that nobody knows is a provider of which nothing is known: as the standard has it.
    let profile = block.overrides.apply(profile::named(label).unwrap_or_else(ExchangeProfile::rfc8693));
    let client_id = values.require("client_id")?.expose().to_owned();
    let method = block.method.fits(&client_id);
    let method =
        method.map_err(|message| values.wrong(&format!("has a `client_id` that does not do: {message}")))?;
    let client = Client::Secret(client_id, method, values.secret("client_secret")?);
    let mut step = Step::new(profile, endpoint, client.without_secret());
    if let Some(scopes) = values.get("scopes") {
        let wrong = |e| values.wrong(&format!("has a key `scopes` that is no list of scopes: {e}"));
        step = step.scope(&Scopes::parse(scopes.expose()).map_err(wrong)?);
    }
    Ok(Leg { step, client, issuer: None, dpop: false, needs_actor: block.overrides.needs_actor() })
}

/// An identifier of Entra.
fn uuid(node: Node, field: &'static str) -> Result<Spanned<String>, Fault> {
    let text = node.filled_text(field)?;
    let lengths = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = text.value.split('-').collect();
    let fits = groups.len() == lengths.len()
        && groups
            .iter()
            .zip(lengths)
            .all(|(group, length)| group.len() == length && group.bytes().all(|b| b.is_ascii_hexdigit()));
    if fits { Ok(text) } else { Err(Fault::invalid(text.at, format!("`{field}` must be a UUID"))) }
}

/// An empty name means off.
trait Filled {
    fn filled(self) -> Option<Spanned<String>>;
}

impl Filled for Option<Spanned<String>> {
    fn filled(self) -> Option<Spanned<String>> {
        self.filter(|name| !name.value.is_empty())
    }
}
