"""Storing records that are late, new or many: a stretch of history is locked, read, changed and written back."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from itertools import chain

import attrs

from firmtrail_contract import ObservedAtSource, ReportOutcome
from firmtrail_server.db import Collided, Connection
from firmtrail_server.history.changes import PeriodChange, period_changes
from firmtrail_server.history.timeline import (
    MAX_LATENESS,
    Period,
    Record,
    Sender,
    Sighting,
    judged,
    most,
    place_together,
)
from firmtrail_server.queries import firmware_changes, history, periods, reports
from firmtrail_server.queries.periods import Hearing
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
    project_id = await reports.get_project(conn, sender, received_at)
    if any(record.is_doubtful for record in records):
        since = await history.live_since(conn, project_id, sender.device_id, MAX_LATENESS)
        records = [judged(record, since or received_at, received_at) for record in records]
    moments = await _moments(conn, project_id, sender.device_id, received_at, records)
    seen = [
        (component, Sighting(version, at, received_at))
        for record, (first, last) in zip(records, moments, strict=True)
        for component, version in record.versions
        for at in ([first] if first == last else [first, last])
    ]
    hearing = Hearing(received_at, records[-1].interval_seconds)
    outcomes = iter(await _store(conn, project_id, sender.device_id, seen, hearing))
    return [
        [Stored(first, *most(*[[next(outcomes)] for _ in {first, last}])) for _ in record.versions]
        for record, (first, last) in zip(records, moments, strict=True)
    ]


async def _moments(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, received_at: dt.datetime, records: Sequence[Record]
) -> list[tuple[dt.datetime, dt.datetime]]:
    """Say when records begin and end: the server's moment is never before what the component reported last."""
    of_server = [record for record in records if record.first.source is ObservedAtSource.SERVER]
    if not of_server:
        return [(record.first.at, record.last.at) for record in records]
    components = {component for record in of_server for component, _ in record.versions}
    known = await periods.lock_open_periods(conn, project_id, device_id, sorted(components))
    now = max([received_at, *(period.last_reported_at for period in known.values())])
    return [(now, now) if record in of_server else (record.first.at, record.last.at) for record in records]


async def _store(
    conn: Connection,
    project_id: uuid.UUID,
    device_id: uuid.UUID,
    seen: Sequence[tuple[str, Sighting]],
    hearing: Hearing,
) -> list[ReportOutcome]:
    """Store sightings so that all of them are known afterwards, and say what each did, in their order."""
    stored = await _store_at_once(conn, project_id, device_id, seen, hearing)
    if stored is not None:
        return stored
    outcomes = last = await _store_in_parts(conn, project_id, device_id, seen, hearing)
    while ReportOutcome.OPENED in last:  # it may have split what another part knew
        last = await _store_in_parts(conn, project_id, device_id, seen, hearing)
        outcomes = most(outcomes, last)
    return outcomes


async def _store_in_parts(
    conn: Connection,
    project_id: uuid.UUID,
    device_id: uuid.UUID,
    seen: Sequence[tuple[str, Sighting]],
    hearing: Hearing,
) -> list[ReportOutcome]:
    stored = await _store_at_once(conn, project_id, device_id, seen, hearing)
    if stored is not None:
        return stored
    first, second = seen[: len(seen) // 2], seen[len(seen) // 2 :]
    outcomes = await _store_in_parts(conn, project_id, device_id, first, hearing)
    return outcomes + await _store_in_parts(conn, project_id, device_id, second, hearing)


async def _store_at_once(
    conn: Connection,
    project_id: uuid.UUID,
    device_id: uuid.UUID,
    seen: Sequence[tuple[str, Sighting]],
    hearing: Hearing,
) -> list[ReportOutcome] | None:
    """Store sightings; None: the stretch of history around them is too long, and nothing is stored."""
    by_component: dict[str, list[Sighting]] = {}
    for component, sighting in seen:
        by_component.setdefault(component, []).append(sighting)
    spans = {component: _span(sightings) for component, sightings in by_component.items()}
    opened = await periods.lock_open_periods(conn, project_id, device_id, sorted(spans))
    most_periods = MAX_PERIODS if len(seen) > 1 else None  # one sighting needs all that begin at its moment
    closed = await periods.list_closed_around(conn, project_id, device_id, spans, most_periods)
    if most_periods is not None and any(len(one) >= most_periods for one in closed.values()):
        return None
    stretches = {
        component: _Stretch.around(closed[component], opened.get(component), last)
        for component, (_, last) in spans.items()
    }
    outcomes = {
        component: iter(place_together(stretches[component].after, by_component[component])) for component in spans
    }
    await _write(conn, project_id, device_id, stretches, hearing)
    return [next(outcomes[component]) for component, _ in seen]


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

    def told(self, component: str) -> list[PeriodChange]:
        return [*period_changes(component, self.before, self.after, self.opened)]


async def _write(
    conn: Connection,
    project_id: uuid.UUID,
    device_id: uuid.UUID,
    stretches: Mapping[str, _Stretch],
    hearing: Hearing,
) -> None:
    changed = [(component, period) for component, one in stretches.items() for period in one.changed()]
    now_open = {component: period for component, period in changed if period.superseded_at is None}
    new = {component: period for component, period in now_open.items() if stretches[component].opened is None}
    if new and await periods.insert_open(conn, project_id, device_id, new, hearing) != len(new):
        raise Collided  # somebody else has stored the first report of a component
    if outdated := [*chain.from_iterable(one.outdated() for one in stretches.values())]:
        await periods.delete_closed(conn, project_id, device_id, outdated)
    if closed := [(component, period) for component, period in changed if period.superseded_at is not None]:
        await periods.insert_closed(conn, project_id, device_id, closed)
    # also where nothing changes: the component was heard of
    if heard := {component: now_open.get(component, one.opened) for component, one in stretches.items() if one.opened}:
        await periods.update_open(conn, project_id, device_id, heard, hearing)
    if told := [change for component, one in stretches.items() for change in one.told(component)]:
        await firmware_changes.insert_of_component(conn, project_id, device_id, told, hearing.received_at)
