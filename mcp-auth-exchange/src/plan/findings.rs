//! What a provider will refuse, said before the first request.

use std::fmt;

use mcp_auth_discovery::AuthorizationServerMetadata;

use super::{AudienceRule, ExchangePlan, MAX_STEPS, Step, SubjectRule};
use crate::TokenTypeUri;
use crate::grant::id_jag;
use crate::provider::{ExchangeGrant, Need};

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
        let of_step = [parameters(step), types(step), client(step), endpoint(step)].concat();
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
    if *plan.rules_audience() == AudienceRule::Unchecked {
        all.push(Finding::warning(
            "audience_unchecked",
            "`aud` of the issued token is not checked: say which audience it has to have",
        ));
    }
    if steps.len() > 1 && *plan.rules_subject() == SubjectRule::Unchecked {
        all.push(Finding::warning(
            "subject_unchecked",
            "the user of the issued token is not compared with the caller: with several steps nothing says that \
             they have one name; require the same `sub` where they do",
        ));
    }
    all
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
    if profile.grant == ExchangeGrant::TokenVault && step.connection.is_none() {
        all.push(Finding::error(
            "missing_parameter",
            format!("{name} needs `connection`: which account's token is wanted"),
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
    if name == AUTH0 && accepted.is_empty() && is_reserved_at_auth0(sent.as_str()) {
        return vec![Finding::error(
            "subject_token_type",
            format!(
                "`{sent}` is reserved at Auth0: custom token exchange needs a URI of your own, as its profile has it"
            ),
        )];
    }
    Vec::new()
}

const AUTH0: &str = "Auth0";

/// Source: Auth0 docs "Custom Token Exchange", reserved namespaces.
fn is_reserved_at_auth0(uri: &str) -> bool {
    let reserved = [
        "urn:ietf",
        "urn:auth0",
        "urn:okta",
        "https://auth0.com",
        "http://auth0.com",
        "https://okta.com",
        "http://okta.com",
    ];
    reserved.iter().any(|prefix| uri.starts_with(prefix))
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
    let id_jag = step.requested() == Some(&TokenTypeUri::ID_JAG);
    let mut all = Vec::new();
    if step.profile.name() == "Okta" && uri.path() == "/oauth2/v1/token" && !id_jag {
        all.push(Finding::error(
            "okta_org_server",
            "this is Okta's org authorization server, whose access tokens are opaque and for Okta only: use a custom \
             authorization server, `/oauth2/<authServerId>/v1/token`",
        ));
    }
    if step.dpop.is_some() && step.target().is_none() {
        all.push(Finding::error("dpop_endpoint", "the endpoint's URL cannot stand in a DPoP proof"));
    }
    all
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
    let wants_client = matches!(step.profile.name(), "Keycloak");
    if inbound_audiences.is_empty() || !wants_client || inbound_audiences.contains(&client) {
        return Vec::new();
    }
    vec![Finding::warning(
        "not_in_subject_audience",
        format!(
            "Keycloak exchanges a token only for a client in its audience: the gateway accepts inbound tokens for \
             `{}`, and they also need `{client}`; add an audience mapper for it to the client that the users log in \
             with, or to one of its client scopes",
            inbound_audiences.join("`, `")
        ),
    )]
}

pub(super) fn of_metadata(step: &Step, metadata: &AuthorizationServerMetadata) -> Vec<Finding> {
    let name = step.profile.name();
    let mut all = Vec::new();
    let lacks = |list: &Option<Vec<String>>, value: &str| {
        list.as_ref().is_some_and(|l| !l.iter().any(|v| v == value))
    };

    let configured = step.endpoint.uri().to_string();
    if metadata.token_endpoint.as_ref().is_some_and(|url| url.as_str() != configured) {
        all.push(Finding::warning(
            "endpoint",
            format!("{name}'s metadata names another token endpoint than `{configured}`"),
        ));
    }
    let grant = step.profile.grant.grant_type();
    if lacks(&metadata.grant_types_supported, grant) {
        all.push(Finding::warning(
            "grant",
            format!(
                "{name} does not advertise the grant `{grant}` (`grant_types_supported`): switch it on there"
            ),
        ));
    }
    let method = step.client.method();
    let methods = &metadata.token_endpoint_auth_methods_supported;
    if step.client.client_id().is_some() && method != "none" && lacks(methods, method) {
        let list = methods.iter().flatten().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
        all.push(Finding::warning(
            "client_method",
            format!("{name} does not advertise client authentication `{method}`: it has {list}"),
        ));
    }
    if let Some(algorithm) = step.client.signing_algorithm()
        && lacks(&metadata.token_endpoint_auth_signing_alg_values_supported, algorithm)
    {
        all.push(Finding::warning(
            "client_algorithm",
            format!("{name} does not take client assertions signed with {algorithm}"),
        ));
    }
    if let Some(key) = &step.dpop {
        match &metadata.dpop_signing_alg_values_supported {
            None => all.push(Finding::warning(
                "dpop",
                format!(
                    "{name} does not advertise DPoP: the issued token may not be bound, and is refused then"
                ),
            )),
            list if lacks(list, key.algorithm()) => {
                all.push(Finding::warning(
                    "dpop",
                    format!("{name} does not take DPoP proofs signed with {}", key.algorithm()),
                ));
            }
            _ => {}
        }
    }
    let sent = step.sent_scope();
    let unknown: Vec<&str> = sent.iter().filter(|scope| lacks(&metadata.scopes_supported, scope)).collect();
    if !unknown.is_empty() {
        all.push(Finding::warning(
            "scope",
            format!("{name} does not advertise the scope `{}`; it need not list all", unknown.join(" ")),
        ));
    }
    let other = |member: &str, value: &str| {
        let list = metadata.other.get(member)?.as_array()?;
        Some(list.iter().any(|v| v.as_str() == Some(value)))
    };
    if step.requested() == Some(&TokenTypeUri::ID_JAG)
        && other("identity_chaining_requested_token_types_supported", TokenTypeUri::ID_JAG.as_str())
            != Some(true)
    {
        all.push(Finding::warning(
            "id_jag",
            format!(
                "{name} does not advertise ID-JAGs (`identity_chaining_requested_token_types_supported`)"
            ),
        ));
    }
    if other("authorization_grant_profiles_supported", id_jag::GRANT_PROFILE) == Some(false)
        && step.profile.grant == ExchangeGrant::JwtBearer
    {
        all.push(Finding::warning(
            "id_jag",
            format!("{name} does not take ID-JAGs (`authorization_grant_profiles_supported`)"),
        ));
    }
    all
}
