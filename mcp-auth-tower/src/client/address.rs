use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Which addresses may be dialled. It is asked about each resolved address of each connection, so that a name
/// which changes its address between two looks gains nothing.
///
/// | addresses | [`public_only`](Self::public_only) | [`with_private`](Self::with_private) |
/// |---|---|---|
/// | public | yes | yes |
/// | loopback, private (RFC 1918), shared (RFC 6598), unique local (RFC 4193) | no | yes |
/// | link-local, cloud metadata, multicast, unspecified, documentation, benchmarks, reserved | no | no |
///
/// An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) is judged as the IPv4 address.
/// [`allow`](Self::allow) adds networks to each.
///
/// ```
/// use mcp_auth_tower::client::AddressPolicy;
///
/// let policy = AddressPolicy::public_only().allow("10.1.0.0/16")?;
/// assert!(policy.check("10.1.2.3".parse()?).is_ok());
/// assert!(policy.check("10.2.0.1".parse()?).is_err());
/// assert!(policy.check("::ffff:169.254.169.254".parse()?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressPolicy {
    base: Base,
    allowed: Vec<IpNet>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    PublicOnly,
    WithPrivate,
    Any,
}

/// An address that may not be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRefused {
    address: IpAddr,
    kind: &'static str,
}

/// A text that is no network in CIDR notation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no network: expected an address or CIDR notation, such as `10.1.0.0/16`")]
pub struct CidrError(String);

impl AddressPolicy {
    /// Public addresses only: for URLs that somebody else wrote.
    pub fn public_only() -> Self {
        Self { base: Base::PublicOnly, allowed: Vec::new() }
    }

    /// Public, private and loopback addresses: for URLs that the operator wrote.
    pub fn with_private() -> Self {
        Self { base: Base::WithPrivate, allowed: Vec::new() }
    }

    /// Every address, those of cloud metadata services too: whoever chooses a URL or answers for a name can make
    /// this process speak to them.
    pub fn danger_allow_any() -> Self {
        Self { base: Base::Any, allowed: Vec::new() }
    }

    /// Allows a network besides: an address, or CIDR notation.
    ///
    /// # Errors
    ///
    /// [`CidrError`].
    pub fn allow(mut self, network: &str) -> Result<Self, CidrError> {
        let one = || network.parse::<IpAddr>().map(IpNet::from);
        let network = network.parse().or_else(|_| one()).map_err(|_| CidrError(network.to_owned()))?;
        self.allowed.push(network);
        Ok(self)
    }

    /// Judges an address.
    ///
    /// # Errors
    ///
    /// [`AddressRefused`].
    pub fn check(&self, address: IpAddr) -> Result<(), AddressRefused> {
        let meant = embedded(address).map_or(address, IpAddr::V4);
        let allowed = |net: &IpNet| net.contains(&address) || net.contains(&meant);
        if self.base == Base::Any || self.allowed.iter().any(allowed) {
            return Ok(());
        }
        match classify(meant) {
            Class::Public => Ok(()),
            Class::Private(_) if self.base == Base::WithPrivate => Ok(()),
            Class::Private(kind) | Class::Never(kind) => Err(AddressRefused { address, kind }),
        }
    }
}

impl AddressRefused {
    /// The address.
    pub fn address(&self) -> IpAddr {
        self.address
    }
}

impl fmt::Display for AddressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, kind } = self;
        write!(f, "host is {address}, {kind}, which is not dialled unless an address policy allows it")
    }
}

impl std::error::Error for AddressRefused {}

#[derive(Clone, Copy)]
enum Class {
    Public,
    Private(&'static str),
    Never(&'static str),
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

const METADATA: &str = "a cloud metadata address";
const LINK_LOCAL: &str = "a link-local address (cloud metadata)";
const DOCUMENTATION: &str = "an address for documentation";
const RESERVED: &str = "a reserved address";

/// IANA's special-purpose registry, and metadata services outside link-local. The first match counts.
const V4: &[(Ipv4Net, Class)] = &[
    (v4(169, 254, 0, 0, 16), Class::Never(LINK_LOCAL)),
    (v4(100, 100, 100, 200, 32), Class::Never(METADATA)), // Alibaba
    (v4(168, 63, 129, 16, 32), Class::Never(METADATA)),   // Azure
    (v4(127, 0, 0, 0, 8), Class::Private("a loopback address")),
    (v4(10, 0, 0, 0, 8), Class::Private("a private address")),
    (v4(172, 16, 0, 0, 12), Class::Private("a private address")),
    (v4(192, 168, 0, 0, 16), Class::Private("a private address")),
    (v4(100, 64, 0, 0, 10), Class::Private("a shared address (RFC 6598)")),
    (v4(0, 0, 0, 0, 8), Class::Never("an unspecified address")),
    (v4(192, 0, 0, 0, 24), Class::Never(RESERVED)), // Oracle's metadata service among them
    (v4(192, 0, 2, 0, 24), Class::Never(DOCUMENTATION)),
    (v4(198, 51, 100, 0, 24), Class::Never(DOCUMENTATION)),
    (v4(203, 0, 113, 0, 24), Class::Never(DOCUMENTATION)),
    (v4(198, 18, 0, 0, 15), Class::Never("an address for benchmarks")),
    (v4(192, 88, 99, 0, 24), Class::Never("a 6to4 relay")),
    (v4(224, 0, 0, 0, 4), Class::Never("a multicast address")),
    (v4(240, 0, 0, 0, 4), Class::Never(RESERVED)),
];

const V6: &[(Ipv6Net, Class)] = &[
    (v6(0xfe80, 0, 0, 10), Class::Never(LINK_LOCAL)),
    (Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128), Class::Never(METADATA)), // AWS
    (Ipv6Net::new_assert(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128), Class::Never(METADATA)), // GCP
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), Class::Private("a loopback address")),
    (v6(0xfc00, 0, 0, 7), Class::Private("a unique local address (RFC 4193)")),
    (v6(0xff00, 0, 0, 8), Class::Never("a multicast address")),
    (v6(0x2001, 0, 0, 23), Class::Never(RESERVED)), // Teredo and benchmarks among them
    (v6(0x2001, 0xdb8, 0, 32), Class::Never(DOCUMENTATION)),
    (v6(0x3fff, 0, 0, 20), Class::Never(DOCUMENTATION)),
    (v6(0x2000, 0, 0, 3), Class::Public),
];

fn classify(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(address) => {
            V4.iter().find(|(net, _)| net.contains(&address)).map_or(Class::Public, |(_, class)| *class)
        }
        // Only 2000::/3 is given out as global unicast.
        IpAddr::V6(address) => {
            let found = V6.iter().find(|(net, _)| net.contains(&address));
            found.map_or(Class::Never(RESERVED), |(_, class)| *class)
        }
    }
}

/// The IPv4 address inside: mapped and compatible (RFC 4291 §2.5.5), NAT64 (RFC 6052 §2.1, RFC 8215), 6to4
/// (RFC 3056).
fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let at = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => at(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => at(high, low),
        [0x2002, high, low, ..] => at(high, low),
        _ => None,
    }
}
