//! Keys, their forms and their rotation.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::*;

#[test]
fn previous_keys_open_and_do_not_seal() {
    let key = |byte| SealKey::from_bytes([byte; 32]);
    let old = sealer(1);
    let both = sealer(2).previous(&key(1)).unwrap();
    let text = old.seal(Purpose::State, &BOUND, b"content", None, SealNonce::Derived).unwrap();
    assert_eq!(&**both.open(Purpose::State, &BOUND, &text, NOW).unwrap(), b"content");
    // Bound and tampered as ever.
    assert_eq!(kind(&both, Purpose::Code, &BOUND, &text), SealErrorKind::Forged);

    let new = both.seal(Purpose::State, &BOUND, b"content", None, SealNonce::Derived).unwrap();
    assert_eq!(new, sealer(2).seal(Purpose::State, &BOUND, b"content", None, SealNonce::Derived).unwrap());
    assert_eq!(kind(&old, Purpose::State, &BOUND, &new), SealErrorKind::UnknownKey);
    assert_eq!(kind(&sealer(2), Purpose::State, &BOUND, &text), SealErrorKind::UnknownKey);
}

#[test]
fn a_ring_is_bounded_and_has_each_key_once() {
    let key = |byte| SealKey::from_bytes([byte; 32]);
    assert_eq!(sealer(1).previous(&key(1)).unwrap_err(), SealKeyError::Twice);
    let mut ring = sealer(0);
    for byte in 1..=u8::try_from(MAX_PREVIOUS_KEYS).unwrap() {
        ring = ring.previous(&key(byte)).unwrap();
    }
    assert_eq!(ring.clone().previous(&key(3)).unwrap_err(), SealKeyError::Twice);
    assert_eq!(ring.clone().previous(&key(99)).unwrap_err(), SealKeyError::TooMany);
    let text = sealer(8).seal(Purpose::State, &[], b"content", None, RANDOM).unwrap();
    assert!(ring.open(Purpose::State, &[], &text, NOW).is_ok());
}

/// Knowing the name of one key is knowing nothing about the value of another.
#[test]
fn the_name_of_a_key_in_front_of_another_keys_value_does_not_open() {
    let both = sealer(1).previous(&SealKey::from_bytes([2; 32])).unwrap();
    let [one, other] =
        [1, 2].map(|key| sealer(key).seal(Purpose::State, &[], b"content", None, RANDOM).unwrap());
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text.strip_prefix("s1.").unwrap()).unwrap();
    let mixed = [&bytes(&one)[..4], &bytes(&other)[4..]].concat();
    let mixed = format!("s1.{}", URL_SAFE_NO_PAD.encode(mixed));
    assert_eq!(kind(&both, Purpose::State, &[], &mixed), SealErrorKind::Forged);
}

#[test]
fn keys_are_read_as_people_write_them() {
    let bytes: [u8; 32] = std::array::from_fn(|i| u8::try_from(i * 7).unwrap() | 0xc3);
    let expected = Sealer::new(&SealKey::from_bytes(bytes), Arc::new(AwsLc::new())).unwrap();
    let value = expected.seal(Purpose::State, &[], b"content", None, RANDOM).unwrap();
    let forms = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD].map(|form| form.encode(bytes));
    assert!(forms[0].contains(['+', '/']), "{forms:?}");
    for form in forms.iter().flat_map(|form| [form.clone(), format!(" {form}\r\n")]) {
        let sealer = Sealer::new(&SealKey::from_base64(&form).unwrap(), Arc::new(AwsLc::new())).unwrap();
        assert_eq!(&**sealer.open(Purpose::State, &[], &value, NOW).unwrap(), b"content");
    }
    let refused = |text: &str| SealKey::from_base64(text).unwrap_err();
    for text in ["", "AAAA", &STANDARD.encode([1; 31]), &STANDARD.encode([1; 33]), &"A".repeat(2000)] {
        assert_eq!(refused(text), SealKeyError::Length, "{text}");
    }
    for text in ["my secret key", "ä", "+-", "AAAA====", &forms[0].replace(['+', '/'], "\n")] {
        assert_eq!(refused(text), SealKeyError::Base64, "{text}");
    }
    for byte in [0, 1, 0xff] {
        assert_eq!(refused(&STANDARD.encode([byte; 32])), SealKeyError::Placeholder);
    }
}

#[test]
fn keys_are_derived_for_each_label() {
    let name = |secret: &[u8], label: &str| {
        let [a, b] = providers().map(|provider| {
            let key = SealKey::derive(secret, label, &*provider).unwrap();
            Sealer::new(&key, provider).unwrap().seal(Purpose::State, &[], b"", None, RANDOM).unwrap()
        });
        assert_eq!(a, b);
        a
    };
    let values = [name(&[1; 32], "a"), name(&[1; 32], "b"), name(&[2; 32], "a"), name(&[1; 33], "a")];
    for (at, value) in values.iter().enumerate() {
        assert!(!values[..at].contains(value));
    }
    for (secret, label) in [(31, 1), (1025, 1), (32, 256)] {
        let derived = SealKey::derive(&vec![1; secret], &"x".repeat(label), &AwsLc::new());
        assert_eq!(derived.unwrap_err(), SealKeyError::Secret);
    }
}

#[test]
fn a_key_has_keys_for_its_uses() {
    let provider = Arc::new(AwsLc::new());
    let key = SealKey::from_bytes([1; 32]);
    let value = |key: &SealKey| {
        Sealer::new(key, provider.clone()).unwrap().seal(Purpose::State, &[], b"", None, RANDOM).unwrap()
    };
    let of = |label: &str| value(&key.subkey(label, &*provider).unwrap());
    assert_eq!(of("a"), value(&SealKey::derive(&[1; 32], "a", &*provider).unwrap()));
    assert_ne!(of("a"), of("b"));
    assert_ne!(of("a"), value(&key));
    assert_eq!(key.subkey(&"x".repeat(256), &*provider).unwrap_err(), SealKeyError::Secret);
}

#[test]
fn keys_do_not_show() {
    let key = SealKey::from_bytes([0x41; 32]);
    let sealer = sealer(0x41).previous(&SealKey::from_bytes([0x42; 32])).unwrap();
    assert_eq!(format!("{key:?} {sealer:?}"), "SealKey([redacted]) Sealer { keys: 2, .. }");
    for provider in providers() {
        let aead = provider.aes_256_gcm_siv(&[0x41; 32]).unwrap();
        assert!(format!("{aead:?}").ends_with("([redacted])"));
    }
}
