"""Which proxy leads to a URL: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, as curl and Python's tools read them.

What may stand in NO_PROXY, with commas or blanks between:

    example.com  .example.com  *.example.com    this host and all below it
    192.0.2.7  2001:db8::1  [2001:db8::1]       this address, in whatever way it is written
    10.0.0.0/8  fd00::/8  [fd00::]/8            these addresses
    example.com:8080  [2001:db8::1]:8080        the same, on this port alone
    https://example.com                         the same, for this scheme alone
    *                                           everything
"""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LAST_PORT = 65535
#: of an IPv6 address before the IPv4 address that it may hold: ::ffff:0:0/96
_MAPPED_BITS = 96
_BRACKETED = re.compile(r"\[(?P<address>[^\]]+)\](?P<range>/\d+)?(:(?P<port>\d+))?")
_WITH_PORT = re.compile(r"(?P<place>[^:]+):(?P<port>\d+)")
#: its last label is no number: 10.0.0.1-10.0.0.9 is no host
_NAME = re.compile(r"(\*\.|\.)?([\w-]+\.)*(?!\d+\.?$)[\w-]+\.?")


def proxy_for(url: str) -> str | None:
    """Find the URL of the proxy that the environment names for the server of this URL; None: there is none.

    Warns of each entry of NO_PROXY that is not understood, and skips it.
    """
    parts, given = urlsplit(url), getproxies()
    found = given.get(parts.scheme) or given.get("all")
    exceptions = [entry for entry in re.split(r"[\s,]+", given.get("no", "")) if entry and _is_understood(entry)]
    if not found or any(_covers(entry, parts) for entry in exceptions):
        return None
    return found if "://" in found else f"http://{found}"


def without_password(proxy: str) -> str:
    """Name a proxy in a message."""
    scheme, separator, rest = proxy.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _is_understood(entry: str) -> bool:
    try:
        _place_and_port(entry.rpartition("://")[2])
    except ValueError:
        shown = entry.rpartition("@")[2]  # what stands before it may be a password
        warnings.warn(f"NO_PROXY: {shown} is not understood and is skipped", stacklevel=5)
        return False
    return True


def _covers(entry: str, parts: SplitResult) -> bool:
    scheme, has_scheme, rest = entry.rpartition("://")
    if has_scheme and scheme.lower() not in {parts.scheme, "all"}:
        return False
    place, port = _place_and_port(rest)
    if port not in {None, parts.port or _DEFAULT_PORTS.get(parts.scheme)}:
        return False
    return place == "*" or _holds(place, parts.hostname or "")


def _place_and_port(text: str) -> tuple[str, int | None]:
    """Take an entry apart: into `*`, a name, or an address or a range without brackets; and a port.

    Raises:
        ValueError: it is none of them.
    """
    place, port = text.rstrip("/"), None
    if found := _BRACKETED.fullmatch(place):
        place, port = found["address"] + (found["range"] or ""), found["port"]
    elif found := _WITH_PORT.fullmatch(place):
        place, port = found["place"], found["port"]
    if port is not None and int(port) > _LAST_PORT:
        raise ValueError(text)
    is_name = _NAME.fullmatch(place) and not text.startswith("[")
    if place != "*" and not is_name:
        _network(place)
    return place, None if port is None else int(port)


def _holds(place: str, host: str) -> bool:
    if (address := _address(host)) is not None:
        with suppress(ValueError):
            return address in _network(place)
        return False
    host, place = _ascii(host), _ascii(place)
    return host == place or host.endswith(f".{place}")


def _network(place: str) -> IPv4Network | IPv6Network:
    """Read an address or a range; IPv4 within IPv6 is what it is within it."""
    network = ip_network(_without_zone(place), strict=False)
    inner = getattr(network.network_address, "ipv4_mapped", None)
    if inner is None or network.prefixlen < _MAPPED_BITS:
        return network
    return ip_network((inner, network.prefixlen - _MAPPED_BITS))


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(_without_zone(host))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _without_zone(text: str) -> str:
    return re.sub("%[^/]*", "", text)


def _ascii(name: str) -> str:
    name = name.lower().removeprefix("*").strip(".")
    with suppress(UnicodeError):
        return name.encode("idna").decode()
    return name
