"""Registering many devices at once."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated

import attrs

from firmtrail_contract import (
    AuditAction,
    Device,
    DeviceImport,
    DeviceImportQuery,
    FieldError,
    FieldLocation,
    ImportedRow,
    ImportOutcome,
    ViolationCode,
)
from firmtrail_server.db import Connection, Transaction
from firmtrail_server.http.context import Context
from firmtrail_server.http.rows import CSV, NDJSON, Rows
from firmtrail_server.queries import device_imports as queries
from firmtrail_server.queries.audit_events import Change
from firmtrail_server.services import device_imports
from firmtrail_server.services.device_imports import Row

#: Each lot is a transaction of its own.
_ROWS_AT_ONCE = 250
#: for which rows are read before other requests have their turn
_TURN_SECONDS = 0.002


async def import_devices(
    ctx: Context, project_id: uuid.UUID, query: DeviceImportQuery, body: Annotated[Rows, CSV, NDJSON]
) -> DeviceImport:
    """A name that is known already is left as it is, so repeating is safe.

    NDJSON holds one device a line, in the form in which one device is registered. CSV holds a header with `name`, and
    as you like `hardware_fingerprint` and any `labels.<key>`. Rows that are refused stop no others; each has its
    result.
    """
    rows = device_imports.read_csv(body.text) if body.content_type == CSV else device_imports.read_ndjson(body.text)
    known = _Known()
    results: list[ImportedRow] = []
    while some := await _next(rows):
        known, imported = await ctx.run(
            Transaction.WRITE, _import_some, ctx, project_id, some, known, dry_run=query.dry_run
        )
        results += imported
    counts = Counter(row.outcome for row in results)
    return DeviceImport(
        dry_run=query.dry_run,
        created_count=counts[ImportOutcome.CREATED],
        known_count=counts[ImportOutcome.KNOWN],
        refused_count=counts[ImportOutcome.REFUSED],
        rows=results,
    )


async def _next(rows: Iterator[Row]) -> list[Row]:
    """Read the next lot, and let other requests be served in between."""
    some: list[Row] = []
    turn_ends = time.perf_counter() + _TURN_SECONDS
    for row in islice(rows, _ROWS_AT_ONCE):
        some.append(row)
        if time.perf_counter() > turn_ends:
            await asyncio.sleep(0)
            turn_ends = time.perf_counter() + _TURN_SECONDS
    return some


@attrs.frozen
class _Known:
    """The devices that are there, or in a dry run would be: their ids by name, their names by fingerprint."""

    ids: dict[str, uuid.UUID | None] = attrs.field(factory=dict[str, uuid.UUID | None])
    names: dict[str, str] = attrs.field(factory=dict[str, str])

    def copy(self) -> _Known:
        return _Known(dict(self.ids), dict(self.names))

    def add(self, devices: Sequence[Device]) -> None:
        for device in devices:
            self.ids[device.name] = device.id
            if device.hardware_fingerprint:
                self.names[device.hardware_fingerprint] = device.name

    def outcome(self, row: Row) -> tuple[ImportOutcome, list[FieldError]]:
        """Decide about a row, and know its device from then on."""
        device = row.device
        if device is None:
            return ImportOutcome.REFUSED, row.errors
        if device.name in self.ids:
            return ImportOutcome.KNOWN, []
        if twin := self.names.get(device.hardware_fingerprint or ""):
            return ImportOutcome.REFUSED, [_taken(twin)]
        self.ids[device.name] = None
        if device.hardware_fingerprint:
            self.names[device.hardware_fingerprint] = device.name
        return ImportOutcome.CREATED, []


async def _import_some(  # noqa: PLR0913  what goes on from one transaction to the next
    conn: Connection, ctx: Context, project_id: uuid.UUID, rows: list[Row], before: _Known, *, dry_run: bool
) -> tuple[_Known, list[ImportedRow]]:
    """Import rows, and know their devices from then on."""
    known = before.copy()
    known.add(await queries.find_by_names_or_fingerprints(conn, project_id, [row.device for row in rows if row.device]))
    outcomes = [(row, *known.outcome(row)) for row in rows]
    new = [row.device for row, outcome, _ in outcomes if row.device and outcome is ImportOutcome.CREATED]
    if new and not dry_run:
        made = await queries.insert_many(conn, project_id, new, ctx.now())
        known.add(made)
        await ctx.audit(conn, *(Change(AuditAction.DEVICE_CREATED, device.id, device.name) for device in made))
    return known, [_result(row, outcome, errors, known) for row, outcome, errors in outcomes]


def _result(row: Row, outcome: ImportOutcome, errors: list[FieldError], known: _Known) -> ImportedRow:
    device_id = None if outcome is ImportOutcome.REFUSED else known.ids[row.name or ""]
    return ImportedRow(row=row.number, name=row.name, outcome=outcome, device_id=device_id, errors=errors)


def _taken(name: str) -> FieldError:
    return FieldError(
        location=FieldLocation.BODY,
        pointer="/hardware_fingerprint",
        code=ViolationCode.TAKEN,
        detail=f"belongs to the device {name!r}",
    )
