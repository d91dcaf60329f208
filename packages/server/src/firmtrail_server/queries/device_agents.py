"""What the agents of devices say of themselves."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import attrs
from psycopg.types.json import Jsonb

from firmtrail_contract import AgentHealth, DeviceAgent, SourceFailure, format_moment, parse_moment
from firmtrail_server.db import Connection, rows


@attrs.frozen(kw_only=True)
class AgentRow:
    """The agent of a device."""

    device_id: uuid.UUID
    version: str
    interval_seconds: int | None
    health: AgentHealth
    #: as JSON has them
    sources: list[dict[str, str]]
    spool_error: str | None
    changed_at: dt.datetime

    @property
    def agent(self) -> DeviceAgent:
        return DeviceAgent(
            version=self.version,
            interval_seconds=self.interval_seconds,
            health=self.health,
            sources=[_failure(one) for one in self.sources],
            spool_error=self.spool_error,
            changed_at=self.changed_at,
        )


async def list_of(conn: Connection, project_id: uuid.UUID, device_ids: Sequence[uuid.UUID]) -> list[AgentRow]:
    """The agents of devices, as far as anything is known of them."""
    async with conn.cursor(row_factory=rows(AgentRow)) as cur:
        await cur.execute(
            """
            select device_id, version, interval_seconds, health, sources, spool_error, changed_at
              from device_agents
             where project_id = %(project_id)s
               and device_id = any(%(device_ids)s)
            """,
            {"project_id": project_id, "device_ids": list(device_ids)},
        )
        return await cur.fetchall()


async def upsert(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, agent: DeviceAgent) -> None:
    """Store what an agent says of itself, in the place of what it said before."""
    await conn.execute(
        """
        insert into device_agents (
                   device_id, project_id, version, interval_seconds, health, sources, spool_error, changed_at
               )
        values (
                   %(device_id)s, %(project_id)s, %(version)s, %(interval_seconds)s, %(health)s, %(sources)s,
                   %(spool_error)s, %(changed_at)s
               )
            on conflict (device_id) do update
           set version = excluded.version,
               interval_seconds = excluded.interval_seconds,
               health = excluded.health,
               sources = excluded.sources,
               spool_error = excluded.spool_error,
               changed_at = excluded.changed_at
        """,
        {
            "project_id": project_id,
            "device_id": device_id,
            "version": agent.version,
            "interval_seconds": agent.interval_seconds,
            "health": agent.health,
            "sources": Jsonb([_as_json(one) for one in agent.sources]),
            "spool_error": agent.spool_error,
            "changed_at": agent.changed_at,
        },
    )


def _failure(stored: dict[str, str]) -> SourceFailure:
    return SourceFailure(
        component=stored["component"],
        source=stored["source"],
        error=stored["error"],
        failing_since=parse_moment(stored["failing_since"]),
    )


def _as_json(failure: SourceFailure) -> dict[str, str]:
    return {**attrs.asdict(failure), "failing_since": format_moment(failure.failing_since)}
