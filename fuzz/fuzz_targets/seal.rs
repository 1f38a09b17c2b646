//! Invariants: what was sealed opens for what it was sealed for, and nothing else opens.
//!
//! The first byte chooses the kind of input:
//! - `#`: the rest are edits of three bytes (position, position, change) of a genuine value; only that value opens, and
//!   only before its end.
//! - `=`: the rest is cut at line feeds into content and bound data; the value that is made of it opens, and not for one
//!   part less.
//! - `k`: the rest is read as a key.
//! - anything else: the whole input is the value; never opens.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::AwsLc;
use mcp_auth_core::seal::{
    MAX_BOUND_PARTS, MAX_SEALED_CHARS, Purpose, SealErrorKind, SealKey, SealNonce, Sealer,
};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const END: UnixTime = UnixTime::from_secs(1_700_000_600);
const BOUND: [&[u8]; 2] = [b"https://idp.example", b"alice"];

static SEALER: LazyLock<Sealer> = LazyLock::new(|| {
    let sealer = Sealer::new(&SealKey::from_bytes([7; 32]), Arc::new(AwsLc::new())).unwrap();
    sealer.previous(&SealKey::from_bytes([8; 32])).unwrap()
});

static GENUINE: LazyLock<String> = LazyLock::new(|| {
    SEALER.seal(Purpose::State, &BOUND, b"content", Some(END), SealNonce::Random([9; 12])).unwrap()
});

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((b'#', edits)) => edited(edits),
        Some((b'=', input)) => sealed(input),
        Some((b'k', text)) => key(text),
        _ => {
            let Ok(text) = std::str::from_utf8(data) else { return };
            // A seed may be the genuine one.
            if text != *GENUINE {
                assert!(SEALER.open(Purpose::State, &BOUND, text, NOW).is_err());
            }
        }
    }
});

fn edited(edits: &[u8]) {
    let mut bytes = GENUINE.clone().into_bytes();
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % (bytes.len() + 1);
        match bytes.get_mut(at) {
            Some(byte) => *byte ^= edit[2],
            None => bytes.push(edit[2]),
        }
    }
    let Ok(text) = String::from_utf8(bytes) else { return };
    let genuine = text == *GENUINE;
    assert_eq!(SEALER.open(Purpose::State, &BOUND, &text, NOW).is_ok(), genuine);
    assert!(SEALER.open(Purpose::Code, &BOUND, &text, NOW).is_err());
    let late = SEALER.open(Purpose::State, &BOUND, &text, END).unwrap_err();
    assert_eq!(late.kind() == SealErrorKind::Expired, genuine);
}

fn sealed(input: &[u8]) {
    let mut parts: Vec<&[u8]> = input.split(|b| *b == b'\n').take(MAX_BOUND_PARTS + 1).collect();
    let content = parts.pop().unwrap();
    let nonce = match content.first_chunk() {
        Some(nonce) => SealNonce::Random(*nonce),
        None => SealNonce::Derived,
    };
    let text = SEALER.seal(Purpose::Cookie, &parts, content, None, nonce).unwrap();
    assert!(text.len() <= MAX_SEALED_CHARS && text.is_ascii());
    assert_eq!(**SEALER.open(Purpose::Cookie, &parts, &text, NOW).unwrap(), *content);
    if parts.pop().is_some() {
        assert!(SEALER.open(Purpose::Cookie, &parts, &text, NOW).is_err());
    }
}

fn key(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    if let Ok(key) = SealKey::from_base64(text) {
        let sealer = Sealer::new(&key, Arc::new(AwsLc::new())).unwrap();
        let value = sealer.seal(Purpose::State, &BOUND, b"content", None, SealNonce::Derived).unwrap();
        assert!(sealer.open(Purpose::State, &BOUND, &value, NOW).is_ok());
        // The genuine key is one byte repeated, which is not read as one.
        assert!(sealer.open(Purpose::State, &BOUND, &GENUINE, NOW).is_err());
    }
}
