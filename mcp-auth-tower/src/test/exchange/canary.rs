//! Everything that is written, to look for what must not be in it.

use std::fmt::Debug;
use std::sync::Once;

use mcp_auth_core::audit::Record;
use tracing::field::{Field, Visit};
use tracing::span;

use super::*;
use crate::audit::AuditSink;

/// Everything that was written, besides the headers of requests.
#[derive(Debug, Default)]
pub(in crate::test) struct Written(pub(in crate::test) Mutex<String>);

impl AuditSink for Written {
    fn record(&self, record: &Record<'_>) {
        let mut text = self.0.lock().unwrap();
        text.push_str(&format!("{record:?}\n"));
    }
}

impl Written {
    pub(super) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    fn line(&self, head: &str, fields: impl FnOnce(&mut Fields<'_>)) {
        let mut text = self.0.lock().unwrap();
        text.push_str(&format!("{head} "));
        fields(&mut Fields(&mut text));
        text.push('\n');
    }
}

struct Fields<'s>(&'s mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!("{field}={value:?} "));
    }
}

/// All events and spans of `tracing`, with all fields, at all levels.
pub(in crate::test) struct Logs(Option<Arc<Written>>);

impl Logs {
    /// Writes what this thread logs, as long as the guard lives.
    pub(in crate::test) fn of(written: &Arc<Written>) -> tracing::subscriber::DefaultGuard {
        // While there is only one subscriber, `tracing` asks that of the thread which reaches a callsite first, whether
        // anybody wants its events: another test's thread, which has none, and then nobody gets them. So each thread
        // has one.
        static EVERYWHERE: Once = Once::new();
        EVERYWHERE.call_once(|| {
            tracing::subscriber::set_global_default(Logs(None)).expect("the only global one");
        });
        tracing::subscriber::set_default(Logs(Some(written.clone())))
    }

    fn line(&self, head: &str, fields: impl FnOnce(&mut Fields<'_>)) {
        if let Some(written) = &self.0 {
            written.line(head, fields);
        }
    }
}

impl tracing::Subscriber for Logs {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let id = LAST.fetch_add(1, Ordering::SeqCst) + 1;
        let head = format!("SPAN {id} {}", attributes.metadata().name());
        self.line(&head, |fields| attributes.record(fields));
        span::Id::from_u64(id)
    }

    fn record(&self, id: &span::Id, values: &span::Record<'_>) {
        self.line(&format!("SPAN {}", id.into_u64()), |fields| values.record(fields));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        self.line(event.metadata().level().as_str(), |fields| event.record(fields));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// A detector that never strikes would prove nothing.
#[test]
fn a_canary_in_an_event_or_in_a_span_is_found_wherever_it_is() {
    type Log = fn(&str);
    let text = "the-canary";
    let logged: [(&str, Log); 6] = [
        ("field of an event", |canary| tracing::trace!(canary)),
        ("message of an event", |canary| tracing::debug!("it is {canary}")),
        ("field of a span", |canary| drop(tracing::trace_span!("exchange", token = canary))),
        ("debug field of a span", |canary| drop(tracing::info_span!("exchange", token = ?Some(canary)))),
        ("field of a span that is recorded later", |canary| {
            let span = tracing::info_span!("exchange", token = tracing::field::Empty);
            span.record("token", canary);
        }),
        ("event in a span", |canary| {
            tracing::info_span!("exchange").in_scope(|| tracing::warn!(error = %canary, "it failed"));
        }),
    ];
    for (place, log) in logged {
        let logs = Arc::new(Written::default());
        let guard = Logs::of(&logs);
        log("something else");
        assert!(!logs.text().contains(text), "{place}");
        log(text);
        assert!(logs.text().contains(text), "{place}: {}", logs.text());
        drop(guard);
        log(text);
        assert_eq!(logs.text().matches(text).count(), 1, "{place}: after it ended");
    }
}

/// What looks for tokens in a route's logs strikes, too.
#[tokio::test]
async fn a_token_that_is_logged_in_a_span_of_a_route_is_found() {
    let logs = Arc::new(Written::default());
    let _guard = Logs::of(&logs);
    let route = Route::new();
    let token = route.token("bob");
    let answer = route.call(&token).await;
    route.assert_nowhere(&token, &answer, &logs);
    let span = tracing::info_span!("exchange", token = tracing::field::Empty);
    span.record("token", token.as_str());
    let looks = || route.assert_nowhere(&token, &answer, &logs);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(looks)).is_err());
}
