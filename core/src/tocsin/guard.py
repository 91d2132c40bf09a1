"""Which addresses a channel may connect to: a guard against private networks and metadata services.

The networks are listed here and not asked of :mod:`ipaddress`, whose ``is_private`` and ``is_global`` answer
differently in different releases of Python.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

import attrs

from tocsin.converters import to_strings
from tocsin.errors import ChannelConfigError, Scope

__all__ = ["AddressGuard", "kind_of", "to_networks"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_KINDS: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(network), kind)
    for network, kind in {
        "0.0.0.0/32": "an unspecified address",
        "0.0.0.0/8": "an address of this network",
        "10.0.0.0/8": "a private address",
        "100.64.0.0/10": "an address behind a carrier's NAT",
        "127.0.0.0/8": "a loopback address",
        "169.254.0.0/16": "a link-local address",
        "172.16.0.0/12": "a private address",
        "192.0.0.0/24": "an address for protocols",
        "192.0.2.0/24": "an address for documentation",
        "192.88.99.0/24": "a 6to4 relay",
        "192.168.0.0/16": "a private address",
        "198.18.0.0/15": "an address for benchmarks",
        "198.51.100.0/24": "an address for documentation",
        "203.0.113.0/24": "an address for documentation",
        "224.0.0.0/4": "a multicast address",
        "255.255.255.255/32": "a broadcast address",
        "240.0.0.0/4": "a reserved address",
        "::/128": "an unspecified address",
        "::1/128": "a loopback address",
        "::/96": "an IPv4-compatible address",
        "::ffff:0:0/96": "an IPv4-mapped address",
        "64:ff9b:1::/48": "an address of a local NAT64",
        "100::/64": "a discard-only address",
        "100:0:0:1::/64": "a dummy address",
        "2001::/32": "a Teredo address",
        "2001::/23": "an address for protocols",
        "2001:db8::/32": "an address for documentation",
        "2002::/16": "a 6to4 address",
        "3fff::/20": "an address for documentation",
        "5f00::/16": "an address of a segment",
        "fc00::/7": "a private address",
        "fe80::/10": "a link-local address",
        "fec0::/10": "a site-local address",
        "ff00::/8": "a multicast address",
    }.items()
)
"""IANA's special-purpose address registries, with the multicast and the deprecated ranges; the first match names it.

https://www.iana.org/assignments/iana-ipv4-special-registry and
https://www.iana.org/assignments/iana-ipv6-special-registry. What they call globally reachable is left out, but for
what lies within 192.0.0.0/24 and 2001::/23: no server of anybody's is there.
"""
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All that IANA has assigned of IPv6: https://www.iana.org/assignments/ipv6-address-space."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: on a network without IPv4 each IPv4 server has an address here, so what is inside decides."""
_CARRIERS = (_NAT64, ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("::/96"))
_6TO4 = ipaddress.IPv6Network("2002::/16")
_TEREDO = ipaddress.IPv6Network("2001::/32")
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (
            "169.254.169.254",  # AWS, Azure, Google Cloud, Oracle, DigitalOcean, Hetzner, OpenStack
            "fd00:ec2::254",  # AWS
            "169.254.170.2",  # credentials of an ECS task
            "169.254.170.23",  # credentials of an EKS pod
            "fd00:ec2::23",
            "fd20:ce::254",  # Google Cloud
            "168.63.129.16",  # Azure's host; no special-purpose network has it
            "100.100.100.200",  # Alibaba Cloud
            "169.254.0.23",  # Tencent Cloud
            "169.254.42.42",  # Scaleway
            "fd00:42::42",
            "192.0.0.192",  # Oracle Cloud Classic
            "fe80::a9fe:a9fe",  # OpenStack
        ),
    )
)
"""They give a machine's credentials to whoever asks from it."""


def kind_of(address: Address) -> str | None:
    """What an address is where it is no public one, in words like ``a loopback address``; None for a public one.

    The address counts as it stands: what an IPv6 address carries inside is not looked at.
    """
    if address in _METADATA:
        return "a metadata address"
    for network, kind in _KINDS:
        if address in network:
            return kind
    if address.version == 6 and address not in _GLOBAL_UNICAST and address not in _NAT64:
        return "a reserved address"
    return None


def to_networks(value: str | Iterable[str]) -> tuple[Network, ...]:
    """Networks like ``10.20.0.0/16`` and single addresses; one string may hold several, with commas.

    Raises:
        ValueError: one of them is neither.
    """
    return tuple(_network(position, text) for position, text in enumerate(to_strings(value), start=1))


def _network(position: int, text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(
            f"item {position} must be a network, like 10.20.0.0/16 with zeros after its prefix, or an address"
        ) from None


@attrs.frozen
class AddressGuard:
    """Lets public addresses through and no other, but for the networks it is told to allow.

    Every IPv4 address inside an IPv6 one (IPv4-mapped, NAT64, 6to4, Teredo) must be let through as well.

    Attributes:
        allow: networks to let through. A metadata address passes only where it is named alone: a cloud's
            lies within the private network that somebody allows.
    """

    allow: tuple[Network, ...] = attrs.field(default=(), converter=to_networks)

    def check(self, address: str) -> None:
        """Nothing, where the address may be connected to.

        Args:
            address: numeric, as a resolver gives it.

        Raises:
            ChannelConfigError: it may not. The words name its kind and not the address. Not retried; the next delivery
                asks anew, since it may be the name's answer that is wrong.
        """
        if (kind := self.refused(address)) is not None:
            raise ChannelConfigError(
                f"the host leads to {kind}, and only public ones are allowed; nothing was sent",
                scope=Scope.RECIPIENT,
                hint="Correct the address, or allow its network in the channel's settings.",
            )

    def refused(self, address: str) -> str | None:
        """The kind of a numeric address that may not be connected to; None for one that may."""
        try:
            outer = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return "no address at all"
        return next((kind for one in _forms(outer) if (kind := self._refused(one)) is not None), None)

    def _refused(self, address: Address) -> str | None:
        kind = kind_of(address)
        return None if kind is None or any(_lets_through(network, address) for network in self.allow) else kind


def _lets_through(network: Network, address: Address) -> bool:
    return address in network and (address not in _METADATA or network.prefixlen == network.max_prefixlen)


def _forms(address: Address) -> Iterator[Address]:
    """The IPv4 addresses that an IPv6 address leads to, and the address itself: innermost first, being the plainest."""
    number = int(address)
    if isinstance(address, ipaddress.IPv6Address):
        if any(address in carrier for carrier in _CARRIERS) and number > 1:  # :: and ::1 carry none
            yield ipaddress.IPv4Address(number & 0xFFFFFFFF)
        elif address in _6TO4:  # RFC 3056, section 2
            yield ipaddress.IPv4Address(number >> 80 & 0xFFFFFFFF)
        elif address in _TEREDO:  # RFC 4380, section 4: the server's, and the client's with its bits turned over
            yield ipaddress.IPv4Address(number >> 64 & 0xFFFFFFFF)
            yield ipaddress.IPv4Address(number & 0xFFFFFFFF ^ 0xFFFFFFFF)
    yield address
