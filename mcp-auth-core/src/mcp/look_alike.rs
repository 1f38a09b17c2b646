//! Names that a lenient parser could take for others.

use crate::json::Value;

/// Whether lenient parsers read the same members as exact ones: no object in `value` has two names that differ in
/// case or in control characters alone. Go's `encoding/json` compares names without case, and the last one wins.
///
/// ```
/// use mcp_auth_core::json::Document;
/// use mcp_auth_core::mcp::reads_alike;
///
/// let one = Document::parse(br#"{"amount":1,"to":{"Amount":2}}"#, &Default::default())?;
/// let two = Document::parse(br#"{"to":{"amount":1,"Amount":1000000}}"#, &Default::default())?;
/// assert!(reads_alike(one.root()) && !reads_alike(two.root()));
/// # Ok::<(), mcp_auth_core::json::JsonError>(())
/// ```
pub fn reads_alike(value: Value<'_>) -> bool {
    match value {
        Value::Array(items) => items.iter().all(reads_alike),
        Value::Object(members) => {
            let mut names: Vec<String> = members.iter().map(|(name, _)| folded(name).collect()).collect();
            names.sort_unstable();
            names.windows(2).all(|pair| matches!(pair, [a, b] if a != b))
                && members.iter().all(|(_, value)| reads_alike(value))
        }
        _ => true,
    }
}

/// Whether a lenient parser could take `name` for one of `routed`: other case (also the two letters beyond
/// ASCII that fold into it), or control characters in it, or white space around it.
pub(super) fn looks_like(name: &str, routed: &[&str]) -> bool {
    if name.bytes().all(|b| b.is_ascii_graphic()) {
        return routed.iter().any(|r| r.eq_ignore_ascii_case(name));
    }
    routed.iter().any(|r| folded(name).eq(r.chars().map(|c| c.to_ascii_lowercase())))
}

fn folded(name: &str) -> impl Iterator<Item = char> {
    let trimmed = name.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    trimmed.chars().filter(|c| !c.is_control()).map(|c| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    })
}
