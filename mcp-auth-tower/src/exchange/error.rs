use std::sync::Arc;

use super::TokenHeaderError;
use crate::client::{FetchError, FetchUrlError};

/// Why exchanges cannot be made as they are set up.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeConfigError {
    /// A token endpoint is no URL that requests go to.
    #[error("exchange plan `{plan}`: the token endpoint {reason}")]
    Endpoint {
        /// The plan.
        plan: String,
        /// Why not.
        reason: FetchUrlError,
    },
    /// A client authenticates with a token of this workload, and nobody said where that is.
    #[error(
        "exchange plan `{plan}`: client `{client}` authenticates with a workload token, and no file is set for it \
         (`ExchangerBuilder::workload_token_file`)"
    )]
    WorkloadToken {
        /// The plan.
        plan: String,
        /// The client.
        client: String,
    },
    /// A client authenticates with a certificate that no HTTP client has.
    #[error(
        "exchange plan `{plan}`: no HTTP client has the certificate `{certificate}` \
         (`ExchangerBuilder::certificate`)"
    )]
    Certificate {
        /// The plan.
        plan: String,
        /// Its name.
        certificate: Arc<str>,
    },
    /// Tokens are bound to a key, and a proof has to name the URL that the service is called at.
    #[error(
        "exchange plan `{plan}`: its tokens are bound to a DPoP key, and the proof names the URL of the service: set \
         it (`ExchangeSettings::downstream`)"
    )]
    Downstream {
        /// The plan.
        plan: String,
    },
    /// A token that is bound to a key goes in `Authorization` and nowhere else (RFC 9449 §7.1).
    #[error(
        "exchange plan `{plan}`: its tokens are bound to a DPoP key, and cannot go in the header `{header}`"
    )]
    DpopHeader {
        /// The plan.
        plan: String,
        /// Where they should have gone.
        header: String,
    },
    /// The issued token is to go in a header that means something else.
    #[error(transparent)]
    TokenHeader(#[from] TokenHeaderError),
    /// An actor's token is to be sent, and the plan's provider does not take one.
    #[error(
        "exchange plan `{plan}`: its provider takes no actor's token, and one is set (`ExchangeSettings::actor`)"
    )]
    Actor {
        /// The plan.
        plan: String,
    },
    /// Callers have to name in `may_act` who acts for them, and nobody does.
    #[error(
        "exchange plan `{plan}`: `may_act` is enforced (`ExchangeSettings::enforce_may_act`), and no actor's token is \
         set (`ExchangeSettings::actor`)"
    )]
    MayAct {
        /// The plan.
        plan: String,
    },
    /// There is no plan.
    #[error("there is no exchange plan: every request would be refused")]
    NoPlan,
    /// The caller's token is to be forwarded and to be exchanged.
    #[error("the caller's token cannot be forwarded where it is exchanged: leave `forward_token` out")]
    Forward,
    /// The default HTTP client could not be made.
    #[error(transparent)]
    Client(#[from] FetchError),
}
