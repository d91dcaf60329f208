"""`firmtrail users`: the user that you are."""

from __future__ import annotations

from typing import Any

import firmtrail
from firmtrail.cli.moments import earlier
from firmtrail.cli.verbs import DATES, FROM_DATE, LIMIT, Verb, option

_COLUMNS = ["occurred_at", "action", "actor_name", "target_name", "details", "address"]


def _audit_events(client: firmtrail.Client, options: Any) -> firmtrail.Pager[firmtrail.AuditEvent]:
    return client.users.audit_events(
        action=options.action, occurred_from=options.since, occurred_before=options.before, limit=options.limit
    )


VERBS = [
    Verb("show", "the user that you are", lambda c, _: c.users.me(), examples=["users show"]),
    Verb(
        "update",
        "change what is said about you",
        lambda c, o: c.users.update_me(name=o.name),
        [option("name", "what people call you", required=True)],
        examples=["users update --name 'Ada L.'"],
    ),
    Verb(
        "audit-events",
        "what was changed about you, newest first",
        _audit_events,
        [
            option("action", "such as user.changed"),
            option("since", f"at this moment or later: {DATES}; {FROM_DATE}", type=earlier, metavar="WHEN"),
            option("before", f"before this moment: {DATES}; {FROM_DATE}", type=earlier, metavar="WHEN"),
            LIMIT,
        ],
        _COLUMNS,
        examples=["users audit-events --since 7d"],
    ),
    Verb(
        "delete",
        "delete your own user",
        lambda c, _: c.users.delete_me(),
        destroys="Delete your own user?",
        examples=["users delete", "users delete --yes"],
    ),
]
