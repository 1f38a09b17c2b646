//! google/cel-spec simple tests, read in place from the conformance folder.
//!
//! ```sh
//! MCP_AUTH_CONFORMANCE=DIR cargo test -p mcp-auth-core --test it cel_spec -- --nocapture
//! ```
//!
//! All cases that need no Protocol Buffers are claimed. A case that is flagged to need them is run as well and
//! counts when it gives the expected value, because some need only a container or a time; an expected error does
//! not count, because the missing message would be the wrong one. What is not claimed is printed with its reason,
//! which is read off the case: there is no list of names here.

#![expect(clippy::disallowed_methods, reason = "a test may read its data from disk")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use mcp_auth_core::cel::{Environment, Program, Shared, Type, Value, Variables};
use serde_json::Value as Json;

const NEEDS_PROTOBUF: &str = "needs messages or enums of Protocol Buffers";
const CONTRADICTS_ITSELF: &str = "expects a backslash in bytes whose literal has none";

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: Vec<String>,
    not_claimed: BTreeMap<&'static str, usize>,
}

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
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "json"));
    files.sort();
    let mut total = Tally::default();
    for path in files {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let file: Json = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let tally = run_file(&name, &file);
        println!("cel-spec: {name}: {}", tally.summary());
        total.passed += tally.passed;
        total.failed.extend(tally.failed);
        for (reason, count) in tally.not_claimed {
            *total.not_claimed.entry(reason).or_default() += count;
        }
    }
    println!("cel-spec: all: {}", total.summary());
    assert!(total.failed.is_empty(), "{}", total.failed.join("\n"));
    assert!(total.passed > 0, "no case was run");
}

fn run_file(name: &str, file: &Json) -> Tally {
    let mut tally = Tally::default();
    for test in file["tests"].as_array().unwrap() {
        let flagged = test["needs_protobuf"] == true;
        match run(test) {
            Ok(()) if !(flagged && test["has_error"] == true) => tally.passed += 1,
            _ if flagged => *tally.not_claimed.entry(NEEDS_PROTOBUF).or_default() += 1,
            Err(_) if contradicts_itself(test) => {
                *tally.not_claimed.entry(CONTRADICTS_ITSELF).or_default() += 1;
            }
            outcome => {
                let why = outcome.err().unwrap_or_default();
                tally
                    .failed
                    .push(format!("{name}/{}/{}: {}: {why}", test["section"], test["name"], test["expr"]));
            }
        }
    }
    tally
}

impl Tally {
    fn summary(&self) -> String {
        let mut text = format!("{} passed, {} failed", self.passed, self.failed.len());
        let not_claimed: usize = self.not_claimed.values().sum();
        text += &format!(", {not_claimed} not claimed");
        for (reason, count) in &self.not_claimed {
            text += &format!(" ({count}: {reason})");
        }
        text
    }
}

/// The text form of two cases lost a backslash that the expected value still has.
fn contradicts_itself(test: &Json) -> bool {
    let expected = test["value"]["bytes_value"].as_str().map(base64_bytes);
    let written = test["expr"].as_str().is_some_and(|expr| expr.contains('\\'));
    expected.is_some_and(|bytes| bytes.contains(&b'\\')) && !written
}

