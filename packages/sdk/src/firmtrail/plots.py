"""Pictures of histories and of answers about a fleet, drawn by matplotlib and given back as its axes.

A figure is white paper with dark ink, so that it reads the same in light and dark notebooks and in print. The colours
are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), which colour-blind eyes can tell apart; hatches and texts
say the same once more.
"""

# The types of matplotlib leave parameters open:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import datetime as dt
from collections.abc import Generator, Iterable, Mapping, Sequence
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
    "axes.facecolor": _PAPER,
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


#: those of _LOOKS that versions have by now, by component
_styles: dict[str, dict[str, Style]] = {}
_LOOKS = [Style(color, hatch) for hatch in _HATCHES for color in PALETTE]


def styles(component: str, versions: Iterable[str], colors: Mapping[str, str] | None = None) -> dict[str, Style]:
    """Give each version the style that it has in all pictures of this program: the next free one, at its first time.

    21 versions of a component differ, the first seven by colour alone.

    Args:
        component: what the versions are of.
        versions: the oldest first.
        colors: of some versions, as matplotlib names colours, for this once.
    """
    known, chosen = _styles.setdefault(component, {}), colors or {}
    for version in versions:
        known.setdefault(version, _LOOKS[len(known) % len(_LOOKS)])
    return {version: Style(chosen[version]) if version in chosen else known[version] for version in versions}


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
    looks = {component: styles(component, _versions(periods, component), colors) for component in components}
    with _paper(ax, height=1.2 + 0.7 * lanes) as axes:
        for period in periods:
            lane = components.index(period.component)
            _bar(axes, lane, period, until or dt.datetime.now(dt.UTC), looks[period.component][period.version])
        axes.set_yticks(range(len(components)), components)
        axes.set_ylim(-0.6, lanes - 0.4)
        _time_axis(axes)
        _name_bars(axes, periods, components)
        _legend(axes, _named(looks))
    return axes


def _named(looks: Mapping[str, Mapping[str, Style]]) -> dict[str, Style]:
    """Name each style by its version, and by the component where there are several."""
    several = len(looks) > 1
    return {
        f"{component} {version}" if several else version: look
        for component, of_it in looks.items()
        for version, look in of_it.items()
    }


def _versions(periods: Sequence[VersionPeriod], component: str) -> list[str]:
    """List the versions of a component, the oldest first."""
    of_it = sorted((one for one in periods if one.component == component), key=lambda one: one.first_reported_at)
    return list(dict.fromkeys(period.version for period in of_it))


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
    looks |= styles(answer.component, [one.version for one in oldest_first], colors)
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
    looks = {
        name: styles(name, _oldest_first(answer, name), colors) for name in {one.component for one in answer.items}
    }
    with _paper(ax, height=1.2 + 0.3 * max(len(answer.items), 1)) as axes:
        for row, count in enumerate(answer.items):
            look = looks[count.component][count.version]
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


def _oldest_first(answer: FirmwareVersions, component: str) -> list[str]:
    return [count.version for count in reversed(answer.items) if count.component == component]


@contextmanager
def _paper(ax: Axes | None, *, height: float) -> Generator[Axes]:
    """Give the axes to draw on: what is given as it is, or else a new figure in our style, `height` inches high."""
    check_installed("plots")
    from matplotlib import pyplot as plt  # noqa: PLC0415  an extra

    if ax is not None:
        yield ax
        return
    # outside of the style: the first figure turns the notebook's way of showing figures on, which would end with it
    figure = plt.figure(figsize=(9, height), layout="constrained", facecolor=_PAPER)
    with plt.rc_context(_STYLE):
        ax = figure.add_subplot()
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
