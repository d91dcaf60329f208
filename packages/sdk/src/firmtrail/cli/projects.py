"""`firmtrail projects`."""

from __future__ import annotations

from typing import Any

import firmtrail
from firmtrail.cli.names import PROJECT, project_id
from firmtrail.cli.verbs import LIMIT, Verb, positional

_NAME = positional("name", "what it shall be called", metavar="NAME")


def _delete(client: firmtrail.Client, options: Any) -> None:
    project = client.projects.get(project_id(client, options))
    client.projects.delete(project.id, name=project.name)


VERBS = [
    Verb(
        "list",
        "your projects, each with your role",
        lambda c, o: c.projects.list(limit=o.limit),
        [LIMIT],
        ["id", "name", "role", "created_at"],
    ),
    Verb("create", "make a project; you are its admin", lambda c, o: c.projects.create(o.name), [_NAME]),
    Verb("show", "a project", lambda c, o: c.projects.get(project_id(c, o)), [PROJECT]),
    Verb("rename", "rename it", lambda c, o: c.projects.update(project_id(c, o), name=o.name), [PROJECT, _NAME]),
    Verb(
        "delete",
        "delete it with its devices and their history",
        _delete,
        [PROJECT],
        destroys="Delete the project {project} with all its devices and their history?",
    ),
    Verb(
        "leave",
        "be no member any more",
        lambda c, o: c.projects.leave(project_id(c, o)),
        [PROJECT],
        destroys="Leave the project {project}?",
    ),
]
