"""A project's own settings, and what the pages below it share: which of them the caller may open."""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Annotated, Any

import attrs

from firmtrail_contract import ProjectChange, ProjectDeletion
from firmtrail_server.db import Connection
from firmtrail_server.handlers import api_keys, audit_events, desired_versions, members, projects, webhooks
from firmtrail_server.http.context import Context
from firmtrail_server.http.forms import FORM
from firmtrail_server.pages.api_calls import ApiCalls
from firmtrail_server.pages.forms import Form, filled
from firmtrail_server.pages.results import Redirect, View

#: the pages: what they are called, where they are, and who may open them
_PLACES = [
    ("Project", "settings", projects.get_project),
    ("Members", "members", members.list_members),
    ("Keys", "keys", api_keys.list_api_keys),
    ("Desired versions", "desired_versions", desired_versions.list_desired_versions),
    ("Webhooks", "webhooks", webhooks.list_webhooks),
    ("Audit", "audit", audit_events.list_audit_events),
]


@attrs.frozen(kw_only=True)
class NameForm(Form):
    """A name, as a person typed it."""

    name: str | None = None


class Sure(StrEnum):
    """What a box sends that was ticked."""

    YES = "yes"


@attrs.frozen(kw_only=True)
class LeaveForm(Form):
    """That somebody is sure."""

    sure: Sure


async def settings_of(ask: ApiCalls, project_id: uuid.UUID) -> dict[str, Any]:
    """What the templates of all these pages get."""
    base = f"/projects/{project_id}"
    return {
        "project": await ask(projects.get_project, project_id=project_id),
        "base": base,
        "sections": [(name, f"{base}/{path}") for name, path, handler in _PLACES if ask.may(handler)],
    }


async def show(ctx: Context, conn: Connection, project_id: uuid.UUID) -> View:
    ask = ApiCalls(ctx, conn)
    data = {
        **await settings_of(ask, project_id),
        "role": ctx.principal.role,
        "may_change": ask.may(projects.rename_project),
    }
    return View(template="settings_project.html", data=data)


async def rename(ctx: Context, conn: Connection, project_id: uuid.UUID, body: Annotated[NameForm, FORM]) -> Redirect:
    change = filled(ProjectChange, name=body.name)
    await ApiCalls(ctx, conn)(projects.rename_project, project_id=project_id, body=change)
    return Redirect(to=f"/projects/{project_id}/settings")


async def delete(ctx: Context, conn: Connection, project_id: uuid.UUID, body: Annotated[NameForm, FORM]) -> Redirect:
    """The person has typed the project's name."""
    proof = filled(ProjectDeletion, name=body.name)
    await ApiCalls(ctx, conn)(projects.delete_project, project_id=project_id, query=proof)
    return Redirect(to="/projects")


async def leave(ctx: Context, conn: Connection, project_id: uuid.UUID, body: Annotated[LeaveForm, FORM]) -> Redirect:  # noqa: ARG001
    await ApiCalls(ctx, conn)(members.leave_project, project_id=project_id)
    return Redirect(to="/projects")
