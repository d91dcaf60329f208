"""The one module that knows httpx. No httpx type leaves this package."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import httpcore
import httpx

from firmtrail._deadline import DeadlineBackend
from firmtrail._settings import Settings

_TIMEOUT = httpx.Timeout(connect=5, read=30, write=30, pool=5)

#: the request did not leave
NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
#: anything that kept a whole answer from coming back, the above included
TRANSPORT_ERROR = httpx.RequestError


def new_async_client(settings: Settings) -> httpx.AsyncClient:
    return httpx.AsyncClient(**_options(settings))


def new_client(settings: Settings) -> httpx.Client:
    client = httpx.Client(**_options(settings))
    for transport in {client._transport, *client._mounts.values()}:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  no public place
        pool = getattr(transport, "_pool", None)
        if isinstance(pool, httpcore.ConnectionPool):
            pool._network_backend = DeadlineBackend(pool._network_backend)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return client


def _options(settings: Settings) -> dict[str, Any]:
    # The place of the token that a later version fetches: an httpx.Auth beside BasicAuth.
    key = settings.api_key
    return {
        "base_url": settings.url,
        "auth": httpx.BasicAuth(key.id, key.secret) if key else None,
        "timeout": _TIMEOUT,
        "follow_redirects": False,
        "headers": {"User-Agent": f"firmtrail-python/{version('firmtrail')}", "Accept": "application/json"},
    }
