//! Where the time comes from.

use std::fmt::Debug;
use std::time::SystemTime;

use mcp_auth_core::UnixTime;

/// A clock. Tests bring their own.
pub trait Clock: Send + Sync + Debug {
    /// The time now.
    fn now(&self) -> UnixTime;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a unit")]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        SystemTime::now().into()
    }
}
