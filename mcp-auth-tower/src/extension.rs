//! What inner services find in the request's extensions.

use std::sync::Arc;

use mcp_auth_core::Principal;

/// The request was authenticated. Inserted by [`Authenticate`](crate::authenticate::Authenticate) into every
/// request that it lets through; an inner layer that does not find it refuses.
///
/// ```
/// use mcp_auth_tower::Authenticated;
///
/// fn greet(request: &http::Request<()>) -> Option<String> {
///     let who = request.extensions().get::<Authenticated>()?;
///     Some(format!("hello {}", who.principal()?.subject()?))
/// }
/// assert_eq!(greet(&http::Request::new(())), None);
/// ```
#[derive(Clone, Debug)]
pub struct Authenticated(Option<Arc<Principal>>);

impl Authenticated {
    pub(crate) fn new(principal: Option<Arc<Principal>>) -> Self {
        Self(principal)
    }

    /// The caller; `None` where the mode is optional and the request had no token.
    pub fn principal(&self) -> Option<&Principal> {
        self.0.as_deref()
    }

    pub(crate) fn shared(&self) -> Option<Arc<Principal>> {
        self.0.clone()
    }
}
