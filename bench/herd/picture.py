"""The curves of all situations as one SVG: requests a second over time, and the budget as a dashed line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from bench.herd.outcome import Outcome

_COLUMNS, _WIDTH, _HEIGHT, _MARGIN = 2, 460, 190, 40
_STYLE = (
    "text{font:12px sans-serif;fill:#333}.title{font-weight:bold}.axis{stroke:#999}"
    ".curve{fill:#4878a8;stroke:none}.budget{stroke:#c03028;stroke-dasharray:5 4}"
)


def draw(outcomes: Sequence[Outcome]) -> str:
    """Draw a panel for each."""
    rows = -(-len(outcomes) // _COLUMNS)
    size = f'width="{_COLUMNS * _WIDTH}" height="{rows * _HEIGHT}"'
    panels: list[str] = []
    for index, outcome in enumerate(outcomes):
        place = f"{index % _COLUMNS * _WIDTH},{index // _COLUMNS * _HEIGHT}"
        panels.append(f'<g transform="translate({place})">{"".join(_panel(outcome))}</g>')
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', f"<style>{_STYLE}</style>", *panels, "</svg>", ""]
    )


def _panel(outcome: Outcome) -> Iterator[str]:
    seconds, rates = [*outcome.curve], [*outcome.curve.values()]
    top = max([*rates, outcome.allowed or 0]) * 1.1
    right, bottom = _WIDTH - _MARGIN, _HEIGHT - _MARGIN

    def x(second: float) -> float:
        return _MARGIN + (right - _MARGIN) * second / seconds[-1]

    def y(rate: float) -> float:
        return bottom - (bottom - _MARGIN) * rate / top

    points = " ".join(f"{x(second):.1f},{y(rate):.1f}" for second, rate in outcome.curve.items())
    yield f'<text class="title" x="{_MARGIN}" y="24">{escape(outcome.name)}</text>'
    yield f'<polygon class="curve" points="{_MARGIN},{bottom} {points} {right},{bottom}"/>'
    yield f'<path class="axis" d="M{_MARGIN},{_MARGIN} V{bottom} H{right}" fill="none"/>'
    for hour in range(int(seconds[-1] // 3600) + 1):
        yield f'<text x="{x(hour * 3600):.1f}" y="{bottom + 16}" text-anchor="middle">{hour} h</text>'
    yield f'<text x="{_MARGIN - 4}" y="{y(max(rates)) + 4:.1f}" text-anchor="end">{max(rates):.0f}/s</text>'
    if outcome.allowed is not None:
        yield f'<path class="budget" d="M{_MARGIN},{y(outcome.allowed):.1f} H{right}"/>'
        yield f'<text x="{right}" y="{y(outcome.allowed) - 4:.1f}" text-anchor="end">{outcome.allowed:g}/s</text>'
