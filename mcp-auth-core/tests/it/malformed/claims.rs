//! Attack table B: dates, names, and the claims set as a whole.

use serde_json::json;

use super::{AUD, ISS, NOW, Table, claims};

pub(super) fn fill(table: &mut Table) {
    dates(table);
    names(table);
    text(table);
    bindings(table);
}

fn dates(table: &mut Table) {
    for exp in [
        "",
        "null",
        "\"1700000300\"",
        "true",
        "{}",
        "[1700000300]",
        "-1",
        "-1e9",
        "1e300",
        "1e400",
        "NaN",
        "017",
    ] {
        table.claim(26, "exp", exp);
    }
    for secs in [0, 1, NOW - 3600, NOW - 31, NOW - 30] {
        table.claim(27, "exp", &secs.to_string());
    }
    table.claim(27, "exp", "1699999970.9");
    for exp in
        ["18446744073709551615", "1000000000000000000", "253402300800", "253402300799", "1702592001", "1e18"]
    {
        table.claim(28, "exp", exp);
    }
    for (row, claim) in [(29, "nbf"), (30, "iat")] {
        for date in ["1700000031", "1800000000", "1e300", "\"1700000000\"", "null", "[]", "-1", "true"] {
            table.claim(row, claim, date);
        }
    }
    table.claim(29, "nbf", "1700000030.1");
}

fn names(table: &mut Table) {
    for iss in [
        "https://idp.example/",
        "https://IDP.example",
        "https://idp.example:443",
        "http://idp.example",
        "https://idp.example.evil",
        "https://idp.exampl",
        "https://x/https://idp.example",
        "https://user@idp.example",
        "https://idp.ex\u{430}mple",
        "https://idp.exa\u{301}mple",
        "https://idp.example\u{0}",
        " https://idp.example",
        "",
    ] {
        table.claim(31, "iss", &json!(iss).to_string());
    }
    for iss in ["", "42", "null", "{}", "true", &json!([ISS]).to_string()] {
        table.claim(31, "iss", iss);
    }
    for aud in [
        "https://mcp.example/mcp/",
        "https://MCP.example/mcp",
        "https://mcp.example",
        "https://mcp.example/mcp2",
        "",
    ] {
        table.claim(32, "aud", &json!(aud).to_string());
    }
    for aud in [
        String::new(),
        "null".into(),
        "[]".into(),
        "7".into(),
        "{}".into(),
        json!([AUD, 7]).to_string(),
        json!([[AUD]]).to_string(),
        json!(["other"]).to_string(),
        json!({ AUD: true }).to_string(),
    ] {
        table.claim(32, "aud", &aud);
    }
    for claim in ["sub", "client_id", "azp", "jti"] {
        for value in ["1", "null", "[\"x\"]", "{}"] {
            table.claim(0, claim, value);
        }
    }
}

fn text(table: &mut Table) {
    let good = claims().to_string();
    let open = good.strip_suffix('}').unwrap();
    for more in [
        r#""groups":[],"groups":["admin"]"#,
        r#""groups":[],"group\u0073":["admin"]"#,
        r#""sub":"root""#,
        r#""\u0073ub":"root""#,
        r#""exp":99999999999"#,
        r#""act":{"sub":"a","s\u0075b":"b"}"#,
        r#""deep":[[{"a":1,"a":1}]]"#,
    ] {
        table.payload(34, format!("{open},{more}}}"));
    }
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for payload in [
        format!("[{},\"{ISS}\"]", NOW + 9).into_bytes(),
        format!("[{good}]").into_bytes(),
        b"\"text\"".to_vec(),
        b"null".to_vec(),
        b"{}".to_vec(),
        format!("{good},").into_bytes(),
        format!("{good}{good}").into_bytes(),
        format!("{good}\0").into_bytes(),
        format!("\u{feff}{good}").into_bytes(),
        good.replace("alice", r"\ud800").into_bytes(),
        good.replace("alice", r"\udc00\ud800").into_bytes(),
        good.replace("alice", "\r\n").into_bytes(),
        good.replace("alice", r"\x41").into_bytes(),
        good.replace('}', ",}").into_bytes(),
        good.replace('"', "'").into_bytes(),
        [good.as_bytes(), b"\xff"].concat(),
        utf16,
    ] {
        table.payload(35, payload);
    }
    let deep = (0..64).fold(json!([]), |inner, _| json!([inner]));
    table.claim(36, "x", &deep.to_string());
    table.payload(36, format!("{}{}", "[".repeat(5_000), "]".repeat(5_000)));
    table.payload(36, "[".repeat(5_000));
    table.claim(36, "x", &json!("a".repeat(20_000)).to_string());
    table.claim(36, "x", &json!(vec![0; 5_000]).to_string());
    let many: String = (0..1_000).map(|i| format!(",\"{i}\":0")).collect();
    table.payload(36, format!("{open}{many}}}"));
}

/// Row 0 is no row of the table: actors, keys that a token is bound to, tokens for another use.
fn bindings(table: &mut Table) {
    let jkt = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
    for cnf in [
        json!({ "jkt": jkt }),
        json!({ "x5t#S256": jkt }),
        json!({ "jkt": jkt, "x5t#S256": jkt }),
        json!({}),
        json!({"jkt": "x"}),
        json!({"jwk": {}}),
        json!({"kid": "k1"}),
        json!([]),
        json!(null),
    ] {
        table.claim(0, "cnf", &cnf.to_string());
    }
    for act in ["null", "\"agent\"", "[]", r#"{"sub":7}"#, r#"{"sub":"a","act":"b"}"#] {
        table.claim(0, "act", act);
    }
    for typ in ["ID", "Refresh", "Offline", "Logout"] {
        table.claim(0, "typ", &json!(typ).to_string());
    }
}
