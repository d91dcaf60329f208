"""Taking what a device reports: nearly always many reports by one statement, and only what is new or late alone."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from firmtrail_contract import ObservedAtSource, ObservedMoment, ReportBatch, ReportOutcome
from firmtrail_server.db import Address, Database, Link, Transaction
from firmtrail_server.errors import SecretUnproved
from firmtrail_server.history import batches
from firmtrail_server.history.boots import Boot
from firmtrail_server.history.timeline import Record, Sender
from firmtrail_server.ingest.boots import remember_boots, tells_nothing_new
from firmtrail_server.ingest.gaps import keep_gaps
from firmtrail_server.ingest.gateways import Gateway, Said, are_alone, store_for_gateway
from firmtrail_server.ingest.group_commit import MAX_WAITING, GroupCommit
from firmtrail_server.ingest.report_metrics import ReportMetrics
from firmtrail_server.ingest.rewrite import store_records
from firmtrail_server.queries import boots, reports
from firmtrail_server.queries.audit_events import Actor
from firmtrail_server.queries.boots import BootLookup
from firmtrail_server.queries.reports import Report, Stored
from firmtrail_server.telemetry.metrics import Metrics


class Submission(NamedTuple):
    """What a device sends at once: a record, or a batch whose clocks are still to be read."""

    sender: Sender
    received_at: dt.datetime
    said: Record | ReportBatch
    #: of a batch, whose boots may show that the device is two machines: that is written into the audit trail
    actor: Actor | None = None


class Outcome(NamedTuple):
    """What became of a record."""

    first: ObservedMoment
    last: ObservedMoment
    #: of each of its versions
    versions: Sequence[ReportOutcome]


class Ingest:
    """Stores what many requests bring, each thing in the cheapest way that is right for it."""

    def __init__(
        self,
        database: Database,
        url: str | Address,
        metrics: Metrics | None = None,
        *,
        isolation: Transaction = Transaction.INGEST,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._database = database
        self._isolation = isolation
        self._links = [Link(url, isolation=isolation), Link(url, isolation=isolation)]
        self._reports = GroupCommit(self._links[0], self._extend, max_waiting=max_waiting)
        self._lookups = GroupCommit(self._links[1], boots.find_named, max_waiting=max_waiting)
        metrics = metrics or Metrics()
        self._metrics = ReportMetrics(metrics)
        metrics.watch("firmtrail_reports_waiting", "Reports that wait for their batch.", lambda: len(self._reports))

    @property
    def commits(self) -> int:
        return sum(link.commits for link in self._links)

    def open(self) -> None:
        self._reports.open()
        self._lookups.open()

    async def close(self) -> None:
        """Stop. What still waits is of requests that were given up."""
        await self._reports.close()
        await self._lookups.close()

    async def submit(self, submission: Submission) -> list[Outcome]:
        """Store what a device sends; return after it has committed, with what became of each record.

        Raises:
            SecretUnproved: its key is not alive, or the secret not proved by its digest.
            ReportQueueFull: too many reports are waiting.
            DatabaseUnavailable: what became of it is not known; a report may be sent again.
        """
        said = submission.said
        if isinstance(said, ReportBatch) and (outcome := await self._store_at_once(submission, said)):
            return [outcome]
        records = [said] if isinstance(said, Record) else await self._placed(submission, said)
        telling = [record for record in records if record.versions]
        stored = iter(await self._store(submission, telling))
        return [_outcome(record, next(stored) if record.versions else []) for record in records]

    async def submit_for_devices(
        self, gateway: Gateway, received_at: dt.datetime, said: Sequence[Said]
    ) -> list[Outcome | None]:
        """Store what a gateway reports; return after it has committed, with what became of each record.

        Returns:
            None for a record of a device that the gateway may not report for.

        Raises:
            Unauthenticated: its key is not alive, or no gateway's.
            ReportQueueFull, DatabaseUnavailable: see `submit`. Some may be stored.
        """
        stored = await self._store_alone(gateway, received_at, said)
        if left := [index for index in range(len(said)) if index not in stored]:
            others = [said[index] for index in left]
            rewritten = await self._database.run(self._isolation, store_for_gateway, gateway, received_at, others)
            self._metrics.add(one for of_record in rewritten for one in of_record)
            stored |= dict(zip(left, rewritten, strict=True))
        return [_outcome(record, stored[index]) if stored[index] else None for index, (_, record) in enumerate(said)]

    async def _store_alone(
        self, gateway: Gateway, received_at: dt.datetime, said: Sequence[Said]
    ) -> dict[int, list[Stored]]:
        """Pass on what may share the statement; return what it has stored, by its place."""
        alone = [index for index, is_alone in enumerate(are_alone(said)) if is_alone]
        passed = [self._reports.submit(gateway.report(said[index][0], received_at, said[index][1])) for index in alone]
        stored = zip(alone, await asyncio.gather(*passed), strict=True)
        return {index: one for index, one in stored if one}

    async def _store_at_once(self, submission: Submission, batch: ReportBatch) -> Outcome | None:
        """Store what nearly every batch is: one record, of a boot that the statement itself finds known.

        None: it is left alone.
        """
        placed = batches.by_sending_boot(batch, submission.received_at)
        if placed is None:
            return None
        record, boot = placed
        stored = await self._reports.submit(Report(submission.sender, submission.received_at, record, boot))
        if not stored:
            return None
        first = last = ObservedMoment(at=stored[0].observed_at, source=record.first.source)
        if record.last is not record.first:
            last = ObservedMoment(at=first.at + (record.last.at - record.first.at), source=first.source)
        return Outcome(first, last, [one.outcome for one in stored])

    async def _placed(self, submission: Submission, batch: ReportBatch) -> list[Record]:
        """Work out the moments of a batch, and keep where records are missing in it."""
        records = batches.records(batch, await self._boots(submission, batch))
        if gaps := batches.gaps(batch, records):
            await self._database.run(self._isolation, keep_gaps, submission.sender, submission.received_at, gaps)
        return records

    async def _boots(self, submission: Submission, batch: ReportBatch) -> Mapping[uuid.UUID, Boot]:
        """Find out when the boots that a batch names started."""
        sender, received_at = submission.sender, submission.received_at
        remembered = await self._lookups.submit(BootLookup(sender, received_at, batch))
        if remembered is None:
            raise SecretUnproved
        known = {boot.boot_id: boot for boot in remembered}
        if tells_nothing_new(sender, batch, received_at, known):
            return known
        assert submission.actor is not None
        return await self._database.run(self._isolation, remember_boots, sender, submission.actor, batch, received_at)

    async def _store(self, submission: Submission, records: Sequence[Record]) -> Sequence[list[Stored]]:
        sender, received_at = submission.sender, submission.received_at
        if len(records) == 1 and not records[0].is_doubtful:
            stored = await self._reports.submit(Report(sender, received_at, records[0]))
            if stored:
                return [stored]
        if not records:
            return []
        rewritten = await self._database.run(self._isolation, store_records, sender, received_at, records)
        self._metrics.add(one for of_record in rewritten for one in of_record)
        return rewritten

    async def _extend(self, link: Link, items: Sequence[Report]) -> list[list[Stored]]:
        alone = await reports.extend_period(link, items[0]) if len(items) == 1 else []
        outcomes = [alone] if alone else await reports.extend_histories(link, items)
        self._metrics.add_group(outcomes)
        return outcomes


def _outcome(record: Record, stored: Sequence[Stored]) -> Outcome:
    first, last = record.first, record.last
    if stored and stored[0].observed_at != first.at:  # the server's moment, raised to the last report
        first = last = ObservedMoment(at=stored[0].observed_at, source=ObservedAtSource.SERVER)
    return Outcome(first, last, [one.outcome for one in stored])
