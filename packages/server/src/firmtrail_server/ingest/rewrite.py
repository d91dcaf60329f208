"""Storing records that are late, new or many: a stretch of history is locked, read, changed and written back."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence

import attrs

from firmtrail_contract import ObservedAtSource, ReportOutcome
from firmtrail_contract.version_periods import GONE, MAX_LATENESS, Period, Sighting, most, place_together
from firmtrail_server.db import Collided, Connection
from firmtrail_server.history.changes import PeriodChange, period_changes
from firmtrail_server.history.timeline import Record, Sender, judged
from firmtrail_server.ingest.first_use import use_key
from firmtrail_server.queries import firmware_changes, history, periods
from firmtrail_server.queries.periods import Hearing, Part
from firmtrail_server.queries.reports import Stored

#: of one component: a stretch with more periods is changed in parts
MAX_PERIODS = 1_000


async def store_records(
    conn: Connection, sender: Sender, received_at: dt.datetime, records: Sequence[Record]
) -> list[list[Stored]]:
    """Store records of a device, one after the other, all or none, in a few statements.

    Returns:
        For each record what became of each version.

    Raises:
        SecretUnproved: the key is not alive, or the secret not proved by its digest.
    """
    project_id = await use_key(conn, sender, received_at)
    return await store_of_devices(conn, project_id, received_at, [(sender.device_id, record) for record in records])


async def store_of_devices(
    conn: Connection, project_id: uuid.UUID, received_at: dt.datetime, said: Sequence[tuple[uuid.UUID, Record]]
) -> list[list[Stored]]:
    """Store records of devices of a project, all or none, in a few statements, however many devices there are.

    Those of one device are stored one after the other.

    Returns:
        For each record what became of each version.
    """
    said = await _judged(conn, project_id, received_at, said)
    moments = await _moments(conn, project_id, received_at, said)
    seen = [
        (Part(device_id, component), Sighting(version, at, received_at))
        for (device_id, record), (first, last) in zip(said, moments, strict=True)
        for component, version in record.versions
        for at in ([first] if first == last else [first, last])
    ]
    hearing = Hearing(received_at, {device_id: record.interval_seconds for device_id, record in said})
    outcomes = iter(await _store(conn, project_id, seen, hearing))
    return [
        [Stored(first, *most(*[[next(outcomes)] for _ in {first, last}])) for _ in record.versions]
        for (_, record), (first, last) in zip(said, moments, strict=True)
    ]


async def _judged(
    conn: Connection, project_id: uuid.UUID, received_at: dt.datetime, said: Sequence[tuple[uuid.UUID, Record]]
) -> Sequence[tuple[uuid.UUID, Record]]:
    """Take the server's moment for records that are years older than anything their device has said."""
    doubtful = {device_id for device_id, record in said if record.is_doubtful}
    if not doubtful:
        return said
    since = await history.live_since(conn, project_id, doubtful, MAX_LATENESS)
    return [(device_id, judged(record, since.get(device_id) or received_at, received_at)) for device_id, record in said]


async def _moments(
    conn: Connection, project_id: uuid.UUID, received_at: dt.datetime, said: Sequence[tuple[uuid.UUID, Record]]
) -> list[tuple[dt.datetime, dt.datetime]]:
    """Say when records begin and end: the server's moment is never before what the component reported last."""
    of_server = [(device_id, record) for device_id, record in said if _is_of_server(record)]
    if not of_server:
        return [(record.first.at, record.last.at) for _, record in said]
    parts = [Part(device_id, component) for device_id, record in of_server for component, _ in record.versions]
    now = dict.fromkeys((device_id for device_id, _ in of_server), received_at)
    for part, period in (await periods.lock_open_periods(conn, project_id, parts)).items():
        now[part.device_id] = max(now[part.device_id], period.last_reported_at)
    return [
        (now[device_id], now[device_id]) if _is_of_server(record) else (record.first.at, record.last.at)
        for device_id, record in said
    ]


def _is_of_server(record: Record) -> bool:
    return record.first.source is ObservedAtSource.SERVER


async def _store(
    conn: Connection, project_id: uuid.UUID, seen: Sequence[tuple[Part, Sighting]], hearing: Hearing
) -> list[ReportOutcome]:
    """Store sightings so that all of them are known afterwards, and say what each did, in their order."""
    stored = await _store_at_once(conn, project_id, seen, hearing)
    if stored is not None:
        return stored
    outcomes = last = await _store_in_parts(conn, project_id, seen, hearing)
    while ReportOutcome.OPENED in last:  # it may have split what another part knew
        last = await _store_in_parts(conn, project_id, seen, hearing)
        outcomes = most(outcomes, last)
    return outcomes


