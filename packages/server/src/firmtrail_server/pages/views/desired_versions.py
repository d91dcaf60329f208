"""What devices should run: rules that are set, replaced and ended."""

from __future__ import annotations

import uuid
from typing import Annotated

import attrs

from firmtrail_contract import DesiredVersionQuery, NewDesiredVersion
from firmtrail_server.db import Connection
from firmtrail_server.handlers import desired_versions
from firmtrail_server.http.context import Context
from firmtrail_server.http.forms import FORM
from firmtrail_server.pages.api_calls import ApiCalls
from firmtrail_server.pages.forms import Form, filled, labels_of
from firmtrail_server.pages.results import Redirect, View
from firmtrail_server.pages.views.settings import settings_of
from firmtrail_server.pages.words import query as url_query


@attrs.frozen(kw_only=True)
class DesiredVersionForm(Form):
    """A rule to make."""

    component: str | None = None
    #: one a line
    versions: str = ""
    labels: str | None = None
    priority: str | None = None
    replaces: str | None = None


async def show(ctx: Context, conn: Connection, project_id: uuid.UUID, query: DesiredVersionQuery) -> View:
    ask = ApiCalls(ctx, conn)
    data = {
        **await settings_of(ask, project_id),
        "rules": await ask(desired_versions.list_desired_versions, project_id=project_id, query=query),
        "filter": query,
        "may_change": ask.may(desired_versions.create_desired_version),
        "link": url_query,
    }
    return View(template="settings_desired.html", data=data)


async def create(
    ctx: Context, conn: Connection, project_id: uuid.UUID, body: Annotated[DesiredVersionForm, FORM]
) -> Redirect:
    """Set a rule; where `replaces` names another one, that one ends in the same moment."""
    new = filled(
        NewDesiredVersion,
        component=body.component,
        versions=[line.strip() for line in body.versions.splitlines() if line.strip()],
        labels=labels_of(body.labels),
        priority=body.priority,
        replaces=body.replaces,
    )
    await ApiCalls(ctx, conn)(desired_versions.create_desired_version, project_id=project_id, body=new)
    return _back(project_id)


async def end(
    ctx: Context,
    conn: Connection,
    project_id: uuid.UUID,
    desired_version_id: uuid.UUID,
    body: Annotated[Form, FORM],  # noqa: ARG001
) -> Redirect:
    which = {"project_id": project_id, "desired_version_id": desired_version_id}
    await ApiCalls(ctx, conn)(desired_versions.end_desired_version, **which)
    return _back(project_id)


def _back(project_id: uuid.UUID) -> Redirect:
    return Redirect(to=f"/projects/{project_id}/desired_versions")
