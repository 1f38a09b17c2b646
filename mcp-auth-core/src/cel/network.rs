//! IP addresses and ranges of them.

use std::fmt;
use std::net::IpAddr;

/// A range of IP addresses: an address and the number of its leading bits that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr {
    address: IpAddr,
    // INVARIANT: at most the number of bits of the address.
    length: u8,
}

/// An address without zone; IPv4 inside IPv6 is refused when it is written with dots, because readers
/// disagree about it.
pub(super) fn parse_address(text: &str) -> Option<IpAddr> {
    let mixed = text.contains(':') && text.contains('.');
    if mixed { None } else { text.parse().ok() }
}

/// Whether two addresses are the same; `::ffff:c0a8:1` is `192.168.0.1`.
pub(super) fn same_address(a: IpAddr, b: IpAddr) -> bool {
    a.to_canonical() == b.to_canonical()
}

pub(super) fn is_global_unicast(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !(address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || broadcast
        || is_link_local_unicast(address))
}

pub(super) fn is_link_local_unicast(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

pub(super) fn is_link_local_multicast(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.octets().starts_with(&[224, 0, 0]),
        IpAddr::V6(v6) => {
            v6.octets().first() == Some(&0xff) && v6.segments().first().is_some_and(|s| s & 0xf == 2)
        }
    }
}

impl Cidr {
    /// `address/length`, for instance `10.0.0.0/8`; `None` when the length is more than the address has bits.
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        (length <= bits(address)).then_some(Self { address, length })
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let canonical = !length.starts_with(['+', '-']) && (length == "0" || !length.starts_with('0'));
        Self::new(parse_address(address)?, length.parse().ok().filter(|_| canonical)?)
    }

    /// The address as it was given, bits past the length included.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// How many leading bits count.
    pub fn length(self) -> u8 {
        self.length
    }

    /// Whether `address` is in this range. IPv4 is never in a range of IPv6, nor the other way, but IPv4 that is
    /// mapped into IPv6 (`::ffff:a00:1`) is IPv4.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V6(a), IpAddr::V6(b)) => same_prefix(&a.octets(), &b.octets(), self.length),
            (IpAddr::V6(_), IpAddr::V4(_)) => false,
            (IpAddr::V4(a), b) => match b.to_canonical() {
                IpAddr::V4(b) => same_prefix(&a.octets(), &b.octets(), self.length),
                IpAddr::V6(_) => false,
            },
        }
    }

    pub(super) fn contains_range(self, other: Self) -> bool {
        self.length <= other.length && self.contains(other.address)
    }

    /// The same range with the bits past the length cleared.
    pub(super) fn masked(self) -> Self {
        let address = match self.address {
            IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() & mask32(self.length)).into()),
            IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & mask128(self.length)).into()),
        };
        Self { address, ..self }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn mask32(length: u8) -> u32 {
    u32::MAX.checked_shl(32_u32.saturating_sub(length.into())).unwrap_or(0)
}

fn mask128(length: u8) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(length.into())).unwrap_or(0)
}

fn same_prefix<const N: usize>(a: &[u8; N], b: &[u8; N], length: u8) -> bool {
    let mut left = usize::from(length);
    a.iter().zip(b).all(|(a, b)| {
        let here = left.min(8);
        left -= here;
        let mask = u8::MAX.checked_shl(8 - u32::try_from(here).unwrap_or(8)).unwrap_or(0);
        a & mask == b & mask
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let cidr = |text| Cidr::parse(text).unwrap();
        let ip = |text| parse_address(text).unwrap();
        assert!(cidr("0.0.0.0/0").contains(ip("255.1.2.3")) && cidr("::/0").contains(ip("ff00::")));
        assert!(
            cidr("10.128.0.0/9").contains(ip("10.255.0.1"))
                && !cidr("10.128.0.0/9").contains(ip("10.127.0.1"))
        );
        assert!(cidr("1.2.3.4/32").contains(ip("1.2.3.4")) && !cidr("1.2.3.4/32").contains(ip("1.2.3.5")));
        assert!(!cidr("0.0.0.0/0").contains(ip("::1")) && !cidr("::/0").contains(ip("1.2.3.4")));
        assert_eq!(cidr("10.1.2.3/8").masked().to_string(), "10.0.0.0/8");
        assert_eq!(cidr("2001:db8:ffff::1/33").masked().to_string(), "2001:db8:8000::/33");
        assert_eq!(cidr("::1/0").masked().to_string(), "::/0");
        for text in
            ["10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/+8", "::/129", "010.0.0.1/8"]
        {
            assert_eq!(Cidr::parse(text), None, "{text}");
        }
        assert_eq!(parse_address("::ffff:1.2.3.4"), None);
        assert!(same_address(ip("::ffff:102:304"), ip("1.2.3.4")));
        assert!(cidr("1.2.0.0/16").contains(ip("::ffff:102:304")));
    }
}
