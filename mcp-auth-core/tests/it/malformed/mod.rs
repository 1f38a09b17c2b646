//! Tokens that have to be refused, each with the row of the attack table that it belongs to.
//!
//! Most of them carry a good signature, so that nothing but the fault itself can be the reason.

mod claims;
mod header;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use mcp_auth_core::UnixTime;
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::{Algorithm, Checks, Issuer, Validator};
use serde_json::{Value, json};

use crate::support::{TestKey, b64, providers, say};

const ISS: &str = "https://idp.example";
const AUD: &str = "https://mcp.example/mcp";
const NOW: u64 = 1_700_000_000;

/// The issuer's keys, somebody else's, and the tokens so far.
struct Table {
    ed: TestKey,
    ec: TestKey,
    attacker: TestKey,
    tokens: Vec<(u8, String)>,
}

impl Table {
    fn new() -> Self {
        let (ed, ec) = (TestKey::new(Algorithm::EdDSA), TestKey::new(Algorithm::ES256));
        let attacker = TestKey::new(Algorithm::EdDSA);
        Self { ed, ec, attacker, tokens: Vec::new() }
    }

    fn add(&mut self, row: u8, token: impl Into<String>) {
        self.tokens.push((row, token.into()));
    }

    fn signed(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let signed = format!("{}.{}", b64(header), b64(payload));
        format!("{signed}.{}", b64(self.ed.sign(signed.as_bytes())))
    }

    /// A good token but for this header.
    fn header(&mut self, row: u8, header: impl AsRef<[u8]>) {
        let token = self.signed(header, claims().to_string());
        self.add(row, token);
    }

    /// A good token but for one member of its header.
    fn member(&mut self, row: u8, member: &str, value: Value) {
        let mut header = self.ed.header();
        header[member] = value;
        self.header(row, header.to_string());
    }

    /// A good token but for its payload.
    fn payload(&mut self, row: u8, payload: impl AsRef<[u8]>) {
        let token = self.signed(self.ed.header().to_string(), payload);
        self.add(row, token);
    }

    /// A good token but for one claim, written as this JSON text; empty: the claim is absent.
    fn claim(&mut self, row: u8, claim: &str, text: &str) {
        let mut rest = claims();
        rest.as_object_mut().unwrap().remove(claim);
        let rest = rest.to_string();
        let open = rest.strip_suffix('}').unwrap();
        let member = if text.is_empty() { String::new() } else { format!(",\"{claim}\":{text}") };
        self.payload(row, format!("{open}{member}}}"));
    }
}

fn claims() -> Value {
    json!({"iss": ISS, "aud": AUD, "sub": "alice", "exp": NOW + 300, "iat": NOW})
}

#[test]
fn every_malformed_token_is_refused_and_none_by_panic() {
    let mut table = Table::new();
    header::fill(&mut table);
    claims::fill(&mut table);
    let distinct: BTreeSet<&str> = table.tokens.iter().map(|(_, token)| token.as_str()).collect();
    assert_eq!(distinct.len(), table.tokens.len(), "no token counts twice");

    let validator = Validator::new([Issuer::new(ISS).audience(AUD)]).unwrap();
    let jwks = json!({"keys": [table.ed.jwk(), table.ec.named("k2")]}).to_string();
    let good = table.signed(table.ed.header().to_string(), claims().to_string());
    for (name, provider) in providers() {
        let keys = KeySet::parse(jwks.as_bytes(), provider, validator.algorithms(0.into())).unwrap();
        assert_eq!(keys.len(), 2);
        let verdict = |token: &str| {
            let checks = Checks::at(UnixTime::from_secs(NOW));
            validator.parse(token).and_then(|parsed| validator.verify(parsed, &keys, &checks)).map(|_| ())
        };
        assert_eq!(verdict(&good), Ok(()), "what all of them are made of");
        let (mut accepted, mut panics, mut reasons) = (Vec::new(), 0, BTreeMap::new());
        for (row, token) in &table.tokens {
            match catch_unwind(AssertUnwindSafe(|| verdict(token))) {
                Ok(Ok(())) => accepted.push((row, token)),
                Ok(Err(error)) => *reasons.entry(error.code()).or_insert(0) += 1,
                Err(_) => panics += 1,
            }
        }
        let rows: BTreeSet<u8> = table.tokens.iter().map(|(row, _)| *row).filter(|row| *row > 0).collect();
        say(&format!(
            "malformed: {} distinct tokens of {} rows, {} accepted, {panics} panics ({name}): {reasons:?}",
            distinct.len(),
            rows.len(),
            accepted.len()
        ));
        assert!(accepted.is_empty() && panics == 0, "{name}: {accepted:#?}");
    }
    assert!(distinct.len() >= 150, "{}", distinct.len());
}
