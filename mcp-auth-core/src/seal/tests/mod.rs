#![cfg(all(feature = "aws-lc-rs", feature = "rust-crypto"))]

mod crypto;
mod keys;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::*;
use crate::crypto::{AwsLc, CryptoProvider, RustCrypto};
use crate::time::UnixTime;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const BOUND: [&[u8]; 2] = [b"https://idp.example", b"alice"];
const RANDOM: SealNonce = SealNonce::Random(*b"twelve bytes");

fn providers() -> [Arc<dyn CryptoProvider>; 2] {
    [Arc::new(AwsLc::new()), Arc::new(RustCrypto::new())]
}

fn sealer(key: u8) -> Sealer {
    Sealer::new(&SealKey::from_bytes([key; 32]), Arc::new(AwsLc::new())).unwrap()
}

fn kind(sealer: &Sealer, purpose: Purpose, bound_to: &[&[u8]], text: &str) -> SealErrorKind {
    sealer.open(purpose, bound_to, text, NOW).unwrap_err().kind()
}

#[test]
fn both_backends_make_and_open_the_same_values() {
    let [a, b] = providers().map(|p| Sealer::new(&SealKey::from_bytes([7; 32]), p).unwrap());
    for nonce in [RANDOM, SealNonce::Derived] {
        for content in [&b""[..], b"x", &[0xff; 1000]] {
            for end in [None, Some(UnixTime::from_secs(1_700_000_001))] {
                let one = a.seal(Purpose::Code, &BOUND, content, end, nonce).unwrap();
                let other = b.seal(Purpose::Code, &BOUND, content, end, nonce).unwrap();
                assert_eq!(one, other);
                assert_eq!(*a.open(Purpose::Code, &BOUND, &one, NOW).unwrap(), content);
                assert_eq!(*b.open(Purpose::Code, &BOUND, &one, NOW).unwrap(), content);
            }
        }
    }
}

/// Values live longer than a version of this crate: whoever changes one of these changes the prefix too. A program over
/// OpenSSL (PyPI `cryptography`) made the same two from the description in the module page.
#[test]
fn the_form_stays_what_it_is() {
    for (purpose, text) in [
        (Purpose::Session, "s1.bbPH45CfknKpTdZJQofbH5AmZYBwEfcCPOLo6bztdMdeTmdxkHMmuw"),
        (Purpose::RequestState, "s1.bbPH4-L-fNAGWbWWBrtnAW4SLI2Sz57u6sjzH0uC_zgKUzQf6fUJuw"),
    ] {
        assert_eq!(sealer(7).seal(purpose, &BOUND, b"content", None, SealNonce::Derived).unwrap(), text);
    }
}

/// Every byte in every way, every character in every way, every shorter and some longer texts.
#[test]
fn nothing_but_the_value_itself_opens() {
    let sealer = sealer(7);
    let end = Some(UnixTime::from_secs(1_800_000_000));
    let text = sealer.seal(Purpose::State, &BOUND, b"content", end, RANDOM).unwrap();
    let opens = |changed: &str| sealer.open(Purpose::State, &BOUND, changed, NOW);
    assert!(opens(&text).is_ok());
    let mut said = std::collections::BTreeSet::new();
    let mut refuse = |changed: &str| {
        assert_ne!(changed, text);
        said.insert(opens(changed).expect_err(changed).to_string());
    };
    for at in 0..text.len() {
        let (before, rest) = text.split_at(at);
        refuse(before);
        refuse(rest.strip_prefix(|_| true).filter(|_| at > 0).unwrap_or(""));
        let mut chars = rest.chars();
        let old = chars.next().unwrap();
        for new in (0..=0x7f).map(char::from).chain(['ä']).filter(|new| *new != old) {
            refuse(&format!("{before}{new}{}", chars.as_str()));
        }
        refuse(&format!("{before}A{rest}"));
    }
    for more in ["A", "AA", "AAA", "AAAA", "=", "==", "\n", " ", ".", "\0"] {
        refuse(&format!("{text}{more}"));
        refuse(&format!("{more}{text}"));
    }
    assert_eq!(said.into_iter().collect::<Vec<_>>(), ["the sealed value cannot be opened"]);
}

#[test]
fn purpose_and_every_part_count() {
    let sealer = sealer(7);
    let text = sealer.seal(Purpose::Code, &[b"ab", b"c"], b"content", None, SealNonce::Derived).unwrap();
    for purpose in [
        Purpose::Session,
        Purpose::State,
        Purpose::RefreshToken,
        Purpose::Consent,
        Purpose::Cookie,
        Purpose::ClientId,
        Purpose::IssuedToken,
        Purpose::StoreEntry,
        Purpose::RequestState,
    ] {
        assert_eq!(kind(&sealer, purpose, &[b"ab", b"c"], &text), SealErrorKind::Forged);
    }
    let others: [&[&[u8]]; 9] = [
        &[],
        &[b"abc"],
        &[b"a", b"bc"],
        &[b"ab", b"c", b""],
        &[b"", b"ab", b"c"],
        &[b"ab"],
        &[b"c", b"ab"],
        &[b"ab", b"C"],
        &[b"ab\0\0\0\x01c"],
    ];
    for bound_to in others {
        assert_eq!(kind(&sealer, Purpose::Code, bound_to, &text), SealErrorKind::Forged, "{bound_to:?}");
    }
}

