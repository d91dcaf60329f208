"""Pictures of histories and of answers about a fleet, drawn by matplotlib and given back as its axes.

A figure is white paper with dark ink, so that it reads the same in light and dark notebooks and in print. The colours
are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), which colour-blind eyes can tell apart; hatches and texts
say the same once more.
"""

# The types of matplotlib leave parameters open:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs

from firmtrail.frames import check_installed
from firmtrail_contract import Adoption, FirmwareVersions, Rollout, VersionPeriod

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
#: of what has no version of its own in a picture
OTHERS = "#BBBBBB"
_OTHERS = "others"
_HATCHES = ("", "///", "...")
_PAPER, _INK = "white", "#222222"
_STYLE: dict[Any, str] = {
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), _PAPER),
    **dict.fromkeys(("axes.titlecolor", "xtick.labelcolor", "ytick.labelcolor"), _INK),
}
_FAINT = 0.45
#: of a lane: while a version is reported, and while it is only not superseded
_REPORTED, _IN_FORCE = 0.7, 0.2
_CHARACTER_INCHES = 0.1


@attrs.frozen
class Style:
    """How a version is drawn."""

    color: str
    hatch: str = ""


def styles(versions: Iterable[str], colors: Mapping[str, str] | None = None) -> dict[str, Style]:
    """Give each version a style of its own, oldest version first.

    A version's name chooses; a name whose colour is taken gets the next one. So a version looks the same in all
    pictures whose older versions are the same, and newer ones change nothing.

    Args:
        versions: the oldest first.
        colors: of some versions, as matplotlib names colours.
    """
    chosen: dict[str, Style] = {}
    for version in dict.fromkeys(versions):
        if colors and version in colors:
            chosen[version] = Style(colors[version])
        else:
            candidates = [*_candidates(version)]
            taken = {*chosen.values()}
            chosen[version] = next((one for one in candidates if one not in taken), candidates[0])
    return chosen


def _candidates(version: str) -> Iterator[Style]:
    first = zlib.crc32(version.encode())
    for hatch in _HATCHES:
        for number in range(len(PALETTE)):
            yield Style(PALETTE[(first + number) % len(PALETTE)], hatch)


def history(
    periods: Sequence[VersionPeriod],
    ax: Axes | None = None,
    *,
    until: dt.datetime | None = None,
    colors: Mapping[str, str] | None = None,
) -> Axes:
    """Draw a lane a component and a bar a period, up to `until` or now: see `history(...).plot()`."""
    components = sorted({period.component for period in periods}, reverse=True)
    lanes = max(len(components), 1)
    looks = styles((period.version for period in sorted(periods, key=lambda one: one.first_reported_at)), colors)
    with _paper(ax, height=1.2 + 0.7 * lanes) as axes:
        for period in periods:
            lane = components.index(period.component)
            _bar(axes, lane, period, until or dt.datetime.now(dt.UTC), looks[period.version])
        axes.set_yticks(range(len(components)), components)
        axes.set_ylim(-0.6, lanes - 0.4)
        _time_axis(axes)
        _name_bars(axes, periods, components)
        _legend(axes, looks)
    return axes


def _bar(ax: Axes, lane: int, period: VersionPeriod, now: dt.datetime, look: Style) -> None:
    """Draw it thick while it was reported, thin while it was only in force; and fainter once it is superseded."""
    first, last, end = period.first_reported_at, period.last_reported_at, period.superseded_at or now
    alpha = 1.0 if period.superseded_at is None else _FAINT
    for height, begin, stay in ((_REPORTED, first, last - first), (_IN_FORCE, last, end - last)):
        place: Any = {"left": begin, "width": stay}  # matplotlib's types know no moments
        ax.barh(lane, height=height, color=look.color, hatch=look.hatch, alpha=alpha, edgecolor=_PAPER, **place)


def _name_bars(ax: Axes, periods: Sequence[VersionPeriod], components: Sequence[str]) -> None:
    """Write the version on each bar that has room for it."""
    left, right = ax.get_xlim()
    figure = ax.get_figure(root=True)
    assert figure is not None
    inches_a_day = ax.get_window_extent().width / figure.dpi / (right - left)
    for period in periods:
        stay = period.last_reported_at - period.first_reported_at
        if len(period.version) * _CHARACTER_INCHES < stay / dt.timedelta(days=1) * inches_a_day:
            place: Any = period.first_reported_at + stay / 2  # matplotlib's types know no moments
            text = ax.text(place, components.index(period.component), period.version, ha="center", va="center")
            text.set(parse_math=False, bbox={"facecolor": _PAPER, "edgecolor": "none", "pad": 1.5})


