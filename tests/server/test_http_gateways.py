"""Gateways over HTTP: one API key of a project reports for many devices, and for nobody else's."""

from __future__ import annotations

import datetime as dt
from typing import Any

import httpx
import psycopg
import pytest

from firmtrail_contract import MAX_DEVICE_REPORTS
from tests.server.callers import Caller, key_of, made, read, refusal, wrong_fields
from tests.server.conftest import Clock, Demo, RowsWritten

DAY = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)


@pytest.fixture
def path(demo: Demo) -> str:
    return f"projects/{demo.project_id}/firmware_reports"


@pytest.fixture
async def gateway(admin: Caller, demo: Demo) -> Caller:
    return await new_gateway(admin, demo)


async def new_gateway(admin: Caller, demo: Demo, **terms: Any) -> Caller:
    return Caller(admin.http, key_of(await new_key(admin, demo, **terms)))


async def new_key(admin: Caller, demo: Demo, **terms: Any) -> Any:
    terms = {"role": "viewer", "reports_for_devices": True} | terms
    return made(await admin.post(f"projects/{demo.project_id}/api_keys", terms))


async def device(admin: Caller, demo: Demo, name: str) -> str:
    return made(await admin.post(f"projects/{demo.project_id}/devices", {"name": name}))["id"]


async def report(gateway: Caller, path: str, *reports: dict[str, Any]) -> list[Any]:
    return read(await gateway.post(path, {"reports": reports}))["reports"]


def outcomes(receipts: list[Any]) -> list[str]:
    """What became of each report: its outcome, or why it was refused."""
    return [one["problem"] or one["receipt"]["outcome"] for one in receipts]


async def history(admin: Caller, device_id: str) -> list[tuple[str, str, str]]:
    periods = read(await admin.get(f"devices/{device_id}/firmware_version"))["items"]
    return [(one["version"], one["first_reported_at"][:10], one["last_reported_at"][:10]) for one in periods]


def on(day: int) -> str:
    return (DAY + dt.timedelta(days=day)).isoformat()


async def test_one_request_reports_for_many_devices_in_its_order(
    admin: Caller, gateway: Caller, path: str, demo: Demo
) -> None:
    ids = [await device(admin, demo, name) for name in ("a", "b")]

    receipts = await report(
        gateway,
        path,
        {"device_name": "b", "version": "2.0"},
        {"device_id": ids[0], "version": "1.0"},
        {"device_id": ids[0], "version": "7", "component": "modem"},
    )

    assert [one["device_id"] for one in receipts] == [ids[1], ids[0], ids[0]]
    assert [one["receipt"]["version"] for one in receipts] == ["2.0", "1.0", "7"]
    assert outcomes(receipts) == ["opened"] * 3
    assert [one[0] for one in await history(admin, ids[0])] == ["1.0", "7"]


async def test_a_refused_report_does_not_spoil_its_neighbours(
    admin: Caller, gateway: Caller, path: str, demo: Demo, other: Demo
) -> None:
    await device(admin, demo, "a")
    retired = await device(admin, demo, "old")
    await admin.bare_post(f"devices/{retired}/retire")

    receipts = await report(
        gateway,
        path,
        {"device_name": "a", "version": "1.0"},
        {"device_name": "nobody", "version": "1.0"},
        {"device_name": "a", "version": "x" * 129},
        {"device_id": other.device_id, "version": "1.0"},
        {"device_name": "old", "version": "1.0"},
        {"device_name": "a\u0000", "version": "1.0"},
        {"version": "1.0"},
        {"device_name": "a", "version": "1.0", "strict": True},
        {"device_name": "a", "version": "1.0", "component": "A b", "interval_seconds": 1},
        {"device_name": "a", "version": "1.0", "component": "modem"},
    )

    wrong = "invalid_request"
    expected = ["opened", "not_found", wrong, "not_found", "conflict", wrong, wrong, wrong, wrong, "opened"]
    assert outcomes(receipts) == expected
    assert [error["pointer"] for error in receipts[8]["errors"]] == [
        "/reports/8/component",
        "/reports/8/interval_seconds",
    ]


