"""The devices of a project as files: all that a filter finds, whatever the pages of the table."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack

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
MAX_DEVICES = 200_000
_COLUMNS = ["id", "name", "firmware", "labels", "last_reported_at", "silent_since", "as_of"]
#: what a spreadsheet would take for a formula
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_converter = strict_converter()


async def as_csv(ctx: Context, project_id: uuid.UUID, query: DeviceQuery) -> Download:
    """A table, as text that no spreadsheet takes for a formula."""
    return _download(ctx, "devices.csv", "text/csv; charset=utf-8", _csv(_pages(ctx, project_id, query)))


async def as_json(ctx: Context, project_id: uuid.UUID, query: DeviceQuery) -> Download:
    """The items as the API answers them."""
    return _download(ctx, "devices.json", "application/json", _json(_pages(ctx, project_id, query)))


def _download(ctx: Context, name: str, content_type: str, content: AsyncGenerator[bytes]) -> Download:
    """Take one of the places of exports, until the file has been sent."""
    with ExitStack() as stack:
        stack.enter_context(ctx.services.exporter.place())
        return Download(name=name, content_type=content_type, content=content, leave=stack.pop_all().close)


async def _pages(ctx: Context, project_id: uuid.UUID, query: DeviceQuery) -> AsyncIterator[DeviceList]:
    """Read page after page, each in a transaction of its own in which the caller is authorised again.

    Raises:
        FilterRefused: it finds more than `MAX_DEVICES`.
    """
    one = attrs.evolve(query, page_size=1, page_token=None, with_total=True)
    total = (await ctx.run(Transaction.READ, _page, ctx, project_id, one)).total or 0
    if total > MAX_DEVICES:
        raise FilterRefused("version", f"{total:,} devices fit, and a file holds {MAX_DEVICES:,}: filter more")
    asked = attrs.evolve(query, page_size=MAX_PAGE_SIZE, page_token=None, with_total=False)
    while True:
        listed = await ctx.run(Transaction.READ, _page, ctx, project_id, asked)
        yield listed
        if listed.next_page_token is None:
            return
        asked = attrs.evolve(asked, page_token=listed.next_page_token)


async def _page(conn: Connection, ctx: Context, project_id: uuid.UUID, query: DeviceQuery) -> DeviceList:
    return await devices.list_devices(ctx, conn, project_id, query)


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
