"""How one client wants its calls sent. Those that `with_options` makes share what is below."""

from __future__ import annotations

import attrs

import firmtrail_contract
from firmtrail._calls import Answer, Call, CallOptions
from firmtrail._settings import checked_attempts, checked_timeout
from firmtrail._sync.attempts import Stream
from firmtrail._sync.transport import Transport
from firmtrail.credentials import Credential
from firmtrail.errors import FirmtrailError


class Sender:
    """Adds the options of its client to each call."""

    def __init__(self, transport: Transport, options: CallOptions, *, is_owner: bool = True) -> None:
        self._transport = transport
        self._options = options
        #: whether closing it closes the connections
        self._is_owner = is_owner

    @property
    def url(self) -> str:
        return self._transport.url

    def send(self, call: Call) -> Answer:
        """Send until it succeeds, cannot succeed, or the time is over."""
        return self._transport.send(call.with_options(self._options))

    def stream(self, call: Call) -> Stream:
        """Send until an answer begins that is read while it comes."""
        return self._transport.stream(call.with_options(self._options))

    def pause(self, error: FirmtrailError, attempt: int) -> bool:
        """Wait before something is tried again that failed; False: that would not help."""
        return self._transport.pause(error, attempt, self._options)

    def rest(self, seconds: float) -> None:
        """Wait before a call that shall succeed some time."""
        self._transport.rest(seconds)

    def access_token(self, *, offline_access: bool) -> firmtrail_contract.AccessToken:
        return self._transport.access_token(self._options, offline_access=offline_access)

    def keep(self, answer: Answer) -> None:
        """Go on with the tokens of an answer that begins a session anew, if this client is of a stored one."""
        self._transport.keep(answer, self._options)

    def close(self) -> None:
        """Close the connections, unless they are another client's."""
        if self._is_owner:
            self._transport.close()

    def with_options(self, options: CallOptions, credential: Credential | None) -> Sender:
        """Send over the same connections, with other options, as somebody else if a credential is given."""
        if options.timeout is not None:
            checked_timeout(options.timeout)
        if options.attempts is not None:
            checked_attempts(options.attempts)
        given = {name: value for name, value in attrs.asdict(options, recurse=False).items() if value is not None}
        transport = self._transport if credential is None else self._transport.as_another(credential)
        return Sender(transport, attrs.evolve(self._options, **given), is_owner=False)
