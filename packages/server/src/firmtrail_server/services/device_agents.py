"""Keeping what the agent of a device says of itself; written only where something has changed."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping

import attrs

from firmtrail_contract import AgentHealth, AgentStatement, DeviceAgent, FailingSource, ReportBatch, SourceFailure
from firmtrail_server.db import Connection
from firmtrail_server.history.timeline import Sender
from firmtrail_server.queries import device_agents, reports

#: a component and the source that fails for it, and since when
Failing = Mapping[tuple[str, str], dt.datetime]
#: by which two readings of one moment may differ
_NETWORK_DELAY = dt.timedelta(minutes=5)


async def find(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID) -> DeviceAgent | None:
    """Look up the agent of a device; None: nothing is known of it."""
    return next((row.agent for row in await device_agents.list_of(conn, project_id, [device_id])), None)


async def keep(conn: Connection, sender: Sender, batch: ReportBatch, received_at: dt.datetime) -> None:
    """Store the statement of a batch, unless it is what is known.

    Raises:
        SecretUnproved: the key is not alive, or the secret not proved by its digest.
    """
    assert batch.agent is not None
    project_id, _ = await reports.get_key(conn, sender, received_at)
    before = await find(conn, project_id, sender.device_id)
    agent = _agent(batch, batch.agent, received_at, before)
    if before is None or attrs.evolve(agent, changed_at=before.changed_at) != before:
        await device_agents.upsert(conn, project_id, sender.device_id, agent)


def _agent(
    batch: ReportBatch, said: AgentStatement, received_at: dt.datetime, before: DeviceAgent | None
) -> DeviceAgent:
    failing = {(one.component, one.source): one.failing_since for one in before.sources} if before else {}
    is_well = not said.sources and said.spool_error is None
    return DeviceAgent(
        version=said.version,
        interval_seconds=batch.interval_seconds,
        health=AgentHealth.OK if is_well else AgentHealth.FAILING,
        sources=[
            SourceFailure(
                component=one.component,
                source=one.source,
                error=one.error,
                failing_since=_failing_since(one, batch.sent.boot_time_ms, received_at, failing),
            )
            for one in said.sources
        ],
        spool_error=said.spool_error,
        changed_at=received_at,
    )


def _failing_since(failing: FailingSource, now_ms: int, received_at: dt.datetime, known: Failing) -> dt.datetime:
    """Find the moment by the boot clock, which needs no right time.

    An agent that has never seen the source work does not know the moment: then it is when the server heard first of it.
    What was said before stays, for the network never takes the same time twice.
    """
    heard = known.get((failing.component, failing.source))
    if failing.failing_since_ms is None:
        return heard or received_at
    began = received_at - dt.timedelta(milliseconds=max(0, now_ms - failing.failing_since_ms))
    return heard if heard is not None and abs(began - heard) < _NETWORK_DELAY else began
