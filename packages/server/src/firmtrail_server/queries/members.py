"""The members of projects, and their roles."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs

from firmtrail_contract import Member, Role
from firmtrail_server.db import Connection, one, rows
from firmtrail_server.db.keyset import EARLIEST, LOWEST_ID, Keyset, Position
from firmtrail_server.errors import MemberNotFound


@attrs.frozen(kw_only=True)
class Membership:
    """A role in a project."""

    project_id: uuid.UUID
    role: Role


KEYSET = Keyset("members", {"joined_at": EARLIEST, "user_id": LOWEST_ID})


async def find_role(conn: Connection, project_id: uuid.UUID, user_id: uuid.UUID) -> Role | None:
    """Look up what a user is in a project that is not deleted."""
    async with conn.cursor(row_factory=rows(Membership)) as cur:
        await cur.execute(
            """
            select project_members.project_id, project_members.role
              from project_members
              join projects
                on projects.id = project_members.project_id
               and projects.deleted_at is null
             where project_members.project_id = %(project_id)s
               and project_members.user_id = %(user_id)s
            """,
            {"project_id": project_id, "user_id": user_id},
        )
        membership = await cur.fetchone()
        return membership.role if membership else None


async def list_admin_emails(conn: Connection, project_id: uuid.UUID) -> list[str]:
    """The addresses of a project's admins, for notices."""
    cur = await conn.execute(
        """
        select users.email
          from project_members
          join users
            on users.id = project_members.user_id
           and users.disabled_at is null
         where project_members.project_id = %(project_id)s
           and project_members.role = 'admin'
         order by users.email
        """,
        {"project_id": project_id},
    )
    return [row[0] for row in await cur.fetchall()]


async def find_by_device(conn: Connection, device_id: uuid.UUID, user_id: uuid.UUID) -> Membership | None:
    """Look up what a user is in the project of a device. It is the device that tells the project."""
    async with conn.cursor(row_factory=rows(Membership)) as cur:
        await cur.execute(
            """
            select project_members.project_id, project_members.role
              from devices
              join projects
                on projects.id = devices.project_id
               and projects.deleted_at is null
              join project_members
                on project_members.project_id = devices.project_id
               and project_members.user_id = %(user_id)s
             where devices.id = %(device_id)s
            """,
            {"device_id": device_id, "user_id": user_id},
        )
        return await cur.fetchone()


async def insert(conn: Connection, project_id: uuid.UUID, user_id: uuid.UUID, role: Role, now: dt.datetime) -> None:
    await conn.execute(
        """
        insert into project_members (project_id, user_id, role, joined_at)
        values (%(project_id)s, %(user_id)s, %(role)s, %(now)s)
        """,
        {"project_id": project_id, "user_id": user_id, "role": role, "now": now},
    )


async def get(conn: Connection, project_id: uuid.UUID, user_id: uuid.UUID) -> Member:
    """Look up a member, or raise `MemberNotFound`."""
    async with conn.cursor(row_factory=rows(Member)) as cur:
        await cur.execute(
            """
            select project_members.user_id, users.name, users.email, project_members.role, project_members.joined_at
              from project_members
              join users
                on users.id = project_members.user_id
             where project_members.project_id = %(project_id)s
               and project_members.user_id = %(user_id)s
            """,
            {"project_id": project_id, "user_id": user_id},
        )
        if (member := await cur.fetchone()) is None:
            raise MemberNotFound(user_id)
        return member


async def list_members(conn: Connection, project_id: uuid.UUID, after: Position, limit: int) -> list[Member]:
    """The members of a project, those who joined first in front."""
    async with conn.cursor(row_factory=rows(Member)) as cur:
        await cur.execute(
            """
            select project_members.user_id, users.name, users.email, project_members.role, project_members.joined_at
              from project_members
              join users
                on users.id = project_members.user_id
             where project_members.project_id = %(project_id)s
               and (project_members.joined_at, project_members.user_id) > (%(joined_at)s, %(user_id)s)
             order by project_members.joined_at, project_members.user_id
             limit %(limit)s
            """,
            {"project_id": project_id, "limit": limit, **after},
        )
        return await cur.fetchall()


async def count_other_admins(conn: Connection, project_id: uuid.UUID, user_id: uuid.UUID) -> int:
    """Count the admins besides a user. Right at SERIALIZABLE: of two who leave at once, one is told to try again."""
    cur = await conn.execute(
        """
        select count(*)
          from project_members
         where project_id = %(project_id)s
           and user_id <> %(user_id)s
           and role = 'admin'
        """,
        {"project_id": project_id, "user_id": user_id},
    )
    return (await one(cur))[0]


async def list_memberships(conn: Connection, user_id: uuid.UUID) -> list[Membership]:
    """What a user is in every project that is not deleted."""
    async with conn.cursor(row_factory=rows(Membership)) as cur:
        await cur.execute(
            """
            select project_members.project_id, project_members.role
              from project_members
              join projects
                on projects.id = project_members.project_id
               and projects.deleted_at is null
             where project_members.user_id = %(user_id)s
             order by projects.name, projects.id
            """,
            {"user_id": user_id},
        )
        return await cur.fetchall()


async def update_role(conn: Connection, project_id: uuid.UUID, user_id: uuid.UUID, role: Role) -> None:
    await conn.execute(
        """
        update project_members
           set role = %(role)s
         where project_id = %(project_id)s
           and user_id = %(user_id)s
        """,
        {"project_id": project_id, "user_id": user_id, "role": role},
    )


async def delete(conn: Connection, project_id: uuid.UUID, user_id: uuid.UUID) -> None:
    await conn.execute(
        """
        delete from project_members
         where project_id = %(project_id)s
           and user_id = %(user_id)s
        """,
        {"project_id": project_id, "user_id": user_id},
    )


async def delete_of_user(conn: Connection, user_id: uuid.UUID) -> None:
    """Take a user out of every project."""
    await conn.execute("delete from project_members where user_id = %(user_id)s", {"user_id": user_id})
