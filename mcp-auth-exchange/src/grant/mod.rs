//! One module per grant: what is sent to the token endpoint, and what comes before.

pub mod authorization_code;
pub mod refresh;
