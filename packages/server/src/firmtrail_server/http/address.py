"""Where a request comes from, also behind proxies that the operator trusts."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from aiohttp import hdrs

from firmtrail_server.http.request import Request
from firmtrail_server.settings import Network


def client_address(request: Request, trusted_proxies: Sequence[Network]) -> str:
    """Return the nearest address that is no trusted proxy; what stands before it anyone could have written.

    A proxy that forwards what is no address stands for its clients itself.
    """
    address = request.client.address
    if not trusted_proxies:
        return address
    forwarded = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, [])).split(",")
    while forwarded and _is_one_of(address, trusted_proxies) and (nearer := _address(forwarded.pop().strip())):
        address = nearer
    return address


def is_secure(request: Request, trusted_proxies: Sequence[Network], public_url: str | None) -> bool:
    """Say whether the client came over TLS: a trusted proxy says so, or the operator, by the public URL."""
    if _is_one_of(request.client.address, trusted_proxies) and (said := request.headers.get(hdrs.X_FORWARDED_PROTO)):
        return said.rpartition(",")[2].strip().lower() == "https"
    return (public_url or "").startswith("https://")


def _address(text: str) -> str:
    """Write an address in its usual form, without a zone: that is a name of the proxy's, and may be any text."""
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        return ""


def _is_one_of(address: str, networks: Sequence[Network]) -> bool:
    if not networks:
        return False
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