async def _store_in_parts(
    conn: Connection, project_id: uuid.UUID, seen: Sequence[tuple[Part, Sighting]], hearing: Hearing
) -> list[ReportOutcome]:
    stored = await _store_at_once(conn, project_id, seen, hearing)
    if stored is not None:
        return stored
    first, second = seen[: len(seen) // 2], seen[len(seen) // 2 :]
    outcomes = await _store_in_parts(conn, project_id, first, hearing)
    return outcomes + await _store_in_parts(conn, project_id, second, hearing)


async def _store_at_once(
    conn: Connection, project_id: uuid.UUID, seen: Sequence[tuple[Part, Sighting]], hearing: Hearing
) -> list[ReportOutcome] | None:
    """Store sightings; None: the stretch of history around them is too long, and nothing is stored."""
    by_part: dict[Part, list[Sighting]] = {}
    for part, sighting in seen:
        by_part.setdefault(part, []).append(sighting)
    spans = {part: _span(sightings) for part, sightings in by_part.items()}
    opened = await periods.lock_open_periods(conn, project_id, spans)
    most_periods = MAX_PERIODS if len(seen) > 1 else None  # one sighting needs all that begin at its moment
    closed = await periods.list_closed_around(conn, project_id, spans, most_periods)
    if most_periods is not None and any(len(one) >= most_periods for one in closed.values()):
        return None
    if any(closed[part] and part not in opened for part in spans):
        raise Collided  # the component was new when the lock was asked for: somebody else has stored two reports since
    stretches = {part: _Stretch.around(closed[part], opened.get(part), last) for part, (_, last) in spans.items()}
    outcomes = {part: iter(place_together(stretches[part].after, by_part[part])) for part in spans}
    await _write(conn, project_id, stretches, hearing)
    return [next(outcomes[part]) for part, _ in seen]


def _span(sightings: Sequence[Sighting]) -> tuple[dt.datetime, dt.datetime]:
    moments = [sighting.at for sighting in sightings]
    return min(moments), max(moments)


@attrs.frozen
class _Stretch:
    """The history of a component around what is to be put into it: as it is stored, and as it becomes."""

    before: Sequence[Period]
    after: list[Period]
    #: the open period; None: the component has not reported before
    opened: Period | None

    @classmethod
    def around(cls, closed: Sequence[Period], opened: Period | None, last: dt.datetime) -> _Stretch:
        """Take the open period along, unless a closed one lies between."""
        is_between = bool(closed) and closed[-1].first_reported_at > last
        before = [*closed] if opened is None or is_between else [*closed, opened]
        return cls(before, [*before], opened)

    def outdated(self) -> list[Period]:
        kept = {*self.after}
        return [period for period in self.before if period.superseded_at is not None and period not in kept]

    def changed(self) -> list[Period]:
        known = {*self.before}
        return [period for period in self.after if period not in known]

    def told(self, part: Part) -> list[tuple[uuid.UUID, PeriodChange]]:
        changes = period_changes(part.component, self.before, self.after, self.opened)
        return [(part.device_id, change) for change in changes]


async def _write(conn: Connection, project_id: uuid.UUID, stretches: Mapping[Part, _Stretch], hearing: Hearing) -> None:
    changed = [(part, period) for part, one in stretches.items() for period in one.changed()]
    now_open = {part: period for part, period in changed if period.superseded_at is None}
    new = {part: period for part, period in now_open.items() if stretches[part].opened is None}
    if new and await periods.insert_open(conn, project_id, new, hearing) != len(new):
        raise Collided  # somebody else has stored the first report of a component
    if outdated := [(part, period) for part, one in stretches.items() for period in one.outdated()]:
        await periods.delete_closed(conn, project_id, outdated)
    if closed := [(part, period) for part, period in changed if period.superseded_at is not None]:
        await periods.insert_closed(conn, project_id, closed)
    # also where nothing changes: the component was heard of
    if heard := {part: now_open.get(part, one.opened) for part, one in stretches.items() if one.opened}:
        await periods.update_open(conn, project_id, heard, hearing)
    if gone := [part for part, period in heard.items() if period.version == GONE]:
        await periods.delete_gone(conn, project_id, gone)
    if told := [change for part, one in stretches.items() for change in one.told(part)]:
        await firmware_changes.insert_of_parts(conn, project_id, told, hearing.received_at)
