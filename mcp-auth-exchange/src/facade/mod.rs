//! An authorization server of our own in front of a provider, as values and state machines.
//!
//! It is for providers that MCP clients cannot use as they are: no registration, no PKCE metadata, another idea of
//! `resource`. Clients see one issuer, ours, in every document and every answer; rewriting only the provider's
//! metadata breaks each client that compares `iss` (`mcp-spec.md` §4.3).
//!
//! ```text
//!  client                          facade                                  provider
//!    │ POST /register ────────────▶ (registers our client there) ────────────▶│
//!    │◀── client_id: the registration itself, sealed                          │
//!    │ GET /authorize ────────────▶ consent page, once per client and browser │
//!    │                              302, our state, our PKCE ─────────────────▶│
//!    │                              GET /callback ◀────────────────────────────│
//!    │                              code for tokens ──────────────────────────▶│
//!    │◀── 302, our code, `iss`      tokens wait in the store, sealed           │
//!    │ POST /token ───────────────▶ the provider's token, or one of ours       │
//!    │ POST /token (refresh) ─────▶ one refresh for all parallel requests ────▶│
//! ```
//!
//! # What it holds to
//!
//! 1. Nobody is redirected but to the redirect URI that the client registered, byte for byte, on a loopback host with
//!    any port; every answer there carries `iss` (RFC 9207).
//! 2. PKCE with `S256` on both sides, with different verifiers.
//! 3. The user is asked before the provider is, and a form or a callback works only in the browser where it began.
//! 4. `state`, codes and refresh tokens are used once. Values are sealed, so that they survive restarts and work on every
//!    replica; their use is recorded in a [store](StoreCommand).
//! 5. A refresh token that comes again after the grace time ends the session, and so does a code that comes again.
//! 6. What is refused is refused with a fixed text; nothing of a request is repeated in an error.
//!
//! # How it is driven
//!
//! A [`Run`] says what it needs as a [`Step`] and goes on with what came of it:
//!
//! ```
//! use std::sync::Arc;
//! use bytes::Bytes;
//! use http::Request;
//! use mcp_auth_core::UnixTime;
//! use mcp_auth_exchange::facade::{Context, Facade, Input, MemoryStore, RANDOM_BYTES, RandomBytes, Step};
//!
//! fn answer(facade: &Arc<Facade>, store: &mut MemoryStore, request: Request<Bytes>) -> Option<http::Response<Bytes>> {
//!     let mut run = facade.begin(request)?;
//!     let mut input = Input::Start;
//!     loop {
//!         // In a program: the clock, and fresh bytes from the operating system for every step.
//!         let now = UnixTime::from_secs(1_700_000_000);
//!         let context = Context::new(now, RandomBytes::new([7; RANDOM_BYTES]));
//!         input = match run.step(input, context) {
//!             Step::Done(answer) => return Some(answer.response),
//!             Step::Store(command) => store.execute(command, now).map_or(Input::Failed, Input::Stored),
//!             Step::Wait(_) => Input::Waited,
//!             // Here a program sends, fetches and validates.
//!             Step::Send(_) | Step::Document(_) | Step::Validate(_) => Input::Failed,
//!         };
//!     }
//! }
//! ```

mod answer;
mod authorize;
mod browser;
mod callback;
mod client;
mod config;
mod consent;
mod page;
mod parameters;
mod pre_registered;
mod random;
mod refusal;
mod register;
mod resources;
mod revoke;
mod run;
mod scope_names;
mod settings;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod token;
mod upstream;

pub use answer::{Answer, ClientLabel, Event};
pub use authorize::MAX_CLIENT_STATE_BYTES;
pub use browser::{remove_cookies, remove_set_cookies};
pub use client::MAX_CLIENT_ID_BYTES;
pub use config::{Facade, FacadeBuilder, FacadeError};
pub use consent::ConsentPolicy;
pub use page::{Theme, ThemeError};
pub use parameters::MAX_FORM_BYTES;
pub use pre_registered::PreRegisteredClient;
pub use random::{RANDOM_BYTES, RandomBytes};
pub use refusal::Refusal;
pub use resources::ProtectedResource;
pub use run::{Context, Input, LEASE, Run, Step};
pub use settings::{AccessTokens, Lifetimes, OwnTokens, RegistrationRules};
pub use store::{MemoryStore, StoreCommand, StoreEntry, StoreFull, StoreReply};
pub use upstream::Upstream;
