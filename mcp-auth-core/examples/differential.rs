//! Makes tokens, good and mutated, and says what the validator thinks of each; other libraries then judge the same
//! tokens (`examples/gateway/e2e/run.sh differential`).
//!
//! `cargo run -p mcp-auth-core --example differential -- DIRECTORY COUNT [SEED]` writes
//!
//! - `setup.json`: issuer, audience, time, leeway, algorithms and the key set
//! - `tokens.txt`: one token per line; a token never holds a line feed
//! - `ours.txt`: for each token `ok` or the code of the refusal, and how the token was made
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a test tool: it may fail, and it writes files"
)]

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner, Signer as _};
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::{Algorithm, Checks, Issuer, Validator};

const ISSUER: &str = "https://idp.example";
const AUDIENCE: &str = "https://mcp.example/mcp";
const NOW: u64 = 1_800_000_000;
const LEEWAY: u64 = 30;

fn main() {
    let mut args = std::env::args().skip(1);
    let directory: PathBuf = args.next().expect("a directory").into();
    let count: usize = args.next().expect("a count").parse().unwrap();
    let mut rng = Rng(args.next().map_or(1, |seed| seed.parse().unwrap()));

    let mint = Mint::new();
    std::fs::write(directory.join("setup.json"), mint.setup()).unwrap();
    let open = |name: &str| BufWriter::new(File::create(directory.join(name)).unwrap());
    let (mut tokens, mut ours) = (open("tokens.txt"), open("ours.txt"));
    for _ in 0..count {
        let (how, token) = mint.token(&mut rng);
        writeln!(tokens, "{token}").unwrap();
        writeln!(ours, "{} {how}", mint.verdict(&token)).unwrap();
    }
    println!("{count} tokens in {}", directory.display());
}

struct Mint {
    signers: Vec<(&'static str, AwsLcSigner)>,
    /// Signed once: RSA signatures are slow.
    good: Vec<String>,
    validator: Validator,
    keys: KeySet,
    jwks: String,
}

impl Mint {
    fn new() -> Self {
        let algorithms =
            [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256, Algorithm::PS256, Algorithm::Ed25519];
        let names = ["ed", "es", "rs", "ps", "ed2"];
        let signers: Vec<_> = names
            .into_iter()
            .zip(algorithms)
            .map(|(name, algorithm)| (name, AwsLcSigner::generate(algorithm).unwrap()))
            .collect();
        let list: Vec<String> = signers.iter().map(|(kid, signer)| signer.public_jwk(kid)).collect();
        let jwks = format!("{{\"keys\":[{}]}}", list.join(","));
        let issuer = Issuer::new(ISSUER)
            .audience(AUDIENCE)
            .algorithms(&algorithms)
            .leeway(std::time::Duration::from_secs(LEEWAY));
        let validator = Validator::new([issuer]).unwrap();
        let keys = KeySet::parse(jwks.as_bytes(), &AwsLc::new(), &algorithms).unwrap();
        let mut mint = Self { signers, good: Vec::new(), validator, keys, jwks };
        mint.good = (0..200)
            .map(|i| {
                let signer = i % mint.signers.len();
                mint.sign(signer, mint.header(signer), claims(&format!("user-{i}")))
            })
            .collect();
        mint
    }

    fn setup(&self) -> String {
        format!(
            "{{\"issuer\":\"{ISSUER}\",\"audience\":\"{AUDIENCE}\",\"now\":{NOW},\"leeway\":{LEEWAY},\
             \"algorithms\":[\"EdDSA\",\"ES256\",\"RS256\",\"PS256\",\"Ed25519\"],\"jwks\":{}}}",
            self.jwks
        )
    }

    fn verdict(&self, token: &str) -> &'static str {
        let checks = Checks::at(UnixTime::from_secs(NOW));
        let judged = self.validator.parse(token).and_then(|t| self.validator.verify(t, &self.keys, &checks));
        judged.map_or_else(|e| e.code(), |_| "ok")
    }

