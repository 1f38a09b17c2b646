use std::sync::{Arc, Mutex};

use mcp_auth_core::mcp::{Agreement, ProtocolVersion, ToolHeadersStore};
use tower_layer::Layer;

use super::Agree;

/// What the headers of tools may take.
const TOOLS_BYTES: usize = 1024 * 1024;

/// Puts [`Agree`] in front of a service.
#[derive(Clone, Debug)]
#[must_use]
pub struct AgreementLayer {
    agreement: Arc<Agreement>,
    tools: Tools,
}

/// The headers that tools have declared; one lock for one look-up.
pub(super) type Tools = Arc<Mutex<ToolHeadersStore>>;

impl Default for AgreementLayer {
    fn default() -> Self {
        Self {
            agreement: Arc::new(Agreement::new()),
            tools: Arc::new(Mutex::new(ToolHeadersStore::new(TOOLS_BYTES))),
        }
    }
}

impl AgreementLayer {
    /// A layer for all protocol versions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves these versions only; others are answered with -32022 and the list of these. They should be those of the
    /// service behind.
    pub fn versions(mut self, versions: impl IntoIterator<Item = ProtocolVersion>) -> Self {
        self.agreement = Arc::new((*self.agreement).clone().supported(versions));
        self
    }
}

impl<S> Layer<S> for AgreementLayer {
    type Service = Agree<S>;

    fn layer(&self, inner: S) -> Agree<S> {
        Agree { inner, agreement: self.agreement.clone(), tools: self.tools.clone() }
    }
}
