//! `explain`: decisions and what is told of them.

use serde_json::{Value, json};

use crate::world::{ISSUER, SEED, World, run, run_with};

const WRITE: [&str; 2] = ["--tool", "write_record"];

fn explain(file: &str, more: &[&str]) -> crate::world::Ran {
    run(&[&["explain", "-f", file], more].concat())
}

#[test]
fn row_212_bob_may_not_write_and_is_told_why_and_alice_may() {
    let world = World::new("seed");
    let file = world.configuration(SEED);
    let (bob, alice) = (world.reader("bob@acme.io"), world.reader("alice@acme.io"));
    let denied = explain(&file, &["--token-file", &bob, "--tool", "write_record"]);
    denied.ends(1).hides("bob@acme.io.").says(&[
        "route records (",
        "POST mcp.example /mcp",
        &format!("caller: has a token of {ISSUER}; signature, issuer, audience and times are verified"),
        "answer: 403 denied\n  {\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32003,\"message\":\"not allowed\"}}\n\ndenied: no allow rule is true (mcpAuthorization, route)\n",
        "asked: tools/call, tool `write_record`",
        "allow 0 `seed`: false",
        r#"jwt.groups.exists(g, g == "mcp-readers") = true"#,
        r#"jwt.sub == "alice@acme.io" || mcp.tool.name != "write_record" = false"#,
        "jwt.sub = (string, not shown)",
    ]);
    assert_eq!(denied.err, "");
    explain(&file, &["--token-file", &bob, "--tool", "read_record"]).ends(0);
    explain(&file, &["--token-file", &alice, "--tool", "write_record"]).ends(0).says(&[
        "answer: that of the backend; the request is passed on",
        "allowed by rule 0 (`seed`, mcpAuthorization, route)",
    ]);
    let shown = explain(&file, &["--token-file", &bob, "--tool", "write_record", "--show-values"]);
    shown.ends(1).says(&[r#"jwt.sub = "bob@acme.io""#, r#"jwt.groups = ["mcp-readers"]"#]);
}

#[test]
fn a_missing_scope_is_a_challenge_with_all_scopes() {
    let world = World::new("step-up");
    let file = world.configuration(
        r#"
          toolScopes: {"*": [mcp:read], write_record: [mcp:write]}
          scopeHierarchy: {mcp:admin: [mcp:write, mcp:read]}
          groupClaims: [roles]
          rules: [{name: staff, require: 'inGroup("staff")'}]"#,
    );
    let caller = |name: &str, scope: &str, roles: &[&str]| {
        let token = world.token(json!({ "sub": name, "scope": scope, "roles": roles }));
        world.file(&format!("{name}.jwt"), &token)
    };
    let reader = caller("reader", "mcp:read", &["staff"]);
    let asked = explain(&file, &["--token-file", &reader, "--tool", "write_record", "--format", "json"]);
    let answer = &asked.ends(1).json()["answer"];
    assert_eq!((&answer["status"], &answer["code"]), (&json!(403), &json!("insufficient_scope")));
    let challenge = answer["wwwAuthenticate"].as_str().unwrap();
    assert!(challenge.contains(r#"scope="mcp:read mcp:write""#), "{challenge}");
    assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
    assert!(answer["body"].as_str().unwrap().contains("insufficient scope"), "{answer}");
    explain(&file, &["--token-file", &reader, "--tool", "write_record"]).ends(1).says(&[
        "WWW-Authenticate: Bearer resource_metadata=\"https://mcp.example/.well-known/oauth-protected-resource/mcp\"",
        "a token with these scopes would be enough: mcp:read mcp:write",
        "scope mcp:read for this tool: granted",
        "scope mcp:write for this tool: missing",
    ]);
    explain(&file, &["--token-file", &reader, "--tool", "read_record"]).ends(0);
    let admin = caller("admin", "mcp:admin", &["staff"]);
    explain(&file, &["--token-file", &admin, "--tool", "write_record"]).ends(0);
    let stranger = caller("stranger", "mcp:admin", &["guests"]);
    let asked = explain(&file, &["--token-file", &stranger, "--tool", "write_record", "--format", "json"]);
    assert_eq!(asked.ends(1).json()["answer"]["wwwAuthenticate"], Value::Null, "{asked:?}");
}

/// In every form, and whatever is wrong, neither the token nor a claim's value is told unless it is asked for.
#[test]
fn canary_of_token_claims_headers_and_arguments() {
    let world = World::new("canary");
    let file = world.configuration(
        r#"
          rules:
          - require: 'jwt.sub != "x" && jwt.secret.size() > 3 && jwt.secret != mcp.tool.arguments.a'
          - deny: 'request.headers["x-key"] == "k" || request.query["q"] == "k"'
          - deny: 'jwt.nothing == "x" || jwt.deep.secret == "x"'"#,
    );
    let canary = "hunter2canary";
    let claims = json!({ "sub": canary, "secret": canary, "deep": { "secret": canary }, "jti": canary });
    let with = |more: Value| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    let call = [
        "--tool",
        "t",
        "--arguments",
        r#"{"a":"hunter2canary"}"#,
        "--header",
        "X-Key: hunter2canary",
        "--query",
        "q=hunter2canary",
    ];
    let cases = [
        with(json!({})),
        with(json!({ "exp": 1_000_000_123 })),
        with(json!({ "nbf": 9_000_000_123_u64 })),
        with(json!({ "iss": format!("https://{canary}") })),
        with(json!({ "aud": [canary] })),
        with(json!({ "client_id": canary, "exp": canary })),
    ];
    for claims in cases {
        let token = world.token(claims);
        let path = world.file("token.jwt", &token);
        let signature = token.rsplit('.').next().unwrap();
        let payload = token.split('.').nth(1).unwrap();
        for format in ["text", "json"] {
            for unverified in [&[][..], &["--danger-unverified"]] {
                let asked = explain(
                    &file,
                    &[&["--token-file", &path, "--format", format], unverified, &call].concat(),
                );
                for secret in [canary, signature, payload, "1000000123", "9000000123"] {
                    asked.hides(secret);
                }
            }
            let asked = explain(&file, &[&["--token-file", &path, "--show-values"], &call[..]].concat());
            asked.hides(signature).hides(payload);
        }
    }
    let token = world.file("token.jwt", &world.token(claims));
    explain(&file, &[&["--token-file", &token, "--show-values"], &call[..]].concat()).says(&[canary]);
}

#[test]
fn a_token_that_is_refused_is_told_apart_from_rules() {
    let world = World::new("refused");
    let file = world.configuration(SEED);
    let expired =
        world.token(json!({ "sub": "alice@acme.io", "groups": ["mcp-readers"], "exp": 1_000_000_000 }));
    let path = world.file("expired.jwt", &expired);
    explain(&file, &[&["--token-file", &path], &WRITE[..]].concat()).ends(1).says(&[
        "caller: nobody: the token is refused",
        "answer: 401 expired: the access token expired (--show-values says more)",
        "WWW-Authenticate: Bearer resource_metadata=",
        "error=\"invalid_token\"",
        "no rule was asked",
    ]);
    explain(&file, &[&["--token-file", &path, "--show-values"], &WRITE[..]].concat())
        .ends(1)
        .says(&["token expired at 1000000000, it is "]);
    let taken = explain(&file, &[&["--token-file", &path, "--danger-unverified"], &WRITE[..]].concat());
    taken
        .ends(0)
        .says(&["NOT VERIFIED: signature, issuer, audience and times of the token were not checked"]);
    let forged = World::new("forger").token(json!({ "sub": "alice@acme.io", "groups": ["mcp-readers"] }));
    let path = world.file("forged.jwt", &forged);
    explain(&file, &[&["--token-file", &path], &WRITE[..]].concat())
        .ends(1)
        .says(&["answer: 401 signature: signature does not verify with the issuer's key"]);
    let nobody = explain(&file, &WRITE);
    nobody.ends(1).says(&[
        "caller: nobody: there is no token",
        "answer: 401 missing_token",
        "scope=\"mcp:read\"",
    ]);
    assert!(!nobody.out.contains("error="), "{nobody:?}");
}

/// What the route lets through without a good token is judged as nobody.
#[test]
fn nobody_is_judged_where_the_mode_lets_nobody_through() {
    let world = World::new("modes");
    let file = world.configuration("\n          rules: ['mcp.tool.name == \"open\"']");
    let text = std::fs::read_to_string(&file).unwrap();
    let mode = |mode: &str| {
        let text = text.replace("          issuer:", &format!("          mode: {mode}\n          issuer:"));
        world.file(&format!("{mode}.yaml"), &text)
    };
    let expired = world.file("expired.jwt", &world.token(json!({ "exp": 1_000_000_000 })));
    let expired = ["--token-file", &expired, "--tool", "open"];
    explain(&mode("optional"), &["--tool", "open"]).ends(0).says(&["caller: nobody: there is no token"]);
    explain(&mode("optional"), &WRITE).ends(1).says(&["answer: 401 denied\n"]);
    explain(&mode("optional"), &expired).ends(1).says(&["answer: 401 expired"]);
    explain(&mode("permissive"), &expired).ends(0).says(&["caller: nobody: the token is refused"]);
    explain(&mode("strict"), &["--tool", "open"]).ends(1).says(&["answer: 401 missing_token"]);
}

#[test]
fn claims_of_a_file_and_of_standard_input() {
    let world = World::new("claims");
    let file = world.configuration(SEED);
    let claims = r#"{"sub":"bob","groups":["mcp-readers"]}"#;
    let path = world.file("claims.json", claims);
    let asked = explain(&file, &["--claims-file", &path, "--tool", "write_record"]);
    asked.ends(1).says(&["NOT VERIFIED: there is no token; the claims of the file are taken as they stand"]);
    let asked = explain(&file, &["--claims-file", &path, "--tool", "read_record", "--format", "json"]);
    let caller = &asked.ends(0).json()["caller"];
    assert_eq!(caller["kind"], "unverified_claims");
    assert_eq!(caller["notVerified"], json!(["signature", "issuer", "audience", "times"]));
    run_with(&["explain", "-f", &file, "--claims-file", "-", "--tool", "read_record"], claims).ends(0);
    let token = world.token(json!({ "sub": "alice@acme.io", "groups": ["mcp-readers"] }));
    run_with(&["explain", "-f", &file, "--token-file", "-", "--tool", "write_record"], &token)
        .ends(0)
        .hides(&token)
        .says(&["times are verified"]);
}

#[test]
fn json_has_what_the_text_has() {
    let world = World::new("json");
    let file = world.configuration(SEED);
    let bob = world.reader("bob@acme.io");
    let asked = explain(&file, &["--token-file", &bob, "--tool", "write_record", "--format", "json"]);
    let json = asked.ends(1).json();
    assert_eq!(json["file"], file.as_str());
    assert_eq!(json["route"]["name"], "records");
    assert_eq!(json["request"], "POST mcp.example /mcp");
    assert_eq!(json["caller"]["kind"], "verified");
    assert_eq!(json["caller"]["issuer"], ISSUER);
    assert_eq!(json["allowed"], false);
    let explanation = &json["explanation"];
    assert_eq!(explanation["reason"], "no_allow");
    assert_eq!(
        explanation["asked"],
        json!({ "method": "tools/call", "kind": "tool", "item": "write_record" })
    );
    let text = explain(&file, &["--token-file", &bob, "--tool", "write_record"]).out;
    let mut parts = 0;
    let mut open: Vec<&Value> =
        explanation["sets"][0]["rules"][0]["expressions"].as_array().unwrap().iter().collect();
    while let Some(part) = open.pop() {
        assert!(text.contains(part["text"].as_str().unwrap()), "{part}");
        open.extend(part["parts"].as_array().unwrap());
        parts += 1;
    }
    assert!(parts >= 6, "{parts}");
    let allowed = explain(&file, &["--token-file", &bob, "--tool", "read_record", "--format", "json"]);
    assert_eq!(allowed.ends(0).json()["answer"], Value::Null);
}

#[test]
fn levels_narrow_and_dry_runs_do_not_decide() {
    let world = World::new("levels");
    let route = world.route(
        "records",
        "/mcp",
        "\n          rules: [{name: trial, deny: 'mcp.tool.name == \"a\"', dryRun: true}, 'true']",
    );
    let file = world.file(
        "levels.yaml",
        &format!(
            r#"policies:
  authorization: {{rules: [{{name: inside, require: 'source.address == ip("192.0.2.1")'}}]}}
binds:
- port: 3000
  listeners:
  - policies:
      mcpAuthorization: {{rules: [{{name: no-c, deny: 'mcp.tool.name == "c"'}}]}}
    routes:
{route}"#
        ),
    );
    let bob = world.reader("bob");
    let ask = |tool: &str, source: &str| {
        explain(&file, &["--token-file", &bob, "--tool", tool, "--source", source])
    };
    ask("b", "192.0.2.1").ends(0);
    ask("a", "192.0.2.1").ends(0).says(&[
        "with the dry-run rules denied by rule 0 (`trial`, mcpAuthorization, route)",
        "deny 0 `trial` (dry run): true",
    ]);
    ask("c", "192.0.2.1").ends(1).says(&["denied by rule 0 (`no-c`, mcpAuthorization, listener)"]);
    ask("b", "192.0.2.2")
        .ends(1)
        .says(&["denied: rule 0 is required and false (`inside`, authorization, gateway)"]);
}

#[test]
fn what_is_no_item_is_asked_about_too() {
    let world = World::new("methods");
    let file = world.configuration(SEED);
    let bob = world.reader("bob");
    let ask = |more: &[&str]| explain(&file, &[&["--token-file", &bob], more].concat());
    ask(&["--method", "tools/list"]).ends(0).says(&["its items are judged one by one"]);
    ask(&["--method", "initialize"]).ends(0);
    ask(&["--method", "notifications/initialized"]).ends(0);
    ask(&["--method", "tools/unknown"])
        .ends(1)
        .says(&["answer: 200 denied: denied: unknown method", r#""code":-32601"#]);
    ask(&["--prompt", "p"]).ends(1).says(&["asked: prompts/get, prompt `p`"]);
    ask(&["--prompt", "p", "--method", "completion/complete"])
        .says(&["asked: completion/complete, prompt `p`"]);
    ask(&["--resource", "file:///x"]).says(&["asked: resources/read, resource `file:///x`"]);
    ask(&["--task", "7", "--method", "tasks/cancel"]).says(&["asked: tasks/cancel, task `7`"]);
    ask(&["--http-method", "PUT", "--tool", "t"]).ends(1).says(&["answer: 405 method"]);
    // A request without a message: the stream of a session.
    ask(&[]).ends(0).says(&["GET mcp.example /mcp"]);
    let origin = ask(&["--tool", "t", "--header", "Origin: https://evil.example"]);
    origin.ends(1).says(&["answer: 403 origin"]);
}
