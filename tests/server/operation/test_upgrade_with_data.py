"""What servers of this repository's past have stored is all there after an upgrade, and goes on."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import httpx
import pytest

from tests.server.callers import PASSWORD, Bearer, key_of
from tests.server.earlier_servers import commit_with_schema, python_path
from tests.server.server_process import ServerProcess, run

ADA, GRACE = "ada@example.com", "grace@example.com"
#: the schema of the first servers with users, enrollment and batches; and the last one before fleet questions
SCHEMAS = ["0024.devices_of_two_machines", "0028.device_boots_kept"]
FAR = "2099-01-01T00:00:00Z"
BOOT, NEXT_BOOT = "6a5ae3ce-3f5c-4d0e-9d0f-2d2f6d1f0001", "6a5ae3ce-3f5c-4d0e-9d0f-2d2f6d1f0002"


Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | None"


@pytest.fixture(params=SCHEMAS)
def before(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The variable that makes a Python run the server of a schema."""
    commit = commit_with_schema(request.param)
    if not commit:
        pytest.skip("the git history does not go back so far")
    return {"PYTHONPATH": python_path(commit, tmp_path)}


@attrs.frozen
class Ids:
    """What was made, and the keys to it."""

    project: str
    devices: list[str]
    project_key: tuple[str, str] = attrs.field(repr=False)
    device_keys: list[tuple[str, str]] = attrs.field(repr=False)
    enrollment_key: tuple[str, str] = attrs.field(repr=False)


@contextmanager
def serving(database_url: str, **environment: str) -> Generator[httpx.Client]:
    server = ServerProcess("serve", FIRMTRAIL_DATABASE_URL=database_url, **environment)
    try:
        with httpx.Client(base_url=server.url(), timeout=60) as client:
            yield client
    finally:
        assert server.stop() == 0, server.said


def post(client: httpx.Client, path: str, body: Any, auth: Any = None) -> Any:
    answer = client.post(f"/v1/{path}", json=body, auth=auth)
    assert answer.status_code in {200, 201, 202}, (path, answer.text)
    return answer.json()


def log_in(client: httpx.Client, email: str) -> Bearer:
    form = {"grant_type": "password", "username": email, "password": PASSWORD}
    return Bearer(client.post("/v1/oauth/token", data=form).raise_for_status().json()["access_token"])


def fill(client: httpx.Client) -> Ids:
    """Make what users and devices make."""
    for name, email in (("Ada", ADA), ("Grace", GRACE)):
        post(client, "users", {"email": email, "name": name, "password": PASSWORD})
    ada, grace = log_in(client, ADA), log_in(client, GRACE)
    project = post(client, "projects", {"name": "Greenhouses"}, ada)["id"]
    invitation = post(client, f"projects/{project}/invitations", {"role": "editor"}, ada)
    post(client, "invitations/accept", {"secret": invitation["secret"]}, grace)
    project_key = key_of(post(client, f"projects/{project}/api_keys", {"role": "viewer", "label": "notebook"}, ada))
    enrollment_key = key_of(
        post(client, f"projects/{project}/enrollment_keys", {"label": "factory", "max_uses": 5, "expires_at": FAR}, ada)
    )
    devices, device_keys = list[str](), list[tuple[str, str]]()
    for number in range(4):
        body = {"name": f"pump {number}", "labels": {"site": "north" if number % 2 else "south"}}
        devices.append(post(client, f"projects/{project}/devices", body, grace)["id"])
        device_keys.append(key_of(post(client, f"devices/{devices[-1]}/api_keys", {}, ada)))
    ids = Ids(project, devices, project_key, device_keys, enrollment_key)
    for device in range(3):
        for day, version in enumerate(["1.0", "1.0", "1.1", "2.0-rc.1", "1.1"][: 5 - device], start=1):
            report(client, ids, device, version, f"2026-03-{day:02}T10:00:00Z")
    report(client, ids, 0, "1.05", "2026-03-02T18:00:00Z")  # late, which splits what was known
    post(client, f"devices/{devices[3]}/firmware_reports", batch("3.0", "3.1"), device_keys[3])
    post(client, f"devices/{devices[2]}/retire", {}, ada)
    return ids