struct Bindings(Vec<(String, Value<'static>)>);

impl Variables for Bindings {
    fn get(&self, name: &str) -> Option<Value<'_>> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())
    }
}

fn run(test: &Json) -> Result<(), String> {
    let mut environment = Environment::new().max_cost(u64::MAX);
    if let Some(container) = test["container"].as_str() {
        environment = environment.container(container);
    }
    let mut declared = Vec::new();
    for declaration in test["type_env"].as_array().into_iter().flatten() {
        let name = declaration["name"].as_str().unwrap();
        declared.push(name.to_owned());
        environment = match declaration.get("ident") {
            Some(ident) => environment.variable(name, type_of(&ident["type"])?),
            None => declare_function(environment, name, &declaration["function"])?,
        };
    }
    let mut bindings = Bindings(Vec::new());
    for (name, binding) in test["bindings"].as_object().into_iter().flatten() {
        bindings.0.push((name.clone(), value_of(&binding["value"])?));
        if !declared.contains(name) {
            environment = environment.variable(name, Type::Dyn);
        }
    }
    let expr = test["expr"].as_str().unwrap();
    let fails = test["has_error"] == true;
    // Expected failures are run without the check, so that they are failures of the evaluation.
    let compiled = if test["disable_check"] == true || fails {
        Program::compile_unchecked(expr, &environment)
    } else {
        Program::compile(expr, &environment)
    };
    let program = match compiled {
        Ok(program) => program,
        Err(_) if fails => return Ok(()),
        Err(error) => return Err(error.render(expr)),
    };
    let typed = &test["typed_result"];
    if let Some(deduced) = typed.get("deduced_type") {
        let (expected, found) = (type_of(deduced)?, program.result_type());
        if expected != *found {
            return Err(format!("expected the type {expected}, got {found}"));
        }
    }
    if test["check_only"] == true {
        return Ok(());
    }
    let expected = [&test["value"], &typed["result"]].into_iter().find(|v| !v.is_null());
    match (program.evaluate(&bindings), fails) {
        (Err(_), true) => Ok(()),
        (Err(error), false) => Err(error.render(expr)),
        (Ok(value), true) => Err(format!("expected an error, got {}", show(&value))),
        (Ok(value), false) => {
            // A case without any expectation expects `true`.
            let expected = expected.map_or(Ok(Value::Bool(true)), value_of)?;
            let (expected, found) = (show(&expected), show(&value));
            if expected == found { Ok(()) } else { Err(format!("expected {expected}, got {found}")) }
        }
    }
}

fn declare_function(mut environment: Environment, name: &str, json: &Json) -> Result<Environment, String> {
    for overload in json["overloads"].as_array().into_iter().flatten() {
        let parameters = overload["params"].as_array().into_iter().flatten().map(type_of);
        let parameters = parameters.collect::<Result<Vec<_>, _>>()?;
        environment = environment.function(name, &parameters, type_of(&overload["result_type"])?);
    }
    Ok(environment)
}

fn type_of(json: &Json) -> Result<Type, String> {
    let Some((kind, of)) = json.as_object().and_then(|o| o.iter().next()) else { return Ok(Type::Dyn) };
    Ok(match (kind.as_str(), of.as_str().unwrap_or_default()) {
        ("primitive", "BOOL") => Type::Bool,
        ("primitive", "INT64") => Type::Int,
        ("primitive", "UINT64") => Type::Uint,
        ("primitive", "DOUBLE") => Type::Double,
        ("primitive", "STRING") => Type::String,
        ("primitive", "BYTES") => Type::Bytes,
        ("null", _) => Type::Null,
        ("dyn", _) => Type::Dyn,
        ("type", _) => Type::Type,
        ("type_param", name) => Type::parameter(name),
        ("list_type", _) => Type::list(type_of(&of["elem_type"])?),
        ("map_type", _) => Type::map(type_of(&of["key_type"])?, type_of(&of["value_type"])?),
        ("message_type", "google.protobuf.Timestamp") | ("well_known", "TIMESTAMP") => Type::Timestamp,
        ("message_type", "google.protobuf.Duration") | ("well_known", "DURATION") => Type::Duration,
        ("abstract_type", _) => {
            let parameters = of["parameter_types"].as_array().into_iter().flatten().map(type_of);
            let parameters = parameters.collect::<Result<Vec<_>, _>>()?;
            match (of["name"].as_str().unwrap_or_default(), &*parameters) {
                ("optional_type", [inner]) => Type::optional(inner.clone()),
                ("net.IP", []) => Type::IpAddress,
                ("net.CIDR", []) => Type::Cidr,
                (name, parameters) => Type::opaque(name, parameters),
            }
        }
        (kind, of) => return Err(format!("type {kind} {of}")),
    })
}

fn value_of(json: &Json) -> Result<Value<'static>, String> {
    let (kind, value) = json.as_object().and_then(|o| o.iter().next()).ok_or("no value")?;
    let text = || value.as_str().ok_or_else(|| format!("value {value}"));
    Ok(match kind.as_str() {
        "null_value" => Value::Null,
        "bool_value" => Value::Bool(value.as_bool().ok_or("bool")?),
        "int64_value" => Value::Int(text()?.parse().map_err(|_| "int")?),
        "uint64_value" => Value::Uint(text()?.parse().map_err(|_| "uint")?),
        "double_value" => match value.as_f64() {
            Some(number) => Value::Double(number),
            None => Value::Double(text()?.parse().map_err(|_| "double")?),
        },
        "string_value" => text()?.to_owned().into(),
        "bytes_value" => Value::Bytes(Shared::Owned(base64_bytes(text()?).into())),
        "type_value" => Value::Type(text()?.to_owned().leak()),
        "list_value" => {
            let items = value["values"].as_array().into_iter().flatten().map(value_of);
            items.collect::<Result<Vec<_>, _>>()?.into()
        }
        "map_value" => {
            let entries = value["entries"].as_array().into_iter().flatten();
            let entries = entries.map(|e| Ok((value_of(&e["key"])?, value_of(&e["value"])?)));
            entries.collect::<Result<Vec<_>, String>>()?.into()
        }
        "object_value" => time_of(value)?,
        other => return Err(format!("value of kind {other}")),
    })
}

/// The messages that are values of the language: times.
fn time_of(json: &Json) -> Result<Value<'static>, String> {
    let name =
        json["@type"].as_str().unwrap_or_default().trim_start_matches("type.googleapis.com/google.protobuf.");
    if !matches!(name, "Timestamp" | "Duration") {
        return Err(format!("message {name}"));
    }
    let source = format!("{}({})", name.to_lowercase(), json["value"]);
    let program = Program::compile(&source, &Environment::new()).map_err(|e| e.to_string())?;
    let value = Box::leak(Box::new(program)).evaluate(&const { [] as [(&str, Value<'static>); 0] });
    value.map_err(|e| e.to_string())
}

fn base64_bytes(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

/// The whole value with its types; maps in one order; NaN equals NaN.
fn show(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Uint(u) => format!("{u}u"),
        // JSON: a writer may drop the sign of zero, and this reader is not exact in the last digit.
        Value::Double(0.0) => "0.0".to_owned(),
        Value::Double(d) => format!("{d:.14e}"),
        Value::String(s) => format!("{:?}", &**s),
        Value::Bytes(b) => format!("b{:?}", &**b),
        Value::Type(t) => format!("type({t})"),
        Value::Timestamp(t) => format!("timestamp({t})"),
        Value::Duration(d) => format!("duration({d})"),
        Value::IpAddress(a) => format!("ip({a})"),
        Value::Cidr(c) => format!("cidr({c})"),
        Value::Optional(o) => format!("optional({})", o.as_ref().map(|v| show(v)).unwrap_or_default()),
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
        other => other.type_name().to_owned(),
    }
}
