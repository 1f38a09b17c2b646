//! Where records are written.

use std::fmt::Debug;

use mcp_auth_core::audit::Record;

/// Takes the record of every request. Called on the way of the request: hand long work to a queue.
pub trait AuditSink: Send + Sync + Debug {
    /// Writes one record.
    fn record(&self, record: &Record<'_>);
}

/// Writes records as `tracing` events of target `mcp_auth::audit`: refusals at `WARN`, the rest at `INFO`.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a unit")]
pub struct TracingSink;

impl AuditSink for TracingSink {
    fn record(&self, r: &Record<'_>) {
        let decision = r.decision.map(ToString::to_string);
        macro_rules! event {
            ($level:ident) => {
                tracing::$level!(
                    target: "mcp_auth::audit",
                    issuer = r.issuer,
                    subject = r.subject,
                    client = r.client_id,
                    client_name = r.client_name,
                    method = r.method,
                    item_kind = r.item_kind,
                    item = r.item,
                    allowed = r.allowed,
                    decision,
                    refusal = r.refusal,
                    diagnosis = r.diagnosis,
                    event = r.event,
                )
            };
        }
        if r.allowed { event!(info) } else { event!(warn) }
    }
}
