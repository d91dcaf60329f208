"""The members of projects, and their roles."""

from __future__ import annotations

import uuid

import attrs

from firmtrail_contract import Role
from firmtrail_server.db import Connection, rows


@attrs.frozen(kw_only=True)
class Membership:
    """A role in a project."""

    project_id: uuid.UUID
    role: Role


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