async def test_a_gateway_cannot_report_for_a_device_of_another_project(
    gateway: Caller, path: str, demo: Demo, other: Demo, rows_written: RowsWritten
) -> None:
    foreign = path.replace(demo.project_id, other.project_id)

    answer = await gateway.post(foreign, {"reports": [{"device_id": other.device_id, "version": "1"}]})

    assert refusal(answer) == (404, "not_found")
    assert outcomes(await report(gateway, path, {"device_id": other.device_id, "version": "1"})) == ["not_found"]
    assert rows_written() == 0


@pytest.mark.parametrize("which", ["role", "device", "enrollment", "token without the scope"])
async def test_no_other_key_reports_for_devices(
    http: httpx.AsyncClient, admin: Caller, path: str, demo: Demo, which: str
) -> None:
    keys = {"role": demo.project_key, "device": demo.device_key}
    caller = Caller(http, keys.get(which, demo.project_key))
    if which == "enrollment":
        terms = {"expires_at": "2026-07-01T00:00:00Z", "max_uses": 3}
        caller = Caller(http, key_of(made(await admin.post(f"projects/{demo.project_id}/enrollment_keys", terms))))
    if which == "token without the scope":
        key_id, secret = key_of(await new_key(admin, demo))
        form = {"grant_type": "client_credentials", "scope": "devices:read"}
        token = read(await http.post("/v1/oauth/token", data=form, auth=(key_id, secret)))["access_token"]
        caller = Caller(http)
        http.headers["Authorization"] = f"Bearer {token}"

    answer = await caller.post(path, {"reports": [{"device_id": demo.device_id, "version": "1"}]})

    assert refusal(answer) == (403, "forbidden")


async def test_a_gateways_key_does_not_report_as_a_device(gateway: Caller, demo: Demo) -> None:
    answer = await gateway.post(f"devices/{demo.device_id}/firmware_version", {"version": "1"})

    assert refusal(answer) == (403, "forbidden")


async def test_a_key_is_a_gateways_only_when_asked_for_and_the_audit_trail_says_so(admin: Caller, demo: Demo) -> None:
    keys = f"projects/{demo.project_id}/api_keys"
    plain = made(await admin.post(keys, {"role": "editor"}))
    gateway = await new_key(admin, demo, label="site 3")
    rotated = made(await admin.post(f"{keys}/{gateway['id']}/rotate", {}))

    listed = {one["id"]: one["reports_for_devices"] for one in read(await admin.get(keys))["items"]}

    assert listed == {demo.project_key[0]: False, plain["id"]: False, gateway["id"]: True, rotated["id"]: True}
    trail = read(await admin.get(f"projects/{demo.project_id}/audit_events", action="api_key.created"))["items"]
    details = {one["target_id"]: one["details"] for one in trail}
    assert details[plain["id"]] == {"role": "editor"}
    assert details[gateway["id"]] == {"role": "viewer", "reports_for_devices": "true"}


async def test_who_may_not_register_devices_makes_no_gateway(
    http: httpx.AsyncClient, admin: Caller, demo: Demo
) -> None:
    key = made(await admin.post(f"projects/{demo.project_id}/api_keys", {"role": "editor"}))
    old = await new_key(admin, demo)
    form = {"grant_type": "client_credentials", "scope": "keys:write keys:read devices:read firmware:read"}
    scope = form["scope"] + " project:read members:read device_desired_versions:read"
    grant = await http.post("/v1/oauth/token", data=form | {"scope": scope}, auth=key_of(key))
    http.headers["Authorization"] = f"Bearer {read(grant)['access_token']}"
    narrow, keys = Caller(http), f"projects/{demo.project_id}/api_keys"

    made(await narrow.post(keys, {"role": "viewer"}))

    assert refusal(await narrow.post(keys, {"role": "viewer", "reports_for_devices": True})) == (403, "forbidden")
    assert refusal(await narrow.post(f"{keys}/{old['id']}/rotate", {})) == (403, "forbidden")


