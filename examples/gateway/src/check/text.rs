//! An outline for people.

use std::fmt;

use super::outline::{Outline, Policy, Remark, Rule};

impl fmt::Display for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.policies.is_empty() {
            writeln!(f, "for all routes")?;
            self.policies.iter().try_for_each(|policy| policy.fmt(2, f))?;
        }
        for server in &self.authorization_servers {
            server.fmt(f)?;
        }
        for bind in &self.binds {
            writeln!(f, "{}", bind.address)?;
            for listener in &bind.listeners {
                let name = listener.name.as_deref().unwrap_or("(unnamed)");
                let host = listener.hostname.as_deref().unwrap_or("*");
                writeln!(f, "  listener {name}: {}, host {host}", listener.protocol)?;
                listener.policies.iter().try_for_each(|policy| policy.fmt(4, f))?;
                for route in &listener.routes {
                    let name = route.name.as_deref().unwrap_or("(unnamed)");
                    let cors = if route.cors { "yes" } else { "no" };
                    let issuer = route.issuer.as_deref().unwrap_or("none: open to all");
                    let place = Place(route.line, route.column);
                    writeln!(f, "    route {name} at {place}: cors {cors}, authentication {issuer}")?;
                    if route.issuer.is_some() {
                        let servers = route.authorization_servers.join(", ");
                        writeln!(f, "      clients get tokens from {servers}")?;
                    }
                    for finding in &route.metadata_findings {
                        writeln!(f, "      warning: resourceMetadata: {finding}")?;
                    }
                    for way in &route.exchange {
                        writeln!(f, "      the backend gets a token from {way}")?;
                    }
                    route.policies.iter().try_for_each(|policy| policy.fmt(6, f))?;
                }
            }
        }
        let rules: usize = self.all_policies().map(|policy| policy.rules.len()).sum();
        let of_rules = self.all_policies().flat_map(|policy| &policy.rules).map(|rule| rule.findings.len());
        let of_sets = self.all_policies().map(|policy| policy.findings.len());
        let routes = self.binds.iter().flat_map(|bind| &bind.listeners).flat_map(|listener| &listener.routes);
        let of_documents: usize = routes.map(|route| route.metadata_findings.len()).sum();
        let of_servers =
            self.authorization_servers.iter().filter_map(|server| server.findings.as_ref()).map(Vec::len);
        let of_servers = of_documents + of_servers.sum::<usize>();
        let warnings = of_servers + self.warnings.len() + of_rules.sum::<usize>() + of_sets.sum::<usize>();
        write!(f, "{}: accepted; {rules} rule(s), {warnings} remark(s)", self.file)
    }
}

impl Policy {
    fn fmt(&self, indent: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:indent$}{} at {}", "", self.policy, Place(self.line, self.column))?;
        show(&self.findings, indent + 2, f)?;
        self.rules.iter().try_for_each(|rule| rule.fmt(indent + 2, f))?;
        for scopes in &self.tool_scopes {
            writeln!(f, "{:indent$}  tool {} needs {}", "", scopes.tool, scopes.scopes.join(" "))?;
        }
        Ok(())
    }
}

impl Rule {
    fn fmt(&self, indent: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:indent$}{} {}", "", self.effect, self.index)?;
        if let Some(name) = &self.name {
            write!(f, " `{name}`")?;
        }
        if self.dry_run {
            write!(f, " (dry run)")?;
        }
        if let Some(join) = &self.join {
            write!(f, ", {join} of {}", self.expressions.len())?;
        }
        writeln!(f, ", cost at most {}", self.cost)?;
        for expression in &self.expressions {
            for line in expression.lines() {
                writeln!(f, "{:indent$}  {line}", "")?;
            }
        }
        show(&self.findings, indent + 2, f)
    }
}

fn show(remarks: &[Remark], indent: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for remark in remarks {
        // A line of its own each, whatever the engine has to show.
        for line in remark.text.lines() {
            writeln!(f, "{:indent$}{line}", "")?;
        }
    }
    Ok(())
}

/// A line and a column of the file.
struct Place(u64, u64);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0, self.1)
    }
}
