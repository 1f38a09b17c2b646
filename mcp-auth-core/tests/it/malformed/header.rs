//! Attack table A: the compact form, the header, the signature.

use mcp_auth_core::jwt::Algorithm;
use serde_json::{Value, json};

use super::{Table, claims};
use crate::support::{b64, compact, mac, unb64};

pub(super) fn fill(table: &mut Table) {
    algorithms(table);
    members(table);
    text(table);
    parts(table);
    signatures(table);
}

fn algorithms(table: &mut Table) {
    for alg in ["none", "None", "NONE", "nOnE", "none ", "n\u{43e}ne"] {
        table.member(1, "alg", alg.into());
        let unsigned = format!("{}.{}", b64(json!({"alg": alg}).to_string()), b64(claims().to_string()));
        table.add(1, format!("{unsigned}."));
        table.add(1, unsigned);
    }
    for alg in [json!(""), json!(5), json!(["EdDSA"]), json!({}), json!(true), Value::Null, json!("eddsa")] {
        table.member(2, "alg", alg);
    }
    table.header(2, r#"{"kid":"k1"}"#);
    let public = unb64(table.ed.jwk()["x"].as_str().unwrap());
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        for secret in
            [public.clone(), b64(&public).into_bytes(), table.ed.jwk().to_string().into_bytes(), vec![]]
        {
            let header = json!({"alg": algorithm.name(), "kid": "k1"});
            let token =
                compact(&header, claims().to_string().as_bytes(), |message| mac(algorithm, &secret, message));
            table.add(3, token);
        }
    }
    for algorithm in Algorithm::ALL.iter().filter(|algorithm| **algorithm != Algorithm::EdDSA) {
        table.member(4, "alg", algorithm.name().into());
    }
}

fn members(table: &mut Table) {
    for kid in [
        "../../dev/null",
        "' OR 1=1 --",
        "$(id)",
        "k1\0",
        "K1",
        "\u{43a}1",
        "",
        "k2",
        "k1 ",
        &"k".repeat(2000),
    ] {
        table.member(6, "kid", kid.into());
    }
    table.member(6, "kid", "k".repeat(8192).into());
    for kid in [json!(7), json!({}), json!(["k1"]), Value::Null] {
        table.member(7, "kid", kid);
    }
    let attackers = table.attacker.jwk();
    for (row, member, value) in [
        (9, "jwk", attackers),
        (10, "jku", json!("https://attacker.example/jwks")),
        (10, "jku", json!("http://169.254.169.254/")),
        (10, "x5u", json!("https://attacker.example/cert")),
        (11, "x5c", json!(["MIIB"])),
    ] {
        let mut header = table.ed.header();
        header[member] = value;
        let token = table.attacker.token(&header, claims().to_string().as_bytes());
        table.add(row, token);
    }
    for (row, member, value) in [
        (12, "crit", json!(["x-unknown"])),
        (12, "crit", json!([])),
        (12, "crit", json!(["exp"])),
        (12, "crit", json!(["exp", "exp"])),
        (12, "crit", json!("exp")),
        (12, "crit", Value::Null),
        (13, "b64", json!(false)),
        (13, "b64", json!(true)),
        (13, "crit", json!(["b64"])),
        (14, "zip", json!("DEF")),
        (14, "enc", json!("A128GCM")),
        (14, "cty", json!("JWT")),
        (14, "cty", json!("application/jwt")),
        (15, "typ", json!("dpop+jwt")),
        (15, "typ", json!("logout+jwt")),
        (15, "typ", json!("secevent+jwt")),
        (15, "typ", json!("application/oauth-id-jag+jwt")),
        (15, "typ", json!("token-introspection+jwt")),
        (15, "typ", json!(5)),
        (15, "typ", json!("")),
    ] {
        table.member(row, member, value);
    }
}

fn text(table: &mut Table) {
    for header in [
        r#"{"alg":"EdDSA","alg":"EdDSA"}"#,
        r#"{"alg":"EdDSA","\u0061lg":"EdDSA"}"#,
        r#"{"alg":"EdDSA","kid":"k1","kid":"k1"}"#,
        r#"{"alg":"EdDSA","kid":"k1","x":1,"x":1}"#,
        r#"{"alg":"EdDSA","kid":"k1","x":{"y":1,"\u0079":2}}"#,
    ] {
        table.header(16, header);
    }
    let utf16: Vec<u8> = r#"{"alg":"EdDSA"}"#.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for header in [
        &b"[\"EdDSA\"]"[..],
        b"\"EdDSA\"",
        b"null",
        b"{}",
        b"\xef\xbb\xbf{\"alg\":\"EdDSA\",\"kid\":\"k1\"}",
        b"{\"alg\":\"EdDSA\",\"x\":\"\xff\"}",
        b"{\"alg\":\"EdDSA\"}{}",
        b"{\"alg\":\"EdDSA\",}",
        b"{\"alg\":\"EdDSA\"",
        b"{alg:\"EdDSA\"}",
        b"{\"alg\":\"EdDSA\"}//",
        b"\x00",
        b" ",
        &utf16,
    ] {
        table.header(17, header);
    }
}

fn parts(table: &mut Table) {
    let good = table.signed(table.ed.header().to_string(), claims().to_string());
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    for token in [
        format!("{good}."),
        format!("{good}.x"),
        format!("{good}.x.y"),
        format!("{good}.{good}"),
        format!(".{good}"),
        ".".repeat(4),
        ".".repeat(1_000_000),
        "opaque".into(),
        String::new(),
        format!("{header}.{signature}"),
    ] {
        table.add(18, token);
    }
    for change in
        ["{}=", "{}==", " {}", "{} ", "{}\n", "\t{}", "{}?", "{}+/", "%41{}", "{}\0", "\u{e9}{}", "{}~"]
    {
        let with = |part: &str| change.replace("{}", part);
        table.add(19, format!("{}.{payload}.{signature}", with(header)));
        table.add(19, format!("{header}.{}.{signature}", with(payload)));
        table.add(19, format!("{header}.{payload}.{}", with(signature)));
    }
    for token in [
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{header}.{payload}."),
        format!("{header}.."),
        "..".into(),
    ] {
        table.add(20, token);
    }
}

fn signatures(table: &mut Table) {
    let header = json!({"alg": "ES256", "kid": "k2"});
    let message = claims().to_string();
    let (zero, ones) = ([0; 32], [0xff; 32]);
    let forgeries: Vec<Vec<u8>> = vec![
        [zero, zero].concat(),
        [ones, ones].concat(),
        [zero, ones].concat(),
        vec![0; 63],
        vec![0; 65],
        vec![0x30, 6, 2, 1, 1, 2, 1, 1],
    ];
    for forgery in forgeries {
        table.add(21, compact(&header, message.as_bytes(), |_| forgery));
    }
    let der = compact(&header, message.as_bytes(), |m| crate::support::der_signature(&table.ec.sign(m)));
    table.add(21, der);
    let of_another = compact(&table.ed.header(), message.as_bytes(), |m| table.attacker.sign(m));
    table.add(23, of_another);
    let header = table.ed.header();
    for forgery in [vec![0; 64], vec![0xff; 64], [&[1][..], &[0; 63]].concat(), vec![0; 32]] {
        table.add(23, compact(&header, message.as_bytes(), |_| forgery));
    }
}
