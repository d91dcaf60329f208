"""`firmtrail fleet`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import firmtrail
from firmtrail.cli.names import IN_PROJECT, project_id
from firmtrail.cli.verbs import AT, LIMIT, Verb, earlier, option
from firmtrail_contract import RuleCompliance, SilenceState, SilentDevice


def _silent(client: firmtrail.Client, options: Any) -> firmtrail.Pager[SilentDevice]:
    return client.fleet.silent(
        project_id(client, options),
        labels=options.labels,
        component=options.component,
        silent_since_before=options.before,
        state=options.state,
        ended_from=options.ended_from,
        limit=options.limit,
    )


def _compliance(client: firmtrail.Client, options: Any) -> Sequence[RuleCompliance]:
    found = client.fleet.compliance(
        project_id(client, options), at=options.at, component=options.component, labels=options.labels
    )
    if options.at is not None:
        sys.stderr.write(f"As of {found.as_of:%Y-%m-%d %H:%M:%SZ}, by the labels of today.\n")
    return found.items


VERBS = [
    Verb(
        "compliance",
        "for each rule of desired-versions, how many devices run what they should",
        _compliance,
        [
            IN_PROJECT,
            AT,
            option("component", "of this component alone"),
            option("labels", "of devices that have these labels today: site=berlin,rack"),
        ],
        [
            "rule.component",
            "rule.versions",
            "rule.labels",
            "rule.priority",
            "devices",
            "on_accepted_version",
            "on_other_version",
            "without_version",
        ],
    ),
    Verb(
        "silent",
        "the devices that are silent: quiet for longer than their own cadence allows",
        _silent,
        [
            IN_PROJECT,
            option("labels", "labels that the device has: site=berlin,rack"),
            option("component", "a component that the device has"),
            option("before", "silent since before this moment, or such as 7d ago", type=earlier, metavar="WHEN"),
            option("state", "silent ones, if left out; ended: those that came back", choices=[*SilenceState]),
            option("ended-from", "back since this moment, or such as 12h ago", type=earlier, metavar="WHEN"),
            LIMIT,
        ],
        ["name", "device_id", "labels", "silent_since", "ended_at", "last_reported_at", "cadence_seconds"],
    ),
]
