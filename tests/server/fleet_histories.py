"""Random histories of a fleet, as steps that RealFleet takes, and the moments at which something begins or ends."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, TypeAlias

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.server.history_model import GONE
from tests.server.real_fleet import DAY, HOUR, RealFleet

SIZE = 4
COMPONENTS = ["main", "modem"]
VERSIONS = ["1.0", "1.1", "2.0"]
SITES = ["a", "b"]
#: which versions each filter means
FILTERS = {"1.0": ["1.0"], "2.0": ["2.0"], "1.*": ["1.0", "1.1"], ">=1.1": ["1.1", "2.0"], "3.0": []}
#: so far apart that periods between them fall into every class of lengths, and on the borders of the classes
MOMENTS = sorted({0, 1, HOUR, DAY - 1, *(DAY * 2**k for k in range(10)), 512 * DAY + 1, 700 * DAY, 700 * DAY + HOUR})
#: without shrinking, which takes minutes on a real database: histories are short as they are drawn
SETTINGS = settings(
    deadline=None,
    max_examples=30,
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
#: a step of a history: a method of RealFleet, and its arguments
Step: TypeAlias = tuple[Any, ...]

#: most is about few devices and one component, so that histories get long
of_device = st.sampled_from([0, 0, 0, 0, 1, 1, 2, 3])
said = st.lists(
    st.tuples(st.sampled_from(["main", *COMPONENTS]), st.sampled_from([*VERSIONS, *VERSIONS, GONE])),
    min_size=1,
    max_size=2,
    unique_by=lambda one: one[0],
)
sizes = st.integers(1, SIZE)


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Steps at few moments, so that many are late, tie, or split a period."""
    at = st.sampled_from(draw(st.lists(st.sampled_from(MOMENTS), min_size=2, max_size=6, unique=True)))
    report = st.tuples(st.just("report"), of_device, said, at, st.sampled_from([0, 0, 0, HOUR, DAY]))
    other = st.one_of(
        st.tuples(st.just("retire"), of_device, at),
        st.tuples(st.just("restore"), of_device),
        st.tuples(st.just("delete"), of_device),
        st.tuples(st.just("label"), of_device, st.sampled_from(SITES)),
    )
    return draw(st.lists(st.one_of(report, report, report, report, report, report, other), min_size=6, max_size=24))


async def play(fleet: RealFleet, steps: list[Step]) -> None:
    """Begin afresh, and take all steps."""
    await fleet.begin(SIZE)
    for name, *arguments in steps:
        await getattr(fleet, name)(*arguments)


def edges_of(fleet: RealFleet) -> Iterator[int]:
    """Each moment at which something begins or ends, and the microseconds beside it."""
    model = fleet.model
    periods = [
        one
        for device_id, component in product(model.kept_devices(), COMPONENTS)
        for one in model.periods(device_id, component)
    ]
    known = {one.first_reported_at for one in periods} | {one.last_reported_at for one in periods}
    known |= {one.superseded_at for one in periods if one.superseded_at is not None}
    known |= {*model.retired_at.values(), 300 * DAY}
    yield from sorted({edge + step for edge in known for step in (-1, 0, 1)})
