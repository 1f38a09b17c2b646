//! `lifetimes`: how long things are good for.

use mcp_auth_exchange::facade::Lifetimes;

use super::super::duration;
use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::node::Node;

/// The written ones; the others have their defaults.
pub(super) fn read(node: Option<Node>) -> Result<Lifetimes, Fault> {
    let mut lifetimes = Lifetimes::default();
    let Some(node) = node else { return Ok(lifetimes) };
    let known = ["login", "code", "refresh", "session", "consent", "grace"];
    let mut fields = Fields::new(node, "lifetimes", &known, &[])?;
    for (field, lifetime) in [
        ("login", &mut lifetimes.login),
        ("code", &mut lifetimes.code),
        ("refresh", &mut lifetimes.refresh),
        ("session", &mut lifetimes.session),
        ("consent", &mut lifetimes.consent),
    ] {
        if let Some(node) = fields.take(field) {
            *lifetime = duration::read_filled(node, field)?;
        }
    }
    // None is a choice: then of parallel refreshes one ends the session.
    if let Some(node) = fields.take("grace") {
        lifetimes.grace = duration::read(node, "grace")?;
    }
    Ok(lifetimes)
}