    fn header(&self, signer: usize) -> String {
        let (kid, signer) = &self.signers[signer];
        format!(r#"{{"alg":"{}","kid":"{kid}","typ":"at+jwt"}}"#, signer.algorithm())
    }

    fn sign(&self, signer: usize, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.signers[signer].1.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn token(&self, rng: &mut Rng) -> (&'static str, String) {
        let quick = rng.below(2);
        match rng.below(10) {
            0 => ("good", rng.pick(&self.good).clone()),
            1..=3 => {
                let good = rng.pick(&self.good);
                ("text", mutate_text(good, rng))
            }
            4 | 5 => {
                let header = mutate_header(&self.header(quick), rng);
                ("header", self.sign(quick, header, claims("alice")))
            }
            6 | 7 => ("claims", self.sign(quick, self.header(quick), mutate_claims(rng))),
            8 => {
                let header = mutate_bytes(self.header(quick).as_bytes(), rng);
                ("header bytes", self.sign(quick, header, claims("alice")))
            }
            _ => {
                let payload = mutate_bytes(claims("alice").as_bytes(), rng);
                ("claims bytes", self.sign(quick, self.header(quick), payload))
            }
        }
    }
}

fn claims(subject: &str) -> String {
    format!(
        r#"{{"iss":"{ISSUER}","sub":"{subject}","aud":["{AUDIENCE}","account"],"exp":{},"iat":{},"scope":"a b"}}"#,
        NOW + 300,
        NOW - 10
    )
}

/// One to three changes to the token's own text; it stays on one line.
fn mutate_text(token: &str, rng: &mut Rng) -> String {
    let mut text: Vec<char> = token.chars().collect();
    for _ in 0..=rng.below(3) {
        let at = rng.below(text.len().max(1));
        let any =
            *rng.pick(&['A', 'B', 'z', '0', '-', '_', '+', '/', '=', '.', ' ', '\t', '%', ',', '"', 'é']);
        match rng.below(12) {
            0 | 1 => {
                let last = text.len() - 1;
                text[at.min(last)] = any;
            }
            2 => text.insert(at, any),
            3 => drop(text.remove(at.min(text.len() - 1))),
            4 => text.truncate(at.max(1)),
            5 => text.push(any),
            6 => {
                // The last character of a part: its lowest bits may mean nothing.
                let dots: Vec<usize> =
                    (0..text.len()).filter(|i| text[*i] == '.').chain([text.len()]).collect();
                let end = *rng.pick(&dots);
                if end > 0 {
                    let c = text[end - 1];
                    text[end - 1] =
                        char::from_u32(c as u32 ^ 1).filter(char::is_ascii_alphanumeric).unwrap_or('A');
                }
            }
            7 => {
                let mut parts: Vec<String> =
                    text.iter().collect::<String>().split('.').map(str::to_owned).collect();
                let (a, b) = (rng.below(parts.len()), rng.below(parts.len()));
                parts.swap(a, b);
                text = parts.join(".").chars().collect();
            }
            8 => {
                let part: String =
                    rng.pick(&text.iter().collect::<String>().split('.').collect::<Vec<_>>()).to_string();
                text.extend(".".chars().chain(part.chars()));
            }
            9 => text.insert(0, any),
            10 => {
                let end = text.len();
                text.extend(std::iter::repeat_n('=', 1 + end % 2));
            }
            _ => {
                let other = rng.below(text.len());
                let at = at.min(text.len() - 1);
                text.swap(at, other);
            }
        }
        if text.is_empty() {
            text.push(any);
        }
    }
    text.into_iter().collect()
}

fn mutate_header(header: &str, rng: &mut Rng) -> String {
    let added = [
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""crit":["b64"],"b64":false"#,
        r#""b64":false"#,
        r#""b64":true"#,
        r#""zip":"DEF""#,
        r#""enc":"A256GCM""#,
        r#""cty":"JWT""#,
        r#""jku":"https://evil.example/jwks""#,
        r#""jwk":{"kty":"oct","k":"AAAA"}"#,
        r#""x5c":["AAAA"]"#,
        r#""alg":"none""#,
        r#""kid":"es""#,
        r#""custom":1,"custom":2"#,
        r#""custom":{"a":[1,2,{"b":null}]}"#,
        r#""\u0061lg":"ES256""#,
        r#""k\u0069d":"x""#,
        r#""typ":"JWT""#,
    ];
    let replaced = [
        (r#""at+jwt""#, r#""JWT""#),
        (r#""at+jwt""#, r#""dpop+jwt""#),
        (r#""at+jwt""#, r#""application/at+jwt""#),
        (r#""at+jwt""#, r#""AT+JWT""#),
        (r#""at+jwt""#, "7"),
        (r#""at+jwt""#, "null"),
        (r#"{"alg""#, r#"{"Alg""#),
        (r#""alg":""#, r#""alg":" "#),
        (r#""alg":"E"#, r#""alg":"e"#),
        (r#""kid":"e"#, r#""kid":"r"#),
        (r#""kid":"ed""#, r#""kid":7"#),
        (r#""kid":"es""#, r#""kid":null"#),
        (r#""kid":""#, r#""kid":"../"#),
        (r#""kid":"ed","#, ""),
        (r#""kid":"es","#, ""),
        (r#""alg":"EdDSA""#, r#""alg":"Ed25519""#),
        (r#""alg":"ES256""#, r#""alg":"ES384""#),
        (r#""alg":"ES256""#, r#""alg":"HS256""#),
        (r#""alg":"EdDSA""#, r#""alg":"none""#),
        (r#""alg":"EdDSA""#, r#""alg":["EdDSA"]"#),
        (r#","typ":"at+jwt""#, ""),
    ];
    if rng.below(2) == 0 {
        let (from, to) = *rng.pick(&replaced);
        header.replace(from, to)
    } else {
        header.replacen('}', &format!(",{}}}", rng.pick(&added)), 1)
    }
}

fn mutate_claims(rng: &mut Rng) -> String {
    let names = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "scope", "cnf", "act", "azp", "typ", "x"];
    let near =
        |n: u64| (n - 40..n + 40).step_by(5).chain([n - 31, n - 29, n + 29, n + 31]).map(|v| v.to_string());
    let mut values: Vec<String> = near(NOW).collect();
    values.extend(
        [
            "null",
            "true",
            "false",
            "0",
            "-1",
            "-0",
            "1.5",
            "1e3",
            "1e300",
            "1e400",
            "18446744073709551615",
            "18446744073709551616",
            "9223372036854775808",
            "1800000300.9",
            "1800000300.0",
            "18000003e2",
            "01",
            r#""""#,
            r#""x""#,
            r#""1800000300""#,
            r#""https://idp.example""#,
            r#""https://idp.example/""#,
            r#""https://IDP.example""#,
            r#""https://mcp.example/mcp""#,
            r#""https://mcp.example/mcp/""#,
            r#"["https://mcp.example/mcp"]"#,
            r#"["https://idp.example"]"#,
            r#"["https://mcp.example/mcp",7]"#,
            r#"[null]"#,
            "[]",
            "{}",
            r#"{"jkt":"x"}"#,
            r#"{"jkt":"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}"#,
            r#"{"sub":"a"}"#,
            r#"{"sub":7}"#,
            r#"{"a":1,"a":2}"#,
            r#""ID""#,
            r#""Bearer""#,
            r#""\ud800""#,
            r#""\u0000""#,
            "[[[[[[[[1]]]]]]]]",
        ]
        .map(str::to_owned),
    );
    let good = [
        ("iss", format!("\"{ISSUER}\"")),
        ("sub", "\"alice\"".to_owned()),
        ("aud", format!("\"{AUDIENCE}\"")),
        ("exp", (NOW + 300).to_string()),
        ("iat", (NOW - 10).to_string()),
    ];
    let mut members: Vec<(String, String)> = good.into_iter().map(|(n, v)| (n.to_owned(), v)).collect();
    for _ in 0..=rng.below(2) {
        let name = *rng.pick(&names);
        let value = rng.pick(&values).clone();
        match rng.below(6) {
            0 => members.retain(|(n, _)| n != name),
            1 => members.push((name.to_owned(), value)),
            2 => members.push((format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..]), value)),
            _ => {
                members.retain(|(n, _)| n != name);
                members.push((name.to_owned(), value));
            }
        }
    }
    let list: Vec<String> = members.into_iter().map(|(n, v)| format!("\"{n}\":{v}")).collect();
    let object = format!("{{{}}}", list.join(","));
    match rng.below(40) {
        0 => format!("\u{feff}{object}"),
        1 => format!(" {object}\n"),
        2 => format!("{object}{object}"),
        3 => format!("[{object}]"),
        4 => format!("{object},"),
        5 => "null".to_owned(),
        _ => object,
    }
}

fn mutate_bytes(json: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = json.to_vec();
    for _ in 0..=rng.below(2) {
        let at = rng.below(bytes.len());
        match rng.below(5) {
            0 => bytes[at] ^= 1 << rng.below(8),
            1 => bytes[at] = rng.below(256) as u8,
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, *rng.pick(b"\"\\{}[],: 0e-\x00\xff\xc3")),
            _ => bytes.truncate(at.max(1)),
        }
    }
    bytes
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
