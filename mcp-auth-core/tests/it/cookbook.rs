//! The examples of RFC 7520 (JSON Object Signing and Encryption), RFC 8037 (curve 25519) and RFC 7797.
//!
//! The parser reads the compact form and nothing else. An example in the JSON serialisation is put into compact
//! form where it has one: the header wholly protected. Where it has none it is counted as outside.

use std::path::{Path, PathBuf};

use mcp_auth_core::crypto::CryptoProvider;
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::{Algorithm, Jws, TokenLimits, ValidationErrorKind};
use serde_json::{Value, json};

use crate::support::{b64, conformance, key_set, providers, read_json, say, verify};

/// The files of a folder, by name.
fn files(folder: &Path) -> Vec<(String, Value)> {
    let mut paths: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    paths.into_iter().map(|path| (name(&path), read_json(path))).collect()
}

/// What a verifier is configured with: the key without its private part.
fn public(jwk: &Value) -> Value {
    let mut jwk = jwk.clone();
    for member in ["d", "p", "q", "dp", "dq", "qi"] {
        jwk.as_object_mut().unwrap().remove(member);
    }
    jwk
}

#[test]
fn keys_of_section_3() {
    let Some(folder) = conformance("jose-cookbook") else { return };
    let keys = files(&folder.join("jwk"));
    assert_eq!(keys.len(), 6);
    for (name, provider) in providers() {
        for (file, jwk) in &keys {
            let set = json!({"keys": [jwk]}).to_string();
            let published = KeySet::parse(set.as_bytes(), provider, Algorithm::ALL).unwrap();
            let algorithms = |set: &KeySet| -> Vec<Algorithm> {
                set.keys().iter().flat_map(|key| key.algorithms().collect::<Vec<_>>()).collect()
            };
            let skipped = published.skipped().first().map(|skipped| skipped.reason.to_string());
            match file.split('.').next().unwrap() {
                "3_1" => assert_eq!(algorithms(&published), [Algorithm::ES512]),
                "3_3" => assert_eq!(algorithms(&published).len(), 6, "RS and PS"),
                "3_2" | "3_4" => assert!(skipped.unwrap().contains("PRIVATE"), "{file}"),
                "3_5" => {
                    assert!(skipped.unwrap().contains("symmetric"), "{file}");
                    assert_eq!(algorithms(&key_set(provider, jwk).unwrap()), [Algorithm::HS256]);
                }
                // For encryption.
                "3_6" => assert!(key_set(provider, jwk).is_err() && published.is_empty()),
                other => panic!("an example nobody told us about: {other}"),
            }
        }
        say(&format!("cookbook: {} keys, each used or refused as it should be ({name})", keys.len()));
    }
}

#[derive(Default)]
struct Count {
    compact: usize,
    assembled: usize,
    outside: usize,
}

#[test]
fn signatures_of_section_4_and_of_curve_25519() {
    let Some(folder) = conformance("jose-cookbook") else { return };
    let mut examples = files(&folder.join("jws"));
    examples.extend(files(&folder.join("curve25519")).into_iter().filter(|(name, _)| name == "jws"));
    let nested = read_json(folder.join("6.nesting_signatures_and_encryption.json"));
    examples.push(("6, the signed part".into(), nested["sign"].clone()));
    assert_eq!(examples.len(), 10);
    for (name, provider) in providers() {
        let mut count = Count::default();
        for (file, example) in &examples {
            run(provider, file, example, &mut count);
        }
        let Count { compact, assembled, outside } = count;
        say(&format!(
            "cookbook: {compact} compact signatures verify, {assembled} more put together from JSON \
             serialisations; {outside} signatures have header members that are not protected, which the compact \
             form cannot say ({name})"
        ));
        assert_eq!((compact, assembled, outside), (6, 2, 4), "{name}");
    }
}

