//! `issuedToken`: what is asked of the token before the backend gets it.

use std::time::Duration;

use mcp_auth_discovery::Scopes;
use mcp_auth_exchange::plan::{ActorRule, AudienceRule, ExchangePlan, SubjectRule};

use super::super::duration;
use super::super::error::{ConfigErrorKind, Fault};
use super::super::fields::Fields;
use super::super::node::{Kind, Node};
use super::super::warning::{Lints, WarningKind};
use super::exchange;

/// What a file says of issued tokens. What it does not say is as the plan has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Issued {
    audience: Option<AudienceRule>,
    subject: Option<SubjectRule>,
    actor: Option<ActorRule>,
    ceiling: Option<Scopes>,
    all_scopes: bool,
    same_details: bool,
    readable: bool,
    within_subject: bool,
    max_lifetime: Option<Duration>,
    longest_use: Option<Duration>,
    assumed_lifetime: Option<Duration>,
}

impl Issued {
    pub(super) fn read(node: Node) -> Result<Self, Fault> {
        let known = [
            "audiences",
            "dangerAnyAudience",
            "subjectClaim",
            "dangerAnySubject",
            "actor",
            "scopeCeiling",
            "allScopes",
            "sameDetails",
            "readable",
            "withinSubject",
            "maxLifetime",
            "longestUse",
        ];
        let mut fields = Fields::new(node, "issuedToken", &known, &[])?;
        let audiences = match fields.take("audiences") {
            None => None,
            Some(node) => {
                let list = node.filled_list("audiences")?.into_iter();
                let texts = list.map(|node| Ok(node.filled_text("audiences")?.value));
                Some(AudienceRule::AnyOf(texts.collect::<Result<_, Fault>>()?))
            }
        };
        let audience = chosen(&mut fields, audiences, "dangerAnyAudience", AudienceRule::Unchecked)?;
        let claim = fields.text("subjectClaim")?.map(|text| SubjectRule::Same(text.value));
        let subject = chosen(&mut fields, claim, "dangerAnySubject", SubjectRule::Unchecked)?;
        let mut duration =
            |field| fields.take(field).map(|node| duration::read_filled(node, field)).transpose();
        let (max_lifetime, longest_use) = (duration("maxLifetime")?, duration("longestUse")?);
        Ok(Self {
            audience,
            subject,
            actor: fields.take("actor").map(actor).transpose()?,
            ceiling: exchange::scopes(&mut fields, "scopeCeiling")?,
            all_scopes: flag(&mut fields, "allScopes")?,
            same_details: flag(&mut fields, "sameDetails")?,
            readable: flag(&mut fields, "readable")?,
            within_subject: flag(&mut fields, "withinSubject")?,
            max_lifetime,
            longest_use,
            assumed_lifetime: None,
        })
    }

    /// agentgateway's `cache`, of which one setting has an effect: the bound is in bytes here, for the whole gateway.
    pub(super) fn read_cache(node: Node, lints: &mut Lints) -> Result<Self, Fault> {
        let mut fields = Fields::new(node, "cache", &["defaultTtl", "maxEntries"], &[])?;
        if let Some(node) = fields.take("maxEntries") {
            let at = node.at;
            // Zero, which switches the cache off there, is refused here: a user's each request would be an exchange.
            node.count("maxEntries")?;
            let message = "`maxEntries` has no effect: issued tokens of all routes are bounded in bytes \
                           (`outbound.exchanges.cacheBytes`)";
            lints.add(WarningKind::Exchange, at, message);
        }
        let ttl =
            fields.take("defaultTtl").map(|node| duration::read_filled(node, "defaultTtl")).transpose()?;
        Ok(Self { assumed_lifetime: ttl, ..Self::default() })
    }

    /// What `cache` said, together with what `issuedToken` says.
    pub(super) fn or(self, issued: Self) -> Self {
        Self { assumed_lifetime: self.assumed_lifetime, ..issued }
    }

    pub(super) fn apply(&self, plan: ExchangePlan) -> ExchangePlan {
        let mut plan = plan.rules(|mut rules| {
            if let Some(rule) = &self.audience {
                rules = rules.audience(rule.clone());
            }
            if let Some(rule) = &self.subject {
                rules = rules.subject(rule.clone());
            }
            if let Some(rule) = &self.actor {
                rules = rules.actor(rule.clone());
            }
            if let Some(scopes) = &self.ceiling {
                rules = rules.ceiling(scopes);
            }
            if let Some(longest) = self.max_lifetime {
                rules = rules.max_lifetime(Some(longest));
            }
            if self.all_scopes {
                rules = rules.all_scopes();
            }
            if self.same_details {
                rules = rules.same_details();
            }
            if self.readable {
                rules = rules.readable();
            }
            if self.within_subject {
                rules = rules.within_subject();
            }
            rules
        });
        if let Some(longest) = self.longest_use {
            plan = plan.longest_use(longest);
        }
        if let Some(lifetime) = self.assumed_lifetime {
            plan = plan.assumed_lifetime(lifetime);
        }
        plan
    }
}

/// A rule, or the word that switches it off.
fn chosen<R>(fields: &mut Fields, rule: Option<R>, off: &'static str, none: R) -> Result<Option<R>, Fault> {
    let at = fields.key_at(off).unwrap_or(fields.at());
    match (flag(fields, off)?, rule) {
        (false, rule) => Ok(rule),
        (true, None) => Ok(Some(none)),
        (true, Some(_)) => {
            let message = format!("`{off}` stands beside the rule that it switches off");
            Err(Fault::new(ConfigErrorKind::Conflict, at, message))
        }
    }
}

fn flag(fields: &mut Fields, field: &'static str) -> Result<bool, Fault> {
    Ok(fields.take(field).map(|node| node.boolean(field)).transpose()?.unwrap_or(false))
}

/// `required`, `forbidden`, or `{sub: …}`.
fn actor(node: Node) -> Result<ActorRule, Fault> {
    if matches!(node.kind, Kind::Mapping(_)) {
        let mut fields = Fields::new(node, "actor", &["sub"], &[])?;
        return Ok(ActorRule::Required(Some(fields.require("sub")?.filled_text("sub")?.value)));
    }
    let text = node.filled_text("actor")?;
    match text.value.as_str() {
        "required" => Ok(ActorRule::Required(None)),
        "forbidden" => Ok(ActorRule::Forbidden),
        other => Err(Fault::unknown_word(text.at, other, "`actor`", &["required", "forbidden"])),
    }
}
