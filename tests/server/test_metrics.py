"""What Prometheus reads of a server."""

from __future__ import annotations

import attrs
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from firmtrail_server.settings import Settings
from tests.server.conftest import seed
from tests.server.refusals import assert_problem

TOKEN = "planted-metrics-token"
ROUTE = "/v1/devices/{device_id}/firmware_version"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return attrs.evolve(settings, metrics_token=TOKEN)


async def counted(http: httpx.AsyncClient) -> dict[tuple[str, ...], float]:
    """Read all samples, each by its name and the values of its labels in the order of their names."""
    answer = (await http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})).raise_for_status()
    return {
        (sample.name, *[sample.labels[label] for label in sorted(sample.labels)]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_metrics_are_in_the_text_format_of_prometheus(http: httpx.AsyncClient) -> None:
    answer = await http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE firmtrail_http_requests_total counter\n" in answer.text
    assert "# TYPE process_resident_memory_bytes gauge\n" in answer.text


@pytest.mark.parametrize("given", ["", TOKEN, f"Bearer {TOKEN}x", "Bearer", f"Basic {TOKEN}", "Bearer \u00e4"])
async def test_metrics_are_not_shown_without_their_token(http: httpx.AsyncClient, given: str) -> None:
    answer = await http.get("/metrics", headers={b"Authorization": given.encode()})

    assert TOKEN not in assert_problem(answer, 401, "unauthenticated")["detail"]


@pytest.mark.parametrize("settings", [Settings()])
async def test_where_no_token_is_set_nobody_sees_metrics(http: httpx.AsyncClient) -> None:
    assert_problem(await http.get("/metrics", headers={"Authorization": "Bearer"}), 404, "not_found")


async def test_requests_are_counted_by_their_route_and_status(http: httpx.AsyncClient) -> None:
    demo = await seed(http)
    for version in ("1", "1", ""):
        await http.post(demo.path, auth=demo.device_key, json={"version": version})

    found = await counted(http)

    requests = "firmtrail_http_requests_total"
    assert (found[requests, "POST", ROUTE, "2xx"], found[requests, "POST", ROUTE, "4xx"]) == (2, 1)
    assert found["firmtrail_http_request_duration_seconds_count", "POST", ROUTE] == 3
    assert found["firmtrail_http_request_duration_seconds_bucket", "+Inf", "POST", ROUTE] == 3
    assert found["firmtrail_http_request_duration_seconds_sum", "POST", ROUTE] > 0


async def test_what_clients_make_up_is_no_label(http: httpx.AsyncClient) -> None:
    await http.get("/planted-path")
    await http.request("PROPFIND", "/healthz")

    found = await counted(http)

    assert found["firmtrail_http_requests_total", "none", "none", "4xx"] == 2
    assert not [name for name in found if "planted" in repr(name) or "PROPFIND" in name]


async def test_reports_are_counted_by_what_they_did_with_their_batches_and_commits(http: httpx.AsyncClient) -> None:
    demo = await seed(http)
    before = await counted(http)
    for version, day in (("1", 2), ("1", 2), ("1", 3), ("2", 4), ("0", 1)):
        body = {"version": version, "observed_at": f"2026-05-0{day}T00:00:00Z"}
        (await http.post(demo.path, auth=demo.device_key, json=body)).raise_for_status()

    found = await counted(http)

    outcomes = {name[1]: value for name, value in found.items() if name[0] == "firmtrail_reports_total"}
    assert outcomes == {"opened": 3, "known": 1, "extended": 1}
    assert found["firmtrail_report_batch_size_count",] == 5
    assert found["firmtrail_database_commits_total",] >= before["firmtrail_database_commits_total",] + 5
    assert found["firmtrail_reports_waiting",] == 0
    assert found["firmtrail_database_pool_size",] >= 1


async def test_tokens_are_counted_by_whether_they_had_to_be_checked(http: httpx.AsyncClient) -> None:
    demo = await seed(http)
    granted = await http.post("/v1/oauth/token", auth=demo.device_key, data={"grant_type": "client_credentials"})
    bearer = {"Authorization": f"Bearer {granted.json()['access_token']}"}
    for _ in range(3):
        await http.post(demo.path, headers=bearer, json={"version": "1"})

    found = await counted(http)

    assert found["firmtrail_credential_cache_misses_total",] == 1
    assert found["firmtrail_credential_cache_hits_total",] == 2
    assert found["firmtrail_secrets_waiting",] == found["firmtrail_passwords_waiting",] == 0
