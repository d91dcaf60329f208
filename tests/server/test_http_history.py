"""The two firmware endpoints over plain HTTP, as a client without any of our code sees them."""

from __future__ import annotations

import asyncio
import datetime as dt

import httpx
import pytest

from tests.server.conftest import Clock, Demo
from tests.server.refusals import errors


def moment(hour: int) -> str:
    return f"2026-05-03T{hour:02}:00:00.000000Z"


async def report(http: httpx.AsyncClient, demo: Demo, **body: object) -> httpx.Response:
    return await http.post(demo.path, auth=demo.device_key, json=body)


async def versions(http: httpx.AsyncClient, demo: Demo) -> list[str]:
    answer = await http.get(demo.path, auth=demo.project_key)
    return [period["version"] for period in answer.raise_for_status().json()["items"]]


async def test_seed_gives_a_project_a_device_and_a_key_for_each(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/seed")

    assert answer.status_code == 201
    made = answer.json()
    assert made["project"]["name"] == "Test Project"
    assert made["device"]["project_id"] == made["project"]["id"]
    assert made["device_api_key"]["device_id"] == made["device"]["id"]
    assert made["project_api_key"]["secret"].startswith("ftp_")
    assert made["device_api_key"]["secret"].startswith("ftd_")


async def test_a_new_version_is_201_and_a_repeat_is_200(http: httpx.AsyncClient, demo: Demo, clock: Clock) -> None:
    first = await report(http, demo, version="1.2.3")
    clock.advance(hours=1)
    second = await report(http, demo, version="1.2.3")

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == {
        "component": "main",
        "version": "1.2.3",
        "observed_at": "2026-06-01T13:00:00.000000Z",
        "observed_at_source": "server",
        "outcome": "extended",
    }


async def test_blanks_around_a_version_make_no_other_version(http: httpx.AsyncClient, demo: Demo) -> None:
    answers = [await report(http, demo, version=one) for one in ("1.2", " 1.2", "1.2\u00a0", "\u200b1.2")]

    assert [answer.json()["version"] for answer in answers] == ["1.2"] * 4
    assert await versions(http, demo) == ["1.2"]


async def test_the_history_comes_back_as_periods_oldest_first(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    for hour, version in ((1, "1.0"), (2, "1.0"), (3, "1.1")):
        await report(http, demo, version=version, observed_at=moment(hour))

    answer = await http.get(demo.path, auth=demo.project_key)

    assert answer.status_code == 200
    assert answer.json()["next_page_token"] is None
    first, second = answer.json()["items"]
    assert {name: first[name] for name in first if name != "id"} == {
        "component": "main",
        "version": "1.0",
        "first_reported_at": moment(1),
        "last_reported_at": moment(2),
        "report_count": 2,
        "superseded_at": moment(3),
        "recorded_at": "2026-06-01T12:00:00.000000Z",
        "first_reported_at_source": "device",
        "last_reported_at_source": None,
    }
    assert (second["version"], second["superseded_at"]) == ("1.1", None)


async def test_a_device_that_never_reported_has_an_empty_history(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await http.get(demo.path, auth=demo.project_key)

    assert answer.json() == {"items": [], "next_page_token": None, "as_of": None, "gaps": []}


async def test_an_unbelievable_moment_falls_back_to_the_servers_and_says_so(
    http: httpx.AsyncClient, demo: Demo
) -> None:
    answer = await report(http, demo, version="1.0", observed_at="2036-01-01T00:00:00Z")

    assert answer.status_code == 201
    assert answer.json()["observed_at"] == "2026-06-01T12:00:00.000000Z"
    assert answer.json()["observed_at_source"] == "server"


NEVER_SET = ["2000-01-01T00:05:00Z", "2010-01-01T00:00:10Z", "2015-01-01T00:00:10Z", "2024-10-01T09:00:00Z"]


@pytest.mark.parametrize("never_set", NEVER_SET)
async def test_a_clock_that_was_never_set_does_not_keep_the_old_version_current(
    http: httpx.AsyncClient, demo: Demo, clock: Clock, never_set: str
) -> None:
    await report(http, demo, version="1.0", observed_at=moment(1))
    clock.advance(hours=1)

    answer = await report(http, demo, version="2.0", observed_at=never_set)

    assert (answer.status_code, answer.json()["observed_at_source"]) == (201, "server")
    assert answer.json()["observed_at"] == "2026-06-01T13:00:00.000000Z"
    assert await versions(http, demo) == ["1.0", "2.0"]


@pytest.mark.parametrize("never_set", NEVER_SET)
async def test_a_device_whose_clock_is_never_set_has_the_order_of_arrival(
    http: httpx.AsyncClient, demo: Demo, clock: Clock, never_set: str
) -> None:
    for version in ("1.0", "1.0", "2.0", "1.0"):
        clock.advance(hours=1)
        await report(http, demo, version=version, observed_at=never_set)

    assert await versions(http, demo) == ["1.0", "2.0", "1.0"]


async def test_an_old_history_does_not_make_a_clock_that_was_never_set_believed(
    http: httpx.AsyncClient, demo: Demo
) -> None:
    await report(http, demo, version="0.9", observed_at="2000-01-01T00:05:00Z", strict=True)
    await report(http, demo, version="0.9", observed_at=moment(1))

    answer = await report(http, demo, version="1.0", observed_at="2000-01-01T00:06:00Z")

    assert answer.json()["observed_at_source"] == "server"
    assert await versions(http, demo) == ["0.9", "1.0"]


async def test_a_strict_report_of_an_old_history_is_taken_as_it_is(http: httpx.AsyncClient, demo: Demo) -> None:
    await report(http, demo, version="3.0", observed_at=moment(1))

    answers = [
        await report(http, demo, version=version, observed_at=f"{year}-05-01T00:00:00Z", strict=True)
        for version, year in (("2.0", 2019), ("1.0", 2004), ("2.0", 2019))
    ]

    assert [answer.json()["observed_at_source"] for answer in answers] == ["device"] * 3
    assert answers[-1].json()["outcome"] == "known"
    assert await versions(http, demo) == ["1.0", "2.0", "3.0"]


@pytest.mark.parametrize("said", [{}, {"observed_at": "1999-12-31T23:59:59Z"}, {"observed_at": "2026-06-01T12:05:01Z"}])
async def test_a_strict_report_with_an_impossible_moment_is_refused(
    http: httpx.AsyncClient, demo: Demo, said: dict[str, str]
) -> None:
    answer = await report(http, demo, version="1.0", strict=True, **said)

    assert errors(answer) == [("body", "/observed_at", "out_of_range")]
    assert await versions(http, demo) == []


async def test_a_report_that_is_a_year_late_is_believed(http: httpx.AsyncClient, demo: Demo) -> None:
    await report(http, demo, version="2.0", observed_at=moment(1))

    answer = await report(http, demo, version="1.0", observed_at="2025-05-01T00:00:00Z")

    assert answer.json()["observed_at_source"] == "device"
    assert await versions(http, demo) == ["1.0", "2.0"]


async def test_a_late_report_adds_to_the_history_and_does_not_become_current(
    http: httpx.AsyncClient, demo: Demo
) -> None:
    await report(http, demo, version="2.0", observed_at=moment(9))

    late = await report(http, demo, version="1.0", observed_at=moment(1))

    assert late.status_code == 201
    assert await versions(http, demo) == ["1.0", "2.0"]


async def test_a_retry_of_a_report_is_200_and_changes_nothing(http: httpx.AsyncClient, demo: Demo) -> None:
    await report(http, demo, version="1.0", observed_at=moment(1))
    before = (await http.get(demo.path, auth=demo.project_key)).json()

    retry = await report(http, demo, version="1.0", observed_at=moment(1))

    assert (retry.status_code, retry.json()["outcome"]) == (200, "known")
    assert (await http.get(demo.path, auth=demo.project_key)).json() == before


async def test_pages_of_one_join_to_the_whole_history(http: httpx.AsyncClient, demo: Demo) -> None:
    for hour in range(5):
        await report(http, demo, version=f"1.{hour}", observed_at=moment(hour))
        await report(http, demo, version=f"boot-{hour}", observed_at=moment(hour), component="bootloader")
    whole = (await http.get(demo.path, auth=demo.project_key)).json()["items"]

    paged: list[object] = []
    token: str | None = None
    for _ in range(len(whole)):
        query = {"page_size": 1} | ({"page_token": token} if token else {})
        page = (await http.get(demo.path, auth=demo.project_key, params=query)).json()
        paged += page["items"]
        token = page["next_page_token"]

    assert token is None
    assert paged == whole


async def test_the_newest_periods_come_first_where_that_is_asked(http: httpx.AsyncClient, demo: Demo) -> None:
    for hour in range(5):
        await report(http, demo, version=f"1.{hour}", observed_at=moment(hour))
        await report(http, demo, version=f"boot-{hour}", observed_at=moment(hour), component="bootloader")
    whole = (await http.get(demo.path, auth=demo.project_key)).json()["items"]

    asked = {"newest_first": "true", "page_size": 4}
    first = (await http.get(demo.path, auth=demo.project_key, params=asked)).json()
    asked |= {"page_token": first["next_page_token"], "page_size": 100}
    rest = (await http.get(demo.path, auth=demo.project_key, params=asked)).json()
    foreign = await http.get(demo.path, auth=demo.project_key, params={"page_token": first["next_page_token"]})

    assert first["items"] + rest["items"] == whole[::-1]
    assert rest["next_page_token"] is None
    assert foreign.status_code == 422


@pytest.mark.parametrize("newest_first", ["true", "false"])
async def test_periods_may_be_those_that_had_begun_by_a_moment(
    http: httpx.AsyncClient, demo: Demo, newest_first: str
) -> None:
    for hour in range(4):
        await report(http, demo, version=f"1.{hour}", observed_at=moment(hour))

    asked = {"until": moment(2), "newest_first": newest_first}
    found = (await http.get(demo.path, auth=demo.project_key, params=asked)).json()["items"]

    assert sorted(period["version"] for period in found) == ["1.0", "1.1", "1.2"]


async def test_a_version_of_two_at_one_moment_pages_like_any_other(http: httpx.AsyncClient, demo: Demo) -> None:
    for version in ("a", "b", "c", "d"):
        await report(http, demo, version=version, observed_at=moment(1))
    whole = await versions(http, demo)

    first = (await http.get(demo.path, auth=demo.project_key, params={"page_size": 2})).json()
    rest = (await http.get(demo.path, auth=demo.project_key, params={"page_token": first["next_page_token"]})).json()

    assert [period["version"] for period in first["items"] + rest["items"]] == whole
    assert whole[-1] == "d"


async def test_an_offset_is_understood_and_answered_in_utc(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await report(http, demo, version="1.0", observed_at="2026-05-03T14:00:00.5+02:00")

    assert answer.json()["observed_at"] == "2026-05-03T12:00:00.500000Z"


@pytest.mark.parametrize("header", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
async def test_json_is_taken_with_and_without_a_charset(http: httpx.AsyncClient, demo: Demo, header: str) -> None:
    answer = await http.post(
        demo.path, auth=demo.device_key, content=b'{"version":"1"}', headers={"Content-Type": header}
    )

    assert answer.status_code == 201


async def test_reports_at_the_same_time_are_all_kept(http: httpx.AsyncClient, demo: Demo) -> None:
    answers = await asyncio.gather(
        *(report(http, demo, version=f"v{hour}", observed_at=moment(hour)) for hour in range(12))
    )

    assert {answer.status_code for answer in answers} == {201}
    assert await versions(http, demo) == [f"v{hour}" for hour in range(12)]


async def test_the_clock_of_the_server_counts_when_it_runs_backwards(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    await report(http, demo, version="1.0")
    clock.moment -= dt.timedelta(minutes=2)

    answer = await report(http, demo, version="1.1")

    assert answer.json()["observed_at"] == "2026-06-01T12:00:00.000000Z"
    assert await versions(http, demo) == ["1.0", "1.1"]
