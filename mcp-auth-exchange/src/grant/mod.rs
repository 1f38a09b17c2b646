//! One module per grant: what is sent to the token endpoint, and what comes before.
//!
//! A request is a value that becomes an `http::Request`; its answer is a [`TokenResponse`](crate::TokenResponse).

pub mod authorization_code;
pub mod client_credentials;
pub mod id_jag;
pub mod jwt_bearer;
pub mod on_behalf_of;
mod parameters;
pub mod refresh;
pub mod token_exchange;
pub mod token_vault;

pub use parameters::{ParameterError, Parameters};
