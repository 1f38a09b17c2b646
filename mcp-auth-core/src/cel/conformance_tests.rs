//! google/cel-spec simple tests, read in place from the conformance folder.

#![expect(clippy::disallowed_methods, reason = "a test may read its data from disk")]

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use serde_json::Value as Json;

use super::value::{Entries, Map, Shared};
use super::{Environment, Program, Type, Value, Variables};

/// Files of which every test counts that needs neither messages of Protocol Buffers nor timestamps.
const CLAIMED: [&str; 15] = [
    "basic",
    "comparisons",
    "conversions",
    "fields",
    "fp_math",
    "integer_math",
    "lists",
    "logic",
    "macros",
    "macros2",
    "namespace",
    "parse",
    "plumbing",
    "string",
    "string_ext",
];

/// Tests of claimed files that are not claimed: file, section, name (empty:
/// all of the section), reason.
const NOT_CLAIMED: [(&str, &str, &str, &str); 5] = [
    (
        "parse",
        "bytes_literals",
        "triple_single_quoted_unescaped_punctuation",
        "expects a backslash that the expression does not have",
    ),
    (
        "parse",
        "bytes_literals",
        "triple_double_quoted_unescaped_punctuation",
        "expects a backslash that the expression does not have",
    ),
    ("string_ext", "format", "", "`format` is not offered"),
    ("string_ext", "format_errors", "", "`format` is not offered"),
    ("string_ext", "quote", "", "`strings.quote` is not offered"),
];

#[test]
fn cel_spec() {
    let root = std::env::var_os("MCP_AUTH_CONFORMANCE").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/conformance")),
        PathBuf::from,
    );
    let folder = root.join("cel-spec");
    if !folder.is_dir() {
        println!("cel-spec: NOT RUN (folder absent)");
        return;
    }
    let mut all_failures = Vec::new();
    let mut totals = (0, 0);
    for name in CLAIMED {
        let text = std::fs::read_to_string(folder.join(name).with_extension("json")).unwrap();
        let file: Json = serde_json::from_str(&text).unwrap();
        let (mut passed, mut skipped, mut failures) = (0, 0, Vec::new());
        for test in file["tests"].as_array().unwrap() {
            if out_of_scope(name, test) {
                skipped += 1;
                continue;
            }
            match run(test) {
                Ok(()) => passed += 1,
                Err(why) => failures
                    .push(format!("{name}/{}/{}: {}: {why}", test["section"], test["name"], test["expr"])),
            }
        }
        println!("cel-spec: {name}: {passed} passed, {} failed, {skipped} skipped", failures.len());
        totals = (totals.0 + passed, totals.1 + skipped);
        all_failures.extend(failures);
    }
    println!("cel-spec: {} passed, {} failed, {} skipped", totals.0, all_failures.len(), totals.1);
    assert!(all_failures.is_empty(), "{}", all_failures.join("\n"));
}

fn out_of_scope(file: &str, test: &Json) -> bool {
    let expr = test["expr"].as_str().unwrap();
    let expected = test["value"].to_string();
    let has_time =
        ["timestamp", "duration"].iter().any(|w| expr.contains(w)) || expected.contains("type.googleapis");
    let has = |value: &str, wanted: &str| wanted.is_empty() || value == wanted;
    let unclaimed = NOT_CLAIMED.iter().any(|(f, section, name, _)| {
        *f == file && test["section"] == *section && has(test["name"].as_str().unwrap(), name)
    });
    test["needs_protobuf"] == true || has_time || unclaimed || test["check_only"] == true
}