async def test_a_deleted_or_expired_gateway_is_refused(
    admin: Caller, path: str, demo: Demo, clock: Clock, rows_written: RowsWritten
) -> None:
    deleted = await new_key(admin, demo)
    expired = await new_gateway(admin, demo, expires_at="2026-06-02T00:00:00Z")
    await admin.delete(f"projects/{demo.project_id}/api_keys/{deleted['id']}")
    clock.advance(days=1)

    for caller in (Caller(admin.http, key_of(deleted)), expired):
        answer = await caller.post(path, {"reports": [{"device_id": demo.device_id, "version": "1"}]})
        assert refusal(answer) == (401, "unauthenticated")
    assert rows_written() == 0


async def test_late_reports_of_many_devices_make_the_history_of_single_ones(
    admin: Caller, gateway: Caller, path: str, demo: Demo
) -> None:
    together, single = [await device(admin, demo, name) for name in ("together", "single")]
    said = [(9, "3"), (1, "1"), (5, "2"), (3, "1"), (7, "2"), (6, "3"), (2, "2")]

    for start in (0, 4):
        await report(
            gateway,
            path,
            *({"device_id": together, "version": version, "observed_at": on(day)} for day, version in said[start:][:4]),
            {"device_name": "Test Device", "version": "1", "observed_at": on(start)},
        )
    for day, version in said:
        await report(gateway, path, {"device_id": single, "version": version, "observed_at": on(day)})

    assert await history(admin, together) == await history(admin, single)
    assert len(await history(admin, together)) > 3


async def test_a_retry_changes_nothing(
    admin: Caller, gateway: Caller, path: str, demo: Demo, database_url: str
) -> None:
    await device(admin, demo, "a")
    said = [
        {"device_name": name, "version": str(day // 2), "observed_at": on(day)}
        for name in ("a", "Test Device")
        for day in (4, 2, 8, 6)
    ]
    first = outcomes(await report(gateway, path, *said))
    before = periods(database_url)

    again = outcomes(await report(gateway, path, *said))

    assert (first, again) == (["opened"] * 8, ["known"] * 8)
    assert periods(database_url) == before


def periods(database_url: str) -> list[Any]:
    with psycopg.connect(database_url, autocommit=True) as conn:
        return conn.execute(
            "select period_id, device_id, version, first_reported_at, last_reported_at, superseded_at, report_count"
            "  from device_firmware_periods"
            " union all"
            " select period_id, device_id, version, first_reported_at, last_reported_at, null, report_count"
            "  from device_firmware order by 1"
        ).fetchall()


async def test_a_device_that_is_retired_while_it_reports_is_refused_alone(
    admin: Caller, gateway: Caller, path: str, demo: Demo
) -> None:
    gone = await device(admin, demo, "gone")
    await report(gateway, path, {"device_id": gone, "version": "1"}, {"device_name": "Test Device", "version": "1"})
    await admin.bare_post(f"devices/{gone}/retire")

    receipts = await report(
        gateway, path, {"device_id": gone, "version": "2"}, {"device_name": "Test Device", "version": "2"}
    )

    assert outcomes(receipts) == ["conflict", "opened"]
    assert [one[0] for one in await history(admin, gone)] == ["1"]


async def test_a_request_holds_a_bounded_number_of_reports(gateway: Caller, path: str) -> None:
    one = {"device_name": "a", "version": "1"}

    assert wrong_fields(await gateway.post(path, {"reports": []})) == [("/reports", "too_short")]
    assert wrong_fields(await gateway.post(path, {"reports": [one] * (MAX_DEVICE_REPORTS + 1)})) == [
        ("/reports", "too_long")
    ]
