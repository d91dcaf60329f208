"""Shares over time as stacked areas."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import attrs

from firmtrail_contract import Adoption, VersionAdoption
from firmtrail_server.pages.time_bar import TimeBar

#: versions with an area of their own; the others share one
MAX_AREAS = 10
WIDTH, HEIGHT = 1_000, 100


@attrs.frozen(kw_only=True)
class Area:
    """The share of one version over time."""

    version: str
    #: of an SVG path, in a box of WIDTH by HEIGHT
    path: str
    first_at: dt.datetime
    devices: int
    share: float


@attrs.frozen(kw_only=True)
class Areas:
    """A chart, with the rows of the table behind it."""

    areas: list[Area]
    #: the share of those that have no area of their own
    others: str
    other_versions: int
    rows: list[tuple[dt.datetime, list[int], int]]


def stacked(adoption: Adoption, bar: TimeBar) -> Areas:
    """Stack the versions on most devices, the newest on top; a moment has the place that it has on the bar."""
    begins = next((place for place in range(len(adoption.moments)) if _devices_at(adoption, place)), 0)
    across = [bar.percent_of(at) * WIDTH / 100 for at in adoption.moments[begins:]]
    most = sorted(adoption.versions, key=lambda one: max(one.devices), reverse=True)[:MAX_AREAS]
    floor = [0.0] * len(across)
    areas: list[Area] = []
    for one in reversed([one for one in adoption.versions if one in most]):
        top = [low + share for low, share in zip(floor, one.shares[begins:], strict=True)]
        areas.insert(0, _area(one, adoption, _path(across, floor, top)))
        floor = top
    others = len(adoption.versions) - len(areas)
    full = [1.0 if _devices_at(adoption, place) else 0.0 for place in range(begins, len(adoption.moments))]
    return Areas(
        areas=areas,
        others=_path(across, floor, full) if others else "",
        other_versions=others,
        rows=_rows(adoption, [area.version for area in areas]),
    )


def _area(one: VersionAdoption, adoption: Adoption, path: str) -> Area:
    first = next(at for at, devices in zip(adoption.moments, one.devices, strict=True) if devices)
    return Area(version=one.version, path=path, first_at=first, devices=one.devices[-1], share=one.shares[-1])


def _devices_at(adoption: Adoption, place: int) -> int:
    return sum(one.devices[place] for one in adoption.versions)


def _path(across: Sequence[float], low: Sequence[float], high: Sequence[float]) -> str:
    there = [f"{x:.1f},{(1 - y) * HEIGHT:.2f}" for x, y in zip(across, high, strict=True)]
    back = [f"{x:.1f},{(1 - y) * HEIGHT:.2f}" for x, y in zip(reversed(across), reversed(low), strict=True)]
    return f"M{' L'.join([*there, *back])} Z"


def _rows(adoption: Adoption, versions: Sequence[str]) -> list[tuple[dt.datetime, list[int], int]]:
    """The moments at which anything changed, the last one first: when, the devices on each version, and on others."""
    devices = {one.version: one.devices for one in adoption.versions}
    rows = [
        (
            at,
            [devices[version][place] for version in versions],
            _devices_at(adoption, place) + adoption.other_devices[place],
        )
        for place, at in enumerate(adoption.moments)
    ]
    changed = [row for place, row in enumerate(rows) if place == 0 or row[1:] != rows[place - 1][1:]]
    return [(at, shown, total - sum(shown)) for at, shown, total in reversed(changed)]
