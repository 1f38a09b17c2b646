//! From a question to a token: one exchange per key, as a task of its own.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use mcp_auth_exchange::Outcome;
use mcp_auth_exchange::cache::{Ask, CircuitState, Ticket};
use mcp_auth_exchange::client_auth::ClientCertificate;
use mcp_auth_exchange::plan::{ExchangeRun, IssuedToken, Progress, SendContext, Step};
use mcp_auth_exchange::response::MAX_RESPONSE_BYTES;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, timeout, timeout_at};

use super::exchanger::{Asking, Exchanger, Inner, Waiter};
use super::replicas::Turn;
use super::{Claim, ExchangeRefusal};
use crate::client::{FetchError, FetchRequest, FetchUrl, UrlTrust};
use crate::random;

/// How often a request asks again when the exchange that it waited for ended without a word.
const ASKS: usize = 3;

/// What a follower waits beyond the time that an exchange may take: for a shared store and a file before it, and for
/// the task to be scheduled.
pub(super) const GRACE: Duration = Duration::from_secs(3);

/// What came of asking.
pub(super) enum Asked {
    Token(Arc<IssuedToken>),
    Wait(Waiter),
    Refused(ExchangeRefusal),
}

impl Exchanger {
    /// Asks, without waiting.
    pub(super) fn ask(&self, asking: &Asking) -> Asked {
        let inner = &self.0;
        let mut sender = None;
        let asked = inner.desk.ask(asking.key, &asking.plan, inner.clock.now(), || {
            let (ours, theirs) = watch::channel(None);
            sender = Some(ours);
            theirs
        });
        let sender = || sender.unwrap_or_else(|| watch::Sender::new(None));
        match asked {
            Ask::Ready(token) => Asked::Token(token),
            Ask::Renew(token, ticket) => {
                // Whether that works or not: the token at hand is still good.
                let _ = self.begin(asking, ticket, sender());
                Asked::Token(token)
            }
            Ask::Lead(ticket, waiter) => match self.begin(asking, ticket, sender()) {
                Ok(()) => Asked::Wait(waiter),
                Err(refusal) => Asked::Refused(refusal),
            },
            Ask::Follow(waiter) => Asked::Wait(waiter),
            Ask::Failed(outcome) => Asked::Refused(ExchangeRefusal::NoToken(outcome)),
        }
    }

    /// Waits for a token: by `waiter` first, where one is at hand.
    pub(super) async fn obtain(
        &self,
        asking: &Asking,
        mut waiter: Option<Waiter>,
    ) -> Result<Arc<IssuedToken>, ExchangeRefusal> {
        for _ in 0..ASKS {
            let mut waiter = match waiter.take() {
                Some(waiter) => waiter,
                None => match self.ask(asking) {
                    Asked::Token(token) => return Ok(token),
                    Asked::Refused(refusal) => return Err(refusal),
                    Asked::Wait(waiter) => waiter,
                },
            };
            match timeout(self.0.deadline + GRACE, waiter.wait_for(Option::is_some)).await {
                Ok(Ok(outcome)) => {
                    return match &*outcome {
                        Some(Outcome::Token(token)) => Ok(token.clone()),
                        Some(outcome) => Err(ExchangeRefusal::NoToken(outcome.clone())),
                        None => Err(ExchangeRefusal::NoAnswer),
                    };
                }
                // Its task was dropped: somebody else may do better.
                Ok(Err(_)) => {}
                Err(_) => break,
            }
        }
        Err(ExchangeRefusal::NoAnswer)
    }

    /// A downstream refused this token: whether another one is worth asking for.
    pub(super) fn refused_downstream(&self, asking: &Asking, token: &Arc<IssuedToken>) -> bool {
        self.0.desk.refused_downstream(&asking.key, token, self.0.clock.now())
    }

    /// Forgets a refused token that other replicas may still have.
    pub(super) async fn forget_shared(&self, asking: &Asking, refused: &IssuedToken) {
        self.0.in_store(|shared| shared.remove(asking.key, refused)).await;
    }

    /// The same, for an answer that does not wait for it.
    pub(super) fn forget_shared_later(&self, asking: &Asking, refused: &Arc<IssuedToken>) {
        let Ok(runtime) = Handle::try_current() else { return };
        if self.0.shared.is_some() {
            let (exchanger, asking, refused) = (self.clone(), asking.clone(), refused.clone());
            runtime.spawn(async move { exchanger.forget_shared(&asking, &refused).await });
        }
    }

