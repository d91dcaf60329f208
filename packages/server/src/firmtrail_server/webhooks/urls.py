"""Which URLs a webhook may have. What a name resolves to is checked at each connection, by `addresses`."""

from __future__ import annotations

import re
from ipaddress import ip_address

from yarl import URL

from firmtrail_server.errors import WebhookUrlRefused
from firmtrail_server.webhooks.addresses import AddressRule

_LEAST_FREE_PORT = 1024
_WEB_PORTS = {80, 443}
#: the last label of a host that old resolvers read as an address: `2130706433`, `0x7f.1`
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")


def check_url(text: str, rule: AddressRule) -> None:
    """Refuse a URL that nothing will ever be sent to.

    Raises:
        WebhookUrlRefused: it holds a user or a password, has no host or an unusual port, or names an address that is
            not permitted; or it is not encrypted, and the operator allows no networks.
    """
    url = _parsed(text)
    if url.user is not None or url.password is not None or "@" in url.authority:
        raise WebhookUrlRefused("must hold no user and no password: the signature says who sends")
    if url.raw_fragment or "#" in text:
        raise WebhookUrlRefused("must have no fragment")
    if url.port not in _WEB_PORTS and (url.port or 0) < _LEAST_FREE_PORT:
        raise WebhookUrlRefused("must name the port 443, 80, or one from 1024 on")
    if url.scheme != "https" and not rule.allowed:
        raise WebhookUrlRefused("must begin with https://")
    _check_host(url.raw_host or "", rule, is_encrypted=url.scheme == "https")


def _parsed(text: str) -> URL:
    try:
        url = URL(text)
        has_host = bool(url.raw_host and url.port)
    except ValueError:
        has_host, url = False, URL()
    if not has_host or url.scheme not in {"http", "https"}:
        raise WebhookUrlRefused("must be a URL with a host, such as https://example.com/firmtrail")
    return url


def _check_host(host: str, rule: AddressRule, *, is_encrypted: bool) -> None:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
            raise WebhookUrlRefused("must write an address as four decimal numbers, or name a host") from None
        return
    if not rule.permits(host, is_encrypted=is_encrypted):
        raise WebhookUrlRefused(
            "must not name an address that is private, reserved or this machine's own, unless the server's operator "
            "allows its network"
        )
