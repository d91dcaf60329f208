"""The feed of a project: what changed, in one order, nothing skipped and nothing twice."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping

from firmtrail._async.resource import AsyncResource
from firmtrail._async.sender import AsyncSender
from firmtrail._calls import Call, decode
from firmtrail._checks import LabelFilter, filters, path
from firmtrail.errors import (
    CertificateRefusedError,
    NotTrustedError,
    RateLimitedError,
    ServerError,
    TransportError,
)
from firmtrail_contract import ChangeKind, FirmwareChange, FirmwareChanges, FirmwareChangesQuery

_CHANGES = "/v1/projects/{project_id}/firmware_changes"
#: what goes over with time
_PASSING = (TransportError, ServerError, RateLimitedError)
_LONGEST_PAUSE = 60.0


class AsyncChangeFeed(AsyncResource):
    """The changes of all histories of a project."""

    async def poll(  # noqa: PLR0913  from where on, how many, and of what
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        after: int | None = None,
        limit: int | None = None,
        wait_seconds: int | None = None,
        component: str | None = None,
        kind: ChangeKind | str | None = None,
        device_id: uuid.UUID | str | None = None,
        labels: LabelFilter | None = None,
    ) -> FirmwareChanges:
        """Get the changes after a number, in their order; pass the `last_number` of the answer as the next `after`.

        Args:
            project_id: the project; None: that of the API key.
            after: the number of the last change that you have; all that are kept, if left out.
            limit: the most changes to get, 1 to 1,000; 100, if left out.
            wait_seconds: for how long the server waits for a change when there is none, at most 300.
            component: of this component, and those that are about a device as a whole.
            kind: of this kind, or several: `opened,device_removed`.
            device_id: of this device alone.
            labels: of devices with these labels today, `{"site": "berlin", "rack": None}`; and of every removed device.

        Raises:
            GoneError: the server does not keep these changes any more. Export the history again.
            InvalidRequestError: a value is not allowed.
        """
        query = filters(
            FirmwareChangesQuery,
            after=after,
            limit=limit,
            wait_seconds=wait_seconds,
            component=component,
            kind=kind,
            device_id=device_id,
            labels=labels,
        )
        return await _page(self._transport, path(_CHANGES, project_id=project_id), query)

    def follow(  # noqa: PLR0913  from where on, and of what
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        after: int | None = None,
        wait_seconds: int = 50,
        component: str | None = None,
        kind: ChangeKind | str | None = None,
        device_id: uuid.UUID | str | None = None,
        labels: LabelFilter | None = None,
    ) -> AsyncFollowedChanges:
        """Iterate over the changes after a number, and wait for those to come; it never ends by itself.

        A server that restarts or cannot be reached is waited for. Keep the number of each change with what you make of
        it, and go on from there after a restart of yours: nothing is skipped and nothing comes twice.

        Args:
            project_id: the project; None: that of the API key.
            after: the number of the last change that you have; all that are kept, if left out.
            wait_seconds: for how long one request waits, at most 300; less than what any proxy between allows.
            component: of this component, and those that are about a device as a whole.
            kind: of this kind, or several: `opened,device_removed`.
            device_id: of this device alone.
            labels: of devices with these labels today, `{"site": "berlin", "rack": None}`; and of every removed device.

        Raises:
            GoneError: while it is iterated over: the server does not keep these changes any more. Export the history
                again.
            InvalidRequestError: a value is not allowed.
        """
        query = filters(
            FirmwareChangesQuery,
            after=after,
            limit=1_000,
            wait_seconds=wait_seconds,
            component=component,
            kind=kind,
            device_id=device_id,
            labels=labels,
        )
        return AsyncFollowedChanges(self._transport, path(_CHANGES, project_id=project_id), query)


class AsyncFollowedChanges:
    """Changes, for ever."""

    def __init__(self, transport: AsyncSender, place: str, query: Mapping[str, str | int]) -> None:
        self._transport = transport
        self._path = place
        self._query = dict(query)
        after = query.get("after")
        #: how far it has come: the number of the last change that was given, or with filters a later one
        self.last_number: int | None = None if after is None else int(after)

    async def __aiter__(self) -> AsyncIterator[FirmwareChange]:
        while True:
            page = await self._next_page()
            for change in page.items:
                self.last_number = change.number
                yield change
            self.last_number = page.last_number

    async def _next_page(self) -> FirmwareChanges:
        """Ask until there is an answer."""
        if self.last_number is not None:
            self._query["after"] = self.last_number
        pause = 1.0
        while True:
            try:
                return await _page(self._transport, self._path, self._query)
            except (NotTrustedError, CertificateRefusedError):
                raise
            except _PASSING as error:
                asked = getattr(error, "retry_after", None) or 0.0
            await self._transport.rest(max(pause, asked))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._path} after {self.last_number}>"


async def _page(transport: AsyncSender, place: str, query: Mapping[str, str | int]) -> FirmwareChanges:
    waits = int(query.get("wait_seconds", 0))
    call = Call(method="GET", path=place, query=query, repeatable=True, waits_seconds=waits)
    return decode(await transport.send(call), FirmwareChanges)
