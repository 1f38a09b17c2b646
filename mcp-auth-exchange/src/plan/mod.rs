//! How a route's downstream token is got: which provider, in which steps, and what is asked of what comes back.
//!
//! ```text
//!                    ExchangePlans                    ExchangePlan
//!  Principal ──▶ by issuer and claims ──▶ step ─▶ (step ─▶ …) ─▶ IssuedRules ──▶ IssuedToken
//!    │                                      ▲
//!    └── Subject: the validated token ──────┘
//! ```
//!
//! 1. A [`Subject`] is made of a [`Principal`](mcp_auth_core::Principal): only a validated token is ever exchanged.
//! 2. [`ExchangePlans::choose`] finds the plan by the subject's issuer and claims. Where none fits, there is no token.
//! 3. An [`ExchangeRun`] makes the requests and reads the answers, one after the other, without doing IO.
//! 4. What the last step brought is held against the [`IssuedRules`]: it is for the downstream, for this user, with
//!    no more than was asked for, and not the inbound token.
//!
//! ```
//! use mcp_auth_discovery::{Scopes, Secret, provider::ProviderKind};
//! use mcp_auth_exchange::plan::{ExchangePlan, ExchangePlans, Step};
//! use mcp_auth_exchange::provider::ExchangeProfile;
//! use mcp_auth_exchange::{ClientCredential, TokenEndpoint};
//! use url::Url;
//!
//! let endpoint = Url::parse("https://keycloak.acme.io/realms/acme/protocol/openid-connect/token")?;
//! let client = ClientCredential::client_secret_basic("gateway", Secret::new("hunter2"));
//! let step = Step::new(ExchangeProfile::of(ProviderKind::Keycloak), TokenEndpoint::new(&endpoint)?, client)
//!     .audience("tool")
//!     .scope(&Scopes::parse("mcp:invoke")?);
//! let plans = ExchangePlans::new()
//!     .for_issuer("https://keycloak.acme.io/realms/acme", ExchangePlan::new("tool", [step])?);
//! # assert_eq!(plans.iter().count(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod choose;
mod exchange_plan;
mod findings;
mod issued;
mod may_act;
mod mode;
mod rules;
mod run;
mod step;
mod subject;
#[cfg(test)]
mod tests;

pub use choose::{ExchangePlans, Selector};
pub use exchange_plan::{ExchangePlan, MAX_STEPS, PlanError};
pub use findings::{Finding, Severity};
pub use issued::{IssuedToken, Presentation};
pub use may_act::MayActError;
pub use mode::{ExchangeMode, ExchangeModeError};
pub use rules::{ActorRule, AudienceRule, IssuedRules, SubjectRule};
pub use run::{ExchangeRun, Progress, SendContext};
pub use step::Step;
pub use subject::{ActorToken, Subject};
