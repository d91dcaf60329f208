"""`firmtrail audit-events`."""

from __future__ import annotations

from firmtrail.cli.moments import earlier
from firmtrail.cli.names import project_id
from firmtrail.cli.verbs import DATES, FROM_DATE, LIMIT, Verb, option

VERBS = [
    Verb(
        "list",
        "who changed what in a project, newest first",
        lambda c, o: c.audit_events.list(
            project_id(c, o),
            action=o.action,
            actor_id=o.actor,
            target_id=o.target,
            occurred_from=o.since,
            occurred_before=o.before,
            limit=o.limit,
        ),
        [
            option("action", "such as device.created"),
            option("actor", "the id of the user or API key that did it", metavar="ID"),
            option("target", "the id of what was changed", metavar="ID"),
            option(
                "since",
                f"at this moment or later: {DATES}; {FROM_DATE}",
                type=earlier,
                metavar="WHEN",
            ),
            option("before", f"before this moment: {DATES}; {FROM_DATE}", type=earlier, metavar="WHEN"),
            LIMIT,
        ],
        ["occurred_at", "action", "actor_name", "target_name", "details", "address"],
        examples=["audit-events list --since 7d", "audit-events list --action device.created --csv"],
    ),
]
