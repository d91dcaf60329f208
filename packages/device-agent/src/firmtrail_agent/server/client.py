"""How every command of the agent reaches its server."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self, TypeVar

from firmtrail_agent.config.configuration import BadConfiguration, Server
from firmtrail_agent.system import log
from firmtrail_agent.validation.redact import hide_secret

if TYPE_CHECKING:
    import uuid

    from firmtrail import BatchReceipt, Client, ObservationRecord

T = TypeVar("T")

#: the client ends all that it does in time but a look-up of a name, and that a little before it is left behind
_LEFT_BEHIND_AFTER_SECONDS = 1.0
#: of the SDK about the environment, each of which is said once
_said = set[str]()


class Connection:
    """A client of the SDK, whose calls are made in a thread of its own.

    Its async client would take 1.4 MB more. A look-up of a name that hangs cannot be ended, only left behind: no second
    one is sent after it, since there is one thread.
    """

    def __init__(self, client: Client, timeout: float) -> None:
        self._client = client
        self._timeout = timeout
        self._thread = ThreadPoolExecutor(1)

    async def call(self, ask: Callable[[Client], T]) -> T:
        """Ask the server.

        Raises:
            FirmtrailError: see `firmtrail.errors`.
        """
        from firmtrail import DeadlineExceededError  # noqa: PLC0415  the client has brought it

        try:
            async with asyncio.timeout(self._timeout + _LEFT_BEHIND_AFTER_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._thread, ask, self._client)
        except DeadlineExceededError:
            raise
        except TimeoutError:
            message = f"{self._client.url} was not reached in time; its name may not be found."
            raise DeadlineExceededError(message) from None

    async def report_batch(
        self, device_id: uuid.UUID, records: Sequence[ObservationRecord], **more: Any
    ) -> BatchReceipt:
        """Send records; `more` is what else `Client.firmware.report_batch` takes."""
        return await self.call(lambda client: client.firmware.report_batch(device_id, records, **more))

    def close(self) -> None:
        """End the connections; a call that is under way is left behind."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


def open_connection(server: Server, api_key: str, *, attempts: int = 3, timeout: float = 30.0) -> Connection:
    """Go the way to the server that the configuration says. `timeout` is in seconds.

    Raises:
        BadConfiguration: a variable of the environment is wrong, or a file has changed since it was checked.
    """
    from base64 import b64encode  # noqa: PLC0415  the HTTP library brings it

    from firmtrail import Client, ConfigError  # noqa: PLC0415  brings the HTTP library, which can wait
    from firmtrail_agent.server import tls  # noqa: PLC0415  the same

    for shown in (api_key.partition(":")[2], b64encode(api_key.encode()).decode().rstrip("=")):
        hide_secret(shown)
    try:
        with warnings.catch_warnings(action="ignore"):  # they are said already
            client = Client(
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
    return Connection(client, timeout)


def proxy_of(server: Server) -> str | None:
    """Find the proxy on the way to the server: the configured one, or that of the environment."""
    from firmtrail.proxies import proxy_for  # noqa: PLC0415  as above

    with warnings.catch_warnings(record=True, action="always") as skipped:
        found = server.proxy or proxy_for(server.server_url)
    for message in {str(one.message) for one in skipped} - _said:
        _said.add(message)
        log.warning(message)
    return found
