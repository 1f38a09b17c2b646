//! What a server answers: one JSON document, or an event stream with the answer in it.

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::fault;
use crate::error::ClientError;

/// The result of the request `id`.
pub(super) fn result(response: &Response<Bytes>, method: &str, id: u64) -> Result<Value, ClientError> {
    if !response.status().is_success() {
        return Err(fault(method, &format!("answered {}", response.status())));
    }
    let message = messages(response)
        .into_iter()
        .find(|message| message.get("id") == Some(&id.into()) && message.get("method").is_none())
        .ok_or_else(|| fault(method, "no answer to this request"))?;
    if let Some(error) = message.get("error") {
        let text: String =
            error.get("message").and_then(Value::as_str).unwrap_or_default().chars().take(200).collect();
        return Err(fault(method, &format!("error {}: {text}", error.get("code").unwrap_or(&Value::Null))));
    }
    message.get("result").cloned().ok_or_else(|| fault(method, "neither result nor error"))
}

fn messages(response: &Response<Bytes>) -> Vec<Value> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("text/event-stream") {
        return serde_json::from_slice(response.body()).into_iter().collect();
    }
    events(&String::from_utf8_lossy(response.body()))
        .iter()
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

/// The data of each event (HTML, "Server-sent events").
fn events(stream: &str) -> Vec<String> {
    let (mut events, mut data) = (Vec::new(), Vec::new());
    for line in stream.lines().chain([""]) {
        if line.is_empty() {
            if !data.is_empty() {
                events.push(std::mem::take(&mut data).join("\n"));
            }
        } else if let Some(rest) = line.strip_prefix("data:") {
            data.push(rest.strip_prefix(' ').unwrap_or(rest));
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn answer(kind: &'static str, body: &'static str) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from_static(body.as_bytes()));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }

    #[test]
    fn the_answer_is_found_among_other_messages() {
        let stream = answer(
            "text/event-stream; charset=utf-8",
            ": hello\r\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\r\n\r\n\
             event: message\r\nid: 7\r\ndata: {\"jsonrpc\":\"2.0\",\r\ndata: \"id\":2,\"result\":{\"a\":1}}\r\n",
        );
        assert_eq!(result(&stream, "m", 2).unwrap(), json!({"a": 1}));
        assert!(result(&stream, "m", 3).is_err());
        let single =
            answer("application/json", r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#);
        assert_eq!(result(&single, "m", 1).unwrap_err().to_string(), "m: error -32601: no");
        assert!(result(&answer("text/html", "<p>"), "m", 1).is_err());
    }
}
