"""Requests of those who may not: each gets its right status and a problem document, and writes nothing."""

from __future__ import annotations

import base64

import httpx
import psycopg
import pytest

from firmtrail_server.app import create_app
from firmtrail_server.settings import Settings
from tests.served import serving
from tests.server.conftest import Clock, Demo, RowsWritten
from tests.server.refusals import assert_problem

GOOD = {"version": "1.0"}


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def test_a_wrong_secret_is_401(
    http: httpx.AsyncClient, demo: Demo, other: Demo, rows_written: RowsWritten
) -> None:
    answer = await http.post(demo.path, auth=(demo.device_key[0], other.device_key[1]), json=GOOD)

    assert_problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert rows_written() == 0


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!!",
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        basic("no-uuid", "x"),
        basic("00000000-0000-4000-8000-000000000000", "x" * 200),
        basic("00000000-0000-4000-8000-000000000000", ""),
        basic("00000000-0000-4000-8000-000000000000", "ftd_\x00"),
        "Bearer",
        "Bearer abc",
        "Digest username=x",
    ],
)
async def test_credentials_that_are_none_are_401(http: httpx.AsyncClient, demo: Demo, header: str) -> None:
    answer = await http.post(demo.path, headers={"Authorization": header} if header else {}, json=GOOD)

    assert_problem(answer, 401, "unauthenticated")


async def test_an_unknown_key_id_is_401_like_a_wrong_secret(http: httpx.AsyncClient, demo: Demo) -> None:
    unknown = await http.post(demo.path, auth=("00000000-0000-4000-8000-000000000000", demo.device_key[1]), json=GOOD)
    wrong = await http.post(demo.path, auth=(demo.project_key[0], demo.device_key[1]), json=GOOD)

    assert_problem(unknown, 401, "unauthenticated")
    assert unknown.json()["detail"] == assert_problem(wrong, 401, "unauthenticated")["detail"]


async def test_an_expired_key_is_401(
    http: httpx.AsyncClient, demo: Demo, clock: Clock, database_url: str, rows_written: RowsWritten
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("update api_keys set expires_at = %s", [clock.moment])

    assert_problem(await http.post(demo.path, auth=demo.device_key, json=GOOD), 401, "unauthenticated")
    assert rows_written() == 0


async def test_a_deleted_key_is_401_at_the_next_request(
    http: httpx.AsyncClient, demo: Demo, database_url: str, rows_written: RowsWritten
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("delete from api_keys where id = %s", [demo.device_key[0]])

    assert_problem(await http.post(demo.path, auth=demo.device_key, json=GOOD), 401, "unauthenticated")
    assert rows_written() == 0


async def test_a_devices_key_finds_no_other_device(
    http: httpx.AsyncClient, demo: Demo, other: Demo, rows_written: RowsWritten
) -> None:
    assert_problem(await http.post(other.path, auth=demo.device_key, json=GOOD), 404, "not_found")
    assert rows_written() == 0


async def test_a_project_key_finds_no_device_of_another_project(
    http: httpx.AsyncClient, demo: Demo, other: Demo
) -> None:
    assert_problem(await http.get(other.path, auth=demo.project_key), 404, "not_found")


async def test_a_device_key_may_not_read_the_history(http: httpx.AsyncClient, demo: Demo) -> None:
    assert_problem(await http.get(demo.path, auth=demo.device_key), 403, "forbidden")


async def test_a_project_key_may_not_report(http: httpx.AsyncClient, demo: Demo, rows_written: RowsWritten) -> None:
    assert_problem(await http.post(demo.path, auth=demo.project_key, json=GOOD), 403, "forbidden")
    assert rows_written() == 0


async def test_seed_is_404_unless_the_operator_allows_it(database_url: str) -> None:
    async with (
        serving(create_app(Settings(), database_url)) as server,
        httpx.AsyncClient(base_url=server.url) as http,
    ):
        assert_problem(await http.post("/v1/seed"), 404, "not_found")


async def test_no_answer_or_log_holds_a_secret(
    http: httpx.AsyncClient, demo: Demo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    answers = [
        await http.post(demo.path, auth=(demo.project_key[0], demo.device_key[1]), json=GOOD),
        await http.get(demo.path, auth=demo.device_key),
        await http.post(demo.path, auth=demo.device_key, json={"version": 1}),
    ]

    texts = [answer.text for answer in answers] + [caplog.text]
    assert not any(key[1][4:] in text for text in texts for key in (demo.device_key, demo.project_key))
