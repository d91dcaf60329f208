"""`firmtrail members`."""

from __future__ import annotations

import uuid
from typing import Any

import firmtrail
from firmtrail.cli.names import NoSuchName, project_id
from firmtrail.cli.verbs import LIMIT, Verb, positional
from firmtrail_contract import Role

ROLE = positional("role", ", ".join(Role), metavar="ROLE")
_MEMBER = positional("member", "the user's id or e-mail address", metavar="MEMBER")


def _named(client: firmtrail.Client, options: Any) -> tuple[str, uuid.UUID | str]:
    """Find the project, and the user in it."""
    project, member = project_id(client, options), options.member
    if "@" not in member:
        return project, member
    for one in client.members.list(project, page_size=1_000):
        if one.email.lower() == member.lower():
            return project, one.user_id
    raise NoSuchName(f"No member has the address {member!r}. See: firmtrail members list")


VERBS = [
    Verb(
        "list",
        "who may do what",
        lambda c, o: c.members.list(project_id(c, o), limit=o.limit),
        [LIMIT],
        ["user_id", "name", "email", "role", "joined_at"],
        examples=["members list --project Pumps"],
    ),
    Verb(
        "set-role",
        "give a member another role",
        lambda c, o: c.members.update(*_named(c, o), role=o.role),
        [_MEMBER, ROLE],
        examples=["members set-role ben@example.com editor --project Pumps"],
    ),
    Verb(
        "remove",
        "remove a member",
        lambda c, o: c.members.remove(*_named(c, o)),
        [_MEMBER],
        destroys="Remove {member} from the project?",
        examples=["members remove ben@example.com --project Pumps"],
    ),
]
