use std::sync::Arc;

use mcp_auth_discovery::ResourceIdentifier;
use tower_layer::Layer;

use super::rules::Rules;
use super::{Origin, OriginError};

/// Puts [`Origin`] in front of a service.
#[derive(Clone, Debug)]
#[must_use]
pub struct OriginLayer {
    rules: Arc<Rules>,
}

impl OriginLayer {
    /// Allows the pages of the resource's own origin. `Host` is not checked unless
    /// [`allowed_hosts`](Self::allowed_hosts) asks for it.
    pub fn new(resource: &ResourceIdentifier) -> Self {
        Self { rules: Arc::new(Rules::for_resource(resource.url())) }
    }

    /// For a server on this machine: `Host`, and `Origin` where there is one, must name `localhost`, `127.0.0.1` or
    /// `[::1]`, on any port. A page of the web that got its name to point to this machine (DNS rebinding) is refused.
    ///
    /// ```
    /// use mcp_auth_tower::McpAuth;
    /// use mcp_auth_tower::origin::OriginLayer;
    ///
    /// let auth = McpAuth::builder("http://localhost:3000/mcp")?
    ///     .issuer("https://idp.example", "https://idp.example/jwks.json")?
    ///     .origin(OriginLayer::for_loopback())
    ///     .build()?;
    /// # Ok::<(), mcp_auth_tower::BuildError>(())
    /// ```
    pub fn for_loopback() -> Self {
        Self { rules: Arc::new(Rules::for_loopback()) }
    }

    /// Allows the pages of another origin: scheme, host and port, as in `https://app.example`.
    ///
    /// # Errors
    ///
    /// [`OriginError`] when `origin` is none; `*` and `null` are none.
    pub fn allow_origin(mut self, origin: &str) -> Result<Self, OriginError> {
        Arc::make_mut(&mut self.rules).add_origin(origin)?;
        Ok(self)
    }

    /// Allows the origin `null`. Dangerous: any page can send it from a sandboxed frame.
    pub fn danger_allow_null_origin(mut self) -> Self {
        Arc::make_mut(&mut self.rules).add_null_origin();
        self
    }

    /// Allows the pages of every origin. Dangerous where anything but the token in the request counts, such as the
    /// network that it comes from.
    pub fn danger_allow_any_origin(mut self) -> Self {
        Arc::make_mut(&mut self.rules).set_any_origin();
        self
    }

    /// Checks `Host` (`:authority` in HTTP/2): it must be the resource's or one of these, `host` on any port or
    /// `host:port`.
    ///
    /// # Errors
    ///
    /// [`OriginError`] when one of them is no host.
    pub fn allowed_hosts(
        mut self,
        hosts: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, OriginError> {
        let rules = Arc::make_mut(&mut self.rules);
        rules.check_hosts();
        for host in hosts {
            rules.add_host(host.as_ref())?;
        }
        Ok(self)
    }
}

impl<S> Layer<S> for OriginLayer {
    type Service = Origin<S>;

    fn layer(&self, inner: S) -> Origin<S> {
        Origin { inner, rules: self.rules.clone() }
    }
}
