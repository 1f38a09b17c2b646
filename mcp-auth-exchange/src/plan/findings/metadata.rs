//! What the authorization server's metadata says against a step.

use mcp_auth_discovery::AuthorizationServerMetadata;

use super::Finding;
use crate::TokenTypeUri;
use crate::grant::id_jag;
use crate::plan::Step;
use crate::provider::ExchangeGrant;

pub(in crate::plan) fn of_metadata(step: &Step, metadata: &AuthorizationServerMetadata) -> Vec<Finding> {
    let name = step.profile.name();
    let mut all = Vec::new();
    let lacks = |list: &Option<Vec<String>>, value: &str| {
        list.as_ref().is_some_and(|l| !l.iter().any(|v| v == value))
    };

    let configured = step.endpoint.uri().to_string();
    if metadata.token_endpoint.as_ref().is_some_and(|url| url.as_str() != configured) {
        all.push(Finding::warning(
            "endpoint",
            format!(
                "{name}'s metadata names another token endpoint than `{}`",
                step.endpoint.without_query()
            ),
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