def report(client: httpx.Client, ids: Ids, device: int, version: str, at: str) -> None:
    body = {"version": version, "observed_at": at}
    post(client, f"devices/{ids.devices[device]}/firmware_version", body, ids.device_keys[device])


def batch(*versions: str) -> dict[str, Any]:
    """What a device observed in a boot without a clock, and in the next one."""

    def reading(boot_id: str, number: int, milliseconds: int) -> dict[str, Any]:
        return {"boot_id": boot_id, "boot_sequence": number, "boot_time_ms": milliseconds}

    boots = [(BOOT, 1), (NEXT_BOOT, 2)]
    records = [
        {"first_observed": reading(*boot, 5_000), "components": [{"version": version}]}
        for boot, version in zip(boots, versions, strict=True)
    ]
    return {"sent": reading(NEXT_BOOT, 2, 9_000), "records": records}


def told(client: httpx.Client, ids: Ids) -> Json:
    """All that members and keys can read."""
    ada, project = log_in(client, ADA), f"projects/{ids.project}"
    paths = {
        ada: [
            "users/me",
            "projects",
            project,
            *(
                f"{project}/{name}"
                for name in ("members", "invitations", "api_keys", "enrollment_keys", "audit_events")
            ),
            *(f"{project}/devices?state={state}" for state in ("active", "retired")),
            *(f"devices/{device}/api_keys" for device in ids.devices),
        ],
        ids.project_key: [f"devices/{device}/firmware_version" for device in ids.devices],
    }
    return {
        path: client.get(f"/v1/{path}", auth=auth).raise_for_status().json()
        for auth, listed in paths.items()
        for path in listed
    }


def leaves(told: Json, at: str = "") -> dict[str, Json]:
    """Lay out flat what was told, by its place; when a key was last used is noted later."""
    if isinstance(told, dict):
        inner = [*told.items()]
    elif isinstance(told, list):
        inner = [(str(index), value) for index, value in enumerate(told)]
    else:
        return {at: told}
    of_all = {place: leaf for name, value in inner for place, leaf in leaves(value, f"{at}/{name}").items()}
    return {place: leaf for place, leaf in of_all.items() if not place.endswith("/last_used_at")}


def test_an_upgrade_keeps_all_that_an_old_server_has_stored(empty_database_url: str, before: dict[str, str]) -> None:
    url = empty_database_url
    assert run("migrate", FIRMTRAIL_DATABASE_URL=url, **before).returncode == 0
    with serving(url, **before) as old:
        ids = fill(old)
        known = leaves(told(old, ids))

    refused = run("serve", FIRMTRAIL_DATABASE_URL=url)
    assert (refused.returncode, "firmtrail-server migrate" in refused.stderr) == (os.EX_SOFTWARE, True)
    migrated = run("migrate", FIRMTRAIL_DATABASE_URL=url)
    assert migrated.returncode == 0, migrated.stderr

    with serving(url) as new:
        told_now = leaves(told(new, ids))
        assert {place: told_now.get(place) for place in known} == known
        counted = new.get(f"/v1/projects/{ids.project}/firmware_versions", auth=ids.project_key).raise_for_status()
        assert {item["version"]: item["devices"] for item in counted.json()["items"]} == {
            "1.1": 1,
            "2.0-rc.1": 1,
            "3.1": 1,
        }
        report(new, ids, 0, "2.0", "2026-03-20T10:00:00Z")
        enrolled = post(new, "enroll", {"name": "pump 9", "hardware_fingerprint": "QX-74220191"}, ids.enrollment_key)
        assert enrolled["device"]["project_id"] == ids.project
        assert run("check-derived", FIRMTRAIL_DATABASE_URL=url).returncode == 0
