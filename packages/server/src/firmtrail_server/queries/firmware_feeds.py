"""The feed of each project: numbers are given after the commit, in one order, and what is old is deleted."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import attrs
from psycopg.crdb import CrdbConnection

from firmtrail_server.db import Connection, one, rows


@attrs.frozen(kw_only=True)
class FeedState:
    """How far a project's feed has come."""

    last_number: int
    #: the first that is kept
    first_number: int
    #: whether changes wait for their numbers
    is_pending: bool


async def find_state(conn: Connection, project_id: uuid.UUID) -> FeedState | None:
    """How far a feed has come; None: there is no such project."""
    async with conn.cursor(row_factory=rows(FeedState)) as cur:
        await cur.execute(
            """
            select coalesce(feed.last_number, 0) as last_number,
                   coalesce(feed.first_number, 1) as first_number,
                   exists (select 1 from firmware_changes_new where project_id = %(project_id)s) as is_pending
              from projects
              left join firmware_feeds as feed
                on feed.project_id = projects.id
             where projects.id = %(project_id)s
            """,
            {"project_id": project_id},
        )
        return await cur.fetchone()


async def look_at(conn: Connection, project_ids: Sequence[uuid.UUID]) -> list[tuple[uuid.UUID, int, bool]]:
    """The last numbers of several projects, and whether changes of theirs wait for numbers."""
    cur = await conn.execute(
        """
        select projects.id, coalesce(feed.last_number, 0),
               exists (select 1 from firmware_changes_new where project_id = projects.id)
          from projects
          left join firmware_feeds as feed
            on feed.project_id = projects.id
         where projects.id = any(%(project_ids)s)
        """,
        {"project_ids": list(project_ids)},
    )
    return await cur.fetchall()


async def plan_by_key(conn: Connection) -> None:
    """Let PostgreSQL read by the primary key until the transaction ends.

    The inbox fills and empties all the time, so statistics about it are never right: by them, each batch would read all
    of it.
    """
    if not CrdbConnection.is_crdb(conn):
        await conn.execute(
            """
            select set_config(setting.name, 'off', true)
              from (values ('enable_seqscan'), ('enable_bitmapscan')) as setting (name)
            """
        )


async def lock(conn: Connection, project_id: uuid.UUID) -> int:
    """Let nobody else number until the transaction ends; return the last number.

    It writes: on both databases that makes a second one wait, which `for update` need not on CockroachDB.
    """
    cur = await conn.execute(
        """
        insert into firmware_feeds (project_id)
        values (%(project_id)s)
            on conflict (project_id) do update
           set last_number = firmware_feeds.last_number
        returning last_number
        """,
        {"project_id": project_id},
    )
    return (await one(cur))[0]


async def number(conn: Connection, project_id: uuid.UUID, limit: int) -> int:
    """Move at most `limit` changes from the inbox to the log of a feed that is locked; return the last number.

    Those of a device keep the order of their change numbers. They are a stretch of the key, found by its end: as a list
    of keys they would be compared with all that waits, by the statistics of an inbox that was empty.
    """
    cur = await conn.execute(
        """
        with taken as (
            delete from firmware_changes_new
             where project_id = %(project_id)s
               and (device_id, change_number, component) <= (
                       select device_id, change_number, component
                         from (
                               select device_id, change_number, component
                                 from firmware_changes_new
                                where project_id = %(project_id)s
                                order by device_id, change_number, component
                                limit %(limit)s
                              ) as next
                        order by device_id desc, change_number desc, component desc
                        limit 1
                   )
            returning device_id, change_number, component, kind, version, previous_version, first_reported_at, tie_rank,
                      period_id, silent_since, ended_at, recorded_at
        ),
        numbered as (
            insert into firmware_changes (
                       project_id, number, device_id, change_number, component, kind, version, previous_version,
                       first_reported_at, tie_rank, period_id, silent_since, ended_at, recorded_at
                   )
            select %(project_id)s::uuid,
                   feed.last_number
                       + row_number() over (order by taken.device_id, taken.change_number, taken.component),
                   taken.device_id, taken.change_number, taken.component, taken.kind, taken.version,
                   taken.previous_version, taken.first_reported_at, taken.tie_rank, taken.period_id, taken.silent_since,
                   taken.ended_at, taken.recorded_at
              from taken
             cross join firmware_feeds as feed
             where feed.project_id = %(project_id)s
            returning number
        )
        update firmware_feeds
           set last_number = last_number + (select count(*) from numbered)
         where project_id = %(project_id)s
        returning last_number
        """,
        {"project_id": project_id, "limit": limit},
    )
    return (await one(cur))[0]


