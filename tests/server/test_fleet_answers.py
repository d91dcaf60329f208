"""What a fleet runs and ran, on the real database: after any history every answer is that of the naive model."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmtrail_contract import DeviceQuery, DeviceState
from firmtrail_server.db import Database, Transaction
from firmtrail_server.ingest import Ingest
from firmtrail_server.services import derived_tables
from firmtrail_server.services.derived_tables import compare
from tests.server.fleet_checks import check_adoption, check_changes, check_counts, check_histories, check_list
from tests.server.fleet_histories import COMPONENTS, FILTERS, SETTINGS, SITES, Step, edges_of, histories, play, sizes
from tests.server.real_fleet import RealFleet


@pytest.fixture(params=[Transaction.INGEST, Transaction.WRITE], ids=["read committed", "serializable"])
async def fleet(request: pytest.FixtureRequest, database_url: str) -> AsyncGenerator[RealFleet]:
    database = Database(database_url, max_connections=2)
    await database.open()
    ingest = Ingest(database, database_url, isolation=request.param)
    ingest.open()
    yield RealFleet(database, ingest)
    await ingest.close()
    await database.close()


@pytest.fixture(autouse=True)
def small_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derived_tables, "_ROWS_AT_ONCE", 3)


@SETTINGS
@given(histories(), st.data())
async def test_after_any_history_every_answer_is_that_of_the_model(
    fleet: RealFleet, steps: list[Step], data: st.DataObject
) -> None:
    await play(fleet, steps)

    assert not (await compare(fleet.database, repair=False)).differences
    edges = [*edges_of(fleet)]
    labels = data.draw(st.sampled_from([None, *SITES]))
    for at in [None, *data.draw(st.lists(st.sampled_from(edges), min_size=1, max_size=3, unique=True))]:
        state = data.draw(st.sampled_from(DeviceState))
        await check_counts(fleet, at, labels, state)
        await check_histories(fleet, at)
        for version in [None, *data.draw(st.lists(st.sampled_from([*FILTERS]), max_size=2))]:
            component = data.draw(st.sampled_from([None, *COMPONENTS]))
            query = DeviceQuery(component=component, version=version, state=state, page_size=data.draw(sizes))
            await check_list(fleet, at, labels, query)
    series = sorted(data.draw(st.lists(st.sampled_from(edges), min_size=1, max_size=6, unique=True)))
    await check_adoption(fleet, series, labels)
    await check_changes(fleet, series[0], series[-1], labels)


async def test_a_version_that_was_never_in_force_makes_no_change(fleet: RealFleet) -> None:
    await fleet.begin(1)
    for version, at in (("1.0", 5), ("1.0", 9), ("1.1", 5), ("1.0", 1)):
        await fleet.report(0, [("main", version)], at)

    assert [one.version for one in fleet.model.periods(str(fleet.devices[0]), "main")] == ["1.0", "1.1", "1.0"]
    assert fleet.model.changes("main") == []
    await check_changes(fleet, 0, 20, None)
