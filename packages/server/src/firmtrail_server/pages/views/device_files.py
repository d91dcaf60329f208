"""The devices of a project as files: all that a filter finds, whatever the pages of the table."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from functools import partial

import attrs
import orjson

from firmtrail_contract import DeviceList, DeviceQuery, ListedDevice, format_moment, strict_converter
from firmtrail_contract.paging import MAX_PAGE_SIZE
from firmtrail_server.db import Connection, Transaction
from firmtrail_server.errors import FilterRefused
from firmtrail_server.handlers import devices
from firmtrail_server.http.context import Context
from firmtrail_server.pages.results import Download

#: of more devices no file is made
MAX_DEVICES = 100_000
_COLUMNS = ["id", "name", "firmware", "labels", "last_reported_at", "silent_since", "as_of"]
#: what a spreadsheet would take for a formula
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_converter = strict_converter()

#: reads a file as blocks
Read = Callable[[Connection, Context], Awaitable[list[bytes]]]
#: makes blocks of pages
Write = Callable[[AsyncIterator[DeviceList]], AsyncGenerator[bytes]]


async def as_csv(ctx: Context, project_id: uuid.UUID, query: DeviceQuery) -> Download:
    """A table, as text that no spreadsheet takes for a formula."""
    return await _download(ctx, "devices.csv", "text/csv; charset=utf-8", partial(_blocks, project_id, query, _csv))


async def as_json(ctx: Context, project_id: uuid.UUID, query: DeviceQuery) -> Download:
    """The items as the API answers them."""
    return await _download(ctx, "devices.json", "application/json", partial(_blocks, project_id, query, _json))


async def _download(ctx: Context, name: str, content_type: str, read: Read) -> Download:
    """Read all of it in one transaction, which is one snapshot; then send it, without the database.

    It takes one of the places of exports, until it has been sent.
    """
    with ExitStack() as stack:
        stack.enter_context(ctx.services.exporter.place())
        blocks = await ctx.run(Transaction.READ, read, ctx)
        return Download(name=name, content_type=content_type, content=_each(blocks), leave=stack.pop_all().close)


async def _each(blocks: list[bytes]) -> AsyncGenerator[bytes]:
    for block in blocks:
        yield block


async def _blocks(
    project_id: uuid.UUID, query: DeviceQuery, write: Write, conn: Connection, ctx: Context
) -> list[bytes]:
    return [block async for block in write(_pages(ctx, conn, project_id, query))]


async def _pages(
    ctx: Context, conn: Connection, project_id: uuid.UUID, query: DeviceQuery
) -> AsyncIterator[DeviceList]:
    """Read page after page.

    Raises:
        FilterRefused: it finds more than `MAX_DEVICES`.
    """
    asked, number = attrs.evolve(query, page_size=MAX_PAGE_SIZE, page_token=None, with_total=False), 0
    while True:
        listed = await devices.list_devices(ctx, conn, project_id, asked)
        number += len(listed.items)
        if number > MAX_DEVICES:
            raise FilterRefused("version", f"more devices fit than the {MAX_DEVICES:,} that a file holds: filter more")
        yield listed
        if listed.next_page_token is None:
            return
        asked = attrs.evolve(asked, page_token=listed.next_page_token)


async def _csv(pages: AsyncIterator[DeviceList]) -> AsyncGenerator[bytes]:
    above = [_COLUMNS]
    async for listed in pages:
        yield _lines(above + [[_safe(cell) for cell in _row(device, listed)] for device in listed.items])
        above = []


async def _json(pages: AsyncIterator[DeviceList]) -> AsyncGenerator[bytes]:
    is_first = True
    async for listed in pages:
        if is_first:
            yield b'{"as_of": "%b", "items": [\n' % format_moment(listed.as_of).encode()
        items = [orjson.dumps(_converter.unstructure(device)) for device in listed.items]
        yield (b",\n" if items and not is_first else b"") + b",\n".join(items)
        is_first = False
    yield b"\n]}\n"


def _lines(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _row(device: ListedDevice, listed: DeviceList) -> list[str]:
    return [
        str(device.id),
        device.name,
        " ".join(f"{one.component}={one.version}" for one in device.firmware),
        ",".join(f"{key}={value}" for key, value in device.labels.items()),
        format_moment(device.last_reported_at) if device.last_reported_at else "",
        format_moment(device.silent_since) if device.silent_since else "",
        format_moment(listed.as_of),
    ]


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULAS) else cell
