"""`firmtrail desired-versions`."""

from __future__ import annotations

from firmtrail.cli.names import project_id
from firmtrail.cli.verbs import AT, LIMIT, Verb, label_pairs, option, positional
from firmtrail_contract import RuleState

VERBS = [
    Verb(
        "list",
        "what devices should run: the rules in force, of which the one with the greatest priority counts",
        lambda c, o: c.desired_versions.list(
            project_id(c, o), at=o.at, component=o.component, state=o.state, limit=o.limit
        ),
        [
            AT,
            option("component", "for this component alone"),
            option("state", "which rules; those in force, if left out", choices=[*RuleState]),
            LIMIT,
        ],
        ["id", "component", "versions", "labels", "priority", "set_at", "ended_at"],
        examples=["desired-versions list", "desired-versions list --at 2026-05-03 --state any"],
    ),
    Verb(
        "set",
        "say what a component of some devices should run",
        lambda c, o: c.desired_versions.set(
            o.versions,
            component=o.component,
            labels=label_pairs(o.label),
            priority=o.priority,
            replaces=o.replaces,
            project_id=project_id(c, o),
        ),
        [
            positional("versions", "the version to accept; several during a rollout", nargs="+", metavar="VERSION"),
            option("component", "the part of the devices that runs it", default="main"),
            option(
                "label",
                "of the devices that have it; may be given again",
                action="append",
                default=[],
                metavar="KEY=VALUE",
            ),
            option("priority", "the greatest one counts for a device", type=int, default=0, metavar="N"),
            option("replaces", "the id of a rule that ends with it", metavar="ID"),
        ],
        examples=["desired-versions set 1.5.0", "desired-versions set 1.4.2 1.5.0 --label site=berlin --priority 1"],
    ),
    Verb(
        "end",
        "end a rule; it stays in what is asked about the time before",
        lambda c, o: c.desired_versions.end(o.rule_id, project_id=project_id(c, o)),
        [positional("rule_id", "its id", metavar="ID")],
        destroys="End the rule {rule_id}?",
        examples=["desired-versions end 018f6a52-0000-7000-8000-000000000001"],
    ),
]
