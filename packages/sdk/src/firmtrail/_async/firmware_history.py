"""The whole history of a project: streamed, as rows, as record batches, or into a file."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import attrs

from firmtrail._async.firmware_changes import AsyncChangeFeed
from firmtrail._async.resource import AsyncResource
from firmtrail._calls import Call
from firmtrail._checks import LabelFilter, filters, path
from firmtrail._converters import structured
from firmtrail._deadline import async_in_thread
from firmtrail._export_files import Mark, Target, can_be_resumed, open_target
from firmtrail._exports import Decompressor, ExportProgress, Piece, accepted_coding, new_decoder
from firmtrail._followed_files import FollowedFile, check_name, position_line
from firmtrail.errors import ConfigError, ConnectionLostError, DecodeError, ServerError
from firmtrail_contract import (
    ARROW_TYPE,
    NDJSON_TYPE,
    ExportedPeriod,
    ExportQuery,
    FirmwareChange,
)

_PLACE = "/v1/projects/{project_id}/firmware_history"
#: of text that is written at once
_BLOCK_BYTES = 4 * 1024 * 1024

#: some rows, where the export stands after them, and the number of the feed at its start
_Stretch = tuple[list[Piece], uuid.UUID | None, int | None]


@attrs.frozen(kw_only=True)
class _Asked:
    """An export that can be asked for again, from a device on."""

    place: str
    query: dict[str, str | int]

    @property
    def is_resumable(self) -> bool:
        return self.query.get("resumable") == "true"

    def call(self, media_type: str, after: uuid.UUID | None) -> Call:
        query = self.query if after is None else {**self.query, "after": str(after)}
        accept = media_type, accepted_coding()
        return Call(method="GET", path=self.place, query=query, repeatable=True, accept=accept)


class AsyncFirmwareHistory(AsyncResource):
    """Every version period of a project's devices. Each method verifies that all of it came, as it was sent."""

    async def export(  # noqa: PLR0913  of what, and how
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        component: str | None = None,
        labels: LabelFilter | None = None,
        since: dt.datetime | dt.date | None = None,
        until: dt.datetime | dt.date | None = None,
        at: dt.datetime | dt.date | None = None,
        resumable: bool = False,
    ) -> AsyncGenerator[ExportedPeriod]:
        """Give every version period, as they come. The last one is followed by an error if it was not all of them.

        Args:
            project_id: the project; None: that of the API key.
            component: of this component alone.
            labels: of devices with these labels today: `{"site": "berlin", "rack": None}`, this site and any rack.
            since: in force at this moment or later, an aware datetime, or a date, which means its beginning in UTC.
            until: in force at this moment or before, or a date, which means its end in UTC.
            at: in force at this moment, or at the end of this date in UTC; not together with `since` or `until`.
            resumable: in stretches of at most 10,000 devices, each of its own moment, in the order of device ids: what
                is cut goes on by itself. Else all rows are of one moment and in no order, and a large project may take
                longer than the server allows.

        Raises:
            InvalidRequestError: a value is not allowed.
            ConnectionLostError: it broke off, and could not go on.
        """
        asked = _asked(project_id, _query(component, labels, since, until, at, resumable=resumable))
        async with aclosing(self._stretches(asked, NDJSON_TYPE, None)) as stretches:
            async for pieces, _, _ in stretches:
                for piece in pieces:
                    for line in piece.content.splitlines():
                        yield structured(line, ExportedPeriod)

    async def batches(  # noqa: PLR0913  of what, and how
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        component: str | None = None,
        labels: LabelFilter | None = None,
        since: dt.datetime | dt.date | None = None,
        until: dt.datetime | dt.date | None = None,
        at: dt.datetime | dt.date | None = None,
        resumable: bool = False,
    ) -> AsyncGenerator[Any]:
        """Give every version period in pyarrow's record batches; the extra `firmtrail[arrow]` has pyarrow.

        Args:
            project_id: the project; None: that of the API key.
            component: of this component alone.
            labels: of devices with these labels today: `{"site": "berlin", "rack": None}`, this site and any rack.
            since: in force at this moment or later, an aware datetime, or a date, which means its beginning in UTC.
            until: in force at this moment or before, or a date, which means its end in UTC.
            at: in force at this moment, or at the end of this date in UTC; not together with `since` or `until`.
            resumable: as in `export`.

        Raises:
            ConfigError: pyarrow is not installed.
            InvalidRequestError: a value is not allowed.
            ApiError: 406, the server cannot write Arrow.
            ConnectionLostError: it broke off, and could not go on.
        """
        asked = _asked(project_id, _query(component, labels, since, until, at, resumable=resumable))
        async with aclosing(self._stretches(asked, ARROW_TYPE, None)) as stretches:
            async for pieces, _, _ in stretches:
                for piece in pieces:
                    yield piece.content

    async def write(  # noqa: PLR0913  what, and where
        self,
        file: str | os.PathLike[str],
        project_id: uuid.UUID | str | None = None,
        *,
        component: str | None = None,
        labels: LabelFilter | None = None,
        since: dt.datetime | dt.date | None = None,
        until: dt.datetime | dt.date | None = None,
        at: dt.datetime | dt.date | None = None,
        resumable: bool = True,
        resume: bool = False,
        progress: Callable[[ExportProgress], None] | None = None,
    ) -> ExportProgress:
        """Write every version period into a file, whose name says the format, and say how many they were.

        The file appears when it is whole. It holds the rows alone: an object a line, or CSV with a header.

        Args:
            file: `*.ndjson` or `*.csv`, each also with `.gz` or `.zst`; `*.parquet` or `*.arrow` with the extra
                `firmtrail[arrow]`.
            project_id: the project; None: that of the API key.
            component: of this component alone.
            labels: of devices with these labels today: `{"site": "berlin", "rack": None}`, this site and any rack.
            since: in force at this moment or later, an aware datetime, or a date, which means its beginning in UTC.
            until: in force at this moment or before, or a date, which means its end in UTC.
            at: in force at this moment, or at the end of this date in UTC; not together with `since` or `until`.
            resumable: as in `export`, but if left out; False: all rows are of one moment, and a cut means again.
            resume: go on with what an earlier call with the same values left as `FILE.part`, of text alone.
            progress: is called after each stretch, in the thread or task of this call.

        Raises:
            ConfigError: the name says no format, or there is nothing to resume.
            InvalidRequestError: a value is not allowed.
            ConnectionLostError: it broke off, and could not go on.
        """
        asked = _asked(project_id, _query(component, labels, since, until, at, resumable=resumable))
        target = await async_in_thread(_opened, Path(file), asked, resume)
        try:
            done = await self._written(target, asked, progress)
            await async_in_thread(target.finish)
        finally:
            await async_in_thread(target.close)
        return done

    async def follow(
        self,
        file: str | os.PathLike[str],
        project_id: uuid.UUID | str | None = None,
        *,
        component: str | None = None,
        labels: LabelFilter | None = None,
        progress: Callable[[ExportProgress], None] | None = None,
    ) -> AsyncGenerator[FirmwareChange]:
        """Write every version period into a file, then append the changes of the feed, and give each once it is there.

        It never ends by itself. Call it with the same values after whatever ended it, also in the middle of a line: it
        goes on with the file, or with what it has left as `FILE.part`. A line is a row of the export, `{"last_number":
        ...}` after the last of them, or a change, which has a `kind` and a `number`. Periods may come in both: a change
        is a state by its `period_id`.

        Args:
            file: `*.ndjson`. Other formats have no place for changes: `write` one, and go on with
                `firmware_changes.follow` after its `feed_number`.
            project_id: the project; None: that of the API key.
            component: of this component alone, and what is about a device as a whole.
            labels: of devices with these labels today, and of every removed device.
            progress: is called after each stretch of the export, in the thread or task of this call.

        Raises:
            ConfigError: the name is another, or the file was not made by this method.
            GoneError: the server does not keep the changes after the file's last one: delete it and begin anew.
            InvalidRequestError: a value is not allowed.
            ConnectionLostError: the export broke off, and could not go on.
        """
        place = Path(file)
        check_name(place)
        if not await async_in_thread(place.exists):
            asked = _asked(project_id, _query(component, labels, None, None, None, resumable=True))
            await self._export_to_follow(place, asked, progress)
        followed = await async_in_thread(FollowedFile, place)
        try:
            feed = AsyncChangeFeed(self._transport)
            changes = feed.follow(project_id, after=followed.last_number, component=component, labels=labels)
            async for change in changes:
                await async_in_thread(followed.append, change)
                yield change
        finally:
            followed.close()

    async def _export_to_follow(
        self, place: Path, asked: _Asked, progress: Callable[[ExportProgress], None] | None
    ) -> None:
        resume = await async_in_thread(can_be_resumed, place)
        target = await async_in_thread(_opened, place, asked, resume)
        try:
            done = await self._written(target, asked, progress)
            if done.feed_number is None:
                raise ConfigError(f"An older version has begun {place}.part: delete it, and {place}.part.json.")
            await async_in_thread(target.write, [position_line(done.feed_number)])
            await async_in_thread(target.finish)
        finally:
            await async_in_thread(target.close)

    async def _written(
        self, target: Target, asked: _Asked, progress: Callable[[ExportProgress], None] | None
    ) -> ExportProgress:
        begun = target.mark
        done = ExportProgress.at(begun.rows, begun.after, begun.feed_number)
        async with aclosing(self._stretches(asked, target.media_type, begun.after)) as stretches:
            async for pieces, after, number in stretches:
                await async_in_thread(target.write, [piece.content for piece in pieces])
                first = number if begun.after is None and done.feed_number is None else done.feed_number
                done = ExportProgress.at(done.rows + sum(piece.rows for piece in pieces), after, first)
                if after is not None:
                    await async_in_thread(target.keep, Mark(rows=done.rows, after=after, feed_number=first))
                if progress is not None:
                    progress(done)
        return done

    async def _stretches(self, asked: _Asked, media_type: str, after: uuid.UUID | None) -> AsyncGenerator[_Stretch]:
        """Give what came up to each position, and go on there after a cut; without positions, some pieces at a time."""
        attempt = 1
        while True:
            try:
                async with aclosing(self._answer(asked, media_type, after)) as stretches:
                    async for pieces, position, number in stretches:
                        yield pieces, position, number
                        after, attempt = position, 1
            except (ConnectionLostError, ServerError, DecodeError) as error:
                cut = error
            else:
                return
            is_cut = isinstance(cut, ConnectionLostError) or (isinstance(cut, ServerError) and cut.status is None)
            if not (asked.is_resumable and is_cut and await self._transport.pause(_as_cut(cut), attempt)):
                raise cut
            attempt += 1

    async def _answer(self, asked: _Asked, media_type: str, after: uuid.UUID | None) -> AsyncGenerator[_Stretch]:
        decoder = new_decoder(media_type)
        stream = await self._transport.stream(asked.call(media_type, after))
        pieces, size, number, is_said = list[Piece](), 0, None, False
        try:
            decompressor = Decompressor(stream.headers.get("content-encoding", ""))
            async with aclosing(stream.chunks()) as chunks:
                async for chunk in chunks:
                    for one in decoder.feed(decompressor.decompress(chunk)):
                        if not isinstance(one, Piece):
                            number = one.start.feed_number if one.start is not None else number
                            if one.position is not None:
                                yield pieces, one.position.after, number
                                pieces, is_said = [], True
                        elif one.rows or after is None:  # the file has the header already
                            pieces.append(one)
                            size += len(chunk)
                    if size > _BLOCK_BYTES and not asked.is_resumable:
                        yield pieces, None, number
                        pieces, size, is_said = [], 0, True
            decoder.check_end()
        finally:
            await stream.aclose()
        if pieces or not is_said:
            yield pieces, after, number


def _as_cut(error: Exception) -> ConnectionLostError:
    """What broke off in the middle is tried again, whoever broke it off."""
    return error if isinstance(error, ConnectionLostError) else ConnectionLostError(str(error))


def _opened(file: Path, asked: _Asked, resume: bool) -> Target:  # noqa: FBT001  it is called by position
    return open_target(file, asked.query, resume=resume)


def _asked(project_id: uuid.UUID | str | None, query: dict[str, str | int]) -> _Asked:
    return _Asked(place=path(_PLACE, project_id=project_id), query=query)


def _query(  # noqa: PLR0913  the filters
    component: str | None,
    labels: LabelFilter | None,
    since: dt.datetime | dt.date | None,
    until: dt.datetime | dt.date | None,
    at: dt.datetime | dt.date | None,
    *,
    resumable: bool,
) -> dict[str, str | int]:
    return filters(
        ExportQuery,
        component=component,
        labels=labels,
        since=since,
        until=until,
        at=at,
        resumable=True if resumable else None,
    )
