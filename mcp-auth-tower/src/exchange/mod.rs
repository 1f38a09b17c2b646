//! The downstream credential: the caller's token is exchanged for one that is for the service behind.
//!
//! 1. The subject is the principal that [`Authenticate`](crate::authenticate::Authenticate) put into the request, with
//!    the token that was validated. No header is read for it. Nobody, or somebody without a plan, goes no further.
//! 2. The caller's token goes to the token endpoint and nowhere else: `Authorization`, `DPoP` and every header that
//!    holds it are removed before anything is asked, so that no failure can leave it there. A request that has it in
//!    its target is refused.
//! 3. A token that is known is put into the request at once. Otherwise one exchange per key runs as a task of its own,
//!    and all who need its token wait for it; one who goes away takes nothing from the others.
//!    At each provider, a host and a port, so many run at once as
//!    [`concurrent_exchanges`](ExchangerBuilder::concurrent_exchanges) says. Others wait there, in order and for a bounded
//!    time; a slow provider stops nobody else's users.
//! 4. A service that answers 401 refuses *our* token: it is forgotten, another one is asked for, and the request is sent
//!    once more, where its body was collected. The client never sees that 401, and no `WWW-Authenticate` of the service:
//!    they speak of a token that the client does not have.
//!
//! | outcome | the client gets | [`code`](crate::Rejection::code) |
//! |---|---|---|
//! | no token came (optional mode) | 401, challenge without `error` | `missing_token` |
//! | the provider refuses the user's token | 401 `invalid_token` | `exchange_subject_refused` |
//! | the user has to authenticate better | 401 `insufficient_user_authentication` (RFC 9470) | `exchange_step_up` |
//! | the token needs other claims (Entra) | 401 `insufficient_claims` with them | `exchange_claims_challenge` |
//! | the user has to consent at the provider | 403, -32003 | `exchange_consent_required` |
//! | no plan is for this caller | 403, -32003 | `exchange_no_plan` |
//! | the user's token does not let the actor act (`may_act`) | 403, -32003 | `exchange_actor_not_allowed` |
//! | a parameter cannot be made of this request | 403, -32003 | `exchange_no_parameters` |
//! | the gateway or its client is set up wrongly | 500, -32603 | `exchange_misconfigured` |
//! | the answer has no token that may be used | 502, -32603 | `exchange_unusable` |
//! | the service refuses the token, twice | 502, -32603 | `exchange_refused_downstream` |
//! | the provider is down, slow, or its circuit is open | 503 with `Retry-After` | `exchange_transient` |
//! | too many exchanges are under way or wait at this provider | 503 with `Retry-After` | `exchange_overloaded` |
//! | no exchange came to its end | 503 with `Retry-After` | `exchange_no_answer` |
//!
//! What a client reads is fixed text. Why, is in the log, once per exchange, as the
//! [`Diagnosis`](mcp_auth_exchange::outcome::Diagnosis) says it, and its stable name in the audit record.
//!
//! ```
//! use mcp_auth_discovery::{Scopes, Secret, provider::ProviderKind};
//! use mcp_auth_exchange::plan::{ExchangePlan, ExchangePlans, Step};
//! use mcp_auth_exchange::provider::ExchangeProfile;
//! use mcp_auth_exchange::{ClientCredential, TokenEndpoint};
//! use mcp_auth_tower::McpAuth;
//!
//! let realm = "https://keycloak.acme.io/realms/acme";
//! let endpoint = TokenEndpoint::new(&format!("{realm}/protocol/openid-connect/token").parse()?)?;
//! let client = ClientCredential::client_secret_basic("gateway", Secret::new("hunter2"));
//! let step = Step::new(ExchangeProfile::of(ProviderKind::Keycloak), endpoint, client)
//!     .audience("tool")
//!     .scope(&Scopes::parse("mcp:invoke")?);
//! let auth = McpAuth::builder("https://mcp.example/mcp")?
//!     .issuer_discovered(realm)
//!     .exchange(ExchangePlans::new().for_issuer(realm, ExchangePlan::new("tool", [step])?))
//!     .build()?;
//! for finding in auth.exchange().findings() {
//!     println!("{finding}");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Put it behind [`authorize`](crate::authorize), so that only what is allowed asks the provider, and behind
//! [`mcp`](crate::mcp), whose body can be sent twice. Without that layer in front, wrap bodies with
//! [`McpBody::untouched`](crate::mcp::McpBody::untouched); nothing is sent again then.

mod actor_file;
mod diagnose;
mod driver;
mod error;
mod exchanger;
mod findings;
mod flight;
mod future;
mod landing;
mod layer;
mod present;
#[cfg(feature = "redis")]
mod redis;
mod refusal;
mod replicas;
mod report;
mod seams;
mod sent;
mod service;
mod settings;
mod slots;
mod workload;

pub use actor_file::{ActorTokenFile, ActorTokenFileError};
pub use diagnose::MetadataReport;
pub use error::ExchangeConfigError;
pub use exchanger::{Exchanger, ExchangerBuilder};
pub use findings::PlanFinding;
pub use future::ResponseFuture;
pub use layer::ExchangeLayer;
#[cfg(feature = "redis")]
pub use redis::RedisTokens;
pub use refusal::ExchangeRefusal;
pub use seams::{ActorTokens, Claim, RequestParameters, SharedFuture, SharedTokens};
pub use service::Exchange;
pub use settings::ExchangeSettings;
pub(crate) use workload::WorkloadTokens;
