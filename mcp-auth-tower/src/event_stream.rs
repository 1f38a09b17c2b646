//! Answers that are event streams.

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_TYPE).iter().any(|value| {
        let essence = value.as_bytes().split(|b| *b == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
    })
}

/// Asks nginx, and what imitates it, to pass each event on as it comes. What the service says itself stays.
pub(crate) fn pass_events_at_once(headers: &mut HeaderMap) {
    if is_event_stream(headers) && !headers.contains_key(X_ACCEL_BUFFERING) {
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_streams_are_not_to_be_buffered() {
        let after = |kind: &'static str, said: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            if let Some(said) = said {
                headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static(said));
            }
            pass_events_at_once(&mut headers);
            headers.get(X_ACCEL_BUFFERING).map(|v| v.to_str().unwrap().to_owned())
        };
        for kind in ["text/event-stream", "Text/Event-Stream ; charset=utf-8"] {
            assert_eq!(after(kind, None).as_deref(), Some("no"));
            assert_eq!(after(kind, Some("yes")).as_deref(), Some("yes"), "the service knows better");
        }
        for kind in ["application/json", "text/event-streams", "text/plain; text/event-stream"] {
            assert_eq!(after(kind, None), None);
        }
    }
}
