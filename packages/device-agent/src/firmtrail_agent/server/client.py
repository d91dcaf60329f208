"""How every command of the agent reaches its server."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from firmtrail_agent.config.configuration import BadConfiguration, Server
from firmtrail_agent.system import log
from firmtrail_agent.validation.redact import hide_secret

if TYPE_CHECKING:
    from firmtrail import AsyncClient

#: of the SDK about the environment, each of which is said once
_said = set[str]()


def open_client(server: Server, api_key: str, *, attempts: int = 3, timeout: float = 30.0) -> AsyncClient:
    """Make a client that goes the way to the server that the configuration says. `timeout` is in seconds.

    Raises:
        BadConfiguration: a variable of the environment is wrong, or a file has changed since it was checked.
    """
    from base64 import b64encode  # noqa: PLC0415  the HTTP library brings it

    from firmtrail import AsyncClient, ConfigError  # noqa: PLC0415  brings the HTTP library, which can wait
    from firmtrail_agent.server import tls  # noqa: PLC0415  the same

    for shown in (api_key.partition(":")[2], b64encode(api_key.encode()).decode().rstrip("=")):
        hide_secret(shown)
    try:
        with warnings.catch_warnings(action="ignore"):  # they are said already
            return AsyncClient(
                server.server_url,
                api_key=api_key,
                auth="basic",
                attempts=attempts,
                timeout=timeout,
                proxy=proxy_of(server),
                ssl_context=tls.new_context(server),
            )
    except ConfigError as error:
        raise BadConfiguration([str(error)]) from None


def proxy_of(server: Server) -> str | None:
    """Find the proxy on the way to the server: the configured one, or that of the environment."""
    from firmtrail.proxies import proxy_for  # noqa: PLC0415  as above

    with warnings.catch_warnings(record=True, action="always") as skipped:
        found = server.proxy or proxy_for(server.server_url)
    for message in {str(one.message) for one in skipped} - _said:
        _said.add(message)
        log.warning(message)
    return found
