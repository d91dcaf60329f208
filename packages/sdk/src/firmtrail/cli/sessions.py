"""`firmtrail sessions`: where you are logged in."""

from __future__ import annotations

from firmtrail.cli.verbs import LIMIT, Column, Verb, positional

VERBS = [
    Verb(
        "list",
        "where you are logged in: each session is a program or a browser",
        lambda c, o: c.users.sessions(limit=o.limit),
        [LIMIT],
        ["id", "client", "address", "last_used_at", "expires_at", Column("is_current", "this one")],
        examples=["sessions list", "sessions list --columns id,client,last_used_at"],
    ),
    Verb(
        "end",
        "log one of them out, such as that of a lost computer",
        lambda c, o: c.users.end_session(o.session_id),
        [positional("session_id", "the id of the session", metavar="SESSION_ID")],
        destroys="End the session {session_id}?",
        examples=["sessions end 5d0c5a5e-7a3b-4a55-9a39-0d6f3c1b7e21"],
    ),
]