def adoption(answer: Adoption, ax: Axes | None = None, *, colors: Mapping[str, str] | None = None) -> Axes:
    """Draw the shares of the versions over time, the newest on top: see `fleet.adoption(...).plot()`."""
    oldest_first = answer.versions[::-1]
    looks = {_OTHERS: Style(OTHERS)} if any(answer.other_devices) else {}
    layers = [_other_shares(answer)] * len(looks) + [one.shares for one in oldest_first]
    looks |= styles((one.version for one in oldest_first), colors)
    with _paper(ax, height=4) as axes:
        moments: Any = answer.moments  # matplotlib's types know no moments
        for layer, look in zip(axes.stackplot(moments, *layers) if layers else [], looks.values(), strict=True):
            layer.set(facecolor=look.color, hatch=look.hatch, edgecolor=_PAPER)
        axes.set_title(f"Shares of {answer.component}", loc="left")
        axes.set_ylim(0, 1)
        _percent(axes)
        _time_axis(axes)
        _milestones(axes, answer.rollout)
        _legend(axes, looks)
    return axes


def _other_shares(answer: Adoption) -> list[float]:
    """What the listed versions leave of the whole; nothing, where no device had the component."""
    totals = [sum(one.devices[number] for one in answer.versions) for number in range(len(answer.moments))]
    return [others / max(others + total, 1) for others, total in zip(answer.other_devices, totals, strict=True)]


def _milestones(ax: Axes, rollout: Rollout | None) -> None:
    """Mark when half of the devices had the version, and so on."""
    if rollout is None:
        return
    reached = {"50 %": rollout.half_at, "90 %": rollout.ninety_percent_at, "99 %": rollout.ninety_nine_percent_at}
    for name, moment in reached.items():
        if moment is not None:
            place: Any = moment  # matplotlib's types know no moments
            ax.axvline(place, color=_INK, linestyle=":")
            ax.text(place, 1.01, name, ha="center", fontsize="small")


def versions(answer: FirmwareVersions, ax: Axes | None = None, *, colors: Mapping[str, str] | None = None) -> Axes:
    """Draw a bar a version, as long as it has devices: see `fleet.versions(...).plot()`."""
    looks = styles((count.version for count in reversed(answer.items)), colors)
    with _paper(ax, height=1.2 + 0.3 * max(len(answer.items), 1)) as axes:
        for row, count in enumerate(answer.items):
            look = looks[count.version]
            bars = axes.barh(row, count.devices, color=look.color, hatch=look.hatch, edgecolor=_PAPER)
            axes.bar_label(bars, [f"{count.devices:,} ({count.share:.0%})"], padding=3)
        axes.set_yticks(range(len(answer.items)), [f"{count.component} {count.version}" for count in answer.items])
        for text in axes.get_yticklabels():
            text.set_parse_math(False)
        axes.invert_yaxis()
        axes.margins(x=0.15)
        axes.set_xlabel("devices")
        axes.set_title(f"{answer.as_of:%Y-%m-%d %H:%M} UTC", loc="left")
    return axes


@contextmanager
def _paper(ax: Axes | None, *, height: float) -> Generator[Axes]:
    """Give the axes to draw on: what is given as it is, or else a new figure in our style, `height` inches high."""
    check_installed("plots")
    from matplotlib import pyplot as plt  # noqa: PLC0415  an extra

    if ax is not None:
        yield ax
        return
    with plt.rc_context(_STYLE):
        _, ax = plt.subplots(figsize=(9, height), layout="constrained")
        ax.spines[["top", "right"]].set_visible(False)
        yield ax


def _time_axis(ax: Axes) -> None:
    from matplotlib import dates  # noqa: PLC0415  an extra

    ax.xaxis_date(dt.UTC)
    locator = dates.AutoDateLocator(tz=dt.UTC)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=dt.UTC))
    ax.set_xlabel("UTC")
    ax.margins(x=0)


def _percent(ax: Axes) -> None:
    from matplotlib.ticker import PercentFormatter  # noqa: PLC0415  an extra

    ax.yaxis.set_major_formatter(PercentFormatter(1.0))


def _legend(ax: Axes, looks: Mapping[str, Style]) -> None:
    """Name the versions beside the picture, in the order in which they lie; `$` in a name is no formula."""
    from matplotlib.patches import Patch  # noqa: PLC0415  an extra

    newest_first = [*looks.items()][::-1]
    handles = [Patch(facecolor=look.color, hatch=look.hatch, edgecolor=_PAPER) for _, look in newest_first]
    names = [f"\u200b{name}" if name.startswith("_") else name for name, _ in newest_first]  # it would leave those out
    if handles:
        box = ax.legend(handles, names, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
        for text in box.get_texts():
            text.set_parse_math(False)
