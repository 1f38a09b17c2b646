//! Steps, rules and limits.

use std::sync::Arc;
use std::time::Duration;

use mcp_auth_discovery::AuthorizationServerMetadata;

use super::findings::{self, Finding, Severity};
use super::{ActorToken, AudienceRule, ExchangeRun, IssuedRules, Step, Subject, SubjectRule};
use crate::cache::{CacheKey, PlanParts, RequestParts, StepParts};
use crate::{Resource, TokenTypeUri};

/// The greatest number of steps in a plan.
pub const MAX_STEPS: usize = 3;

/// How a downstream token is got: one request, or several of which each takes what the one before brought.
#[derive(Clone, Debug)]
#[must_use]
pub struct ExchangePlan {
    name: Arc<str>,
    steps: Vec<Step>,
    pub(super) rules: IssuedRules,
    pub(super) assumed_lifetime: Duration,
    pub(super) margin: Duration,
    pub(super) longest_use: Option<Duration>,
    pub(super) attempts: u8,
    /// Of everything above that decides what comes back: computed once, for the cache's keys.
    digest: [u8; 32],
}

/// Why a plan cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("exchange plan `{plan}`: {}", .findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct PlanError {
    plan: String,
    findings: Vec<Finding>,
}

impl PlanError {
    /// What is wrong.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl ExchangePlan {
    /// A plan of these steps, in order. `name` stands in logs and keeps the tokens of two plans apart.
    ///
    /// # Errors
    ///
    /// [`PlanError`] for steps that the provider is known to refuse, and for none or more than [`MAX_STEPS`].
    pub fn new(name: impl Into<Arc<str>>, steps: impl IntoIterator<Item = Step>) -> Result<Self, PlanError> {
        let steps: Vec<Step> = steps.into_iter().collect();
        let plan = Self {
            name: name.into(),
            rules: default_rules(&steps),
            steps,
            assumed_lifetime: Duration::from_secs(300),
            margin: Duration::from_secs(15),
            longest_use: None,
            attempts: 2,
            digest: [0; 32],
        };
        let mut errors = findings::of_plan(&plan, &[]);
        errors.retain(|finding| finding.severity() == Severity::Error);
        if !errors.is_empty() {
            return Err(PlanError { plan: plan.name.to_string(), findings: errors });
        }
        Ok(plan.with_digest())
    }

    /// Changes what is asked of the token.
    pub fn rules(mut self, change: impl FnOnce(IssuedRules) -> IssuedRules) -> Self {
        self.rules = change(self.rules);
        self.with_digest()
    }

    /// How long a token is used of which neither the answer nor the token says when it ends. Default 5 minutes.
    pub fn assumed_lifetime(mut self, lifetime: Duration) -> Self {
        self.assumed_lifetime = lifetime;
        self.with_digest()
    }

    /// How long before its end a token is used no more, at most half of its life. Default 15 seconds. None where
    /// the subject's or the actor's token ends first: then it is used until that end.
    pub fn margin(mut self, margin: Duration) -> Self {
        self.margin = margin;
        self.with_digest()
    }

    /// The longest time that a token is used, whatever its end. The default is no such limit: a revoked user is
    /// served until his own token or the issued one ends.
    pub fn longest_use(mut self, longest: Duration) -> Self {
        self.longest_use = Some(longest);
        self.with_digest()
    }

    /// How often a step is tried when the provider is down or overloaded, from 1 to 3. Default 2. A refusal is never
    /// tried again.
    pub fn attempts(mut self, attempts: u8) -> Self {
        self.attempts = attempts.clamp(1, 3);
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether an actor's token is sent: by the first step, where its provider takes one.
    pub fn takes_actor(&self) -> bool {
        self.steps.first().is_some_and(Step::takes_actor)
    }

    /// What is asked of the token.
    pub fn issued_rules(&self) -> &IssuedRules {
        &self.rules
    }

    /// What is known before the first request to be refused, or to be probably not meant. `inbound_audiences` are
    /// those that the gateway accepts of inbound tokens.
    pub fn findings(&self, inbound_audiences: &[&str]) -> Vec<Finding> {
        findings::of_plan(self, inbound_audiences)
    }

    /// What the metadata of the authorization server of one step, counted from 0, says against it.
    pub fn findings_with_metadata(
        &self,
        step: usize,
        metadata: &AuthorizationServerMetadata,
    ) -> Vec<Finding> {
        self.steps.get(step).map(|step| findings::of_metadata(step, metadata)).unwrap_or_default()
    }

    pub(super) fn rules_audience(&self) -> &AudienceRule {
        &self.rules.audience
    }

    pub(super) fn rules_subject(&self) -> &SubjectRule {
        &self.rules.subject
    }

    /// Starts an exchange.
    pub fn begin(self: &Arc<Self>, subject: Subject, actor: Option<ActorToken>) -> ExchangeRun {
        ExchangeRun::new(self.clone(), subject, actor)
    }

    /// Under which key the token for this subject is kept: everything that goes into the requests. `tenant` keeps
    /// apart what shares a store; it may be empty.
    pub fn cache_key(&self, tenant: &str, subject: &Subject, actor: Option<&ActorToken>) -> CacheKey {
        let principal = subject.principal();
        let parameters: Vec<(&str, &str)> = subject.parameters().iter().collect();
        RequestParts {
            tenant,
            plan: &self.digest,
            subject_issuer: principal.issuer(),
            subject: principal.subject(),
            subject_token: subject.token(),
            actor_token: actor.map(|a| a.token.expose()),
            actor_token_type: actor.map(|a| a.token_type.as_str()),
            parameters: &parameters,
        }
        .key()
    }

    fn with_digest(mut self) -> Self {
        let Self { name, steps, rules, assumed_lifetime, margin, longest_use, attempts: _, digest: _ } =
            &self;
        let rules = format!("{rules:?} {assumed_lifetime:?} {margin:?} {longest_use:?}");
        let steps: Vec<StepParts<'_>> = steps.iter().map(StepParts::of).collect();
        self.digest = PlanParts { name, rules: &rules, steps: &steps }.digest();
        self
    }
}

fn default_rules(steps: &[Step]) -> IssuedRules {
    let last = steps.last();
    let targets = |step: &Step| -> Vec<String> {
        let resources = step.resources.iter().map(Resource::as_str).map(str::to_owned);
        step.audiences.iter().cloned().chain(resources).collect()
    };
    // The server that redeems an ID-JAG issues for what the ID-JAG is for, whether its own request says so or not.
    let jag = steps.iter().rev().nth(1).filter(|step| step.requested() == Some(&TokenTypeUri::ID_JAG));
    let resources = |step: &Step| step.resources.iter().map(|r| r.as_str().to_owned()).collect();
    let of_last = |last: &Step| {
        let own = targets(last);
        if own.is_empty() { jag.map(resources).unwrap_or_default() } else { own }
    };
    let wanted = last.filter(|step| step.profile.audience_in_token).map(of_last).filter(|w| !w.is_empty());
    let claim = last.filter(|_| steps.len() == 1).and_then(|step| step.profile.subject_claim);
    IssuedRules::new(
        wanted.map_or(AudienceRule::Unchecked, AudienceRule::AnyOf),
        claim.map_or(SubjectRule::Unchecked, |claim| SubjectRule::Same(claim.to_owned())),
    )
}
