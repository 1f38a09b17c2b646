//! Names that a lenient parser could take for others.

/// Whether a lenient parser could take `name` for one of `routed`: other case (also the two letters beyond
/// ASCII that fold into it), or control characters in it, or white space around it.
pub(super) fn looks_like(name: &str, routed: &[&str]) -> bool {
    if name.bytes().all(|b| b.is_ascii_graphic()) {
        return routed.iter().any(|r| r.eq_ignore_ascii_case(name));
    }
    let trimmed = name.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    let folded = || {
        trimmed.chars().filter(|c| !c.is_control()).map(|c| match c {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            c => c.to_ascii_lowercase(),
        })
    };
    routed.iter().any(|r| folded().eq(r.chars().map(|c| c.to_ascii_lowercase())))
}
