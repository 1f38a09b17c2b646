//! What Entra takes in an on-behalf-of exchange.

use super::Finding;
use crate::plan::Step;
use crate::plan::issued::{GRAPH, OPENID};
use crate::provider::ExchangeGrant;

pub(super) fn of_step(step: &Step) -> Vec<Finding> {
    if step.profile.grant != ExchangeGrant::OnBehalfOf {
        return Vec::new();
    }
    [resources(step), algorithm(step), certificate(step)].into_iter().flatten().collect()
}

fn resources(step: &Step) -> Option<Finding> {
    let scope = step.sent_scope();
    let mut all = scope.iter().filter_map(host);
    let first = all.next()?;
    let other = all.find(|host| !host.eq_ignore_ascii_case(first))?;
    Some(Finding::error(
        "several_resources",
        format!(
            "{} takes scopes of one resource in a request, and these are of `{first}` and `{other}`: one plan for each",
            step.profile.name()
        ),
    ))
}

/// The scheme and host of a scope's resource, or the id of its application. Two paths of one host may be two resources,
/// or one whose scopes have a slash.
fn host(scope: &str) -> Option<&str> {
    let host = match scope.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.split('/').next().unwrap_or_default();
            scope.get(..scheme.len() + "://".len() + host.len())?
        }
        None if OPENID.contains(&scope) => return None,
        // Without a resource it is Graph's.
        None => scope.split_once('/').map_or(GRAPH[0], |(resource, _)| resource),
    };
    Some(if host == GRAPH[1] { GRAPH[0] } else { host })
}

fn algorithm(step: &Step) -> Option<Finding> {
    let algorithm = step.client.signing_algorithm().filter(|alg| !matches!(*alg, "PS256" | "RS256"))?;
    Some(Finding::error(
        "client_algorithm",
        format!(
            "{} takes client assertions that are signed with PS256, not with {algorithm}: use the RSA key of the \
             certificate that is registered there",
            step.profile.name()
        ),
    ))
}

fn certificate(step: &Step) -> Option<Finding> {
    let names = step.client.names_certificate()?;
    (!names).then(|| {
        Finding::warning(
            "client_certificate",
            format!(
                "{} finds the key of a client assertion by its certificate's thumbprint (`x5t#S256`), and the assertion \
                 has none: configure the certificate",
                step.profile.name()
            ),
        )
    })
}
