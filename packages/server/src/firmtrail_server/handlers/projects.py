"""Projects, the owners of everything else."""

from __future__ import annotations

import uuid

import attrs

from firmtrail_contract import (
    AuditAction,
    CurrentProject,
    JoinedProject,
    NewProject,
    Page,
    PageQuery,
    Project,
    ProjectChange,
    ProjectDeletion,
    Role,
)
from firmtrail_server.db import Connection
from firmtrail_server.errors import NameDiffers, ProjectNameTaken
from firmtrail_server.http.context import Context, UserContext
from firmtrail_server.http.results import Created
from firmtrail_server.queries import deletions, members, projects
from firmtrail_server.queries.audit_events import Change


async def create_project(ctx: UserContext, conn: Connection, body: NewProject) -> Created[Project]:
    """409 when you are in a project of this name already: two could be told apart by their ids alone."""
    if (known := await projects.find_of_user(conn, ctx.user_id, body.name)) is not None:
        raise ProjectNameTaken(body.name, known)
    project = await projects.insert(conn, body.name, ctx.now())
    await members.insert(conn, project.id, ctx.user_id, Role.ADMIN, ctx.now())
    await ctx.audit(conn, project.id, Change(AuditAction.PROJECT_CREATED, project.id, project.name))
    return Created(project)


async def list_projects(ctx: UserContext, conn: Connection, query: PageQuery) -> Page[JoinedProject]:
    after = projects.KEYSET.position(query, ctx.user_id)
    found = await projects.list_of_user(conn, ctx.user_id, after, query.page_size + 1)
    return projects.KEYSET.page(found, query, ctx.user_id)


async def get_current_project(ctx: Context, conn: Connection) -> CurrentProject:
    """In every other path, too, `current` stands for the id of this project."""
    caller = ctx.principal
    project = await projects.get(conn, caller.project_id)
    return CurrentProject(
        **attrs.asdict(project), api_key_id=caller.actor_id, role=caller.role, device_id=caller.device_id
    )


async def get_project(ctx: Context, conn: Connection, project_id: uuid.UUID) -> Project:
    return await projects.get(conn, project_id)


async def rename_project(ctx: Context, conn: Connection, project_id: uuid.UUID, body: ProjectChange) -> Project:
    project = await projects.get(conn, project_id)
    if body.name == project.name:
        return project
    await projects.update_name(conn, project_id, body.name)
    renamed = Change(AuditAction.PROJECT_RENAMED, project_id, project.name, {"name": body.name})
    await ctx.audit(conn, renamed)
    return attrs.evolve(project, name=body.name)


async def delete_project(ctx: Context, conn: Connection, project_id: uuid.UUID, query: ProjectDeletion) -> None:
    """409 unless you give its exact name. It is gone at once for everyone; its devices and their history are deleted in
    the background.
    """
    project = await projects.get(conn, project_id)
    if query.name != project.name:
        raise NameDiffers
    await projects.mark_deleted(conn, project_id, ctx.now())
    await deletions.delete_api_keys(conn, project_id)
    await ctx.audit(conn, Change(AuditAction.PROJECT_DELETED, project_id, project.name))
