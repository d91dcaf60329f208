"""Lists and answers as frames: columns, types and values, from a real server and from nothing."""

from __future__ import annotations

import datetime as dt
import sys
import uuid
from collections.abc import AsyncGenerator
from typing import Any, get_args, get_origin

import attrs
import httpx
import polars as pl
import pytest

from firmtrail import AsyncClient, AuditEvent, Client, MissingExtraError, VersionPeriod, frames
from firmtrail_contract import ListedDevice, Rollback, RuleCompliance, SilentDevice, VersionCount
from tests.sdk.small_fleet import SmallFleet, small_fleet
from tests.served import Server
from tests.server.conftest import Clock, Demo

MOMENT = dt.datetime(2026, 5, 3, 12, tzinfo=dt.UTC)
LISTED = [AuditEvent, ListedDevice, Rollback, RuleCompliance, SilentDevice, VersionCount, VersionPeriod]
PERIOD = VersionPeriod(
    id=uuid.UUID(int=1),
    component="main",
    version="1.4.2",
    first_reported_at=MOMENT,
    last_reported_at=MOMENT,
    report_count=1,
    superseded_at=None,
    recorded_at=MOMENT,
)


@pytest.fixture
async def client(http: httpx.AsyncClient, server: Server, clock: Clock, demo: Demo) -> AsyncGenerator[AsyncClient]:
    fleet: SmallFleet = await small_fleet(http, server, clock, demo)
    async with AsyncClient(fleet.url, api_key=fleet.project_key) as client:
        yield client


async def test_a_list_becomes_a_row_an_item_from_all_pages(client: AsyncClient) -> None:
    pager = client.devices.list(page_size=2)

    frame = await pager.to_polars(labels=["site", "rack"])

    assert frame["name"].to_list() == [device.name async for device in pager]
    assert frame["labels.site"].to_list() == ["berlin", "berlin", "hamburg", "hamburg", "oslo", "oslo"]
    assert frame["labels.rack"].null_count() == frame.height
    assert frame["firmware"].to_list()[0][0]["version"] == "1.5.0"


async def test_pandas_holds_what_polars_holds(client: AsyncClient) -> None:
    pager = client.fleet.silent()

    by_pandas = (await pager.to_pandas()).drop(columns=["labels"])
    by_polars = (await pager.to_polars()).drop("labels")

    assert pl.from_pandas(by_pandas).equals(by_polars)
    assert by_pandas["silent_since"].dt.tz is not None


async def test_every_answer_about_a_fleet_becomes_a_frame(client: AsyncClient) -> None:
    await client.desired_versions.set(versions=["1.5.0"])
    versions = await client.fleet.versions()
    compliance = await client.fleet.compliance()
    flapping = await client.fleet.flapping(since=dt.date(2026, 5, 1))
    status = await client.fleet.status()

    assert versions.to_polars()["devices"].to_list() == [count.devices for count in versions.items]
    assert compliance.to_polars()["rule_versions"].to_list() == [["1.5.0"]]
    assert flapping.to_polars()["changes"].to_list() == [5]
    assert status.to_polars().row(0, named=True)["silent"] == status.silent
    assert len(versions.to_pandas()) == versions.to_arrow().num_rows == len(versions.items)


async def test_an_adoption_becomes_a_row_a_version_and_moment(client: AsyncClient) -> None:
    adoption = await client.fleet.adoption(since=dt.date(2026, 5, 1), step="week")

    frame = adoption.to_polars()

    assert frame.height == len(adoption.moments) * len(adoption.versions)
    last = frame.filter(pl.col("moment") == adoption.moments[-1], pl.col("version") == "1.5.0")
    assert last["share"].to_list() == [adoption.versions[0].shares[-1]]


def filled(kind: Any) -> Any:
    """Make a value of a type; what is optional is missing."""
    if type(None) in get_args(kind):
        return None
    if attrs.has(kind):
        attrs.resolve_types(kind)
        return kind(**{field.name: filled(field.type) for field in attrs.fields(kind)})
    examples: dict[Any, Any] = {uuid.UUID: uuid.UUID(int=1), dt.datetime: MOMENT, list: [], dict: {}}
    plain = get_origin(kind) or kind
    return examples.get(plain, plain(1) if plain in {int, float, bool} else "x")


@pytest.mark.parametrize("model", LISTED)
def test_a_frame_has_the_same_types_when_empty(model: type) -> None:
    empty, full = (frames.to_arrow(rows, model) for rows in ([], [filled(model)]))

    assert empty.schema.equals(full.schema)
    assert frames.to_polars(empty).schema == frames.to_polars(full).schema
    assert frames.to_pandas(empty).dtypes.equals(frames.to_pandas(full).dtypes)


@pytest.mark.parametrize("model", LISTED)
def test_every_field_of_a_model_is_a_column(model: type) -> None:
    names = [column.name for column in frames.columns(model)]

    assert len(names) == len({*names})
    assert {field.name for field in attrs.fields(model) if not attrs.has(field.type)} <= {*names}


def test_moments_are_aware_and_missing_ones_are_null() -> None:
    frame = frames.to_polars(frames.to_arrow([PERIOD], VersionPeriod))

    assert frame.schema["first_reported_at"] == pl.Datetime("us", "UTC")
    assert frame["first_reported_at"].to_list() == [MOMENT]
    assert frame["superseded_at"].to_list() == [None]


@pytest.mark.parametrize("library", ["polars", "pandas", "pyarrow"])
def test_a_missing_library_is_named_before_anything_is_fetched(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    pager = Client("http://127.0.0.1:9", api_key="id:secret").devices.list()

    make = {"polars": pager.to_polars, "pandas": pager.to_pandas, "pyarrow": pager.to_arrow}[library]

    with pytest.raises(MissingExtraError, match=rf"{library}.*pip install 'firmtrail\[") as caught:
        make()
    assert isinstance(caught.value, ImportError)
