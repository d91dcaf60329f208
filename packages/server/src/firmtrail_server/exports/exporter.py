"""Runs exports: few at a time, each in a thread with a connection of its own, in constant memory.

A whole export passes what it reads on as the client takes it, for a bounded time. A stretch of a resumable one is first
spooled, so that no client ever sets the pace of the database.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing, contextmanager
from typing import TypeVar

from firmtrail_server.db import Address, Drain
from firmtrail_server.errors import DomainError, TooManyExports
from firmtrail_server.exports.channel import Abandoned, Channel
from firmtrail_server.exports.export import Export
from firmtrail_server.exports.pace import Others, Pace
from firmtrail_server.exports.spool import Spool, open_spool
from firmtrail_server.exports.stretches import FIRST_DEVICES, MOST_DEVICES, devices_of_next
from firmtrail_server.exports.writer import Writer
from firmtrail_server.queries.exports import Stretch

T = TypeVar("T")

#: of a resumable export's first stretch, and of any
DEVICES_OF_A_STRETCH = FIRST_DEVICES, MOST_DEVICES
_PIECE_BYTES = 256 * 1024


class Exporter:
    """The exports of this worker."""

    def __init__(self, database: str | Address, *, max_exports: int, seconds: float) -> None:
        self._address = Address(database) if isinstance(database, str) else database
        self._seconds = seconds
        self._max_exports = max_exports
        self._threads = ThreadPoolExecutor(max_exports, thread_name_prefix="export")
        #: that are running
        self.running = 0

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def place(self) -> Generator[None]:
        """Take one of the places.

        Raises:
            TooManyExports: there is none left.
        """
        if self.running >= self._max_exports:
            raise TooManyExports
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1

    async def content(self, export: Export, writer: Writer) -> AsyncGenerator[bytes]:
        """Give the bytes of an export; what fails after the first of them is also its last marker.

        Raises:
            DomainError: it cannot be read, or not to its end.
        """
        begun, beginning = False, writer.begin(export.start)
        blocks = self._whole(export, writer) if export.next_stretch is None else self._stretches(export, writer)
        try:
            async with aclosing(blocks):
                async for block in blocks:
                    yield beginning + block
                    begun, beginning = True, b""
            await export.permit()  # a project that was deleted meanwhile may have lost rows
        except DomainError as error:
            if begun:
                yield writer.failure(error)
            raise
        yield beginning + writer.end()

    async def _whole(self, export: Export, writer: Writer) -> AsyncGenerator[bytes]:
        channel = Channel()

        def read() -> None:
            try:
                conn = Drain(self._address.url, self._seconds, channel.check)
                with closing(_rows(conn, export, writer, None)) as blocks:
                    for block in blocks:
                        channel.put(block, conn.look)
            except Abandoned:
                pass
            finally:
                channel.close()

        reading = asyncio.get_running_loop().run_in_executor(self._threads, read)
        try:
            async for block in channel.read():
                yield block
        finally:
            channel.abandon()
            await asyncio.shield(reading)

    async def _stretches(self, export: Export, writer: Writer) -> AsyncGenerator[bytes]:
        assert export.next_stretch is not None
        after, (devices, most) = export.after, DEVICES_OF_A_STRETCH
        while stretch := await export.next_stretch(after, devices):
            with open_spool() as spool:
                rows = await self._in_thread(self._spool, spool, export, writer, stretch)
                devices = devices_of_next(devices, rows, most)
                while piece := await self._in_thread(spool.read, _PIECE_BYTES):
                    yield piece
            after = stretch.last

    def _spool(self, spool: Spool, export: Export, writer: Writer, stretch: Stretch) -> int:
        """Read a stretch, and give the number of its rows."""
        conn, before = Drain(self._address.url, self._seconds, _never), writer.written
        for block in _rows(conn, export, writer, stretch):
            spool.write(block)
        spool.write(writer.position(stretch.last))
        spool.rewind()
        return writer.written - before

    async def _in_thread(self, work: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)


def _rows(conn: Drain, export: Export, writer: Writer, stretch: Stretch | None) -> Generator[bytes]:
    """Read and write the rows of one statement, at the pace that others leave.

    A stretch rests after its statement, without a snapshot; a whole export, which has but one, after each block.
    """
    pace, others, owed = Pace(conn.seconds / 2), Others(), 0.0
    began = time.monotonic()
    for count, content in writer.form.rows(conn, export.project_id, export.selection, stretch):
        block = writer.rows(count, content)
        worked = time.monotonic() - began
        yield block
        owed += pace.rest(worked, others.share())
        if stretch is None:
            time.sleep(owed)
            owed = 0.0
        began = time.monotonic()
    time.sleep(owed)


def _never() -> None:
    """Nothing ends the reading of a stretch but its time."""
