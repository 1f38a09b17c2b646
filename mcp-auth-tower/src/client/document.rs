use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use http::{Response, StatusCode};

use super::{Fetch, FetchError, FetchRequest};

/// Fetches a JSON document and checks what came, whoever fetched it.
pub(crate) async fn document(
    client: &dyn Fetch,
    request: FetchRequest,
) -> Result<(HeaderMap, Bytes), FetchError> {
    let (limit, timeout) = (request.max_bytes, request.timeout);
    let answer = tokio::time::timeout(timeout, client.fetch(request)).await;
    check(answer.unwrap_or(Err(FetchError::Timeout(timeout)))?, limit)
}

pub(super) fn check(answer: Response<Bytes>, limit: usize) -> Result<(HeaderMap, Bytes), FetchError> {
    let (parts, body) = answer.into_parts();
    if parts.status != StatusCode::OK {
        return Err(FetchError::Status(parts.status));
    }
    let encoded = |value: &http::HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
    if parts.headers.get_all(CONTENT_ENCODING).iter().any(encoded) {
        return Err(FetchError::Encoded);
    }
    check_type(&parts.headers)?;
    if body.len() > limit {
        return Err(FetchError::TooLong { limit });
    }
    Ok((parts.headers, body))
}

/// Lenient, because many providers and every file server name keys something else; the body is read strictly
/// anyway. What is no JSON is named for what it is.
fn check_type(headers: &HeaderMap) -> Result<(), FetchError> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let text = value.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "text/html" | "application/xhtml+xml" => Err(FetchError::Html),
        "" | "application/json" | "text/json" | "text/plain" | "application/octet-stream" => Ok(()),
        other if other.ends_with("+json") => Ok(()),
        _ => Err(FetchError::ContentType),
    }
}
