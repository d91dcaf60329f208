"""Whose access has ended, of many who were let in before. Of all projects."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from firmtrail_server.db import Connection


class KeyAccess(NamedTuple):
    """An API key in its project."""

    key_id: uuid.UUID
    project_id: uuid.UUID


class MemberAccess(NamedTuple):
    """A user in a project, with the token epoch of the login."""

    user_id: uuid.UUID
    project_id: uuid.UUID
    epoch: int
    #: None: the login began none
    session_id: uuid.UUID | None


async def list_lapsed_keys(
    conn: Connection, keys: Sequence[KeyAccess], now: dt.datetime
) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Those keys that are not alive any more, each with its project."""
    cur = await conn.execute(
        """
        select given.key_id, given.project_id
          from unnest(%(key_ids)s::uuid[], %(project_ids)s::uuid[]) as given (key_id, project_id)
         where given.key_id is not null
           and given.project_id is not null
           and not exists (
                   select 1
                     from api_keys
                     join projects
                       on projects.id = api_keys.project_id
                      and projects.deleted_at is null
                    where api_keys.id = given.key_id
                      and api_keys.project_id = given.project_id
                      and (api_keys.expires_at is null or api_keys.expires_at > %(now)s)
               )
        """,
        {"key_ids": [one.key_id for one in keys], "project_ids": [one.project_id for one in keys], "now": now},
    )
    return await cur.fetchall()


async def list_lapsed_members(
    conn: Connection, members: Sequence[MemberAccess]
) -> list[tuple[uuid.UUID, uuid.UUID, uuid.UUID | None]]:
    """Those users who are not in the project any more, or whose logins have ended, each with project and session."""
    cur = await conn.execute(
        """
        select given.user_id, given.project_id, given.session_id
          from unnest(%(user_ids)s::uuid[], %(project_ids)s::uuid[], %(epochs)s::int8[], %(session_ids)s::uuid[])
            as given (user_id, project_id, epoch, session_id)
         where given.user_id is not null
           and given.project_id is not null
           and not exists (
                   select 1
                     from project_members
                     join users
                       on users.id = project_members.user_id
                     join projects
                       on projects.id = project_members.project_id
                      and projects.deleted_at is null
                    where project_members.project_id = given.project_id
                      and project_members.user_id = given.user_id
                      and users.token_epoch = given.epoch
                      and (given.session_id is null
                           or exists (select 1
                                        from user_sessions
                                       where user_sessions.id = given.session_id
                                         and user_sessions.user_id = users.id))
               )
        """,
        {
            "user_ids": [one.user_id for one in members],
            "project_ids": [one.project_id for one in members],
            "epochs": [one.epoch for one in members],
            "session_ids": [one.session_id for one in members],
        },
    )
    return await cur.fetchall()
