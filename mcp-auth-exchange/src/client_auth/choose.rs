//! Which method a client with or without a secret uses at a server.

use mcp_auth_discovery::{AuthorizationServerMetadata, Secret};

use super::ClientCredential;

/// The server takes no method that this client can use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the token endpoint takes {supported}, and this client has {has}: register it with one of these methods, or \
     configure what it needs",
    supported = listed(.supported),
    has = if *.has_secret { "a secret" } else { "no secret" }
)]
#[non_exhaustive]
pub struct NoCommonMethod {
    /// What the metadata names, shortened.
    pub supported: Vec<String>,
    /// Whether the client has a secret.
    pub has_secret: bool,
}

/// Greatest number of names in an error.
const MAX_NAMES: usize = 8;

impl ClientCredential {
    /// The credential of a client that was registered, or that the operator wrote down.
    ///
    /// `registered_method` is the `token_endpoint_auth_method` of the registration (RFC 7591 §2): it decides where it is
    /// there. Otherwise the first decides that the server's metadata names and the client can use: the secret in the
    /// header, the secret in the body, none. Metadata without the member means the header (RFC 8414 §2); a client that
    /// has no secret is a public one there.
    ///
    /// ```
    /// use mcp_auth_exchange::{ClientCredential, Secret};
    /// use mcp_auth_discovery::AuthorizationServerMetadata;
    ///
    /// let mut server = AuthorizationServerMetadata::new("https://login.example.com");
    /// server.token_endpoint_auth_methods_supported = Some(vec!["client_secret_post".to_owned()]);
    /// let client = ClientCredential::for_server("c-1", Some(Secret::new("s")), None, &server)?;
    /// assert_eq!(client.method(), "client_secret_post");
    /// assert!(ClientCredential::for_server("c-1", None, None, &server).is_err());
    /// # Ok::<(), mcp_auth_exchange::client_auth::NoCommonMethod>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`NoCommonMethod`] when the client has no secret where one is needed, and when the only methods are others, such
    /// as `private_key_jwt`.
    pub fn for_server(
        client_id: impl Into<String>,
        secret: Option<Secret>,
        registered_method: Option<&str>,
        server: &AuthorizationServerMetadata,
    ) -> Result<Self, NoCommonMethod> {
        let client_id = client_id.into();
        let takes = |method: &str| match registered_method {
            Some(registered) => method == registered,
            None => server.supports_client_authentication(method),
        };
        let has_secret = secret.is_some();
        match secret {
            Some(secret) if takes("client_secret_basic") => Ok(Self::client_secret_basic(client_id, secret)),
            Some(secret) if takes("client_secret_post") => Ok(Self::client_secret_post(client_id, secret)),
            _ if takes("none") => Ok(Self::none(client_id)),
            // What only the client says about itself: a server that gives no secret has registered a public client.
            None if registered_method.is_none() && server.token_endpoint_auth_methods_supported.is_none() => {
                Ok(Self::none(client_id))
            }
            _ => {
                let named = server.token_endpoint_auth_methods_supported.iter().flatten();
                let one = |name: &String| name.chars().filter(|c| !c.is_control()).take(64).collect();
                let supported = match registered_method {
                    Some(method) => vec![method.to_owned()],
                    None => named.take(MAX_NAMES).map(one).collect(),
                };
                Err(NoCommonMethod { supported, has_secret })
            }
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "client_secret_basic".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(
        secret: bool,
        registered: Option<&str>,
        supported: Option<&[&str]>,
    ) -> Result<&'static str, NoCommonMethod> {
        let mut server = AuthorizationServerMetadata::new("https://as");
        server.token_endpoint_auth_methods_supported =
            supported.map(|names| names.iter().map(|&name| name.to_owned()).collect());
        let secret = secret.then(|| Secret::new("s"));
        ClientCredential::for_server("c", secret, registered, &server).map(|client| client.method())
    }

    #[test]
    fn the_registration_decides_then_the_metadata() {
        let all = ["none", "client_secret_post", "client_secret_basic"];
        assert_eq!(method(true, None, Some(&all)), Ok("client_secret_basic"));
        assert_eq!(method(true, Some("client_secret_post"), Some(&all)), Ok("client_secret_post"));
        assert_eq!(method(true, Some("none"), Some(&all)), Ok("none"));
        assert_eq!(method(true, None, Some(&["none"])), Ok("none"));
        assert_eq!(method(false, None, Some(&all)), Ok("none"));
        assert_eq!(method(true, None, None), Ok("client_secret_basic"));
        assert_eq!(method(false, None, None), Ok("none"));
    }

    #[test]
    fn nothing_in_common_says_what_is_missing() {
        let error = method(false, Some("client_secret_basic"), None).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the token endpoint takes client_secret_basic, and this client has no")
        );
        let error = method(true, None, Some(&["private_key_jwt", "tls_client_auth"])).unwrap_err();
        assert!(error.to_string().contains("private_key_jwt, tls_client_auth, and this client has a secret"));
        assert!(method(true, None, Some(&[])).is_err());
        assert!(method(true, Some("private_key_jwt"), Some(&["none"])).is_err());
    }
}
