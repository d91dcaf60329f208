"""Shares over time as stacked areas."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import attrs

from firmtrail_contract import Adoption
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
    moments: list[dt.datetime]
    rows: list[tuple[dt.datetime, list[int], int]]


def stacked(adoption: Adoption, bar: TimeBar) -> Areas:
    """Stack the versions on most devices, the newest on top; a moment has the place that it has on the bar."""
    most = sorted(adoption.versions, key=lambda one: max(one.devices), reverse=True)[:MAX_AREAS]
    shown = [one for one in reversed(adoption.versions) if one in most]  # oldest at the bottom
    across = [bar.percent_of(at) * WIDTH / 100 for at in adoption.moments]
    floor = [0.0] * len(across)
    areas: list[Area] = []
    for one in shown:
        top = [low + share for low, share in zip(floor, one.shares, strict=True)]
        first = next((at for at, devices in zip(adoption.moments, one.devices, strict=True) if devices), bar.now)
        areas.append(
            Area(
                version=one.version,
                path=_path(across, floor, top),
                first_at=first,
                devices=one.devices[-1],
                share=one.shares[-1],
            )
        )
        floor = top
    has_any = [any(one.devices[place] for one in adoption.versions) for place in range(len(across))]
    full = [1.0 if has else 0.0 for has in has_any]
    return Areas(
        areas=areas[::-1],
        others=_path(across, floor, full) if len(adoption.versions) > len(shown) else "",
        other_versions=len(adoption.versions) - len(shown),
        moments=adoption.moments,
        rows=_rows(adoption, [area.version for area in areas[::-1]]),
    )


def _path(across: Sequence[float], low: Sequence[float], high: Sequence[float]) -> str:
    there = [f"{x:.1f},{(1 - y) * HEIGHT:.2f}" for x, y in zip(across, high, strict=True)]
    back = [f"{x:.1f},{(1 - y) * HEIGHT:.2f}" for x, y in zip(reversed(across), reversed(low), strict=True)]
    return f"M{' L'.join([*there, *back])} Z"


def _rows(adoption: Adoption, versions: Sequence[str]) -> list[tuple[dt.datetime, list[int], int]]:
    """The moments at which anything changed, the last one first: when, the devices on each version, and on others."""
    devices = {one.version: one.devices for one in adoption.versions}
    totals = [sum(at) for at in zip(*devices.values(), strict=True)]
    rows = [
        (at, [devices[version][place] for version in versions], totals[place] + adoption.other_devices[place])
        for place, at in enumerate(adoption.moments)
    ]
    changed = [row for place, row in enumerate(rows) if place == 0 or row[1:] != rows[place - 1][1:]]
    return [(at, shown, total - sum(shown)) for at, shown, total in reversed(changed)]
