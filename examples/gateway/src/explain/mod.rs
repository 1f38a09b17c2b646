//! `explain`: what a route decides over a call, and how that comes about.
//!
//! The request is built as a client would send it and goes through the pipeline of the route, whose innermost service
//! is no backend but remembers what reached it: the answer that is shown is the one that a client gets. Nothing is
//! listened on and no backend is asked; the keys of the issuer are fetched as they are for every other token.
//!
//! Without a token that can be verified ([`Presented::Claims`]) the layers before the rules are left out.

mod ask;
mod call;
mod find;
mod options;
mod output;
mod request;
mod token;

use std::process::ExitCode;

use mcp_auth_core::policy::Level;

use self::ask::Asked;
use self::find::Place;
pub(crate) use self::options::Options;
use self::output::Report;
use self::token::Presented;
use crate::check::{self, Format};
use crate::config::Config;
use crate::proxy::BoxError;
use crate::route::{Facades, Levels, authenticated, built};
use crate::state::{Missing, Shared};
use crate::telemetry::say;

/// Exit status 0 when the call is allowed, 1 when it is denied.
///
/// # Errors
///
/// When the question cannot be asked: exit status 2.
pub(crate) async fn run(options: &Options) -> Result<ExitCode, BoxError> {
    let presented = Presented::read(options)?;
    let call = options.call()?;
    let (config, _) = check::load(&options.file)?;
    let place = find::place(&config, options, call.as_ref())?;
    let request = request::build(&place, options, call.as_ref(), &presented)?;
    let asked = ask(&config, &place, request, presented, options.show_values).await?;
    let allowed = asked.is_allowed();
    let report = Report { file: config.file.name(), place: &place, asked: &asked };
    match options.format {
        Format::Text => say(report),
        Format::Json => say(report.to_json()?),
    }
    Ok(if allowed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn ask(
    config: &Config,
    place: &Place<'_>,
    request: request::Built,
    presented: Presented,
    show_values: bool,
) -> Result<Asked, BoxError> {
    let (file, route) = (&config.file, place.route);
    let rules = Levels::default()
        .with(Level::Gateway, file, &config.rules)?
        .with(Level::Listener, file, &place.listener.rules)?
        .with(Level::Route, file, &route.policies.rules)?;
    let facades = Facades::build(config, &Shared::open(config, Missing::Pretend)?)?;
    let Some(auth) = authenticated(file, route, &rules, &facades)? else {
        return Err(format!(
            "{} has neither mcpAuthentication nor rules: it is open to all, and there is nothing to explain",
            place
        )
        .into());
    };
    let auth = built(file, route, auth.audit(ask::unrecorded()))?;
    ask::ask(&auth, request, presented, show_values).await
}
