//! What is known before the first request to go wrong.

use std::fmt;
use std::sync::Arc;

use mcp_auth_discovery::AuthorizationServerMetadata;
use mcp_auth_exchange::plan::{ExchangePlan, Finding, Selector, Step};
use url::Url;

use super::ExchangeLayer;

/// Something about a plan that the provider will refuse, or that is probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanFinding {
    /// The plan's name.
    pub plan: String,
    /// What was found.
    pub finding: Finding,
}

impl fmt::Display for PlanFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exchange plan `{}`: {}", self.plan, self.finding)
    }
}

impl ExchangeLayer {
    /// What the plans themselves and the accepted audiences say.
    pub fn findings(&self) -> Vec<PlanFinding> {
        let Some(shared) = self.shared() else { return Vec::new() };
        let of = |(selector, plan): (&Selector, &Arc<ExchangePlan>)| {
            let issuer = selector.wanted_issuer();
            let theirs = shared.inbound.iter().filter(|inbound| issuer.is_none_or(|i| i == inbound.issuer));
            let audiences: Vec<&str> = theirs.flat_map(|i| &i.audiences).map(String::as_str).collect();
            named(plan, plan.findings(&audiences))
        };
        shared.plans.iter().flat_map(of).collect()
    }

    /// The same, and what the metadata of these authorization servers says against the steps at them. A step is at the
    /// server whose `token_endpoint` it has, or else whose origin.
    pub fn findings_with_metadata(&self, servers: &[AuthorizationServerMetadata]) -> Vec<PlanFinding> {
        [self.findings(), self.findings_of_metadata(servers)].concat()
    }

    pub(super) fn findings_of_metadata(&self, servers: &[AuthorizationServerMetadata]) -> Vec<PlanFinding> {
        let mut all = Vec::new();
        for (_, plan) in self.shared().into_iter().flat_map(|shared| shared.plans.iter()) {
            for (i, step) in plan.steps().iter().enumerate() {
                if let Some(server) = server_of(step, servers) {
                    all.extend(named(plan, plan.findings_with_metadata(i, server)));
                }
            }
        }
        all
    }
}

fn named(plan: &ExchangePlan, findings: Vec<Finding>) -> Vec<PlanFinding> {
    findings.into_iter().map(|finding| PlanFinding { plan: plan.name().to_owned(), finding }).collect()
}

fn server_of<'s>(
    step: &Step,
    servers: &'s [AuthorizationServerMetadata],
) -> Option<&'s AuthorizationServerMetadata> {
    let endpoint = Url::parse(&step.endpoint().uri().to_string()).ok()?;
    let same = |server: &&AuthorizationServerMetadata| server.token_endpoint.as_ref() == Some(&endpoint);
    let near = |server: &&AuthorizationServerMetadata| {
        Url::parse(&server.issuer).is_ok_and(|issuer| issuer.origin() == endpoint.origin())
    };
    servers.iter().find(same).or_else(|| servers.iter().find(near))
}
