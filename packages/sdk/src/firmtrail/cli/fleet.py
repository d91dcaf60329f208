"""`firmtrail fleet`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import firmtrail
from firmtrail.cli.fleet_views import adoption_chart, figures, other_versions, points, status_lines
from firmtrail.cli.moments import earlier
from firmtrail.cli.names import project_id
from firmtrail.cli.screen import Screen
from firmtrail.cli.texts import duration
from firmtrail.cli.verbs import AT, DATES, FROM_DATE, LABELS, LIMIT, SCHEME, UNTIL, Column, Verb, option, since
from firmtrail_contract import DeviceState, SilenceState, SilentDevice, Step

if TYPE_CHECKING:  # models of answers: a command starts faster without those that it does not get
    from firmtrail_contract import FirmwareVersions, FlappingDevices

_SINCE = since("7 days before --until")
_COMPONENT = option("component", "of this component alone")


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


def _adoption(client: firmtrail.Client, options: Any) -> firmtrail.Adoption:
    return client.fleet.adoption(
        project_id(client, options),
        component=options.component,
        version=options.version,
        since=options.since,
        until=options.until,
        step=options.step,
        time_zone=options.time_zone,
        labels=options.labels,
        scheme=options.scheme,
    )


def _changes(options: Any) -> dict[str, Any]:
    return {name: getattr(options, name) for name in ("since", "until", "component", "labels")}


def _share(share: float, screen: Screen) -> str:
    return f"{share:6.1%} {screen.bar(share)}"


def _cadence(seconds: float | None, _: Screen) -> str:
    return "" if seconds is None else f"every {duration(seconds)}"


def _omitted(versions: FirmwareVersions) -> str:
    omitted = versions.omitted_versions
    return f"{omitted:,} more versions, of the fewest devices, are left out." if omitted else ""


def _incomplete(flapping: FlappingDevices) -> str:
    return "" if flapping.is_complete else "There are more: these are the latest. Use --since and --until."


VERBS = [
    Verb(
        "status",
        "how many devices report, are silent or never did, what they run, and what changed last",
        lambda c, o: c.fleet.status(project_id(c, o), labels=o.labels),
        [LABELS],
        ["figure", "component", "version", "labels", "devices", "share"],
        rows=figures,
        view=status_lines,
        examples=["fleet status", "fleet status --labels site=berlin", "fleet status --csv > status.csv"],
    ),
    Verb(
        "versions",
        "how many devices run each version, or ran it at a moment; the newest version first",
        lambda c, o: c.fleet.versions(
            project_id(c, o), at=o.at, component=o.component, labels=o.labels, scheme=o.scheme, state=o.state
        ),
        [
            AT,
            _COMPONENT,
            LABELS,
            SCHEME,
            option("state", "devices that were in service then, if left out", choices=[*DeviceState]),
        ],
        [
            "component",
            "version",
            Column("devices", is_number=True),
            Column("share", draw=_share),
            Column("newer_exists", "newer exists", is_optional=True),
            Column("first_since", is_optional=True),
            Column("last_since", is_optional=True),
        ],
        remark=_omitted,
        examples=["fleet versions", "fleet versions --at 2026-05-03 --component main"],
    ),
    Verb(
        "adoption",
        "how the versions of a component spread over the devices; with --version, how far its rollout got and when",
        _adoption,
        [
            option("component", "main, if left out"),
            option("version", "such as 1.5.0: when the first device, 50, 90 and 99 %% had it, and rollbacks"),
            since("90 days before --until"),
            UNTIL,
            option("step", "from one moment to the next; a day, if left out", choices=[*Step]),
            option("time-zone", "whose days are meant, such as Europe/Berlin; UTC, if left out", metavar="ZONE"),
            LABELS,
            SCHEME,
        ],
        ["moment", "version", "devices", "share"],
        rows=points,
        view=adoption_chart,
        remark=other_versions,
        examples=["fleet adoption --version 1.5.0 --since 2026-05-01", "fleet adoption --step week --csv"],
    ),
    Verb(
        "compliance",
        "for each rule of desired-versions, how many devices run what they should",
        lambda c, o: c.fleet.compliance(project_id(c, o), at=o.at, component=o.component, labels=o.labels),
        [AT, _COMPONENT, LABELS],
        [
            "rule.component",
            "rule.versions",
            "rule.labels",
            "rule.priority",
            Column("devices", is_number=True),
            Column("on_accepted_version", is_number=True),
            Column("on_other_version", is_number=True),
            Column("without_version", is_number=True),
        ],
        examples=["fleet compliance", "fleet compliance --at yesterday"],
    ),
    Verb(
        "silent",
        "the devices that are silent: quiet for longer than their own cadence allows",
        _silent,
        [
            LABELS,
            option("component", "a component that the device has"),
            option("before", f"silent since before this moment: {DATES}; {FROM_DATE}", type=earlier, metavar="WHEN"),
            option("state", "silent ones, if left out; ended: those that came back", choices=[*SilenceState]),
            option("ended-from", f"back since this moment; {FROM_DATE}", type=earlier, metavar="WHEN"),
            LIMIT,
        ],
        [
            "name",
            "silent_since",
            Column("last_reported_at", "last report"),
            Column("cadence_seconds", "reports", draw=_cadence),
            "labels",
            Column("ended_at", "back at", is_optional=True),
            Column("device_id", is_optional=True),
        ],
        examples=["fleet silent", "fleet silent --before 2d --columns name,silent_since"],
    ),
    Verb(
        "rollbacks",
        "devices that went back to a lower version, the latest first; at most 92 days at once",
        lambda c, o: c.fleet.rollbacks(project_id(c, o), **_changes(o), scheme=o.scheme, limit=o.limit),
        [_SINCE, UNTIL, _COMPONENT, LABELS, SCHEME, LIMIT],
        [
            Column("device_name", "name"),
            "component",
            Column("from_version", "from"),
            Column("to_version", "to"),
            "at",
            Column("device_id", is_optional=True),
        ],
        examples=["fleet rollbacks --since 7d"],
    ),
    Verb(
        "flapping",
        "devices that went back to versions they had run before, at least four times within 24 hours",
        lambda c, o: c.fleet.flapping(project_id(c, o), **_changes(o)),
        [_SINCE, UNTIL, _COMPONENT, LABELS],
        [
            Column("device_name", "name"),
            "component",
            Column("changes", is_number=True),
            Column("first_at", "first"),
            Column("last_at", "last"),
            Column("device_id", is_optional=True),
        ],
        remark=_incomplete,
        examples=["fleet flapping --since 2026-05-01 --until 2026-05-31"],
    ),
]