    /// Begins an exchange as a task of its own: a request that is cancelled does not cancel what others wait for.
    fn begin(
        &self,
        asking: &Asking,
        ticket: Ticket,
        sender: watch::Sender<Option<Outcome>>,
    ) -> Result<(), ExchangeRefusal> {
        let slot = self.0.slots.clone().try_acquire_owned().ok();
        let full = slot.is_none();
        let landing = Landing { exchanger: self.clone(), ticket: Some(ticket), sender, _slot: slot };
        if full {
            tracing::warn!(target: "mcp_auth", plan = asking.plan.name(), "too many token exchanges are under way");
            return Err(ExchangeRefusal::NoAnswer);
        }
        let Ok(runtime) = Handle::try_current() else {
            tracing::error!(target: "mcp_auth", "no tokio runtime is there to exchange tokens in");
            return Err(ExchangeRefusal::NoAnswer);
        };
        let asking = asking.clone();
        runtime.spawn(async move {
            let exchanger = landing.exchanger.clone();
            let inner = &exchanger.0;
            // The time that is spent on waiting for another replica is not there for the provider.
            let deadline = Instant::now() + inner.deadline;
            let claim = match inner.among_replicas(asking.key).await {
                Turn::Token(token) => return landing.land_unasked(Arc::new(token)),
                Turn::Exchange(claim) => claim,
            };
            let outcome = inner.exchange(&asking, deadline).await;
            let token = outcome.token().cloned();
            landing.land(outcome);
            if let Some(token) = token {
                // After the others have it: they do not wait for a store.
                inner.share(&asking, &token).await;
            }
            if claim == Claim::Ours {
                inner.in_store(|shared| shared.release(asking.key)).await;
            }
        });
        Ok(())
    }
}

/// An exchange under way. It ends once, however its task ends; who still waits when it was dropped is told by the
/// closed channel.
struct Landing {
    exchanger: Exchanger,
    ticket: Option<Ticket>,
    sender: watch::Sender<Option<Outcome>>,
    _slot: Option<OwnedSemaphorePermit>,
}

impl Landing {
    fn land(mut self, outcome: Outcome) {
        let inner = &self.exchanger.0;
        if let Some(ticket) = self.ticket.take() {
            inner.desk.finish(ticket, &outcome, inner.clock.now());
            inner.report_circuits();
        }
        self.sender.send_replace(Some(outcome));
    }

    /// Another replica had it.
    fn land_unasked(mut self, token: Arc<IssuedToken>) {
        let inner = &self.exchanger.0;
        if let Some(ticket) = self.ticket.take() {
            inner.desk.finish_unasked(ticket, token.clone(), inner.clock.now());
        }
        self.sender.send_replace(Some(Outcome::Token(token)));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let inner = &self.exchanger.0;
            inner.desk.abandon(ticket, inner.clock.now());
        }
    }
}

impl Inner {
    /// Tells the operator, once each time, that an endpoint is left alone or asked again.
    fn report_circuits(&self) {
        let mut left_alone = self.left_alone.lock().unwrap_or_else(PoisonError::into_inner);
        for (endpoint, state) in self.desk.circuits() {
            match state {
                CircuitState::Open { until } if !left_alone.contains(&endpoint) => {
                    let secs = until.since(self.clock.now()).as_secs();
                    tracing::warn!(target: "mcp_auth", endpoint, secs, "a token endpoint is left alone: it failed several times in a row, or asked for a pause");
                    left_alone.insert(endpoint);
                }
                CircuitState::Closed if left_alone.remove(&endpoint) => {
                    tracing::info!(target: "mcp_auth", endpoint, "a token endpoint that was left alone answers again");
                }
                _ => {}
            }
        }
    }

    async fn exchange(&self, asking: &Asking, deadline: Instant) -> Outcome {
        let run = asking.plan.begin(asking.subject.clone(), asking.actor.clone());
        let outcome = self.drive(run, deadline).await;
        report(asking.plan.name(), &outcome);
        outcome
    }

