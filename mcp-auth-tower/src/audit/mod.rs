//! The audit trail: one record for each request, whichever layer decided over it.
//!
//! 1. What a layer refuses is written when the refusal passes: its reason, and who called what as far as that was
//!    known by then.
//! 2. What [`authorize`](crate::authorize) lets through is written before the service is called, so that hanging up
//!    leaves a record.
//! 3. An answer that cannot be passed on (502) is written besides: the call was made. So is what the policy allowed and
//!    for which there was no downstream credential ([`exchange`](crate::exchange)): with a `refusal` of
//!    `exchange_refused_downstream` the service refused the call, with another `exchange_…` it never got it.
//!
//! No record holds a token or a part of one. Without this layer nothing is written. Put it outside of the layers
//! that refuse, and inside of [`metadata`](crate::metadata), which nobody is refused.

mod future;
mod layer;
mod service;
mod sink;

pub use future::ResponseFuture;
pub use layer::AuditLayer;
pub use service::Audit;
pub use sink::{AuditSink, TracingSink};

pub(crate) use service::Trail;
