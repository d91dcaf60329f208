"""How one client wants its calls sent. Those that `with_options` makes share what is below."""

from __future__ import annotations

import attrs

import firmtrail_contract
from firmtrail._async.attempts import AsyncStream
from firmtrail._async.transport import AsyncTransport
from firmtrail._calls import Answer, Call, CallOptions
from firmtrail._settings import checked_attempts, checked_timeout
from firmtrail.credentials import Credential
from firmtrail.errors import FirmtrailError


class AsyncSender:
    """Adds the options of its client to each call."""

    def __init__(self, transport: AsyncTransport, options: CallOptions, *, is_owner: bool = True) -> None:
        self._transport = transport
        self._options = options
        #: whether closing it closes the connections
        self._is_owner = is_owner

    @property
    def url(self) -> str:
        return self._transport.url

    async def send(self, call: Call) -> Answer:
        """Send until it succeeds, cannot succeed, or the time is over."""
        return await self._transport.send(call.with_options(self._options))

    async def stream(self, call: Call) -> AsyncStream:
        """Send until an answer begins that is read while it comes."""
        return await self._transport.stream(call.with_options(self._options))

    async def pause(self, error: FirmtrailError, attempt: int) -> bool:
        """Wait before something is tried again that failed; False: that would not help."""
        return await self._transport.pause(error, attempt, self._options)

    async def rest(self, seconds: float) -> None:
        """Wait before a call that shall succeed some time."""
        await self._transport.rest(seconds)

    async def access_token(self, *, offline_access: bool) -> firmtrail_contract.AccessToken:
        return await self._transport.access_token(self._options, offline_access=offline_access)

    async def keep(self, answer: Answer) -> None:
        """Go on with the tokens of an answer that begins a session anew, if this client is of a stored one."""
        await self._transport.keep(answer, self._options)

    async def aclose(self) -> None:
        """Close the connections, unless they are another client's."""
        if self._is_owner:
            await self._transport.aclose()

    def with_options(self, options: CallOptions, credential: Credential | None) -> AsyncSender:
        """Send over the same connections, with other options, as somebody else if a credential is given."""
        if options.timeout is not None:
            checked_timeout(options.timeout)
        if options.attempts is not None:
            checked_attempts(options.attempts)
        given = {name: value for name, value in attrs.asdict(options, recurse=False).items() if value is not None}
        transport = self._transport if credential is None else self._transport.as_another(credential)
        return AsyncSender(transport, attrs.evolve(self._options, **given), is_owner=False)
