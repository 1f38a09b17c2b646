//! The names and types that rules are checked against.

use crate::cel::{Environment, StructType, Type};

/// What a rule can read besides variables: the scopes that are granted, which are claims read as the issuer's
/// configuration says.
pub(in crate::policy) const SCOPES: &str = "scopes";

/// What depends on the caller's token and on nothing else.
pub(in crate::policy) const CLAIMS: [&str; 2] = ["jwt", SCOPES];

/// What rules read most, found by number instead of name.
pub(super) const JWT: u32 = 0;
pub(super) const METHOD: u32 = 0;
pub(super) const TOOL: u32 = 1;
pub(super) const PATH: u32 = 2;
pub(super) const SUBJECT: u32 = 3;

/// The names and types that rules are checked against when they are loaded; see the [module page](crate::policy)
/// for the table.
pub fn environment() -> Environment {
    let text = |names: &[&str]| names.iter().fold(StructType::new(), |s, name| s.field(name, Type::String));
    let texts = || Type::map(Type::String, Type::String);
    let anything = || Type::map(Type::String, Type::Dyn);
    // What `Claims::parse` has checked is typed; what may come in two forms is not.
    let jwt = ["aud", "exp", "nbf", "iat", "scope", "groups", "roles", "role", "act", "cnf"]
        .into_iter()
        .fold(text(&["iss", "sub", "jti", "client_id", "azp"]), |s, name| s.field(name, Type::Dyn))
        .open(Type::Dyn);
    let mcp = text(&["method", "protocolVersion", "session"])
        .field("tool", text(&["name", "target"]).field("arguments", anything()))
        .field("prompt", text(&["name", "target"]).field("arguments", anything()))
        .field("resource", text(&["uri", "name", "target"]))
        .field("task", text(&["id", "target"]));
    let request =
        text(&["method", "scheme", "host", "path"]).field("query", texts()).field("headers", texts());
    let end = StructType::new().field("address", Type::IpAddress).field("port", Type::Int);
    Environment::new()
        .variable("jwt", jwt)
        .variable("mcp", mcp)
        .variable("request", request)
        .variable("source", end.clone().field("identity", Type::String))
        .variable("destination", end)
        .variable("apiKey", anything())
        .variable("basicAuth", text(&["username"]))
        .variable("extauthz", anything())
        .variable("now", Type::Timestamp)
        .function_of(&CLAIMS, "hasScope", &[Type::String], Type::Bool)
        .function_of(&["jwt"], "inGroup", &[Type::String], Type::Bool)
        .function_of(&["jwt"], "hasAudience", &[Type::String], Type::Bool)
        .function_of(&[], "pathMatches", &[Type::String, Type::String], Type::Bool)
        .numbered_object("jwt", JWT)
        .numbered_text("mcp.method", METHOD)
        .numbered_text("mcp.tool.name", TOOL)
        .numbered_text("request.path", PATH)
        .numbered_text("jwt.sub", SUBJECT)
}
