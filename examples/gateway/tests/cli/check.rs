//! `check`: rules, costs, findings and their places.

use serde_json::{Value, json};

use crate::world::{SEED, World, run};

const DOUBTFUL: &str = r#"
          toolScopes: {write_record: [mcp:write]}
          rules:
          - name: never
            deny: mcp.tool.name == "a" && mcp.tool.name == "b"
          - 'jwt.sub == "s"'
          - allow: jwt.sub == "s"
          - name: long
            deny: |
              mcp.tool.name == "z" &&
                jwt.group == "x"
          - {name: trial, allow: 'true', dryRun: true}"#;

#[test]
fn every_rule_is_listed_with_what_is_doubtful_about_it() {
    let world = World::new("check");
    let file = world.configuration(DOUBTFUL);
    let place = |line: u32, column: u32| format!("{file}:{line}:{column}: warning: ");
    let checked = run(&["check", "-f", &file]);
    checked.ends(0).says(&[
        "127.0.0.1:3000\n  listener (unnamed): HTTP, host *\n    route records at 5:7: cors no, authentication https://idp.example",
        "deny 0 `never`, cost at most ",
        &format!("{}rule 0 (`never`) of mcpAuthorization: never true: it has no effect [never_true]", place(16, 13)),
        "allow 1, cost at most ",
        &format!("{}rule 2 of mcpAuthorization: says the same as rule 1 [same_as]", place(19, 13)),
        // The place is in the second line of the expression.
        &format!("{}rule 3 (`long`) of mcpAuthorization: ", place(23, 20)),
        "did you mean `groups`? [expression]",
        "allow 4 `trial` (dry run), cost at most 1",
        "tool write_record needs mcp:write",
    ]);
    assert!(checked.out.trim_end().ends_with(": accepted; 5 rule(s), 5 remark(s)"), "{checked:?}");
}

#[test]
fn json_has_what_the_text_has() {
    let world = World::new("check-json");
    let file = world.configuration(DOUBTFUL);
    let text = run(&["check", "-f", &file]).out;
    let checked = run(&["check", "-f", &file, "--format", "json"]);
    let json = checked.ends(0).json();
    assert_eq!((&json["file"], &json["accepted"]), (&json!(file), &json!(true)));
    assert_eq!(json["warnings"][0]["code"], "well_known_not_matched");
    let policy = &json["binds"][0]["listeners"][0]["routes"][0]["policies"][0];
    assert_eq!((&policy["policy"], &policy["level"]), (&json!("mcpAuthorization"), &json!("route")));
    assert_eq!(policy["toolScopes"], json!([{ "tool": "write_record", "scopes": ["mcp:write"] }]));
    let rules = policy["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 5);
    for (index, rule) in rules.iter().enumerate() {
        let (effect, cost) = (rule["effect"].as_str().unwrap(), rule["cost"].as_u64().unwrap());
        assert!(
            text.contains(&format!("{effect} {index}")) && text.contains(&format!("cost at most {cost}"))
        );
        for finding in rule["findings"].as_array().unwrap() {
            assert!(text.contains(finding["message"].as_str().unwrap()), "{finding}");
        }
    }
    assert_eq!(rules[4]["dryRun"], true);
    assert_eq!(rules[3]["findings"][0]["line"], 23);
}

#[test]
fn a_block_says_how_it_is_joined_and_what_it_costs() {
    let world = World::new("check-block");
    run(&["check", "-f", &world.configuration(SEED)]).ends(0).says(&[
        "allow 0 `seed`, all of 2, cost at most ",
        r#"jwt.groups.exists(g, g == "mcp-readers")"#,
        "1 rule(s), 1 remark(s)",
    ]);
}

#[test]
fn the_example_has_nothing_doubtful_in_its_rules() {
    let checked = run(&["check", "-f", concat!(env!("CARGO_MANIFEST_DIR"), "/configs/policies.yaml")]);
    checked.ends(0).says(&["accepted; 5 rule(s), 1 remark(s)", "deny 2 `night` (dry run)"]);
    assert!(!checked.out.contains("warning"), "{checked:?}");
}

#[test]
fn what_does_not_load_has_its_place_and_status_2() {
    let world = World::new("check-bad");
    let rules = |rules: &str| world.configuration(&format!("\n          rules:\n          - {rules}"));
    let many = "'[1].exists(a, jwt.x.exists(c, jwt.x.exists(d, jwt.x.exists(e, a == c && d == e))))'";
    for (rule, place, why) in [
        // Plain, quoted in both ways, in lines of their own; where YAML reads other characters, the beginning.
        (
            r#"mcp.tool.nam == "x""#,
            "15:21",
            "unknown field `nam`, did you mean `name`?\n15 | mcp.tool.nam == \"x\"\n   |         ^^^^",
        ),
        (r#"'jwtt.sub == "x"'"#, "15:14", "unknown variable `jwtt`"),
        (r#"deny: "'x' == mcp.tool.nam""#, "15:35", "unknown field `nam`"),
        (
            "require: |\n              true &&\n                mcp.tool.nam == 'x'",
            "17:25",
            "17 |   mcp.tool.nam == 'x'\n",
        ),
        ("'jwtt.sub == ''x'''", "15:13", "unknown variable `jwtt`"),
        (r#"deny: "\"x\" == mcp.tool.nam""#, "15:19", "unknown field `nam`"),
        (many, "15:17", "steps, the limit is 100000"),
        ("deny: {matchExpressions: ['true', 'false']}", "15:13", "needs `match: any`"),
    ] {
        let file = rules(rule);
        let checked = run(&["check", "-f", &file]);
        checked.fails(&format!("{file}:{place}: ")).fails(why);
        let checked = run(&["check", "-f", &file, "--format", "json"]);
        let json = checked.ends(2).json();
        assert_eq!(json["accepted"], false);
        let (line, column) = place.split_once(':').unwrap();
        let number = |text: &str| Value::from(text.parse::<u64>().unwrap());
        assert_eq!((&json["error"]["line"], &json["error"]["column"]), (&number(line), &number(column)));
        assert!(json["error"]["message"].as_str().unwrap().contains(why), "{json}");
    }
    for (file, why) in
        [(world.path("none.yaml"), "cannot read the file"), (world.path(""), "cannot read the file")]
    {
        run(&["check", "-f", &file]).fails(why);
    }
}

/// Rules of a level above are for every route below: one that cannot have them is not left open.
#[test]
fn rules_of_a_listener_need_authentication_on_each_route() {
    let world = World::new("check-levels");
    let rules = "mcpAuthorization: {rules: ['jwt.sub != \"\"']}";
    for (above, text) in [
        ("2:3", format!("policies:\n  {rules}\nbinds:\n- port: 3000\n  listeners:\n  - routes:\n")),
        ("5:7", format!("binds:\n- port: 3000\n  listeners:\n  - policies:\n      {rules}\n    routes:\n")),
    ] {
        let file = world.file("levels.yaml", &format!("{text}    - backends: [{{host: '127.0.0.1:9'}}]\n"));
        let (line, _) = above.split_once(':').unwrap();
        run(&["check", "-f", &file])
            .fails(&format!("the rules at {line}:"))
            .fails("are for this route too and need mcpAuthentication: nobody would have claims");
    }
}
