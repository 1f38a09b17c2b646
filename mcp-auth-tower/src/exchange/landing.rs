//! How an exchange ends: the desk hears it first, then those who wait.

use std::sync::Arc;

use mcp_auth_exchange::Outcome;
use mcp_auth_exchange::cache::Ticket;
use mcp_auth_exchange::plan::{IssuedToken, Step};
use tokio::sync::watch;

use super::flight::Teller;
use super::{ExchangeRefusal, Exchanger};

/// An exchange under way. It ends once, however its task ends; who still waits when it was dropped is told by the
/// closed channel.
pub(super) struct Landing {
    exchanger: Exchanger,
    ticket: Option<Ticket>,
    teller: Teller,
}

impl Landing {
    pub(super) fn new(exchanger: Exchanger, ticket: Ticket, teller: Teller) -> Self {
        Self { exchanger, ticket: Some(ticket), teller }
    }

    pub(super) fn exchanger(&self) -> &Exchanger {
        &self.exchanger
    }

    /// Closed when nobody waits.
    pub(super) fn wanted(&self) -> &watch::Sender<()> {
        &self.teller.wanted
    }

    pub(super) fn land(mut self, outcome: Outcome) {
        let inner = &self.exchanger.0;
        if let Some(ticket) = self.ticket.take() {
            inner.desk.finish(ticket, &outcome, inner.clock.now());
            inner.report_circuits();
        }
        self.teller.tell(match outcome {
            Outcome::Token(token) => Ok(token),
            outcome => Err(ExchangeRefusal::NoToken(outcome)),
        });
    }

    /// Another replica had it.
    pub(super) fn land_unasked(mut self, token: Arc<IssuedToken>) {
        let inner = &self.exchanger.0;
        if let Some(ticket) = self.ticket.take() {
            inner.desk.finish_unasked(ticket, token.clone(), inner.clock.now());
        }
        self.teller.tell(Ok(token));
    }

    /// The request of this step was never sent: all who wait are told, and nothing is remembered.
    pub(super) fn refuse(mut self, unsent: Option<&Step>, refusal: ExchangeRefusal) {
        self.end_before(unsent);
        self.teller.tell(Err(refusal));
    }

    /// The same, where nobody waits: who comes in this moment asks again.
    pub(super) fn desert(mut self, unsent: Option<&Step>) {
        self.end_before(unsent);
    }

    fn end_before(&mut self, unsent: Option<&Step>) {
        let inner = &self.exchanger.0;
        if let (Some(step), Some(ticket)) = (unsent, self.ticket.take()) {
            inner.desk.abandon_before(ticket, step.endpoint().uri());
            inner.report_circuits();
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let inner = &self.exchanger.0;
            inner.desk.abandon(ticket);
        }
    }
}
