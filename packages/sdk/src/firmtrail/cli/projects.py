"""`firmtrail projects`."""

from __future__ import annotations

from typing import Any

import firmtrail
from firmtrail.cli.asking import confirm_name
from firmtrail.cli.names import MAYBE_PROJECT, PROJECT, project_id
from firmtrail.cli.verbs import LIMIT, YES, Verb, positional

_NAME = positional("name", "what it shall be called", metavar="NAME")


def _delete(client: firmtrail.Client, options: Any) -> None:
    project = client.projects.get(project_id(client, options))
    confirm_name("project", project.name, options)
    client.projects.delete(project.id, name=project.name)


VERBS = [
    Verb(
        "list",
        "your projects, each with your role",
        lambda c, o: c.projects.list(limit=o.limit),
        [LIMIT],
        ["id", "name", "role", "created_at"],
        examples=["projects list", "projects list --csv"],
    ),
    Verb(
        "create",
        "make a project; you are its admin",
        lambda c, o: c.projects.create(o.name),
        [_NAME],
        examples=["projects create Pumps"],
    ),
    Verb(
        "show",
        "a project",
        lambda c, o: c.projects.get(project_id(c, o)),
        [MAYBE_PROJECT],
        examples=["projects show Pumps", "projects show --json"],
    ),
    Verb(
        "rename",
        "rename it",
        lambda c, o: c.projects.update(project_id(c, o), name=o.name),
        [PROJECT, _NAME],
        examples=["projects rename Pumps Valves"],
    ),
    Verb(
        "delete",
        "delete it with its devices and their history",
        _delete,
        [PROJECT, YES],
        examples=["projects delete Pumps", "projects delete Pumps --yes"],
    ),
    Verb(
        "leave",
        "be no member any more",
        lambda c, o: c.projects.leave(project_id(c, o)),
        [PROJECT],
        destroys="Leave the project {project}?",
        examples=["projects leave Pumps"],
    ),
]
