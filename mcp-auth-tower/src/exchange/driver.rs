//! From a question to a token: one exchange per key, as a task of its own.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use mcp_auth_exchange::Outcome;
use mcp_auth_exchange::cache::{Ask, Ticket};
use mcp_auth_exchange::client_auth::ClientCertificate;
use mcp_auth_exchange::plan::{ExchangeRun, IssuedToken, Progress, SendContext, Step};
use mcp_auth_exchange::response::MAX_RESPONSE_BYTES;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::exchanger::{Asking, Exchanger, Inner};
use super::flight::{Teller, Waiting};
use super::landing::Landing;
use super::replicas::Turn;
use super::report::report;
use super::slots::{Place, Turn as Slot, provider_of};
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
    Wait(Waiting),
    Refused(ExchangeRefusal),
}

impl Exchanger {
    /// Asks, without waiting.
    pub(super) fn ask(&self, asking: &Asking) -> Asked {
        let inner = &self.0;
        let mut teller = None;
        let asked = inner.desk.ask(asking.key, &asking.plan, &asking.subject, inner.clock.now(), || {
            let (ours, waiter) = Teller::new();
            teller = Some(ours);
            waiter
        });
        let teller = || teller.unwrap_or_else(|| Teller::new().0);
        match asked {
            Ask::Ready(token) => Asked::Token(token),
            Ask::Renew(token, ticket) => {
                let teller = teller();
                let wanted = teller.wanted.subscribe();
                // Whether that works or not: the token at hand is still good.
                let _ = self.begin(asking, ticket, teller, Some(wanted));
                Asked::Token(token)
            }
            Ask::Lead(ticket, waiter) => {
                // Before anybody looks whether somebody waits.
                let waiting = waiter.wait();
                match self.begin(asking, ticket, teller(), None) {
                    Ok(()) => Asked::Wait(waiting),
                    Err(refusal) => Asked::Refused(refusal),
                }
            }
            Ask::Follow(waiter) => Asked::Wait(waiter.wait()),
            Ask::Failed(outcome) => Asked::Refused(ExchangeRefusal::NoToken(outcome)),
        }
    }

    /// Waits for a token: by `waiting` first, where that is at hand.
    pub(super) async fn obtain(
        &self,
        asking: &Asking,
        mut waiting: Option<Waiting>,
    ) -> Result<Arc<IssuedToken>, ExchangeRefusal> {
        for _ in 0..ASKS {
            let mut waiting = match waiting.take() {
                Some(waiting) => waiting,
                None => match self.ask(asking) {
                    Asked::Token(token) => return Ok(token),
                    Asked::Refused(refusal) => return Err(refusal),
                    Asked::Wait(waiting) => waiting,
                },
            };
            match timeout(self.0.deadline + GRACE, waiting.told.wait_for(Option::is_some)).await {
                Ok(Ok(told)) => return told.clone().unwrap_or(Err(ExchangeRefusal::NoAnswer)),
                // Its task was dropped: somebody else may do better.
                Ok(Err(_)) => {}
                Err(_) => break,
            }
        }
        Err(ExchangeRefusal::NoAnswer)
    }

    /// A downstream refused this token: whether another one is worth asking for.
    pub(super) fn is_worth_replacing(&self, token: &IssuedToken) -> bool {
        self.0.desk.is_worth_replacing(token, self.0.clock.now())
    }

    /// Forgets a refused token: first where replicas share it, since who finds none here would bring it back from there.
    pub(super) async fn forget(&self, asking: &Asking, refused: &Arc<IssuedToken>) {
        self.0.in_store(|shared| shared.remove(asking.key, refused)).await;
        self.forget_here(asking, refused);
    }

    /// The same, for an answer that does not wait for it.
    pub(super) fn forget_later(&self, asking: &Asking, refused: &Arc<IssuedToken>) {
        match Handle::try_current() {
            Ok(runtime) if self.0.shared.is_some() => {
                let (exchanger, asking, refused) = (self.clone(), asking.clone(), refused.clone());
                runtime.spawn(async move { exchanger.forget(&asking, &refused).await });
            }
            _ => self.forget_here(asking, refused),
        }
    }

    fn forget_here(&self, asking: &Asking, refused: &Arc<IssuedToken>) {
        self.0.desk.refused_downstream(&asking.key, refused, self.0.clock.now());
    }

