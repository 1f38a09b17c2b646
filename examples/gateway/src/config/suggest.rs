//! "Did you mean": the nearest known word.

/// How alike two words must be, from 0 to 1, before one is offered for the other.
///
/// At 0.8 one wrong, missing, extra or swapped letter in a word of five is caught, and `jwks` is not offered for
/// `cors`.
const LIKENESS: f64 = 0.8;

/// The word of `known` that is nearest to `word`, when it is near enough. Capitals do not count.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), *candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// `, did you mean `x`?`, or nothing.
pub(crate) fn hint(word: &str, known: &[&str]) -> String {
    nearest(word, known).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default()
}

/// The known words, each in backticks, separated by commas.
pub(crate) fn list(known: &[&str]) -> String {
    known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
