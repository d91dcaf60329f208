"""Which network addresses the server connects to for others: public ones, and those that the operator allows.

What stands behind a private address trusts its neighbours, and this server is one: without this rule a webhook would be
a way to reach it (server-side request forgery).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import attrs

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

#: Public by Python's tables, of some version at least, but not by what they lead to.
_NOT_PUBLIC = [
    ip_network("192.0.0.0/24"),  # IETF protocol assignments, and a cloud's metadata at .192
    ip_network("192.88.99.0/24"),  # 6to4 relays
    ip_network("168.63.129.16/32"),  # Azure's metadata and agents
    ip_network("2002::/16"),  # 6to4: leads to any IPv4 address
    ip_network("2001::/23"),  # Teredo and other protocol assignments
    ip_network("3fff::/20"),  # documentation
]
_UNICAST = ip_network("2000::/3")


@attrs.frozen
class AddressRule:
    """Decides by the address alone: names are resolved before, and may resolve to something else the next time."""

    #: FIRMTRAIL_WEBHOOK_NETWORKS: what the operator allows beside public addresses
    allowed: Sequence[Network] = ()

    def permits(self, address: str, *, is_encrypted: bool) -> bool:
        """Whether to connect to an address as a socket has it; without TLS, only in a network that is allowed."""
        found = _read(address)
        if any(found in network for network in self.allowed):
            return True
        return is_encrypted and _is_public(found)


def _read(address: str) -> Address:
    """Read an address; one of IPv4 that is written as one of IPv6 counts as what it is."""
    found = ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return isinstance(address, IPv4Address) or address in _UNICAST
