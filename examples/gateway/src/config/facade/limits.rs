//! `limits`: how often one address may ask.

use std::time::Duration;

use mcp_auth_tower::facade::{FacadeLimits, Rate};

use super::super::duration;
use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::node::{Kind, Node};

/// The written ones; the others have their defaults.
pub(super) fn read(node: Option<Node>) -> Result<FacadeLimits, Fault> {
    let mut limits = FacadeLimits::default();
    let Some(node) = node else { return Ok(limits) };
    let mut fields = Fields::new(node, "limits", &["registrations", "logins"], &[])?;
    if let Some(node) = fields.take("registrations") {
        limits.registrations = read_rate(node, "registrations")?;
    }
    if let Some(node) = fields.take("logins") {
        limits.logins = read_rate(node, "logins")?;
    }
    Ok(limits)
}

/// `unlimited`, or so many at once and then one each time.
fn read_rate(node: Node, field: &'static str) -> Result<Rate, Fault> {
    if matches!(node.kind, Kind::Text(_)) {
        let word = node.filled_text(field)?;
        return match word.value.as_str() {
            "unlimited" => Ok(Rate::unlimited()),
            other => Err(Fault::unknown_word(word.at, other, &format!("`{field}`"), &["unlimited"])),
        };
    }
    let mut fields = Fields::new(node, field, &["burst", "every"], &[])?;
    let burst = fields.require("burst")?;
    let at = burst.at;
    let burst = u32::try_from(burst.count("burst")?)
        .map_err(|_| Fault::invalid(at, "`burst` is too large: `unlimited` is for that"))?;
    let every = fields.require("every")?;
    let at = every.at;
    let every = duration::read_filled(every, "every")?;
    if every > Duration::from_secs(3600) {
        return Err(Fault::invalid(at, "`every` must be at most an hour"));
    }
    Ok(Rate::new(burst, every))
}