async def find_pending_project(conn: Connection, after: uuid.UUID) -> uuid.UUID | None:
    """The next project, by its id, of which changes wait for their numbers."""
    cur = await conn.execute(
        """
        select project_id
          from firmware_changes_new
         where project_id > %(after)s
         order by project_id
         limit 1
        """,
        {"after": after},
    )
    row = await cur.fetchone()
    return row[0] if row else None


async def list_outdated(conn: Connection, kept: dt.timedelta) -> list[uuid.UUID]:
    """The projects whose first change in the log is older than changes are kept."""
    cur = await conn.execute(
        """
        select feed.project_id
          from firmware_feeds as feed
         cross join lateral (
                select numbered_at
                  from firmware_changes
                 where firmware_changes.project_id = feed.project_id
                 order by number
                 limit 1
               ) as oldest
         where oldest.numbered_at < now() - %(kept)s::interval
        """,
        {"kept": kept},
    )
    return [row[0] for row in await cur.fetchall()]


async def trim(conn: Connection, project_id: uuid.UUID, kept: dt.timedelta, limit: int) -> int:
    """Delete those of the first `limit` changes that are older than changes are kept; return how many.

    The first number goes up in the same statement: who reads in one snapshot sees both or neither.
    """
    cur = await conn.execute(
        """
        with trimmed as (
            delete from firmware_changes
             where project_id = %(project_id)s
               and number in (
                       select number
                         from (
                               select number, numbered_at
                                 from firmware_changes
                                where project_id = %(project_id)s
                                order by number
                                limit %(limit)s
                              ) as oldest
                        where numbered_at < now() - %(kept)s::interval
                   )
            returning number
        )
        update firmware_feeds
           set first_number = greatest(first_number, (select max(number) + 1 from trimmed))
         where project_id = %(project_id)s
        returning (select count(*) from trimmed)
        """,
        {"project_id": project_id, "kept": kept, "limit": limit},
    )
    row = await cur.fetchone()
    return row[0] if row else 0


async def delete_pending(conn: Connection, project_id: uuid.UUID, limit: int) -> int:
    """Delete changes of a deleted project that have no number; return how many."""
    cur = await conn.execute(
        """
        delete from firmware_changes_new
         where project_id = %(project_id)s
           and (device_id, change_number, component) in (
                   select device_id, change_number, component
                     from firmware_changes_new
                    where project_id = %(project_id)s
                    order by device_id, change_number, component
                    limit %(limit)s
               )
        """,
        {"project_id": project_id, "limit": limit},
    )
    return cur.rowcount


async def delete_numbered(conn: Connection, project_id: uuid.UUID, limit: int) -> int:
    """Delete changes of a deleted project from the log; return how many."""
    cur = await conn.execute(
        """
        delete from firmware_changes
         where project_id = %(project_id)s
           and number in (
                   select number
                     from firmware_changes
                    where project_id = %(project_id)s
                    order by number
                    limit %(limit)s
               )
        """,
        {"project_id": project_id, "limit": limit},
    )
    return cur.rowcount


async def delete_feed(conn: Connection, project_id: uuid.UUID) -> None:
    """Delete a feed, whose changes are deleted: nobody can number any more."""
    await conn.execute("delete from firmware_feeds where project_id = %(project_id)s", {"project_id": project_id})
