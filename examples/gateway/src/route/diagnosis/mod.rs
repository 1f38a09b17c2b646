//! What providers say of themselves against the plans, asked after the start.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mcp_auth_discovery::AuthorizationServerMetadata;
use mcp_auth_exchange::plan::ExchangePlan;
use mcp_auth_tower::exchange::Exchanger;
use tokio::task::JoinSet;
use url::Url;

/// Pauses before another try to read metadata: a provider may start after its gateway.
const PAUSES: [u64; 4] = [5, 20, 60, 300];

/// A step of a plan, and who is at its endpoint.
#[derive(Clone, Debug)]
pub(super) struct Question {
    plan: ExchangePlan,
    step: usize,
    endpoint: String,
    issuer: Option<String>,
}

impl Question {
    /// One for each step. At its endpoint is whom the file names, or else whose tokens are accepted, where that is the
    /// same origin.
    pub(super) fn of(plan: &ExchangePlan, explicit: &[Option<&str>], accepted: Option<&str>) -> Vec<Self> {
        let steps = plan.steps().iter().zip(explicit).enumerate();
        let question = |(step, (of, explicit)): (usize, (&mcp_auth_exchange::plan::Step, &Option<&str>))| {
            let endpoint = of.endpoint().uri().to_string();
            // The audience of an ID-JAG is an issuer, and may be no URL.
            let explicit = explicit.filter(|issuer| Url::parse(issuer).is_ok());
            let issuer = explicit.or(accepted.filter(|issuer| have_one_origin(issuer, &endpoint)));
            Self { plan: plan.clone(), step, endpoint, issuer: issuer.map(str::to_owned) }
        };
        steps.map(question).collect()
    }
}

fn have_one_origin(a: &str, b: &str) -> bool {
    matches!((Url::parse(a), Url::parse(b)), (Ok(a), Ok(b)) if a.origin() == b.origin())
}

/// Asks each server once, and again after a pause where it did not answer.
pub(super) async fn ask(questions: Vec<Question>, exchanger: &Exchanger) {
    let (known, unknown): (Vec<_>, Vec<_>) =
        questions.into_iter().partition(|question| question.issuer.is_some());
    say_unknown(&unknown);
    let mut open: BTreeMap<String, Vec<Question>> = BTreeMap::new();
    for question in known {
        open.entry(question.issuer.clone().unwrap_or_default()).or_default().push(question);
    }
    for pause in PAUSES.map(Some).into_iter().chain([None]) {
        let mut reading = JoinSet::new();
        for issuer in open.keys().cloned() {
            let exchanger = exchanger.clone();
            reading.spawn(async move { (exchanger.server_metadata(&issuer).await, issuer) });
        }
        while let Some(read) = reading.join_next().await {
            match read {
                Ok((Ok(server), issuer)) => {
                    let questions = open.remove(&issuer).unwrap_or_default();
                    say_findings(&issuer, &questions, &server);
                }
                Ok((Err(reason), issuer)) => {
                    let again = pause.is_some();
                    tracing::info!(target: "mcp_auth", issuer, reason, again, "metadata of a provider was not read");
                }
                Err(error) => {
                    tracing::error!(target: "mcp_auth", %error, "metadata of a provider was not read")
                }
            }
        }
        match pause {
            Some(secs) if !open.is_empty() => tokio::time::sleep(Duration::from_secs(secs)).await,
            _ => return,
        }
    }
}

/// What is the same for several plans is said once.
fn say_findings(issuer: &str, questions: &[Question], server: &AuthorizationServerMetadata) {
    let mut found: BTreeMap<(&str, String), BTreeSet<&str>> = BTreeMap::new();
    for question in questions {
        for finding in question.plan.findings_with_metadata(question.step, server) {
            found.entry((finding.id(), finding.text().to_owned())).or_default().insert(question.plan.name());
        }
    }
    for ((id, text), plans) in found {
        let plans = named(plans);
        tracing::warn!(target: "mcp_auth", id, issuer, "exchange plan {plans}: {text}");
    }
}

fn say_unknown(questions: &[Question]) {
    let mut at: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for question in questions {
        at.entry(&question.endpoint).or_default().insert(question.plan.name());
    }
    for (endpoint, plans) in at {
        let plans = named(plans);
        tracing::info!(target: "mcp_auth", endpoint, "exchange plan {plans}: nobody is known who could be asked about this token endpoint; `issuer` beside `host` in `oauthTokenExchange` says who is there");
    }
}

fn named<'n>(plans: impl IntoIterator<Item = &'n str>) -> String {
    plans.into_iter().map(|plan| format!("`{plan}`")).collect::<Vec<_>>().join(", ")
}
