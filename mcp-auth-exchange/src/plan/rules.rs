//! What is asked of an issued token.

use std::time::Duration;

use mcp_auth_discovery::Scopes;

/// What `aud` of the issued token has to say, where it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AudienceRule {
    /// One of these at least.
    AnyOf(Vec<String>),
    /// Nothing: for providers that write something else there than what was asked for.
    Unchecked,
}

/// Whether the issued token is the same user's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubjectRule {
    /// This claim has the same text in the subject token and in the issued one.
    Same(String),
    /// Not compared: where a provider has names of its own for users.
    Unchecked,
}

/// What `act` of the issued token has to say (RFC 8693 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActorRule {
    /// Anything.
    Any,
    /// There is an actor, named by `sub` or `client_id`, and where a name is given, its `sub` is that. An opaque token is refused then.
    Required(Option<String>),
    /// There is none: impersonation. An opaque token is refused then: nobody here can know whom it names.
    Forbidden,
}

/// What is asked of the token that a plan brought, before anybody uses it. Claims of a JWT are read without checking
/// its signature: it came from the provider itself over TLS, and its downstream checks it.
///
/// Always: the token is not one of those that went in, its `token_type` can be presented (bound, if a bound one was
/// asked for, and to no key or certificate that is not ours), its type is the one that was asked for, it has not expired,
/// it is valid already, and `act` names at most 16 actors, one in the other. Times have a leeway of 60 seconds.
#[derive(Clone, Debug)]
#[must_use]
pub struct IssuedRules {
    pub(super) audience: AudienceRule,
    pub(super) subject: SubjectRule,
    pub(super) actor: ActorRule,
    pub(super) ceiling: Option<Scopes>,
    pub(super) all_scopes: bool,
    pub(super) same_details: bool,
    pub(super) readable: bool,
    pub(super) max_lifetime: Option<Duration>,
    pub(super) within_subject: bool,
}

impl IssuedRules {
    pub(super) fn new(audience: AudienceRule, subject: SubjectRule) -> Self {
        Self {
            audience,
            subject,
            actor: ActorRule::Any,
            ceiling: None,
            all_scopes: false,
            same_details: false,
            readable: false,
            max_lifetime: Some(Duration::from_secs(24 * 3600)),
            within_subject: false,
        }
    }

    /// What `aud` has to say. The default is one of the audiences and resources that were asked for, for providers
    /// that write them there. Where the last step redeems an ID-JAG and names none, it is one of the resources that the
    /// ID-JAG was asked for. Where nobody names one, `aud` is not looked at: the server decides, and
    /// [`ExchangePlan::findings`](super::ExchangePlan::findings) says so.
    pub fn audience(mut self, rule: AudienceRule) -> Self {
        self.audience = rule;
        self
    }

    /// Whose token it has to be. The default is the same `sub` for a plan of one step (`oid` at Entra).
    pub fn subject(mut self, rule: SubjectRule) -> Self {
        self.subject = rule;
        self
    }

    /// What `act` has to say. Whether it is there is the provider's decision; the default is anything.
    pub fn actor(mut self, rule: ActorRule) -> Self {
        self.actor = rule;
        self
    }

    /// Refuses a token with any scope beyond these. The default is no ceiling, since providers add scopes of their
    /// own; what goes beyond the request is in [`IssuedToken::beyond`](super::IssuedToken::beyond).
    ///
    /// Held against it is all that the answer and the token's `scope` and `scp` say. At Entra, whose tokens have scopes
    /// without their resource, `https://graph.microsoft.com/User.Read` is `User.Read` of a token for that resource, a
    /// ceiling's scope without a resource is of the one that is asked for, and a ceiling's `<resource>/.default` is all of
    /// that resource. Where `aud` is an application's id that is not in the URI which is asked for, set
    /// [`audience`](Self::audience) to it. Names are compared with their case.
    pub fn ceiling(mut self, scopes: &Scopes) -> Self {
        self.ceiling = Some(scopes.clone());
        self
    }

    /// Refuses a token that lacks a scope that was asked for: some providers drop what they do not know.
    pub fn all_scopes(mut self) -> Self {
        self.all_scopes = true;
        self
    }

    /// Refuses a token whose answer has other `authorization_details` than were asked for, in whatever order, or none
    /// (RFC 9396 §7). Without this it is told ([`IssuedToken::has_other_details`](super::IssuedToken::has_other_details)).
    pub fn same_details(mut self) -> Self {
        self.same_details = true;
        self
    }

    /// Refuses a token that cannot be read, so that the rules hold for every token.
    pub fn readable(mut self) -> Self {
        self.readable = true;
        self
    }

    /// Refuses a token that lasts longer than this and 60 seconds, by which clocks may differ; `None` for no limit. The
    /// default is 24 hours.
    pub fn max_lifetime(mut self, lifetime: Option<Duration>) -> Self {
        self.max_lifetime = lifetime;
        self
    }

    /// Refuses a token that outlives the subject's by more than 60 seconds: by its own `exp`, and by the answer where it is
    /// opaque. Without this it is not used longer than the subject's token
    /// either; but the downstream would take it.
    pub fn within_subject(mut self) -> Self {
        self.within_subject = true;
        self
    }
}
