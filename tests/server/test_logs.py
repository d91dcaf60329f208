"""What a server writes: what an operator needs to know, and no secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator
from typing import Any

import httpx
import psycopg
import pytest

from firmtrail_server.errors import DatabaseUnavailable, ReportQueueFull
from firmtrail_server.telemetry.refusal_log import QUIET_SECONDS, RefusalLog
from tests.server.conftest import Demo
from tests.server.server_process import ServerProcess

EMAIL = "planted@example.com"
PLANTED = "planted-secret-0123456789"


@pytest.fixture
def server(database_url: str) -> Generator[ServerProcess]:
    url = database_url.replace("firmtrail@", f"firmtrail:{PLANTED}@")
    assert PLANTED in url
    process = ServerProcess(
        "serve",
        FIRMTRAIL_DATABASE_URL=url,
        FIRMTRAIL_LOG_FORMAT="json",
        FIRMTRAIL_LOG_REQUESTS="true",
        FIRMTRAIL_METRICS_TOKEN=PLANTED,
        FIRMTRAIL_SEED_ENABLED="true",
    )
    yield process
    process.kill()


def lines(server: ServerProcess) -> list[dict[str, Any]]:
    """Stop the server, and read its log."""
    assert server.stop() == 0
    return [json.loads(line) for line in server.said.splitlines()]


def test_a_line_is_an_object_and_each_request_has_one_that_says_who_asked_for_what(server: ServerProcess) -> None:
    with httpx.Client(base_url=server.url()) as http:
        demo = demo_of(http)
        key = demo.device_key
        answer = http.post(demo.path, auth=key, json={"version": "1"}, headers={"X-Request-Id": "trace-7"})

    said = lines(server)
    assert [line["message"].partition(" on ")[0] for line in said] == ["listening", "answered", "answered"]
    assert {"time", "level", "logger", "pid"} <= said[0].keys()
    route = "/v1/devices/{device_id}/firmware_version"
    asked = {"request_id": "trace-7", "key_id": key[0], "method": "POST", "route": route, "status": answer.status_code}
    assert said[-1].items() >= asked.items()


def test_a_mistake_of_ours_is_logged_with_its_request_and_no_secret_or_email_is_in_any_line_or_metric(
    server: ServerProcess, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("alter table users add constraint planted_constraint check (email not like 'planted%')")
    with httpx.Client(base_url=server.url()) as http:
        demo = demo_of(http)
        secrets = [PLANTED, EMAIL, EMAIL.partition("@")[0] + "@", demo.device_key[1], demo.project_key[1]]
        user = {"email": EMAIL, "name": PLANTED, "password": PLANTED}
        failed = http.post("/v1/users", json=user)
        http.post(demo.path, auth=demo.device_key, json={"version": "1"})
        http.post(demo.path, auth=(demo.device_key[0], PLANTED), json={"version": "1"})
        http.get(f"/{PLANTED}?access_token={PLANTED}", headers={"Authorization": f"Bearer {PLANTED}"})
        form = {"grant_type": "password", "username": EMAIL, "password": PLANTED}
        http.post("/v1/oauth/token", data=form)
        form = {"grant_type": "client_credentials"}
        token = http.post("/v1/oauth/token", data=form, auth=demo.project_key).json()["access_token"]
        http.get(demo.path, headers={"Authorization": f"Bearer {token}"})
        metrics = http.get("/metrics", headers={"Authorization": f"Bearer {PLANTED}"}).raise_for_status()

    said = lines(server)
    assert failed.status_code == 500
    (mistake,) = [line for line in said if line["level"] == "error"]
    assert (mistake["error"], mistake["request_id"]) == ("CheckViolation", failed.headers["X-Request-Id"])
    assert "planted_constraint" in mistake["traceback"]
    assert not [secret for secret in [*secrets, token] if secret in server.said + metrics.text]


def demo_of(http: httpx.Client) -> Demo:
    made = http.post("/v1/seed").raise_for_status().json()
    return Demo(
        project_id=made["project"]["id"],
        device_id=made["device"]["id"],
        project_key=(made["project_api_key"]["id"], made["project_api_key"]["secret"]),
        device_key=(made["device_api_key"]["id"], made["device_api_key"]["secret"]),
    )


def test_text_is_for_people_and_a_request_has_no_line_unless_the_operator_wants_that(database_url: str) -> None:
    server = ServerProcess("serve", FIRMTRAIL_DATABASE_URL=database_url)
    url = server.url()
    httpx.get(f"{url}/healthz").raise_for_status()
    assert server.stop() == 0

    assert server.said == f"firmtrail-server: listening on {url}\n"


def test_of_many_requests_that_fail_for_one_reason_a_line_in_a_while_says_how_many_they_were(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    refusals = RefusalLog(lambda: now[0])
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            refusals.add(DatabaseUnavailable(OSError("the cable\nis out")), "first")
        refusals.add(ReportQueueFull(), "other")
        now[0] += QUIET_SECONDS
        refusals.add(DatabaseUnavailable(), "last")

    about = [vars(record)["fields"] for record in caplog.records]
    assert about == [
        {"request_id": "first", "cause": "OSError: the cable is out"},
        {"request_id": "other"},
        {"request_id": "last", "more_since_the_last_line": 99},
    ]
