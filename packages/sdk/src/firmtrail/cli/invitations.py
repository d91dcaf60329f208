"""`firmtrail invitations`."""

from __future__ import annotations

from firmtrail.cli.asking import ask_secret
from firmtrail.cli.members import ROLE
from firmtrail.cli.names import IN_PROJECT, project_id
from firmtrail.cli.verbs import EXPIRES, LIMIT, Verb, option, positional

VERBS = [
    Verb(
        "create",
        "invite somebody; the secret is shown this once",
        lambda c, o: c.invitations.create(project_id(c, o), o.role, email=o.email, expires_at=o.expires),
        [ROLE, IN_PROJECT, option("email", "where to send it, if the server sends e-mail"), EXPIRES],
    ),
    Verb(
        "list",
        "those that nobody has accepted yet",
        lambda c, o: c.invitations.list(project_id(c, o), limit=o.limit),
        [IN_PROJECT, LIMIT],
        ["id", "role", "email", "expires_at"],
    ),
    Verb(
        "revoke",
        "take an invitation back",
        lambda c, o: c.invitations.revoke(project_id(c, o), o.invitation_id),
        [positional("invitation_id", "its id", metavar="INVITATION_ID"), IN_PROJECT],
    ),
    Verb(
        "accept",
        "join a project; the invitation's secret is asked for, or read from standard input",
        lambda c, _: c.invitations.accept(ask_secret("Invitation")),
    ),
]