#[test]
fn a_derived_nonce_repeats_and_a_random_one_does_not() {
    let sealer = sealer(7);
    let seal =
        |bound_to, content, end, nonce| sealer.seal(Purpose::Code, bound_to, content, end, nonce).unwrap();
    let first = seal(&BOUND, b"content", None, SealNonce::Derived);
    assert_eq!(seal(&BOUND, b"content", None, SealNonce::Derived), first);
    let nonce = |text: &str| text.get(9..24).unwrap().to_owned();
    for other in [
        seal(&BOUND, b"Content", None, SealNonce::Derived),
        seal(&[b"alice"], b"content", None, SealNonce::Derived),
        seal(&BOUND, b"content", Some(NOW), SealNonce::Derived),
        seal(&BOUND, b"content", None, SealNonce::Random([1; 12])),
        seal(&BOUND, b"content", None, SealNonce::Random([2; 12])),
    ] {
        assert_ne!(nonce(&other), nonce(&first));
    }
}

#[test]
fn a_value_ends_at_its_second() {
    let sealer = sealer(7);
    let text = sealer.seal(Purpose::State, &[], b"content", Some(NOW), RANDOM).unwrap();
    let open = |secs: u64| sealer.open(Purpose::State, &[], &text, UnixTime::from_secs(secs));
    assert!(open(0).is_ok() && open(NOW.as_secs() - 1).is_ok());
    for late in [NOW.as_secs(), NOW.as_secs() + 1, u64::MAX] {
        assert_eq!(open(late).unwrap_err().kind(), SealErrorKind::Expired);
    }
    let unending = sealer.seal(Purpose::State, &[], b"content", None, RANDOM).unwrap();
    assert!(sealer.open(Purpose::State, &[], &unending, UnixTime::from_secs(u64::MAX)).is_ok());
}

#[test]
fn lengths_are_bounded() {
    let sealer = sealer(7);
    let seal = |bound_to: &[&[u8]], length| {
        sealer.seal(
            Purpose::Cookie,
            bound_to,
            &vec![b'x'; length],
            Some(UnixTime::from_secs(u64::MAX)),
            RANDOM,
        )
    };
    let longest = seal(&[], MAX_PLAINTEXT_BYTES).unwrap();
    assert!(longest.len() <= MAX_SEALED_CHARS && longest.len() + 4 > MAX_SEALED_CHARS);
    assert_eq!(sealer.open(Purpose::Cookie, &[], &longest, NOW).unwrap().len(), MAX_PLAINTEXT_BYTES);
    assert_eq!(seal(&[], MAX_PLAINTEXT_BYTES + 1), Err(SealingFailed::TooLong));
    let half = vec![0; MAX_BOUND_BYTES / 2];
    assert!(seal(&[&half, &half], 0).is_ok());
    assert_eq!(seal(&[&half, &half, b"x"], 0), Err(SealingFailed::TooLong));
    assert!(seal(&[&b""[..]; MAX_BOUND_PARTS], 0).is_ok());
    assert_eq!(seal(&[&b""[..]; MAX_BOUND_PARTS + 1], 0), Err(SealingFailed::TooLong));

    let long = "A".repeat(MAX_SEALED_CHARS + 1);
    assert_eq!(kind(&sealer, Purpose::Cookie, &[], &long), SealErrorKind::TooLong);
}

#[test]
fn the_kind_says_to_the_log_what_is_wrong() {
    let (sealer, other) = (sealer(7), sealer(8));
    let text = sealer.seal(Purpose::State, &BOUND, b"content", None, RANDOM).unwrap();
    let foreign = other.seal(Purpose::State, &BOUND, b"content", None, RANDOM).unwrap();
    let decoded = URL_SAFE_NO_PAD.decode(text.strip_prefix("s1.").unwrap()).unwrap();
    let bytes = decoded.len();
    let first = |bytes: usize| format!("s1.{}", URL_SAFE_NO_PAD.encode(&decoded[..bytes]));
    assert_eq!(first(bytes), text);
    for (text, expected) in [
        (String::new(), SealErrorKind::Version),
        (text.replacen("s1.", "s2.", 1), SealErrorKind::Version),
        (text.replacen("s1.", "", 1), SealErrorKind::Version),
        ("s1.".to_owned(), SealErrorKind::Malformed),
        ("s1.AAAA".to_owned(), SealErrorKind::Malformed),
        (format!("{text}="), SealErrorKind::Malformed),
        (foreign, SealErrorKind::UnknownKey),
        (first(bytes - 1), SealErrorKind::Forged),
        // The key's name and a nonce, and nothing sealed.
        (first(16), SealErrorKind::Forged),
        (first(15), SealErrorKind::Malformed),
    ] {
        assert_eq!(kind(&sealer, Purpose::State, &BOUND, &text), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_sealed_opens(content in prop::collection::vec(any::<u8>(), 0..200),
                            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..5),
                            end in prop::option::of(NOW.as_secs() + 1..), nonce in any::<[u8; 12]>(), derived: bool) {
        let nonce = if derived { SealNonce::Derived } else { SealNonce::Random(nonce) };
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let text = sealer(7).seal(Purpose::State, &parts, &content, end.map(UnixTime::from_secs), nonce).unwrap();
        prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)));
        prop_assert_eq!(&*sealer(7).open(Purpose::State, &parts, &text, NOW).unwrap(), &content);
    }

    #[test]
    fn nothing_else_opens(text in "(s1\\.)?[A-Za-z0-9_-]{0,200}") {
        prop_assert!(sealer(7).open(Purpose::State, &[], &text, NOW).is_err());
    }
}
