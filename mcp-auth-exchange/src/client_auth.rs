//! How a client proves who it is at the token endpoint (RFC 6749 §2.3, RFC 8414 `token_endpoint_auth_method`).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use mcp_auth_discovery::Secret;

use crate::form::Form;

/// Client authentication: `none`, `client_secret_basic` or `client_secret_post`.
///
/// ```
/// use mcp_auth_exchange::{ClientAuthentication, Secret};
///
/// let client = ClientAuthentication::client_secret_basic("gateway", Secret::new("hunter2"));
/// assert_eq!(client.method(), "client_secret_basic");
/// assert!(!format!("{client:?}").contains("hunter2"));
/// ```
#[derive(Clone)]
pub struct ClientAuthentication {
    client_id: String,
    method: Method,
}

#[derive(Clone)]
enum Method {
    None,
    Basic(Secret),
    Post(Secret),
}

impl ClientAuthentication {
    /// A public client: only `client_id` is sent (RFC 6749 §3.2.1).
    pub fn none(client_id: impl Into<String>) -> Self {
        Self { client_id: client_id.into(), method: Method::None }
    }

    /// HTTP Basic with form-encoded identifier and secret (RFC 6749 §2.3.1). The identifier is not repeated in
    /// the body.
    pub fn client_secret_basic(client_id: impl Into<String>, secret: Secret) -> Self {
        Self { client_id: client_id.into(), method: Method::Basic(secret) }
    }

    /// Identifier and secret in the body (RFC 6749 §2.3.1).
    pub fn client_secret_post(client_id: impl Into<String>, secret: Secret) -> Self {
        Self { client_id: client_id.into(), method: Method::Post(secret) }
    }

    /// The identifier of the client.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The method as metadata calls it (RFC 7591 §2 `token_endpoint_auth_method`).
    pub fn method(&self) -> &'static str {
        match self.method {
            Method::None => "none",
            Method::Basic(_) => "client_secret_basic",
            Method::Post(_) => "client_secret_post",
        }
    }

    pub(crate) fn apply(&self, form: &mut Form, headers: &mut HeaderMap) {
        match &self.method {
            Method::None => form.push("client_id", &self.client_id),
            Method::Basic(secret) => {
                headers.insert(AUTHORIZATION, basic(&self.client_id, secret));
            }
            Method::Post(secret) => {
                form.push("client_id", &self.client_id);
                form.push("client_secret", secret.expose());
            }
        }
    }
}

/// `Basic base64(form(id) ":" form(secret))`, marked sensitive.
fn basic(client_id: &str, secret: &Secret) -> HeaderValue {
    let mut pair = Zeroizing::new(String::new());
    pair.extend(byte_serialize(client_id.as_bytes()));
    pair.push(':');
    pair.extend(byte_serialize(secret.expose().as_bytes()));
    let mut text = Zeroizing::new(String::from("Basic "));
    STANDARD.encode_string(pair.as_bytes(), &mut text);
    // INVARIANT: base64 is visible ASCII, so the fallback, which no server accepts, is never taken.
    let mut value = HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("Basic"));
    value.set_sensitive(true);
    value
}

impl fmt::Debug for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAuthentication")
            .field("client_id", &self.client_id)
            .field("method", &self.method())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;
    use url::Url;

    use super::*;
    use crate::TokenEndpoint;

    fn request(client: &ClientAuthentication) -> Request<Bytes> {
        let endpoint = TokenEndpoint::new(&Url::parse("https://as/token").unwrap()).unwrap();
        Form::new("x").into_http(&endpoint, client)
    }

    #[test]
    fn basic_is_form_encoded_before_base64() {
        let client = ClientAuthentication::client_secret_basic("a:b c", Secret::new("p+q/ü%"));
        let request = request(&client);
        let value = &request.headers()[AUTHORIZATION];
        let pair = STANDARD.decode(value.to_str().unwrap().strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(pair, b"a%3Ab+c:p%2Bq%2F%C3%BC%25");
        assert!(value.is_sensitive());
        assert_eq!(request.body().as_ref(), b"grant_type=x");
    }

    #[test]
    fn rfc_6749_section_2_3_1_example() {
        let client =
            ClientAuthentication::client_secret_basic("s6BhdRkqt3", Secret::new("7Fjfp0ZBr1KtDRbnfVdmIw"));
        assert_eq!(
            request(&client).headers()[AUTHORIZATION],
            "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"
        );
    }

    #[test]
    fn post_and_none_are_in_the_body_only() {
        let post = request(&ClientAuthentication::client_secret_post("c", Secret::new("s&x=1")));
        assert_eq!(post.body().as_ref(), b"grant_type=x&client_id=c&client_secret=s%26x%3D1");
        assert!(!post.headers().contains_key(AUTHORIZATION));
        let none = request(&ClientAuthentication::none("c"));
        assert_eq!(none.body().as_ref(), b"grant_type=x&client_id=c");
    }

    #[test]
    fn attack_112_secret_is_never_in_url_or_debug() {
        for client in [
            ClientAuthentication::client_secret_basic("c", Secret::new("canary")),
            ClientAuthentication::client_secret_post("c", Secret::new("canary")),
        ] {
            assert!(!format!("{client:?}").contains("canary"));
            assert!(!request(&client).uri().to_string().contains("canary"));
            assert!(!format!("{:?}", request(&client).headers()).contains("canary"));
        }
    }
}