fn run(provider: &dyn CryptoProvider, file: &str, example: &Value, count: &mut Count) {
    let (input, output) = (&example["input"], &example["output"]);
    let payload = input["payload"].as_str().unwrap().as_bytes();
    let keys = input["key"].as_array().cloned().unwrap_or_else(|| vec![input["key"].clone()]);
    let good = |jwk: &Value, token: &str| {
        let verified = verify(provider, &public(jwk), token);
        assert_eq!(verified.as_deref(), Ok(payload), "{file}");
        let (rest, last) = token.split_at(token.len() - 8);
        let forged = format!("{rest}{}", if last == "AAAAAAAA" { "BBBBBBBB" } else { "AAAAAAAA" });
        assert!(verify(provider, &public(jwk), &forged).is_err(), "{file}");
    };
    let detached = output["json_flat"].as_object().is_some_and(|flat| !flat.contains_key("payload"));
    match output["compact"].as_str() {
        Some(token) if detached => {
            // RFC 7515 appendix F: the payload is elsewhere, so that what is here was not signed.
            let error = verify(provider, &public(&keys[0]), token).unwrap_err();
            assert!(error.contains("signature"), "{file}: {error}");
        }
        Some(token) => {
            good(&keys[0], token);
            count.compact += 1;
            return;
        }
        None => {}
    }
    let signatures = output["json"]["signatures"].as_array().unwrap();
    assert_eq!(signatures.len(), keys.len());
    for (signature, jwk) in signatures.iter().zip(&keys) {
        if signature.get("header").is_some() {
            // A part of the header is not signed. Section 4.7 has no protected part at all.
            let protected = signature["protected"].as_str().unwrap_or_default();
            let token = format!("{protected}.{}.{}", b64(payload), signature["signature"].as_str().unwrap());
            let verdict = verify(provider, &public(jwk), &token);
            assert_eq!(
                verdict.is_ok(),
                !protected.is_empty(),
                "{file}: what is protected is enough for one key"
            );
            count.outside += 1;
            continue;
        }
        let protected = signature["protected"].as_str().unwrap();
        let token = format!("{protected}.{}.{}", b64(payload), signature["signature"].as_str().unwrap());
        good(jwk, &token);
        count.assembled += 1;
    }
}

#[test]
fn attack_013_unencoded_payloads_of_rfc_7797_are_refused() {
    let Some(folder) = conformance("jose-cookbook") else { return };
    let examples = files(&folder.join("rfc7797"));
    assert_eq!(examples.len(), 2);
    for (file, example) in &examples {
        let signature = &example["output"]["json_flat"];
        let (protected, payload) =
            (signature["protected"].as_str().unwrap(), signature["payload"].as_str().unwrap());
        let mac = signature["signature"].as_str().unwrap();
        let mut tokens = vec![
            format!("{protected}.{}.{mac}", b64(payload)),
            // As it is written where the payload may not contain a dot.
            format!("{protected}.{payload}.{mac}"),
        ];
        tokens.extend(example["output"]["compact"].as_str().map(str::to_owned));
        for token in &tokens {
            for (name, provider) in providers() {
                assert!(verify(provider, &example["input"]["key"], token).is_err(), "{file} {name}");
            }
        }
    }
    say("cookbook: 2 examples of RFC 7797 (b64=false), refused");
}

#[test]
fn attack_014_encrypted_and_nested_tokens_are_refused_with_a_reason() {
    let Some(folder) = conformance("jose-cookbook") else { return };
    let mut examples = files(&folder.join("jwe"));
    examples.extend(files(&folder.join("curve25519")).into_iter().filter(|(name, _)| name == "ecdh-es"));
    let nested = read_json(folder.join("6.nesting_signatures_and_encryption.json"));
    examples.push(("6".into(), nested["encrypt"].clone()));
    assert_eq!(examples.len(), 15);
    let (mut compact, mut json_only) = (0, 0);
    for (file, example) in &examples {
        let Some(token) = example["output"]["compact"].as_str() else {
            // No compact form: what is there is no token at all.
            let json = example["output"]["json"].to_string();
            assert!(Jws::parse(&json, TokenLimits::default()).is_err(), "{file}");
            json_only += 1;
            continue;
        };
        let error = Jws::parse(token, TokenLimits::default()).unwrap_err();
        assert_eq!(error.kind(), &ValidationErrorKind::NotCompact { parts: 5 }, "{file}");
        assert!(error.to_string().contains("encrypted token (JWE) is not accepted"), "{file}: {error}");
        // Cut to three parts it is still none: its algorithm signs nothing.
        let three: Vec<&str> = token.split('.').take(2).chain(["AAAA"]).collect();
        assert!(Jws::parse(&three.join("."), TokenLimits::default()).is_err(), "{file}");
        compact += 1;
    }
    say(&format!(
        "cookbook: {compact} encrypted tokens and {json_only} JSON serialisations of such, all refused"
    ));
}
