//! `binds` and their `listeners`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;

use super::authorization::Rules;
use super::connections::ConnectionLimits;
use super::error::{ConfigErrorKind, Fault, Position};
use super::fields::Fields;
use super::node::{Node, Spanned};
use super::route::Route;
use super::warning::Lints;
use crate::intake::TrustedProxies;

/// A socket and the listeners behind it.
#[derive(Clone, Debug)]
pub(crate) struct Bind {
    /// Where to listen. `address` is an extension to agentgateway's shape and is 127.0.0.1 when absent: a gateway
    /// that is tried out is not open to the network. Port 0 asks the system for a free port.
    pub(crate) address: SocketAddr,
    /// The listeners. Never empty, and no two have the same hostname.
    pub(crate) listeners: Vec<Listener>,
    /// What clients may hold.
    pub(crate) connections: ConnectionLimits,
    /// Whose `X-Forwarded-…` fields count.
    pub(crate) proxies: TrustedProxies,
    at: Position,
}

/// A virtual host.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    /// A name for logs.
    pub(crate) name: Option<String>,
    /// The protocol.
    pub(crate) protocol: Protocol,
    /// The `Host` that this listener serves, lower case; `*.` in front matches every name below. `None` matches all.
    pub(crate) hostname: Option<Spanned<String>>,
    /// Rules for all of its routes, which can narrow them and not widen.
    pub(crate) rules: Rules,
    /// The routes in the file's order. Never empty.
    pub(crate) routes: Vec<Route>,
}

/// What a [`Listener`] speaks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub(crate) enum Protocol {
    /// HTTP/1.1 without TLS.
    #[default]
    Http,
}

/// What a route can have and nothing above it, and what agentgateway has for listeners besides.
const ROUTE_POLICIES: [&str; 12] = [
    "cors",
    "mcpAuthentication",
    "timeout",
    "jwtAuth",
    "oidc",
    "apiKey",
    "basicAuth",
    "extAuthz",
    "extProc",
    "extMcp",
    "transformations",
    "localRateLimit",
];

impl Bind {
    pub(super) fn read(node: Node, lints: &mut Lints) -> Result<Self, Fault> {
        let known = ["port", "address", "listeners", "connections", "trustedProxies"];
        let mut fields = Fields::new(node, "binds", &known, &["protocol", "tunnelProtocol"])?;
        let port = fields.require("port")?.port("port")?;
        let address = match fields.text("address")? {
            None => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Some(text) => text.value.parse().map_err(|_| {
                Fault::invalid(text.at, format!("`address` must be an IP address, found `{}`", text.value))
            })?,
        };
        let connections =
            fields.take("connections").map(ConnectionLimits::read).transpose()?.unwrap_or_default();
        let proxies = fields.take("trustedProxies").map(read_proxies).transpose()?.unwrap_or_default();
        let listeners = fields.require("listeners")?.filled_list("listeners")?;
        let listeners =
            listeners.into_iter().map(|node| Listener::read(node, lints)).collect::<Result<Vec<_>, _>>()?;
        refuse_same_hostname(&listeners, fields.at())?;
        Ok(Self { address: SocketAddr::new(address, port), listeners, connections, proxies, at: fields.at() })
    }
}

/// `trustedProxies`: addresses and networks.
fn read_proxies(node: Node) -> Result<TrustedProxies, Fault> {
    let texts = node.texts("trustedProxies")?.into_iter();
    let networks = texts.map(|text| {
        let address = |text: &str| text.parse::<IpAddr>().map(IpNet::from);
        text.value.parse().or_else(|_| address(&text.value)).map_err(|_| {
            let message = format!(
                "`trustedProxies` has addresses and networks in CIDR notation, found `{}`",
                text.value
            );
            Fault::invalid(text.at, message)
        })
    });
    Ok(TrustedProxies::new(networks.collect::<Result<_, _>>()?))
}

impl Listener {
    fn read(node: Node, lints: &mut Lints) -> Result<Self, Fault> {
        let known = ["name", "protocol", "hostname", "policies", "routes"];
        let mut fields = Fields::new(node, "listeners", &known, &["tls", "tcpRoutes", "namespace"])?;
        let name = fields.text("name")?.map(|text| text.value);
        let protocol = fields.text("protocol")?.map(Protocol::read).transpose()?.unwrap_or_default();
        let hostname = fields.text("hostname")?.map(read_hostname).transpose()?;
        let rules = match fields.take("policies") {
            None => Rules::default(),
            Some(node) => Rules::read(node, "policies of a listener", &ROUTE_POLICIES)?,
        };
        let routes = fields.require("routes")?.filled_list("routes")?;
        let mut routes =
            routes.into_iter().map(|node| Route::read(node, lints)).collect::<Result<Vec<_>, _>>()?;
        for route in &mut routes {
            route.host = hostname.as_ref().map(|name| name.value.clone());
        }
        Ok(Self { name, protocol, hostname, rules, routes })
    }
}

impl Protocol {
    fn read(text: Spanned<String>) -> Result<Self, Fault> {
        match text.value.as_str() {
            "HTTP" => Ok(Self::Http),
            "HTTPS" | "TLS" | "TCP" | "HBONE" => {
                Err(Fault::unsupported(text.at, &format!("protocol: {}", text.value), "listeners"))
            }
            other => Err(Fault::unknown_word(text.at, other, "`protocol`", &["HTTP"])),
        }
    }
}

/// Refuses two binds of one address.
pub(super) fn refuse_same_address(binds: &[Bind]) -> Result<(), Fault> {
    for (index, bind) in binds.iter().enumerate() {
        let taken = binds.iter().take(index).any(|earlier| earlier.address == bind.address);
        if taken && bind.address.port() != 0 {
            let message = format!("`{}` is bound twice", bind.address);
            return Err(Fault::new(ConfigErrorKind::Duplicate, bind.at, message));
        }
    }
    Ok(())
}

fn refuse_same_hostname(listeners: &[Listener], bind: Position) -> Result<(), Fault> {
    for (index, listener) in listeners.iter().enumerate() {
        let name = listener.hostname.as_ref().map(|name| &name.value);
        let mut earlier =
            listeners.iter().take(index).map(|other| other.hostname.as_ref().map(|name| &name.value));
        if earlier.any(|other| other == name) {
            let message = match name {
                Some(name) => format!("two listeners have the hostname `{name}`"),
                None => "two listeners have no hostname".to_owned(),
            };
            let at = listener.hostname.as_ref().map_or(bind, |name| name.at);
            return Err(Fault::new(ConfigErrorKind::Duplicate, at, message));
        }
    }
    Ok(())
}

fn read_hostname(text: Spanned<String>) -> Result<Spanned<String>, Fault> {
    let lower = text.value.to_ascii_lowercase();
    let name = lower.strip_prefix("*.").unwrap_or(&lower);
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if !name.chars().all(allowed) || name.split('.').any(str::is_empty) {
        let message = format!("`hostname` must be a host name without a port, found `{}`", text.value);
        return Err(Fault::invalid(text.at, message));
    }
    Ok(Spanned { value: lower, at: text.at })
}