    /// Makes the requests of a run, one after the other, until it is done or its time is over.
    async fn drive(&self, mut run: ExchangeRun, deadline: Instant) -> Outcome {
        loop {
            let Ok(random) = random::secret() else {
                tracing::error!(target: "mcp_auth", "the system gave no random bytes: no token can be exchanged");
                return give_up(run);
            };
            let workload_token = self.workload_token(&run).await;
            let request = run.next_request(&SendContext {
                random: &random,
                workload_token: workload_token.as_ref(),
                nonces: &self.nonces,
                now: self.clock.now(),
            });
            let request = match request {
                Ok(request) => request,
                Err(outcome) => return outcome,
            };
            let until = deadline.min(Instant::now() + self.timeout);
            let progress = match timeout_at(until, self.send(request)).await {
                Ok(Ok(response)) => run.handle_response(&response, &self.nonces, self.clock.now()),
                Ok(Err(FetchError::TooLong { .. })) => run.handle_too_large(),
                Ok(Err(_)) | Err(_) => run.handle_failure(),
            };
            match progress {
                Progress::Done(outcome) => return outcome,
                Progress::Again { after } if Instant::now() + after >= deadline => return give_up(run),
                Progress::Again { after } => tokio::time::sleep(after).await,
            }
        }
    }

    async fn workload_token(&self, run: &ExchangeRun) -> Option<mcp_auth_exchange::Secret> {
        let client = run.step().map(Step::client).filter(|client| client.wants_workload_token())?;
        self.workload.read(client.client_id()?).await
    }

    async fn send(&self, request: Request<Bytes>) -> Result<http::Response<Bytes>, FetchError> {
        let failed = |error: String| FetchError::Connect(error);
        // The endpoint was checked when it was made; plain http off this machine had to be asked for there.
        let url = FetchUrl::danger_http(&request.uri().to_string()).map_err(|e| failed(e.to_string()))?;
        let fetch = match request.extensions().get::<ClientCertificate>() {
            None => &self.fetch,
            // INVARIANT: the layer looked for it; without it nothing is sent.
            Some(name) => {
                let found = self.certificates.get(&name.0);
                found.ok_or_else(|| failed(format!("no client has the certificate `{}`", name.0)))?
            }
        };
        let request = FetchRequest::new(url.clone(), UrlTrust::Configured, MAX_RESPONSE_BYTES, self.timeout)
            .post(request);
        let answer = fetch.fetch(request).await;
        if let Err(error) = &answer {
            tracing::warn!(target: "mcp_auth", endpoint = %url, %error, "no answer from a token endpoint");
        }
        answer
    }
}

/// What a run has to say of itself when nothing answers any more.
fn give_up(mut run: ExchangeRun) -> Outcome {
    loop {
        // INVARIANT: ends, since a plan has at most 3 tries.
        if let Progress::Done(outcome) = run.handle_failure() {
            return outcome;
        }
    }
}

/// Tells the operator, once per exchange. A diagnosis holds no token and no secret.
fn report(plan: &str, outcome: &Outcome) {
    let what = outcome.as_str();
    let Some(diagnosis) = outcome.diagnosis() else {
        let missing: Vec<&str> = outcome.token().into_iter().flat_map(|token| token.missing()).collect();
        let beyond: Vec<&str> = outcome.token().into_iter().flat_map(|token| token.beyond()).collect();
        let other_details = outcome.token().is_some_and(|token| token.has_other_details());
        if missing.is_empty() && beyond.is_empty() && !other_details {
            tracing::debug!(target: "mcp_auth", plan, "token exchanged");
        } else {
            let (missing, beyond) = (missing.join(" "), beyond.join(" "));
            tracing::warn!(target: "mcp_auth", plan, missing, beyond, other_details, "token exchanged, with other scopes or authorization details than were asked for");
        }
        return;
    };
    let id = diagnosis.id();
    match outcome {
        Outcome::Misconfigured(_) | Outcome::Unusable(_) => {
            tracing::error!(target: "mcp_auth", plan, outcome = what, id, reason = %diagnosis, "token not exchanged");
        }
        Outcome::Transient { .. } => {
            tracing::warn!(target: "mcp_auth", plan, outcome = what, id, reason = %diagnosis, "token not exchanged");
        }
        _ => {
            tracing::info!(target: "mcp_auth", plan, outcome = what, id, reason = %diagnosis, "token not exchanged");
        }
    }
    if let Some(words) = diagnosis.provider_text() {
        tracing::debug!(target: "mcp_auth", plan, id, %words, "what the provider said");
    }
}
