//! The record of a request: who did what with which outcome, and never a token.

use crate::Principal;
use crate::mcp::McpCall;
use crate::policy::Decision;

/// The outcome of one request, borrowed; a sink copies what it keeps.
///
/// It answers "which person or workload, through which client, called what, and was it allowed by which rule"
/// (DORA Art. 28, GDPR Art. 30).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Record<'r> {
    /// The caller's issuer; `None` for nobody.
    pub issuer: Option<&'r str>,
    /// The caller's subject.
    pub subject: Option<&'r str>,
    /// The client that the caller uses.
    pub client_id: Option<&'r str>,
    /// What the client calls itself, at our own authorization server: nobody has verified it.
    pub client_name: Option<&'r str>,
    /// The JSON-RPC method.
    pub method: Option<&'r str>,
    /// The kind of the item: `tool`, `prompt`, `resource`, `task`.
    pub item_kind: Option<&'static str>,
    /// The item's name.
    pub item: Option<&'r str>,
    /// Whether it went on.
    pub allowed: bool,
    /// The decision, where a policy took one, with what dry-run rules would have made of it.
    pub decision: Option<&'r Decision>,
    /// Why it was refused, in one word that does not change: `denied`, `missing_token`, `expired`,
    /// `body_too_large`, …; `None` for what went on.
    pub refusal: Option<&'static str>,
    /// What exactly was wrong, where a refusal has more than one cause: the stable name of the diagnosis of a token
    /// exchange.
    pub diagnosis: Option<&'static str>,
    /// What came of a request to our own authorization server, in one word that does not change: `code_issued`,
    /// `refreshed`, `registered`, …, or that of the refusal; `None` for all other requests.
    pub event: Option<&'static str>,
}

impl<'r> Record<'r> {
    /// A call that goes on. `decision` is that of the policy, where there is one.
    pub fn permitted(
        principal: Option<&'r Principal>,
        call: Option<&'r McpCall>,
        decision: Option<&'r Decision>,
    ) -> Self {
        Self { allowed: true, ..Self::new(principal, call, decision) }
    }

    /// A request that was refused, with as much as was known of it by then.
    pub fn refused(
        refusal: &'static str,
        principal: Option<&'r Principal>,
        call: Option<&'r McpCall>,
        decision: Option<&'r Decision>,
    ) -> Self {
        Self { refusal: Some(refusal), ..Self::new(principal, call, decision) }
    }

    /// A request to our own authorization server: what came of it, and why it was refused, where it was.
    pub fn authorization_server(event: &'static str, refusal: Option<&'static str>) -> Self {
        Self { allowed: refusal.is_none(), refusal, event: Some(event), ..Self::new(None, None, None) }
    }

    /// Adds which client asked our own authorization server.
    #[must_use]
    pub fn with_client(self, id: Option<&'r str>, name: Option<&'r str>) -> Self {
        Self { client_id: id, client_name: name, ..self }
    }

    /// Adds what exactly was wrong.
    #[must_use]
    pub fn with_diagnosis(self, diagnosis: Option<&'static str>) -> Self {
        Self { diagnosis, ..self }
    }

    fn new(
        principal: Option<&'r Principal>,
        call: Option<&'r McpCall>,
        decision: Option<&'r Decision>,
    ) -> Self {
        let target = call.and_then(|c| c.target.as_ref());
        Self {
            issuer: principal.map(Principal::issuer),
            subject: principal.and_then(Principal::subject),
            client_id: principal.and_then(Principal::client_id),
            client_name: None,
            method: call.and_then(|c| c.method.as_deref()),
            item_kind: target.map(crate::mcp::Target::kind),
            item: target.map(crate::mcp::Target::name),
            allowed: false,
            decision,
            refusal: None,
            diagnosis: None,
            event: None,
        }
    }
}
