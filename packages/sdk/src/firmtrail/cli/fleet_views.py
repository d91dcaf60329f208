"""What a terminal shows of a fleet's status, and of how its versions spread."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from firmtrail.cli.output import as_of_line, table
from firmtrail.cli.screen import Screen
from firmtrail.cli.texts import counted, duration, shown
from firmtrail.cli.verbs import Column

if TYPE_CHECKING:  # a command starts faster without models that it does not get
    from firmtrail_contract import Adoption, ComponentStatus, DesiredVersion, FleetStatus, Rollout

#: of a chart where nothing says how wide it may be, and where something does at least
_CHART, _LEAST_CHART = 60, 10
_CHANGES = [Column("since"), Column("device_name", "name"), Column("component"), Column("version")]


@attrs.frozen
class Point:
    """A version at one moment: a row of the CSV."""

    moment: dt.datetime
    version: str
    devices: int
    share: float


@attrs.frozen
class Figure:
    """A figure of the status: a row of the CSV."""

    figure: str
    devices: int
    #: of the devices that the figure is about, 0 to 1; None where it is of none
    share: float | None = None
    component: str | None = None
    #: of a desired version: all that are accepted
    version: str | None = None
    labels: dict[str, str] | None = None


def figures(status: FleetStatus) -> Iterator[Figure]:
    """Go through what `status_lines` shows, but for the latest changes."""
    yield Figure("in_service", status.devices)
    for name in ("reporting", "silent", "never_reported"):
        yield Figure(name, getattr(status, name), _share(getattr(status, name), status.devices))
    yield Figure("retired", status.retired)
    yield Figure("two_machines", status.two_machines)
    for of_component in status.components:
        for one in of_component.versions:
            yield Figure("version", one.devices, one.share, of_component.component, one.version)
    for of_rule in status.compliance:
        rule, on_it = of_rule.rule, of_rule.on_accepted_version
        share = _share(on_it, of_rule.devices)
        yield Figure("on_desired_version", on_it, share, rule.component, shown(rule.versions), rule.labels)


def points(adoption: Adoption) -> Iterator[Point]:
    """Go through the versions at each moment."""
    for number, moment in enumerate(adoption.moments):
        for one in adoption.versions:
            yield Point(moment, one.version, one.devices[number], one.shares[number])


def status_lines(status: FleetStatus, screen: Screen) -> Iterator[str]:
    """Write a project's devices at a glance."""
    yield as_of_line(status)
    yield screen.heading(counted(status.devices, "device"))
    for name in ("reporting", "silent", "never_reported"):
        yield _bar_line(shown(name.replace("_", " ")), getattr(status, name), status.devices, screen)
    yield f"{status.retired:,} retired; {status.two_machines:,} of which two machines report with one API key"
    for component in status.components:
        yield from ("", *_component_lines(component, screen))
    if status.compliance:
        yield from ("", screen.heading("On a desired version"))
        for one in status.compliance:
            yield _bar_line(_rule(one.rule), one.on_accepted_version, one.devices, screen)
    if status.latest_changes:
        yield from ("", screen.heading("Latest changes"), *table(status.latest_changes, _CHANGES, screen))


def _component_lines(component: ComponentStatus, screen: Screen) -> Iterator[str]:
    yield screen.heading(f"{shown(component.component)}: {counted(component.devices, 'device')}")
    width = max((len(_version(one.version, screen)) for one in component.versions), default=0)
    for one in component.versions:
        name = _version(one.version, screen).ljust(width)
        yield _bar_line(name, one.devices, component.devices, screen)
    if component.other_versions:
        yield f"  and {counted(component.other_versions, 'more version')}"


def _rule(rule: DesiredVersion) -> str:
    labels = f" ({shown(rule.labels)})" if rule.labels else ""
    return f"{shown(rule.component)} {shown(rule.versions)}{labels}"


def _bar_line(name: str, count: int, total: int, screen: Screen) -> str:
    share = _share(count, total)
    return screen.line(f"  {name.ljust(14)}  {count:>7,}  {share:6.1%} {screen.bar(share)}")


def _share(count: int, total: int) -> float:
    return count / total if total else 0.0


def adoption_chart(adoption: Adoption, screen: Screen) -> Iterator[str]:
    """Draw a line of block characters for each version, and write the milestones of a rollout below."""
    if not adoption.moments:
        return
    first, last = adoption.moments[0], adoption.moments[-1]
    yield screen.heading(f"{shown(adoption.component)}: {shown(first)} to {shown(last)}; labels are today's")
    width = max((len(_version(one.version, screen)) for one in adoption.versions), default=0)
    room = _CHART if screen.width is None else max(_LEAST_CHART, screen.width - width - 28)
    picked = _spread(len(adoption.moments), room)
    for one in adoption.versions:
        line = screen.sparkline([one.shares[number] for number in picked])
        name = _version(one.version, screen).ljust(width)
        yield screen.line(f"{name}  {line}  {one.shares[-1]:6.1%}  {counted(one.devices[-1], 'device')}")
    if adoption.rollout:
        yield from ("", *_milestones(adoption.rollout, screen))


def other_versions(adoption: Adoption) -> str:
    """Say how many devices are in no line."""
    others = max(adoption.other_devices, default=0)
    return (
        f"Versions of the fewest devices are left out: at most {counted(others, 'device')} at once." if others else ""
    )


def _milestones(rollout: Rollout, screen: Screen) -> Iterator[str]:
    yield screen.heading(f"Rollout of {shown(rollout.version)} over {counted(rollout.devices, 'device')}")
    for name, moment in (
        ("first device", rollout.first_at),
        ("50 %", rollout.half_at),
        ("90 %", rollout.ninety_percent_at),
        ("99 %", rollout.ninety_nine_percent_at),
    ):
        yield f"  {name.ljust(14)}{shown(moment) or 'not reached'}"
    if rollout.median_dwell_seconds is not None:
        yield f"  {'median stay'.ljust(14)}{duration(rollout.median_dwell_seconds)}, where it was replaced"
    replaced = f"{counted(rollout.replaced, 'time')}, {rollout.rolled_back:,} of them by a lower version"
    yield f"  {'replaced'.ljust(14)}{replaced}"


def _spread(count: int, room: int) -> list[int]:
    """Pick as many moments as there is room for, evenly, with the first and the last one."""
    if count <= room:
        return list(range(count))
    return [number * (count - 1) // (room - 1) for number in range(room)]


def _version(version: str, screen: Screen) -> str:
    return screen.cut(shown(version))
