"""What an operator's tools ask over plain HTTP, and how they find a request in the log."""

from __future__ import annotations

import httpx
import psycopg

from tests.server.refusals import assert_problem


async def test_a_server_with_its_database_is_alive_and_ready(http: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await http.get(path)).raise_for_status().json()["status"] == "ok"


async def test_a_server_whose_schema_is_too_old_is_alive_but_not_ready_and_says_what_to_run(
    http: httpx.AsyncClient, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("delete from _yoyo_migration")

    problem = assert_problem(await http.get("/readyz"), 503, "unavailable")
    assert "firmtrail-server migrate" in problem["detail"]
    assert (await http.get("/healthz")).status_code == 200


async def test_a_request_id_of_the_client_is_kept_and_a_strange_one_replaced(http: httpx.AsyncClient) -> None:
    kept = await http.get("/healthz", headers={"X-Request-Id": "trace-7"})
    replaced = await http.get("/healthz", headers={"X-Request-Id": "a b<script>"})

    assert kept.headers["X-Request-Id"] == "trace-7"
    assert replaced.headers["X-Request-Id"] != "a b<script>"