struct Bindings(Vec<(String, Value<'static>)>);

impl Variables for Bindings {
    fn get(&self, name: &str) -> Option<Value<'_>> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())
    }
}

fn run(test: &Json) -> Result<(), String> {
    let mut environment = Environment::new();
    for declared in test["type_env"].as_array().into_iter().flatten() {
        environment =
            environment.variable(declared["name"].as_str().unwrap(), type_of(&declared["ident"]["type"]));
    }
    let mut bindings = Bindings(Vec::new());
    for (name, binding) in test["bindings"].as_object().into_iter().flatten() {
        bindings.0.push((name.clone(), value_of(&binding["value"])));
        if environment.variable_type(name).is_none() {
            environment = environment.variable(name, Type::Dyn);
        }
    }
    let expr = test["expr"].as_str().unwrap();
    // Expected failures are run without the check as well, so that they are failures of the evaluation.
    let unchecked = test["disable_check"] == true || test["has_error"] == true;
    let compiled = if unchecked {
        Program::compile_unchecked(expr, &environment)
    } else {
        Program::compile(expr, &environment)
    };
    let outcome = match &compiled {
        Ok(program) => program.evaluate(&bindings).map_err(|e| e.render(expr)),
        Err(error) => Err(error.render(expr)),
    };
    match (outcome, test["has_error"] == true) {
        (Err(_), true) => Ok(()),
        (Err(error), false) => Err(error),
        (Ok(value), true) => Err(format!("expected an error, got {}", show(&value))),
        (Ok(value), false) => {
            let expected = if test["value"].is_null() { Value::Bool(true) } else { value_of(&test["value"]) };
            let (expected, found) = (show(&expected), show(&value));
            if expected == found { Ok(()) } else { Err(format!("expected {expected}, got {found}")) }
        }
    }
}

fn type_of(json: &Json) -> Type {
    match json["primitive"].as_str() {
        Some("BOOL") => Type::Bool,
        Some("INT64") => Type::Int,
        Some("UINT64") => Type::Uint,
        Some("DOUBLE") => Type::Double,
        Some("STRING") => Type::String,
        Some("BYTES") => Type::Bytes,
        _ if json.get("null").is_some() => Type::Null,
        _ => match (json.get("list_type"), json.get("map_type")) {
            (Some(list), _) => Type::list(type_of(&list["elem_type"])),
            (_, Some(map)) => Type::map(type_of(&map["key_type"]), type_of(&map["value_type"])),
            _ => Type::Dyn,
        },
    }
}

fn value_of(json: &Json) -> Value<'static> {
    let (kind, value) = json.as_object().unwrap().iter().next().unwrap();
    let text = || value.as_str().unwrap();
    match kind.as_str() {
        "null_value" => Value::Null,
        "bool_value" => Value::Bool(value.as_bool().unwrap()),
        "int64_value" => Value::Int(text().parse().unwrap()),
        "uint64_value" => Value::Uint(text().parse().unwrap()),
        "double_value" => Value::Double(value.as_f64().unwrap_or_else(|| text().parse().unwrap())),
        "string_value" => text().to_owned().into(),
        "bytes_value" => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text()).unwrap();
            Value::Bytes(Shared::Owned(bytes.into()))
        }
        "type_value" => Value::Type(text().to_owned().leak()),
        "list_value" => {
            value["values"].as_array().into_iter().flatten().map(value_of).collect::<Vec<_>>().into()
        }
        "map_value" => {
            let entries = value["entries"].as_array().into_iter().flatten();
            let entries: Arc<[_]> = entries.map(|e| (value_of(&e["key"]), value_of(&e["value"]))).collect();
            Value::Map(Map(Entries::Values(Shared::Owned(entries))))
        }
        other => panic!("value of kind {other}"),
    }
}

/// The whole value with its types; maps in one order; NaN equals NaN.
pub(super) fn show(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Uint(u) => format!("{u}u"),
        // The JSON reader of these files is not exact in the last digit.
        Value::Double(d) => format!("{d:.14e}"),
        Value::String(s) => format!("{:?}", &**s),
        Value::Bytes(b) => format!("b{:?}", &**b),
        Value::Type(t) => format!("type({t})"),
        Value::Struct(_) => "struct".to_owned(),
        Value::List(list) => {
            let mut items = Vec::new();
            list.visit(|item| {
                items.push(show(&item));
                true
            });
            format!("[{}]", items.join(", "))
        }
        Value::Map(map) => {
            let mut items = Vec::new();
            map.visit(|key, item| {
                items.push(format!("{}: {}", show(&key), show(&item)));
                true
            });
            items.sort();
            format!("{{{}}}", items.join(", "))
        }
    }
}
