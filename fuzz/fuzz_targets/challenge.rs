//! Invariant: what is read is bounded and consists of tokens; written out again it reads as the same.
#![no_main]

use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use mcp_auth_discovery::challenge::{Challenges, MAX_CHALLENGES, MAX_PARAMETERS};

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fuzz_target!(|data: &[u8]| {
    let Ok(header) = HeaderValue::from_bytes(data) else { return };
    let Ok(challenges) = Challenges::parse(&header) else { return };
    assert!(challenges.iter().count() <= MAX_CHALLENGES);
    assert_eq!(
        challenges.bearer().is_some(),
        challenges.iter().any(|challenge| challenge.scheme().eq_ignore_ascii_case("bearer"))
    );
    let mut written = Vec::new();
    for challenge in challenges.iter() {
        assert!(is_token(challenge.scheme()));
        assert!(challenge.parameters().count() <= MAX_PARAMETERS);
        assert!(challenge.token68().is_none() || challenge.parameters().next().is_none());
        let mut parameters = Vec::new();
        for (name, value) in challenge.parameters() {
            assert!(is_token(name) && !name.bytes().any(|b| b.is_ascii_uppercase()));
            assert_eq!(challenge.parameter(&name.to_ascii_uppercase()), Some(value), "a name occurs twice");
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            parameters.push(format!("{name}=\"{value}\""));
        }
        let rest = challenge.token68().map_or_else(|| parameters.join(", "), str::to_owned);
        written.push(format!("{} {rest}", challenge.scheme()).trim_end().to_owned());
    }
    let written = written.join(", ");
    if written.len() <= mcp_auth_discovery::challenge::MAX_CHALLENGE_BYTES {
        let header = HeaderValue::from_str(&written).expect("what was read can be written");
        assert_eq!(Challenges::parse(&header).as_ref(), Ok(&challenges), "{written}");
    }
});