    /// Begins an exchange as a task of its own: a request that is cancelled does not cancel what others wait for.
    /// `wanted` keeps it waiting for a slot though nobody waits for the token.
    fn begin(
        &self,
        asking: &Asking,
        ticket: Ticket,
        teller: Teller,
        wanted: Option<watch::Receiver<()>>,
    ) -> Result<(), ExchangeRefusal> {
        let landing = Landing::new(self.clone(), ticket, teller);
        let first = asking.plan.steps().first();
        let Some(place) = self.0.slots.enter(&provider_of(first), self.0.clock.now()) else {
            let refusal = ExchangeRefusal::Overloaded;
            landing.refuse(first, refusal.clone());
            return Err(refusal);
        };
        let Ok(runtime) = Handle::try_current() else {
            tracing::error!(target: "mcp_auth", "no tokio runtime is there to exchange tokens in");
            return Err(ExchangeRefusal::NoAnswer);
        };
        let asking = asking.clone();
        runtime.spawn(async move {
            let _wanted = wanted;
            let exchanger = landing.exchanger().clone();
            let inner = &exchanger.0;
            // The time that is spent on waiting for another replica, or for a slot, is not there for the provider.
            let deadline = Instant::now() + inner.deadline;
            let claim = match inner.among_replicas(asking.key).await {
                Turn::Token(token) => return landing.land_unasked(Arc::new(token)),
                Turn::Exchange(claim) => claim,
            };
            let mut run = asking.plan.begin(asking.subject.clone(), asking.actor.clone());
            match inner.drive(&asking, &mut run, place, deadline, landing.wanted()).await {
                Ok(outcome) => {
                    report(asking.plan.name(), &outcome);
                    let token = outcome.token().cloned();
                    landing.land(outcome);
                    if let Some(token) = token {
                        // After the others have it: they do not wait for a store.
                        inner.share(&asking, &token).await;
                    }
                }
                Err(Unsent::Refused(refusal)) => landing.refuse(run.step(), refusal),
                Err(Unsent::Deserted) => landing.desert(run.step()),
            }
            if claim == Claim::Ours {
                inner.in_store(|shared| shared.release(asking.key)).await;
            }
        });
        Ok(())
    }
}

/// Why a run stopped before a request.
enum Unsent {
    Refused(ExchangeRefusal),
    /// Nobody wants its token any more.
    Deserted,
}

impl Inner {
    /// Makes the requests of a run, one after the other, until it is done or its time is over. Each step has a slot
    /// at its provider, with all its tries.
    async fn drive(
        &self,
        asking: &Asking,
        run: &mut ExchangeRun,
        mut place: Place,
        deadline: Instant,
        wanted: &watch::Sender<()>,
    ) -> Result<Outcome, Unsent> {
        loop {
            let provider = provider_of(run.step());
            if !place.is_at(&provider) {
                // Before the next one: nobody has two.
                drop(place);
                let entered = self.slots.enter(&provider, self.clock.now());
                place = entered.ok_or(Unsent::Refused(ExchangeRefusal::Overloaded))?;
            }
            match place.take_slot(deadline, wanted, || self.clock.now()).await {
                Slot::AtOnce => {}
                Slot::AfterOthers => self.ask_circuit_again(asking, run.step())?,
                Slot::Never => return Err(Unsent::Refused(ExchangeRefusal::Overloaded)),
                Slot::Deserted => return Err(Unsent::Deserted),
            }
            let Ok(random) = random::secret() else {
                tracing::error!(target: "mcp_auth", "the system gave no random bytes: no token can be exchanged");
                return Ok(give_up(run));
            };
            let workload_token = self.workload_token(run).await;
            let request = run.next_request(&SendContext {
                random: &random,
                workload_token: workload_token.as_ref(),
                nonces: &self.nonces,
                now: self.clock.now(),
            });
            let request = match request {
                Ok(request) => request,
                Err(outcome) => return Ok(outcome),
            };
            let until = deadline.min(Instant::now() + self.timeout);
            let progress = match timeout_at(until, self.send(request)).await {
                Ok(Ok(response)) => run.handle_response(&response, &self.nonces, self.clock.now()),
                Ok(Err(FetchError::TooLong { .. })) => run.handle_too_large(),
                Ok(Err(_)) | Err(_) => run.handle_failure(),
            };
            match progress {
                Progress::Done(outcome) => return Ok(outcome),
                Progress::Again { after } if Instant::now() + after >= deadline => return Ok(give_up(run)),
                Progress::Again { after } => tokio::time::sleep(after).await,
            }
        }
    }

    /// Those who had the slots before may have found that the provider is down.
    fn ask_circuit_again(&self, asking: &Asking, step: Option<&Step>) -> Result<(), Unsent> {
        let opened = step.and_then(|step| {
            self.desk.opened_meanwhile(&asking.plan, step.endpoint().uri(), self.clock.now())
        });
        opened.map_or(Ok(()), |outcome| Err(Unsent::Refused(ExchangeRefusal::NoToken(outcome))))
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
fn give_up(run: &mut ExchangeRun) -> Outcome {
    loop {
        // INVARIANT: ends, since a plan has at most 3 tries.
        if let Progress::Done(outcome) = run.handle_failure() {
            return outcome;
        }
    }
}
