"""Pictures: what they show of a history and of a fleet, and that every eye can tell their colours apart."""

# The types of matplotlib leave parameters open:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import datetime as dt
import io
import itertools
import sys
import uuid
from collections.abc import Generator
from typing import Any

import attrs
import numpy as np
import pytest
from matplotlib import colors, dates
from matplotlib import pyplot as plt

from firmtrail import Adoption, Client, FirmwareVersions, MissingExtraError, plots
from firmtrail_contract import Rollout, VersionAdoption, VersionCount, VersionPeriod

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
#: how dichromats see linear RGB: Machado, Oliveira and Fernandes 2009, severity 1.0
SIGHTS = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "trichromat": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
}
HOSTILE = ["$x^$", "_hidden", "<b>", "50 %", "\\frac", "ü"]


@pytest.fixture(autouse=True)
def figures() -> Generator[None]:
    plt.switch_backend("agg")
    plots._styles.clear()
    yield
    plt.close("all")


def ago(days: float) -> dt.datetime:
    return NOW - dt.timedelta(days=days)


def period(version: str, first: float, last: float, *, until: float | None = None) -> VersionPeriod:
    return VersionPeriod(
        id=uuid.uuid4(),
        component="main",
        version=version,
        first_reported_at=ago(first),
        last_reported_at=ago(last),
        report_count=1,
        superseded_at=None if until is None else ago(until),
        recorded_at=NOW,
    )


def counts(*names: str) -> FirmwareVersions:
    items = [
        VersionCount(
            component="main", version=name, devices=2, share=0.5, first_since=NOW, last_since=NOW, newer_exists=None
        )
        for name in names
    ]
    return FirmwareVersions(as_of=NOW, labels_as_of=NOW, items=items, omitted_versions=0)


def adoption(*names: str, others: int = 0, rollout: Rollout | None = None) -> Adoption:
    versions = [VersionAdoption(version=name, devices=[1, 1], shares=[1 / len(names)] * 2) for name in names]
    return Adoption(
        component="main",
        moments=[ago(1), NOW],
        versions=versions,
        other_devices=[others, others],
        labels_as_of=NOW,
        rollout=rollout,
    )


def test_a_superseded_period_is_fainter_and_gaps_are_thin() -> None:
    ax: Any = plots.history([period("1", 10, 6, until=5), period("2", 5, 2)], until=NOW)

    bars = [(bar.get_x(), bar.get_width(), bar.get_height(), bar.get_alpha()) for bar in ax.patches]
    first, gap, second, silence = bars
    assert (first[0], first[1]) == (dates.date2num(ago(10)), pytest.approx(4))
    assert (gap[0], gap[1]) == (dates.date2num(ago(6)), pytest.approx(1))
    assert silence[0] + silence[1] == pytest.approx(dates.date2num(NOW))
    assert first[3] < second[3]
    assert gap[2] < first[2]


def test_an_adoption_is_stacked_up_to_the_whole() -> None:
    rollout = Rollout(
        version="2",
        devices=2,
        first_at=ago(1),
        half_at=ago(0.5),
        ninety_percent_at=None,
        ninety_nine_percent_at=None,
        median_dwell_seconds=None,
        replaced=0,
        rolled_back=0,
    )

    ax: Any = adoption("2", "1", rollout=rollout).plot()

    tops = [layer.get_paths()[0].vertices[:, 1].max() for layer in ax.collections]
    assert tops == pytest.approx([0.5, 1.0])
    assert [text.get_text() for text in ax.texts] == ["50 %"]


def test_versions_that_an_answer_does_not_list_are_others() -> None:
    names = [text.get_text() for text in legend(adoption("1", others=1).plot())]

    assert names == ["1", "others"]


def legend(ax: Any) -> list[Any]:
    box = ax.get_legend()
    assert box is not None
    return box.get_texts()


def test_versions_are_drawn_newest_first_with_their_counts() -> None:
    ax: Any = counts("2", "1").plot()

    assert [text.get_text() for text in ax.get_yticklabels()] == ["main 2", "main 1"]
    assert [text.get_text() for text in ax.texts] == ["2 (50%)", "2 (50%)"]


@pytest.mark.parametrize("version", HOSTILE)
def test_any_version_can_be_drawn_as_it_is_written(version: str) -> None:
    axes: list[Any] = [plots.history([period(version, 9, 1)]), counts(version).plot(), adoption(version).plot()]

    for ax in axes:
        ax.figure.savefig(io.BytesIO())
    assert [text.get_text().strip("\u200b") for text in legend(axes[0])] == [version]


def test_nothing_can_be_drawn_too() -> None:
    empty: list[Any] = [plots.history([]), counts().plot(), adoption().plot()]

    for ax in empty:
        ax.figure.savefig(io.BytesIO())


def test_a_picture_is_dark_ink_on_white_paper_in_any_style() -> None:
    with plt.style.context("dark_background"):
        ax: Any = plots.history([period("1", 9, 1)])

    assert colors.to_hex(ax.figure.get_facecolor()) == colors.to_hex(ax.get_facecolor()) == "#ffffff"
    inks = {colors.to_hex(text.get_color()) for text in [*legend(ax), *ax.get_xticklabels(), *ax.texts]}
    assert inks == {"#222222"}


def test_a_picture_is_drawn_where_it_is_told() -> None:
    _, ax = plt.subplots()

    assert counts("1").plot(ax) is ax


def test_a_version_has_one_style_in_all_pictures() -> None:
    few, many = plots.styles("main", ["3"]), plots.styles("main", ["1", "2", "3"])

    assert many["3"] == few["3"]
    assert len({*many.values()}) == 3


def test_twenty_versions_of_a_component_differ() -> None:
    names = [f"1.{number}.0" for number in range(20)]

    assert len({*plots.styles("main", names).values()}) == 20


def test_versions_of_two_components_are_named_with_them() -> None:
    both = [period("1", 9, 1), attrs.evolve(period("2", 9, 1), component="modem")]

    assert {text.get_text() for text in legend(plots.history(both))} == {"main 1", "modem 2"}


def test_a_colour_can_be_chosen() -> None:
    assert plots.styles("main", ["1", "2"], {"2": "black"})["2"] == plots.Style("black")


@pytest.mark.parametrize("sight", SIGHTS)
def test_every_eye_can_tell_the_colours_apart(sight: str) -> None:
    seen = [lab(np.array(SIGHTS[sight]) @ linear(color)) for color in plots.PALETTE]

    nearest = min(float(np.linalg.norm(one - other)) for one, other in itertools.combinations(seen, 2))

    assert nearest > 10  # a just noticeable difference is about 2.3


def linear(color: str) -> Any:
    values = np.array(colors.to_rgb(color))
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: Any) -> Any:
    """CIE L*a*b* of linear sRGB, white point D65."""
    weights = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    f = np.cbrt(weights @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_a_missing_library_is_named_before_anything_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(MissingExtraError, match=r"pip install 'firmtrail\[plots\]'"):
        Client("http://127.0.0.1:9", api_key="id:secret").firmware.history(str(uuid.uuid4())).plot()
