"""The pace of reports: kept by the statements that store them, and equal to a model in a few lines of Python."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import attrs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.server.heard_devices import Pace, Reporter, Site, open_site

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
async def site(database_url: str) -> AsyncGenerator[Site]:
    async with open_site(database_url) as site:
        yield site


@pytest.fixture
async def device(site: Site) -> Reporter:
    return await site.device(await site.project(), "one")


async def cadence_of(site: Site, device: Reporter, moments: Sequence[float]) -> float | None:
    for now in moments:
        await site.report(device, now)
    return (await site.pace(device)).cadence


def facts(pace: Pace) -> tuple[object, ...]:
    return pace.heard_at, pytest.approx(pace.cadence), pace.interval


#: seconds since the last one, how it is stored, the interval that it announces
reports = st.lists(
    st.tuples(
        st.one_of(st.integers(-600, 600), st.integers(0, 30 * DAY)),
        st.sampled_from(["repeated", "changed", "late", "several"]),
        st.sampled_from([None, None, 600, DAY]),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reports)
@example([(HOUR, "repeated", None), (0, "several", None), (-600, "late", 600), (HOUR, "late", None)])
async def test_the_cadence_is_the_models_however_reports_are_stored(
    site: Site, reports: list[tuple[int, str, int | None]]
) -> None:
    device = await site.device(await site.project(), "one")
    model, now = Pace(), 0
    for number, (gap, way, interval) in enumerate(reports):
        now = max(now + gap, 0)
        if way == "several":
            await site.report_several(device, now, interval)
        else:
            observed = -number if way == "late" else None
            version = str(number) if way == "changed" else "1"
            await site.report(device, now, version=version, observed=observed, interval=interval)
        model.hear(now, interval)

        assert attrs.astuple(await site.pace(device)) == facts(model)


async def test_one_report_makes_no_cadence(site: Site, device: Reporter) -> None:
    assert await cadence_of(site, device, [0]) is None


async def test_the_first_cadence_is_the_first_gap(site: Site, device: Reporter) -> None:
    assert await cadence_of(site, device, [0, HOUR]) == HOUR


async def test_an_outage_at_most_doubles_the_cadence(site: Site, device: Reporter) -> None:
    found = await cadence_of(site, device, [0, HOUR, 100 * DAY])

    assert found is not None
    assert HOUR < found <= 2 * HOUR


async def test_a_burst_of_reboots_hardly_moves_the_cadence(site: Site, device: Reporter) -> None:
    found = await cadence_of(site, device, [0, DAY, *(DAY + 20 * reboot for reboot in range(1, 21))])

    assert found == pytest.approx(DAY, rel=0.01)


async def test_another_pace_is_learnt_in_a_handful_of_reports(site: Site, device: Reporter) -> None:
    hourly = [HOUR * number for number in range(10)]
    found = await cadence_of(site, device, hourly + [hourly[-1] + DAY * number for number in range(1, 8)])

    assert found is not None
    assert found > DAY / 3  # after which nobody calls it silent between two reports


async def test_a_late_report_that_changes_nothing_is_heard(site: Site, device: Reporter) -> None:
    await site.report(device, 0, observed=-DAY)
    await site.report(device, 10)

    await site.report(device, HOUR, observed=-DAY)

    assert (await site.pace(device)).heard_at == HOUR


async def test_components_have_cadences_of_their_own(site: Site, device: Reporter) -> None:
    for now, component in [(0, "main"), (0, "modem"), (HOUR, "main"), (DAY, "modem")]:
        await site.report(device, now, component=component)

    assert (await site.pace(device)).cadence == HOUR
    assert (await site.pace(device, "modem")).cadence == DAY


async def test_the_last_report_says_which_interval_holds(site: Site, device: Reporter) -> None:
    await site.report(device, 0, interval=600)
    await site.report(device, 600, interval=900)
    assert (await site.pace(device)).interval == 900

    await site.report(device, 1200)

    assert (await site.pace(device)).interval is None
