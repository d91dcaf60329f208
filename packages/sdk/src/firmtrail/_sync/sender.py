"""How one client wants its calls sent. Those that `with_options` makes share what is below."""

from __future__ import annotations

import attrs

from firmtrail._calls import Answer, Call, CallOptions
from firmtrail._settings import checked_attempts, checked_timeout
from firmtrail._sync.transport import Transport
from firmtrail.credentials import Credential
from firmtrail_contract import AccessToken


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

    def access_token(self) -> AccessToken:
        return self._transport.access_token(self._options)

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
