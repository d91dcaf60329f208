"""Desired versions: the rules that say what devices should run."""

from __future__ import annotations

import datetime as dt
import uuid

from psycopg.types.json import Jsonb

from firmtrail_contract import DesiredVersion, DesiredVersionQuery, NewDesiredVersion
from firmtrail_contract.desired_versions import priority_limits
from firmtrail_server.db import Connection, one, rows
from firmtrail_server.db.keyset import EARLIEST, LOWEST_ID, Keyset, Position
from firmtrail_server.errors import DesiredVersionNotFound

KEYSET = Keyset(
    "desired_versions", {"component": "", "priority": priority_limits.maximum, "set_at": EARLIEST, "id": LOWEST_ID}
)


async def insert(
    conn: Connection, project_id: uuid.UUID, new: NewDesiredVersion, set_by: uuid.UUID, now: dt.datetime
) -> DesiredVersion:
    """Store a rule whose priority no other one has; if one gets it at this very moment, the transaction collides."""
    async with conn.cursor(row_factory=rows(DesiredVersion)) as cur:
        await cur.execute(
            """
            insert into desired_versions (project_id, component, versions, labels, priority, set_by, set_at)
            values (%(project_id)s, %(component)s, %(versions)s, %(labels)s, %(priority)s, %(set_by)s, %(now)s)
            on conflict do nothing
            returning id, project_id, component, versions, labels, priority, set_by, set_at, ended_at
            """,
            {
                "project_id": project_id,
                "component": new.component,
                "versions": Jsonb(new.versions),
                "labels": Jsonb(new.labels),
                "priority": new.priority,
                "set_by": set_by,
                "now": now,
            },
        )
        return await one(cur)


async def get(conn: Connection, project_id: uuid.UUID, desired_version_id: uuid.UUID) -> DesiredVersion:
    """Look up a rule, ended or not, or raise `DesiredVersionNotFound`."""
    async with conn.cursor(row_factory=rows(DesiredVersion)) as cur:
        await cur.execute(
            """
            select id, project_id, component, versions, labels, priority, set_by, set_at, ended_at
              from desired_versions
             where project_id = %(project_id)s
               and id = %(desired_version_id)s
            """,
            {"project_id": project_id, "desired_version_id": desired_version_id},
        )
        if (rule := await cur.fetchone()) is None:
            raise DesiredVersionNotFound(desired_version_id)
        return rule


async def end(
    conn: Connection, project_id: uuid.UUID, desired_version_id: uuid.UUID, now: dt.datetime
) -> DesiredVersion:
    """End a rule that has not ended; not before it was set, by whatever clock that was."""
    async with conn.cursor(row_factory=rows(DesiredVersion)) as cur:
        await cur.execute(
            """
            update desired_versions
               set ended_at = greatest(set_at, %(now)s)
             where project_id = %(project_id)s
               and id = %(desired_version_id)s
            returning id, project_id, component, versions, labels, priority, set_by, set_at, ended_at
            """,
            {"project_id": project_id, "desired_version_id": desired_version_id, "now": now},
        )
        return await one(cur)


async def list_not_ended(conn: Connection, project_id: uuid.UUID) -> list[DesiredVersion]:
    """The rules that nobody has ended yet."""
    async with conn.cursor(row_factory=rows(DesiredVersion)) as cur:
        await cur.execute(
            """
            select id, project_id, component, versions, labels, priority, set_by, set_at, ended_at
              from desired_versions
             where project_id = %(project_id)s
               and ended_at is null
            """,
            {"project_id": project_id},
        )
        return await cur.fetchall()


async def list_in_force(
    conn: Connection, project_id: uuid.UUID, at: dt.datetime, component: str | None
) -> list[DesiredVersion]:
    """The rules, of one component or of all, that were in force at a moment."""
    async with conn.cursor(row_factory=rows(DesiredVersion)) as cur:
        await cur.execute(
            """
            select id, project_id, component, versions, labels, priority, set_by, set_at, ended_at
              from desired_versions
             where project_id = %(project_id)s
               and (%(component)s::text is null or component = %(component)s)
               and set_at <= %(at)s
               and (ended_at is null or ended_at > %(at)s)
            """,
            {"project_id": project_id, "component": component, "at": at},
        )
        return await cur.fetchall()


async def list_rules(
    conn: Connection, project_id: uuid.UUID, query: DesiredVersionQuery, after: Position, limit: int
) -> list[DesiredVersion]:
    """The rules, set by the moment of the query, that it asks for: by component, the greatest priority first."""
    async with conn.cursor(row_factory=rows(DesiredVersion)) as cur:
        await cur.execute(
            """
            select id, project_id, component, versions, labels, priority, set_by, set_at, ended_at
              from desired_versions
             where project_id = %(project_id)s
               and (%(component)s::text is null or component = %(component)s)
               and set_at <= %(at)s
               and (%(state)s = 'any' or (ended_at is null or ended_at > %(at)s) = (%(state)s = 'in_force'))
               and (
                       component > %(after_component)s
                       or component = %(after_component)s
                      and (
                              priority < %(after_priority)s
                              or priority = %(after_priority)s
                             and (set_at, id) > (%(after_set_at)s, %(after_id)s)
                          )
                   )
             order by component, priority desc, set_at, id
             limit %(limit)s
            """,
            {
                "project_id": project_id,
                "component": query.component,
                "state": query.state,
                "at": query.at,
                **{f"after_{name}": value for name, value in after.items()},
                "limit": limit,
            },
        )
        return await cur.fetchall()
