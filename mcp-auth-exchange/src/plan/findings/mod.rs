//! What a provider will refuse, said before the first request.

mod entra;
mod metadata;

use std::fmt;

use super::{ActorRule, AudienceRule, ExchangePlan, MAX_STEPS, Step, SubjectRule};
use crate::TokenTypeUri;
use crate::provider::{ExchangeGrant, Need};

pub(super) use metadata::of_metadata;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// It may be what was meant.
    Warning,
    /// It cannot work.
    Error,
}

/// Something about a plan that the provider will refuse, or that is probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    severity: Severity,
    id: &'static str,
    text: String,
}

impl Finding {
    fn error(id: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Error, id, text: text.into() }
    }

    fn warning(id: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, id, text: text.into() }
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// A stable name.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// What is wrong, and what to do about it.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

pub(super) fn of_plan(plan: &ExchangePlan, inbound_audiences: &[&str]) -> Vec<Finding> {
    let steps = plan.steps();
    if steps.is_empty() || steps.len() > MAX_STEPS {
        return vec![Finding::error(
            "steps",
            format!("a plan has 1 to {MAX_STEPS} steps, not {}", steps.len()),
        )];
    }
    let mut all = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        let of_step =
            [parameters(step), types(step), client(step), endpoint(step), entra::of_step(step)].concat();
        all.extend(of_step.into_iter().map(|finding| {
            if steps.len() == 1 {
                finding
            } else {
                Finding { text: format!("step {}: {}", i + 1, finding.text), ..finding }
            }
        }));
    }
    all.extend(chain(steps));
    if let Some(first) = steps.first() {
        all.extend(inbound(first, inbound_audiences));
    }
    all.extend(actor(plan));
    if *plan.rules_audience() == AudienceRule::Unchecked {
        all.push(Finding::warning(
            "audience_unchecked",
            "`aud` of the issued token is not checked: say which audience it has to have, or ask for one by name",
        ));
    }
    if steps.len() > 1 && *plan.rules_subject() == SubjectRule::Unchecked {
        all.push(Finding::warning("subject_unchecked", subject_unchecked(steps)));
    }
    all
}

fn subject_unchecked(steps: &[Step]) -> &'static str {
    let jag = steps.iter().rev().nth(1).filter(|step| step.requested() == Some(&TokenTypeUri::ID_JAG));
    match jag.map(|step| step.profile.subject_claim) {
        Some(Some(_)) => {
            "the user of the token that the second server issues is not compared with the caller, since that server \
             may call him otherwise: it finds him by the ID-JAG, whose `sub` is compared where it can be read; require \
             the same `sub` where both servers have one name"
        }
        Some(None) => {
            "neither the user of the ID-JAG nor that of the token that the second server issues is compared with the \
             caller: require the same `sub` where they have one name"
        }
        None => {
            "the user of the issued token is not compared with the caller: with several steps nothing says that they have \
         one name; require the same `sub` where they do"
        }
    }
}

fn parameters(step: &Step) -> Vec<Finding> {
    let profile = &step.profile;
    let name = profile.name();
    let mut all = Vec::new();
    for (parameter, need, there) in [
        ("audience", profile.audience, !step.audiences.is_empty()),
        ("resource", profile.resource, !step.resources.is_empty()),
        ("scope", profile.scope, !step.sent_scope().is_empty()),
    ] {
        match (need, there) {
            (Need::Required, false) => {
                all.push(Finding::error(
                    "missing_parameter",
                    format!("{name} needs `{parameter}`: without it there is no token for the downstream"),
                ));
            }
            (Need::Advised, false) => {
                all.push(Finding::warning("missing_parameter", format!("without `{parameter}` {name} answers with a token that is probably not for the downstream")));
            }
            (Need::Refused, true) => {
                all.push(Finding::error(
                    "refused_parameter",
                    format!("{name} refuses requests with `{parameter}`"),
                ));
            }
            (Need::Ignored, true) => {
                all.push(Finding::warning(
                    "ignored_parameter",
                    format!("{name} does not look at `{parameter}`"),
                ));
            }
            _ => {}
        }
    }
    let exchange = profile.grant == ExchangeGrant::TokenExchange;
    let assertion = profile.grant == ExchangeGrant::JwtBearer;
    let vault = profile.grant == ExchangeGrant::TokenVault;
    for (parameter, there, sent) in [
        ("audience", !step.audiences.is_empty(), exchange),
        ("resource", !step.resources.is_empty(), exchange || assertion),
        ("authorization_details", step.authorization_details.is_some(), exchange || assertion),
        ("connection", step.connection.is_some(), vault),
        ("login_hint", step.login_hint.is_some(), vault),
    ] {
        if there && !sent {
            all.push(Finding::error(
                "unsent_parameter",
                format!("the request to {name} has no place for `{parameter}`"),
            ));
        }
    }
    if step.audiences.len() > 1 && !profile.several_audiences {
        all.push(Finding::error("several_audiences", format!("{name} takes one `audience`")));
    }
    let dropped: Vec<&str> =
        step.wanted_scope.iter().filter(|s| profile.dropped_scopes.contains(s)).collect();
    if !dropped.is_empty() {
        let dropped = dropped.join(" ");
        all.push(Finding::warning(
            "dropped_scope",
            format!("{name} refuses the scope `{dropped}` in an exchange: it is left out of the request"),
        ));
    }
    if vault && step.connection.is_none() {
        all.push(Finding::error(
            "missing_parameter",
            format!("{name} needs `connection`: which account's token is wanted"),
        ));
    }
    if vault && let Some(parameter) = step.parameter_twice(&step.parameters) {
        all.push(Finding::error(
            "parameter_twice",
            format!("`{parameter}` is set, and is among the parameters too: say it once"),
        ));
    }
    all
}

