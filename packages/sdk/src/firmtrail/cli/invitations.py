"""`firmtrail invitations`."""

from __future__ import annotations

from firmtrail.cli.asking import ask_secret
from firmtrail.cli.members import ROLE
from firmtrail.cli.names import project_id
from firmtrail.cli.verbs import EXPIRES, LIMIT, Verb, option, positional

VERBS = [
    Verb(
        "create",
        "invite somebody; the secret is shown this once",
        lambda c, o: c.invitations.create(project_id(c, o), o.role, email=o.email, expires_at=o.expires),
        [ROLE, option("email", "where to send it, if the server sends e-mail"), EXPIRES],
        examples=[
            "invitations create viewer --project Pumps",
            "invitations create editor --email ben@example.com --expires 2d",
        ],
    ),
    Verb(
        "list",
        "those that nobody has accepted yet",
        lambda c, o: c.invitations.list(project_id(c, o), limit=o.limit),
        [LIMIT],
        ["id", "role", "email", "expires_at"],
        examples=["invitations list --project Pumps"],
    ),
    Verb(
        "revoke",
        "take an invitation back",
        lambda c, o: c.invitations.revoke(project_id(c, o), o.invitation_id),
        [positional("invitation_id", "its id", metavar="INVITATION_ID")],
        examples=["invitations revoke 018f6a52-0000-7000-8000-000000000001"],
    ),
    Verb(
        "accept",
        "join a project; the invitation's secret is asked for, or read from standard input",
        lambda c, _: c.invitations.accept(ask_secret("Invitation")),
        examples=["invitations accept"],
    ),
]
