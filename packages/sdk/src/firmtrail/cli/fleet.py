"""`firmtrail fleet`."""

from __future__ import annotations

from typing import Any

import firmtrail
from firmtrail.cli.names import IN_PROJECT, project_id
from firmtrail.cli.verbs import LIMIT, Verb, earlier, option
from firmtrail_contract import SilenceState, SilentDevice


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


VERBS = [
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