fn types(step: &Step) -> Vec<Finding> {
    let profile = &step.profile;
    let (name, sent) = (profile.name(), &profile.subject_token_type);
    let accepted = profile.subject_token_types;
    if !accepted.is_empty() && !accepted.contains(sent) {
        return vec![Finding::error(
            "subject_token_type",
            format!("{name} does not take subject tokens of type `{sent}`"),
        )];
    }
    if profile.reserved_types.iter().any(|space| is_in(sent.as_str(), space)) {
        return vec![Finding::error(
            "subject_token_type",
            format!(
                "`{sent}` is reserved at {name}: it needs a URI of your own, as the exchange profile there has it"
            ),
        )];
    }
    Vec::new()
}

/// Whether a URI is in a namespace: the URN or the host itself, not one whose name begins so.
fn is_in(uri: &str, space: &str) -> bool {
    let (Some(start), Some(rest)) = (uri.get(..space.len()), uri.get(space.len()..)) else { return false };
    start.eq_ignore_ascii_case(space) && (rest.is_empty() || rest.starts_with([':', '/', '?', '#']))
}

fn client(step: &Step) -> Vec<Finding> {
    let method = step.client.method();
    let refused = step.profile.refused_methods.contains(&method);
    let identified = step.client.client_id().is_some();
    if refused {
        return vec![Finding::error(
            "client_method",
            format!("{} does not take client authentication `{method}` for this grant", step.profile.name()),
        )];
    }
    if method == "none" && identified {
        return vec![Finding::warning(
            "public_client",
            "the client has no secret and no key: whoever gets a user's token can exchange it as this client",
        )];
    }
    Vec::new()
}

fn endpoint(step: &Step) -> Vec<Finding> {
    let uri = step.endpoint.uri();
    let mut all = Vec::new();
    if let Some((_, why)) = step.profile.refused_path.filter(|(path, _)| *path == uri.path()) {
        all.push(Finding::error("refused_endpoint", why));
    }
    if step.dpop.is_some() && step.target().is_none() {
        all.push(Finding::error("dpop_endpoint", "the endpoint's URL cannot stand in a DPoP proof"));
    }
    all
}

/// Whether the actor that the rules require can be there.
fn actor(plan: &ExchangePlan) -> Option<Finding> {
    let required = matches!(plan.issued_rules().actor, ActorRule::Required(_));
    let last = plan.steps().last()?;
    if !required || plan.takes_actor() || last.profile.writes_actor {
        return None;
    }
    let name = last.profile.name();
    Some(Finding::warning(
        "actor",
        format!(
            "the rules require an actor (`act`) in the issued token, and {name} is sent no actor's token, which it does \
             not take in this exchange: unless it adds one of its own, every token is refused"
        ),
    ))
}

/// What one step brings has to be what the next takes.
fn chain(steps: &[Step]) -> Vec<Finding> {
    let pairs = steps.iter().zip(steps.iter().skip(1));
    let mut all = Vec::new();
    for (before, after) in pairs {
        let brings = before.requested();
        let own = after.endpoint == before.endpoint;
        if brings == Some(&TokenTypeUri::ID_JAG) && after.profile.grant != ExchangeGrant::JwtBearer {
            all.push(Finding::error(
                "chain",
                "an ID-JAG is redeemed with the JWT bearer grant, and nothing else",
            ));
        }
        if brings == Some(&TokenTypeUri::ID_JAG) && own {
            all.push(Finding::error(
                "chain",
                "an ID-JAG must not be redeemed at the server that issued it: nothing is gained by it",
            ));
        }
        if before.dpop.is_some() && brings != Some(&TokenTypeUri::ID_JAG) {
            all.push(Finding::warning(
                "chain",
                "what a step brings is bound to a key, and the next step may not take it as a subject token",
            ));
        }
    }
    if steps.last().and_then(Step::requested) == Some(&TokenTypeUri::ID_JAG) {
        all.push(Finding::error(
            "chain",
            "an ID-JAG is no token for a downstream: a step is missing that redeems it",
        ));
    }
    all
}

fn inbound(step: &Step, inbound_audiences: &[&str]) -> Vec<Finding> {
    let Some(client) = step.client.client_id() else { return Vec::new() };
    let profile = &step.profile;
    let app_uri = format!("api://{client}");
    let there = inbound_audiences.iter().any(|aud| *aud == client || *aud == app_uri);
    if inbound_audiences.is_empty() || !profile.client_in_subject_audience || there {
        return Vec::new();
    }
    let what_to_do = match profile.grant {
        ExchangeGrant::OnBehalfOf => {
            "let users get tokens for it, unless one of those is its Application ID URI"
        }
        _ => {
            "add an audience mapper for it to the client that the users log in with, or to one of its client scopes"
        }
    };
    let (name, accepted) = (profile.name(), inbound_audiences.join("`, `"));
    vec![Finding::warning(
        "not_in_subject_audience",
        format!(
            "{name} exchanges a token only for a client in its audience: the gateway accepts inbound tokens for \
             `{accepted}`, and they also need `{client}`; {what_to_do}"
        ),
    )]
}
