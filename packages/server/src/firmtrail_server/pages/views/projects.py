"""The projects of a user."""

from __future__ import annotations

from typing import Annotated

import attrs

from firmtrail_contract import NewProject, PageQuery
from firmtrail_contract.projects import project_name_limits
from firmtrail_server.db import Connection
from firmtrail_server.handlers import projects
from firmtrail_server.http.context import UserContext
from firmtrail_server.http.forms import FORM
from firmtrail_server.pages.forms import Form
from firmtrail_server.pages.results import Redirect, View


@attrs.frozen(kw_only=True)
class ProjectForm(Form):
    """A project to make."""

    name: str = attrs.field(validator=project_name_limits)


async def show(ctx: UserContext, conn: Connection, query: PageQuery) -> View:
    listed = await projects.list_projects(ctx, conn, query)
    return View(template="projects.html", data={"projects": listed.items, "next_page_token": listed.next_page_token})


async def create(ctx: UserContext, conn: Connection, body: Annotated[ProjectForm, FORM]) -> Redirect:
    made = await projects.create_project(ctx, conn, NewProject(name=body.name))
    return Redirect(to=f"/projects/{made.body.id}")
