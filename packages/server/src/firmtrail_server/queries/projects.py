"""Projects."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail_contract import JoinedProject, Project
from firmtrail_server.db import Connection, one, rows
from firmtrail_server.db.keyset import LOWEST_ID, Keyset, Position
from firmtrail_server.errors import ProjectNotFound

KEYSET = Keyset("projects", {"name": "", "id": LOWEST_ID})


async def insert(conn: Connection, name: str, now: dt.datetime) -> Project:
    async with conn.cursor(row_factory=rows(Project)) as cur:
        await cur.execute(
            """
            insert into projects (name, created_at)
            values (%(name)s, %(now)s)
            returning id, name, created_at
            """,
            {"name": name, "now": now},
        )
        return await one(cur)


async def get(conn: Connection, project_id: uuid.UUID) -> Project:
    """Look up a project that is not deleted, or raise `ProjectNotFound`."""
    async with conn.cursor(row_factory=rows(Project)) as cur:
        await cur.execute(
            """
            select id, name, created_at
              from projects
             where id = %(project_id)s
               and deleted_at is null
            """,
            {"project_id": project_id},
        )
        if (project := await cur.fetchone()) is None:
            raise ProjectNotFound(project_id)
        return project


async def find_of_user(conn: Connection, user_id: uuid.UUID, name: str) -> uuid.UUID | None:
    """Look up a project of this name that a user is a member of."""
    cur = await conn.execute(
        """
        select projects.id
          from project_members
          join projects
            on projects.id = project_members.project_id
           and projects.deleted_at is null
         where project_members.user_id = %(user_id)s
           and projects.name = %(name)s
         order by projects.id
         limit 1
        """,
        {"user_id": user_id, "name": name},
    )
    row = await cur.fetchone()
    return row[0] if row else None


async def list_of_user(conn: Connection, user_id: uuid.UUID, after: Position, limit: int) -> list[JoinedProject]:
    """The projects that a user is a member of, by name, with the role in each."""
    async with conn.cursor(row_factory=rows(JoinedProject)) as cur:
        await cur.execute(
            """
            select projects.id, projects.name, projects.created_at, project_members.role
              from project_members
              join projects
                on projects.id = project_members.project_id
               and projects.deleted_at is null
             where project_members.user_id = %(user_id)s
               and (projects.name, projects.id) > (%(name)s, %(id)s)
             order by projects.name, projects.id
             limit %(limit)s
            """,
            {"user_id": user_id, "limit": limit, **after},
        )
        return await cur.fetchall()


async def update_name(conn: Connection, project_id: uuid.UUID, name: str) -> None:
    await conn.execute(
        """
        update projects
           set name = %(name)s
         where id = %(project_id)s
        """,
        {"project_id": project_id, "name": name},
    )


async def mark_deleted(conn: Connection, project_id: uuid.UUID, now: dt.datetime) -> None:
    """Let a project be gone for everyone; what it holds is deleted after that."""
    await conn.execute(
        """
        update projects
           set deleted_at = %(now)s
         where id = %(project_id)s
        """,
        {"project_id": project_id, "now": now},
    )
