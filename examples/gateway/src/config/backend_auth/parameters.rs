//! `additionalParams`: parameters of the provider's own, each an expression, as agentgateway writes them.

use mcp_auth_core::cel::{Program, Type};
use mcp_auth_core::policy::{Context, environment};
use mcp_auth_exchange::grant::{ParameterError, Parameters};

use super::super::error::Fault;
use super::super::node::{Node, Spanned};
use super::super::warning::{Lints, WarningKind};

/// What expressions may read: what is there for every request.
const ROOTS: [&str; 3] = ["jwt", "mcp", "request"];

/// A parameter that each request has of its own.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    name: String,
    program: Program,
}

/// The parameters that are the same for all requests, and those that are not.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) fixed: Vec<(Spanned<String>, String)>,
    pub(super) own: Vec<Expression>,
}

pub(super) fn read(node: Node, lints: &mut Lints) -> Result<Read, Fault> {
    let mut read = Read::default();
    let mut names = Parameters::default();
    for (name, node) in node.mapping("additionalParams")? {
        let expression = node.filled_text("additionalParams")?;
        let at = expression.at;
        let wrong =
            |message: &str| Fault::invalid(at, format!("`additionalParams.{}` {message}", name.value));
        let program = Program::compile(&expression.value, &environment()).map_err(|error| {
            wrong(&format!(
                "is an expression (CEL), a text in it has quotes of its own, '\"value\"': {error}"
            ))
        })?;
        if !matches!(program.result_type(), Type::String | Type::Dyn) {
            return Err(wrong(&format!("has to give a text, this is {}", program.result_type())));
        }
        // How agentgateway writes Entra's on-behalf-of flow; whoever reads this takes it out.
        if name.value != "requested_token_use" {
            let more = std::mem::take(&mut names).with(&name.value, "");
            names = more.map_err(|e| Fault::invalid(name.at, format!("`additionalParams`: {e}")))?;
        }
        if program.depends_only_on(&[]) {
            let value = text(&program, &Context::new(None)).map_err(|e| wrong(&e))?;
            read.fixed.push((name, value));
            continue;
        }
        if program.mentions().any(|path| path.segments().eq(["jwt", "rawToken"])) {
            return Err(wrong(
                "cannot be the token: it goes to the provider as the subject's, and nowhere else",
            ));
        }
        if !program.depends_only_on(&ROOTS) || program.reads("mcp.tool.arguments") {
            return Err(wrong("may read `jwt`, `request`, and of `mcp` all but arguments"));
        }
        if program.reads("request") || program.reads("mcp") {
            let message = format!(
                "`additionalParams.{}` reads what the client writes as it likes: the provider is told so, and each \
                 other value is another exchange",
                name.value
            );
            lints.add(WarningKind::Exchange, at, message);
        }
        read.own.push(Expression { name: name.value, program });
    }
    Ok(read)
}

/// The parameters of one request.
pub(crate) fn evaluate(all: &[Expression], context: &Context<'_>) -> Result<Parameters, String> {
    all.iter().try_fold(Parameters::default(), |parameters, Expression { name, program }| {
        let wrong = |reason: String| format!("`additionalParams.{name}` {reason}");
        let value = text(program, context).map_err(wrong)?;
        parameters.with(name, &value).map_err(|error: ParameterError| wrong(format!("is refused: {error}")))
    })
}

fn text(program: &Program, context: &Context<'_>) -> Result<String, String> {
    let value = program.evaluate(context).map_err(|error| format!("cannot be evaluated: {error}"))?;
    value.as_str().map(str::to_owned).ok_or_else(|| "is no text".to_owned())
}
