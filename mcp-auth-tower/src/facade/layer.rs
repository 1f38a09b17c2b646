use tower_layer::Layer;

use super::{Facade, FacadeServer};

/// Puts [`Facade`] in front of a service.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct FacadeLayer {
    /// `None`: requests pass.
    server: Option<FacadeServer>,
}

impl FacadeLayer {
    /// Answers for `server`.
    pub fn new(server: FacadeServer) -> Self {
        Self { server: Some(server) }
    }

    /// The server; `None` where requests pass.
    pub fn server(&self) -> Option<&FacadeServer> {
        self.server.as_ref()
    }
}

impl<S> Layer<S> for FacadeLayer {
    type Service = Facade<S>;

    fn layer(&self, inner: S) -> Facade<S> {
        Facade { inner, server: self.server.clone() }
    }
}
