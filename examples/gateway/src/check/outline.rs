//! A configuration as `check` shows it. The JSON form has these fields under these names, in camelCase.

use mcp_auth_core::policy::Level;
use serde::Serialize;

use super::server::Server;
use crate::config::{self, Config, Position, Source};
use crate::route::{BuildError, Facades, Finding, Set, metadata_findings};

/// A whole file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outline {
    pub(super) file: String,
    pub(super) accepted: bool,
    /// What is doubtful beside the rules.
    pub(super) warnings: Vec<Remark>,
    pub(super) policies: Vec<Policy>,
    pub(super) authorization_servers: Vec<Server>,
    pub(super) binds: Vec<Bind>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bind {
    pub(super) address: String,
    pub(super) listeners: Vec<Listener>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listener {
    pub(super) name: Option<String>,
    pub(super) protocol: &'static str,
    pub(super) hostname: Option<String>,
    pub(super) policies: Vec<Policy>,
    pub(super) routes: Vec<Route>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Route {
    pub(super) name: Option<String>,
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) cors: bool,
    /// The issuer of its tokens, where it asks for some.
    pub(super) issuer: Option<String>,
    /// Who clients are told to get them from.
    pub(super) authorization_servers: Vec<String>,
    /// What is doubtful about the protected resource metadata.
    pub(super) metadata_findings: Vec<String>,
    /// Where its tokens are exchanged for the backend, where they are, and for whom.
    pub(super) exchange: Vec<String>,
    pub(super) policies: Vec<Policy>,
}

/// The rules of one level over requests or over MCP items.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Policy {
    pub(super) policy: &'static str,
    pub(super) level: String,
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) rules: Vec<Rule>,
    pub(super) tool_scopes: Vec<ToolScope>,
    /// What is doubtful about the whole.
    pub(super) findings: Vec<Remark>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule {
    /// Its place among the rules, counted from 0: what decisions call it.
    pub(super) index: usize,
    pub(super) name: Option<String>,
    pub(super) effect: String,
    /// `all` or `any`, where there are several expressions.
    #[serde(rename = "match")]
    pub(super) join: Option<String>,
    pub(super) dry_run: bool,
    /// The most steps that it takes.
    pub(super) cost: u64,
    pub(super) expressions: Vec<String>,
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) findings: Vec<Remark>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolScope {
    pub(super) tool: String,
    pub(super) scopes: Vec<String>,
}

/// A warning or an error with its place.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Remark {
    line: Option<u64>,
    column: Option<u64>,
    level: &'static str,
    code: &'static str,
    message: String,
    /// As text: `file:line:column: …`.
    #[serde(skip)]
    pub(super) text: String,
}

impl Remark {
    pub(super) fn new(
        at: Option<Position>,
        level: &'static str,
        code: &'static str,
        message: String,
    ) -> Self {
        let (line, column) = (at.map(|at| at.line), at.map(|at| at.column));
        Self { line, column, level, code, message, text: String::new() }
    }

    fn of(found: Finding) -> Self {
        let text = found.to_string();
        Self { text, ..Self::new(Some(found.at), "warning", found.code, found.message) }
    }
}

impl Outline {
    pub(super) fn of(
        config: &Config,
        warnings: &[config::Warning],
        facades: &Facades,
    ) -> Result<Self, BuildError> {
        let file = &config.file;
        let warning = |w: &config::Warning| {
            let level = w.level().word();
            Remark::new(Some(w.at()), level, w.kind().code(), w.message().to_owned())
        };
        let bind = |bind: &config::Bind| {
            let listeners = bind.listeners.iter().map(|listener| Listener::of(file, listener));
            Ok(Bind { address: bind.address.to_string(), listeners: listeners.collect::<Result<_, _>>()? })
        };
        Ok(Self {
            file: file.name().to_owned(),
            accepted: true,
            warnings: warnings.iter().map(warning).collect(),
            policies: Policy::all(file, Level::Gateway, &config.rules)?,
            authorization_servers: Server::all(config, facades),
            binds: config.binds.iter().map(bind).collect::<Result<_, BuildError>>()?,
        })
    }

    /// Every policy of every level.
    pub(super) fn all_policies(&self) -> impl Iterator<Item = &Policy> {
        let listeners = || self.binds.iter().flat_map(|bind| &bind.listeners);
        let routes = listeners().flat_map(|listener| &listener.routes);
        self.policies
            .iter()
            .chain(listeners().flat_map(|listener| &listener.policies))
            .chain(routes.flat_map(|route| &route.policies))
    }
}

impl Listener {
    fn of(file: &Source, from: &config::Listener) -> Result<Self, BuildError> {
        let route = |route: &config::Route| {
            let authentication = route.policies.mcp_authentication.as_ref();
            Ok(Route {
                name: route.name.clone(),
                line: route.at.line,
                column: route.at.column,
                cors: route.policies.cors.is_some(),
                issuer: authentication.map(|a| a.issuer.value.clone()),
                authorization_servers: authentication
                    .map(|a| &a.resource_metadata.authorization_servers)
                    .into_iter()
                    .flatten()
                    .map(|url| url.as_str().to_owned())
                    .collect(),
                metadata_findings: match authentication {
                    None => Vec::new(),
                    Some(from) => metadata_findings(file, from)?,
                },
                exchange: route
                    .policies
                    .backend_auth
                    .as_ref()
                    .map(config::BackendAuth::outline)
                    .unwrap_or_default(),
                policies: Policy::all(file, Level::Route, &route.policies.rules)?,
            })
        };
        Ok(Self {
            name: from.name.clone(),
            protocol: match from.protocol {
                config::Protocol::Http => "HTTP",
            },
            hostname: from.hostname.as_ref().map(|name| name.value.clone()),
            policies: Policy::all(file, Level::Listener, &from.rules)?,
            routes: from.routes.iter().map(route).collect::<Result<_, BuildError>>()?,
        })
    }
}

impl Policy {
    fn all(file: &Source, level: Level, rules: &config::Rules) -> Result<Vec<Self>, BuildError> {
        let sets = Set::of(file, rules)?;
        Ok(sets.iter().map(|set| Self::of(file, level, set)).collect())
    }

    fn of(file: &Source, level: Level, set: &Set<'_>) -> Self {
        let mut findings = set.findings(file);
        let compiled = set.compiled.rules().iter().zip(&set.from.rules).enumerate();
        let rules = compiled.map(|(index, (rule, from))| Rule {
            index,
            name: from.name.clone(),
            effect: rule.effect().to_string(),
            join: (rule.expressions().len() > 1).then(|| rule.join().to_string()),
            dry_run: rule.is_dry_run(),
            cost: rule.cost(),
            expressions: rule.expressions().map(|text| text.trim_end().to_owned()).collect(),
            line: from.at.line,
            column: from.at.column,
            findings: findings.extract_if(.., |f| f.rule == Some(index)).map(Remark::of).collect(),
        });
        let rules = rules.collect();
        let scopes = set.from.tool_scopes.iter();
        Self {
            policy: set.name,
            level: level.to_string(),
            line: set.from.at.line,
            column: set.from.at.column,
            rules,
            tool_scopes: scopes
                .map(|one| ToolScope { tool: one.tool.clone(), scopes: one.scopes.clone() })
                .collect(),
            findings: findings.into_iter().map(Remark::of).collect(),
        }
    }
}
